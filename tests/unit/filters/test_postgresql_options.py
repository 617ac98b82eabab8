"""Options of role postgresql that cannot work, and names that refer to nothing (PGS-04, PGS-05, PGS-15)."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
USERS = [{"name": "shop"}, {"name": "readers", "login": False}, {"name": "report", "member_of": ["readers"]}]
SHOP = {
    "name": "shop",
    "owner": "shop",
    "schemas": [{"name": "audit", "owner": "readers"}, {"name": "free"}],
    "grants": [{"role": "report"}, {"role": "pg_monitor"}],
    "extensions": [{"name": "pg_trgm"}, {"name": "uuid-ossp"}],
}
OPTIONS: dict[str, Any] = {
    "version": 17,
    "users": USERS,
    "databases": [SHOP],
    "access": [{"databases": ["shop", "all", "replication"], "users": ["shop", "+readers", "all"], "sources": []}],
    "settings": {"shared_preload_libraries": "pg_stat_statements"},
    "listen_addresses": ["localhost", "10.0.0.1", "::1", "*", "db.example.org"],
    "max_connections": 4,
    "synchronous_standbys": 0,
    "primary": "",
    "rebuild": "",
    "rejoin": "",
    "replication_hosts": [{"name": "data1", "address": "10.0.0.1"}, {"name": "data-2.x", "address": "b.example.org"}],
    "slots": ["holdfast_data1", "holdfast_data_2_x"],
    "roles_there": [],
    "databases_there": [],
    "extensions_there": [],
}


def found(filters: Filters, **options: Any) -> str:
    return "\n".join(filters["postgresql_option_findings"](OPTIONS | options))


def test_what_can_work_passes(filters: Filters, refusal: Refusal) -> None:
    assert found(filters) == ""
    assert found(filters, primary="data1", rejoin="data-2.x", rebuild="data1") == ""
    assert found(filters, replication_hosts=[], slots=[]) == ""
    assert "options must be a dict" in refusal("postgresql_option_findings", [])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"listen_addresses": []}, "postgresql_listen_addresses is empty; give at least localhost"),
        ({"listen_addresses": ["10.0.0.300"]}, "postgresql_listen_addresses has '10.0.0.300'; give addresses"),
        ({"listen_addresses": ["eth 0"]}, "has 'eth 0'"),
        ({"listen_addresses": [""]}, "has ''"),
        ({"max_connections": 3}, "postgresql_max_connections is 3, and 3 of them are for superusers alone; give 4"),
        ({"synchronous_standbys": -1}, "postgresql_synchronous_standbys is -1; give 0 or more"),
        ({"primary": "data9"}, "postgresql_initial_primary is 'data9'; name one of data-2.x, data1"),
        ({"rebuild": "x"}, "postgresql_rebuild is 'x'; name one of"),
        ({"rejoin": "x"}, "postgresql_rejoin is 'x'; name one of"),
    ],
)
def test_what_cannot_work(filters: Filters, options: dict[str, Any], said: str) -> None:
    assert said in found(filters, **options)


@pytest.mark.parametrize(
    ("hosts", "slots", "said"),
    [
        ([("a b", "10.0.0.1")], ["s"], "host 'a b' cannot replicate; give it a name of letters"),
        ([("größe", "10.0.0.1")], ["s"], "host 'größe' cannot replicate"),
        ([("a", "10.0.0.300")], ["s"], "postgresql_replication_hosts has the address '10.0.0.300' of a"),
        ([("a", "10.0.0.1"), ("a", "10.0.0.2")], ["s", "s"], "postgresql_replication_hosts lists a twice"),
        ([("a-b", "10.0.0.1"), ("a.b", "10.0.0.2")], ["s_a_b"] * 2, "hosts a-b and a.b would share the replication"),
    ],
)
def test_servers_that_could_not_be_told_apart(filters: Filters, hosts: Any, slots: list[str], said: str) -> None:
    entries = [{"name": name, "address": address} for name, address in hosts]
    assert said in found(filters, replication_hosts=entries, slots=slots)


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
        "extension pg_cron of database shop has to be loaded; set shared_preload_libraries in postgresql_settings to "
        "'pg_stat_statements, pg_cron'",
        "extension pg_cron of database shop works in one database alone; set cron.database_name in "
        "postgresql_settings to shop",
    ]
    cured = {"shared_preload_libraries": "pg_stat_statements, pg_cron", "cron.database_name": "shop"}
    assert found(filters, databases=wanting("pg_cron"), settings=cured) == ""
    usual = [
        SHOP | {"name": "postgres", "extensions": [{"name": "pg_cron"}]}
    ]  # where pg_cron is unless it is told otherwise
    loaded = {"shared_preload_libraries": "pg_stat_statements, pg_cron"}
    assert "one database alone" not in found(filters, databases=usual, settings=loaded)
    assert "'pgaudit'" in found(filters, databases=wanting("pgaudit"), settings={})
    assert found(filters, databases=wanting("pgaudit", state="absent"), settings={}) == ""


def test_an_extension_that_nobody_installs(filters: Filters) -> None:
    assert found(filters, databases=wanting("timescaledb")) == (
        "extension timescaledb of database shop is not on the host; install the package that brings it there "
        "(apt-cache search postgresql-17- lists them)"
    )
    assert found(filters, databases=wanting("timescaledb"), extensions_there=["timescaledb"]) == ""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"users": [*USERS, {"name": "a", "member_of": ["nobody"]}]},
            "postgresql_users[a] names nobody, who is no role",
        ),
        (
            {"users": [*USERS, {"name": "a", "database_settings": {"shoq": {}}}]},
            "postgresql_users[a] names shoq, which",
        ),
        ({"databases": [SHOP | {"grants": [{"role": "ghost"}]}]}, "postgresql_databases[shop] names ghost, who is no"),
        (
            {"databases": [SHOP | {"schemas": [{"name": "s", "owner": "ghost"}]}]},
            "postgresql_databases[shop] names ghost",
        ),
        ({"access": [{"databases": ["shoq"], "users": ["shop"]}]}, "postgresql_access[0] names shoq, which is none"),
        ({"access": [{"databases": ["shop"], "users": ["+ghosts"]}]}, "postgresql_access[0] names ghosts, who is no"),
        ({"databases": []}, "postgresql_access[0] names shop, which is none; add it to postgresql_databases"),
    ],
)
def test_names_that_refer_to_nothing(filters: Filters, options: dict[str, Any], said: str) -> None:
    assert said in found(filters, **options)
    there = {"roles_there": ["nobody", "ghost", "ghosts"], "databases_there": ["shop", "shoq"]}
    assert found(filters, **options, **there) == ""


MONITOR = {"name": "m", "member_of": ["pg_monitor", "pg_checkpoint"]}


@pytest.mark.parametrize(
    ("options", "version", "said"),
    [
        ({"users": [*USERS, MONITOR]}, 15, ""),
        ({"users": [*USERS, {"name": "m", "member_of": ["pg_maintain"]}]}, 17, ""),
        ({"access": [{"databases": ["template1", "postgres"], "users": ["+pg_monitor", "postgres"]}]}, 15, ""),
        ({"databases": [SHOP | {"schemas": [{"name": "s", "owner": "pg_database_owner"}]}]}, 15, ""),
        (
            {"users": [*USERS, {"name": "m", "member_of": ["pg_maintain"]}]},
            15,
            "postgresql_users[m] names pg_maintain, who is no role of PostgreSQL 15; take it out",
        ),
        (
            {"users": [*USERS, {"name": "m", "member_of": ["pg_monitro"]}]},
            17,
            "postgresql_users[m] names pg_monitro, who is no role of PostgreSQL 17; take it out",
        ),
        (
            {"databases": [SHOP | {"grants": [{"role": "pg_reader"}]}]},
            17,
            "postgresql_databases[shop] names pg_reader, who is no role of PostgreSQL 17; take it out",
        ),
        (
            {"access": [{"databases": ["all"], "users": ["+pg_readers"]}]},
            17,
            "postgresql_access[0] names pg_readers, who is no role of PostgreSQL 17; take it out",
        ),
    ],
)
def test_roles_of_postgresql_itself(filters: Filters, options: dict[str, Any], version: int, said: str) -> None:
    assert found(filters, **options, version=version) == said


def test_an_absent_database_is_said_elsewhere(filters: Filters) -> None:
    """By postgresql_role_findings, with another cure than to add it."""
    assert found(filters, databases=[SHOP | {"state": "absent"}]) == ""
