"""Knows what the names in firewall rules stand for: hosts of groups, sets of addresses, interfaces of containers."""

import ipaddress
import re
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import CONTAINERS, PUBLIC
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module


def _network(source: str) -> str | None:
    """Return an address or a network in canonical text, and nothing for other text."""
    try:
        network = ipaddress.ip_network(source)
    except ValueError:
        return None
    if "%" in source:  # a zone, which no rule of a firewall can match
        return None
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)


def _lists(lists: object, kind: str, cure: str, words: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Return the addresses of every group or set, checked; these words are accepted among them."""
    if not isinstance(lists, dict):
        raise TypeError(f"{kind}s must be a dict of lists, got {type(lists).__name__}")
    checked: dict[str, list[str]] = {}
    for name, addresses in lists.items():
        if not isinstance(addresses, list):
            raise TypeError(f"{kind} {name}: the addresses must be a list, got {type(addresses).__name__}")
        checked[str(name)] = []
        for address in addresses:
            text = address if address in words else _network(address) if isinstance(address, str) else None
            if text is None:
                raise ValueError(f"{kind} {name}: {address!r} is not an address; {cure}")
            checked[str(name)].append(text)
    return checked


def _groups(groups: object, words: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Return the addresses of every group, checked."""
    known = _lists(groups, "group", "set host_address to the host's address", words)
    for name, meaning in ((PUBLIC, "everybody"), *((word, "those of the host itself") for word in words)):
        if name in known:
            raise ValueError(f"an inventory group is called {name}, which means {meaning} in firewall rules; rename it")
    return known


def _sources(rule: dict[str, Any], groups: dict[str, list[str]], variable: str) -> list[str]:
    """Return the addresses of one rule, IPv4 first, each once."""
    where, sources = f"{variable or 'rule'} {rule.get('name')}", rule.get("sources")
    if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
        raise TypeError(f"{where}: sources must be a list of text, got {sources!r}")
    resolved: set[str] = set()
    for source in sources:
        network = _network(source)
        if network is None and source != PUBLIC and source not in groups:
            known = ", ".join(sorted(groups)) or "none"
            raise ValueError(
                f"{where}: source {source!r} is neither an inventory group nor an address; "
                f"use public, an address, a network without host bits, or a group ({known})"
            )
        resolved.update([network] if network else groups.get(source, [PUBLIC]))
    if PUBLIC in resolved:
        return [PUBLIC]
    networks = [ipaddress.ip_network(source) for source in resolved]
    networks.sort(key=lambda network: (network.version, int(network.network_address), network.prefixlen))
    return [str(_network(str(network))) for network in networks]


def resolve_sources(
    rules: list[dict[str, Any]], groups: dict[str, list[str]], variable: str = ""
) -> list[dict[str, Any]]:
    """Return the rules with addresses in place of groups; a group without hosts leaves the rule without sources."""
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise TypeError(f"rules must be a list of dicts, got {rules!r}")
    known = _groups(groups)
    return [{**rule, "sources": _sources(rule, known, variable)} for rule in rules]


def address_sets(groups: dict[str, list[str]], sets: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return what each name stands for, groups and sets alike, in canonical text; containers may be among them."""
    words = (CONTAINERS,)
    known = _groups(groups, words)
    for name, addresses in _lists(
        sets, "firewall_sets, set", "give an address, or a network without host bits", words
    ).items():
        if name in known or name in (PUBLIC, CONTAINERS) or not re.fullmatch(r"[a-z][a-z0-9_-]{0,30}", name):
            raise ValueError(
                f"firewall_sets, set {name}: that is {PUBLIC}, {CONTAINERS}, the name of an inventory group, or not "
                "made of lower-case letters, digits, - and _; rename the set"
            )
        known[name] = addresses
    return known


FilterModule = filter_module(resolve_sources, address_sets)
