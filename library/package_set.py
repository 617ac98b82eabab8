#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of package_set: one look at the dpkg state, and one apt transaction for whatever is missing."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import time
import zlib
from pathlib import Path
from typing import Any

ARGUMENTS = r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""
LISTS = Path("/var/lib/apt/lists")
APT = [
    "apt-get",
    "-y",
    "-q",
    "-o",
    "DPkg::Lock::Timeout=300",
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


class Refused(Exception):
    """apt cannot do it; the text is for the operator."""


def run(argv: list[str]) -> tuple[int, str]:
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l"}
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, env=environment
    )
    return done.returncode, done.stdout.decode(errors="replace")


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


def refusal(argv: list[str], text: str) -> Refused:
    """Return what is worth saying of a command that failed."""
    errors = [line for line in text.splitlines() if line.startswith(("E:", "W:", "dpkg: error"))]
    return Refused(
        f"`{' '.join(word for word in argv if '::' not in word and word != '-o')}` failed: "
        + "\n".join(errors or text.splitlines()[-15:])
    )


def must(argv: list[str]) -> None:
    code, text = run(argv)
    if code != 0:
        raise refusal(argv, text)


def install(names: list[str], cache_minutes: int) -> None:
    """Install packages. Never at the price of others: what is there may be what keeps the host going."""
    must(["dpkg", "--configure", "-a"])
    updated = lists_are_older_than(cache_minutes)
    if updated:
        must([*APT, "-o", "APT::Update::Error-Mode=any", "update"])
    command = [*APT, "install", "--no-install-recommends", "--no-remove", *names]
    code, text = run(command)
    if code != 0 and not updated and any(hint in text for hint in OUTDATED):
        must([*APT, "-o", "APT::Update::Error-Mode=any", "update"])
    if code != 0:
        code, text = run(command)
    if code == 0:
        return
    lost = re.search(r"following packages will be REMOVED:\n((?: .*\n)+)", text)
    if lost:
        raise Refused(
            f"{', '.join(names)} cannot be installed beside {', '.join(lost[1].split())}; remove that first, "
            "or switch off what asks for these packages"
        )
    raise refusal(command, text)


def act(arguments: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    have = installed_packages()
    missing = sorted(set(arguments["packages"]) - set(have))
    unwanted = sorted(set(arguments["absent"]) & set(have))
    if not check:
        if missing:
            for file in arguments["preseed"]:
                path = Path(file["dest"])
                if not path.exists():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(file["content"])
            install(missing, arguments["cache_minutes"])
        if unwanted:
            must([*APT, "remove", *unwanted])
        if missing or unwanted:
            have = installed_packages()
    else:
        # What later tasks would find, so that they report no more than they would do.
        have = sorted((set(have) | set(missing)) - set(unwanted))
    result: dict[str, Any] = {
        "changed": bool(missing or unwanted),
        "installed": missing,
        "removed": unwanted,
        "ansible_facts": {"installed_packages": have},
    }
    if diff and result["changed"]:
        result["diff"] = {
            "prepared": "".join([f"+ {name}\n" for name in missing] + [f"- {name}\n" for name in unwanted])
        }
    return result


def main() -> None:
    outer = json.loads(ARGUMENTS)
    arguments = json.loads(zlib.decompress(base64.b64decode(outer["payload"])))
    try:
        result = act(arguments, outer["_ansible_check_mode"], outer["_ansible_diff"])
    except Refused as problem:
        result = {"failed": True, "changed": False, "msg": str(problem)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
