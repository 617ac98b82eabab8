"""Says who may connect to whom by TCP, and compares that with what a probe found."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import PUBLIC, network_of
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

REQUIRED = {"name", "addresses", "rules"}
OPTIONAL = {"groups", "listening", "egress"}
EVERY = {4: "0.0.0.0", 6: "::"}  # noqa: S104  that the second takes IPv4 too is not certain
# By what is allowed and what was found: what to say, and what to do
DIFFERENCES = {
    (True, "dropped"): ("is dropped", "reload holdfast-firewall.service there, or look for another firewall"),
    (True, "unreachable"): ("has no way there", "check routes and addresses"),
    (True, "refused"): ("is refused though something listens", "look for another firewall, or for who listens there"),
    (False, "open"): ("is open", "run site.yml for that host"),
    (False, "refused"): ("is refused, not dropped", "the firewall does not cover it; run site.yml for that host"),
}
OUTCOMES = {"open", "refused", "dropped", "unreachable"}


def _hosts(hosts: object) -> dict[str, Mapping[str, Any]]:
    """Return the hosts by name, checked."""
    if not isinstance(hosts, list):
        raise TypeError(f"firewall_matrix takes a list of hosts, got {type(hosts).__name__}")
    known: dict[str, Mapping[str, Any]] = {}
    for host in hosts:
        if not isinstance(host, Mapping) or not set(host) >= REQUIRED or set(host) - REQUIRED - OPTIONAL:
            accepted = f"{', '.join(sorted(REQUIRED))} and optionally {', '.join(sorted(OPTIONAL))}"
            raise ValueError(f"every host is a mapping with {accepted}, got {host!r}")
        if host["name"] in known:
            raise ValueError(f"host {host['name']} is listed twice; list it once")
        known[str(host["name"])] = host
    return known


def _family(addresses: list[str], version: int) -> str:
    """Return the first address of a family, or nothing."""
    return next((text for text in addresses if ipaddress.ip_address(text).version == version), "")


def _ports(rule: Mapping[str, Any]) -> list[int]:
    """Return the TCP ports that a rule speaks of."""
    if rule.get("protocol", "tcp") != "tcp":
        return []
    return [int(port) for port in (rule["ports"] if "ports" in rule else [rule["port"]])]


def _among(address: str, ends: list[str], groups: Mapping[str, list[str]], where: str) -> bool:
    """Say whether an address belongs to the sources or destinations of a rule."""
    wanted = ipaddress.ip_address(address)
    for text in [one for end in ends for one in groups.get(end, [end])]:
        if text == PUBLIC:
            return True
        try:
            network = network_of(text)
        except ValueError:
            raise ValueError(f"rule {where}: {text!r} is neither an address nor one of the groups") from None
        if network.version == wanted.version and wanted in network:
            return True
    return False


def _listeners(host: Mapping[str, Any]) -> set[tuple[str, int]]:
    """Return address and TCP port of what listens for others."""
    return {
        (str(entry["address"]), int(entry["port"]))
        for entry in host.get("listening", [])
        if entry["protocol"] == "tcp" and not ipaddress.ip_address(entry["address"]).is_loopback
    }


def _lets_out(host: Mapping[str, Any], receiver: str, port: int) -> bool:
    """Say whether a host may connect there itself; without egress rules it may do anything."""
    rules = [rule for rule in host.get("egress", []) if "sources" not in rule and port in _ports(rule)]
    groups = host.get("groups", {})
    return "egress" not in host or any(_among(receiver, rule["destinations"], groups, rule["name"]) for rule in rules)


def _pairs(
    source: Mapping[str, Any], host: Mapping[str, Any], version: int, declared: set[int]
) -> list[dict[str, Any]]:
    """Return the entries of one destination in one family."""
    sender, receiver = _family(source["addresses"], version), _family(host["addresses"], version)
    if not sender or not receiver:
        return []
    groups, listeners, pairs = host.get("groups", {}), _listeners(host), []
    admitting = [rule for rule in host["rules"] if _among(sender, rule["sources"], groups, rule["name"])]
    for port in sorted(declared | {port for _address, port in listeners}):
        opening = [rule["name"] for rule in admitting if port in _ports(rule)]
        named = opening or [rule["name"] for rule in host["rules"] if port in _ports(rule)]
        leaves = _lets_out(source, receiver, port)
        pair = {"source": source["name"], "sender": sender, "destination": host["name"], "address": receiver}
        pair |= {"port": port, "allowed": bool(opening) and leaves}
        pair |= {"rule": ", ".join(named) if leaves else f"egress of {source['name']}"}
        pairs.append({**pair, "listening": bool({(receiver, port), (EVERY[version], port)} & listeners)})
    return pairs


def firewall_matrix(hosts: list[dict[str, Any]], source: str) -> list[dict[str, Any]]:
    """Return what a host has to find at every other host: one entry per address and TCP port."""
    known = _hosts(hosts)
    if source not in known:
        raise ValueError(f"{source} is none of the hosts {', '.join(known)}")
    declared = {port for host in known.values() for rule in host["rules"] for port in _ports(rule)}
    others = [host for name, host in known.items() if name != source]
    return [pair for version in EVERY for host in others for pair in _pairs(known[source], host, version, declared)]


def _difference(pair: Mapping[str, Any], found: str, sender: str) -> str:
    """Return a sentence when a probe found something else than what the rules say."""
    case = (bool(pair["allowed"]), found)
    if case not in DIFFERENCES or (case == (True, "refused") and not pair["listening"]):
        return ""
    rule = (
        f"rule {pair['rule']} {'opens it' if pair['allowed'] else 'leaves it out'}"
        if pair["rule"]
        else "no rule opens it"
    )
    other = f"; it comes from {sender}, not from {pair['sender']}" if sender not in ("", pair["sender"]) else ""
    start = f"{pair['source']} to port {pair['port']} of {pair['destination']} ({pair['address']})"
    what, cure = DIFFERENCES[case]
    return f"{start} {what}, but {rule}{other}: {cure}"


def firewall_differences(matrix: list[dict[str, Any]], probed: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the differences between matrix and probe as sentences, and what is open for nobody who listens."""
    if not isinstance(matrix, list) or not isinstance(probed, list) or len(matrix) != len(probed):
        raise ValueError("firewall_differences takes a matrix and what was found for each of its entries, in its order")
    differences: list[str] = []
    silent: set[tuple[str, int]] = set()
    heard: set[tuple[str, int]] = set()  # many services listen in one family alone
    for pair, answer in zip(matrix, probed, strict=True):
        found = answer["found"]
        if found not in OUTCOMES:
            raise ValueError(f"found is {found!r}, it must be one of {', '.join(sorted(OUTCOMES))}")
        sentence = _difference(pair, found, answer.get("sender", ""))
        if sentence:
            differences.append(sentence)
        elif pair["allowed"]:
            (silent if found == "refused" else heard).add((pair["destination"], pair["port"]))
    return {"differences": differences, "silent": [f"{host} {port}" for host, port in sorted(silent - heard)]}


FilterModule = filter_module(firewall_matrix, firewall_differences)
