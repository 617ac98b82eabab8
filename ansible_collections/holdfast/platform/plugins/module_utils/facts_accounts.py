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


def rows(path: Path, colons: int = 2) -> list[list[str]]:
    """Return the fields of the lines of a file such as /etc/passwd that have so many colons at least."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [line.split(":") for line in lines if line.count(":") >= colons and not line.startswith(("#", "+", "-"))]


def has_directory() -> bool:
    """Tell whether groups may come from somewhere else than this host, such as LDAP, where none can be listed."""
    sources = {word for row in rows(ETC / "nsswitch.conf", 1) if row[0] == "group" for word in row[1].split()}
    return any(word.isalnum() for word in sources - {"files", "compat", "systemd"})


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
        "directory": has_directory(),
        "made": made,
        "subordinate": {
            name: [[int(row[1]), int(row[2])] for row in rows(ETC / name) if row[1].isdecimal() and row[2].isdecimal()]
            for name in ("subuid", "subgid")
        },
    }
