"""The faults on request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sample_app.app.switches import Switches, read_switches


def test_environment_sets_switches() -> None:
    switches = read_switches(
        {
            "SWITCH_START_DELAY_SECONDS": "2.5",
            "SWITCH_HEALTH_FAILS": "true",
            "SWITCH_ERROR_RATE": "0.25",
            "SWITCH_HANG": "0",
            "PATH": "/bin",
        }
    )
    assert switches.start_delay_seconds == 2.5
    assert switches.shown() == {"health_fails": True, "error_rate": 0.25, "hang": False}


def test_nothing_is_switched_by_default() -> None:
    switches = read_switches({})
    assert switches == Switches()
    assert not any(switches.next_fails() for _ in range(100))


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SWITCH_START_DELAY_SECONDS", "-1", "start_delay_seconds must be from 0 to 600"),
        ("SWITCH_ERROR_RATE", "1.5", "error_rate must be from 0 to 1"),
        ("SWITCH_ERROR_RATE", "nan", "error_rate must be from 0 to 1"),
        ("SWITCH_ERROR_RATE", "often", "error_rate must be a number"),
        ("SWITCH_HANG", "perhaps", "hang must be true or false"),
        ("SWITCH_HNAG", "true", "'hnag' is not a switch"),
    ],
)
def test_wrong_variable_is_named(variable: str, value: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read_switches({variable: value})


def test_update_changes_all_or_nothing() -> None:
    switches = Switches()
    switches.update({"health_fails": True, "error_rate": 1})
    assert switches.shown() == {"health_fails": True, "error_rate": 1.0, "hang": False}
    with pytest.raises(ValueError, match="error_rate must be a number"):
        switches.update({"hang": True, "error_rate": True})
    assert switches.hang is False


@pytest.mark.parametrize("name", ["start_delay_seconds", "_owed", "update"])
def test_only_run_time_switches_can_be_updated(name: str) -> None:
    with pytest.raises(ValueError, match="is not a switch"):
        Switches().update({name: 1})


def test_a_quarter_is_every_fourth_request() -> None:
    switches = Switches(error_rate=0.25)
    assert [switches.next_fails() for _ in range(8)] == [False, False, False, True] * 2


@given(st.integers(0, 100))
def test_a_percentage_is_met_exactly_over_a_hundred_requests(percent: int) -> None:
    switches = Switches(error_rate=percent / 100)
    assert sum(switches.next_fails() for _ in range(100)) == percent
