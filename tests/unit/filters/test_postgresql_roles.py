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


def contradictions(filters: Filters, *inventory: list[Any]) -> list[str]:
    """Return the findings of users, databases and access rows on a host that has all other names."""
    names = ("postgresql_users", "postgresql_databases", "postgresql_access")
    facts = {"postgresql": {"roles": ["gone", "shop", "a", "b"], "owners": {"old": "x", "shop": "shop"}}}
    options: dict[str, Any] = {**dict(zip(names, inventory, strict=True)), "postgresql_settings": {}}
    result: list[str] = filters["postgresql_role_findings"](options, facts, 17)
    return result


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
    assert contradictions(filters, users, databases, access) == []


@pytest.mark.parametrize(
    ("inventory", "words"),
    [
        (([SHOP | {"password": ""}], [], []), "postgresql_users has no password for shop; give one, or login: false"),
        (([SHOP | {"password": None}], [], []), "postgresql_users has no password for shop; give one, or login: false"),
        (([SHOP | {"password": "Übermut"}], [], []), "a password that is not printable ASCII for shop; generate"),
        (([SHOP], [BASE | {"owner": "b"}, {"name": "x", "owner": "a"}], []), "has the owner a, b, which is not in"),
        (
            ([SHOP | {"member_of": ["postgres", "pg_monitor"]}], [], []),
            "makes shop a member of postgres, who could become superuser; take it out",
        ),
        (
            ([SHOP | {"member_of": ["gone"]}, GONE], [], []),
            "postgresql_users[shop] names gone, which is marked state: absent",
        ),
        (
            ([GONE], [BASE | {"owner": "gone"}], []),
            "postgresql_databases[shop] names gone, which is marked state: absent",
        ),
        (([SHOP, GONE], [BASE | {"grants": [{"role": "gone"}]}], []), "postgresql_databases[shop] names gone"),
        (([SHOP, GONE], [BASE | {"schemas": [{"name": "a", "owner": "gone"}, {"name": "b"}]}], []), "names gone"),
        (
            ([GONE], [], [ENTRY | {"users": ["+gone"]}]),
            "postgresql_access[0] names gone, which is marked state: absent",
        ),
        (
            ([SHOP], [BASE | {"state": "absent"}], [{**ENTRY, "databases": ["all"]}, ENTRY]),
            "postgresql_access[1] names shop, which is marked state: absent in postgresql_databases",
        ),
        (
            ([SHOP | {"database_settings": {"shop": {}}}], [BASE | {"state": "absent"}], []),
            "postgresql_users[shop] names shop, which is marked state: absent in postgresql_databases",
        ),
        (
            ([SHOP | {"member_of": ["pg_database_owner"]}], [], []),
            "makes shop a member of pg_database_owner, whose only member is the owner of a database; take it out",
        ),
        (([SHOP], [], [ENTRY, ENTRY | {"databases": ["replication"]}]), "postgresql_access[1] lets shop in for repl"),
    ],
)
def test_each_contradiction_is_one_sentence(filters: Filters, inventory: tuple[list[Any], ...], words: str) -> None:
    (sentence,) = contradictions(filters, *inventory)
    assert words in sentence


def test_without_the_users_only_extensions_are_judged(filters: Filters, refusal: Refusal) -> None:
    """A placeholder among the passwords has its own sentence, and no owner is said to be unknown for it."""
    database = BASE | {"extensions": [{"name": "nonesuch"}]}
    options = {"postgresql_databases": [database], "postgresql_access": [ENTRY], "postgresql_settings": {}}
    (sentence,) = filters["postgresql_role_findings"](options, {}, 17)
    assert sentence.startswith("extension nonesuch of database shop is not on the host")
    assert "must be dicts" in refusal("postgresql_role_findings", [], {}, 17)
    assert "must be dicts" in refusal("postgresql_role_findings", {}, [], 17)


# The first characters are in no sentence; other text might be, by chance
@given(password=st.text().map("~^".__add__))
def test_no_sentence_holds_a_password(filters: Filters, password: str) -> None:
    found = contradictions(filters, [SHOP | {"password": password, "member_of": ["postgres"]}], [], [])
    assert found
    assert not any(password in sentence for sentence in found)
