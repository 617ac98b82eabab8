# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A command in a process group of its own, that is ended when it takes too long or when somebody ends us."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable

TERM_SECONDS = 10  # that processes have to end when they are asked to, before they are ended
KILL_SECONDS = 5  # until the kernel has ended them; one that waits for a broken disk is not waited for
LOOK_SECONDS = 0.05
MOST_BYTES = 1 << 20  # more than fits into a pipe, so that one reading empties it
ENDED, TOO_LONG, TOLD_TO_END = "ended", "too long", "told to end"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Command:
    """A command that runs; `take` gets what it says."""

    def __init__(self, argv: list[str], environment: dict[str, str], lock: int, take: Callable[[bytes], None]) -> None:
        self.take, self.signal = take, 0
        # A signal is a byte in this pipe: nothing is interrupted, and none is lost between two steps
        self.alarm, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        for number in SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:  # as nohup leaves them
                signal.signal(number, lambda _number, _frame: None)
        signal.set_wakeup_fd(waker)
        self.process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd="/",
            start_new_session=True,
            pass_fds=(lock,),
        )
        assert self.process.stdout is not None  # noqa: S101 - it was asked for
        self.pipe = self.process.stdout.fileno()
        os.set_blocking(self.pipe, False)
        self.end_of_process = os.pidfd_open(self.process.pid)

    def follow(self, seconds: float) -> str:
        """Take in what it says until it has ended, or has to be."""
        sources, ends = [self.alarm, self.pipe, self.end_of_process], time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            ready = select.select(sources, [], [], left)[0]
            if self.alarm in ready:
                self.signal = os.read(self.alarm, 1)[0]
                return TOLD_TO_END
            if self.pipe in ready and not self.listen():
                sources.remove(self.pipe)
            if self.end_of_process in ready:
                return ENDED
        return TOO_LONG

    def listen(self) -> bool:
        """Take in what is there; False when nobody can say more."""
        try:
            data = os.read(self.pipe, MOST_BYTES)
        except BlockingIOError:
            return True
        self.take(data)
        return bool(data)

    def goes(self) -> bool:
        """Tell whether any process of the group is left."""
        self.process.poll()
        return self.reach(0)

    def reach(self, number: int) -> bool:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return False
        return True

    def end(self) -> int:
        """End all that is left of the group, and return the exit code as a shell would."""
        for number, seconds in ((signal.SIGTERM, TERM_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
            self.reach(number)
            ends = time.monotonic() + seconds
            while self.goes() and time.monotonic() < ends:
                with contextlib.suppress(OSError):
                    self.listen()
                time.sleep(LOOK_SECONDS)
            if not self.goes():
                break
        self.listen()
        code = self.process.poll()
        return 128 + signal.SIGKILL if code is None else 128 - code if code < 0 else code
