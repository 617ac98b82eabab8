"""Debian packages the machine itself needs, installed only as root on a Debian."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .console import Console
from .paths import LabError
from .shell import environment, follow, read

SBIN = "/usr/sbin:/sbin"
PROGRAMS = {
    "docker": "docker-cli",
    "git": "git",
    "mmdebstrap": "mmdebstrap",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
ENGINE_PROGRAMS = {"dockerd": "docker.io", "iptables": "iptables"}


def find_program(name: str) -> str | None:
    """Return where a program is, looking also where root's programs are."""
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{SBIN}")


def is_root_on_debian() -> bool:
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def missing(programs: dict[str, str]) -> list[str]:
    """Return the packages whose programs are not there."""
    return sorted({package for program, package in programs.items() if find_program(program) is None})


def install(console: Console, packages: list[str]) -> None:
    """Install packages with apt; the lists are refreshed first, a fresh machine has none."""
    env = environment(DEBIAN_FRONTEND="noninteractive")
    options = ["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3"]
    if follow(console, ["apt-get", *options, "update"], env):
        console.say("    apt-get update reported errors; trying with the lists that are there")
    # Before trixie the client is part of docker.io
    known = [name for name in packages if read(["apt-cache", "show", "--no-all-versions", name])]
    known += ["docker.io"] if "docker-cli" in packages and "docker-cli" not in known else []
    command = ["apt-get", *options, "install", "-y", "--no-install-recommends", *sorted(set(known))]
    if follow(console, command, env):
        raise LabError(f"apt could not install {' '.join(packages)}", "read the last lines above; then run it again")


def ensure_programs(console: Console) -> None:
    """Make sure of the programs the test bed starts itself."""
    wanted = missing(PROGRAMS)
    if not wanted:
        return
    if not is_root_on_debian():
        raise LabError(f"missing on this machine: {', '.join(wanted)}", f"as root: apt install {' '.join(wanted)}", 2)
    with console.phase(f"Install {', '.join(wanted)}"):
        install(console, [*wanted, "debian-archive-keyring", "ca-certificates"])
