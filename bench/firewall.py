"""What the firewall costs: rule sets with few and many addresses to none; and the time to write ten thousand rules."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import Any

from tests.packets.cases import compiler

from . import bed, report
from .report import middle

RESULTS = bed.STATE / "firewall.jsonl"
SIZES = (10, 1000, 10000)
NONE, TRACKED, LIMITED = "no rules", "connections followed, no rules", "10000 addresses and limits"
SECONDS = 3
RULES = 10000
# What every rule set needs: the kernel follows connections as soon as anybody asks for their state
TRACKING = "table inet t { chain c { type filter hook input priority filter; ct state established,related accept; }; }"
PREPARE = "command -v nft >/dev/null || { apt-get -qq update; apt-get -qq install -y nftables; } >/dev/null"


def addresses(count: int) -> list[str]:
    """Return so many addresses and networks, half of each, none in another; the client is one of the addresses."""
    hosts = [f"10.{one}.{two}.7" for one, two in itertools.product(range(100, 120), range(250))]
    networks = [f"10.{one}.{two}.0/24" for one, two in itertools.product(range(120, 140), range(250))]
    return [*hosts[: count // 2 - 1], "10.66.0.2", *networks[: count // 2]]


def rulesets() -> dict[str, str]:
    """Return the rule sets that are compared, by name. The role's other rules are there as well."""
    compiled, found = compiler(), {NONE: "", TRACKED: TRACKING}
    limit = {"per_second": 1000000, "connections": 1000000}
    for size, more in [*((size, {}) for size in SIZES), (SIZES[-1], {"limit": limit})]:
        rules = [
            {"name": "measured", "port": 5000, "sources": ["many"], **more},
            {"name": "web", "ports": [80, 443], "sources": ["public"], "limit": limit},
            {"name": "data", "ports": [5432, 6379], "sources": ["many"]},
        ]
        given = {"ssh_port": 22, "ssh_sources": ["public"], "addresses": {"many": addresses(size)}, "rules": rules}
        found[LIMITED if more else f"{size} addresses"] = compiled(given)
    return found


def many_rules() -> dict[str, Any]:
    """Return a firewall of ten thousand rules: each has a port, a named set, an address of its own and a network."""
    rules = [
        {
            "name": f"rule-{number}",
            "port": 1000 + number,
            "sources": ["many", f"10.9.{number // 250}.{number % 250}", "fd00::/8"],
        }
        for number in range(RULES)
    ]
    return {"ssh_port": 22, "ssh_sources": ["public"], "addresses": {"many": addresses(1000)}, "rules": rules}


def firewall(rounds: int) -> None:
    """throughput and new connections through the firewall to none, in turns; and the time to write 10,000 rules"""
    bed.STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    bed.up(1)
    bed.inside(1, PREPARE)
    bed.inside(1, "cat >/root/firewall_bed.py", (Path(__file__).parent / "firewall_bed.py").read_text())
    RESULTS.unlink(missing_ok=True)
    compared = rulesets()
    for number in range(1, rounds + 1):
        turn = dict(list(compared.items())[:: 1 if number % 2 else -1])
        found = json.loads(bed.inside(1, f"python3 /root/firewall_bed.py {SECONDS}", json.dumps(turn)))
        keep(number, found)
    tables()


def keep(number: int, found: dict[str, dict[str, float]]) -> None:
    """Note a round, and how long ten thousand rules took to write in it."""
    given, compiled = many_rules(), compiler()
    before = time.process_time()
    compiled(given)
    found["compile"] = {"cpu": time.process_time() - before}
    with RESULTS.open("a") as stream:
        for what, values in found.items():
            stream.write(json.dumps({"what": what, "round": number, "found": values}) + "\n")
    print(f"firewall round {number}: {json.dumps(found)}", flush=True)


def tables() -> None:
    """Print what was measured, as ratios to no rules in the same round."""
    found: dict[str, dict[int, Any]] = dict(report.rates(RESULTS, "found"))
    if NONE not in found:
        return
    heads = [
        "rule set",
        "new connections/s",
        "to none",
        "CPU of one, to none",
        "MB/s",
        "to none",
        "CPU of one, to none",
    ]
    print(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for title, rounds in found.items():
        cells = []
        for key, unit in (("connections", 1.0), ("bytes", 1e6)) if title != "compile" else ():
            cells.append(middle(one[key] / unit for one in rounds.values()))
            cells += [
                middle(one[ratio] / found[NONE][number][ratio] for number, one in rounds.items())
                for ratio in (key, f"{key}_cpu")
            ]
        if cells:
            print(f"| {title} | {' | '.join(cells)} |")
    print(f"\n{RULES} rules are written in {middle(one['cpu'] for one in found['compile'].values())} s of CPU")
