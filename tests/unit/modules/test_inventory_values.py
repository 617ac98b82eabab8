"""inventory_values: values leaf by leaf; secrets by name, by option, by how they are kept and what they are made of."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.holdfast.platform.plugins.plugin_utils.inventory_values import (
    HIDDEN,
    MADE,
    SECRET,
    Known,
    Leaf,
    Marks,
    Said,
    known_secrets,
    leaves,
)

PASSWORD = {"type": "str", "no_log": True}
USERS = {"type": "list", "elements": "dict", "options": {"name": {"type": "str"}, "password": PASSWORD}}
OF_ONE = known_secrets(["database_password"], {"database_password": ["x"]}, lambda _raw: False)


def found(
    name: str, value: Any, raw: Any = None, option: Any = None, known: Known = OF_ONE
) -> dict[str, tuple[Any, str]]:
    said = Said(value if raw is None else raw, option or {})
    return {".".join(path): tuple(leaf) for path, leaf in leaves((name,), value, said, known)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, {"x": (5, "")}),
        (None, {"x": (None, "")}),
        ({}, {"x": ({}, "")}),
        ([], {"x": ([], "")}),
        ({"a": 1, "b": {"c": [1, 2]}}, {"x.a": (1, ""), "x.b.c": ([1, 2], "")}),
        ({"a.b": 1, 5: 2}, {"x.a.b": (1, ""), "x.5": (2, "")}),
        ([{"name": "one", "port": 1}], {"x.one.name": ("one", ""), "x.one.port": (1, "")}),
        # Names that do not tell the entries apart, or entries without
        ([{"name": "one"}, {"name": "one"}], {"x": ([{"name": "one"}, {"name": "one"}], "")}),
        ([{"name": "one"}, {"port": 1}], {"x": ([{"name": "one"}, {"port": 1}], "")}),
        ([{"name": 1}], {"x": ([{"name": 1}], "")}),
        ([{"name": "one"}, "two"], {"x": ([{"name": "one"}, "two"], "")}),
    ],
)
def test_a_leaf_has_the_path_that_people_would_write(value: Any, expected: dict[str, Any]) -> None:
    assert found("x", value) == expected


@pytest.mark.parametrize(
    ("name", "value", "raw", "option", "kinds"),
    [
        # By its name: what `make secrets` generates, with everything inside it
        ("database_password", "short", None, {}, {"database_password": SECRET}),
        ("database_password", {"a": "b"}, None, {}, {"database_password.a": SECRET}),
        ("database_password", 5, None, {}, {"database_password": HIDDEN}),
        ("database_password", "", None, {}, {"database_password": HIDDEN}),
        # By its option
        ("redis_password", "short", None, PASSWORD, {"redis_password": SECRET}),
        ("some_values", {"A": "b"}, None, {"type": "dict", "no_log": True}, {"some_values.A": HIDDEN}),
        ("some_values", ["a"], None, {"type": "list", "elements": "str", "no_log": True}, {"some_values": SECRET}),
        (
            "users",
            [{"name": "api", "password": "p"}],
            None,
            USERS,
            {"users.api.name": "", "users.api.password": SECRET},
        ),
        ("users", [{"password": "p"}, {"password": "q"}], None, USERS, {"users": SECRET}),
        # By what it is made of
        ("url", "db://pw@host", "db://{{ database_password }}@host", {}, {"url": MADE}),
        ("url", "db://pw@host", "{% if true %}{{ x }}{% endif %}{% set y = database_password %}", {}, {"url": MADE}),
        ("url", "database_password", None, {}, {"url": ""}),
        ("url", "a", "{{ other_database_password_length }}", {}, {"url": ""}),
        ("parts", {"a": "b"}, "{{ {'a': database_password} }}", {}, {"parts.a": HIDDEN}),
        (
            "parts",
            {"a": "b", "c": "d"},
            {"a": "{{ database_password }}", "c": "d"},
            {},
            {"parts.a": MADE, "parts.c": ""},
        ),
        ("parts", ["b", "d"], ["{{ database_password }}", "d"], {}, {"parts": MADE}),
        (
            "users",
            [{"name": "api", "password": "p"}],
            [{"name": "api", "password": "{{ database_password }}"}],
            USERS,
            {"users.api.name": "", "users.api.password": MADE},
        ),
        # By what it sounds like: one letter less is a word
        ("smtp_password", "twelve-chars", None, {}, {"smtp_password": SECRET}),
        ("smtp_password", "eleven-char", None, {}, {"smtp_password": HIDDEN}),
        ("env", {"STRIPE_API_KEY": "twelve-chars"}, None, {}, {"env.STRIPE_API_KEY": SECRET}),
        ("smtp_password_file", "/etc/smtp/password", None, {}, {"smtp_password_file": ""}),
        ("smtp_password_days", 90, None, {}, {"smtp_password_days": ""}),
        ("base_ssh_keys", "ssh-ed25519 AAAA", None, {}, {"base_ssh_keys": ""}),
        ("monkey", "twelve-chars", None, {}, {"monkey": ""}),
    ],
)
def test_secrets_are_told_from_settings(
    name: str, value: Any, raw: Any, option: dict[str, Any], kinds: dict[str, str]
) -> None:
    assert {path: kind for path, (_value, kind) in found(name, value, raw, option).items()} == kinds


def test_a_vaulted_value_is_a_secret_wherever_it_is() -> None:
    known = known_secrets([], {"x": [{"a": "locked", "b": "open"}]}, lambda raw: raw == "locked")
    assert found("x", {"a": "p", "b": "q"}, {"a": "locked", "b": "open"}, {}, known) == {
        "x.a": ("p", SECRET),
        "x.b": ("q", ""),
    }


def test_what_refers_to_a_secret_by_way_of_others_is_made_of_it() -> None:
    raw: dict[str, list[Any]] = {
        "first": ["locked"],
        "second": [["{{ first }}"]],
        "third": ["{{ second[0] }}"],
        "fourth": ["third {{ five }}"],
        "none": [1, None],
    }
    known = known_secrets(["given"], raw, lambda value: value == "locked")
    assert known.own == {"given", "first"}
    assert known.mention is not None
    names = ("first", "second", "third", "given", "fourth", "none")
    mentioned = [bool(known.mention.search(f"{{{{ {name} }}}}")) for name in names]
    assert mentioned == [True, True, True, True, False, False]
    assert known_secrets([], {"a": [1]}, lambda _raw: False).mention is None


MARKS = Marks(
    ["app1", "app1.example.org", "192.0.2.1", "2001:db8::1", "production"], ["0123456789", "short"], ["/srv/inventory"]
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("192.0.2.1", "<host>"),
        ("192.0.2.1:3000", "<host>:3000"),
        ("http://192.0.2.1/x", "http://<host>/x"),
        ("192.0.2.11", "192.0.2.11"),
        ("1192.0.2.1", "1192.0.2.1"),
        ("192.0.2.1.5", "192.0.2.1.5"),
        ("at 192.0.2.1.", "at <host>."),
        ("2001:db8::1", "<host>"),
        ("[2001:db8::1]:80", "[<host>]:80"),
        ("2001:db8::1:2", "2001:db8::1:2"),
        ("app1", "<host>"),
        ("app1.example.org", "<host>"),
        ("app1.example.com", "app1.example.com"),
        ("app1-old", "app1-old"),
        ("my-app1", "my-app1"),
        ("production", "production"),  # a word like others
        ("/srv/inventory/images/x", "<inventory>/images/x"),
        ("/srv/inventory", "<inventory>"),
        ("/srv/inventory2", "/srv/inventory2"),
        ("db://0123456789@app1", "db://<secret>@<host>"),
        ("short", "short"),
        (["app1:1", "192.0.2.1:1", "x", "x"], ["<host>:1", "x", "x"]),
        ({"a": ["app1"], "b": 5}, {"a": ["<host>"], "b": 5}),
        (True, True),
    ],
)
def test_what_is_the_inventorys_own_is_marked(value: Any, expected: Any) -> None:
    assert MARKS.value(value) == expected


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        (Leaf("app1"), Leaf("<host>")),
        (Leaf("0123456789", SECRET), Leaf("0123456789", SECRET)),
        (Leaf("x 0123456789"), Leaf("x <secret>", HIDDEN)),
        (Leaf("x 0123456789 app1", MADE), Leaf("x <secret> <host>", HIDDEN)),
        (Leaf("a digest", MADE), Leaf("<secret>", HIDDEN)),
        (Leaf(["app1"], HIDDEN), Leaf(["<host>"], HIDDEN)),
    ],
)
def test_a_leaf_with_a_secret_inside_is_compared_without_and_hidden(leaf: Leaf, expected: Leaf) -> None:
    assert MARKS.leaf(leaf) == expected


def test_nothing_is_marked_where_nothing_is_known() -> None:
    assert Marks([], []).value("anything at all") == "anything at all"


def test_values_of_other_types_are_other_values() -> None:
    values: list[Any] = [1, True, "1", 1.5, None, [], {}]
    assert len({Leaf(value).key for value in values}) == 7
    assert Leaf({"a": 1, "b": 2}).key == Leaf({"b": 2, "a": 1}).key
