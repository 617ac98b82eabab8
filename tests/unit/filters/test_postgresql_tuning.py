"""Tuning of PostgreSQL against published vectors and sums done by hand."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
SERVER = {
    "memory_mb": 16384,
    "cpus": 1,
    "version": 15,
    "workload": "web",
    "storage": "ssd",
    "max_connections": 200,
    "wal_disk_mb": 0,
    "wal_room_mb": 0,
    "huge_pages": True,
}
BUFFERS = {"shared_buffers": {"value": "4GB", "formula": "memory / 4", "inputs": "memory 16384 MB"}}
UNITS = {"kB": 1, "MB": 1024, "GB": 1024**2, "TB": 1024**3}


def kilobytes(text: str) -> int:
    """Read what PostgreSQL would read."""
    return int(text[:-2]) * UNITS[text[-2:]]


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        # pgtune for 1 GB, 1 CPU. It leaves the workers at the built-in values; so do we for max_worker_processes.
        (
            {"memory_mb": 1024},
            {"effective_cache_size": "768MB", "min_wal_size": "1GB", "max_wal_size": "4GB", "random_page_cost": "1.1"}
            | {"effective_io_concurrency": 200, "default_statistics_target": 100, "jit": "off"},
        ),
        # pgtune for 16 GB, 8 CPUs, mixed, HDD.
        (
            {"cpus": 8, "workload": "mixed", "storage": "hdd"},
            {"effective_cache_size": "12GB", "random_page_cost": "4", "effective_io_concurrency": 2}
            | {"max_parallel_workers_per_gather": 4, "max_parallel_workers": 8, "max_parallel_maintenance_workers": 4}
            | {"max_worker_processes": 8, "autovacuum_vacuum_cost_limit": 200},
        ),
        # pgtune for 32 GB, 16 CPUs, warehouse.
        (
            {"memory_mb": 32768, "cpus": 16, "workload": "warehouse", "version": 17},
            {"effective_cache_size": "24GB", "max_parallel_workers_per_gather": 8, "default_statistics_target": 500}
            | {"min_wal_size": "4GB", "max_wal_size": "16GB", "random_page_cost": "4", "jit": "on"}
            | {"autovacuum_vacuum_scale_factor": "0.2"},
        ),
        # pgtune for 256 GB, 64 CPUs, web, san; it would have 300 concurrent reads there, we know no third kind of disk.
        (
            {"memory_mb": 262144, "cpus": 64, "version": 17},
            {"effective_cache_size": "192GB", "max_worker_processes": 64, "effective_io_concurrency": 200}
            | {"max_parallel_workers_per_gather": 4, "max_parallel_workers": 64},
        ),
        # oltp: 8 GB as pgtune. timescaledb-tune would take 60 % of the WAL disk, which leaves slots nothing:
        # we take a quarter of 10000 MB in segments of 16 MB, and twice that for slots.
        (
            {"wal_disk_mb": 10000, "workload": "oltp"},
            {"max_wal_size": "2496MB", "min_wal_size": "624MB", "max_slot_wal_keep_size": "4992MB"}
            | {"autovacuum_vacuum_scale_factor": "0.05", "autovacuum_vacuum_cost_limit": 1000},
        ),
        ({"wal_disk_mb": 512}, {"max_wal_size": "128MB", "min_wal_size": "32MB", "max_slot_wal_keep_size": "256MB"}),
    ],
)
def test_the_vectors(filters: Filters, server: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each vector names the settings that it knows."""
    settings = filters["postgresql_tuning"](SERVER | server, BUFFERS)
    assert {name: settings[name] for name in expected} == expected
    assert list(settings) == sorted(settings)


