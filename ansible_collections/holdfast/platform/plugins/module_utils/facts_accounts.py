# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts and groups."""

from __future__ import annotations

import contextlib
import grp
import json
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.facts_common import ETC

ACCOUNTS_MADE = Path("/var/lib/holdfast/accounts.json")


def rows(path: Path) -> list[list[str]]:
    """Return the fields of the lines of a file such as /etc/passwd."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [line.split(":") for line in lines if line.count(":") >= 2 and not line.startswith(("#", "+", "-"))]


def accounts() -> dict[str, Any]:
    """Return accounts and groups of this host by name, those that base made, and numbers that people may give away."""
    groups = {row[0]: int(row[2]) for row in rows(ETC / "group") if row[2].isdecimal()}
    made: list[str] = []
    with contextlib.suppress(OSError, ValueError):
        made = sorted(map(str, json.loads(ACCOUNTS_MADE.read_text())))
    elsewhere = {}
    with contextlib.suppress(KeyError):
        elsewhere = {} if "docker" in groups else {"docker": grp.getgrnam("docker").gr_gid}
    return {
        "users": {row[0]: int(row[2]) for row in rows(ETC / "passwd") if row[2].isdecimal()},
        "groups": groups,
        "groups_elsewhere": elsewhere,
        "made": made,
        "subordinate": {
            name: [[int(row[1]), int(row[2])] for row in rows(ETC / name) if row[1].isdecimal() and row[2].isdecimal()]
            for name in ("subuid", "subgid")
        },
    }
