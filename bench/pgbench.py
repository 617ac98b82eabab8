"""What the settings of the postgresql role gain: pgbench with ours, Debian's and a well-known calculator's."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections import defaultdict

from tests.lab.paths import LabError

from . import bed
from .report import middle

RESULTS = bed.STATE / "pgbench.jsonl"
SCALE = 100  # 1.5 GB: more than Debian's shared_buffers, less than the memory
SECONDS = 20
CLIENTS = 8
MODES = {"read only": "--select-only", "TPC-B-like": "--no-vacuum"}
# A cluster of its own beside the one that the role manages; it takes over only what the role says about performance
OWN = "^(port|listen_addresses|ssl.*|archive_.*|log_.*|logging_collector|unix_socket.*|cluster_name)$"
START = """
version=$(ls /etc/postgresql)
if [ ! -e /etc/postgresql/$version/pgbench ]; then
    pg_createcluster --port 5499 $version pgbench -- --data-checksums >/dev/null
fi
folder=/etc/postgresql/$version/pgbench/conf.d
mkdir -p $folder
cat >$folder/measured.conf
systemctl daemon-reload
systemctl restart postgresql@$version-pgbench
runuser -u postgres -- psql -qAt -p 5499 -c "select 1 from pg_database where datname = 'pgbench'" | grep -q 1 || {
    runuser -u postgres -- createdb -p 5499 pgbench
    runuser -u postgres -- /usr/lib/postgresql/$version/bin/pgbench -p 5499 -q -i -s %d pgbench >/dev/null 2>&1
}
# Each run begins with the same tables, warm and without work left over by the run before
runuser -u postgres -- psql -q -p 5499 pgbench -c 'vacuum pgbench_branches' -c 'vacuum pgbench_tellers' \\
    -c 'truncate pgbench_history' -c 'select count(*) from pgbench_accounts' -c 'checkpoint' >/dev/null
"""
RUN = """
version=$(ls /etc/postgresql)
runuser -u postgres -- /usr/lib/postgresql/$version/bin/pgbench -p 5499 -n -T %d -c %d -j 2 %s pgbench 2>&1
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
        "huge_pages": "off",  # none are reserved on this host
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


def configurations() -> dict[str, str]:
    """Return the settings to compare; ours are those that the role wrote on the host."""
    written = bed.inside(1, "cat /etc/postgresql/*/main/conf.d/50-holdfast-*.conf")
    ours = bed.inside(1, f"grep -vE '{OWN.replace('^', '^ *').replace('$', ' *=.*')}' || true", written)
    facts = bed.inside(1, "awk '/^MemTotal/ {print int($2 / 1024)}' /proc/meminfo; nproc").split()
    connections = next(line.split("'")[1] for line in ours.splitlines() if line.startswith("max_connections"))
    return {"packaged": "", "calculator": calculator(int(facts[0]), int(facts[1]), int(connections)), "ours": ours}


def rate(mode: str) -> float:
    text = bed.inside(1, RUN % (SECONDS, CLIENTS, MODES[mode]))
    for line in text.splitlines():
        if line.startswith("tps = "):
            return float(line.split()[2])
    raise LabError("pgbench printed no rate", text[-300:])


def pgbench(rounds: int) -> None:
    """what PostgreSQL's settings gain: ours, Debian's and a calculator's in turns, read only and TPC-B-like"""
    compared = configurations()
    for number in range(1, rounds + 1):
        for name in random.sample(list(compared), len(compared)):  # whoever comes first meets the coldest disk
            bed.inside(1, START % SCALE, compared[name])
            rates = {mode: round(rate(mode), 1) for mode in MODES}
            entry = {"what": name, "round": number, "rates": rates, "date": time.strftime("%Y-%m-%d %H:%M")}
            with RESULTS.open("a") as stream:
                stream.write(json.dumps(entry) + "\n")
            print(
                f"pgbench round {number} {name:>10}: " + ", ".join(f"{mode} {value}/s" for mode, value in rates.items())
            )
    tables()


def tables() -> None:
    """Print the rates, and ours as a ratio to each other one of the same round."""
    found: dict[str, dict[int, dict[str, float]]] = defaultdict(dict)
    for line in RESULTS.read_text().splitlines() if RESULTS.exists() else []:
        entry = json.loads(line)
        found[entry["what"]][entry["round"]] = entry["rates"]
    if "ours" not in found:
        return
    print("\n| settings | mode | transactions per second | ours to these |\n|---|---|---|---|")
    for name, rounds in found.items():
        for mode in MODES:
            ratios = [
                found["ours"][number][mode] / rounds[number][mode] for number in rounds if number in found["ours"]
            ]
            median = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""
            print(f"| {name} | {mode} | {middle(values[mode] for values in rounds.values())} | {median} |")
