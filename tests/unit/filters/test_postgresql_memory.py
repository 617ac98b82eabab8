"""The memory of a PostgreSQL server against published vectors, real servers and sums done by hand."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
SERVER = {"memory_mb": 1024, "cpus": 1, "version": 15, "workload": "web", "max_connections": 100, "huge_pages": True}
UNITS = {"kB": 1, "MB": 1024, "GB": 1024**2, "TB": 1024**3}


def kilobytes(text: str) -> int:
    """Read what PostgreSQL would read."""
    return int(text[:-2]) * UNITS[text[-2:]]


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        # pgtune for 16 GB, 8 CPUs, mixed. It counts 8 workers beside 100 connections as we do, and halves for mixed:
        # 12582912 kB / (108 * 3) / 2. It says 25243kB, because it adds 30 % where the database fits into memory.
        (
            {"memory_mb": 16384, "cpus": 8, "workload": "mixed"},
            {"shared_buffers": "4GB", "maintenance_work_mem": "1GB", "work_mem": "19418kB", "huge_pages": "on"}
            | {"autovacuum_max_workers": 3},
        ),
        # pgtune for 32 GB, 16 CPUs, warehouse: 25165824 kB / (56 * 3) / 2. It takes an eighth for maintenance up to
        # 8 GB, we up to 2 GB, because several run at once.
        (
            {"memory_mb": 32768, "cpus": 16, "workload": "warehouse", "version": 17, "max_connections": 40},
            {"shared_buffers": "8GB", "maintenance_work_mem": "2GB", "work_mem": "74898kB", "huge_pages": "on"}
            | {"autovacuum_max_workers": 4, "autovacuum_work_mem": "512MB"},
        ),
        # pgtune for 256 GB, 64 CPUs, web.
        (
            {"memory_mb": 262144, "cpus": 64, "version": 17, "max_connections": 200},
            {"shared_buffers": "64GB", "work_mem": "254200kB", "autovacuum_max_workers": 5},
        ),
        # timescaledb-tune for 8 GB, 4 CPUs, 100 connections would give each sort 16 MB; 6291456 kB / (108 * 3).
        ({"memory_mb": 8192, "cpus": 4}, {"shared_buffers": "2GB", "work_mem": "19418kB", "huge_pages": "on"}),
        # One less than the threshold, and a container.
        ({"memory_mb": 8188, "cpus": 4}, {"shared_buffers": "2047MB", "huge_pages": "off"}),
        ({"memory_mb": 65536, "huge_pages": False}, {"shared_buffers": "16GB", "huge_pages": "off"}),
        # Before 17, VACUUM uses 1 GB at most: 2 GB / 3 workers stays below.
        ({"memory_mb": 65536}, {"maintenance_work_mem": "2GB", "autovacuum_work_mem": "699050kB"}),
    ],
)
def test_the_vectors(filters: Filters, server: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each vector names the settings that it knows."""
    settings = filters["postgresql_memory"](SERVER | server)["settings"]
    assert {name: settings[name]["value"] for name in expected} == expected
    assert all(reason["formula"] for reason in settings.values())


# postgres -C shared_memory_size, in MB, asked of 15.18 with pg_stat_statements; shared_buffers, max_connections, answer
ANSWERS_15 = [(32, 100, 43), (128, 100, 145), (256, 100, 281), (512, 100, 552), (1024, 10, 1072), (1024, 100, 1076)]
ANSWERS_15 += [(1024, 200, 1080), (1024, 1000, 1117), (2048, 100, 2122), (4096, 100, 4215), (8192, 100, 8401)]
ANSWERS_15 += [(16075, 100, 16442)]
# shared_memory_size_in_huge_pages of 2 MB without the extension, asked of 17.11
ANSWERS_17 = [(128, 100, 2 * 72), (1024, 200, 2 * 542), (2048, 200, 2 * 1070), (4096, 200, 2 * 2126)]
ANSWERS_17 += [(8192, 300, 2 * 4223), (16384, 500, 2 * 8418), (16384, 1000, 2 * 8429), (65536, 200, 2 * 33551)]


