"""Roles and databases that PostgreSQL would refuse because of their form (PGS-03, PGS-04)."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
NAMES = ["postgresql_users", "postgresql_databases"]
# Everything at its bounds: what is right must pass this very filter
ROLES = [
    {"name": "a" * 63, "password": "~ printable !", "connection_limit": -1, "member_of": ["readers", "pg_monitor"]},
    {"name": "readers", "login": False, "connection_limit": 0, "settings": {"work_mem": "8MB", "jit": False}},
    {
        "name": "_x1",
        "password": "p",
        "connection_limit": 2147483647,
        "database_settings": {"shop": {"pgaudit.log": 1.5}},
    },
    {"name": "gone", "state": "absent"},
]
DATABASES = [
    {
        "name": "shop",
        "owner": "_x1",
        "settings": {"statement_timeout": 0},
        "extensions": [{"name": "uuid-ossp"}, {"name": "pg_trgm", "state": "absent"}],
        "schemas": [{"name": "audit", "owner": "readers"}, {"name": "public"}, {"name": "old", "state": "absent"}],
        "grants": [{"role": "readers"}, {"role": "readers", "schema": "audit", "level": "read"}],
    }
]


def found(filters: Filters, roles: Any, databases: Any = ()) -> str:
    return "\n".join(filters["postgresql_state_findings"](list(roles), list(databases), NAMES))


def test_what_is_right_passes(filters: Filters) -> None:
    assert found(filters, ROLES, DATABASES) == ""
    assert found(filters, []) == ""


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ({"name": "my-app"}, "the name of a role in postgresql_users is 'my-app'; use lower-case letters"),
        ({"name": "My_App"}, "is 'My_App'"),
        ({"name": "a" * 64}, "at most 63"),
        ({"name": "1st"}, "is '1st'"),
        ({"name": ""}, "is ''"),
        ({"name": "postgres"}, "role postgres belongs to PostgreSQL; choose another name in postgresql_users"),
        ({"name": "pg_mine"}, "role pg_mine belongs to PostgreSQL"),
        ({"name": "public"}, "role public in postgresql_users would be taken for a word of PostgreSQL"),
        ({"name": "all"}, "would be taken for a word"),
        ({"member_of": ["b c"]}, "the name of a role in postgresql_users is 'b c'"),
        ({"member_of": ["a"]}, "role a in postgresql_users would be a member of itself"),
        ({"password": "größer"}, "the password of role a in postgresql_users must be printable ASCII"),
        ({"connection_limit": -2}, "connection_limit of role a in postgresql_users is -2; give a number from 0, or -1"),
        ({"connection_limit": 2147483648}, "is 2147483648"),
        ({"settings": {"Work Mem": 1}}, "the settings of role a in postgresql_users must be names"),
        ({"settings": {"jit": None}}, "got 'jit'"),
        ({"settings": {"jit": ["on"]}}, "got 'jit'"),
        ({"settings": {"search_path": "a\nb"}}, "got 'search_path'"),
        ({"settings": ["jit"]}, "must be names with text"),
        ({"database_settings": {"My-App": {}}}, "a database in the settings of role a is 'My-App'"),
        ({"database_settings": {"shop": {"jit": {}}}}, "role a in database shop must be names"),
    ],
)
def test_a_role_that_would_be_refused(filters: Filters, role: dict[str, Any], said: str) -> None:
    sentences = found(filters, [{"name": "a"} | role])
    assert said in sentences
    assert "größer" not in sentences


@pytest.mark.parametrize(
    ("database", "said"),
    [
        ({"name": "My-App"}, "the name of a database in postgresql_databases is 'My-App'; use lower-case letters"),
        ({"name": "d" * 64}, "at most 63"),
        ({"name": "replication"}, "database replication in postgresql_databases would be taken for a word of pg_hba"),
        ({"owner": "my-app"}, "the owner of database d in postgresql_databases is 'my-app'"),
        ({"settings": {"jit": "a\nb"}}, "the settings of database d in postgresql_databases must be names"),
        ({"extensions": [{"name": "Vector"}]}, "'Vector' in postgresql_databases is not the name of an extension"),
        ({"extensions": [{"name": "x"}, {"name": "x"}]}, "database d in postgresql_databases lists x twice"),
        ({"schemas": [{"name": "A"}]}, "the name of a schema of database d in postgresql_databases is 'A'"),
        ({"schemas": [{"name": "s", "owner": "A"}]}, "the owner of schema s is 'A'"),
        ({"schemas": [{"name": "pg_mine"}]}, "schema pg_mine of database d in postgresql_databases belongs to Postgre"),
        ({"schemas": [{"name": "information_schema"}]}, "schema information_schema of database d"),
        ({"schemas": [{"name": "s"}, {"name": "s"}]}, "lists s twice"),
        ({"grants": [{"role": "A"}]}, "the role of a grant of database d in postgresql_databases is 'A'"),
        ({"grants": [{"role": "r", "schema": "S"}]}, "the schema of a grant of database d"),
        ({"grants": [{"role": "r"}, {"role": "r", "level": "read"}]}, "lists the grant r in public twice"),
        (
            {"schemas": [{"name": "s", "state": "absent"}], "grants": [{"role": "r", "schema": "s"}]},
            "names schema s, which is absent; take one of them out",
        ),
    ],
)
def test_a_database_that_would_be_refused(filters: Filters, database: dict[str, Any], said: str) -> None:
    assert said in found(filters, [], [{"name": "d", "owner": "o"} | database])


def test_what_is_listed_twice_and_circles(filters: Filters) -> None:
    circle = [{"name": "a", "member_of": ["b"]}, {"name": "b", "member_of": ["c"]}, {"name": "c", "member_of": ["a"]}]
    assert found(filters, circle).count("would be a member of itself") == 3
    assert found(filters, [*circle[:2], {**circle[2], "state": "absent"}]) == ""
    assert "postgresql_users lists a twice; join the entries" in found(filters, [{"name": "a"}, {"name": "a"}])
    database = {"name": "d", "owner": "o"}
    assert "postgresql_databases lists d twice" in found(filters, [], [database, database])
