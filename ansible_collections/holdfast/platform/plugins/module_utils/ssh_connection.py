# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ssh connection that a run comes over."""

from __future__ import annotations

import os
from pathlib import Path


def connection() -> list[str]:
    """Return SSH_CONNECTION of the nearest ancestor that has one; sudo hides it from its children."""
    pid = os.getpid()
    while pid > 1:
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            status = Path(f"/proc/{pid}/status").read_text(errors="replace")
        except OSError:
            return []
        for entry in environment:
            if entry.startswith(b"SSH_CONNECTION="):
                return entry.decode().split("=", 1)[1].split()
        pid = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
    return []
