"""A unit whose file goes is stopped with it, and comes back with it; what was undone by hand is told (item 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

GONE = "old.timer"
STOPPED = f"stop {GONE}"


@pytest.fixture
def wanted(host: Any) -> dict[str, Any]:
    """Return the removal of a unit that runs and is started at boot."""
    host.runs(GONE)
    host.path("../systemd/old.timer").write_text("[Timer]\n")
    host.path("../systemd/timers.target.wants").mkdir()
    host.path("../systemd/timers.target.wants/old.timer").symlink_to("../old.timer")
    removal: dict[str, Any] = host.file("old.timer", state="absent")
    return {**removal, "dest": str(host.module.UNITS / "old.timer")}


def left(host: Any) -> list[bool]:
    units = host.module.UNITS
    return [(units / "old.timer").exists(), (units / "timers.target.wants/old.timer").is_symlink()]


def refused(host: Any, call: Callable[[], Any]) -> str:
    with pytest.raises(host.module.Refused) as caught:
        call()
    return str(caught.value)


def test_a_removed_unit_that_runs_is_stopped_while_systemd_still_knows_it(host: Any, wanted: dict[str, Any]) -> None:
    result = host.transaction(wanted, on_change=[f"restart {GONE}"])  # which would fail, or start what is to go
    assert (result["units_changed"], result["activated"]) == ([STOPPED], [])
    assert host.property(GONE, "ActiveState") == "inactive"
    assert left(host) == [False, False]
    assert [line.split()[0] for line in host.said()] == ["stop", "daemon-reload"]
    assert host.transaction(wanted)["changed"] is False


def test_check_mode_tells_and_stops_nothing(host: Any, wanted: dict[str, Any]) -> None:
    result = host.transaction(wanted, check=True)
    assert (result["units_changed"], result["activated"]) == ([STOPPED], [])
    assert host.property(GONE, "ActiveState") == "active"
    assert left(host) == [True, True]


def test_a_removed_unit_that_does_not_run_is_only_removed(host: Any, wanted: dict[str, Any]) -> None:
    host.unit(GONE, ActiveState="inactive")
    assert host.transaction(wanted)["units_changed"] == []
    assert left(host) == [False, False]


def test_a_file_elsewhere_and_a_template_are_no_units(host: Any) -> None:
    host.runs(GONE)
    host.path("old.timer").write_text("x")
    (host.module.UNITS / "old@.timer").write_text("x")
    template = {**host.file("x", state="absent"), "dest": str(host.module.UNITS / "old@.timer")}
    assert host.transaction(host.file("old.timer", state="absent"), template)["units_changed"] == []
    assert host.property(GONE, "ActiveState") == "active"


def test_a_declared_unit_is_stopped_once(host: Any, wanted: dict[str, Any]) -> None:
    result = host.transaction(wanted, units=[{"name": GONE, "state": "stopped"}])
    assert result["units_changed"] == [STOPPED]


def test_what_is_put_back_runs_again(host: Any, wanted: dict[str, Any]) -> None:
    """The change fails behind the stop: file, link and unit are as before."""
    bad = host.file("a", content="x", on_change=[f"run test ! -e {host.path('a')}"])
    said = refused(host, lambda: host.transaction(wanted, bad))
    assert "the old configuration is in force again" in said
    assert left(host) == [True, True]
    assert host.property(GONE, "ActiveState") == "active"


def test_a_killed_run_that_still_owes_the_stop_is_finished(host: Any, wanted: dict[str, Any]) -> None:
    (host.module.UNITS / "old.timer").unlink()
    host.module.Journal(host.module.STATE / "test", stage="activating", owed=[STOPPED]).save()
    assert host.transaction(wanted)["units_changed"] == [STOPPED]
    assert host.property(GONE, "ActiveState") == "inactive"


def test_a_stop_that_is_owed_is_dropped_when_the_unit_is_to_come_back(host: Any, wanted: dict[str, Any]) -> None:
    host.module.Journal(host.module.STATE / "test", stage="activating", owed=[STOPPED]).save()
    again = {**host.file("x", content="[Timer]\n"), "dest": wanted["dest"]}
    host.transaction(again, units=[{"name": GONE, "state": "started"}])
    assert STOPPED not in host.said()
    assert host.property(GONE, "ActiveState") == "active"


@pytest.mark.parametrize("check", [False, True])
def test_what_somebody_had_undone_is_told(host: Any, check: bool) -> None:
    unit = "sample.service"
    host.runs(unit)
    units = [{"name": unit, "state": "started", "in_force": ["false"]}]
    assert host.transaction(units=units, check=check)["redone"] == [unit]
    assert host.transaction(units=[{**units[0], "in_force": ["true"]}], check=check)["redone"] == []
