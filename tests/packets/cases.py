"""Random firewalls with packets, and what the model says: `python -m tests.packets.cases SEED COUNT` prints JSON."""

from __future__ import annotations

import importlib.util
import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.packets import model

FILTERS = Path(__file__).parents[2] / "filter_plugins"
PORTS = (22, 53, 80, 443, 5432, 9000)  # where everybody listens
ENDS = [
    *("admins", "app", "empty", "10.77.1.1", "10.77.1.0/24", "10.77.0.0/16", "10.77.2.1/32", "0.0.0.0/0"),
    "containers",
    *("fd77:0:1::1", "fd77:0:1::/48", "fd77:0:2::/64", "::/0", "10.99.0.0/24", "fd99::/64", "10.98.0.2", "fd98::2"),
]
LIMITS: tuple[dict[str, int], ...] = (
    {},
    {"per_second": 100000},
    {"connections": 10000},
    {"per_second": 100000, "burst": 9, "connections": 9000},
)
PROBES = 80
COMPILED = 150  # for nft alone


def compiler() -> Callable[[dict[str, Any]], str]:
    """Return the filters of the role, one after the other."""
    found: dict[str, Callable[..., Any]] = {}
    for name in ("firewall_plan", "nftables_matches", "nftables"):
        spec = importlib.util.spec_from_file_location(f"filters_{name}", FILTERS / f"{name}.py")
        if spec is None or spec.loader is None:
            raise ImportError(name)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found |= module.FilterModule().filters()
    return lambda given: str(found["nftables_ruleset"](found["nftables_matches"](found["firewall_plan"](given))))


def ends(dice: random.Random, everybody: float) -> list[str]:
    """Return sources or destinations."""
    return ["public"] if dice.random() < everybody else dice.sample(ENDS, dice.randint(1, 4))


def opening(dice: random.Random) -> dict[str, Any]:
    """Return the port or the ports of a rule, and its protocol."""
    ports = dice.sample((*PORTS, *model.PUBLISHED), dice.randint(1, 3))
    return {"protocol": dice.choice(["tcp", "udp"]), **({"port": ports[0]} if len(ports) == 1 else {"ports": ports})}


def firewall(dice: random.Random) -> model.Firewall:
    """Return the variables of a firewall."""
    addresses = {
        "admins": dice.sample(["10.77.1.0/24", "10.77.1.2", "10.77.2.0/25", "fd77:0:1::/64", "fd77:0:1::2"], 3),
        "app": dice.sample([*model.WORLD, *model.BOX, "containers"], 4),
        "empty": [],
    }
    rules = []
    for number in range(dice.randint(0, 9)):
        rule = {"name": f"rule-{number}", **opening(dice), "sources": ends(dice, 0.2), "limit": dice.choice(LIMITS)}
        rules.append(rule | ({"published": True} if dice.random() < 0.5 else {}))
    egress = []
    for number in range(dice.randint(0, 9)):
        rule = {"name": f"to-{number}", **opening(dice), "destinations": ends(dice, 0.3)}
        egress.append(rule | ({"sources": ends(dice, 0.4)} if dice.random() < 0.6 else {}))
    return {
        "rules": rules,
        "addresses": addresses,
        "ssh_port": 22,
        "ssh_sources": [*ends(dice, 0.2), "10.77.9.9"],
        "external_interfaces": dice.choice([[], ["eth0"], ["eth0", "eth9"], ["eth0", "br-two"]]),
        "log": dice.random() < 0.5,
        "unlimited_sources": dice.choice([[], ["admins", "10.77.2.1"], ["containers"], ["public"]]),
        "egress_policy": dice.choice(["accept", "drop_containers", "drop"]),
        "egress_rules": egress,
    }


def packets(dice: random.Random) -> list[list[Any]]:
    """Return first packets: source, destination, protocol, port. Each port with each protocol between every two."""
    sides = (model.WORLD, model.HOST, model.BOX, model.OTHER_BOX)
    pairs = [(one, other) for here in sides for there in sides for one in here for other in there if here is not there]
    found = []
    for source, destination in pairs:
        if (":" in source) == (":" in destination):
            ports = PORTS + (model.PUBLISHED if destination in model.HOST and source in model.WORLD else ())
            found += [[source, destination, protocol, port] for protocol in ("tcp", "udp") for port in ports]
    return dice.sample(found, PROBES)


FIXED: dict[str, model.Firewall] = {
    "limits": {
        "rules": [
            {"name": "web", "port": 80, "sources": ["public"], "limit": {"per_second": 1, "burst": 5}},
            {"name": "tls", "port": 443, "sources": ["public"], "limit": {"connections": 3}},
        ],
        "unlimited_sources": ["10.77.2.1"],
    },
    "impossible": {"rules": [{"name": "any", "port": 9000, "sources": ["public"]}]},
    "answers": {"egress_policy": "drop"},
}


def cases(seed: int, count: int) -> dict[str, Any]:
    """Return rule sets with packets and whether they should arrive; rule sets that bed.py has packets for; and more."""
    compiled, found = compiler(), []
    for number in range(count):
        dice = random.Random(seed * 1000 + number)  # noqa: S311
        given = firewall(dice)
        probes = [[*packet, model.arrives(given, *packet)] for packet in packets(dice)]
        found.append({"firewall": given, "ruleset": compiled(given), "probes": probes})
    ssh = {"ssh_port": 22, "ssh_sources": ["public"]}
    return {
        "random": found,
        "fixed": {name: compiled(ssh | given) for name, given in FIXED.items()},
        "compiled": [compiled(firewall(random.Random(-number))) for number in range(1, COMPILED)],  # noqa: S311
    }


if __name__ == "__main__":
    json.dump(cases(int(sys.argv[1]), int(sys.argv[2])), sys.stdout)
