"""Print what runs on this host and how it fares, as JSON. Arguments: port and path of the application."""

from __future__ import annotations

import calendar
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

UNITS = (
    *("auditd.service", "docker.service", "fail2ban.service", "holdfast-certificates.timer"),
    *("holdfast-firewall.service", "holdfast-integrity.timer", "keepalived.service"),
    *("nginx.service", "pgbackrest.service", "pgbouncer.service", "postgresql@*.service"),
    *("redis-server.service", "ssh.service", "systemd-timesyncd.service"),
)
DATABASES = """
select jsonb_object_agg(what, words) from (
  select 'size of ' || datname as what, pg_size_pretty(pg_database_size(oid)) as words
  from pg_database where not datistemplate
  union all select 'waits for a restart', string_agg(name, ', ' order by name)
  from pg_settings where pending_restart having count(*) > 0
  union all select 'set by ALTER SYSTEM', string_agg(distinct name, ', ')
  from pg_file_settings where sourcefile like '%/postgresql.auto.conf' having count(*) > 0
  union all select 'archiving',
    'NOT WORKING, it last failed at ' || to_char(last_failed_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    || '; the log of PostgreSQL says why'
  from pg_stat_archiver where last_failed_time > coalesce(last_archived_time, '-infinity')
  union all select 'page checksums', 'off' where current_setting('data_checksums') = 'off') facts
"""
UP = ("active", "activating", "reloading", "refreshing")
STATE = Path("/var/lib/holdfast")
STANZAS = Path("/var/lib/pgbackrest/holdfast-stanzas")  # those that role backup has put into the repository
QUIET = ("--log-level-console=off", "--log-level-stderr=error")
NO_BACKUP = 2  # of the codes of `pgbackrest info`
PROGRAMS = "/usr/local/lib/holdfast"
CLOSED_SITES = Path("/etc/nginx/holdfast-maintenance")
RESTART_WANTED = Path("/run/reboot-required")
APT_CONFIGURATION = Path("/etc/apt/apt.conf.d/60holdfast")
UPGRADED = Path("/var/lib/apt/periodic/upgrade-stamp")  # touched by apt's timer when unattended-upgrade succeeds
UPGRADE_DAYS = 2  # within which serious security upgrades must be installed (HRD-07)
DAY = 86400
BAD = ("failed", "FAILED", "NOT")  # what a state begins with that somebody has to look at
MOUNTS = Path("/proc/mounts")
FULL_PERCENT = 90  # of space or of files, from where an operator should look
ALWAYS_FULL = ("squashfs", "iso9660", "erofs")  # they are written once


def ask(*argv: str, seconds: int = 30) -> subprocess.CompletedProcess[str]:
    """Return what a program answers; one that is not there, or does not end, says nothing."""
    try:
        # What a program prints need not be text: pgBackRest quotes what a wrong passphrase makes of a file
        return subprocess.run(argv, capture_output=True, text=True, errors="replace", check=False, timeout=seconds)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return subprocess.CompletedProcess(argv, 0, "", "")


def lines(*argv: str) -> list[str]:
    return ask(*argv).stdout.splitlines()


