"""Which settings need a restart."""

import inspect
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]


def test_the_groups(filters: Filters) -> None:
    """Contexts as the manuals of 15 and 17 name them."""
    settings = {"work_mem": "4MB", "wal_buffers": "16MB", "TimeZone": "UTC", "max_connections": 200}
    settings |= {
        "old_snapshot_threshold": -1,
        "transaction_buffers": "1MB",
        "pg_stat_statements.max": 5000,
        "cron.x": 1,
    }
    groups = filters["postgresql_restart_settings"](settings)
    assert groups["reload"] == {"TimeZone": "UTC", "cron.x": 1, "work_mem": "4MB"}
    assert list(groups["restart"]) == [
        "max_connections",
        "old_snapshot_threshold",
        "pg_stat_statements.max",
        "transaction_buffers",
        "wal_buffers",
    ]


def test_the_number_of_restart_settings(filters: Filters) -> None:
    """Servers of both versions were asked: 55 in 15, 65 in 17, 54 of them in both; two extensions come on top."""
    known = inspect.unwrap(filters["postgresql_restart_settings"]).__globals__["POSTMASTER_SETTINGS"]
    assert len(known) == 55 + 65 - 54 + 2


def test_other_input_is_refused(refusal: Refusal) -> None:
    """Settings are a dict by name."""
    assert "settings must be a dict, got list" in refusal("postgresql_restart_settings", [])
    assert "must be text, got 3" in refusal("postgresql_restart_settings", {3: 1})


@given(settings=st.dictionaries(st.sampled_from(["port", "jit", "work_mem", "wal_level", "fsync"]), st.integers()))
def test_no_setting_is_lost(filters: Filters, settings: dict[str, int]) -> None:
    """Every setting is in exactly one group, with its value."""
    groups = filters["postgresql_restart_settings"](settings)
    assert groups["restart"] | groups["reload"] == settings
    assert not groups["restart"].keys() & groups["reload"].keys()
    assert set(groups["restart"]) <= {"port", "wal_level"}
