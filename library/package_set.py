#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of package_set: one look at the dpkg state, and one apt transaction for whatever is missing."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import struct
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ARGUMENTS = r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""
LISTS = Path("/var/lib/apt/lists")
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
POLICY = Path("/usr/sbin/policy-rc.d")
THEIRS = Path("/usr/sbin/policy-rc.d.before-holdfast")
STATE = Path("/var/lib/holdfast")
HELD = "held-services"
KNOWN = "known-packages"
MARK = "Managed by Holdfast"
# Debian asks this program before it starts a service. Whatever becomes of the run, it says no to nobody but the
# children of our apt, which alone have the variable.
POLICY_TEXT = """\
#!/bin/sh
# Managed by Holdfast, for one installation: services of new packages wait until they are configured. Inert in between.
theirs=%(theirs)s
name= action=
for word; do
    case $word in
    --*) ;;
    *) if [ -z "$name" ]; then name=$word; else action=${action:-$word}; fi ;;
    esac
done
case $name in *.*) unit=$name ;; *) unit=$name.service ;; esac
new() { [ -n "$HOLDFAST_HOLD" ] && ! grep -qxF -- "$DPKG_MAINTSCRIPT_PACKAGE" "$HOLDFAST_HOLD/%(known)s"; }
listens() {
    case $unit in
    dbus* | polkit* | systemd-* | cron.service) false ;; # asked by others while they are installed, or deaf
    *.service | *.socket) ;;
    *) false ;;
    esac
}
case $action in
*start*)
    if new && listens && ! systemctl is-active --quiet "$unit"; then
        # One no is taken for all units of a call, so that Debian would not even ask for the others of this package
        {
            echo "$unit"
            dpkg-query -L "$DPKG_MAINTSCRIPT_PACKAGE" | sed -n 's,^.*/lib/systemd/system/\\([^/@]*\\)$,\\1,p' |
                grep -E '\\.(service|socket|timer|path)$'
        } >>"$HOLDFAST_HOLD/%(held)s" 2>/dev/null
        exit 101
    fi ;;
esac
[ ! -x "$theirs" ] || exec "$theirs" "$@"
exit 0
"""
APT = [
    "apt-get",
    "-y",
    "-q",
    "-o",
    "DPkg::Lock::Timeout=5",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "Dpkg::Use-Pty=0",
]
OUTDATED = (
    "Unable to locate package",
    "has no installation candidate",
    "404  Not Found",
    "Unable to fetch some archives",
)
UPDATE = [*APT, "-o", "APT::Update::Error-Mode=any", "update"]
STEPS = ("Setting up ", "Unpacking ", "Preparing to unpack ", "Removing ", "Processing triggers for ")
STARTED_BY_DEBIAN = ("enabled", "enabled-runtime", "generated")


class Refused(Exception):
    """apt cannot do it; the text is for the operator."""


def run(argv: list[str], **more: str) -> tuple[int, str]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l"}
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        env={**environment, **more},
    )
    return done.returncode, done.stdout.decode(errors="replace")


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
    return run(["systemctl", "is-system-running"])[1].strip() in ("initializing", "starting")


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
            code, text = run(argv, **more)
            if code == 0 or not LOCKED.search(text) or self.over():
                return code, text
            self.pause("a process that came first")

    def words(self) -> list[str]:
        return [f"waited {seconds:.0f} s for {reason}" for reason, seconds in self.waited.items()]


def installed_packages() -> list[str]:
    """Return the names of all installed packages, sorted."""
    code, text = run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"])
    if code != 0:
        raise Refused(f"dpkg-query failed: {text}")
    return sorted({line.split()[1] for line in text.splitlines() if line.startswith("installed ")})


def lists_are_older_than(minutes: int) -> bool:
    """Ask the lists themselves: on a young image the folder is new although nothing was ever fetched."""
    ages = [path.stat().st_mtime for path in LISTS.glob("*Release")]
    stamp = Path("/var/lib/apt/periodic/update-success-stamp")
    if ages and stamp.exists():
        ages.append(stamp.stat().st_mtime)
    fetched = max([LISTS.joinpath("partial").stat().st_mtime, *ages]) if ages else 0.0
    return time.time() - fetched > minutes * 60


