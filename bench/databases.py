"""What more databases and roles cost a run of the postgresql role that changes nothing."""

from __future__ import annotations

import json
from typing import Any

from . import bed, pgbench, report, sample

COUNTS = (1, 10)  # on the first and the second host
PLAY = ["ansible-playbook", "-i", str(bed.INVENTORY / "hosts.yml"), "bench/databases.yml"]


def described(count: int) -> dict[str, Any]:
    """Return so many databases, each with as many roles of its own that may write and log in."""
    names = [f"shop{number}" for number in range(count)]
    roles = {name: [f"{name}_{number}" for number in range(count)] for name in names}
    return pgbench.DEFAULTS | {
        "postgresql_users": [
            {"name": role, "password": f"Nur-zum-Messen-{role}"} for name in names for role in [name, *roles[name]]
        ],
        "postgresql_databases": [
            {"name": name, "owner": name, "grants": [{"role": role, "level": "write"} for role in roles[name]]}
            for name in names
        ],
        "postgresql_access": [
            {"databases": [name], "users": [name, *roles[name]], "sources": ["192.0.2.0/24"]} for name in names
        ],
    }


def databases(rounds: int) -> None:
    """ten databases with ten roles each to one with one: the role's unchanged run, in turns"""
    bed.STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    bed.up(len(COUNTS))
    for host, count in enumerate(COUNTS, start=1):
        bed.play("molecule/postgresql/converge.yml", *arguments(host, count), log=f"databases-{count}")
    for number in range(1, rounds + 1):
        for host, count in enumerate(COUNTS, start=1):
            sample.measure(("databases", str(count), number), [*PLAY, *arguments(host, count)], [host])
            sample.must_be_unchanged("databases", str(count), number)
    report.table("databases", report.read()["databases"], str(COUNTS[0]))


def arguments(host: int, count: int) -> list[str]:
    return ["--limit", bed.name(host), "-e", json.dumps(described(count))]
