# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""apt and dpkg, started as soon as nobody else uses them."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import time
from pathlib import Path

from ansible_collections.holdfast.platform.plugins.module_utils.process import run
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused

LOCKS = tuple(
    map(
        Path,
        (
            "/var/lib/dpkg/lock-frontend",
            "/var/lib/dpkg/lock",
            "/var/lib/apt/lists/lock",
            "/var/cache/apt/archives/lock",
        ),
    )
)
LOCKED = re.compile(r"lock was locked by|Could not get lock|Unable to (acquire the|lock )")
PAUSE_SECONDS = 1


def run_apt(argv: list[str], **more: str) -> tuple[int, str]:
    """Run apt, dpkg or what belongs to them, which takes the time it takes and has nobody to ask."""
    return run(argv, None, **{"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l", **more})


def holder_of(lock: Path) -> str:
    """Name the process that has a lock of apt or dpkg; nothing when it is free."""
    try:
        handle = os.open(lock, os.O_RDWR)
    except OSError:
        return ""  # nobody has ever made it
    try:
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, *_where, pid = struct.unpack("hhqqi4x", fcntl.fcntl(handle, fcntl.F_GETLK, asked))
    finally:
        os.close(handle)
    if kind == fcntl.F_UNLCK:
        return ""
    try:
        return f"{Path(f'/proc/{pid}/comm').read_text().strip()} (pid {pid})"
    except OSError:
        return f"a process (pid {pid})"


def boots() -> bool:
    """Tell whether the host is still starting, as with a cloud-init that installs and configures."""
    return run_apt(["systemctl", "is-system-running"])[1].strip() in ("initializing", "starting")


class Patience:
    """Lets others finish their work on packages, up to a limit for the whole call, and remembers whom it waited for."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.end = time.monotonic() + seconds
        self.waited: dict[str, float] = {}

    def over(self) -> bool:
        return time.monotonic() >= self.end

    def pause(self, reason: str) -> None:
        began = time.monotonic()
        time.sleep(PAUSE_SECONDS)
        self.waited[reason] = self.waited.get(reason, 0.0) + time.monotonic() - began

    def wait_for_boot(self) -> None:
        """A boot that never ends is no reason to do nothing: it says so and goes on."""
        while boots() and not self.over():
            self.pause("the host, which is still starting (`systemctl list-jobs` shows what it waits for)")
        if self.waited and self.over():
            self.end = time.monotonic() + self.seconds

    def wait_for_locks(self) -> None:
        while True:
            held = [(name, lock) for lock in LOCKS if (name := holder_of(lock))]
            if not held:
                return
            name, lock = held[0]
            if self.over():
                raise Refused(
                    f"{name} has had {lock} for the {self.seconds} s that this run waited, so nothing can be "
                    "installed; let it end, or stop it, then run this again"
                )
            self.pause(f"{name}, which had {lock}")

    def run(self, argv: list[str], **more: str) -> tuple[int, str]:
        """Run apt or dpkg as soon as nobody else does, and again when somebody was faster."""
        while True:
            self.wait_for_locks()
            code, text = run_apt(argv, **more)
            if code == 0 or not LOCKED.search(text) or self.over():
                return code, text
            self.pause("a process that came first")

    def words(self) -> list[str]:
        return [f"waited {seconds:.0f} s for {reason}" for reason, seconds in self.waited.items()]


def journal_of(text: str) -> list[str]:
    """Return the last words of units that did not start, where systemd only says where to read them."""
    units = dict.fromkeys(re.findall(r"Job for (\S+) failed", text))
    said = []
    for unit in units:
        _code, words = run_apt(["journalctl", "-q", "-n", "10", "--no-pager", "-o", "cat", "-u", unit])
        said += [f"the journal of {unit} says:", *words.splitlines()]
    return said
