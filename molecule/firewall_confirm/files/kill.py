"""End every process whose command line holds a word, at once and without a chance to clean up: `kill.py WORD`."""

import contextlib
import os
import signal
import sys
from pathlib import Path

for process in Path("/proc").glob("[0-9]*"):
    with contextlib.suppress(OSError):
        if (
            int(process.name) not in (os.getpid(), os.getppid())
            and sys.argv[1].encode() in (process / "cmdline").read_bytes()
        ):
            os.kill(int(process.name), signal.SIGKILL)
