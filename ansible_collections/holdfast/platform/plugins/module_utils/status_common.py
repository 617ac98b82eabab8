# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the state of a host is read with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

PROGRAMS = "/usr/local/lib/holdfast"
STATE = Path("/var/lib/holdfast")
DAY = 86400
GONE = 127  # as a shell says that there is no such program
SLOW = 124  # as timeout says


def ask(*argv: str, seconds: int = 30) -> subprocess.CompletedProcess[str]:
    """Return what a program answers; one that is not there, or does not end, says nothing on its output."""
    try:
        # What a program prints need not be text: pgBackRest quotes what a wrong passphrase makes of a file
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(argv, GONE, "", "")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, SLOW, "", f"{argv[0]} did not end within {seconds} s")


def lines(*argv: str) -> list[str]:
    return ask(*argv).stdout.splitlines()


def as_postgres(*argv: str) -> subprocess.CompletedProcess[str]:
    """Ask a program as the user of PostgreSQL, in a folder that it may read."""
    return ask("runuser", "-u", "postgres", "--", "env", "-C", "/", *argv)


def kept(path: Path) -> Any:
    """Return what a file of JSON holds; nothing when there is none, or a power cut has torn it."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None