def test_every_value_has_its_reason(filters: Filters) -> None:
    """The explained form is the same computation."""
    overrides = {"jit": True, "port": 5433}
    reasons = filters["postgresql_reasons"](SERVER | {"wal_disk_mb": 8192}, BUFFERS, overrides)
    values = filters["postgresql_tuning"](SERVER | {"wal_disk_mb": 8192}, BUFFERS, overrides)
    assert {name: reason["value"] for name, reason in reasons.items()} == values
    assert all(reason["formula"] for reason in reasons.values())
    assert reasons["max_wal_size"] == {
        "value": "2GB",
        "unit": "GB",
        "formula": "by workload, at most a quarter of the WAL disk",
        "inputs": "workload web, WAL disk of 8192 MB",
    }
    assert reasons["jit"] == {"value": "on", "unit": "", "formula": "given", "inputs": "instead of off"}
    assert reasons["port"]["inputs"] == ""
    assert reasons["shared_buffers"]["formula"] == "memory / 4"
    unknown = filters["postgresql_reasons"](SERVER, BUFFERS, {"max_wal_size": 1024})
    assert unknown["max_wal_size"]["unit"] == "MB"
    assert "WAL disk unknown" in unknown["max_slot_wal_keep_size"]["inputs"]


def test_overrides_win_and_enter_what_is_derived(filters: Filters) -> None:
    """A given max_wal_size decides on the others."""
    overrides = {"max_wal_size": 1024, "jit": True, "fsync": False, "seq_page_cost": 1.5, "TimeZone": "UTC"}
    settings = filters["postgresql_tuning"](SERVER | {"wal_disk_mb": 2048, "wal_room_mb": 1024}, BUFFERS, overrides)
    expected = {"jit": "on", "fsync": "off", "seq_page_cost": "1.5", "TimeZone": "UTC", "max_wal_size": 1024}
    expected |= {"min_wal_size": "256MB", "max_slot_wal_keep_size": "1GB", "shared_buffers": "4GB"}
    assert {name: settings[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"max_wal_size": "1 gb"}, "max_wal_size is '1 gb'; write a whole number with MB, GB or TB"),
        ({"max_wal_size": 16}, "max_wal_size is 16; write a whole number with MB, GB or TB, at least 32MB"),
        ({"Jit": "on"}, "postgresql_settings has Jit; spell it jit"),
        ({"work mem": "4MB"}, "'work mem' is not the name of a setting"),
        ({3: "4MB"}, "3 is not the name of a setting"),
        ({"log_line_prefix": "a\nb"}, "log_line_prefix must be"),
        ({"work_mem": None}, "work_mem must be a number, a boolean or one line of text, got NoneType"),
        (["work_mem"], "overrides must be a dict, got list"),
    ],
)
def test_senseless_overrides_are_refused(refusal: Refusal, overrides: object, words: str) -> None:
    """PostgreSQL would not start with them, or not mean the same."""
    assert words in refusal("postgresql_tuning", SERVER, BUFFERS, overrides)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({"memory_mb": 100}, "memory_mb must be a whole number from 128 to 16777216, got 100"),
        ({"cpus": True}, "cpus must be a whole number"),
        ({"cpus": "2"}, "cpus must be a whole number from 1 to 1024, got '2'"),
        ({"version": 14}, "version must be one of 15, 17, got 14"),
        ({"version": True}, "version must be one of 15, 17, got True"),
        ({"huge_pages": 1}, "huge_pages must be one of False, True, got 1"),
        ({"workload": "desktop"}, "workload must be one of web, oltp, warehouse, mixed, got 'desktop'"),
        ({"storage": "tape"}, "storage must be one of ssd, hdd"),
        ({"memory": 1}, "missing or unknown ['memory']"),
        ({"wal_disk_mb": 511}, "the file system of pg_wal has 511 MB; PostgreSQL needs at least 512"),
    ],
)
def test_an_impossible_server_is_refused(refusal: Refusal, server: dict[str, Any], words: str) -> None:
    """Variable, value and what is accepted."""
    assert words in refusal("postgresql_tuning", SERVER | server, BUFFERS)


