"""Where things are kept; everything the test bed makes lies in .cache and .venv."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
VENV = ROOT / os.environ.get("HOLDFAST_VENV", ".venv")  # a second Python has its own
LAB = CACHE / "lab"
LOGS = CACHE / "logs"
BED = LAB / "bed.json"
KEY = LAB / "id_ed25519"
# How many scenarios run at the same time on this machine: each computes two thirds of its time, and waits the rest
LANES = int(os.environ.get("HOLDFAST_LANES", "0")) or min(4, (os.cpu_count() or 1) + 1)


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
    CACHE.mkdir(parents=True, exist_ok=True)
    path = shared_file(f"{name}.lock") if shared_by_machine else CACHE / f"{name}.lock"
    # Children must not inherit the lock: an engine started under it lives on
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def lane(hosts: str) -> Iterator[float]:
    """Let one process at a time use these hosts of ours, and no more than LANES on this machine; yield the wait."""
    began = time.monotonic()
    with locked(f"hosts-{hosts}"), ExitStack() as stack:
        lanes = [stack.enter_context(shared_file(f"lane-{number}.lock").open("w")) for number in range(LANES)]
        while not any(_lock_now(handle) for handle in lanes):
            time.sleep(0.5)
        yield time.monotonic() - began


def shared_file(name: str) -> Path:
    """Return a file that all checkouts of this user share."""
    return Path(tempfile.gettempdir()) / f"holdfast-{os.getuid()}-{name}"


class Presence:
    """Says that a command is at work on what all checkouts share, until the process ends or is killed."""

    def __init__(self, name: str) -> None:
        self.path = shared_file(f"{name}.lock")
        self.handle: IO[str] | None = None

    def begin(self) -> None:
        if self.handle is None:
            self.handle = self.path.open("w")
            fcntl.flock(self.handle, fcntl.LOCK_SH)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """Tell whether nobody is at work; whoever begins now waits until we are done."""
        with self.path.open("w") as handle:
            yield _lock_now(handle)


def _lock_now(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
