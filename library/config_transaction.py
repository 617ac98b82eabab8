#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of the config transaction: compare, swap, test, activate, or put everything back.

Standard library only: core ships it as it is and replaces ARGUMENTS, which saves the 150 ms that importing the module
library costs on every call. The action plugin of the same name validates the arguments and renders the files. Where a
change has to be confirmed, a copy of this file stays on the host, which takes the change back unless it is called off.
"""

from __future__ import annotations

import base64
import fcntl
import grp
import hashlib
import json
import os
import pwd
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

ARGUMENTS = r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""
STATE = Path("/var/lib/holdfast/transactions")
UNITS = Path("/etc/systemd/system")
RUN = Path("/run")
MARK = b"Managed by Holdfast"
# What packages have brought, with the sums of their contents
SHIPPED = (Path("/var/lib/dpkg/status"), Path("/var/lib/ucf/hashfile"))
SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
TEST_SECONDS = 120
ACTIVATION_SECONDS = 600
SETTLE_SECONDS = 0.5
RETRY_SECONDS = 5
UNIT_NAME = re.compile(r".+(?<!@)\.(service|socket|timer|path|mount|target)")
OPPOSITE = {"enable": "disable", "disable": "enable", "start": "stop", "stop": "start"}
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


class Refused(Exception):
    """The transaction cannot go on; the text is for the operator."""


def run(argv: list[str], seconds: int = TEST_SECONDS) -> tuple[int, str]:
    """Run a command and return its exit code and everything it said."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PATH": f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"}
    with tempfile.TemporaryFile() as said:  # not a pipe: a daemon that a command leaves behind would keep it open
        try:
            code = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
                env=environment,
            ).returncode
        except subprocess.TimeoutExpired:
            return 124, f"{shlex.join(argv)}: no answer within {seconds} s"
        except OSError as problem:
            return 127, f"{argv[0]}: {problem.strerror}"
        said.seek(0)
        return code, said.read().decode(errors="replace").strip()


def private_folder(path: Path) -> None:
    """Create a folder below STATE; it and its parents are root's alone."""
    for folder in (STATE.parent, STATE, path):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            settle(folder.parent)


def write_durably(path: Path, data: bytes, mode: int, uid: int = 0, gid: int = 0) -> None:
    """Replace a file in one step: readers see the old or the new contents, also after a power cut."""
    staged = path.with_name(f".{path.name}.holdfast")
    staged.unlink(missing_ok=True)
    handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        if (uid, gid) != (os.geteuid(), os.getegid()):
            os.fchown(handle, uid, gid)
        os.fchmod(handle, mode)
        stream.write(data)
        stream.flush()
        os.fsync(handle)
    staged.replace(path)
    settle(path.parent)


