"""Processes remembered across runs: a number alone may belong to somebody else by now."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from .paths import read_json, write_json

PROC = Path("/proc")


def start_time(stat: str) -> int | None:
    """Return the start time (clock ticks since boot) from /proc/<pid>/stat; the name in it may hold anything.

    A zombie has none: it is dead, but the first process of a container may never bury it.
    """
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else int(fields[19])


def identity(pid: int, proc: Path = PROC) -> dict[str, int] | None:
    """Return what tells this process from a later one with the same number; None when it is gone."""
    try:
        started = start_time((proc / str(pid) / "stat").read_text())
    except (OSError, ValueError, IndexError):
        return None
    return None if started is None else {"pid": pid, "started": started}


def remember(path: Path, pid: int) -> None:
    write_json(path, dict(identity(pid) or {}))


def remembered(path: Path, proc: Path = PROC) -> int | None:
    """Return the process number kept in the file, if that very process still runs."""
    kept = read_json(path)
    pid = kept.get("pid")
    if not isinstance(pid, int) or kept != identity(pid, proc):
        return None
    return pid


def name_of(pid: int, proc: Path = PROC) -> str:
    try:
        return (proc / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def drop_stale_pid_file(path: Path, program: str, proc: Path = PROC) -> bool:
    """Remove the pid file of a killed program, also when its number was given to another one since."""
    try:
        text = path.read_text().strip()
    except OSError:
        return False
    if text.isdigit() and identity(int(text), proc) and name_of(int(text), proc) == program:
        return False
    path.unlink(missing_ok=True)
    return True


def stop(path: Path, patience: float = 20) -> bool:
    """End the remembered process and forget it; tell whether there was one."""
    pid = remembered(path)
    if pid is None:
        path.unlink(missing_ok=True)
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while remembered(path) is not None and time.monotonic() < deadline:
        time.sleep(0.1)
    if remembered(path) is not None:
        os.kill(pid, signal.SIGKILL)
    path.unlink(missing_ok=True)
    return True
