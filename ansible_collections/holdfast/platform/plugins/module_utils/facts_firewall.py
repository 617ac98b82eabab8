# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who else keeps packets out."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.facts_common import ETC, contents, output

OWNERS = ("ufw", "firewalld", "netfilter-persistent", "nftables", "shorewall", "shorewall6", "ferm")
IPTABLES = Path("/usr/sbin/iptables")
OUR_TABLE = ("inet", "holdfast")
HOOKS = ("prerouting", "input", "forward", "output")
CLOSING = {"drop", "reject", "xt REJECT"}
COMMENT = r"""-m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)"""
LEGACY = {  # what its rules are asked with, and where the kernel says that there are some
    "iptables-legacy": Path("/proc/net/ip_tables_names"),
    "ip6tables-legacy": Path("/proc/net/ip6_tables_names"),
}


def closes(expressions: list[dict[str, Any]]) -> bool:
    """Tell whether a rule drops or rejects whatever comes to it."""
    kinds = {
        "xt REJECT" if (one.get("xt") or {}).get("name") == "REJECT" else kind
        for one in (
            each if isinstance(each, dict) else {str(each): None} for each in expressions
        )  # `notrack` is a word
        for kind in one
    }
    return bool(kinds & CLOSING) and kinds <= CLOSING | {"counter", "log"}


def leads(rule: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield the chain of a rule and the one that it sends every packet to."""
    parts: list[dict[str, Any]] = [
        each if isinstance(each, dict) else {str(each): None} for each in rule.get("expr", [])
    ]
    kinds = {kind for part in parts for kind in part}
    if kinds <= {"jump", "goto", "counter", "log"}:
        place = (rule["family"], rule["table"])
        for part in parts:
            for target in (part[kind]["target"] for kind in ("jump", "goto") if kind in part):
                yield (*place, rule["chain"]), (*place, target)


def led_to(ends: set[Any], jumps: list[tuple[Any, Any]]) -> set[Any]:
    """Return the ends with every chain that sends all its packets to one of them."""
    found = set(ends)
    while more := {chain for chain, target in jumps if target in found} - found:
        found |= more
    return found


def closed_chains(ruleset: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the chains of others where a packet ends that no rule of theirs lets in: a drop in any table is final."""
    rules = [entry["rule"] for entry in ruleset if "rule" in entry]
    chains = [entry["chain"] for entry in ruleset if "chain" in entry]
    of_docker = {
        (chain["family"], chain["table"])
        for chain in chains
        if chain["name"].startswith("DOCKER") or chain["table"].startswith("docker-")
    }
    ends = {(rule["family"], rule["table"], rule["chain"]) for rule in rules if closes(rule.get("expr", []))}
    ends = led_to(ends, [pair for rule in rules for pair in leads(rule)])
    found = []
    for chain in chains:
        place = (chain["family"], chain["table"])
        hook = chain.get("hook", "")
        closed = chain.get("policy") == "drop" or (*place, chain["name"]) in ends
        if hook in HOOKS and closed and place != OUR_TABLE and not (hook == "forward" and place in of_docker):
            found.append({"family": place[0], "table": place[1], "hook": hook})
    return found


def closed_text(text: str) -> bool:
    """Tell whether rules as iptables-save writes them let in only what they name."""
    policies = re.findall(r"^:(\S+) DROP\b", text, re.MULTILINE)
    jumps = re.findall(rf"^-A (\S+) (?:{COMMENT} )?-[jg] (\S+)", text, re.MULTILINE)
    return bool({"INPUT", "OUTPUT"} & {*policies, *led_to({"DROP", "REJECT"}, jumps)})


def closed_by_iptables() -> list[dict[str, str]]:
    """Return the same for a host without nft, whose iptables writes tables that nft would show."""
    if not IPTABLES.resolve().name.startswith("xtables-nft"):
        return []
    programs = {"ip": "iptables-save", "ip6": "ip6tables-save"}
    closed = [family for family, program in programs.items() if closed_text(output(program, "-t", "filter"))]
    return [{"family": family, "table": "filter", "hook": "input"} for family in closed]


def firewall_owners() -> list[str]:
    """Return what else loads a firewall at boot that lets in only what it knows."""
    on = {name for name in OWNERS if any((ETC / "systemd/system").glob(f"*.wants/{name}.service"))}
    saved = "".join(contents(ETC / f"iptables/rules.v{version}") for version in (4, 6))
    drops = r"hook\s+(prerouting|input|output)\b[^}]*?policy\s+drop"
    enabled = {
        "ufw": re.search(r"^ENABLED=[\"']?yes", contents(ETC / "ufw/ufw.conf"), re.MULTILINE),
        "netfilter-persistent": closed_text(saved),
        "nftables": re.search(drops, re.sub(r"(?m)#.*", "", contents(ETC / "nftables.conf"))),
    }
    return sorted(name for name in on if enabled.get(name, True))


def firewall() -> dict[str, Any]:
    """Return who else keeps packets out, and whether rules of ours that were loaded are gone."""
    answer = output("nft", "-t", "-j", "list", "ruleset") if os.geteuid() == 0 else ""
    ruleset = json.loads(answer)["nftables"] if answer.startswith("{") else []
    chains = closed_chains(ruleset) if answer else closed_by_iptables()
    tables = [(entry["table"]["family"], entry["table"]["name"]) for entry in ruleset if "table" in entry]
    return {
        "owners": firewall_owners(),
        "chains": chains,
        "legacy": [
            program
            for program, names in LEGACY.items()
            if "filter" in contents(names).split() and closed_text(output(f"{program}-save", "-t", "filter"))
        ],
        "flushed": bool(answer) and OUR_TABLE not in tables and (ETC / "holdfast/firewall.nft").exists(),
    }
