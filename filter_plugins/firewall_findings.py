"""Finds firewall rules that cannot be meant: covered by others, contradicting them, or data open to the world."""

import ipaddress
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import BRIDGES, PUBLIC, network_of
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

# Services that keep data, by the name of the rule they publish and by the ports that people publish them at
DATA_SERVICES = ("postgresql", "pgbouncer", "redis", "pgbackrest")
DATA_PORTS = {
    2049: "NFS",
    2375: "Docker",
    2376: "Docker",
    2379: "etcd",
    3306: "MySQL",
    5432: "PostgreSQL",
    6379: "Redis",
    6432: "pgbouncer",
    9042: "Cassandra",
    9200: "Elasticsearch",
    9300: "Elasticsearch",
    11211: "memcached",
    16379: "Redis Cluster",
    27017: "MongoDB",
}
WORLD = {4: 2**31, 6: 2**124}  # half of the addresses; of those of IPv6 that are in use, which are 2000::/3
Rule = dict[str, Any]
End = Any  # a network, the name of a group, or public
Ports = dict[tuple[str, int], "Port"]


class Port:
    """Who is let in at one port, and by which rules."""

    def __init__(self) -> None:
        self.rules: dict[End, list[Rule]] = {}
        self.limits: list[dict[str, int]] = []
        self.lengths: dict[int, set[int]] = {4: set(), 6: set()}

    def add(self, rule: Rule) -> None:
        """Note a rule."""
        if rule["limit"] not in self.limits:
            self.limits.append(rule["limit"])
        for end in rule["ends"]:
            self.rules.setdefault(end, []).append(rule)
            if not isinstance(end, str):
                self.lengths[end.version].add(end.prefixlen)

    def covering(self, rule: Rule, end: End) -> Iterator[Rule]:
        """Yield the other rules that let in all of an end of a rule."""
        wider = [end] if end == PUBLIC else [PUBLIC, end]
        if not isinstance(end, str):
            lengths = (length for length in self.lengths[end.version] if length < end.prefixlen)
            wider += [end.supernet(new_prefix=length) for length in lengths]
        for one in wider:
            yield from (other for other in self.rules.get(one, ()) if other is not rule)


def _ends(rule: Rule, addresses: dict[str, list[str]], sets: list[str]) -> list[End]:
    """Return whom a rule lets in. Groups stay names: that hosts are in several of them is no mistake of a rule."""
    found: list[End] = []
    for source in rule["sources"]:
        if source in sets:
            found += [network_of(address) for address in addresses[source]]
        else:
            found.append(source if source == PUBLIC or source in addresses else network_of(source))
    return [PUBLIC] if PUBLIC in found else found


def _is_world(rule: Rule, addresses: dict[str, list[str]]) -> bool:
    """Tell whether a rule lets in so many that they are everybody, by networks, groups and sets."""
    sizes = dict.fromkeys(WORLD, 0)
    for one in {one for source in rule["sources"] for one in addresses.get(source, [source]) if "/" in one}:
        sizes[network_of(one).version] += network_of(one).num_addresses
    return PUBLIC in rule["sources"] or any(sizes[version] >= least for version, least in WORLD.items())


def _contradictions(rules: list[Rule], ports: Ports) -> Iterator[tuple[str, str]]:
    """Yield pairs of rules that limit the same sources at the same port otherwise; the first by name would count."""
    for rule in rules:
        differing = [ports[place] for place in rule["places"] if len(ports[place].limits) > 1]
        for port, end in itertools.product(differing, rule["ends"]):
            for other in port.covering(rule, end):
                if other["limit"] != rule["limit"] and "operator" in (rule["origin"], other["origin"]):
                    first, second = sorted((rule["name"], other["name"]))
                    yield first, second


def _cover(rule: Rule, ports: Ports, gone: set[str]) -> list[str]:
    """Return the rules that together let in all that a rule does, and nothing when it lets in more."""
    names: dict[str, None] = {}
    for place, end in itertools.product(rule["places"], rule["ends"]):
        others = (
            other["name"]
            for other in ports[place].covering(rule, end)
            if other["name"] not in gone and (other["published"] or not rule["published"])
        )
        name = next(others, None)
        if name is None:
            return []
        names[name] = None
    return list(names)


def _pairs(rules: list[Rule], ports: Ports) -> list[str]:
    """Return sentences about rules of the operator that contradict others or change nothing."""
    contradicting = sorted(set(_contradictions(rules, ports)))
    found = [
        f"firewall_rules: {first} and {second} limit the same sources at the same port differently; give both the same "
        "limit, or name who has none in firewall_unlimited_sources"
        for first, second in contradicting
    ]
    gone = {name for pair in contradicting for name in pair}
    # From the last: of two that are the same the later one is too many
    for rule in reversed([rule for rule in rules if rule["origin"] == "operator" and rule["name"] not in gone]):
        covering = _cover(rule, ports, gone)
        if covering:
            gone.add(rule["name"])
            what = f"{rule['protocol']} {', '.join(map(str, rule['ports']))} to sources that {', '.join(covering)}"
            found.append(f"firewall_rules: {rule['name']} opens {what} lets in already; remove {rule['name']}")
    return found