def health(port: str, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
    try:
        connection.request("GET", path)
        return str(connection.getresponse().status)
    except OSError as problem:
        return str(problem)


def units() -> dict[str, str]:
    found = lines("systemctl", "list-units", "--all", "--plain", "--no-legend", *UNITS)
    failed = lines("systemctl", "list-units", "--failed", "--plain", "--no-legend")
    states = {line.split()[0]: " ".join(line.split()[2:4]) for line in found if line.split()[1] == "loaded"}
    down = [name for name, state in states.items() if not state.startswith(UP) or "auto-restart" in state]
    stopped = {name: f"NOT RUNNING ({states[name]}), site.yml starts it" for name in enabled(down)}
    return states | stopped | {line.split()[0]: "failed" for line in failed} | firewall()


def enabled(names: list[str]) -> list[str]:
    """Return the units that a boot would start: neither put out of use, nor excused by their own conditions."""
    if not names:
        return []
    properties = "UnitFileState,ConditionResult,ConditionTimestampMonotonic"
    blocks = ask("systemctl", "show", "-p", properties, "--", *names).stdout.split("\n\n")
    units = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
    return [
        name
        for name, unit in zip(names, units, strict=False)
        if unit.get("UnitFileState", "").startswith("enabled")
        and not (unit.get("ConditionResult") == "no" and unit.get("ConditionTimestampMonotonic", "0") != "0")
    ]


def full_disks() -> dict[str, str]:
    """Return how full each file system is that has hardly any room left, or hardly any files."""
    notes: dict[str, str] = {}
    seen = set()
    for line in MOUNTS.read_text().splitlines():
        device, path, kind = (word.replace("\\040", " ") for word in line.split()[:3])
        if kind in ALWAYS_FULL or not (device.startswith("/dev/") or path == "/"):
            continue
        with contextlib.suppress(OSError):  # gone meanwhile, or not ours to see
            number, room = Path(path).stat().st_dev, os.statvfs(path)
            used = room.f_blocks - room.f_bfree
            shares = {
                "full": percent(used, used + room.f_bavail),
                "of its files in use": percent(room.f_files - room.f_ffree, room.f_files),
            }
            words = [f"{share} % {what}" for what, share in shares.items() if share >= FULL_PERCENT]
            if words and number not in seen and Path(path).is_dir():
                notes[f"disk {path}"] = ", ".join(words)
            seen.add(number)
    return notes


def percent(used: int, whole: int) -> int:
    """Return a share as df does, rounded up."""
    return -(-100 * used // whole) if whole else 0


def firewall() -> dict[str, str]:
    """Say so where the kernel's rules are not those of the role, which a unit that has loaded them does not know."""
    asked = ask(f"{PROGRAMS}/firewall-in-force", seconds=120)
    said = asked.stderr.partition("\n")[0]
    return {"holdfast-firewall.service": f"NOT IN FORCE, run site.yml: {said}"} if asked.returncode else {}


def overruled() -> dict[str, str]:
    """Return what of role base files of others, or people, have made different."""
    notes = {"sshd": ask(f"{PROGRAMS}/sshd-in-force"), "kernel settings": ask(f"{PROGRAMS}/sysctl-in-force")}
    return {name: asked.stderr.partition("\n")[0] for name, asked in notes.items() if asked.returncode}


def containers() -> dict[str, str]:
    form = "{{.Names}}\t{{.Image}}, {{.Status}}"
    return dict(line.split("\t", 1) for line in lines("docker", "ps", "--all", "--format", form))


def moment(text: str) -> int:
    return calendar.timegm(time.strptime(text.partition("=")[2], "%b %d %H:%M:%S %Y %Z"))


def warning(days: float, life: float) -> str:
    """Return how urgent the end of a certificate is; of short lives the last third counts like 21 days."""
    scale = min(life / 63, 1)
    words = {7: "urgent", 14: "warning", 21: "soon"}
    return "ended" if days < 0 else next((word for limit, word in words.items() if days < limit * scale), "")


def certificates() -> dict[str, dict[str, Any]]:
    """Return the days left of each certificate, and what an operator should know about some."""
    left, notes = {}, {}
    for path in sorted(Path("/etc/holdfast/tls").glob("*.crt")):
        dates = lines("openssl", "x509", "-noout", "-dates", "-in", str(path))
        if len(dates) == 2:
            begins, ends = map(moment, dates)
            days = (ends - time.time()) / DAY
            left[path.stem] = int(days // 1)
            if word := warning(days, (ends - begins) / DAY):
                notes[f"certificate {path.stem}"] = f"{word}, {left[path.stem]} days left"
    with contextlib.suppress(OSError, ValueError):
        for name, failure in json.loads((STATE / "acme/renewal.json").read_text())["failed"].items():
            notes[f"renewal of {name}"] = f"fails since {failure['since']}: {failure['message']}"
    return {"certificates": left, "warnings": notes}


def closed_sites() -> dict[str, str]:
    """Return the sites that maintenance.yml has closed, and until when."""
    notes = {}
    for path in sorted(CLOSED_SITES.glob("*.conf")):
        ends = re.search(r'Retry-After "(.+?)"', path.read_text())
        notes[f"site {path.stem}"] = f"closed for maintenance{f' until {ends[1]}' if ends else ''}"
    return notes


def security_upgrades() -> str:
    """Return the packages that wait for a security upgrade, by the package lists that are there."""
    # As unattended-upgrades does: a new kernel is a new package
    planned = lines("apt-get", "-qq", "--simulate", "--with-new-pkgs", "-o", "Debug::NoLocking=true", "upgrade")
    return ", ".join(sorted(line.split()[1] for line in planned if line.startswith("Inst ") and "-Security:" in line))


def upgrade_notes() -> dict[str, str]:
    """Say that upgrades want the host to restart, or that none has succeeded lately although they are on."""
    notes = {}
    if RESTART_WANTED.exists():
        packages = RESTART_WANTED.with_suffix(".pkgs")
        wanted_by = packages.read_text().split() if packages.exists() else ["an upgrade"]
        notes["restart of the host"] = f"wanted by {', '.join(wanted_by)}"
    if "'1'" in "".join(lines("apt-config", "shell", "ON", "APT::Periodic::Unattended-Upgrade")):
        moments = [path.stat().st_mtime for path in (UPGRADED, APT_CONFIGURATION) if path.exists()]
        days = (time.time() - max(moments, default=0)) / DAY
        if days > UPGRADE_DAYS:
            notes["security upgrades"] = f"none succeeded for {days:.0f} days; journalctl -u apt-daily-upgrade says why"
    return notes


def releases() -> dict[str, dict[str, str]]:
    """Return the last release that serves, and the last attempt if a later one was refused."""
    records = []
    with contextlib.suppress(OSError):
        for line in (STATE / "releases.jsonl").read_text().splitlines():
            with contextlib.suppress(ValueError):
                records.append(json.loads(line))
    served = [record for record in records if record.get("result") == "released"]
    refused = records[-1:] if records and records[-1].get("result") != "released" else []
    return {"release": served[-1] if served else {}, "refused": refused[0] if refused else {}}


def stanza_state(stanza: dict[str, Any]) -> str:
    """Return the age of the newest backup of a stanza, or what is wrong with it."""
    status, stops = stanza["status"], [backup["timestamp"]["stop"] for backup in stanza.get("backup", [])]
    age = f"{(time.time() - max(stops)) / 3600:.1f} hours old" if stops else "none yet"
    if status["code"] == NO_BACKUP:
        running = status.get("lock", {}).get("backup", {}).get("held")
        return "none yet, the first is being made" if running else "NOT THERE, no backup was made yet"
    if status["code"] == 0:
        return age
    said = [repository["status"]["message"] for repository in stanza.get("repo", []) if repository["status"]["code"]]
    words = " ".join((said or [status["message"]])[0].partition("\n")[0].split()).rstrip(":")
    return f"NOT USABLE, {words}" + (f"; the newest is {age}" if stops else "")


def backups() -> dict[str, str]:
    """Return the age of every stanza's newest backup, and the last restore test; empty beside a repository."""
    if not STANZAS.exists():
        return {}
    asked = ask("runuser", "-u", "postgres", "--", "pgbackrest", *QUIET, "info", "--output=json")
    said = " ".join(asked.stderr.split()) or "its answer cannot be read"
    found = dict.fromkeys(STANZAS.read_text().split(), "NOT THERE, the repository does not have it; run site.yml")
    try:
        found |= {stanza["name"]: stanza_state(stanza) for stanza in json.loads(asked.stdout, strict=False)}
    except (ValueError, LookupError, TypeError):
        found["repository"] = f"NOT USABLE, pgbackrest info ends with {asked.returncode}: {said}"
    found["restore test"] = "not yet; it is scheduled, and /usr/local/lib/holdfast/restore-test runs it now"
    with contextlib.suppress(OSError, ValueError):
        record = json.loads((STATE / "restore-test.json").read_text())
        found["restore test"] = f"{'passed' if record['ok'] else 'FAILED'} at {record['finished']}"
    return found


def postgresql() -> dict[str, str]:
    """Return the sizes of the databases, and what an operator should know; empty where no server runs."""
    try:
        data = "".join(lines(f"{PROGRAMS}/postgresql-data")) or "/nowhere"
        port = Path(data, "postmaster.pid").read_text().splitlines()[3]
    except (OSError, IndexError):
        return {}
    psql = ("psql", "-qAtX", "-h", "/var/run/postgresql", "-p", port, "-d", "postgres", "-c", DATABASES)
    answer = "".join(lines("runuser", "-u", "postgres", "--", "env", "-C", "/", *psql))
    return dict(json.loads(answer)) if answer else {"server": "does not answer"}


def replication() -> dict[str, str]:
    """Return the part of this server in a replicated cluster, and the lag of a standby in seconds."""
    part = "".join(lines(f"{PROGRAMS}/postgresql-role"))
    return {"postgresql": part} if part else {}


def silent_sites() -> dict[str, str]:
    """Return the sites of this host that a visitor gets no page of, and what they get instead."""
    answer = "".join(lines(f"{PROGRAMS}/site-answers"))
    return dict(json.loads(answer)["silent"]) if answer else {}


def attention(status: dict[str, Any]) -> list[str]:
    """Return what an operator should look at first."""
    found = [f"{name} {state}" for name, state in status["units"].items() if state.startswith(BAD)]
    found += [f"{name}: {text}" for name, text in status.get("warnings", {}).items()]
    found += [f"site {site} {text}" for site, text in status.get("sites", {}).items()]
    found += [f"backups, {name}: {text}" for name, text in status.get("backups", {}).items() if text.startswith(BAD)]
    found += [f"{name} {text}" for name, text in status.get("postgresql", {}).items() if text.startswith(BAD)]
    if status.get("health", "200") != "200":
        found.append(f"application answers {status['health']}")
    return found


def main() -> None:
    status: dict[str, Any] = {"units": units(), "containers": containers(), **certificates()}
    status["warnings"] |= closed_sites() | upgrade_notes() | overruled() | full_disks()
    status["upgrades"] = {"security": waiting} if (waiting := security_upgrades()) else {}
    status |= {**releases(), "backups": backups(), "postgresql": postgresql(), "replication": replication()}
    status["sites"] = silent_sites()
    if sys.argv[1:]:
        status["health"] = health(*sys.argv[1:3])
    print(json.dumps({**status, "attention": attention(status)}))


if __name__ == "__main__":
    main()
