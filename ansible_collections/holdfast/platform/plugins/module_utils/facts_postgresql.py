# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The clusters of PostgreSQL."""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.facts_common import output
from ansible_collections.holdfast.platform.plugins.module_utils.facts_disk import (
    block_device,
    encrypted,
    folder_bytes,
    kind_of_disk,
)

CLUSTERS = Path("/etc/postgresql")
EXTENSIONS = Path("/usr/share/postgresql")


def as_postgres(cluster: Path, question: str) -> dict[str, Any]:
    """Ask a running server for an object."""
    try:
        port = (cluster / "postmaster.pid").read_text().splitlines()[3]
    except (OSError, IndexError):
        return {}
    psql = ("psql", "-qAtX", "-h", "/var/run/postgresql", "-p", port, "-d", "postgres", "-c", question)
    answer = output("runuser", "-u", "postgres", "--", "env", "-C", "/", "PGCONNECT_TIMEOUT=5", *psql)
    return dict(json.loads(answer)) if answer.startswith("{") else {}


def server_says(cluster: Path) -> dict[str, Any]:
    """Ask for the settings that need a restart and those of our files, for roles and who owns which database."""
    return as_postgres(
        cluster,
        "select jsonb_build_object('settings', (select jsonb_object_agg(name, jsonb_build_object('setting', setting,"
        " 'unit', unit, 'context', context, 'ours', coalesce(sourcefile, '') like '%/50-holdfast-%'))"
        " from pg_settings where context = 'postmaster' or sourcefile like '%/50-holdfast-%'),"
        " 'owners', (select jsonb_object_agg(datname, pg_get_userbyid(datdba)) from pg_database"
        " where not datistemplate), 'roles', (select jsonb_agg(rolname) from pg_roles))",
    )


def configured(file: Path) -> dict[str, str]:
    """Return the settings of a cluster that say where it is; the last one wins, and conf.d comes after the file."""
    found = {}
    line = re.compile(r"\s*(data_directory|port)(?:\s*=\s*|\s+)(?:'((?:[^']|'')*)'|([^\s#']+))")
    for path in (file, *sorted((file.parent / "conf.d").glob("*.conf"))):
        for text in path.read_text(errors="replace").splitlines():
            if said := line.match(text):
                found[said[1]] = (said[2] or said[3] or "").replace("''", "'")
    return found


def clusters() -> list[dict[str, Any]]:
    """Return what pg_lsclusters lists, oldest version first; without data it is a leftover and no cluster."""
    found = []
    for file in CLUSTERS.glob("*/*/postgresql.conf"):
        version, name = file.parts[-3:-1]
        with contextlib.suppress(OSError, ValueError):
            settings = configured(file)
            data = Path(settings.get("data_directory") or f"/var/lib/postgresql/{version}/{name}")
            start = file.with_name("start.conf")
            words = re.findall(r"^\s*([a-z]+)", start.read_text() if start.exists() else "auto", re.MULTILINE)
            if (data / "PG_VERSION").exists():
                number = [int(part) for part in version.split(".")]
                entry = {"version": version, "name": name, "data": str(data), "port": int(settings.get("port", 5432))}
                found.append((number, name, {**entry, "start": words[0] if words else "auto"}))
    return [entry for _number, _name, entry in sorted(found, key=lambda each: each[:2])]


def access_rules(folder: Path) -> dict[str, Any]:
    """Return the rules of a pg_hba.conf that is not ours, and whether somebody has kept a copy of just these."""
    file, kept = folder / "pg_hba.conf", folder / "pg_hba.conf.before-holdfast"
    text = file.read_text(errors="replace") if file.exists() else ""
    if "Managed by Holdfast" in text:
        return {}
    lines = [" ".join(line.split("#")[0].split()) for line in text.splitlines()]
    return {
        "rules": [line for line in lines if line],
        "kept": kept.exists() and kept.read_text(errors="replace") == text,
    }


def postgresql() -> dict[str, Any]:
    """Return what is known of the newest cluster called main, and of the disk that its data is or will be on."""
    known = clusters() if os.geteuid() == 0 else []
    mains = [cluster for cluster in known if cluster["name"] == "main"]
    data = Path(mains[-1]["data"]) if mains else Path("/var/lib")
    wal = data / "pg_wal" if (data / "pg_wal").is_dir() else data
    disk = os.statvfs(wal)
    used = folder_bytes(wal) if wal != data else 0
    said = server_says(data) if mains else {}
    return {
        "storage": kind_of_disk(block_device(data)),
        "encrypted": encrypted(block_device(data)),
        "wal_disk_mb": disk.f_blocks * disk.f_frsize // 2**20,
        "wal_room_mb": (disk.f_bavail * disk.f_frsize + used) // 2**20,
        "settings": said.get("settings") or {},
        "owners": said.get("owners") or {},
        "roles": sorted(said.get("roles") or []),
        "extensions": sorted({file.stem for file in EXTENSIONS.glob("*/extension/*.control")}),
        "clusters": known,
        "access": access_rules(CLUSTERS / mains[-1]["version"] / "main") if mains else {},
    }
