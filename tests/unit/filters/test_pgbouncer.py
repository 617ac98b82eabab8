"""The pools of pgbouncer fit their servers."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]

SERVER = {"address": "data1", "max_connections": 100}


def sizes(result: dict[str, Any]) -> list[tuple[int, int]]:
    """Size of each user's pool, and all connections of the database."""
    return [(entry["pool_size"], entry["max_db_connections"]) for entry in result["databases"]]


@pytest.mark.parametrize(
    ("databases", "instances", "reserve", "wanted"),
    [
        ([{"name": "a"}], 1, 0, [(84, 85)]),  # 100 - 15 - 1
        ([{"name": "a"}], 2, 0, [(41, 42)]),  # 85 // 2 - 1
        ([{"name": "a"}, {"name": "b"}], 1, 0, [(42, 43), (41, 42)]),  # 85 - 2 shared by two
        ([{"name": "a", "pool_size": 20}, {"name": "b"}], 1, 0, [(20, 21), (63, 64)]),
        ([{"name": "a", "pool_size": 20}], 4, 16, [(20, 21)]),  # 4 x 21 + 16 is exactly 100
        ([{"name": "a", "pool_size": 21, "users": 2}], 1, 0, [(10, 22)]),
        ([{"name": "b", "pool_size": 1}, {"name": "a", "pool_size": 2}], 1, 0, [(2, 3), (1, 2)]),  # by name
    ],
)
def test_sizes(
    filters: Filters, databases: list[dict[str, Any]], instances: int, reserve: int, wanted: list[tuple[int, int]]
) -> None:
    """What is not given is shared; one connection per database looks up users (PGS-13)."""
    assert sizes(filters["pgbouncer_budget"](databases, [SERVER], instances, reserve)) == wanted


def test_each_server_has_its_own_sum(filters: Filters) -> None:
    """A database is on the first server unless it says otherwise; small servers keep ten connections."""
    servers = [SERVER, {"address": "data2", "port": 5433, "max_connections": 20}]
    databases = [{"name": "a"}, {"name": "b", "server": "data2", "database": "x", "pool_mode": "session"}]
    result = filters["pgbouncer_budget"](databases, servers)
    assert result["databases"] == [
        {
            "name": "a",
            "database": "a",
            "host": "data1",
            "port": 5432,
            "pool_mode": "",
            "pool_size": 84,
            "max_db_connections": 85,
        },
        {
            "name": "b",
            "database": "x",
            "host": "data2",
            "port": 5433,
            "pool_mode": "session",
            "pool_size": 9,
            "max_db_connections": 10,
        },
    ]
    assert result["reasons"] == [
        "data1: 1 x (a 84 + 1) + 15 reserved = 100 of 100 connections",
        "data2: 1 x (b 9 + 1) + 10 reserved = 20 of 20 connections",
        "max_client_conn 950: clients share 95 connections",
    ]


def test_clients_files_and_memory(filters: Filters) -> None:
    """Twice max_connections always find a place (PGS-12); limits of files change in steps."""
    small = filters["pgbouncer_budget"]([{"name": "a", "pool_size": 4}], [SERVER])
    assert (small["max_client_conn"], small["open_files"], small["memory_mb"]) == (200, 4096, 16 + 13)
    large = filters["pgbouncer_budget"]([{"name": "a", "pool_size": 4}], [SERVER], 1, 0, 5000)
    assert (large["max_client_conn"], large["open_files"], large["memory_mb"]) == (5000, 16384, 16 + 313)


def test_what_does_not_fit_is_refused_with_the_sum(refusal: Refusal) -> None:
    """Variable, value and fix (pre-pool-budget)."""
    assert refusal("pgbouncer_budget", [{"name": "a", "pool_size": 21}], [SERVER], 4, 16) == (
        "pgbouncer_databases needs too many connections of data1: 4 x (a 21 + 1) + 16 reserved = 104, max_connections "
        "is 100; lower the sum of pool_size by 1, or lower pgbouncer_reserved_connections by 4, or raise "
        "postgresql_max_connections to 104"
    )
    assert "1 x (a 1 + 1 + b 1 + 1) + 99 reserved = 103" in refusal(
        "pgbouncer_budget", [{"name": "a"}, {"name": "b"}], [SERVER], 1, 99
    )
    assert "pool_size of a is 2, its 3 users need one connection each; raise it to 3" in refusal(
        "pgbouncer_budget", [{"name": "a", "pool_size": 2, "users": 3}], [SERVER]
    )


