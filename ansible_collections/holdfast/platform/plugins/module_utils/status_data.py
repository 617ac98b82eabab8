# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What keeps data says: PostgreSQL, its standbys, its archive, pgbouncer, backups and restore tests."""

from __future__ import annotations

import calendar
import json
import time
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.status_common import (
    PROGRAMS,
    STATE,
    as_postgres,
    ask,
    kept,
    lines,
)

STANZAS = Path("/var/lib/pgbackrest/holdfast-stanzas")  # those that role backup has put into the repository
RESTORE_TEST = Path("/etc/holdfast/restore-test.json")
QUIET = ("--log-level-console=off", "--log-level-stderr=error")
CONSOLE = "/usr/local/sbin/pgbouncer-console"
SERVER = """
select jsonb_build_object(
  'sizes', (select jsonb_object_agg(datname, pg_size_pretty(pg_database_size(oid)))
            from pg_database where not datistemplate),
  'pending_restart', (select coalesce(jsonb_agg(name order by name), '[]') from pg_settings where pending_restart),
  'altered', (select coalesce(jsonb_agg(distinct name), '[]') from pg_file_settings
              where sourcefile like '%/postgresql.auto.conf'),
  'checksums', current_setting('data_checksums') = 'on',
  'streaming', (select count(*) from pg_stat_replication
                where state = 'streaming' and application_name not like 'pg\\_%'))
"""
# How many seconds ago the archive took a segment, and since when it takes none. A standby archives nothing
ARCHIVE = """
select jsonb_build_object(
  'seconds', extract(epoch from now() - coalesce(last_archived_time, stats_reset))::int,
  'failed', case when last_failed_time > coalesce(last_archived_time, '-infinity')
    then to_char(last_failed_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') else '' end)
from pg_stat_archiver where not pg_is_in_recovery()
"""


def asked_of_server(question: str) -> dict[str, Any]:
    """Ask the server of this host where it listens now; a changed port waits for a restart."""
    data = "".join(lines(f"{PROGRAMS}/postgresql-data")) or "/nowhere"
    try:
        port = Path(data, "postmaster.pid").read_text().splitlines()[3]
    except (OSError, IndexError):
        return {"silent": "it does not run"}
    asked = as_postgres("psql", "-qAtX", "-h", "/var/run/postgresql", "-p", port, "-d", "postgres", "-c", question)
    if asked.returncode:
        return {"silent": asked.stderr.partition("\n")[0] or f"psql ends with {asked.returncode}"}
    return dict(json.loads(asked.stdout)) if asked.stdout.strip() else {}


def postgresql(_probe: dict[str, Any]) -> dict[str, Any]:
    """Return what the server says of itself, and its part in a cluster with the lag of a standby in seconds."""
    part = "".join(lines(f"{PROGRAMS}/postgresql-role"))
    return {"part": part, **asked_of_server(SERVER)}


def archive(_probe: dict[str, Any]) -> dict[str, Any]:
    return asked_of_server(ARCHIVE)


def pooler(_probe: dict[str, Any]) -> dict[str, Any]:
    """Return the databases whose clients wait because somebody has told pgbouncer to pause."""
    asked = ask(CONSOLE, "-qA", "-F", "\t", "-P", "footer=off", "-c", "SHOW DATABASES")
    if asked.returncode:
        return {"silent": asked.stderr.partition("\n")[0] or f"{CONSOLE} ends with {asked.returncode}"}
    head, *rows = (line.split("\t") for line in asked.stdout.splitlines() if line)
    found = [dict(zip(head, row, strict=False)) for row in rows]
    return {"paused": sorted(row["name"] for row in found if row.get("paused") == "1")}


def seconds_of(text: str) -> int:
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def stanza_told(stanza: dict[str, Any]) -> dict[str, Any]:
    """Return the age of the newest backup of a stanza, and what is wrong with it by the word of pgBackRest."""
    status, stops = stanza["status"], [backup["timestamp"]["stop"] for backup in stanza.get("backup", [])]
    said = [each["status"]["message"] for each in stanza.get("repo", []) if each["status"]["code"]]
    words = " ".join((said or [status["message"]])[0].partition("\n")[0].split()).rstrip(":")
    return {
        "hours": (time.time() - max(stops)) / 3600 if stops else None,
        "code": status["code"],
        "message": words,
        "running": bool(status.get("lock", {}).get("backup", {}).get("held")),
    }


def backups(_probe: dict[str, Any]) -> dict[str, Any]:
    """Return every stanza of the repository, and the last restore test."""
    if not STANZAS.exists():
        return {"silent": "the repository was not made yet"}
    asked = ask("runuser", "-u", "postgres", "--", "pgbackrest", *QUIET, "info", "--output=json", seconds=60)
    found: dict[str, Any] = {"stanzas": dict.fromkeys(STANZAS.read_text().split()), "restore_test": restore_test()}
    try:
        found["stanzas"] |= {each["name"]: stanza_told(each) for each in json.loads(asked.stdout, strict=False)}
    except (ValueError, LookupError, TypeError):
        said = " ".join(asked.stderr.split()) or "its answer cannot be read"
        found["silent"] = f"pgbackrest info ends with {asked.returncode}: {said}"
    return found


def restore_test() -> dict[str, Any]:
    """Return how the last restore test went; of none, how long its settings have been waiting for one."""
    record = kept(STATE / "restore-test.json")
    if isinstance(record, dict) and {"ok", "finished"} <= set(record):
        failed = {each["stanza"]: each["error"] for each in record.get("stanzas", []) if not each["ok"]}
        hours = (time.time() - seconds_of(record["finished"])) / 3600
        return {"ok": bool(record["ok"]), "finished": record["finished"], "hours": hours, "failed": failed}
    waiting = time.time() - RESTORE_TEST.stat().st_mtime if RESTORE_TEST.exists() else 0
    return {"ok": None, "hours": waiting / 3600}
