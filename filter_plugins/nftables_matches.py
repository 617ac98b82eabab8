"""Says in nft's words whom the rules of a firewall are about."""

import itertools
import re
import socket
from collections.abc import Iterable
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import BRIDGES
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

FAMILIES = {4: "ip", 6: "ip6"}
SIDES = {"saddr": "iifname", "daddr": "oifname"}  # the address of an end, and the interface it is behind
PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")  # what nft takes as it is
Ends = dict[int, list[str]] | None  # matches by IP version, 0 is both; everybody is None


def _span(text: str) -> tuple[int, int, int]:
    """Return the IP version of an address or a network in canonical text, its first address and minus its last."""
    version, address, length = (6 if ":" in text else 4), *text.partition("/")[::2]
    kind, bits = (socket.AF_INET6, 128) if version == 6 else (socket.AF_INET, 32)
    # Not by ipaddress: a rule set may have ten thousands of them
    first = int.from_bytes(socket.inet_pton(kind, address), "big")
    return version, first, 1 - first - (1 << bits - int(length or bits))


def _widest(texts: Iterable[str]) -> dict[int, list[str]]:
    """Return addresses by version, without those that lie in others: elements that overlap are an error in nft."""
    found: dict[int, list[str]] = {4: [], 6: []}
    last = {4: -1, 6: -1}
    for (version, _first, minus_end), text in sorted((_span(text), text) for text in texts):
        if -minus_end > last[version]:
            last[version] = -minus_end
            found[version].append(text)
    return found


def _labels(names: Iterable[str]) -> dict[str, str]:
    """Return how nft spells each name, no two alike: `web.prod` is not `web_prod`."""
    found: dict[str, str] = {}
    for name in sorted(names, key=lambda name: (not PLAIN.fullmatch(name), name)):
        label = re.sub(r"[^A-Za-z0-9_-]|^(?=[0-9-])", "_", name)
        while label in found:
            label += "_"
        found[label] = name
    return {name: label for label, name in found.items()}


class _Sets:
    """The named sets: one for each name that rules use, one for each list of several addresses, each written once."""

    def __init__(self, addresses: dict[str, list[str]], bridges: dict[str, list[str]]) -> None:
        self.addresses, self.bridges, self.labels = addresses, bridges, _labels(addresses)
        self.names: dict[str, dict[int, list[str]]] = {}
        self.lists: dict[tuple[str, ...], str] = {}
        self.lines: list[str] = []

    def declared(self, label: str, version: int, elements: list[str]) -> str:
        """Note a set, and return how rules speak of it. One without networks is a hash, which is faster."""
        interval = " flags interval;" if any("/" in element for element in elements) else ""
        text = f"type ipv{version}_addr;{interval} elements = {{ {', '.join(elements)} }}"
        self.lines.append(f"set {label}.v{version} {{ {text} }}")
        return f"@{label}.v{version}"

    def named(self, name: str) -> dict[int, list[str]]:
        """Return the sets of a name, by version."""
        if name not in self.names:
            self.names[name] = {
                version: [self.declared(self.labels[name], version, elements)] if elements else []
                for version, elements in _widest(self.addresses[name]).items()
            }
        return self.names[name]

    def listed(self, label: str, addresses: list[str]) -> dict[int, list[str]]:
        """Return an address as it is, and several as a set, which rules with the same addresses share."""
        found = _widest(addresses)
        for version, elements in found.items():
            if len(elements) > 1:
                key = tuple(elements)
                if key not in self.lists:
                    self.lists[key] = self.declared(label, version, elements)
                found[version] = [self.lists[key]]
        return found

    def ends(self, label: str, ends: list[str], side: str) -> Ends:
        """Return the matches of one side of a rule."""
        if "public" in ends:
            return None
        parts = [self.named(end) for end in ends if end in self.addresses]
        parts.append(self.listed(label, [end for end in ends if end not in self.addresses]))
        found = {
            version: [f"{family} {side} {value} " for part in parts for value in part[version]]
            for version, family in FAMILIES.items()
        }
        return found | {0: self.bridges[SIDES[side]] if "containers" in ends else []}


def _crossed(*sides: Ends) -> list[str]:
    """Return the matches of a rule: everybody is one empty match, nobody is none."""
    found = [(0, "")]
    for side in sides:
        if side is not None:
            ends = [(version, match) for version, matches in side.items() for match in matches]
            both = itertools.product(found, ends)
            found = [(one or two, first + then) for (one, first), (two, then) in both if {one, two} != {4, 6}]
    return [match for _version, match in found]


def _bridges(what: str, external: list[str]) -> list[str]:
    """Return the matches of Docker's interfaces. One that leads outside is none, whatever its name."""
    outside = {start: ", ".join(f'"{name}"' for name in external if name.startswith(start)) for start in BRIDGES}
    return [(f"{what} != {{ {names} }} " if names else "") + f'{what} "{start}*" ' for start, names in outside.items()]


def nftables_matches(plan: dict[str, Any]) -> dict[str, Any]:
    """Return the plan with ``matches`` in every rule, those of unlimited sources, and the ``sets`` that they name."""
    if not isinstance(plan, dict) or not {"rules", "egress", "unlimited", "addresses"} <= set(plan):
        raise TypeError("nftables_matches takes a plan of firewall_plan")
    bridges = {what: _bridges(what, plan["external_interfaces"]) for what in SIDES.values()}
    sets = _Sets(plan["addresses"], bridges)
    # By name, so that the order of the variables does not change the file; ssh first
    rules = [
        {**rule, "matches": _crossed(sets.ends(f"rule.{rule['name']}", rule["sources"], "saddr"))}
        for rule in sorted(plan["rules"], key=lambda rule: (rule["name"] != "ssh", rule["name"]))
    ]
    egress = [
        {
            **rule,
            "matches": _crossed(
                sets.ends(f"from.{rule['name']}", rule.get("sources", ["public"]), "saddr"),
                sets.ends(f"to.{rule['name']}", rule["destinations"], "daddr"),
            ),
        }
        for rule in sorted(plan["egress"], key=lambda rule: str(rule["name"]))
    ]
    unlimited = _crossed(sets.ends("unlimited.sources", plan["unlimited"], "saddr"))
    return {**plan, "rules": rules, "egress": egress, "unlimited": unlimited, "sets": sets.lines, "bridges": bridges}


FilterModule = filter_module(nftables_matches)
