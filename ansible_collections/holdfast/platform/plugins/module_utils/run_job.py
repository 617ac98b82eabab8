#!/usr/bin/python3
# Managed by Holdfast; changes made here are overwritten.
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run a job of this host, as cron does at its time: run-job NAME.

The exit code is that of its command; 124 when it took too long, 75 when it was skipped because the run before still
goes, 125 when it could not be begun.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.holdfast.platform.plugins.module_utils.job_command import ENDED, TOO_LONG, Command
from ansible_collections.holdfast.platform.plugins.module_utils.job_output import LOGS, JobOutput
from ansible_collections.holdfast.platform.plugins.module_utils.job_record import (
    DEFINITIONS,
    FAILED,
    INTERRUPTED,
    SUCCEEDED,
    TIMED_OUT,
    begin_record,
    end_record,
    job_lock,
    skip_record,
)
from ansible_collections.holdfast.platform.plugins.module_utils.masking import Secrets
from ansible_collections.holdfast.platform.plugins.module_utils.process import SYSTEM_PATH, run
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused

CODE_SKIPPED, CODE_TOO_LONG, CODE_REFUSED, CODE_NOT_EXECUTABLE, CODE_NOT_FOUND = 75, 124, 125, 126, 127
STOP_SECONDS = 60


@dataclass(frozen=True)
class Definition:
    """What a job is; the schedule is for cron and for status."""

    argv: list[str]
    timeout_seconds: int
    schedule: str
    stop_argv: list[str]
    environment_file: str
    hidden_files: list[str]


def defined_job(name: str) -> Definition:
    path = DEFINITIONS / f"{name}.json"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.exists():
        known = ", ".join(sorted(each.stem for each in DEFINITIONS.glob("*.json"))) or "none"
        raise Refused(f"{DEFINITIONS} has no such job; the jobs of this host are: {known}")
    try:
        return Definition(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as problem:
        raise Refused(f"{path} cannot be read ({problem}); run site.yml, which writes it") from problem


def environment_of(path: str) -> dict[str, str]:
    """Return the environment of a command, the same whoever runs the job."""
    try:
        lines = Path(path).read_text().splitlines() if path else []
    except (OSError, ValueError) as problem:
        raise Refused(f"the environment file {path} cannot be read ({problem}); mend that") from problem
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    return {"PATH": SYSTEM_PATH, "HOME": "/root", "LC_ALL": "C.UTF-8", **{name.strip(): value for name, value in pairs}}


class Run:
    """One run of a job, whose lock it has."""

    def __init__(self, name: str, job: Definition) -> None:
        self.name, self.job = name, job
        self.environment = environment_of(job.environment_file)
        self.output = JobOutput(name, Secrets([*job.hidden_files, job.environment_file or os.devnull]))

    def carry_out(self, lock: int) -> int:
        try:
            killed = begin_record(self.name)
        except OSError as problem:
            raise Refused(f"its record cannot be written ({problem}), and it did not begin; make room") from problem
        if killed:
            self.output.note(f"the run of {killed} was interrupted")
            self.stop()
        self.output.note("begins")
        began = time.monotonic()
        result, code = self.executed(lock)
        self.output.close()
        seconds = time.monotonic() - began
        said = f"{result} with exit code {code} after {seconds:.1f} s"
        self.output.note(said)
        try:
            end_record(self.name, result, seconds, code, list(self.output.last))
        except OSError as problem:
            print(f"{self.name}: its record cannot be written ({problem}); make room", file=sys.stderr)
        self.tell(said, [] if result == SUCCEEDED else list(self.output.last))
        return code

    def executed(self, lock: int) -> tuple[str, int]:
        """Return how the command ended and its exit code."""
        try:
            command = Command(self.job.argv, self.environment, lock, self.output.take)
        except (OSError, ValueError) as problem:  # the latter when a NUL is in a word
            self.output.take(f"{self.job.argv[0]}: {getattr(problem, 'strerror', problem)}\n".encode())
            return FAILED, CODE_NOT_FOUND if isinstance(problem, FileNotFoundError) else CODE_NOT_EXECUTABLE
        how = command.follow(self.job.timeout_seconds)
        code = command.end()
        if how == ENDED:
            return FAILED if code else SUCCEEDED, code
        self.stop()
        return (TIMED_OUT, CODE_TOO_LONG) if how == TOO_LONG else (INTERRUPTED, 128 + command.signal)

    def stop(self) -> None:
        """End what the command has begun elsewhere, such as a container."""
        if self.job.stop_argv:
            code, said = run(self.job.stop_argv, STOP_SECONDS)
            self.output.take(f"{said}\n".encode() if said else b"")
            self.output.note(f"{self.job.stop_argv[0]}, which ends what is left, had exit code {code}")

    def tell(self, said: str, last: list[str]) -> None:
        for line in last:
            print(f"{self.name}: {line}")
        print(f"{self.name}: {said}; {LOGS / self.name}.log has what it said")
        if self.output.problem:
            print(f"{self.name}: the log cannot be written ({self.output.problem}); make room", file=sys.stderr)


def run_job(name: str) -> int:
    job = defined_job(name)
    with job_lock(name) as lock:
        if lock is not None:
            return Run(name, job).carry_out(lock)
        began = skip_record(name).get("started", "an unknown time")
        print(f"{name}: skipped, because the run of {began} still goes", file=sys.stderr)
        return CODE_SKIPPED


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: run-job NAME", file=sys.stderr)
        return CODE_REFUSED
    try:
        return run_job(sys.argv[1])
    except (Refused, OSError) as problem:
        print(f"{sys.argv[1]}: {problem}", file=sys.stderr)
        return CODE_REFUSED


if __name__ == "__main__":
    sys.exit(main())
