"""Which settings need a restart."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
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


def live(setting: str, unit: str | None = None, context: str = "postmaster", ours: bool = True) -> dict[str, Any]:
    """One row as the server reports it."""
    return {"setting": setting, "unit": unit, "context": context, "ours": ours}


@pytest.mark.parametrize(
    ("wanted", "row", "same"),
    [
        ("256MB", live("32768", "8kB"), True),
        ("1GB", live("131072", "8kB"), True),
        ("1 GB", live("131072", "8kB"), True),
        (131072, live("131072", "8kB"), True),
        ("255MB", live("32768", "8kB"), False),
        ("15min", live("900", "s"), True),
        ("2h", live("120", "min"), True),
        ("2h", live("121", "min"), False),
        ("1d", live("1440", "min"), True),
        ("3d", live("259200", "s"), True),
        ("100ms", live("100", "ms"), True),
        ("100s", live("100", "ms"), False),
        ("1s", live("1000", "ms"), True),
        ("200us", live("200", "us"), True),
        ("2ms", live("2000", "us"), True),
        ("300s", live("300", "s"), True),
        ("0.9", live("0.9"), True),
        ("True", live("on"), True),
        ("no", live("off"), True),
        ("4MB", live("4", "ms"), False),
        ("it's ours", live("it's ours"), True),
        ("10.0.0.1", live("10.0.0.1"), True),
        ("3 of them", live("3"), False),
        (-1, live("-1", "kB"), True),
    ],
)
def test_values_are_compared_as_the_server_means_them(
    filters: Filters, wanted: object, row: dict[str, Any], same: bool
) -> None:
    """1024MB instead of 1GB restarts nothing (PGS-18)."""
    assert filters["postgresql_changes"]({"name": wanted}, {"name": row})["restart"] == ([] if same else ["name"])


def test_the_changes_by_what_they_take(filters: Filters) -> None:
    """What is taken out returns to a default; what another file has set is left alone."""
    rows = {
        "max_connections": live("100"),
        "max_wal_senders": live("10"),
        "max_locks_per_transaction": live("64", ours=False),
        "cluster_name": live("ours"),
        "port": live("5432"),
        "statement_timeout": live("30000", "ms", "user"),
        "jit": live("on", None, "user"),
    }
    wanted = {"max_connections": 200, "max_wal_senders": 5, "port": 5432, "work_mem": "4MB", "jit": "on"}
    assert filters["postgresql_changes"](wanted, rows) == {
        "known": True,
        "restart": ["cluster_name", "max_connections", "max_wal_senders"],
        "reload": ["statement_timeout", "work_mem"],
        "raised": ["max_connections"],
        "lowered": ["max_wal_senders"],
        "text": "reload: 2, restart: 3 (cluster_name, max_connections, max_wal_senders)",
    }
    none = filters["postgresql_changes"]({"jit": "on"}, {"jit": live("on", None, "user")})
    assert none["text"] == "reload: 0, restart: 0"


def test_without_a_server_nothing_is_compared(filters: Filters) -> None:
    """Everything is new then, and the server starts with it."""
    changes = filters["postgresql_changes"]({"port": 5432, "jit": "on"}, {})
    assert (changes["known"], changes["text"]) == (False, "the server is not there yet")
    assert (changes["restart"], changes["reload"]) == (["port"], ["jit"])


@pytest.mark.parametrize(
    ("policy", "window", "clock", "allowed"),
    [
        ("allowed", "", "12:00", True),
        ("forbidden", "00:00-23:59", "12:00", False),
        ("window", "02:00-04:00", "01:59", False),
        ("window", "02:00-04:00", "02:00", True),
        ("window", "02:00-04:00", "03:59", True),
        ("window", "02:00-04:00", "04:00", False),
        ("window", "23:30-00:30", "23:45", True),
        ("window", "23:30-00:30", "00:15", True),
        ("window", "23:30-00:30", "12:00", False),
        ("window", "05:00-05:00", "12:00", True),
        ("window", "02:30-04:15", "02:29", False),
        ("window", "02:30-04:15", "02:30", True),
        ("window", "02:30-04:15", "04:14", True),
        ("window", "02:30-04:15", "04:15", False),
    ],
)
def test_the_restart_policy(filters: Filters, policy: str, window: str, clock: str, allowed: bool) -> None:
    """A window may span midnight; one that ends where it begins is the whole day."""
    hours, minutes = map(int, clock.split(":"))
    epoch = 20000 * 86400 + hours * 3600 + minutes * 60 + 59
    assert filters["restart_allowed"](policy, window, epoch) is allowed


def test_other_policies_are_refused(refusal: Refusal) -> None:
    """Name, value and how to write it."""
    assert "postgresql_restart_policy must be allowed, forbidden or window" in refusal("restart_allowed", "no", "", 0)
    assert "write it as '02:00-04:00', in UTC" in refusal("restart_allowed", "window", "", 0)
    for window in ("2:00-4:00", "02:00", "24:00-25:00"):
        for policy in ("window", "allowed", "forbidden"):  # a window that counts later is wrong today
            assert "write it as '02:00-04:00', in UTC" in refusal("restart_allowed", policy, window, 0)


def test_the_plan_as_a_table(filters: Filters) -> None:
    """What activates it, and whether standbys depend on it (for the order of restarts)."""
    reasons = {
        "jit": {"value": "off", "unit": "", "formula": "given", "inputs": ""},
        "max_connections": {"value": 100, "unit": "", "formula": "as it is said", "inputs": "here"},
    }
    plan = filters["postgresql_plan"](reasons)
    assert [(row["name"], row["activation"], row["standby"]) for row in plan["settings"]] == [
        ("jit", "reload", False),
        ("max_connections", "restart", True),
    ]
    assert plan["table"].splitlines() == [
        "jit              off  reload   given",
        "max_connections  100  restart  as it is said [here]",
    ]
    assert filters["postgresql_plan"]({}) == {"settings": [], "table": ""}


@pytest.mark.parametrize(
    ("policy", "window", "findings"),
    [
        ("allowed", "", []),
        ("window", "23:00-04:00", []),
        ("window", "", ["postgresql_restart_window is ''; write it as '02:00-04:00', in UTC"]),
        ("allowed", "2-4", ["postgresql_restart_window is '2-4'; write it as '02:00-04:00', in UTC"]),
    ],
)
def test_a_window_that_is_not_one_is_a_finding(filters: Filters, policy: str, window: str, findings: list[str]) -> None:
    options = {"postgresql_restart_policy": policy, "postgresql_restart_window": window}
    assert filters["postgresql_restart_findings"](options) == findings
