"""Where things are kept; everything the test bed makes lies in .cache and .venv."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv"
LAB = CACHE / "lab"
LOGS = CACHE / "logs"
BED = LAB / "bed.json"
KEY = LAB / "id_ed25519"
LABEL = "holdfast.lab"


class LabError(Exception):
    """Something is in the way: what it is, and what to do about it."""

    def __init__(self, message: str, cure: str = "", code: int = 1) -> None:
        super().__init__(message)
        self.cure = cure
        self.code = code


def read_json(path: Path) -> dict[str, Any]:
    """Return the object kept in a file, or nothing when the file is missing or cut short."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write in one step, so that a killed run leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{os.getpid()}")
    staged.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")
    staged.replace(path)


@contextmanager
def locked(name: str, shared_by_machine: bool = False) -> Iterator[None]:
    """Let one process at a time do this; a killed one leaves no lock behind."""
    folder = Path(tempfile.gettempdir()) if shared_by_machine else CACHE
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"holdfast-{os.getuid()}-{name}" if shared_by_machine else name
    # Children must not inherit the lock: an engine started under it lives on
    with (folder / f"{stem}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