def test_the_bounds_of_wal(filters: Filters, refusal: Refusal) -> None:
    """Two segments are the least that PostgreSQL takes; a disk of 4 PB is the largest that is believed."""
    assert filters["postgresql_tuning"](SERVER, BUFFERS, {"max_wal_size": 32})["max_wal_size"] == 32
    assert "at least 32MB" in refusal("postgresql_tuning", SERVER, BUFFERS, {"max_wal_size": 31})
    assert filters["postgresql_tuning"](SERVER | {"wal_disk_mb": 2**32}, BUFFERS)["max_wal_size"] == "4GB"
    for name in ("wal_disk_mb", "wal_room_mb"):
        assert str(2**32) in refusal("postgresql_tuning", SERVER | {name: 2**32 + 1}, BUFFERS)


def test_wal_for_which_the_disk_has_no_room_is_refused(refusal: Refusal) -> None:
    """The other half is for slots and bursts; what is full by now counts too."""
    message = refusal("postgresql_tuning", SERVER | {"wal_disk_mb": 2000}, BUFFERS, {"max_wal_size": "1001MB"})
    assert message == "max_wal_size is 1001MB, the WAL disk has 2000 MB; lower it to 1000MB"
    assert refusal("postgresql_tuning", SERVER | {"wal_disk_mb": 8192, "wal_room_mb": 2047}, BUFFERS) == (
        "max_wal_size is 2GB, but the file system of pg_wal has room for 2047 MB only; "
        "free space there or lower max_wal_size in postgresql_settings to 1023MB"
    )
    assert "server must be a dict, got int" in refusal("postgresql_tuning", 3, {})


@given(
    server=st.fixed_dictionaries(
        {
            "memory_mb": st.integers(256, 2**20),
            "cpus": st.integers(1, 128),
            "version": st.sampled_from([15, 17]),
            "workload": st.sampled_from(["web", "oltp", "warehouse", "mixed"]),
            "storage": st.sampled_from(["ssd", "hdd"]),
            "wal_disk_mb": st.just(0) | st.integers(512, 2**22),
        }
    )
)
def test_the_wal_never_fills_its_disk(filters: Filters, server: dict[str, Any]) -> None:
    """Log and slots stay inside the disk, and parallel workers inside the processes."""
    settings = filters["postgresql_tuning"](SERVER | server, BUFFERS)
    assert kilobytes(settings["min_wal_size"]) <= kilobytes(settings["max_wal_size"])
    assert settings["max_parallel_workers"] <= settings["max_worker_processes"]
    if server["wal_disk_mb"]:
        kept = kilobytes(settings["max_wal_size"]) + kilobytes(settings["max_slot_wal_keep_size"])
        assert kept <= server["wal_disk_mb"] * 1024


@pytest.mark.parametrize(
    ("server", "overrides", "said"),
    [
        ({}, {}, ""),
        ({"wal_disk_mb": 400}, {}, "the file system of pg_wal has 400 MB; PostgreSQL needs at least 512"),
        ({"wal_room_mb": 600}, {"max_wal_size": "1GB"}, "max_wal_size is 1GB, but the file system of pg_wal has room"),
        ({}, {"Work_Mem": "4MB"}, "postgresql_settings has Work_Mem; spell it work_mem"),
    ],
)
def test_a_refusal_is_a_finding_of_the_role(
    filters: Filters, server: dict[str, Any], overrides: dict[str, Any], said: str
) -> None:
    known: dict[str, Any] = {"cpus": 4, "memory_mb": 8192, "max_connections": 100, "version": 17, "workload": "web"}
    known |= {"storage": "ssd", "huge_pages": True, "wal_disk_mb": 0, "wal_room_mb": 0, **server}
    memory = {"work_mem": {"value": "4MB", "formula": "", "inputs": ""}}
    found = filters["postgresql_tuning_findings"](known, memory, overrides)
    assert [sentence[: len(said)] for sentence in found] == [said] * bool(said)
