"""What the roles of a host offer to others, read by those others: docs/offers.md has the parts of an offer.

``offers`` are the offers of a host's roles, by role, in the order in which the roles are applied.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

Offers = Mapping[str, Mapping[str, Any]]
Entry = Mapping[str, Any]

# What an offer may have, and of what type it is. Everything may be left out
PARTS: dict[str, type] = {
    "authorities": list,
    "certificates": list,
    "claims": list,
    "egress": list,
    "held_by": list,
    "interfaces": dict,
    "memory": dict,
    "packages": list,
    "pause_units": list,
    "ports": list,
    "probes": list,
    "secrets": list,
    "seed_files": list,
    "unit_switches": dict,
    "units": list,
}
KEYS: dict[str, set[str]] = {
    "certificates": {"name", "names", "group", "on_change"},
    "egress": {"name", "port", "ports", "protocol", "sources", "destinations", "destinations_by"},
    "memory": {"mb", "minimum_mb", "share", "percent", "parts", "set_by"},
    "ports": {
        "name",
        "port",
        "ports",
        "protocol",
        "set_by",
        "addresses",
        "listen_by",
        "sources",
        "sources_by",
        "published",
    },
    "probes": {
        "jobs",
        "kind",
        "lag_seconds",
        "limit_minutes",
        "name",
        "path",
        "port",
        "program",
        "schedules",
        "standbys",
        "test_schedule",
        "what",
    },
    "seed_files": {"dest", "content"},
}
RULE = ("name", "port", "ports", "protocol", "sources", "published")


def _wrong(role: str, part: str, value: Any) -> Iterator[str]:
    where = f"{role}_offer.{part}"
    if part not in PARTS:
        yield f"{where} is no part of an offer; choose one of {', '.join(sorted(PARTS))}"
    elif not isinstance(value, PARTS[part]):
        yield f"{where} is {value!r}; give a {'mapping' if PARTS[part] is dict else 'list'}"
    elif part in KEYS:
        for entry in value if isinstance(value, list) else [value]:
            odd = sorted(set(entry) - KEYS[part]) if isinstance(entry, Mapping) else [repr(entry)]
            if odd:
                yield f"{where} has {', '.join(odd)}; its keys are {', '.join(sorted(KEYS[part]))}"
    elif isinstance(value, list) and any(not isinstance(entry, str) for entry in value):
        yield f"{where} is {value!r}; give a list of texts"


def offer_findings(offers: Offers) -> list[str]:
    """Return a sentence for everything in offers that no reader would understand."""
    return [
        finding
        for role, offer in offers.items()
        for part, value in offer.items()
        for finding in _wrong(role, part, value)
    ]


def offered_list(offers: Offers, part: str) -> list[Any]:
    """Return what all roles list in a part, each thing once."""
    if PARTS.get(part) is not list:
        raise ValueError(f"{part} is no list of an offer; choose one of those of docs/offers.md")
    found: list[Any] = []
    for entry in (entry for offer in offers.values() for entry in offer.get(part) or []):
        if entry not in found:
            found.append(entry)
    return found


def offered_by_role(offers: Offers, part: str) -> dict[str, Any]:
    """Return a part by the role that offers it."""
    return {role: offer[part] for role, offer in offers.items() if offer.get(part)}


def offered_rules(offers: Offers) -> list[dict[str, Any]]:
    """Return the ports that somebody may reach from other hosts, as rules of the firewall."""
    return [
        {
            **{key: port[key] for key in RULE if key in port},
            **({"variable": port["sources_by"]} if "sources_by" in port else {}),
        }
        for port in offered_list(offers, "ports")
        if port.get("sources")
    ]


def offered_egress(offers: Offers) -> list[dict[str, Any]]:
    """Return what roles connect to, as rules of the firewall; who names no destination connects to nobody."""
    return [
        {key: value for key, value in rule.items() if key != "destinations_by"}
        | ({"variable": rule["destinations_by"]} if "destinations_by" in rule else {})
        for rule in offered_list(offers, "egress")
        if rule.get("destinations")
    ]


def offered_listens(offers: Offers) -> dict[str, list[str]]:
    """Return where services listen, by the variable that says so."""
    found: dict[str, list[str]] = {}
    for port in offered_list(offers, "ports"):
        if "listen_by" in port:
            found.setdefault(port["listen_by"], []).extend(port.get("addresses") or [])
    return found


def _taken(role: str, port: Entry, holders: list[str]) -> Iterator[dict[str, Any]]:
    kept: dict[str, Any] = {"addresses": port["addresses"]} if "addresses" in port else {}
    if "set_by" in port:
        kept["variable"] = port["set_by"]
    for number in port.get("ports", [port["port"]] if "port" in port else []):
        protocol = port.get("protocol", "tcp")
        yield {"name": port["name"], "role": role, "port": number, "protocol": protocol, "holders": holders, **kept}


def offered_ports(offers: Offers) -> list[dict[str, Any]]:
    """Return the ports that roles take, one by one, with those who may hold them already."""
    return [
        taken
        for role, offer in offers.items()
        for port in offer.get("ports") or []
        for taken in _taken(role, port, list(offer.get("held_by") or []))
    ]


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _memory(offers: Offers) -> dict[str, Mapping[str, Any]]:
    return {role: offer.get("memory") or {} for role, offer in offers.items()}


def memory_claims(offers: Offers) -> list[dict[str, Any]]:
    """Return what each role claims of the host's memory, as ``memory_plan`` takes it; nothing is no claim.

    What is no number is left out: it comes of a variable that the role refuses, or could not be computed.
    """
    claims = []
    for role, memory in _memory(offers).items():
        parts: Mapping[str, int] = memory.get("parts") or {}
        if "share" in memory and _is_size(memory.get("minimum_mb")):
            claims.append({"name": role, "share": memory["share"], "minimum_mb": memory["minimum_mb"]})
        elif all(_is_size(size) for size in (memory.get("mb", 0), *parts.values())):
            sizes = {role: memory.get("mb", 0) - sum(parts.values()), **parts}
            claims += [{"name": name, "memory_mb": size} for name, size in sizes.items() if size]
    return claims


def memory_variables(offers: Offers) -> dict[str, str]:
    """Return what an operator changes when the memory does not suffice."""
    return {role: claim["set_by"] for role, claim in _memory(offers).items() if "set_by" in claim}


def memory_percents(offers: Offers) -> dict[str, int]:
    """Return the claims that are a part of the host's memory, and grow with it."""
    return {role: claim["percent"] for role, claim in _memory(offers).items() if claim.get("percent")}


FilterModule = filter_module(
    memory_claims,
    memory_percents,
    memory_variables,
    offer_findings,
    offered_list,
    offered_by_role,
    offered_egress,
    offered_listens,
    offered_ports,
    offered_rules,
)
