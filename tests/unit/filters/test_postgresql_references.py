"""Names that refer to nothing, and extensions that the server could not have (PGS-04, PGS-05, PGS-15)."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]

USERS: list[dict[str, Any]] = [
    {"name": "shop"},
    {"name": "readers", "login": False},
    {"name": "report", "member_of": ["readers"]},
]
SHOP = {
    "name": "shop",
    "owner": "shop",
    "schemas": [{"name": "audit", "owner": "readers"}, {"name": "free"}],
    "grants": [{"role": "report"}, {"role": "pg_monitor"}],
    "extensions": [{"name": "pg_trgm"}, {"name": "uuid-ossp"}],
}
OPTIONS: dict[str, Any] = {
    "users": [{**user, "password": "Anker-und-Tau"} for user in USERS],
    "databases": [SHOP],
    "access": [{"databases": ["shop", "all"], "users": ["shop", "+readers", "all"], "sources": []}],
    "settings": {},
}


def found(filters: Filters, version: int = 17, there: Any = None, **options: Any) -> str:
    """Return the findings with some options, named without their prefix, as lines."""
    given = {f"postgresql_{name}": value for name, value in {**OPTIONS, **options}.items()}
    facts = {"postgresql": there} if there else {}
    return "\n".join(filters["postgresql_role_findings"](given, facts, version))


def test_what_refers_to_what_there_is_passes(filters: Filters) -> None:
    assert found(filters) == ""


def wanting(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [SHOP | {"extensions": [{"name": name, **more} for name in names]}]


def test_an_extension_brings_its_package(filters: Filters, refusal: Refusal) -> None:
    packages = filters["postgresql_extension_packages"]
    assert packages(wanting("vector", "pg_cron", "pg_trgm", "postgis", "postgis_raster"), 15) == [
        "postgresql-15-cron",
        "postgresql-15-pgvector",
        "postgresql-15-postgis-3",
    ]
    assert packages(wanting("plpython3u"), 17) == ["postgresql-plpython3-17"]
    assert packages(wanting("vector", state="absent"), 17) == []
    assert packages([*wanting("vector"), {"name": "x", "owner": "y"}], 17) == ["postgresql-17-pgvector"]
    assert packages([wanting("vector")[0] | {"state": "absent"}], 17) == []
    assert "databases must be a list" in refusal("postgresql_extension_packages", {}, 17)


def test_an_extension_that_has_to_be_loaded(filters: Filters) -> None:
    assert found(filters, databases=wanting("vector")) == ""
    assert found(filters, databases=wanting("pg_cron")).splitlines() == [
        "extension pg_cron of database shop has to be preloaded; set shared_preload_libraries in postgresql_settings "
        "to 'pg_stat_statements, pg_cron'",
        "extension pg_cron of database shop works in one database only; set cron.database_name in "
        "postgresql_settings to shop",
    ]
    cured = {"shared_preload_libraries": "pg_stat_statements, pg_cron", "cron.database_name": "shop"}
    assert found(filters, databases=wanting("pg_cron"), settings=cured) == ""
    usual = [
        SHOP | {"name": "postgres", "extensions": [{"name": "pg_cron"}]}
    ]  # where pg_cron is unless it is told otherwise
    loaded = {"shared_preload_libraries": "pg_stat_statements, pg_cron"}
    assert "one database only" not in found(filters, databases=usual, settings=loaded)
    assert "'pg_stat_statements, pgaudit'" in found(filters, databases=wanting("pgaudit"))
    assert "'pgaudit'" in found(filters, databases=wanting("pgaudit"), settings={"shared_preload_libraries": ""})
    assert found(filters, databases=wanting("pgaudit", state="absent"), settings={}) == ""


def test_an_extension_that_nobody_installs(filters: Filters) -> None:
    assert found(filters, databases=wanting("timescaledb")) == (
        "extension timescaledb of database shop is not on the host; install the package that brings it there "
        "(apt-cache search postgresql-17- lists them)"
    )
    assert found(filters, databases=wanting("timescaledb"), there={"extensions": ["timescaledb"]}) == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"users": [*OPTIONS["users"], {"name": "a", "login": False, "member_of": ["nobody"]}]},
            "postgresql_users[a] names nobody, which is not a role",
        ),
        (
            {"users": [*OPTIONS["users"], {"name": "a", "login": False, "database_settings": {"shoq": {}}}]},
            "postgresql_users[a] names shoq, which",
        ),
        (
            {"databases": [SHOP | {"grants": [{"role": "ghost"}]}]},
            "postgresql_databases[shop] names ghost, which is not",
        ),
        (
            {"databases": [SHOP | {"schemas": [{"name": "s", "owner": "ghost"}]}]},
            "postgresql_databases[shop] names ghost",
        ),
        ({"access": [{"databases": ["shoq"], "users": ["shop"]}]}, "postgresql_access[0] names shoq, which is not"),
        (
            {"access": [{"databases": ["shop"], "users": ["+ghosts"]}]},
            "postgresql_access[0] names ghosts, which is not",
        ),
        ({"databases": []}, "postgresql_access[0] names shop, which is not a database; add it to postgresql_databases"),
    ],
)
def test_names_that_refer_to_nothing(filters: Filters, options: dict[str, Any], said: str) -> None:
    assert said in found(filters, **options)
    there = {"roles": ["nobody", "ghost", "ghosts"], "owners": {"shop": "shop", "shoq": "shop"}}
    assert found(filters, **options, there=there) == ""


MONITOR = {"name": "m", "login": False, "member_of": ["pg_monitor", "pg_checkpoint"]}


@pytest.mark.parametrize(
    ("options", "version", "said"),
    [
        ({"users": [*OPTIONS["users"], MONITOR]}, 15, ""),
        ({"users": [*OPTIONS["users"], {"name": "m", "login": False, "member_of": ["pg_maintain"]}]}, 17, ""),
        ({"access": [{"databases": ["template1", "postgres"], "users": ["+pg_monitor", "postgres"]}]}, 15, ""),
        ({"databases": [SHOP | {"schemas": [{"name": "s", "owner": "pg_database_owner"}]}]}, 15, ""),
        (
            {"users": [*OPTIONS["users"], {"name": "m", "login": False, "member_of": ["pg_maintain"]}]},
            15,
            "postgresql_users[m] names pg_maintain, which is not a role of PostgreSQL 15; take it out",
        ),
        (
            {"users": [*OPTIONS["users"], {"name": "m", "login": False, "member_of": ["pg_monitro"]}]},
            17,
            "postgresql_users[m] names pg_monitro, which is not a role of PostgreSQL 17; take it out",
        ),
        (
            {"databases": [SHOP | {"grants": [{"role": "pg_reader"}]}]},
            17,
            "postgresql_databases[shop] names pg_reader, which is not a role of PostgreSQL 17; take it out",
        ),
        (
            {"access": [{"databases": ["all"], "users": ["+pg_readers"]}]},
            17,
            "postgresql_access[0] names pg_readers, which is not a role of PostgreSQL 17; take it out",
        ),
    ],
)
def test_roles_of_postgresql_itself(filters: Filters, options: dict[str, Any], version: int, said: str) -> None:
    assert found(filters, **options, version=version) == said
