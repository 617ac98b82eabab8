# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What single services say: certificates, sites, upgrades, containers, the application, what is in force."""

from __future__ import annotations

import calendar
import contextlib
import http.client
import json
import re
import time
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.status_common import (
    DAY,
    GONE,
    PROGRAMS,
    STATE,
    ask,
    kept,
    lines,
)

CERTIFICATES = Path("/etc/holdfast/tls")
CLOSED_SITES = Path("/etc/nginx/holdfast-maintenance")
POOLS = Path("/etc/nginx/holdfast-pools")
DRAINED = re.compile(r"^\s*server\s+(\S+)\s[^;]*\bdown;", re.MULTILINE)
APT_CONFIGURATION = Path("/etc/apt/apt.conf.d/60holdfast")
UPGRADED = Path("/var/lib/apt/periodic/upgrade-stamp")  # touched by apt's timer when unattended-upgrade succeeds
FORM = "{{.Names}}\t{{.Image}}\t{{.State}}\t{{.Status}}"


def in_force(probe: dict[str, Any]) -> dict[str, Any]:
    """Ask a program of a role whether what it wrote is in force; where it is not yet, there is nothing to compare."""
    asked = ask(f"{PROGRAMS}/{probe['program']}", seconds=120)
    said = asked.stderr.partition("\n")[0] or f"{probe['program']} ends with {asked.returncode}"
    return {"differs": "" if asked.returncode in (0, GONE) else said}


def moment(text: str) -> int:
    return calendar.timegm(time.strptime(text.partition("=")[2], "%b %d %H:%M:%S %Y %Z"))


def certificates(_probe: dict[str, Any]) -> dict[str, Any]:
    """Return how many days each certificate has left, of how many, and the renewals that fail."""
    found = {}
    for path in sorted(CERTIFICATES.glob("*.crt")):
        dates = lines("openssl", "x509", "-noout", "-dates", "-in", str(path))
        if len(dates) == 2:
            begins, ends = map(moment, dates)
            found[path.stem] = {"days": (ends - time.time()) / DAY, "life_days": (ends - begins) / DAY}
    return {"certificates": found, "renewals": (kept(STATE / "acme/renewal.json") or {}).get("failed", {})}


def sites(_probe: dict[str, Any]) -> dict[str, Any]:
    """Return the sites that are closed, the servers that get no requests, and the sites that answer with an error."""
    closed = {}
    for path in sorted(CLOSED_SITES.glob("*.conf")):
        ends = re.search(r'Retry-After "(.+?)"', path.read_text())
        closed[path.stem] = ends[1] if ends else ""
    drained = {path.stem: DRAINED.findall(path.read_text()) for path in sorted(POOLS.rglob("*.conf"))}
    answer = "".join(lines(f"{PROGRAMS}/site-answers"))
    return {
        "closed": closed,
        "drained": {name: servers for name, servers in drained.items() if servers},
        "silent": dict(json.loads(answer)["silent"]) if answer else {},
    }


def upgrades(_probe: dict[str, Any]) -> dict[str, Any]:
    """Return the security upgrades that wait by the package lists that are there, and how long ago some succeeded."""
    # As unattended-upgrades does: a new kernel is a new package
    planned = lines("apt-get", "-qq", "--simulate", "--with-new-pkgs", "-o", "Debug::NoLocking=true", "upgrade")
    waiting = sorted(line.split()[1] for line in planned if line.startswith("Inst ") and "-Security:" in line)
    by_themselves = "'1'" in "".join(lines("apt-config", "shell", "ON", "APT::Periodic::Unattended-Upgrade"))
    moments = [path.stat().st_mtime for path in (UPGRADED, APT_CONFIGURATION) if path.exists()]
    days = (time.time() - max(moments)) / DAY if moments else None
    return {"waiting": waiting, "days": days if by_themselves else None}


def containers(_probe: dict[str, Any]) -> dict[str, Any]:
    asked = ask("docker", "ps", "--all", "--format", FORM)
    rows = [line.split("\t") for line in asked.stdout.splitlines()]
    found = {name: {"image": image, "state": state, "status": status} for name, image, state, status in rows}
    return {"containers": found, "problem": asked.stderr.partition("\n")[0] if asked.returncode else ""}


def health(port: int, path: str) -> str:
    """Return the code that the application answers, or why it does not."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as problem:
        return str(problem) or type(problem).__name__
    finally:
        connection.close()


def application(probe: dict[str, Any]) -> dict[str, Any]:
    """Return what the application answers, the last release that serves, and the last attempt if it was refused."""
    records = []
    with contextlib.suppress(OSError):
        for line in (STATE / "releases.jsonl").read_text().splitlines():
            with contextlib.suppress(ValueError):
                records.append(json.loads(line))
    served = [record for record in records if record.get("result") == "released"]
    refused = records[-1:] if records and records[-1].get("result") != "released" else []
    return {
        "health": health(int(probe["port"]), str(probe["path"])),
        "release": served[-1] if served else {},
        "refused": refused[0] if refused else {},
    }
