# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a host fares whatever its roles are: units, disks, memory, restarts, changes that are not finished."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.held_units import held_units
from ansible_collections.holdfast.platform.plugins.module_utils.status_common import STATE, ask, kept, lines
from ansible_collections.holdfast.platform.plugins.module_utils.units import Units

MOUNTS = Path("/proc/mounts")
MEMORY = Path("/proc/meminfo")
ALWAYS_FULL = ("squashfs", "iso9660", "erofs")  # they are written once
RESTART_WANTED = Path("/run/reboot-required")
TRANSACTIONS = STATE / "transactions"


class States(Units):
    """The units of the roles, with whether systemd knows them at all."""

    PROPERTIES = f"{Units.PROPERTIES},LoadState"

    def excused(self, name: str) -> bool:
        """Whether the conditions of a unit keep it from running here, as those of a clock do in a container."""
        unit = self.state[name]
        if unit.get("LoadState") != "loaded" or unit.get("ActiveState") != "inactive":
            return False
        if unit.get("Type") == "oneshot" and unit.get("UnitFileState") == "static":
            return unit.get("ConditionTimestampMonotonic", "0") == "0"  # others start it, when there is something to do
        # Since a boot nobody may have tried, or systemd has forgotten it
        asked = ask("systemd-analyze", "condition", f"--unit={name}")
        return asked.returncode == 1 and "failed" in asked.stdout + asked.stderr

    def told(self, name: str) -> dict[str, Any]:
        unit = self.state[name]
        found = {"load": "LoadState", "active": "ActiveState", "sub": "SubState", "file": "UnitFileState"}
        well = self.satisfied(name)
        return {
            **{key: unit.get(word, "") for key, word in found.items()},
            "running": self.active(name),
            "well": well or self.excused(name),
        }


def states(names: list[str]) -> dict[str, dict[str, Any]]:
    units = States(list(dict.fromkeys(names)))
    return {name: units.told(name) for name in units.names}


def failed_units() -> list[str]:
    return [line.split()[0] for line in lines("systemctl", "list-units", "--failed", "--plain", "--no-legend") if line]


def percent(used: int, whole: int) -> int:
    """Return a share as df does, rounded up."""
    return -(-100 * used // whole) if whole else 0


def disks() -> list[dict[str, Any]]:
    """Return how full each file system is, in space and in files."""
    found: dict[int, dict[str, Any]] = {}
    for line in MOUNTS.read_text().splitlines():
        device, path, kind = (word.replace("\\040", " ") for word in line.split()[:3])
        if kind in ALWAYS_FULL or not (device.startswith("/dev/") or path == "/"):
            continue
        with contextlib.suppress(OSError):  # gone meanwhile, or not ours to see
            number, room = Path(path).stat().st_dev, os.statvfs(path)
            used = room.f_blocks - room.f_bfree
            if number not in found and Path(path).is_dir():
                files = percent(room.f_files - room.f_ffree, room.f_files)
                found[number] = {"path": path, "percent": percent(used, used + room.f_bavail), "files_percent": files}
    return list(found.values())


def memory() -> dict[str, int]:
    """Return the memory in MiB, and what of it can be given to programs without swapping (proc(5))."""
    rows = dict(line.split(":", 1) for line in MEMORY.read_text().splitlines() if ":" in line)
    names = {"total_mb": "MemTotal", "available_mb": "MemAvailable"}
    return {name: int(rows[row].split()[0]) // 1024 for name, row in names.items()}


def wanting_restart() -> list[str]:
    """Return the packages for which Debian wants the host to restart."""
    if not RESTART_WANTED.exists():
        return []
    packages = RESTART_WANTED.with_suffix(".pkgs")
    return packages.read_text().split() if packages.exists() else ["an upgrade"]


def unfinished() -> dict[str, str]:
    """Return the changes of files that no run has finished, with how far they came."""
    found = {path.parent.name: kept(path) for path in sorted(TRANSACTIONS.glob("*/journal.json"))}
    return {name: str(journal.get("stage", "")) if journal else "torn" for name, journal in found.items()}


# What every host is asked beside its units
PARTS: dict[str, Callable[[], Any]] = {
    "failed_units": failed_units,
    "disks": disks,
    "memory": memory,
    "restart_wanted_by": wanting_restart,
    "unfinished": unfinished,
    "held_units": held_units,
}
