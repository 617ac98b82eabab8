"""Completes and checks what an operator and the services of a host say about its firewall."""

import collections
import contextlib
import re
import socket
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import CONTAINERS, PUBLIC
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

POLICIES = ("accept", "drop_containers", "drop")
LISTS = ("service_rules", "rules", "unlimited_sources", "service_egress_rules", "egress_rules", "external_interfaces")
REQUIRED = {"ssh_port", "ssh_sources"}
OPTIONAL: dict[str, Any] = {"log": False, "egress_policy": "accept", "addresses": {}, "ssh_limit": {}, "web_limit": {}}
OPTIONAL |= {name: [] for name in LISTS}
NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
PORTLESS = {"name", "protocol", "sources"}
RULE = PORTLESS | {"port", "ports", "published", "limit"}
EGRESS = {"name", "port", "ports", "protocol", "sources", "destinations"}
LIMIT = ("per_second", "burst", "connections")
VARIABLES = {"ssh": "firewall_ssh_sources", "operator": "firewall_rules"}
Known = dict[str, list[str]]  # what a name is made of: itself, and containers where they belong to it


def _number(value: object, highest: int, words: str) -> int:
    """Return a checked whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= highest:
        raise ValueError(f"{words} from 1 to {highest}, got {value!r}")
    return int(value)


def _boolean(value: object, what: str) -> bool:
    """Return a checked boolean."""
    if not isinstance(value, bool):
        raise TypeError(f"{what} must be true or false, got {value!r}")
    return value


def _network(text: str) -> str | None:
    """Return an address or a network in canonical text, and nothing for other text."""
    address, slash, length = text.partition("/")
    kind, bits = (socket.AF_INET6, 128) if ":" in text else (socket.AF_INET, 32)
    with contextlib.suppress(OSError, ValueError):
        # There may be ten thousands, and ipaddress takes five times as long
        packed, free = socket.inet_pton(kind, address), bits - int(length or bits)
        if length.isdigit() == bool(slash) and int.from_bytes(packed, "big") & ((1 << free) - 1) == 0:
            return socket.inet_ntop(kind, packed) + (f"/{bits - free}" if free else "")
    return None


def _ends(where: str, key: str, listed: object, known: Known) -> list[str]:
    """Return sources or destinations, each once: names that are known, addresses in canonical text."""
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise TypeError(f"{where}: {key} must be a list of text, got {listed!r}")
    found: dict[str, None] = {}
    for one in listed:
        ends = known.get(one) or [end for end in [_network(str(one))] if end]
        if not ends:
            raise ValueError(
                f"{where}: {key.removesuffix('s')} {one!r} is neither an inventory group nor a set nor an address; "
                f"use an address, a network without host bits, or one of {', '.join(sorted(known))}"
            )
        found.update(dict.fromkeys(ends))
    return [PUBLIC] if PUBLIC in found else list(found)


def _limit(where: str, limit: object) -> dict[str, int]:
    """Return a complete limit, or nothing."""
    if not isinstance(limit, dict) or set(limit) - set(LIMIT) or ("burst" in limit) > ("per_second" in limit):
        raise ValueError(f"{where}: limit takes {', '.join(LIMIT)}, and burst only with per_second; got {limit!r}")
    limit = {"burst": limit["per_second"], **limit} if "per_second" in limit else limit
    return {key: _number(limit[key], 1000000, f"{where}: {key} is a whole number") for key in LIMIT if key in limit}


def _head(rule: object, protocols: tuple[str, ...], of: str) -> tuple[str, str]:
    """Return how a rule is called in messages, and its protocol."""
    if not isinstance(rule, dict) or not NAME.fullmatch(str(rule.get("name"))):
        raise ValueError(f"{of}a rule must be a dict with a name of lower-case letters, digits, - and _, got {rule!r}")
    protocol = str(rule.get("protocol", "tcp"))
    if protocol not in protocols:
        raise ValueError(f"{of}rule {rule['name']}: protocol must be one of {', '.join(protocols)}, got {protocol!r}")
    return f"{of}rule {rule['name']}", protocol


def _ports(where: str, rule: dict[str, Any], keys: set[str]) -> list[int]:
    """Return the ports of a rule, sorted, each once."""
    if set(rule) - keys or ("port" in rule) == ("ports" in rule):
        raise ValueError(f"{where}: give port or ports, and otherwise only {', '.join(sorted(keys))}")
    listed = rule["ports"] if "ports" in rule else [rule["port"]]
    if not isinstance(listed, list) or not listed:
        raise ValueError(f"{where}: ports must be a list with at least one port, got {listed!r}")
    return sorted({_number(port, 65535, f"{where}: a port is a whole number") for port in listed})


def _rule(rule: Any, origin: str, settings: dict[str, Any], known: Known) -> dict[str, Any]:
    """Return one complete rule; that of a service may name the variable its sources were said in."""
    said = {"variable": str(rule["variable"])} if origin == "service" and "variable" in rule else {}
    variable = said.get("variable", VARIABLES.get(origin, ""))
    where, protocol = _head(rule, ("tcp", "udp", "vrrp"), f"{variable}, " if variable else "")
    sources = _ends(where, "sources", rule.get("sources"), known)
    done = {"name": str(rule["name"]), "origin": origin, "protocol": protocol, "sources": sources, **said}
    if protocol == "vrrp":
        if set(rule) - PORTLESS:
            raise ValueError(f"{where}: vrrp has no ports; give only {', '.join(sorted(PORTLESS))}")
        return {**done, "ports": [], "published": False, "limit": {}}
    ports, published = (
        _ports(where, rule, RULE | set(said)),
        _boolean(rule.get("published", False), f"{where}: published"),
    )
    usual = settings["web_limit"] if {80, 443}.intersection(ports) else {}
    if protocol == "tcp" and settings["ssh_port"] in ports:
        usual = settings["ssh_limit"]
    return {**done, "ports": ports, "published": published, "limit": _limit(where, rule.get("limit", usual))}


def _egress(rule: Any, known: Known, variable: str = "") -> dict[str, Any]:
    """Return one complete rule for what leaves; without sources it is about the host itself."""
    where, protocol = _head(rule, ("tcp", "udp"), f"{variable}, " if variable else "")
    done = {"name": str(rule["name"]), "protocol": protocol, "ports": _ports(where, rule, EGRESS)}
    done["destinations"] = _ends(where, "destinations", rule.get("destinations"), known)
    return {**done, "sources": _ends(where, "sources", rule["sources"], known)} if "sources" in rule else done


def _all_egress(settings: dict[str, Any], known: Known) -> list[dict[str, Any]]:
    """Return the rules of the operator and, where something is held back, those of services."""
    rules = [_egress(rule, known, "firewall_egress_rules") for rule in settings["egress_rules"]]
    offered = []
    for rule in settings["service_egress_rules"]:
        kept = {key: value for key, value in rule.items() if key != "variable"} if isinstance(rule, dict) else rule
        offered.append(_egress(kept, known, str(rule["variable"]) if kept != rule else ""))
    return _once(rules + (offered if settings["egress_policy"] != "accept" else []), "")


def _once(rules: list[dict[str, Any]], cure: str) -> list[dict[str, Any]]:
    """Return the rules when no two have the same name."""
    for name in (name for name, times in collections.Counter(rule["name"] for rule in rules).items() if times > 1):
        raise ValueError(f"two rules are called {name}; rename one{cure}")
    return rules


def _settings(firewall: object) -> dict[str, Any]:
    """Return the checked input with its defaults."""
    if not isinstance(firewall, dict) or not set(firewall) >= REQUIRED or set(firewall) - REQUIRED - set(OPTIONAL):
        optional = ", ".join(sorted(OPTIONAL))
        raise ValueError(f"firewall must be a dict with {', '.join(sorted(REQUIRED))} and optionally {optional}")
    settings = {**OPTIONAL, **firewall}
    for name in LISTS:
        if not isinstance(settings[name], list):
            raise TypeError(f"{name} must be a list, got {settings[name]!r}")
    for name in settings["external_interfaces"]:
        if not re.fullmatch(r"[A-Za-z0-9_.@-]{1,15}", str(name)):
            raise ValueError(f"firewall_external_interfaces: {name!r} is not the name of an interface; see `ip link`")
    for name, where in {"ssh_limit": ", rule ssh", "web_limit": ""}.items():
        _limit(f"firewall_{name}{where}", settings[name])
    _boolean(settings["log"], "log")
    if settings["egress_policy"] not in POLICIES:
        raise ValueError(f"egress_policy must be one of {', '.join(POLICIES)}, got {settings['egress_policy']!r}")
    return settings


def _names(addresses: dict[str, list[str]]) -> tuple[dict[str, list[str]], Known]:
    """Return the addresses of every name alone, and what each name is made of."""
    known = {name: [name, CONTAINERS] if CONTAINERS in listed else [name] for name, listed in addresses.items()}
    plain = {name: [one for one in listed if one != CONTAINERS] for name, listed in addresses.items()}
    return {**plain, CONTAINERS: []}, {**known, PUBLIC: [PUBLIC], CONTAINERS: [CONTAINERS]}


def firewall_plan(firewall: dict[str, Any]) -> dict[str, Any]:
    """Return everything a rule set is made of, complete and checked, rules in the order they were given."""
    settings = _settings(firewall)
    addresses, known = _names(settings["addresses"])
    ssh = [{"name": "ssh", "port": settings["ssh_port"], "sources": settings["ssh_sources"]}]
    given = {"ssh": ssh, "service": settings["service_rules"], "operator": settings["rules"]}
    rules = [_rule(rule, origin, settings, known) for origin, listed in given.items() for rule in listed]
    if not any(addresses.get(source, True) for source in rules[0]["sources"]):
        raise ValueError(
            "firewall_ssh_sources is empty, which would lock everybody out; name at least one source or public"
        )
    return {
        "rules": _once(rules, " (ssh belongs to ssh_port and ssh_sources)"),
        "egress": _all_egress(settings, known),
        "unlimited": _ends("firewall_unlimited_sources", "sources", settings["unlimited_sources"], known),
        "addresses": addresses,
        "ssh_port": rules[0]["ports"][0],
        "external_interfaces": sorted({str(name) for name in settings["external_interfaces"]}),
        **{name: settings[name] for name in ("log", "egress_policy")},
    }


FilterModule = filter_module(firewall_plan)
