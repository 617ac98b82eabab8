"""Tuning of PostgreSQL against published vectors and sums done by hand."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
SERVER = {
    "memory_mb": 1024,
    "cpus": 1,
    "version": 15,
    "workload": "web",
    "storage": "ssd",
    "max_connections": 200,
    "wal_disk_mb": 0,
}
UNITS = {"kB": 1, "MB": 1024, "GB": 1024**2, "TB": 1024**3}


def kilobytes(text: str) -> int:
    """Read what PostgreSQL would read."""
    return int(text[:-2]) * UNITS[text[-2:]]


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        # pgtune for 1 GB, 1 CPU, 200 connections; work_mem by hand: 786432 kB / (208 * 3), without pgtune's floor.
        (
            {},
            {
                "shared_buffers": "256MB",
                "effective_cache_size": "768MB",
                "maintenance_work_mem": "64MB",
                "work_mem": "1260kB",
            }
            | {"min_wal_size": "1GB", "max_wal_size": "4GB", "random_page_cost": "1.1", "effective_io_concurrency": 200}
            | {"default_statistics_target": 100, "huge_pages": "off", "jit": "off", "max_connections": 200},
        ),
        # pgtune for 16 GB, 8 CPUs, mixed, HDD; work_mem by hand: 12582912 kB / (108 * 3) / 2.
        (
            {"memory_mb": 16384, "cpus": 8, "workload": "mixed", "storage": "hdd", "max_connections": 100},
            {
                "shared_buffers": "4GB",
                "effective_cache_size": "12GB",
                "maintenance_work_mem": "1GB",
                "work_mem": "19418kB",
            }
            | {"random_page_cost": "4", "effective_io_concurrency": 2, "huge_pages": "try", "max_worker_processes": 8}
            | {"max_parallel_workers_per_gather": 4, "max_parallel_workers": 8, "max_parallel_maintenance_workers": 4},
        ),
        # pgtune for 32 GB, 16 CPUs, warehouse; maintenance at our cap; work_mem by hand: 25165824 kB / (56 * 3) / 2.
        (
            {"memory_mb": 32768, "cpus": 16, "workload": "warehouse", "version": 17, "max_connections": 40},
            {
                "shared_buffers": "8GB",
                "effective_cache_size": "24GB",
                "maintenance_work_mem": "2GB",
                "work_mem": "74898kB",
            }
            | {"autovacuum_work_mem": "2GB", "autovacuum_max_workers": 4, "max_parallel_workers_per_gather": 8}
            | {"min_wal_size": "4GB", "max_wal_size": "16GB", "random_page_cost": "4", "default_statistics_target": 500}
            | {"jit": "on"},
        ),
        # pgtune for 256 GB, 64 CPUs, web.
        (
            {"memory_mb": 262144, "cpus": 64, "version": 17},
            {
                "shared_buffers": "64GB",
                "effective_cache_size": "192GB",
                "work_mem": "254200kB",
                "max_worker_processes": 64,
            }
            | {"max_parallel_workers_per_gather": 4, "max_parallel_workers": 64, "autovacuum_max_workers": 5},
        ),
        # Before 17, VACUUM uses 1 GB at most.
        ({"memory_mb": 65536}, {"maintenance_work_mem": "2GB", "autovacuum_work_mem": "1GB"}),
        # A quarter of 10000 MB in segments of 16 MB, and twice that for slots.
        (
            {"wal_disk_mb": 10000, "workload": "oltp"},
            {"max_wal_size": "2496MB", "min_wal_size": "624MB", "max_slot_wal_keep_size": "4992MB"},
        ),
        ({"wal_disk_mb": 512}, {"max_wal_size": "128MB", "min_wal_size": "32MB", "max_slot_wal_keep_size": "256MB"}),
    ],
)
def test_the_vectors(filters: Filters, server: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each vector names the settings that it knows."""
    settings = filters["postgresql_tuning"](SERVER | server)
    assert {name: settings[name] for name in expected} == expected
    assert list(settings) == sorted(settings)


def test_overrides_win_and_enter_what_is_derived(filters: Filters) -> None:
    """The demo's own values: 200 connections, 256MB, 4MB."""
    overrides = {"shared_buffers": "256MB", "work_mem": "4MB", "max_connections": "200", "max_wal_size": 1024}
    overrides |= {"maintenance_work_mem": "32MB", "jit": True, "fsync": False, "seq_page_cost": 1.5, "TimeZone": "UTC"}
    settings = filters["postgresql_tuning"](SERVER | {"memory_mb": 2048, "wal_disk_mb": 2048}, overrides)
    expected = {"shared_buffers": "256MB", "work_mem": "4MB", "max_connections": "200", "jit": "on", "fsync": "off"}
    expected |= {"seq_page_cost": "1.5", "TimeZone": "UTC", "autovacuum_work_mem": "32MB"}
    assert {name: settings[name] for name in expected} == expected
    assert settings["max_wal_size"] == 1024
    assert settings["min_wal_size"] == "256MB"
    assert settings["max_slot_wal_keep_size"] == "1GB"
    # 1835008 kB / ((50 + 8) * 3)
    smaller = {"shared_buffers": "256MB", "max_connections": 50}
    assert filters["postgresql_tuning"](SERVER | {"memory_mb": 2048}, smaller)["work_mem"] == "10546kB"


