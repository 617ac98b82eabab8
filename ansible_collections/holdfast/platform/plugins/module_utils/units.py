# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The units of systemd as a transaction sees them."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.holdfast.platform.plugins.module_utils.process import run
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused

UNITS = Path("/etc/systemd/system")
OPPOSITE = {"enable": "disable", "disable": "enable", "start": "stop", "stop": "start"}


class Units:
    """The units of the transaction and those its activations name, asked for in one call."""

    PROPERTIES = (
        "ActiveState,SubState,UnitFileState,NeedDaemonReload,ConditionResult,ConditionTimestampMonotonic,"
        "Type,RemainAfterExit,Result,NRestarts"
    )

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.state: dict[str, dict[str, str]] = {}
        self.ask()

    def ask(self) -> None:
        if not self.names:
            return
        code, text = run(["systemctl", "show", "-p", self.PROPERTIES, "--", *self.names])
        if code != 0:
            raise Refused(f"systemd does not answer: {text}")
        blocks = [
            dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")
        ]
        self.state = dict(zip(self.names, blocks, strict=True))

    def active(self, name: str) -> bool:
        unit = self.state[name]
        if unit.get("SubState", "").startswith("auto-restart"):
            return False  # systemd calls a unit that keeps dying "activating"
        return unit.get("ActiveState") in ("active", "activating", "reloading", "refreshing")

    def enabled(self, name: str) -> bool:
        return not self.masked(name) and self.state[name].get("UnitFileState") not in ("disabled", "")

    def masked(self, name: str) -> bool:
        return self.state[name].get("UnitFileState", "").startswith("masked")

    def satisfied(self, name: str) -> bool:
        """Whether a unit does what a start can do: runs, ran well, or is excused by its own conditions."""
        unit = self.state[name]
        if self.active(name):
            return True
        if unit.get("ConditionTimestampMonotonic", "0") == "0":
            return False  # never tried since boot: what follows are default values
        if (
            unit.get("Type") == "oneshot"
            and unit.get("RemainAfterExit") == "yes"
            and unit.get("ConditionResult") == "yes"
        ):
            return False  # such a unit stays active after it ran well, so somebody stopped it
        ran_well = (
            unit.get("Type") == "oneshot" and unit.get("Result") == "success" and unit.get("ActiveState") == "inactive"
        )
        return ran_well or unit.get("ConditionResult") == "no"


def in_order(activations: list[str]) -> list[str]:
    """Remove repetitions, and reloads of units that are restarted anyway; commands come first."""
    unique = list(dict.fromkeys(activations))
    kept = [entry for entry in unique if not (entry.startswith("reload ") and f"restart {entry[7:]}" in unique)]
    return sorted(kept, key=lambda entry: not entry.startswith("run "))
