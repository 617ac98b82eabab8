"""The README names the versions that the suite runs with: those that the lock brings."""

from __future__ import annotations

import re
from pathlib import Path

LOCKED = re.compile(r"^ansible-core==(\d+\.\d+\.\d+)", re.MULTILINE)


def findings(root: Path) -> list[str]:
    """Every ansible-core of requirements.lock is named in README.md, to the last digit."""
    locked, readme = root / "requirements.lock", (root / "README.md").read_text(encoding="utf-8")
    versions = LOCKED.findall(locked.read_text(encoding="utf-8")) if locked.is_file() else []
    if not versions:
        return ["requirements.lock pins no ansible-core"]
    return [
        f"README.md does not name ansible-core {version}, which requirements.lock brings and the suite runs with"
        for version in versions
        if not re.search(rf"\b{re.escape(version)}\b", readme)
    ]
