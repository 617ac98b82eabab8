"""What the settings of the postgresql role gain: pgbench with ours, Debian's and a well-known calculator's."""

from __future__ import annotations

import json
import os
import random
import re
import time
from collections.abc import Iterable

from tests.lab.paths import LabError

from . import bed, report, sample
from .report import middle

RESULTS = bed.STATE / "pgbench.jsonl"
MEMORY_MB = 4096  # of the host, and the limit of its container
SCALE = 100  # 1.5 GB: more than shared_buffers of any of them, less than the memory
CLIENTS = 8
MODES = {"read only": ("--select-only", 15), "TPC-B-like": ("--no-vacuum", 60)}  # options, seconds
# What the role says of a server that nobody configured further
DEFAULTS = {
    "host_memory_mb": MEMORY_MB,
    "postgresql_access": [],
    "postgresql_databases": [],
    "postgresql_listen_addresses": ["localhost"],
    "postgresql_max_connections": 100,
    "postgresql_settings": {},
    "postgresql_users": [],
}
# Left out of ours, group by group, to see what each of them is worth
GROUPS = {
    "memory": "shared_buffers|effective_cache_size|huge_pages|([a-z]+_)?work_mem",
    "WAL": "(max|min)_wal_size|wal_compression|checkpoint_.*|max_slot_wal_keep_size",
    "records": "log_.*|logging_collector|shared_preload_libraries|track_io_timing",
}
# The files of the role are away meanwhile; the cluster with its checksums, access rows and unit stays the role's.
CONFIGURE = """
cd /etc/postgresql/*/main/conf.d
mkdir -p /root/ours && mv 50-holdfast-*.conf /root/ours 2>/dev/null || true
cat >measured.conf
cd /
psql() { runuser -u postgres -- psql -qAtX "$@"; }
systemctl restart "postgresql@$(ls /etc/postgresql)-main"
[ "$(psql -c "select pg_postmaster_start_time() > now() - interval '1 min'")" = t ]
psql -c "select 1 from pg_database where datname = 'pgbench'" | grep -q 1 || {
    runuser -u postgres -- createdb pgbench
    runuser -u postgres -- /usr/lib/postgresql/*/bin/pgbench -q -i -s %d pgbench >/dev/null 2>&1
}
# Each run begins with the same tables, warm and without work left over by the run before
psql -d pgbench -c 'vacuum pgbench_branches' -c 'vacuum pgbench_tellers' -c 'truncate pgbench_history' \\
    -c 'create extension if not exists pg_prewarm' -c "select pg_prewarm('pgbench_accounts')" \\
    -c "select pg_prewarm('pgbench_accounts_pkey')" -c checkpoint >/dev/null
"""
RUN = """
cd /
runuser -u postgres -- /usr/lib/postgresql/*/bin/pgbench -n -T %d -c %d -j 2 %s pgbench 2>&1
"""
WRITTEN = """
runuser -u postgres -- psql -qAtX -d pgbench -c "select pg_current_wal_insert_lsn() - '0/0'"
"""
RESTORE = """
cd /etc/postgresql/*/main/conf.d
rm -f measured.conf
mv /root/ours/* .
systemctl restart "postgresql@$(ls /etc/postgresql)-main"
"""


