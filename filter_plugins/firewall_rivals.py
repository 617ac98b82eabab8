"""Finds firewalls of others on a host: a packet that one of them drops is dropped, whatever our rules say."""

from collections.abc import Iterator
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

FLUSH = "`{0} -P INPUT ACCEPT; {0} -P OUTPUT ACCEPT; {0} -F INPUT; {0} -F OUTPUT`"
OFF = {
    "ufw": "run `ufw disable`",
    "firewalld": "run `systemctl disable --now firewalld`",
    "netfilter-persistent": "run `systemctl disable netfilter-persistent`, then "
    f"{FLUSH.format('iptables')}, the same with ip6tables,",
    "nftables": "take `policy drop` out of /etc/nftables.conf, or run `systemctl disable nftables`",
    "shorewall": "run `shorewall clear` and `systemctl disable shorewall`",
    "shorewall6": "run `shorewall6 clear` and `systemctl disable shorewall6`",
    "ferm": "run `systemctl disable --now ferm`",
}
# Owners whose rules are in the tables that iptables makes
BY_IPTABLES = {"ufw", "netfilter-persistent", "shorewall", "shorewall6", "ferm"}
TABLES = {("ip", "filter"): "iptables", ("ip6", "filter"): "ip6tables"}
CHAINS = {"prerouting": "PREROUTING", "input": "INPUT", "output": "OUTPUT", "forward": "FORWARD"}
WHY = "which drops what its own rules do not let in, whatever firewall_rules say"
FIRST = "enter into firewall_rules what it lets in, then"


def _open(program: str, hook: str) -> str:
    """Return the commands that make a chain of iptables let everything through."""
    chain = CHAINS[hook]
    flush = "" if hook == "forward" else f"; {program} -F {chain}"  # the forward chain may lead to Docker's
    return f"run `{program} -P {chain} ACCEPT{flush}`"


def _chains(past: dict[str, Any], host: str, forwards: bool) -> Iterator[str]:
    """Yield a sentence for each table whose owner nobody knows."""
    by_iptables = bool(BY_IPTABLES.intersection(past["owners"]))
    told = set()
    for chain in past["chains"]:
        place = (chain["family"], chain["table"])
        owned = (place in TABLES and by_iptables) or (place[1] == "firewalld" and "firewalld" in past["owners"])
        if owned or (chain["hook"] == "forward" and not forwards) or (*place, chain["hook"]) in told:
            continue
        told.add((*place, chain["hook"]))
        cure = f"take it out of what loads it and run `nft delete table {place[0]} {place[1]}`"
        if place in TABLES:
            cure = f"{_open(TABLES[place], chain['hook'])}, and take it out of what loads it"
        what = f"{' '.join(place)} of somebody else (hook {chain['hook']})"
        yield f"{host} has the firewall table {what}, {WHY}; {FIRST} {cure}"


def firewall_rival_findings(facts: dict[str, Any], host: str, rules: list[dict[str, Any]]) -> list[str]:
    """Return a sentence for each firewall of others; of our rules only those matter that let in what goes on."""
    if not isinstance(facts, dict) or not isinstance(rules, list):
        raise TypeError("firewall_rival_findings takes the facts of a host, its name and the rules of its plan")
    past, forwards = facts.get("firewall"), any(rule["published"] for rule in rules)
    if not past:
        return []
    found = [f"{owner} is on at {host}, {WHY}; {FIRST} {OFF[owner]} there" for owner in past["owners"]]
    found += _chains(past, host, forwards)
    if not BY_IPTABLES.intersection(past["owners"]):
        for program in past["legacy"]:
            cure = f"run {FLUSH.format(program)}, and take it out of what loads it"
            found.append(f"{host} has rules of {program}, {WHY}; {FIRST} {cure}")
    return found


FilterModule = filter_module(firewall_rival_findings)