def test_a_promise_larger_than_the_memory_is_refused(refusal: Refusal) -> None:
    """Document 002's values do not fit into its own 1 GB: 256 + 200 * 4 = 1056."""
    message = refusal("postgresql_tuning", SERVER, {"shared_buffers": "256MB", "work_mem": "4MB"})
    assert message == (
        "memory_mb is 1024, but shared_buffers 256MB plus max_connections 200 times work_mem 4MB need 1056 MB; "
        "lower one of them or raise memory_mb to 1056"
    )
    assert "max_connections 9999" in refusal("postgresql_tuning", SERVER | {"memory_mb": 4096, "max_connections": 9999})


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"work_mem": 4}, "work_mem is 4, which is 4kB; name the unit, as in '64MB'"),
        ({"work_mem": "4mb"}, "work_mem is '4mb', not a size"),
        ({"max_connections": "many"}, "max_connections is 'many'"),
        ({"Work_Mem": "4MB"}, "Work_Mem must be spelt work_mem"),
        ({"work mem": "4MB"}, "'work mem' is not the name of a setting"),
        ({3: "4MB"}, "3 is not the name of a setting"),
        ({"log_line_prefix": "a\nb"}, "log_line_prefix must be"),
        ({"work_mem": None}, "work_mem must be a number, a boolean or one line of text, got NoneType"),
        (["work_mem"], "overrides must be a dict, got list"),
    ],
)
def test_senseless_overrides_are_refused(refusal: Refusal, overrides: object, words: str) -> None:
    """A bare 4 is 4 kB to PostgreSQL."""
    assert words in refusal("postgresql_tuning", SERVER, overrides)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        ({"memory_mb": 100}, "memory_mb must be a whole number from 128 to 16777216, got 100"),
        ({"cpus": True}, "cpus must be a whole number"),
        ({"cpus": "2"}, "cpus must be a whole number from 1 to 1024, got '2'"),
        ({"version": 14}, "version must be one of 15, 17, got 14"),
        ({"version": True}, "version must be one of 15, 17, got True"),
        ({"workload": "desktop"}, "workload must be one of web, oltp, warehouse, mixed, got 'desktop'"),
        ({"storage": "tape"}, "storage must be one of ssd, hdd"),
        ({"memory": 1}, "missing or unknown ['memory']"),
        ({"wal_disk_mb": 511}, "wal_disk_mb is 511; PostgreSQL needs at least 512"),
    ],
)
def test_an_impossible_server_is_refused(refusal: Refusal, server: dict[str, Any], words: str) -> None:
    """Variable, value and what is accepted."""
    assert words in refusal("postgresql_tuning", SERVER | server)


def test_wal_larger_than_half_of_its_disk_is_refused(refusal: Refusal) -> None:
    """The other half is for slots and bursts."""
    message = refusal("postgresql_tuning", SERVER | {"wal_disk_mb": 2000}, {"max_wal_size": "1001MB"})
    assert message == "max_wal_size is 1001MB, the WAL disk has 2000 MB; lower it to 1000MB"
    assert "server must be a dict, got int" in refusal("postgresql_tuning", 3)


ANY_SERVER = st.fixed_dictionaries(
    {
        "memory_mb": st.integers(256, 2**20),
        "cpus": st.integers(1, 128),
        "version": st.sampled_from([15, 17]),
        "workload": st.sampled_from(["web", "oltp", "warehouse", "mixed"]),
        "storage": st.sampled_from(["ssd", "hdd"]),
        "max_connections": st.integers(1, 2000),
        "wal_disk_mb": st.just(0) | st.integers(512, 2**22),
    }
)


@given(server=ANY_SERVER)
def test_what_is_computed_always_fits(filters: Filters, server: dict[str, Any]) -> None:
    """Memory and WAL stay inside their bounds, and more memory never gives less."""
    memory, connections, disk = server["memory_mb"], server["max_connections"], server["wal_disk_mb"]
    assume(memory * 3 // 4 >= connections)  # 1 MB each beside shared_buffers
    settings = filters["postgresql_tuning"](server)
    buffers, work = kilobytes(settings["shared_buffers"]), kilobytes(settings["work_mem"])
    assert buffers + connections * work <= memory * 1024
    assert kilobytes(settings["maintenance_work_mem"]) <= 2 * 1024**2
    assert kilobytes(settings["min_wal_size"]) <= kilobytes(settings["max_wal_size"])
    if disk:
        kept = kilobytes(settings["max_wal_size"]) + kilobytes(settings["max_slot_wal_keep_size"])
        assert kept <= disk * 1024
    more = filters["postgresql_tuning"](server | {"memory_mb": 2 * memory})
    assert kilobytes(more["work_mem"]) >= work