def calculator(memory_mb: int, cpus: int, connections: int) -> str:
    """Return what le0pard/pgtune gives for this host as a web server's database with SSDs (its published formulas)."""
    buffers = memory_mb // 4
    users = connections + (cpus if cpus >= 4 else 8)
    work = max(4096, (memory_mb - buffers) * 1024 // (users * 3))
    settings = {
        "max_connections": connections,
        "shared_buffers": f"{buffers}MB",
        "effective_cache_size": f"{memory_mb * 3 // 4}MB",
        "maintenance_work_mem": f"{min(memory_mb // 16, 8192)}MB",
        "checkpoint_completion_target": 0.9,
        "wal_buffers": "16MB",
        "default_statistics_target": 100,
        "random_page_cost": 1.1,
        "effective_io_concurrency": 200,
        "work_mem": f"{work}kB",
        "huge_pages": "try" if buffers >= 2048 else "off",
        "min_wal_size": "1GB",
        "max_wal_size": "4GB",
        "jit": "off",
        "wal_compression": "lz4",
    }
    if cpus >= 4:
        half = min(4, -(-cpus // 2))
        settings |= {"max_worker_processes": cpus, "max_parallel_workers": cpus}
        settings |= {"max_parallel_workers_per_gather": half, "max_parallel_maintenance_workers": half}
    return "".join(f"{name} = '{value}'\n" for name, value in settings.items())


def without(group: str, settings: str) -> str:
    """Return settings without those of a group, which are then PostgreSQL's own."""
    return "\n".join(line for line in settings.splitlines() if not re.match(rf"({GROUPS[group]}) =", line)) + "\n"


def configurations(groups: Iterable[str]) -> dict[str, str]:
    """Return the settings to compare; ours are those that the role wrote on the host, also without some groups."""
    ours = bed.inside(1, "cat /etc/postgresql/*/main/conf.d/50-holdfast-*.conf")
    cpus = int(bed.inside(1, "nproc"))
    compared = {"packaged": "", "calculator": calculator(MEMORY_MB, cpus, 100), "ours": ours}
    return compared | {f"ours without {group}": without(group, ours) for group in groups}


def measured(mode: str) -> dict[str, float]:
    """Return the rate, and what one transaction costs: those numbers a busy machine spoils least."""
    option, seconds = MODES[mode]
    account = sample.account(1)
    before = sample.used(account), float(bed.inside(1, WRITTEN))
    text = bed.inside(1, RUN % (seconds, CLIENTS, option))
    after = sample.used(account), float(bed.inside(1, WRITTEN))
    done = re.search(r"actually processed: (\d+)(?s:.*)^tps = ([0-9.]+)", text, re.MULTILINE)
    if done is None:
        raise LabError("pgbench printed no rate", text[-300:])
    processor, wal = ((now - then) / int(done[1]) for now, then in zip(after, before, strict=True))
    return {"rate": round(float(done[2]), 1), "cpu_ms": round(processor * 1000, 3), "wal_kb": round(wal / 1024, 2)}


def pgbench(rounds: int) -> None:
    """what PostgreSQL's settings gain, on a host of its own: ours, Debian's and a calculator's in turns"""
    compare(rounds, ())


def parts(rounds: int) -> None:
    """the same, and ours without one group of settings after the other"""
    compare(rounds, GROUPS)


def compare(rounds: int, groups: Iterable[str]) -> None:
    bed.STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    bed.up(1, host_memory_mb=MEMORY_MB, lab_memory=f"{MEMORY_MB}m")
    bed.anew(1)
    bed.play("molecule/postgresql/converge.yml", "-e", json.dumps(DEFAULTS), log="pgbench")
    compared = configurations(groups)
    RESULTS.unlink(missing_ok=True)
    for number in range(1, rounds + 1):
        for name in random.sample(list(compared), len(compared)):  # what the machine does meanwhile hits all alike
            bed.inside(1, CONFIGURE % SCALE, compared[name])
            load = os.getloadavg()[0]
            entry = {"what": name, "round": number, "load": load, "modes": {mode: measured(mode) for mode in MODES}}
            with RESULTS.open("a") as stream:
                stream.write(json.dumps({**entry, "date": time.strftime("%Y-%m-%d %H:%M")}) + "\n")
            print(f"pgbench round {number}, load {load:.1f}, {name}: {entry['modes']}", flush=True)
    bed.inside(1, RESTORE)
    tables()


def tables() -> None:
    """Print what was measured, and ours as a ratio to each other one of the same round."""
    found = report.rates(RESULTS, "modes")
    ours = found.get("ours", {})
    for mode in MODES if ours else ():
        print(f"\n| {mode} | transactions/s | ours to this | CPU ms of one | ours to this | WAL kB of one |")
        print("|---|---|---|---|---|---|")
        for name, rounds in found.items():
            cells = []
            for key in ("rate", "cpu_ms"):
                cells.append(middle(values[mode][key] for values in rounds.values()))
                cells.append(
                    middle(ours[number][mode][key] / rounds[number][mode][key] for number in {*rounds} & {*ours})
                )
            cells.append(middle(values[mode]["wal_kb"] for values in rounds.values()))
            print(f"| {name} | {' | '.join(cells)} |")