def _open_data(rules: list[Rule], addresses: dict[str, list[str]], accepted: list[str]) -> list[str]:
    """Return sentences about rules that open to everybody what holds data, or what a service keeps for few."""
    kept = {
        place: rule["name"]
        for rule in rules
        if rule["origin"] == "service" and not _is_world(rule, addresses)
        for place in rule["places"]
    }
    found = []
    for rule in rules:
        if rule["origin"] == "ssh" or rule["name"] in accepted or not _is_world(rule, addresses):
            continue
        few = [place for place in rule["places"] if place in kept and rule["origin"] == "operator"]
        reasons = [f"{place[1]} to everybody, which {kept[place]} keeps for few" for place in few]
        known = [(port, DATA_PORTS.get(port)) for port in rule["ports"]]
        if rule["origin"] == "service" and rule["name"] in DATA_SERVICES:
            known.append((rule["ports"][0], rule["name"]))
        reasons += [f"{port} ({what}) to everybody" for port, what in known if what]
        if reasons:
            variable = rule.get("variable", "firewall_rules" if rule["origin"] == "operator" else "firewall")
            found.append(
                f"{variable}: rule {rule['name']} opens {rule['protocol']} {reasons[0]}; narrow its sources, "
                f"or add {rule['name']} to firewall_public_accepted"
            )
    return found


def _connection(rules: list[Rule], plan: dict[str, Any], facts: Mapping[str, Any], port: int) -> list[str]:
    """Return a sentence when the run would cut itself off; the host knows best whence it comes, and to which port."""
    if not port:
        return []
    port, address = facts.get("ssh_server_port") or port, facts.get("ssh_client_address", "")
    if not any(("tcp", port) in rule["places"] for rule in rules):
        return [
            f"firewall_ssh_port is {plan['ssh_port']}, this run connects through port {port}; set firewall_ssh_port to "
            "the port of sshd, or add a rule for the port to firewall_rules"
        ]
    if not address or port != plan["ssh_port"]:
        return []
    source = ipaddress.ip_address(str(address).partition("%")[0])
    source = getattr(source, "ipv4_mapped", None) or source
    ssh = next(rule for rule in rules if rule["origin"] == "ssh")
    ends = [one for end in ssh["sources"] for one in plan["addresses"].get(end, [end])]
    if PUBLIC in ends or any(source in network_of(end) for end in ends):
        return []
    return [f"this run comes from {source}, which is not in firewall_ssh_sources ({', '.join(ends)}); add it"]


def _interfaces(external: list[str], facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each interface that leads outside and would be taken for one of containers."""
    routes = [facts.get(f"default_ipv{version}") or {} for version in (4, 6)]
    for name in dict.fromkeys(route.get("interface", "") for route in routes):
        if name and (name not in external if external else name.startswith(BRIDGES)):
            listed = ", ".join(external) or "empty"
            yield (
                f"firewall_external_interfaces is {listed}, which takes {name} for an interface of containers, but "
                f"the default route of this host leads through it; add {name}"
            )


def firewall_findings(
    options: Mapping[str, Any], plan: dict[str, Any], facts: Mapping[str, Any], port: int
) -> list[str]:
    """Return a sentence for everything in a plan of firewall_plan that cannot be meant.

    ``port`` is the one that the run connects through, as far as the controller knows; 0 when it does not connect.
    """
    if not isinstance(options, Mapping) or not isinstance(plan, dict) or "rules" not in plan:
        raise TypeError("firewall_findings takes the options of role firewall and a plan of firewall_plan")
    rules = [dict(rule) for rule in plan["rules"]]
    ports: Ports = {}
    for rule in rules:
        rule["ends"] = _ends(rule, plan["addresses"], list(options.get("firewall_sets", {})))
        rule["places"] = [(rule["protocol"], port) for port in rule["ports"]]
        for place in rule["places"]:
            ports.setdefault(place, Port()).add(rule)
    found = _connection(rules, plan, facts, port)
    found += _open_data(rules, plan["addresses"], options.get("firewall_public_accepted", []))
    found += _pairs(rules, ports)
    if plan["egress"] and plan["egress_policy"] == "accept":
        found.append(
            "firewall_egress_rules are given, but firewall_egress_policy is accept, which lets all out; set it to drop"
        )
    return [*found, *_interfaces(options.get("firewall_external_interfaces", []), facts)]


FilterModule = filter_module(firewall_findings)
