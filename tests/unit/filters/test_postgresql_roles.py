"""Contradictions between roles, databases and access rows are found before any change (PGS-04, PGS-05)."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
SECRET = "Anker & Tau"
SHOP = {"name": "shop", "password": SECRET}
GONE = {"name": "gone", "state": "absent"}
BASE: dict[str, Any] = {"name": "shop", "owner": "shop"}
ENTRY = {"databases": ["shop"], "users": ["shop"], "sources": ["app"]}


@pytest.mark.parametrize(
    ("users", "databases", "access"),
    [
        ([SHOP, {"name": "group", "login": False}, GONE], [BASE], [ENTRY]),
        ([SHOP], [BASE | {"owner": "b", "state": "absent"}], []),
        ([SHOP, GONE], [BASE | {"schemas": [{"name": "a", "owner": "gone", "state": "absent"}]}], []),
        ([SHOP | {"replication": True}], [], [ENTRY | {"databases": ["replication"]}]),
        ([SHOP | {"database_settings": {"shop": {}}}], [BASE, BASE | {"name": "old", "state": "absent"}], [ENTRY]),
        ([GONE | {"database_settings": {"old": {}}}], [BASE | {"name": "old", "owner": "x", "state": "absent"}], []),
        ([{"name": "shop"}], [BASE], [ENTRY | {"method": "cert"}]),  # proves itself by certificate
    ],
)
def test_what_fits_together_is_accepted(
    filters: Filters, users: list[Any], databases: list[Any], access: list[Any]
) -> None:
    names = [user["name"] for user in users if "state" not in user]
    assert filters["postgresql_known_roles"](users, databases, access) == names


@pytest.mark.parametrize(
    ("inventory", "words"),
    [
        (([SHOP | {"password": ""}], [], []), "postgresql_users has no password for shop; give one, or login: false"),
        (([SHOP | {"password": None}], [], []), "postgresql_users has no password for shop; give one, or login: false"),
        (([SHOP | {"password": "Übermut"}], [], []), "a password that is not printable ASCII for shop; generate"),
        (([SHOP], [BASE | {"owner": "b"}, {"name": "x", "owner": "a"}], []), "has the owner a, b, who is not in"),
        (([SHOP | {"member_of": ["postgres", "pg_monitor"]}], [], []), "makes shop a member of postgres, who may do"),
        (([SHOP | {"member_of": ["gone"]}, GONE], [], []), "postgresql_users[shop] names gone, who is absent"),
        (([GONE], [BASE | {"owner": "gone"}], []), "postgresql_databases[shop] names gone, who is absent"),
        (([SHOP, GONE], [BASE | {"grants": [{"role": "gone"}]}], []), "postgresql_databases[shop] names gone"),
        (([SHOP, GONE], [BASE | {"schemas": [{"name": "a", "owner": "gone"}, {"name": "b"}]}], []), "names gone"),
        (([GONE], [], [ENTRY | {"users": ["+gone"]}]), "postgresql_access[0] names gone, who is absent"),
        (
            ([SHOP], [BASE | {"state": "absent"}], [{**ENTRY, "databases": ["all"]}, ENTRY]),
            "postgresql_access[1] names shop, which is absent in postgresql_databases; take one of them out",
        ),
        (
            ([SHOP | {"database_settings": {"shop": {}}}], [BASE | {"state": "absent"}], []),
            "postgresql_users[shop] names shop, which is absent in postgresql_databases; take one of them out",
        ),
        (
            ([SHOP | {"member_of": ["pg_database_owner"]}], [], []),
            "makes shop a member of pg_database_owner, who is whoever owns a database; take it out",
        ),
        (([SHOP], [], [ENTRY, ENTRY | {"databases": ["replication"]}]), "postgresql_access[1] lets shop in for repl"),
    ],
)
def test_each_contradiction_is_one_sentence(refusal: Refusal, inventory: tuple[list[Any], ...], words: str) -> None:
    message = refusal("postgresql_known_roles", *inventory)
    assert words in message
    assert "\n" not in message


def test_other_input_is_refused(refusal: Refusal) -> None:
    assert "postgresql_users must be a list of dicts" in refusal("postgresql_known_roles", {}, [], [])
    assert "postgresql_access must be a list of dicts" in refusal("postgresql_known_roles", [], [], ["app"])


# The first characters are in no sentence; other text might be, by chance
@given(password=st.text().map("~^".__add__))
def test_no_sentence_holds_a_password(refusal: Refusal, password: str) -> None:
    message = refusal("postgresql_known_roles", [SHOP | {"password": password, "member_of": ["postgres"]}], [], [])
    assert password not in message
