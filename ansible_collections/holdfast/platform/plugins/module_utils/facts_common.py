# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the facts are read with."""

from __future__ import annotations

import subprocess
from pathlib import Path

ETC = Path("/etc")
OURS = "Managed by Holdfast"


def output(*argv: str) -> str:
    try:
        return subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, encoding="utf-8", errors="replace"
        ).stdout
    except FileNotFoundError:
        return ""


def contents(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