def said_by(text: str) -> list[str]:
    """Return the lines of apt and dpkg that tell what went wrong, and what a package said before it failed."""
    lines = text.splitlines()
    found: list[int] = []
    for at, line in enumerate(lines):
        if line.startswith("dpkg: error processing"):
            steps = (n for n in range(at - 1, -1, -1) if lines[n].startswith(STEPS))
            found += [*range(max(next(steps, 0), at - 15), at), at, at + 1]
        elif line.startswith(("E:", "W:", "dpkg: error")):
            found.append(at)
    return [lines[at].rstrip() for at in sorted(set(found)) if at < len(lines) and lines[at].strip()]


def journal_of(text: str) -> list[str]:
    """Return the last words of units that did not start, where systemd only says where to read them."""
    units = dict.fromkeys(re.findall(r"Job for (\S+) failed", text))
    said = []
    for unit in units:
        _code, words = run(["journalctl", "-q", "-n", "10", "--no-pager", "-o", "cat", "-u", unit])
        said += [f"the journal of {unit} says:", *words.splitlines()]
    return said


def refusal(argv: list[str], text: str) -> Refused:
    """Return what is worth saying of a command that failed."""
    return Refused(
        f"`{' '.join(word for word in argv if '::' not in word and word != '-o')}` failed: "
        + "\n".join([*(said_by(text) or text.splitlines()[-15:]), *journal_of(text)])
    )


def must(patience: Patience, argv: list[str], **more: str) -> None:
    code, text = patience.run(argv, **more)
    if code != 0:
        raise refusal(argv, text)


def known_packages() -> list[str]:
    """Return the packages that have been in service: their services may be started, those of others never were."""
    code, text = run(["dpkg-query", "-W", "-f", "${db:Status-Status}\t${Config-Version}\t${Package}\n"])
    if code != 0:
        raise Refused(f"dpkg-query failed: {text}")
    rows = [line.split("\t") for line in text.splitlines()]
    return sorted(
        {
            name
            for status, configured, name in rows
            if status in ("installed", "triggers-awaited", "triggers-pending")
            or (configured and status in ("unpacked", "half-configured", "half-installed"))
        }
    )


def is_ours(path: Path) -> bool:
    try:
        return MARK in path.read_text(errors="replace")
    except OSError:
        return False


@contextmanager
def services_held_back() -> Iterator[dict[str, str]]:
    """Let no service start that comes with a new package: it is not configured, and the firewall may not stand.

    An operator's own policy stays in force, and what a killed run has left behind is put in order.
    """
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    (STATE / KNOWN).write_text("".join(f"{name}\n" for name in known_packages()))
    if os.path.lexists(POLICY) and not is_ours(POLICY):
        THEIRS.unlink(missing_ok=True)
        os.link(POLICY, THEIRS, follow_symlinks=False)  # it is never gone, not even for a moment
    staged = POLICY.with_name(".policy-rc.d.holdfast")
    staged.write_text(POLICY_TEXT % {"theirs": THEIRS, "known": KNOWN, "held": HELD})
    staged.chmod(0o755)
    staged.replace(POLICY)
    try:
        yield {"HOLDFAST_HOLD": str(STATE)}
    finally:
        if os.path.lexists(THEIRS):
            THEIRS.replace(POLICY)
        else:
            POLICY.unlink(missing_ok=True)
        (STATE / KNOWN).unlink(missing_ok=True)


def held_units() -> list[str]:
    """Return the units whose start was held back, in the order of their packages."""
    try:
        return list(dict.fromkeys((STATE / HELD).read_text().split()))
    except OSError:
        return []