@pytest.mark.parametrize(
    ("version", "buffers", "connections", "answer"),
    [(15, *answer) for answer in ANSWERS_15] + [(17, *answer) for answer in ANSWERS_17],
)
def test_the_estimate_of_shared_memory(
    filters: Filters, version: int, buffers: int, connections: int, answer: int
) -> None:
    """Never less than the server's answer (of whole huge pages), and less than 2 % or 16 MB above."""
    server = SERVER | {"memory_mb": 2**20, "version": version, "max_connections": connections}
    plan = filters["postgresql_memory"](server, {"shared_buffers": f"{buffers}MB"})
    assert plan["parts"][0]["name"] == "shared memory"
    assert answer - 2 <= plan["parts"][0]["memory_mb"] <= max(answer * 1.02, answer + 16)


def test_the_parts_add_up_by_hand(filters: Filters) -> None:
    """Document 002: 200 connections, 256MB, 4MB (PGS-07, PGS-09, PGS-10)."""
    overrides = {"shared_buffers": "256MB", "work_mem": "4MB", "max_connections": "200", "maintenance_work_mem": "32MB"}
    plan = filters["postgresql_memory"](SERVER | {"memory_mb": 2560, "max_connections": 20}, overrides)
    shared = 262144 + 262144 * 22 // 1000 + 8192 + 45 * 200 + 10240  # kB
    assert [(part["name"], part["memory_mb"]) for part in plan["parts"]] == [
        ("shared memory", -(-shared // 1024)),
        ("connections", -(-200 * (3072 + shared // 512) // 1024)),
        ("work_mem", 800),
        ("maintenance", 32),
        ("autovacuum", 32),
        ("page cache", 256),
    ]
    assert plan["memory_mb"] - plan["free_mb"] - sum(part["memory_mb"] for part in plan["parts"]) in range(-5, 1)
    assert plan["exposure_mb"] == 3 * 200 * 4
    assert plan["settings"]["max_connections"]["value"] == 200
    assert plan["settings"]["autovacuum_work_mem"]["value"] == "10922kB"


def test_huge_pages_save_the_page_tables(filters: Filters) -> None:
    """8 bytes for each 4 kB: 4 MB for 2 GB, in every connection."""
    large = SERVER | {"memory_mb": 8192}
    parts = [
        {part["name"]: part for part in filters["postgresql_memory"](large, {"huge_pages": how})["parts"]}
        for how in ("on", "try")
    ]
    assert parts[0]["connections"]["memory_mb"] == 300
    assert 300 + 400 < parts[1]["connections"]["memory_mb"] < 300 + 430


def test_a_promise_larger_than_the_memory_is_refused_with_the_table(refusal: Refusal) -> None:
    """Document 002's values do not fit into its own 1 GB, and no tool's floor of 4 MB fits 9999 connections."""
    overrides = {"shared_buffers": "256MB", "work_mem": "4MB"}
    lines = refusal("postgresql_memory", SERVER | {"max_connections": 200}, overrides).splitlines()
    assert lines[0] == (
        "PostgreSQL may use 1024 MB, but needs 2032 MB for max_connections 200, shared_buffers 256MB and work_mem 4MB; "
        "lower one of them or give it 2324 MB"
    )
    assert lines[3] == "work_mem            800 MB  200 x 4MB"
    assert lines[-2].split() == ["free", "-1007", "MB"]
    assert "max_connections 9999" in refusal("postgresql_memory", SERVER | {"memory_mb": 4096, "max_connections": 9999})
    assert "give it 16777216 MB" in refusal("postgresql_memory", SERVER, {"work_mem": "1TB"})


@pytest.mark.parametrize(
    ("server", "overrides", "words"),
    [
        ({}, {"work_mem": 4}, "work_mem is 4, which is 4kB; name the unit, as in '64MB'"),
        ({}, {"work_mem": "4mb"}, "work_mem is '4mb', not a size"),
        ({}, {"max_connections": "many"}, "max_connections is 'many'; write a whole number from 1 to 262143"),
        ({}, {"autovacuum_max_workers": "3MB"}, "autovacuum_max_workers is '3MB'"),
        ({}, ["work_mem"], "server and overrides must be dicts"),
        ({"memory_mb": 100}, {}, "memory_mb must be a whole number from 128 to 16777216, got 100"),
        ({"version": 16}, {}, "version must be one of 15, 17, got 16"),
        ({"workload": None}, {}, "workload must be one of web, oltp, warehouse, mixed, got None"),
    ],
)
def test_other_input_is_refused(refusal: Refusal, server: dict[str, Any], overrides: object, words: str) -> None:
    """A bare 4 is 4 kB to PostgreSQL."""
    assert words in refusal("postgresql_memory", SERVER | server, overrides)


ANY_SERVER = st.fixed_dictionaries(
    {
        "memory_mb": st.integers(256, 2**20),
        "cpus": st.integers(1, 128),
        "version": st.sampled_from([15, 17]),
        "workload": st.sampled_from(["web", "oltp", "warehouse", "mixed"]),
        "max_connections": st.integers(1, 5000),
        "huge_pages": st.booleans(),
    }
)


@given(server=ANY_SERVER)
def test_what_is_computed_always_fits_from_the_least_memory_on(
    filters: Filters, refusal: Refusal, server: dict[str, Any]
) -> None:
    """The claim on the host is exact, and more memory never gives less."""
    least = filters["postgresql_least_memory"](server)
    memory = server["memory_mb"]
    if memory < least:
        assert f"give it {least} MB" in refusal("postgresql_memory", server)
        return
    plan = filters["postgresql_memory"](server)
    assert 0 <= plan["free_mb"] < memory
    assert sum(part["memory_mb"] for part in plan["parts"]) - 6 <= memory - plan["free_mb"]
    more = filters["postgresql_memory"](server | {"memory_mb": 2 * memory})
    for name in ("shared_buffers", "work_mem", "maintenance_work_mem"):
        assert kilobytes(more["settings"][name]["value"]) >= kilobytes(plan["settings"][name]["value"])


def test_a_connection_is_counted_as_measured(filters: Filters) -> None:
    """The scenario measures it on a real server; the plan must not promise less."""
    assert inspect.unwrap(filters["postgresql_memory"]).__globals__["BACKEND"] == 3 * 1024


@pytest.mark.parametrize(
    ("machine", "memory", "buffers"),
    [
        # The documents: a quarter of the machine, which the plan has taken a tenth from
        (65536, 58982, "16GB"),
        (16384, 14745, "4GB"),
        (4096, 3686, "1GB"),
        (0, 4096, "1GB"),
        (2048, 4096, "1GB"),
    ],
)
def test_the_buffers_are_a_quarter_of_the_machine(filters: Filters, machine: int, memory: int, buffers: str) -> None:
    """PGS-07, FLT-01: 64 GB and 16 GB are the documents' own numbers."""
    plan = filters["postgresql_memory"](SERVER | {"version": 17, "memory_mb": memory, "machine_mb": machine})
    assert plan["settings"]["shared_buffers"]["value"] == buffers
    assert plan["free_mb"] >= 0
    assert plan["settings"]["shared_buffers"]["formula"] == ("machine / 4" if machine > memory else "memory / 4")


def test_where_the_memory_has_no_room_for_a_quarter_it_gets_as_much_as_there_is(filters: Filters) -> None:
    plan = filters["postgresql_memory"](SERVER | {"version": 17, "memory_mb": 4096, "machine_mb": 16384})
    value = kilobytes(plan["settings"]["shared_buffers"]["value"])
    assert kilobytes("1GB") < value < kilobytes("4GB")
    assert 0 <= plan["free_mb"] <= 2


@given(server=ANY_SERVER, more=st.integers(0, 2**20))
def test_a_larger_machine_never_makes_a_plan_impossible(filters: Filters, server: dict[str, Any], more: int) -> None:
    least = filters["postgresql_least_memory"](server)
    assert filters["postgresql_least_memory"](server | {"machine_mb": server["memory_mb"] + more}) == least
    memory = max(server["memory_mb"], least)
    plan = filters["postgresql_memory"](server | {"memory_mb": memory, "machine_mb": memory + more})
    quarter = filters["postgresql_memory"](server | {"memory_mb": memory})["settings"]["shared_buffers"]["value"]
    assert plan["free_mb"] >= 0
    assert kilobytes(quarter) <= kilobytes(plan["settings"]["shared_buffers"]["value"]) <= (memory + more) * 256


@pytest.mark.parametrize(("huge", "tables"), [(True, 0), ("on", 0), ("yes", 0), ("1", 0), (False, 100), ("try", 100)])
def test_huge_pages_may_be_a_boolean(filters: Filters, huge: object, tables: int) -> None:
    """`huge_pages: true` in YAML is on: no page tables, 100 x 3 MB for the connections."""
    parts = filters["postgresql_memory"](SERVER | {"memory_mb": 8192}, {"huge_pages": huge})["parts"]
    connections = next(part["memory_mb"] for part in parts if part["name"] == "connections")
    assert connections == 300 if not tables else connections > 300 + tables


def test_the_bounds_of_numbers_themselves(filters: Filters, refusal: Refusal) -> None:
    """PostgreSQL takes 64kB as the least work_mem, and 262143 connections at most."""
    assert filters["postgresql_memory"](SERVER, {"work_mem": "64kB"})["settings"]["work_mem"]["value"] == "64kB"
    assert "work_mem is '63kB', which is 63kB" in refusal("postgresql_memory", SERVER, {"work_mem": "63kB"})
    most = SERVER | {"memory_mb": 2**24, "max_connections": 262143}
    assert (
        filters["postgresql_memory"](most, {"max_connections": 262143})["settings"]["max_connections"]["value"]
        == 262143
    )
    assert "from 1 to 262143" in refusal("postgresql_memory", most, {"max_connections": 262144})
    assert "from 1 to 262143" in refusal("postgresql_memory", most | {"max_connections": 262144})
    assert filters["postgresql_memory"](SERVER | {"max_connections": 1})["settings"]["max_connections"]["value"] == 1
    assert "from 1 to 262143" in refusal("postgresql_memory", SERVER, {"max_connections": 0})


def test_a_bare_number_of_autovacuum_work_mem_is_in_kilobytes(filters: Filters) -> None:
    """Of shared_buffers it is in pages of 8 kB."""
    settings = filters["postgresql_memory"](SERVER, {"autovacuum_work_mem": 65536, "shared_buffers": 8192})["settings"]
    assert settings["autovacuum_work_mem"]["value"] == "64MB"
    assert settings["shared_buffers"]["value"] == "64MB"


def test_a_refusal_is_a_finding_of_the_role(filters: Filters) -> None:
    server = {
        "memory_mb": 2048,
        "cpus": 2,
        "version": 17,
        "workload": "web",
        "max_connections": 200,
        "huge_pages": True,
    }
    (sentence,) = filters["postgresql_memory_findings"](server, {"work_mem": "64MB"})
    assert sentence.startswith("PostgreSQL may use 2048 MB, but needs ")
    assert filters["postgresql_memory_findings"](server, {"work_mem": "512kB"}) == []


def test_how_much_shared_memory_may_be_asked_for(filters: Filters) -> None:
    """A twentieth more than the part of the plan, and what nothing needs."""
    server = {
        "memory_mb": 8192,
        "cpus": 2,
        "version": 17,
        "workload": "web",
        "max_connections": 100,
        "huge_pages": True,
    }
    plan = filters["postgresql_memory"](server)
    shared = plan["parts"][0]["memory_mb"]
    assert plan["shared_limit_mb"] == shared + shared // 20 + plan["free_mb"]
