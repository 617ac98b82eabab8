# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What takes a change back that nobody confirms: a timer, and a unit for the boot that may come before it."""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.holdfast.platform.plugins.module_utils.durable import settle, write_durably
from ansible_collections.holdfast.platform.plugins.module_utils.files import private_folder
from ansible_collections.holdfast.platform.plugins.module_utils.process import run
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused
from ansible_collections.holdfast.platform.plugins.module_utils.units import UNITS

RUN = Path("/run")
RETRY_SECONDS = 5
BOOT_UNIT = """\
# Managed by Holdfast; removed as soon as the change is confirmed.
[Unit]
Description=Take back what nobody confirmed before this boot: {name}
DefaultDependencies=no
After=local-fs.target
Before=sysinit.target network-pre.target {units}
Conflicts=shutdown.target
Before=shutdown.target
ConditionPathExists={journal}
ConditionPathExists={program}
# Whoever starts a unit makes systemd look at this one too; until a boot it is the timer's business.
ConditionPathExists=!{mark}

[Service]
Type=oneshot
ExecStart={python} {program}
TimeoutStartSec=120
"""


@contextmanager
def alone(name: str) -> Iterator[None]:
    """Let the module of an earlier run, which a lost connection left alone on the host, finish first.

    A lock for each transaction: to take one back must not wait for another that activates slowly.
    """
    handle = os.open(RUN / f"holdfast-transaction-{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


class Guard:
    """Takes a change back when nobody confirms it: a timer, and a unit for the boot that may come before it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"holdfast-revert-{folder.name}"
        self.program = folder / "revert"
        self.boot_unit = UNITS / f"{self.name}-boot.service"
        self.boot_link = UNITS / "sysinit.target.wants" / self.boot_unit.name
        self.mark = RUN / self.name  # no boot since

    def stand_by(self, program: str, units: list[str]) -> None:
        """From here on a boot takes the change back."""
        self.mark.touch()
        private_folder(self.folder)
        paths = {"journal": self.folder / "journal.json", "program": self.program, "mark": self.mark}
        unit = BOOT_UNIT.format(name=self.folder.name, units=" ".join(units), python=sys.executable, **paths)
        self.boot_link.parent.mkdir(exist_ok=True)
        for path, text, mode in ((self.program, program, 0o700), (self.boot_unit, unit, 0o644)):
            write_durably(path, text.encode(), mode, os.geteuid(), os.getegid())
        if not self.boot_link.is_symlink():
            self.boot_link.symlink_to(self.boot_unit)
            settle(self.boot_link.parent)

    def set_timer(self, seconds: int) -> None:
        older = self.timers()
        argv = ["systemd-run", "--quiet", "--collect", f"--unit={self.name}_{time.time_ns()}", f"--on-active={seconds}"]
        argv += ["--timer-property=AccuracySec=100ms", "--property=Restart=on-failure"]
        code, text = run([*argv, f"--property=RestartSec={RETRY_SECONDS}", sys.executable, str(self.program)])
        if code != 0:
            raise Refused(f"the change could not be taken back by itself later, systemd-run says: {text}")
        self.stop(older)  # only now, for a run that is killed here must leave one

    def timers(self) -> list[str]:
        """Return the timers that run, after what they start: a killed run may have left some."""
        pattern = f"{self.name}_*"  # no transaction has this sign in its name
        code, text = run(["systemctl", "list-units", "--all", "--plain", "--no-legend", pattern])
        return [line.split()[0] for line in text.splitlines() if line.strip()] if code == 0 else []

    def stop(self, timers: list[str]) -> None:
        # A revert that waits for our lock has done nothing yet, so it may be stopped too, after what starts it.
        if timers:
            run(["systemctl", "stop", *reversed(timers)])

    def armed(self) -> bool:
        return self.program.exists()  # also after a revert: another timer must not find it gone

    def call_off(self) -> None:
        if self.armed():
            self.stop(self.timers())
            self.forget()

    def forget(self) -> None:
        for path in (self.boot_link, self.boot_unit, self.mark):
            path.unlink(missing_ok=True)
