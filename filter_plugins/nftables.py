"""Writes the nftables file of a host."""

import re
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

HEADER = """\
#!/usr/sbin/nft -f
# Managed by Holdfast; changes made here are overwritten.
# One transaction: the table is replaced as a whole, or, if a line is wrong, not at all. No other table is touched.

table inet holdfast
delete table inet holdfast
table inet holdfast {"""
PLACES = 16384  # for sources that are counted, half a MB for a set; when all are taken, further ones have no limit
KNOWN = "ct state vmap {{ established : accept, related : accept{} }}"
ACCEPT_EGRESS = 'counter name "out.{}" accept'
ICMP = [
    "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
    "icmp type echo-request limit rate 10/second burst 20 packets accept",
]
ICMP6 = [
    "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept",
    "icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } ip6 hoplimit 255 accept",
    "icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report } "
    "ip6 saddr fe80::/10 accept",
    "icmpv6 type echo-request limit rate 10/second burst 20 packets accept",
]
DHCP_ANSWERS = 'ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept comment "DHCPv6 answers"'
DHCP = [
    'udp sport 68 udp dport 67 accept comment "DHCP: without its address the host is cut off"',
    'udp sport 546 udp dport 547 accept comment "DHCPv6"',
]
SAME_NETWORK = 'fib daddr . iif oif exists accept comment "inside one network, where its bridge shows us the frames"'
Rules = list[dict[str, Any]]
Texts = list[str]


def _chain(name: str, lines: Texts) -> Texts:
    """Return a chain."""
    return [f"  chain {name} {{", *(f"    {line}" for line in lines), "  }"]


def _refused(name: str, log: bool) -> Texts:
    """Return the end of a chain: what comes so far is counted, now and then logged, and dropped."""
    logged = [f'limit rate 5/minute burst 5 packets log prefix "holdfast {name}: "'] if log else []
    return [f'counter name "dropped.{name}"', *logged, "drop"]


def _by_port(prefix: str, key: str, rules: Rules, verdict: str) -> tuple[dict[str, Texts], Texts]:
    """Return what leads from ports to chains, by protocol, and these chains; ports with the same rules share one."""
    ports: dict[tuple[str, int], list[int]] = {}
    for at, rule in enumerate(rules):
        for port in rule["ports"] if rule["matches"] else []:
            ports.setdefault((rule["protocol"], port), []).append(at)
    names: dict[tuple[str, tuple[int, ...]], str] = {}
    chains: Texts = []
    entries: dict[str, Texts] = {"tcp": [], "udp": []}
    for (protocol, port), found in sorted(ports.items()):
        same = (protocol, tuple(found))
        if same not in names:
            names[same] = f"{prefix}.{protocol}.{port}"
            chains += _chain(names[same], [line for at in found for line in _lines(rules[at], verdict)])
        entries[protocol].append(f"{port} : jump {names[same]}")
    maps = {name: [f"{key.format(name)} vmap {{ {', '.join(to)} }}"] if to else [] for name, to in entries.items()}
    return maps, chains


def _lines(rule: dict[str, Any], verdict: str) -> Texts:
    """Return a line for each match of a rule."""
    return [f"{match}{verdict.format(rule['name'])}" for match in rule["matches"]]


