"""Writes the nftables file of a host."""

import functools
import ipaddress
import re
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

REQUIRED = {"rules", "ssh_port", "ssh_sources"}
OPTIONAL: dict[str, Any] = {"docker": False, "external_interfaces": [], "log": False}
RULE_KEYS = {"name", "port", "ports", "protocol", "sources", "published"}
PORTLESS_KEYS = {"name", "protocol", "sources"}
HEADER = """\
#!/usr/sbin/nft -f
# Managed by Holdfast; changes made here are overwritten.
# One transaction: the table is replaced as a whole, or, if a line is wrong, not at all. No other table is touched.

table inet holdfast
delete table inet holdfast
table inet holdfast {"""
INPUT = """\
  chain input {
    type filter hook input priority filter; policy drop;
    ct state vmap { established : accept, related : accept, invalid : drop }
    iifname "lo" accept
    icmp type { destination-unreachable, time-exceeded, parameter-problem } accept
    icmp type echo-request limit rate 10/second burst 20 packets accept
    icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
    icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept
    icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } \
ip6 saddr fe80::/10 accept
    icmpv6 type echo-request limit rate 10/second burst 20 packets accept
    ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept comment "DHCPv6 answers\""""
FORWARD = """\
  # Published ports pass here, not through input. An accept leaves the packet to Docker's own chains, a drop is final.
  chain forward {
    type filter hook forward priority filter - 5; policy accept;
    ct state established,related accept"""


