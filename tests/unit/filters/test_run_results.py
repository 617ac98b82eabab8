"""What a run leaves for later, and how its standbys fare."""

from __future__ import annotations

from typing import Any

import pytest

from filter_plugins.run_results import restarts_due, standby_lines

WAITS = {"pending_restart": ["max_connections", "wal_level"]}


@pytest.mark.parametrize(
    ("said", "due"),
    [
        ({"postgresql_state_result": {"server": WAITS}}, "max_connections, wal_level"),
        ({"postgresql_state_result": {"server": WAITS}, "postgresql_restart_result": {"changed": True}}, ""),
        ({"postgresql_state_result": {"server": WAITS}, "postgresql_restart_result": {"changed": False}}, WAITS),
        # A standby is asked when it follows
        ({"postgresql_state_result": {"skipped": True}, "postgresql_follow_result": WAITS}, WAITS),
        ({"postgresql_follow_result": WAITS}, WAITS),
        ({"postgresql_state_result": {"server": {"pending_restart": []}}, "postgresql_follow_result": WAITS}, ""),
        ({"postgresql_state_result": {"server": {}}}, ""),
        ({}, ""),
    ],
)
def test_settings_that_wait(said: dict[str, Any], due: Any) -> None:
    text = "max_connections, wal_level" if due == WAITS else due
    assert restarts_due([{"inventory_hostname": "a", **said}]) == ({"a": text} if text else {})


def test_it_takes_hosts() -> None:
    with pytest.raises(TypeError, match="takes a list of hosts"):
        restarts_due({})  # type: ignore[arg-type]


def test_standbys() -> None:
    each = {"name": "b", "state": "streaming", "lag_bytes": 24, "lag_seconds": 0}
    assert standby_lines([each, {**each, "name": "c"}]) == [
        "b, streaming, 24 bytes behind",
        "c, streaming, 24 bytes behind",
    ]
