"""Runs pytest in forks of a process that has loaded what takes long; started in the copy, it knows no other tree.

Reads a line of JSON per run (its arguments and its seconds) and answers with a line: the exit code, or `late`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from contextlib import suppress

import ansible.plugins.loader
import hypothesis
import pytest

LOADED = (ansible.plugins.loader, hypothesis)
LATE = ["-W", "ignore:Module already imported"]  # which pytest would have liked to see first


def run(arguments: list[str], seconds: float) -> int | str:
    child = os.fork()
    if child == 0:
        _test(arguments)
    deadline = time.monotonic() + seconds
    pause = 0.01
    try:
        while time.monotonic() < deadline:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.2)
        return "late"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # and whatever the tests have started
        with suppress(ChildProcessError):
            os.waitpid(child, 0)


def _test(arguments: list[str]) -> None:
    code = 70  # whatever goes wrong here is no answer of pytest
    try:
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        code = int(pytest.main([*LATE, *arguments]))
    finally:
        os._exit(code)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and closes our input
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(run(asked["arguments"], asked["seconds"])), flush=True)


if __name__ == "__main__":
    main()