def settle(folder: Path) -> None:
    """Make the names in a folder as durable as the contents of the files."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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


@dataclass
class Original:
    """What stood at a path before the transaction, enough to put it back."""

    dest: str
    kind: str  # absent, file, directory or link
    mode: int = 0
    uid: int = 0
    gid: int = 0
    target: str = ""
    backup: str = ""

    @classmethod
    def of(cls, path: Path) -> Original:
        try:
            status = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return cls(str(path), "absent")
        if stat.S_ISLNK(status.st_mode):
            return cls(str(path), "link", target=str(path.readlink()))
        kind = "directory" if stat.S_ISDIR(status.st_mode) else "file"
        return cls(str(path), kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)

    def put_back(self, store: Path) -> None:
        path = Path(self.dest)
        if self.kind == "file":
            write_durably(path, (store / self.backup).read_bytes(), self.mode, self.uid, self.gid)
        elif self.kind == "link":
            remove(path)
            path.symlink_to(self.target)
        elif self.kind == "directory":
            path.mkdir(exist_ok=True)
            os.chown(path, self.uid, self.gid)
            path.chmod(self.mode)
        elif not (path.is_dir() and any(path.iterdir())):  # a folder that is in use by now stays
            remove(path)
        if self.kind != "file" and path.parent.exists():
            settle(path.parent)


def remove(path: Path) -> None:
    """Remove what stands at a path; a folder only when it is empty, for its contents are not ours."""
    kind = Original.of(path).kind
    if kind == "directory":
        path.rmdir()
    elif kind != "absent":
        path.unlink()


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


@dataclass
class Journal:
    """The durable mark.

    Until the test has passed it holds the originals to put back, then the activations that are owed. What has to be
    confirmed keeps both, and how to take back what was done to units; of what was taken back only the stage is left.
    """

    folder: Path
    stage: str = "swapping"  # activating, unconfirmed, reverting, reverted
    originals: list[Original] = field(default_factory=list)
    owed: list[str] = field(default_factory=list)
    undo: list[str] = field(default_factory=list)
    token: str = ""  # of the run whose change it is

    @classmethod
    def load(cls, folder: Path) -> Journal | None:
        try:
            stored = json.loads((folder / "journal.json").read_text())
        except FileNotFoundError:
            return None
        originals = [Original(**entry) for entry in stored.pop("originals")]
        return cls(folder, originals=originals, **stored)

    def save(self) -> None:
        private_folder(self.folder)
        stored = {name: value for name, value in asdict(self).items() if name != "folder"}
        write_durably(self.folder / "journal.json", json.dumps(stored).encode(), 0o600, os.geteuid(), os.getegid())

    def keep(self, original: Original) -> None:
        """Remember an original, with a copy of its contents; of two the older, for that one was in force."""
        if any(original.dest == older.dest for older in self.originals):
            return
        if original.kind == "file":
            private_folder(self.folder)
            original.backup = f"original-{len(self.originals)}"
            data = Path(original.dest).read_bytes()
            write_durably(self.folder / original.backup, data, 0o600, os.geteuid(), os.getegid())
        self.originals.append(original)

    def put_back(self) -> None:
        for original in reversed(self.originals):
            original.put_back(self.folder)

    def recover(self) -> None:
        """Undo the untested half-swap of a killed run, and finish the half of a revert."""
        if self.stage in ("swapping", "reverting"):
            self.put_back()
            self.end()

    def end(self) -> None:
        """End a transaction whose files are as before; what an earlier run owes stays owed."""
        self.originals = []
        if self.owed or self.undo:
            self.stage = "activating"
            self.save()
        else:
            self.close()

    def close(self) -> None:
        # The mark goes first: without it the copies mean nothing, with it they must all be there.
        (self.folder / "journal.json").unlink(missing_ok=True)
        settle(self.folder)
        Guard(self.folder).call_off()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Wanted:
    """One entry of `files`, compared with the host."""

    dest: str
    state: str
    owner: str
    group: str
    mode: str
    content: str | None = None
    target: str | None = None
    secret: bool = False
    create_only: bool = False
    check: list[str] | None = None
    on_change: list[str] = field(default_factory=list)
    action: str = ""

    def __post_init__(self) -> None:
        self.path = Path(self.dest)
        self.data = (self.content or "").encode()
        self.before = Original.of(self.path)
        self.uid, self.gid = account(self.owner, pwd.getpwnam), account(self.group, grp.getgrnam)
        self.action = self.compare()

    def compare(self) -> str:
        """Name what has to be done: create, update, remove, attributes, or nothing."""
        if self.state == "absent":
            return "" if self.before.kind == "absent" else "remove"
        if self.before.kind == "absent":
            return "create"
        if self.create_only:
            return ""
        if self.state == "link":
            return "" if (self.before.kind, self.before.target) == ("link", self.target) else "update"
        if self.before.kind != self.state or (self.state == "file" and self.path.read_bytes() != self.data):
            return "update"
        same = (self.before.mode, self.before.uid, self.before.gid) == (int(self.mode, 8), self.uid, self.gid)
        return "" if same else "attributes"

    def goes_as_unit(self) -> bool:
        return self.action == "remove" and self.path.parent == UNITS and bool(UNIT_NAME.fullmatch(self.path.name))

    def refuse_what_cannot_be(self) -> None:
        if self.state == "directory" and self.before.kind not in ("absent", "directory"):
            raise Refused(f"{self.dest} is a {self.before.kind}, not a folder; move it away")
        if self.state in ("file", "link") and self.before.kind == "directory":
            raise Refused(f"{self.dest} is a folder, not a file; move it away")
        for name, number, what in ((self.owner, self.uid, "owner"), (self.group, self.gid, "group")):
            if number is None and self.state in ("file", "directory"):
                raise Refused(
                    f"{what} {name} of {self.dest} does not exist on this host; create it or install its package first"
                )

    def apply(self) -> None:
        if self.state == "absent":
            remove(self.path)
        elif self.state == "link":
            staged = self.path.with_name(f".{self.path.name}.holdfast")
            staged.unlink(missing_ok=True)
            staged.symlink_to(str(self.target))
            staged.replace(self.path)
        elif self.state == "directory":
            self.path.mkdir(exist_ok=True)
            self.set_attributes()
        elif self.action == "attributes":
            self.set_attributes()
        else:
            write_durably(self.path, self.data, int(self.mode, 8), self.uid or 0, self.gid or 0)

    def set_attributes(self) -> None:
        os.chown(self.path, self.uid or 0, self.gid or 0)
        self.path.chmod(int(self.mode, 8))

    def difference(self) -> dict[str, str]:
        """Return what `--diff` shows; never the contents of a secret file."""
        title = {"before_header": self.dest, "after_header": self.dest}
        if self.action == "attributes" or self.state == "directory":
            before = (
                "" if self.before.kind == "absent" else f"{self.before.mode:04o} {self.before.uid}:{self.before.gid}\n"
            )
            return {**title, "before": before, "after": f"{self.mode} {self.uid}:{self.gid}\n"}
        if self.state == "link":
            before = f"-> {self.before.target}\n" if self.before.kind == "link" else ""
            return {**title, "before": before, "after": f"-> {self.target}\n"}
        if self.secret:
            return {"prepared": f"{self.dest}: {self.action}; secret contents are not shown\n"}
        old = self.path.read_text(errors="replace") if self.before.kind == "file" else ""
        return {**title, "before": old, "after": self.content or ""}


def account(name: str, find: Any) -> int | None:
    """Return the number of a user or group, None while its package is not installed; a number stands for itself."""
    if name.isdecimal():
        return int(name)  # the user of a container need not exist on the host
    try:
        entry = find(name)
    except KeyError:
        return None
    return int(entry[2])


class Strangers:
    """Files that somebody else has written: a copy is kept of each before it is replaced or removed for the first time.

    Most of ours carry our mark. Those that cannot, such as JSON, are remembered by their names.
    """

    def __init__(self, name: str) -> None:
        self.memory = STATE.parent / "files" / f"{name}.json"
        self.store = STATE.parent / "originals"

    def known(self) -> set[str]:
        try:
            return set(json.loads(self.memory.read_text()))
        except (OSError, ValueError):
            return set()

    def among(self, files: list[Wanted]) -> dict[str, Path]:
        """Return those that are about to go, with the place of their copies."""
        found = {}
        known = self.known()
        for file in files:
            if file.before.kind != "file" or file.action not in ("update", "remove") or "holdfast" in file.dest:
                continue
            data = file.path.read_bytes()
            if MARK not in data and file.dest not in known and not self.shipped(file.dest, data):
                found[file.dest] = self.place(file.path, data)
        return found

    @staticmethod
    def shipped(dest: str, data: bytes) -> bool:
        """Tell whether a file is as its package has brought it, which brings it again."""
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        lines = (f"\n {dest} {digest}", f"{digest}  {dest}\n")
        known = [path.read_text(errors="replace") for path in SHIPPED if path.exists()]
        return any(line in text for text in known for line in lines)

    def place(self, path: Path, data: bytes) -> Path:
        """Return a name that is free, or holds these contents already, as after a run that was refused."""
        first = self.store / str(path).lstrip("/")
        names = [first, *(first.with_name(f"{first.name}.{number}") for number in range(2, 100))]
        return next((name for name in names if not name.exists() or name.read_bytes() == data), names[-1])

    def keep(self, copies: dict[str, Path]) -> None:
        for dest, copy in copies.items():
            private_folder(STATE)
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.store.chmod(0o700)
            write_durably(copy, Path(dest).read_bytes(), 0o600, os.geteuid(), os.getegid())

    def remember(self, files: list[Wanted]) -> None:
        """Note which files are ours though they cannot say so."""
        known = self.known()
        unmarked = {
            file.dest for file in files if file.state == "file" and not file.create_only and MARK not in file.data
        }
        if not unmarked <= known:
            private_folder(self.memory.parent)
            data = json.dumps(sorted(known | unmarked)).encode()
            write_durably(self.memory, data, 0o600, os.geteuid(), os.getegid())


class Units:
    """The units of the transaction and those its activations name, asked for in one call."""

    PROPERTIES = (
        "ActiveState,SubState,UnitFileState,NeedDaemonReload,ConditionResult,ConditionTimestampMonotonic,"
        "Type,RemainAfterExit,Result,NRestarts"
    )

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.state: dict[str, dict[str, str]] = {}
        self.ask()

    def ask(self) -> None:
        if not self.names:
            return
        code, text = run(["systemctl", "show", "-p", self.PROPERTIES, "--", *self.names])
        if code != 0:
            raise Refused(f"systemd does not answer: {text}")
        blocks = [
            dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")
        ]
        self.state = dict(zip(self.names, blocks, strict=True))

    def active(self, name: str) -> bool:
        unit = self.state[name]
        if unit.get("SubState", "").startswith("auto-restart"):
            return False  # systemd calls a unit that keeps dying "activating"
        return unit.get("ActiveState") in ("active", "activating", "reloading", "refreshing")

    def enabled(self, name: str) -> bool:
        return not self.masked(name) and self.state[name].get("UnitFileState") not in ("disabled", "")

    def masked(self, name: str) -> bool:
        return self.state[name].get("UnitFileState", "").startswith("masked")

    def satisfied(self, name: str) -> bool:
        """Whether a unit does what a start can do: runs, ran well, or is excused by its own conditions."""
        unit = self.state[name]
        if self.active(name):
            return True
        if unit.get("ConditionTimestampMonotonic", "0") == "0":
            return False  # never tried since boot: what follows are default values
        if (
            unit.get("Type") == "oneshot"
            and unit.get("RemainAfterExit") == "yes"
            and unit.get("ConditionResult") == "yes"
        ):
            return False  # such a unit stays active after it ran well, so somebody stopped it
        ran_well = (
            unit.get("Type") == "oneshot" and unit.get("Result") == "success" and unit.get("ActiveState") == "inactive"
        )
        return ran_well or unit.get("ConditionResult") == "no"


def in_order(activations: list[str]) -> list[str]:
    """Remove repetitions, and reloads of units that are restarted anyway; commands come first."""
    unique = list(dict.fromkeys(activations))
    kept = [entry for entry in unique if not (entry.startswith("reload ") and f"restart {entry[7:]}" in unique)]
    return sorted(kept, key=lambda entry: not entry.startswith("run "))


class Transaction:
    """One call of the module."""

    def __init__(self, arguments: dict[str, Any], check: bool, diff: bool) -> None:
        self.folder = STATE / arguments["name"]
        self.guard = Guard(self.folder)
        self.strangers = Strangers(self.folder.name)
        self.arguments = arguments
        self.action: str = arguments.get("action", "apply")
        self.confirm_seconds: int = arguments.get("confirm_seconds", 0)
        self.check, self.diff = check, diff
        self.unit_changes: list[str] = []
        self.activated: list[str] = []
        self.redone: list[str] = []
        self.unconfirmed = False

    def run(self) -> dict[str, Any]:
        if self.check:
            return self.act()
        with alone(self.folder.name):
            actions = {"apply": self.act, "ask": self.confirm, "confirm": self.confirm, "revert": self.revert}
            return actions[self.action]()

    def act(self) -> dict[str, Any]:
        if not self.check:
            self.clean()
        journal = self.open_journal()
        pending = journal is not None
        if journal and not self.check:
            journal.recover()
        self.compare()
        wanted = (journal.owed if journal else []) + [entry for file in self.changes for entry in file.on_change]
        wanted = self.stops(wanted)
        declared = [unit["name"] for unit in self.arguments["units"]]
        named = [entry.split(" ", 1)[1] for entry in wanted if not entry.startswith("run ")]
        self.units = Units(list(dict.fromkeys(declared + named)))
        self.refuse_masked()
        self.live = [name for name in self.units.names if self.is_live(name, pending)]
        moves = self.unit_moves()
        lost = self.lost()
        self.redone = [entry.split(" ", 1)[1] for entry in lost]
        wanted = in_order(wanted + lost)
        if self.check:
            self.check_staged()
            due = [entry for entry in wanted if self.due(entry) and f"start {entry.split(' ', 1)[1]}" not in moves]
            self.activated = [entry for entry in due if not entry.startswith("stop ")]
            moves += [entry for entry in due if entry not in self.activated]
        elif pending or self.changes or moves or lost:
            self.commit(journal or Journal(self.folder), wanted)
            moves = self.unit_changes
        else:
            self.strangers.remember(self.files)
        return self.result(pending, moves)

    def stops(self, wanted: list[str]) -> list[str]:
        """Add the stop of each unit whose file goes; drop one that a killed run owed when the file is to come back."""
        kept = {Path(file["dest"]).name for file in self.arguments["files"] if file["state"] != "absent"}
        declared = {unit["name"] for unit in self.arguments["units"]} | kept
        gone = [file.path.name for file in self.changes if file.goes_as_unit() and file.path.name not in declared]
        dropped = {f"stop {name}" for name in kept} | {
            f"{verb} {name}" for verb in ("restart", "reload") for name in gone
        }
        return [entry for entry in wanted if entry not in dropped] + [f"stop {name}" for name in gone]

    def refuse_masked(self) -> None:
        """Say at once what would only come out when everything else is done; a file of ours may replace the mask."""
        ours = {entry["dest"] for entry in self.arguments["files"] if entry["state"] != "absent"}
        for unit in self.arguments["units"]:
            name = unit["name"]
            wanted = unit.get("enabled") or unit.get("state") == "started"
            if wanted and self.units.masked(name) and str(UNITS / name) not in ours:
                raise Refused(f"{name} is masked; `systemctl unmask {name}` on this host. Nothing was changed.")

    def open_journal(self) -> Journal | None:
        """Return the journal of a transaction that has something left to do."""
        journal = Journal.load(self.folder)
        return journal if journal and journal.stage != "reverted" else None

    def clean(self) -> None:
        """Remove copies that were made before anything was changed, and what says that a change was taken back."""
        if self.folder.exists() and not self.open_journal():
            Journal(self.folder).close()

    def confirm(self) -> dict[str, Any]:
        """Keep the change: whoever demands this came in with it. Says so, or what became of the change before.

        Who may have come in before it was whole, because the connection of the run was lost, asks first.
        """
        journal = Journal.load(self.folder)
        stage = journal.stage if journal else ""
        if journal and journal.token != self.arguments["token"]:
            stage = "superseded"
        elif journal and (stage == "reverted" or (stage == "unconfirmed" and self.action == "confirm")):
            journal.close()
            stage = "confirmed" if stage == "unconfirmed" else stage
        return {"changed": False, "stage": stage}

    def revert(self) -> dict[str, Any]:
        """Take the change back, all by ourselves; at boot what is started comes later and finds the old files."""
        journal = self.open_journal()
        if journal:
            journal.stage = "reverting"
            journal.save()
            names = [entry.split(" ", 1)[1] for entry in journal.undo if not entry.startswith("run ")]
            self.units = Units(list(dict.fromkeys(names)))
            self.go_back(journal, boot=not self.guard.mark.exists())
            # The journal stays, for somebody may want to know. It outlives the program: nothing is left to do.
            Journal(self.folder, "reverted", token=journal.token).save()
        self.guard.forget()
        return {"changed": journal is not None}

    def is_live(self, name: str, pending: bool) -> bool:
        """Whether a unit runs, or did until a killed run left it half restarted."""
        wanted = {unit["name"]: unit.get("state") for unit in self.arguments["units"]}.get(name)
        return wanted != "stopped" and (self.units.active(name) or (pending and wanted == "started"))

    def lost(self) -> list[str]:
        """Redo what units that still run have done, where somebody has undone it, such as rules that were flushed."""
        asked = [unit for unit in self.arguments["units"] if unit.get("in_force") and unit["name"] in self.live]
        return [f"{unit.get('redo', 'reload')} {unit['name']}" for unit in asked if run(unit["in_force"])[0] != 0]

    def due(self, entry: str) -> bool:
        """Only a live unit is restarted or reloaded; one that was not running is started with the new files."""
        return entry.startswith("run ") or entry.split(" ", 1)[1] in self.live

    def result(self, pending: bool, moves: list[str]) -> dict[str, Any]:
        result: dict[str, Any] = {
            "changed": bool(self.changes or moves or pending or self.activated),
            "changes": [{"dest": file.dest, "action": file.action} for file in self.changes],
            "activated": self.activated,
            "units_changed": moves,
            "pending_before": pending,
            "redone": self.redone,
        }
        if self.diff:
            result["diff"] = self.differences
        if self.originals:
            result["originals"] = {dest: str(copy) for dest, copy in self.originals.items()}
            result["warnings"] = [
                f"{dest} was not written by Holdfast; what it said is kept in {copy}"
                for dest, copy in self.originals.items()
            ]
        if self.unconfirmed:
            result["unconfirmed"] = True
        return result

    def compare(self) -> None:
        default = self.arguments["on_change"]
        files = [
            Wanted(**{**entry, "on_change": default if entry.get("on_change") is None else entry["on_change"]})
            for entry in self.arguments["files"]
        ]
        listed = {file.dest for file in files}
        for folder in self.arguments["exclusive"]:
            found = sorted(path for path in Path(folder["path"]).glob("*") if fnmatch(path.name, folder["pattern"]))
            kept = {*listed, *(str(Path(folder["path"], name)) for name in folder.get("keep") or [])}
            unlisted = [str(path) for path in found if str(path) not in kept and not path.is_dir()]
            files += [
                Wanted(name, "absent", "root", "root", "0644", secret=True, on_change=default) for name in unlisted
            ]
        # What starts a unit at boot goes with its file
        links = [link for file in files if file.goes_as_unit() for link in UNITS.glob(f"*.*/{file.path.name}")]
        files += [
            Wanted(str(link), "absent", "root", "root", "0644")
            for link in sorted(links)
            if link.is_symlink() and str(link) not in listed
        ]
        self.files, self.changes = files, [file for file in files if file.action]
        self.originals = self.strangers.among(self.changes)
        self.differences = [file.difference() for file in self.changes] if self.diff else []

    def unit_moves(self) -> list[str]:
        moves = []
        for unit in self.arguments["units"]:
            name = unit["name"]
            if (
                unit.get("enabled") is not None
                and self.units.enabled(name) != unit["enabled"]
                and self.units.state[name].get("UnitFileState") not in ("static", "generated", "transient")
            ):
                moves.append(f"{'enable' if unit['enabled'] else 'disable'} {name}")
            if unit.get("state") == "started" and not self.units.satisfied(name):
                moves.append(f"start {name}")
            if unit.get("state") == "stopped" and self.units.active(name):
                moves.append(f"stop {name}")
        return moves

    def commit(self, journal: Journal, wanted: list[str]) -> None:
        try:
            for file in self.changes:
                file.refuse_what_cannot_be()
            self.check_staged()
            self.strangers.keep(self.originals)
            for file in self.changes:
                journal.keep(file.before)
            if self.confirm_seconds:
                # Before the swap: what sudo and sshd read at each login is in force with it.
                self.guard.stand_by(self.arguments["revert"], self.units.names)
                self.guard.set_timer(self.confirm_seconds)
        except (Refused, OSError):
            self.clean()
            raise
        journal.stage, journal.token = "swapping", self.arguments.get("token", "")
        journal.save()
        try:
            for file in self.changes:
                file.apply()
            self.test()
        except (Refused, OSError) as problem:
            journal.put_back()
            journal.end()
            raise Refused(f"{problem}\nEvery file was put back; the old configuration is still in force.") from problem
        journal.stage, journal.owed = "activating", wanted
        journal.save()
        self.activate_or_put_back(journal)
        self.strangers.remember(self.files)
        if not self.unconfirmed:
            journal.close()

    def test(self) -> None:
        for command in self.arguments["test"] if self.changes else []:
            code, text = run(command)
            if code != 0:
                raise Refused(f"`{shlex.join(command)}` refuses the new configuration: {text or f'exit code {code}'}")

    def check_staged(self) -> None:
        for file in self.changes:
            if not file.check or file.state != "file":
                continue
            if self.check and file.before.kind == "absent":
                continue  # the program that checks it may come with a package that check mode does not install
            if not self.check:
                private_folder(self.folder)
            with tempfile.TemporaryDirectory(dir=None if self.check else self.folder) as folder:
                staged = Path(folder, file.path.name)
                write_durably(staged, file.data, int(file.mode, 8), file.uid or 0, file.gid or 0)
                code, text = run([part.replace("%s", str(staged)) for part in file.check])
            if code != 0:
                raise Refused(f"`{shlex.join(file.check)}` refuses the new {file.dest}: {text}\nNothing was changed.")

    def activate_or_put_back(self, journal: Journal) -> None:
        try:
            stops = [entry for entry in journal.owed if entry.startswith("stop ") and self.due(entry)]
            self.note_undo(journal, stops, [])
            if self.confirm_seconds and stops:
                journal.save()
            self.activate(stops)  # while systemd still knows how, which is what it forgets next
            self.read_units(journal)
            moves, due = self.unit_moves(), [entry for entry in journal.owed if self.due(entry) and entry not in stops]
            self.note_undo(journal, moves, due)
            if self.confirm_seconds:
                journal.save()
            self.activate(in_order(moves + due))
            if self.confirm_seconds and (journal.originals or journal.undo):
                journal.stage = "unconfirmed"
                journal.save()
                self.guard.set_timer(self.confirm_seconds)  # from now on, however long the activation took
        except Refused as problem:
            if not journal.originals and not self.guard.armed():
                journal.undo = []  # nothing to put back; a declared unit is tried again by the next run anyway
                journal.end()
                raise
            try:
                self.go_back(journal)
            except Refused as second:
                raise Refused(
                    f"{problem}\nEvery file was put back, but the old configuration does not start either: {second}"
                ) from second
            journal.close()
            raise Refused(
                f"{problem}\nEvery file was put back and the old configuration is in force again."
            ) from problem
        self.unconfirmed = journal.stage == "unconfirmed"

    def note_undo(self, journal: Journal, moves: list[str], due: list[str]) -> None:
        """Remember how to take back what is about to be done; what an earlier run knew of a unit is older."""
        known = {entry.split(" ", 1)[1] for entry in journal.undo}
        undo = []
        for verb, name in (move.split(" ", 1) for move in reversed(moves)):
            if verb != "start" or name not in self.live:  # a killed run may have left one stopped that did run
                undo.append(f"{OPPOSITE[verb]} {name}")
        journal.undo += [entry for entry in undo + due if entry.split(" ", 1)[1] not in known]

    def go_back(self, journal: Journal, boot: bool = False) -> None:
        """Put the files back and the units into the state that goes with them."""
        first = [entry for entry in journal.undo if entry.startswith(("stop ", "disable "))]
        for entry in first:  # while systemd still knows the unit; one that failed must not keep trying
            verb, name = entry.split(" ", 1)
            run(["systemctl", verb, *["--no-block"] * boot, name], ACTIVATION_SECONDS)
        journal.put_back()
        self.read_units(journal)
        rest = in_order([entry for entry in journal.undo if entry not in first])
        self.activate([entry for entry in rest if not boot or entry.startswith(("run ", "enable "))])

    def read_units(self, journal: Journal) -> None:
        self.units.ask()
        stale = any(unit.get("NeedDaemonReload") == "yes" for unit in self.units.state.values())
        if stale or any("/systemd/" in original.dest for original in journal.originals):
            self.must(["systemctl", "daemon-reload"])
            self.units.ask()

    def activate(self, entries: list[str]) -> None:
        began = time.time()
        self.activated, started = [], []
        for entry in entries:
            verb, name = entry.split(" ", 1)
            if verb == "run":
                self.must(shlex.split(name))
            elif verb in ("restart", "reload") and name in started:
                continue
            else:
                # A unit may not know how to reload, and after a failure nothing may be left that could.
                self.systemctl("reload-or-restart" if verb == "reload" else verb, name, began)
            started += [name] if verb in ("start", "restart") else []
            (self.unit_changes if verb in OPPOSITE else self.activated).append(entry)
        self.must_be_up(started, began)

    def systemctl(self, verb: str, name: str, began: float) -> None:
        if verb in ("start", "restart", "reload-or-restart"):
            run(["systemctl", "reset-failed", name])  # earlier failures must not count against this start
        self.must(["systemctl", verb, name], name, began)

    def must(self, command: list[str], unit: str = "", began: float = 0) -> None:
        code, text = run(command, ACTIVATION_SECONDS)
        if code != 0:
            raise Refused(
                f"`{shlex.join(command)}` failed: {text or f'exit code {code}'}{self.journal_of(unit, began)}"
            )

    def must_be_up(self, names: list[str], began: float) -> None:
        if not names:
            return
        self.units.ask()
        if any(self.units.state[name].get("Type") in ("simple", "exec") for name in names):
            time.sleep(SETTLE_SECONDS)  # systemd calls these started before they had a chance to fail
            self.units.ask()
        for name in names:
            died = self.units.state[name].get("NRestarts", "0") != "0"
            if died or not self.units.satisfied(name):
                state = "dying again and again" if died else self.units.state[name].get("ActiveState")
                raise Refused(f"{name} is {state} after its start{self.journal_of(name, began)}")

    @staticmethod
    def journal_of(unit: str, began: float) -> str:
        if not unit:
            return ""
        time.sleep(SETTLE_SECONDS)  # the last words of a dying process come last
        run(["journalctl", "--sync"])
        argv = ["journalctl", "-q", "-n", "20", "--no-pager", "-o", "cat", f"--since=@{int(began)}", "-u", unit]
        _code, text = run(argv)
        return f"\nIts journal says:\n{text}" if text else ""


def without_secrets(text: str, secrets: list[str]) -> str:
    """Hide every long word of a secret file, but no path: a service may quote the line it refuses."""
    words = {word.strip("\"'<>#") for secret in secrets for word in [*secret.split(), *re.split(r"[\s=:,@]+", secret)]}
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= 12 and not Path(word).exists():
            text = text.replace(word, "********")
    return text


def main() -> None:
    outer = json.loads(ARGUMENTS)
    arguments = json.loads(zlib.decompress(base64.b64decode(outer["payload"])))
    transaction = Transaction(arguments, outer["_ansible_check_mode"], outer["_ansible_diff"])
    try:
        result = transaction.run()
    except (Refused, OSError) as problem:
        secrets = [entry.get("content") or "" for entry in arguments.get("files", []) if entry.get("secret")]
        result = {"failed": True, "changed": False, "msg": without_secrets(str(problem), secrets)}
    print(json.dumps(result))
    if result.get("failed") and transaction.action == "revert":
        sys.exit(1)  # systemd tries again


if __name__ == "__main__":
    main()
