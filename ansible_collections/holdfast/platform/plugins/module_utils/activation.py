# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done to the units of a transaction, and whether they run afterwards."""

from __future__ import annotations

import shlex
import time
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.journal import Journal
from ansible_collections.holdfast.platform.plugins.module_utils.process import run
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused
from ansible_collections.holdfast.platform.plugins.module_utils.units import OPPOSITE, Units

ACTIVATION_SECONDS = 600
SETTLE_SECONDS = 0.5


class Activation:
    """The part of a transaction that speaks to systemd."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.arguments = arguments
        self.units = Units([])
        self.live: list[str] = []
        self.unit_changes: list[str] = []
        self.activated: list[str] = []

    def is_live(self, name: str, pending: bool) -> bool:
        """Whether a unit runs, or did until a killed run left it half restarted."""
        wanted = {unit["name"]: unit.get("state") for unit in self.arguments["units"]}.get(name)
        return wanted != "stopped" and (self.units.active(name) or (pending and wanted == "started"))

    def lost(self) -> list[str]:
        """Redo what units that still run have done, where somebody has undone it, such as rules that were flushed."""
        asked = [unit for unit in self.arguments["units"] if unit.get("in_force") and unit["name"] in self.live]
        return [f"{unit.get('redo', 'reload')} {unit['name']}" for unit in asked if run(unit["in_force"])[0] != 0]

    def due(self, entry: str) -> bool:
        """Only a live unit is restarted or reloaded; one that was not running is started with the new files."""
        return entry.startswith("run ") or entry.split(" ", 1)[1] in self.live

    def unit_moves(self) -> list[str]:
        moves = []
        for unit in self.arguments["units"]:
            name = unit["name"]
            if (
                unit.get("enabled") is not None
                and self.units.enabled(name) != unit["enabled"]
                and self.units.state[name].get("UnitFileState") not in ("static", "generated", "transient")
            ):
                moves.append(f"{'enable' if unit['enabled'] else 'disable'} {name}")
            if unit.get("state") == "started" and not self.units.satisfied(name):
                moves.append(f"start {name}")
            if unit.get("state") == "stopped" and self.units.active(name):
                moves.append(f"stop {name}")
        return moves

    def read_units(self, journal: Journal) -> None:
        self.units.ask()
        stale = any(unit.get("NeedDaemonReload") == "yes" for unit in self.units.state.values())
        if stale or any("/systemd/" in original.dest for original in journal.originals):
            self.must(["systemctl", "daemon-reload"])
            self.units.ask()

    def activate(self, entries: list[str]) -> None:
        began = time.time()
        self.activated, started = [], []
        for entry in entries:
            verb, name = entry.split(" ", 1)
            if verb == "run":
                self.must(shlex.split(name))
            elif verb in ("restart", "reload") and name in started:
                continue
            else:
                # A unit may not know how to reload, and after a failure nothing may be left that could.
                self.systemctl("reload-or-restart" if verb == "reload" else verb, name, began)
            started += [name] if verb in ("start", "restart") else []
            (self.unit_changes if verb in OPPOSITE else self.activated).append(entry)
        self.must_be_up(started, began)

    def systemctl(self, verb: str, name: str, began: float) -> None:
        if verb in ("start", "restart", "reload-or-restart"):
            run(["systemctl", "reset-failed", name])  # earlier failures must not count against this start
        self.must(["systemctl", verb, name], name, began)

    def must(self, command: list[str], unit: str = "", began: float = 0) -> None:
        code, text = run(command, ACTIVATION_SECONDS)
        if code != 0:
            raise Refused(
                f"`{shlex.join(command)}` failed: {text or f'exit code {code}'}{self.journal_of(unit, began)}"
            )

    def must_be_up(self, names: list[str], began: float) -> None:
        if not names:
            return
        self.units.ask()
        if any(self.units.state[name].get("Type") in ("simple", "exec") for name in names):
            time.sleep(SETTLE_SECONDS)  # systemd calls these started before they had a chance to fail
            self.units.ask()
        for name in names:
            died = self.units.state[name].get("NRestarts", "0") != "0"
            if died or not self.units.satisfied(name):
                state = "dying again and again" if died else self.units.state[name].get("ActiveState")
                raise Refused(f"{name} is {state} after its start{self.journal_of(name, began)}")

    @staticmethod
    def journal_of(unit: str, began: float) -> str:
        if not unit:
            return ""
        time.sleep(SETTLE_SECONDS)  # the last words of a dying process come last
        run(["journalctl", "--sync"])
        argv = ["journalctl", "-q", "-n", "20", "--no-pager", "-o", "cat", f"--since=@{int(began)}", "-u", unit]
        _code, text = run(argv)
        return f"\nIts journal says:\n{text}" if text else ""