def _meters(rule: dict[str, Any]) -> tuple[Texts, Texts]:
    """Return the sets that count sources, and the lines that limit each. A host of IPv6 has a network of 64 bits."""
    name, limit = rule["name"], rule["limit"]
    sets, lines, full = [], [], f'counter name "limited.{name}" goto limited'
    for version, key in ((4, "ip saddr"), (6, "ip6 saddr & ffff:ffff:ffff:ffff::")):
        kind = f"v{version} {{ type ipv{version}_addr; size {PLACES}; flags dynamic"
        if "per_second" in limit:
            # Who is forgotten earlier has the burst anew
            remembered = max(60, -(-limit["burst"] // limit["per_second"]))
            sets.append(f"set rate.{name}.{kind},timeout; timeout {remembered}s; }}")
            over = f"limit rate over {limit['per_second']}/second burst {limit['burst']} packets"
            lines.append(f"update @rate.{name}.v{version} {{ {key} {over} }} {full}")
        if "connections" in limit:
            sets.append(f"set open.{name}.{kind}; }}")
            lines.append(f"add @open.{name}.v{version} {{ {key} ct count over {limit['connections']} }} {full}")
    return sets, lines


def _accepting(plan: dict[str, Any]) -> tuple[Texts, Texts]:
    """Return a chain for each rule, which limits, counts and accepts, and the sets that they need."""
    sets, chains = [], []
    for rule in plan["rules"]:
        accept = f'counter name "rule.{rule["name"]}" accept'
        limited = rule["limit"] and "" not in plan["unlimited"]
        places, lines = _meters(rule) if limited else ([], [])
        exempt = [f"{match}{accept}" for match in plan["unlimited"]] if limited else []
        chains += _chain(f"rule.{rule['name']}", [*exempt, *lines, accept])
        sets += places
    return sets, chains


def _input(plan: dict[str, Any]) -> Texts:
    """Return the chains for what is meant for the host itself."""
    # Published ports too: over IPv6 Docker's proxy takes the connection on the host
    maps, chains = _by_port("in", "{} dport", plan["rules"], "goto rule.{}")
    vrrp = [line for rule in plan["rules"] if rule["protocol"] == "vrrp" for line in _lines(rule, "goto rule.{}")]
    parts = {"tcp": maps["tcp"], "udp": [*maps["udp"], DHCP_ANSWERS], "icmp": ICMP, "ipv6-icmp": ICMP6, "112": vrrp}
    verdicts = ", ".join(f"{protocol} : jump in.{protocol}" for protocol, lines in parts.items() if lines)
    for protocol, lines in parts.items():
        chains += _chain(f"in.{protocol}", lines) if lines else []
    first = ["type filter hook input priority filter; policy drop;", KNOWN.format(", invalid : goto invalid")]
    first += ['iifname "lo" accept', f"meta l4proto vmap {{ {verdicts} }}"]
    return chains + _chain("input", first + _refused("input", plan["log"]))


def _output(plan: dict[str, Any]) -> Texts:
    """Return the chains for what the host itself sends."""
    rules = [rule for rule in plan["egress"] if "sources" not in rule]
    maps, chains = _by_port("out", "{} dport", rules, ACCEPT_EGRESS)
    answers = f"tcp sport {plan['ssh_port']} tcp flags & (syn | ack) == ack accept"
    answers += ' comment "answers of sshd, also in connections that are older than these rules"'
    # VRRP is spoken both ways
    accepted = ["icmp", "ipv6-icmp"] + ["112"] * any(rule["protocol"] == "vrrp" for rule in plan["rules"])
    verdicts = "".join(f"{protocol} : accept, " for protocol in accepted) + "tcp : jump out.tcp, udp : jump out.udp"
    chains += _chain("out.tcp", [answers, *maps["tcp"]]) + _chain("out.udp", [*DHCP, *maps["udp"]])
    first = ["type filter hook output priority filter; policy drop;", KNOWN.format(""), 'oifname "lo" accept']
    first += [*(f"{bridge}accept" for bridge in plan["bridges"]["oifname"]), f"meta l4proto vmap {{ {verdicts} }}"]
    return chains + _chain("output", first + _refused("output", plan["log"]))


def _forward(plan: dict[str, Any]) -> Texts:
    """Return the chains for what passes through. An accept leaves the packet to others' chains, a drop is final."""
    published = [rule for rule in plan["rules"] if rule["published"]]
    maps, chains = _by_port("published", "meta l4proto {} ct original proto-dst", published, "goto rule.{}")
    chains += _chain("published", maps["tcp"] + maps["udp"])
    if plan["egress_policy"] != "accept":
        rules = [rule for rule in plan["egress"] if "sources" in rule]
        maps, more = _by_port("containers", "{} dport", rules, ACCEPT_EGRESS)
        first = ["meta l4proto { icmp, ipv6-icmp } accept", SAME_NETWORK]
        chains += more + _chain("containers", first + maps["tcp"] + maps["udp"] + _refused("containers", plan["log"]))
    first = ["type filter hook forward priority filter - 5; policy accept;", KNOWN.format("")]
    external = ", ".join(f'"{name}"' for name in plan["external_interfaces"])
    inside = [f"iifname != {{ {external} }} "] if external else plan["bridges"]["iifname"]
    first += [f"{one}{'accept' if plan['egress_policy'] == 'accept' else 'goto containers'}" for one in inside]
    return chains + _chain("forward", [*first, "ct status dnat jump published", *_refused("forward", plan["log"])])


def nftables_ruleset(plan: dict[str, Any]) -> str:
    """Return the text of a file for ``nft -f`` that replaces the table holdfast and touches no other."""
    if not isinstance(plan, dict) or "sets" not in plan:
        raise TypeError("nftables_ruleset takes a plan that has been through nftables_matches")
    plan = {**plan, "rules": [rule for rule in plan["rules"] if rule["matches"]]}
    sets, chains = _accepting(plan)
    chains += _chain("limited", _refused("limited", plan["log"])) + _chain("invalid", _refused("invalid", log=False))
    chains += _input(plan) + _forward(plan)
    chains += _output(plan) if plan["egress_policy"] == "drop" else []
    counters = sorted(set(re.findall(r'counter name "([^"]+)"', "\n".join(chains))))
    declared = [*plan["sets"], *sets, *(f"counter {name} {{}}" for name in counters)]
    return "\n".join([HEADER, *(f"  {line}" for line in declared), *chains, "}", ""])


FilterModule = filter_module(nftables_ruleset)
