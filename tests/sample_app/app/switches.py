"""Faults on request: what the tests of releases and rollbacks turn on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

MISSPELT = "must be true or false"


@dataclass
class Switches:
    """``SWITCH_<NAME>`` in the environment sets them; POST /switch changes all but the delay at run time."""

    start_delay_seconds: float = 0.0
    health_fails: bool = False
    error_rate: float = 0.0
    hang: bool = False
    _owed: float = field(default=0.0, repr=False)

    def update(self, changes: Mapping[str, object]) -> None:
        """Change all of the named switches, or none of them when one is wrong."""
        parsed = {name: parse(name, value) for name, value in changes.items()}
        for name, value in parsed.items():
            setattr(self, name, value)

    def shown(self) -> dict[str, bool | float]:
        """Return the switches that can be changed at run time."""
        return {"health_fails": self.health_fails, "error_rate": self.error_rate, "hang": self.hang}

    def next_fails(self) -> bool:
        """Return whether the next request fails. Evenly spread, not drawn: 0.25 is every fourth request exactly."""
        self._owed = round(self._owed + self.error_rate, 9) if self.error_rate else 0.0
        if self._owed < 1:
            return False
        self._owed -= 1
        return True


def parse(name: str, value: object) -> bool | float:
    """Return the value of a run-time switch."""
    if name in ("health_fails", "hang"):
        if isinstance(value, str):
            value = {"true": True, "1": True, "false": False, "0": False}.get(value.lower())
        if not isinstance(value, bool):
            raise ValueError(f"{name} {MISSPELT}")
        return value
    if name == "error_rate":
        return _within(name, value, 1)
    raise ValueError(f"{name!r} is not a switch; choose from health_fails, error_rate, hang")


def read_switches(environment: Mapping[str, str]) -> Switches:
    """Return the switches as the environment sets them."""
    switches = Switches()
    for variable, value in environment.items():
        if variable == "SWITCH_START_DELAY_SECONDS":
            switches.start_delay_seconds = _within("start_delay_seconds", value, 600)
        elif variable.startswith("SWITCH_"):
            switches.update({variable.removeprefix("SWITCH_").lower(): value})
    return switches


def _within(name: str, value: object, highest: float) -> float:
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        raise ValueError(f"{name} must be a number")
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"{name} must be a number") from None
    if not math.isfinite(number) or not 0 <= number <= highest:
        raise ValueError(f"{name} must be from 0 to {highest}")
    return number