@pytest.mark.parametrize(
    ("size", "users", "reserve", "cure"),
    [
        # 20 + 1 + 100 = 121: pools cannot give what they do not have
        (20, 1, 100, "lower pgbouncer_reserved_connections by 21, or raise postgresql_max_connections to 121"),
        (22, 1, 100, "lower pgbouncer_reserved_connections by 23, or raise postgresql_max_connections to 123"),
        # 90 + 1 + 15 = 106, the reserve is what nobody asked for
        (90, 1, 0, "lower the sum of pool_size by 6, or raise postgresql_max_connections to 106"),
        (90, 84, 0, "lower the sum of pool_size by 6, or raise postgresql_max_connections to 106"),
        (90, 85, 0, "raise postgresql_max_connections to 106"),
        # 98 + 1 + 2 = 101 with a reserve of 2; of 1 it would still be one
        (98, 1, 2, "lower the sum of pool_size by 1, or lower pgbouncer_reserved_connections by 1, or raise"),
        (99, 1, 2, "lower the sum of pool_size by 2, or raise postgresql_max_connections to 102"),
    ],
)
def test_every_cure_suffices(refusal: Refusal, size: int, users: int, reserve: int, cure: str) -> None:
    databases = [{"name": "a", "pool_size": size, "users": users}]
    assert f"max_connections is 100; {cure}" in refusal("pgbouncer_budget", databases, [SERVER], 1, reserve)


@pytest.mark.parametrize(
    ("databases", "servers", "because"),
    [
        ([], [SERVER], "pgbouncer_databases must be a list with at least one entry, got []"),
        ([{"name": "a"}], {}, "pgbouncer_servers must be a list"),
        ([{"name": "a", "size": 3}], [SERVER], "an entry of pgbouncer_databases has the keys database, name"),
        ([{"name": "pgbouncer"}], [SERVER], "'pgbouncer'; use every name once"),
        ([{"name": "a"}, {"name": "a"}], [SERVER], "'a'; use every name once"),
        ([{"name": "a b"}], [SERVER], "'a b'; use every name once"),
        ([{"name": "a", "database": "x y"}], [SERVER], "a has database 'x y'"),
        ([{"name": "a", "pool_mode": "statement"}], [SERVER], "pool_mode 'statement'; correct"),
        ([{"name": "a", "server": "b"}], [SERVER], "a is on server b, pgbouncer_servers has data1; add it there"),
        ([{"name": "a", "users": 0}], [SERVER], "users of a must be a whole number from 1, got 0"),
        ([{"name": "a", "pool_size": True}], [SERVER], "pool_size of a must be a whole number from 0, got True"),
        ([{"name": "a"}], [SERVER, SERVER], "pgbouncer_servers has the address 'data1'; give every"),
        ([{"name": "a"}], [{"address": "data 1", "max_connections": 9}], "has the address 'data 1'"),
        ([{"name": "a"}], [{"address": "b"}], "max_connections of b must be a whole number from 1, got None"),
    ],
)
def test_refusals(refusal: Refusal, databases: Any, servers: Any, because: str) -> None:
    """What cannot be read is said."""
    assert because in refusal("pgbouncer_budget", databases, servers)


def test_a_refusal_is_a_finding_of_the_role(filters: Filters, refusal: Refusal) -> None:
    """With the options as the role has them."""
    options = {
        "pgbouncer_databases": [{"name": "a", "pool_size": 21}],
        "pgbouncer_servers": [SERVER],
        "pgbouncer_instances": 4,
        "pgbouncer_reserved_connections": 15,
        "pgbouncer_max_clients": 0,
    }
    (sentence,) = filters["pgbouncer_budget_findings"](options)
    assert sentence == refusal("pgbouncer_budget", [{"name": "a", "pool_size": 21}], [SERVER], 4, 15)
    assert "needs too many connections" in sentence
    assert filters["pgbouncer_budget_findings"](options | {"pgbouncer_instances": 1}) == []
    assert "options must be a dict" in refusal("pgbouncer_budget_findings", [])


@given(
    given_sizes=st.lists(st.integers(0, 30), min_size=1, max_size=5),
    instances=st.integers(1, 4),
    limit=st.integers(200, 2000),
)
def test_the_sum_never_exceeds_the_server(filters: Filters, given_sizes: list[int], instances: int, limit: int) -> None:
    """Whatever is computed fits, in any order, and nothing that was given is changed."""
    databases = [{"name": f"d{index}", "pool_size": size} for index, size in enumerate(given_sizes)]
    server = {"address": "data1", "max_connections": limit}
    try:
        result = filters["pgbouncer_budget"](databases, [server], instances)
    except Exception as refused:  # noqa: BLE001
        assert "needs too many connections" in str(refused)  # noqa: PT017
        return
    total = sum(entry["max_db_connections"] for entry in result["databases"])
    assert instances * total + max(10, -(-limit * 15 // 100)) <= limit
    assert result["max_client_conn"] >= 2 * limit
    for entry, size in zip(result["databases"], given_sizes, strict=True):
        assert entry["pool_size"] == size or not size
    assert sizes(result) == sizes(filters["pgbouncer_budget"](databases, [server], instances))
