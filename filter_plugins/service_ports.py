"""Compares the ports that the services of a host take with each other, and with who has them already."""

import ipaddress
import itertools
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import version_of
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

EVERYTHING = "*"
ALIASES = {"localhost": ("127.0.0.1", "::1"), "::*": ("::",)}
Entry = dict[str, Any]


def _addresses(entry: Entry) -> list[str]:
    """Return the addresses of a service, as they are compared."""
    plain = [str(address).removeprefix("-").split("%")[0] for address in entry.get("addresses", [EVERYTHING])]
    return [one for address in plain for one in ALIASES.get(address, (address,))]


def _same(first: str, second: str) -> bool:
    """Tell whether two sockets with these addresses cannot both have one port."""
    if EVERYTHING in (first, second):
        return True
    versions = {version_of(first), version_of(second)}
    if len(versions) == 2 or versions == {0}:
        return first == second
    parts = [ipaddress.ip_address(address) for address in (first, second)]
    return parts[0] == parts[1] or any(part.is_unspecified for part in parts)


def _meet(first: list[str], second: list[str]) -> list[str]:
    """Return where both listen."""
    pairs = [(one, other) for one, other in itertools.product(first, second) if _same(one, other)]
    return list(dict.fromkeys(other if one in (EVERYTHING, "0.0.0.0", "::") else one for one, other in pairs))  # noqa: S104


def _cure(entry: Entry) -> str:
    """Return how to give a service another port."""
    return f"set {entry['variable']} to another port" if entry.get("variable") else ""


def port_collision_findings(ports: list[Entry], host: str) -> list[str]:
    """Return a sentence for each two roles of a host that want one port at the same address."""
    found: dict[str, None] = {}
    for first, second in itertools.combinations(ports, 2):
        alike = all(
            first.get(key, usual) == second.get(key, usual) for key, usual in (("port", 0), ("protocol", "tcp"))
        )
        places = _meet(_addresses(first), _addresses(second)) if alike and first["role"] != second["role"] else []
        if places:
            cure = " or ".join(entry["variable"] for entry in (first, second) if entry.get("variable"))
            where = "" if places == [EVERYTHING] else f" at {', '.join(places)}"
            said = f"{first['name']} and {second['name']} of {host} both want port {first['port']}{where}"
            found[f"{said}; set {cure} to another port"] = None
    return list(found)


def _holder(entry: Entry) -> str:
    """Name who listens; Docker's processes listen for containers."""
    if entry.get("container"):
        return f"container {entry['container']}"
    return str(entry["process"] or "an unknown process")


def _words(holder: str, wanted: Entry, ours: dict[str, str], leaving: bool) -> str:
    """Return what to do about a port that is held; never to end a service of ours, nor what keeps the host going."""
    other = _cure(wanted)
    if holder in ours and leaving and other:
        return f"role {ours[holder]} leaves it in this run; {other}, and to this one in the next run"
    if holder in ours:
        return f"it belongs to role {ours[holder]}; {other or 'give that one another port'}"
    if holder == "systemd":
        stop = "`systemctl list-sockets` names the unit that opened it, which may be disabled"
    elif holder == "an unknown process":
        stop = f"`ss -lntup 'sport = :{wanted['port']}'` tells more"
    else:
        stop = f"stop {holder} there when nobody needs it"
    return f"{other}, or: {stop}" if other else stop


def held_port_findings(listening: list[Entry], ports: list[Entry], host: str, ours: dict[str, list[str]]) -> list[str]:
    """Name what holds a port that one of the host's services needs; ``ours`` are the processes of each role."""
    roles = {holder: role for role, holders in ours.items() for holder in holders}
    found: dict[str, None] = {}
    for wanted in ports:
        for entry in listening:
            holder, address = _holder(entry), str(entry.get("address", EVERYTHING))
            same = entry["port"] == wanted["port"] and entry["protocol"] == wanted.get("protocol", "tcp")
            # A listener on :: has IPv4 as well, unless it said otherwise, which nobody sees
            seen = [EVERYTHING if address == "::" else address.removeprefix("::ffff:")]
            if not same or holder in wanted["holders"] or not _meet(_addresses(wanted), seen):
                continue
            stays = any(one["port"] == wanted["port"] and one["role"] == roles.get(holder) for one in ports)
            here = roles.get(holder) in {one["role"] for one in ports}
            words = _words(holder, wanted, roles, here and not stays)
            found[f"port {wanted['port']} of {host} is held by {holder}, {wanted['name']} needs it; {words}"] = None
    return sorted(found)


FilterModule = filter_module(port_collision_findings, held_port_findings)
