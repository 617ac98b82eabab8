# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""System, memory, packages and units."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.facts_common import output

UNIT_FOLDERS = (Path("/etc/systemd/system"), Path("/run/systemd/system"))
MASKED_BY_DEBIAN = Path("/var/lib/systemd/deb-systemd-helper-masked")
VERSIONS = ("nginx", "pgbackrest", "redis-server")


def operating_system() -> dict[str, str]:
    values = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    release = {name: value.strip("\"'") for name, value in values.items()}
    family = (
        "Debian"
        if "debian" in (release.get("ID"), *release.get("ID_LIKE", "").split())
        else release.get("ID", "unknown").capitalize()
    )
    return {
        "distribution": release.get("ID", "unknown").capitalize(),
        "distribution_release": release.get("VERSION_CODENAME", "unknown"),
        "distribution_major_version": release.get("VERSION_ID", "").split(".")[0],
        "distribution_version": release.get("VERSION_ID", ""),
        "os_family": family,
    }


def memory_mb() -> int:
    with Path("/proc/meminfo").open() as stream:
        return int(next(line for line in stream if line.startswith("MemTotal")).split()[1]) // 1024


def algorithms() -> dict[str, list[str]]:
    """Return what the OpenSSH of this host knows."""
    return {kind: output("ssh", "-Q", kind).split() for kind in ("cipher", "mac", "kex", "key-sig")}


def packages() -> dict[str, Any]:
    """Return what is installed, and the versions of packages that others offer under Debian's names."""
    rows = [
        line.split("\t")
        for line in output("dpkg-query", "-W", "-f", "${db:Status-Status}\t${Package}\t${Version}\n").splitlines()
    ]
    versions = {row[1]: row[2] for row in rows if row[0] == "installed"}
    return {
        "installed_packages": sorted(versions),
        "package_versions": {name: versions[name] for name in VERSIONS if name in versions},
    }


def masked_units(folders: Iterable[Path] = UNIT_FOLDERS, removed: Path = MASKED_BY_DEBIAN) -> list[str]:
    """Return the units that somebody has masked. Debian masks those of removed packages, and takes that back itself."""
    masked = set()
    for folder in folders:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.is_symlink() and str(path.readlink()) == os.devnull and not (removed / path.name).exists():
                masked.add(path.name)
    return sorted(masked)


def system() -> dict[str, Any]:
    return {
        "hostname": platform.node().split(".")[0],
        "fqdn": platform.node(),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "python_version": platform.python_version(),
        "service_mgr": Path("/proc/1/comm").read_text().strip(),
        "virtualization_type": output("systemd-detect-virt").strip() or "none",
        "processor_vcpus": len(os.sched_getaffinity(0)),
    }
