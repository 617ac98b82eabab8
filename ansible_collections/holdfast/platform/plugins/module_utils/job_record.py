# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the runs of jobs went: a record for each job, which outlives a power cut, and a lock that does not."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.durable import write_durably
from ansible_collections.holdfast.platform.plugins.module_utils.status_common import kept

DEFINITIONS = Path("/etc/holdfast/jobs")
RECORDS = Path("/var/lib/holdfast/jobs")
RUNNING, SUCCEEDED, FAILED = "running", "succeeded", "failed"
TIMED_OUT, INTERRUPTED, SKIPPED = "timed out", "interrupted", "skipped"
PATIENCE_SECONDS = 1  # status holds a lock for a moment to see whether somebody has it
PAUSE_SECONDS = 0.05

Record = dict[str, Any]


def utc_now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def read_record(name: str) -> Record:
    found = kept(RECORDS / f"{name}.json")
    return found if isinstance(found, dict) else {}


@contextlib.contextmanager
def changed_record(name: str) -> Iterator[Record]:
    """Hand out a record and keep what becomes of it. A run that is skipped and one that ends may come here together."""
    RECORDS.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = os.open(RECORDS, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        record = read_record(name)
        yield record
        data = json.dumps(record, indent=2) + "\n"
        write_durably(RECORDS / f"{name}.json", data.encode(), 0o600, os.geteuid(), os.getegid())
    finally:
        os.close(folder)


def count(record: Record, result: str) -> None:
    record.setdefault("since", utc_now())
    counts = record.setdefault("counts", {})
    counts[result] = counts.get(result, 0) + 1


def begin_record(name: str) -> str:
    """Note that a run begins; return when one began that has never ended, or nothing."""
    with changed_record(name) as record:
        killed = str(record.get("started", "")) if record.get("result") == RUNNING else ""
        if killed:
            record["interrupted"] = killed
            count(record, INTERRUPTED)
        for old in ("finished", "seconds", "exit_code", "last_lines"):
            record.pop(old, None)
        record |= {"started": utc_now(), "result": RUNNING}
    return killed


def end_record(name: str, result: str, seconds: float, exit_code: int, last_lines: list[str]) -> None:
    with changed_record(name) as record:
        finished = utc_now()
        record |= {"finished": finished, "seconds": round(seconds, 1), "exit_code": exit_code, "result": result}
        if result == SUCCEEDED:
            record["last_success"] = finished
        else:
            record["last_lines"] = last_lines
        count(record, result)


def skip_record(name: str) -> Record:
    """Note that a run was skipped, beside what is known of the one that goes."""
    with changed_record(name) as record:
        record["skipped"] = utc_now()
        count(record, SKIPPED)
    return record


@contextlib.contextmanager
def job_lock(name: str) -> Iterator[int | None]:
    """Hand out the lock of a job, or nothing while a run of it goes.

    The command inherits it, so a command that outlives its run-job still holds it; unlocking releases it for all that
    have inherited it, such as a daemon that the command has left.
    """
    RECORDS.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(RECORDS / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        ends = time.monotonic() + PATIENCE_SECONDS
        while not (taken := has_taken(lock, fcntl.LOCK_EX)) and time.monotonic() < ends:
            time.sleep(PAUSE_SECONDS)
        yield lock if taken else None
        if taken:
            fcntl.flock(lock, fcntl.LOCK_UN)
    finally:
        os.close(lock)


def has_taken(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_going(name: str) -> bool:
    """Tell whether a run of a job goes, without being in its way."""
    try:
        lock = os.open(RECORDS / f"{name}.lock", os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not has_taken(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)


def observed_record(name: str) -> Record:
    """Return the record of a job; a run that has never ended and does not go was interrupted."""
    first = read_record(name)
    if first.get("result") != RUNNING or is_going(name):
        return first
    again = read_record(name)  # it may have ended meanwhile, and the next one begun
    is_same = (again.get("result"), again.get("started")) == (RUNNING, first.get("started"))
    return again | {"result": INTERRUPTED} if is_same else again