def _port(value: object, where: str) -> int:
    """Return a checked port."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise ValueError(f"{where}: a port is a whole number from 1 to 65535, got {value!r}")
    return int(value)


def _one_or_set(values: list[str]) -> str:
    """Return one value, or several as an anonymous set."""
    return values[0] if len(values) == 1 else f"{{ {', '.join(values)} }}"


def _boolean(value: object, what: str) -> bool:
    """Return a checked boolean."""
    if not isinstance(value, bool):
        raise TypeError(f"{what} must be true or false, got {value!r}")
    return value


def _sources(name: str, sources: object) -> tuple[list[str], list[str]]:
    """Return the named sets of a rule and its address matches; everybody is one empty match, nobody is none."""
    if not isinstance(sources, list):
        raise TypeError(f"rule {name}: sources must be a list, got {sources!r}")
    if "public" in sources:
        return [], [""]
    networks: dict[int, list[Any]] = {4: [], 6: []}
    for source in sources:
        try:
            network = ipaddress.ip_network(str(source))
        except ValueError:
            raise ValueError(f"rule {name}: source {source!r} is not an address; use resolve_sources first") from None
        networks[network.version].append(network)
    sets, matches = [], []
    for (version, found), family in zip(networks.items(), ("ip", "ip6"), strict=True):
        # Overlapping elements of an interval set are an error in nft.
        widest = sorted({one for one in found if not any(one != other and one.subnet_of(other) for other in found)})
        merged = [str(network).removesuffix(f"/{network.max_prefixlen}") for network in widest]
        if len(merged) > 1:
            label, elements = f"{name.replace('-', '_')}_v{version}", ", ".join(merged)
            kind = f"ipv{version}_addr"
            sets.append(f"  set {label} {{ type {kind}; flags interval; elements = {{ {elements} }} }}")
            merged = [f"@{label}"]
        matches += [f"{family} saddr {merged[0]} "] if merged else []
    return sets, matches


def _ports(rule: dict[str, Any], where: str) -> str:
    """Return the ports of a rule as nft writes them."""
    if set(rule) - RULE_KEYS or ("port" in rule) == ("ports" in rule):
        raise ValueError(f"{where}: give port or ports, and otherwise only {', '.join(sorted(RULE_KEYS))}")
    listed = rule["ports"] if "ports" in rule else [rule["port"]]
    if not isinstance(listed, list) or not listed:
        raise ValueError(f"{where}: ports must be a list with at least one port, got {listed!r}")
    return _one_or_set([str(port) for port in sorted({_port(port, where) for port in listed})])


def _rule(rule: dict[str, Any], docker: bool) -> dict[str, list[str]]:
    """Return the lines of one rule for each section of the file."""
    if not isinstance(rule, dict) or not re.fullmatch(r"[a-z][a-z0-9_-]{0,30}", str(rule.get("name"))):
        raise ValueError(f"a rule must be a dict with a name of lower-case letters, digits, - and _, got {rule!r}")
    name, where, protocol = str(rule["name"]), f"rule {rule['name']}", rule.get("protocol", "tcp")
    if protocol not in {"tcp", "udp", "vrrp"}:
        raise ValueError(f"{where}: protocol must be tcp, udp or vrrp, got {protocol!r}")
    published = _boolean(rule.get("published", False), f"{where}: published")
    if published and not docker:
        raise ValueError(f"{where}: published is true, but docker is false; set docker to true or published to false")
    sets, matches = _sources(name, rule.get("sources"))
    comment = f'accept comment "{name}"'
    if protocol == "vrrp":
        if set(rule) - PORTLESS_KEYS:
            raise ValueError(f"{where}: vrrp has no ports; give only {', '.join(sorted(PORTLESS_KEYS))}")
        return {"sets": sets, "input": [f"    {match}meta l4proto 112 {comment}" for match in matches], "forward": []}
    ports = _ports(rule, where)
    original = f"meta l4proto {protocol} ct status dnat ct original proto-dst {ports}"
    return {
        "sets": sets,
        # Published ports too: over IPv6 Docker's proxy takes the connection on the host itself.
        "input": [f"    {match}{protocol} dport {ports} {comment}" for match in matches],
        "forward": [f"    {match}{original} {comment}" for match in matches if published],
    }


def _settings(firewall: object) -> dict[str, Any]:
    """Return the checked input with its defaults."""
    if not isinstance(firewall, dict) or not set(firewall) >= REQUIRED or set(firewall) - REQUIRED - set(OPTIONAL):
        accepted = f"{', '.join(sorted(REQUIRED))} and optionally {', '.join(OPTIONAL)}"
        raise ValueError(f"firewall must be a dict with {accepted}")
    settings = {**OPTIONAL, **firewall}
    if not isinstance(settings["rules"], list) or not isinstance(settings["external_interfaces"], list):
        raise TypeError("rules and external_interfaces must be lists")
    if not settings["ssh_sources"]:
        raise ValueError("ssh_sources is empty, which would lock everybody out; name at least one source or public")
    for name in settings["external_interfaces"]:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_.@-]{1,15}", name):
            raise ValueError(f"external_interfaces: {name!r} is not the name of an interface")
    for name in ("docker", "log"):
        _boolean(settings[name], name)
    return settings


def _ordered(settings: dict[str, Any]) -> list[dict[str, list[str]]]:
    """Return the lines of all rules, ssh first, the others by name."""
    ssh = {"name": "ssh", "port": settings["ssh_port"], "sources": settings["ssh_sources"]}
    sections: dict[str, dict[str, list[str]]] = {}
    for rule in [ssh, *settings["rules"]]:
        lines = _rule(rule, settings["docker"])
        key = str(rule["name"]).replace("-", "_")
        if key in sections:
            raise ValueError(
                f"two rules are called {rule['name']}; rename one (ssh belongs to ssh_port and ssh_sources)"
            )
        sections[key] = lines
    return [sections.pop("ssh"), *(sections[key] for key in sorted(sections))]


def nftables_ruleset(firewall: dict[str, Any]) -> str:
    """Return the text of a file for ``nft -f`` that replaces the table holdfast and touches no other."""
    settings = _settings(firewall)
    rules = _ordered(settings)
    logged = {
        chain: [f'    limit rate 5/minute burst 5 packets log prefix "holdfast {chain}: "'] if settings["log"] else []
        for chain in ("input", "forward")
    }
    lines = [HEADER, *(line for rule in rules for line in rule["sets"]), INPUT]
    lines += [line for rule in rules for line in rule["input"]] + logged["input"] + ["  }"]
    if settings["docker"]:
        external = [f'"{name}"' for name in sorted(set(settings["external_interfaces"]))]
        inside = [f"!= {_one_or_set(external)}"] if external else ['"docker*"', '"br-*"']
        lines += [FORWARD, *(f"    iifname {match} accept" for match in inside)]
        lines += [line for rule in rules for line in rule["forward"]] + logged["forward"] + ["    drop", "  }"]
    return "\n".join([*lines, "}", ""])


FILTERS = (nftables_ruleset,)


def _reported(core: Callable[..., object]) -> Callable[..., object]:
    """Let Ansible show a refusal of ``core`` as one sentence."""

    @functools.wraps(core)
    def run(*arguments: object, **options: object) -> object:
        try:
            return core(*arguments, **options)
        except (TypeError, ValueError) as error:
            raise AnsibleFilterError(str(error)) from error

    return run


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by name."""
        return {core.__name__: _reported(core) for core in FILTERS}