def release(check: bool) -> tuple[list[str], list[str]]:
    """Start what was held back and no role has started or switched off meanwhile; return its names, and what failed.

    That is no failure of the run: Debian's packages do not fail either when a daemon of theirs cannot start yet.
    """
    due, warnings = [], []
    for unit in held_units():
        _code, text = run(["systemctl", "show", "-p", "ActiveState,UnitFileState", "--", unit])
        state = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        if state.get("ActiveState") == "inactive" and state.get("UnitFileState", "") in STARTED_BY_DEBIAN:
            due.append(unit)
    if not check:
        code, text = (
            run(["systemctl", "start", *due]) if due else (0, "")
        )  # in one call: systemd knows what comes first
        (STATE / HELD).unlink(missing_ok=True)
        if code != 0:
            warnings = ["\n".join([f"`systemctl start {' '.join(due)}` failed: {text.strip()}", *journal_of(text)])]
    return due, warnings


def install(names: list[str], cache_minutes: int, patience: Patience, more: dict[str, str]) -> None:
    """Install packages. Never at the price of others: what is there may be what keeps the host going."""
    must(patience, ["dpkg", "--configure", "-a"], **more)
    updated = lists_are_older_than(cache_minutes)
    if updated:
        must(patience, UPDATE)
    command = [*APT, "install", "--no-install-recommends", "--no-remove", *names]
    code, text = patience.run(command, **more)
    if code != 0 and not updated and any(hint in text for hint in OUTDATED):
        must(patience, UPDATE)
        code, text = patience.run(command, **more)
    if code == 0:
        return
    lost = re.search(r"following packages will be REMOVED:\n((?: .*\n)+)", text)
    if lost:
        raise Refused(
            f"{', '.join(names)} cannot be installed beside {', '.join(lost[1].split())}; remove that first, "
            "or switch off what asks for these packages"
        )
    raise refusal(command, text)


def preseed(files: list[dict[str, str]]) -> None:
    """Write what packages read while they are installed, readable for them whatever the umask of this session is."""
    for file in files:
        path = Path(file["dest"])
        if path.exists():
            continue
        for folder in reversed(path.parents):
            if not folder.exists():
                folder.mkdir()
                folder.chmod(0o755)
        path.write_text(file["content"])
        path.chmod(0o644)


def change(arguments: dict[str, Any], missing: list[str], unwanted: list[str], patience: Patience) -> None:
    patience.wait_for_boot()
    patience.wait_for_locks()
    if missing:
        preseed(arguments["preseed"])
        with ExitStack() as stack:
            more = stack.enter_context(services_held_back()) if arguments["hold"] else {}
            install(missing, arguments["cache_minutes"], patience, more)
    if unwanted:
        must(patience, [*APT, "remove", *unwanted])


def act(arguments: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    have = installed_packages()
    missing = sorted(set(arguments["packages"]) - set(have))
    unwanted = sorted(set(arguments["absent"]) & set(have))
    patience = Patience(arguments["lock_seconds"])
    if check:
        # What later tasks would find, so that they report no more than they would do.
        have = sorted((set(have) | set(missing)) - set(unwanted))
    elif missing or unwanted:
        change(arguments, missing, unwanted, patience)
        have = installed_packages()
    started, warnings = release(check) if arguments["release"] else ([], [])
    result: dict[str, Any] = {
        "changed": bool(missing or unwanted or started),
        "installed": missing,
        "removed": unwanted,
        "started": started,
        "ansible_facts": {"installed_packages": have, "held_units": held_units()},
    }
    if patience.waited:
        warnings += patience.words()
    if warnings:
        result["warnings"] = warnings
    if diff and result["changed"]:
        lines = [f"+ {name}\n" for name in missing] + [f"- {name}\n" for name in unwanted]
        result["diff"] = {"prepared": "".join(lines + [f"start {name}\n" for name in started])}
    return result


def main() -> None:
    outer = json.loads(ARGUMENTS)
    arguments = json.loads(zlib.decompress(base64.b64decode(outer["payload"])))
    try:
        result = act(arguments, outer["_ansible_check_mode"], outer["_ansible_diff"])
    except (Refused, OSError) as problem:
        result = {"failed": True, "changed": False, "msg": str(problem)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
