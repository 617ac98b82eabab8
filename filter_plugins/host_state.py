"""Find what a host already has that a run cannot live with: packages of others, masked units, facts that fail."""

import re
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

# What cannot be installed beside a package of ours, by the words of Debian's and Docker's packages (Conflicts).
RIVALS = {
    "docker.io": ("docker-ce", "docker-ce-cli", "containerd.io", "moby-engine", "moby-cli", "podman-docker"),
    "cron": ("bcron", "cronie", "systemd-cron"),
    "redis-server": ("valkey-redis-compat",),
    "sudo": ("sudo-ldap",),
}
LEFT = {"docker.io": "; what Docker keeps in /var/lib/docker stays"}
# As 1.28.0-1~trixie; Debian's end in a revision, and in ~bpo13+1 where they were backported
OF_NGINX_ORG = re.compile(r"-\d+~[a-z]+$")


def rival_findings(have: set[str], wanted: list[str], host: str) -> list[str]:
    """Name what is installed and cannot stay beside what is wanted."""
    found = []
    for name in sorted(set(wanted) & set(RIVALS)):
        rivals = [rival for rival in RIVALS[name] if rival in have]
        if rivals and name not in have:
            found.append(
                f"{', '.join(rivals)} of {host} cannot stay beside Debian's {name}, which this host needs; "
                f"`apt-get remove {' '.join(rivals)}` there{LEFT.get(name, '')}"
            )
    return found


def upstream(version: str) -> str:
    """Return what the authors of a program call its version, without Debian's epoch and revision."""
    return version.rpartition(":")[2].rpartition("-")[0]


def package_findings(
    facts: dict[str, Any], wanted: list[str], host: str, repository: str = "", repository_version: str = ""
) -> list[str]:
    """Return one sentence for everything installed that keeps the host's packages from coming.

    PostgreSQL from apt.postgresql.org is fine: its packages are made by Debian's people, with the same paths and tools.
    """
    if not isinstance(facts, dict) or not isinstance(wanted, list):
        raise TypeError("package_findings takes the facts, a mapping, and a list of packages")
    found = rival_findings(set(facts.get("installed_packages", [])), wanted, host)
    versions = facts.get("package_versions", {})
    ours, theirs = upstream(versions.get("pgbackrest", "")), upstream(repository_version)
    if "pgbackrest" in wanted and ours and theirs and ours != theirs:
        found.append(
            f"{host} has pgBackRest {ours}, and {repository}, which keeps its backups, {theirs}; they understand their "
            "own version alone, so install the same one on both, from the same source of packages"
        )
    version = versions.get("nginx", "")
    if "nginx" in wanted and OF_NGINX_ORG.search(version):
        found.append(
            f"nginx {version} of {host} comes from nginx.org, and that package lacks the modules and the folders of "
            "Debian's; take its source out of /etc/apt/sources.list.d, then `apt-get purge nginx && apt-get update`"
        )
    return found


def unit_findings(
    facts: dict[str, Any], units: dict[str, list[str]], host: str, switches: dict[str, str] | None = None
) -> list[str]:
    """Return one sentence for every masked unit that a role of the host starts."""
    if not isinstance(facts, dict) or not isinstance(units, dict):
        raise TypeError("unit_findings takes the facts and the units by role, two mappings")
    masked, without = set(facts.get("masked_units", [])), switches or {}
    return [
        f"{unit} of {host} is masked, and role {role} starts it; `systemctl unmask {unit}` there"
        + (f", or set {without[unit]}" if unit in without else "")
        for role, names in units.items()
        for unit in names
        if unit in masked
    ]


def fact_findings(facts: dict[str, Any], host: str, spared: list[str] | None = None) -> list[str]:
    """Return one sentence for everything that could not be found out about a host and that a run depends on."""
    if not isinstance(facts, dict):
        raise TypeError("fact_findings takes the facts, a mapping")
    return [
        f"{name} of {host} could not be found out ({why}); look at it there, and run this again"
        for name, why in sorted(facts.get("facts_failed", {}).items())
        if name not in (spared or [])
    ]


FilterModule = filter_module(fact_findings, package_findings, unit_findings)
