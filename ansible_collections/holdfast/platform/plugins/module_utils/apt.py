# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packages, installed in one transaction of apt."""

from __future__ import annotations

import re
import time
from pathlib import Path

from ansible_collections.holdfast.platform.plugins.module_utils.apt_process import Patience, journal_of, run_apt
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused

LISTS = Path("/var/lib/apt/lists")
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


def installed_packages() -> list[str]:
    """Return the names of all installed packages, sorted."""
    code, text = run_apt(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"])
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


def write_seed_files(files: list[dict[str, str]]) -> None:
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
