"""The nftables file: what it opens, that it is always the same, and that ten thousand rules take seconds."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
NGINX = {"name": "nginx", "ports": [443, 80], "sources": ["public"]}
REDIS = {"name": "redis-tls", "port": 6379, "sources": ["10.0.0.12", "10.0.0.3", "fd00::1", "10.0.0.3"]}
APP = {"name": "app", "port": 3000, "sources": ["edge"], "published": True}
WIDE = {
    "name": "wide",
    "port": 53,
    "protocol": "udp",
    "sources": ["10.0.0.0/8", "10.1.0.0/16", "fd00::/8", "fe80::/10"],
}
CLOSED = {"name": "closed", "port": 9, "sources": []}
RULES = [NGINX, REDIS, APP, WIDE, CLOSED]
ADDRESSES = {"admins": ["192.0.2.0/24", "192.0.2.9", "2001:db8::/32"], "edge": ["10.0.0.1"], "3 odd": ["10.9.9.9"]}
FIREWALL = {"rules": RULES, "ssh_port": 22, "ssh_sources": ["admins"], "addresses": ADDRESSES}


@pytest.fixture(name="ruleset")
def _ruleset(filters: Filters) -> Callable[..., str]:
    """Compile a firewall that differs from the usual one."""

    def compiled(**firewall: Any) -> str:
        matches = filters["nftables_matches"](filters["firewall_plan"](FIREWALL | firewall))
        return str(filters["nftables_ruleset"](matches))

    return compiled


def chain(text: str, name: str) -> list[str]:
    """The lines of one chain."""
    return [line.strip() for line in text.partition(f"chain {name} {{\n")[2].partition("\n  }")[0].splitlines()]


def sets(text: str) -> list[str]:
    """The sets of the file."""
    return re.findall(r"(?m)^  set (.*)$", text)


def test_the_input_chain_looks_ports_up(ruleset: Callable[..., str]) -> None:
    """Everything that is in no map falls to the end, in both families."""
    text = ruleset()
    assert chain(text, "input") == [
        "type filter hook input priority filter; policy drop;",
        "ct state vmap { established : accept, related : accept, invalid : goto invalid }",
        'iifname "lo" accept',
        "meta l4proto vmap { tcp : jump in.tcp, udp : jump in.udp, icmp : jump in.icmp, "
        "ipv6-icmp : jump in.ipv6-icmp }",
        'counter name "dropped.input"',
        "drop",
    ]
    assert chain(text, "in.tcp") == [
        "tcp dport vmap { 22 : jump in.tcp.22, 80 : jump in.tcp.80, 443 : jump in.tcp.80, "
        "3000 : jump in.tcp.3000, 6379 : jump in.tcp.6379 }"
    ]
    assert chain(text, "in.udp")[0] == "udp dport vmap { 53 : jump in.udp.53 }"
    assert any("nd-neighbor-solicit" in line for line in chain(text, "in.ipv6-icmp"))
    assert "closed" not in text
    assert " log " not in text


@pytest.mark.parametrize(
    ("port", "lines"),
    [
        ("tcp.22", ["ip saddr @admins.v4 goto rule.ssh", "ip6 saddr @admins.v6 goto rule.ssh"]),
        ("tcp.80", ["goto rule.nginx"]),
        ("tcp.3000", ["ip saddr @edge.v4 goto rule.app"]),
        ("tcp.6379", ["ip saddr @rule.redis-tls.v4 goto rule.redis-tls", "ip6 saddr fd00::1 goto rule.redis-tls"]),
        ("udp.53", ["ip saddr 10.0.0.0/8 goto rule.wide", "ip6 saddr @rule.wide.v6 goto rule.wide"]),
    ],
)
def test_a_port_asks_for_the_source(ruleset: Callable[..., str], port: str, lines: list[str]) -> None:
    """By a set of a name, a set of a list, or a single address; then the chain of the rule counts."""
    text = ruleset()
    assert chain(text, f"in.{port}") == lines
    name = lines[0].rpartition(".")[2]
    assert chain(text, f"rule.{name}") == [f'counter name "rule.{name}" accept']
    assert f"  counter rule.{name} {{}}\n" in text


def test_a_name_is_one_set_for_all_rules(ruleset: Callable[..., str]) -> None:
    """What lies in something wider is left out; without networks it is a hash. Equal lists share a set as well."""
    twin = {"name": "twin", "port": 7, "sources": ["admins", "10.0.0.3", "10.0.0.12"]}
    assert sets(ruleset(rules=[REDIS, twin, {"name": "odd", "port": 8, "sources": ["3 odd", "admins"]}])) == [
        "admins.v4 { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 } }",
        "admins.v6 { type ipv6_addr; flags interval; elements = { 2001:db8::/32 } }",
        "_3_odd.v4 { type ipv4_addr; elements = { 10.9.9.9 } }",
        "rule.redis-tls.v4 { type ipv4_addr; elements = { 10.0.0.3, 10.0.0.12 } }",
    ]


def test_names_that_nft_spells_alike_stay_apart(ruleset: Callable[..., str]) -> None:
    """Else the members of one group would pass the rules of the other. A name that nft takes keeps it."""
    names = ("web.prod", "web prod", "web_prod", "web_prod_")
    addresses = {name: [f"10.0.0.{number}"] for number, name in enumerate(names, 1)}
    rules = [{"name": f"r{at}", "port": at, "sources": [name]} for at, name in enumerate(sorted(addresses), 1)]
    for ordered in (rules, rules[::-1]):
        text = ruleset(addresses=addresses, rules=ordered, ssh_sources=["public"])
        assert sets(text) == [
            "web_prod__.v4 { type ipv4_addr; elements = { 10.0.0.2 } }",
            "web_prod___.v4 { type ipv4_addr; elements = { 10.0.0.1 } }",
            "web_prod.v4 { type ipv4_addr; elements = { 10.0.0.3 } }",
            "web_prod_.v4 { type ipv4_addr; elements = { 10.0.0.4 } }",
        ]
        assert chain(text, "in.tcp.2") == ["ip saddr @web_prod___.v4 goto rule.r2"]
        assert chain(text, "in.tcp.3") == ["ip saddr @web_prod.v4 goto rule.r3"]


def test_several_rules_for_one_port(ruleset: Callable[..., str]) -> None:
    """By name, whatever the order of the variables."""
    rules = [{"name": name, "ports": [90, 91], "sources": [f"10.0.0.{number}"]} for number, name in enumerate("ba", 1)]
    text = ruleset(rules=[*rules, {"name": "c", "port": 91, "sources": ["10.0.0.3"]}])
    assert chain(text, "in.tcp.90") == ["ip saddr 10.0.0.2 goto rule.a", "ip saddr 10.0.0.1 goto rule.b"]
    assert chain(text, "in.tcp.91") == [*chain(text, "in.tcp.90"), "ip saddr 10.0.0.3 goto rule.c"]


def test_a_protocol_without_ports(ruleset: Callable[..., str]) -> None:
    """VRRP is protocol 112 (RFC 5798), and comes from the hosts that share an address alone."""
    text = ruleset(rules=[{"name": "shared", "protocol": "vrrp", "sources": ["10.0.0.2"]}], egress_policy="drop")
    assert chain(text, "in.112") == ["ip saddr 10.0.0.2 goto rule.shared"]
    assert "112 : jump in.112" in "".join(chain(text, "input"))
    assert "112" not in "".join(chain(text, "forward"))
    assert "112 : accept" in "".join(chain(text, "output"))


def test_the_file_replaces_its_own_table_only(ruleset: Callable[..., str]) -> None:
    """Docker's tables survive a reload."""
    text = ruleset()
    commands = [line for line in text.splitlines() if line and line[0] not in " #}"]
    assert commands == ["table inet holdfast", "delete table inet holdfast", "table inet holdfast {"]
    assert "flush" not in text
    assert text.endswith("}\n")


def test_the_forward_chain_lets_published_ports_in(ruleset: Callable[..., str]) -> None:
    """Named as the user published them; containers are not outside. Every host has it, with rules or without."""
    text = ruleset()
    assert chain(ruleset(rules=[]), "forward") == chain(text, "forward")
    assert "chain published {\n  }" in ruleset(rules=[])
    assert chain(text, "forward") == [
        "type filter hook forward priority filter - 5; policy accept;",
        "ct state vmap { established : accept, related : accept }",
        'iifname "docker*" accept',
        'iifname "br-*" accept',
        "ct status dnat jump published",
        'counter name "dropped.forward"',
        "drop",
    ]
    assert chain(text, "published") == [
        "meta l4proto tcp ct original proto-dst vmap { 3000 : jump published.tcp.3000 }"
    ]
    assert chain(text, "published.tcp.3000") == ["ip saddr @edge.v4 goto rule.app"]


def test_external_interfaces_and_log(ruleset: Callable[..., str]) -> None:
    """Whoever routes for others names the interfaces; the log is limited."""
    text = ruleset(external_interfaces=["eth1", "eth0"], log=True)
    assert 'iifname != { "eth0", "eth1" } accept' in chain(text, "forward")
    assert "docker*" not in text
    named = chain(ruleset(external_interfaces=["br-lan", "eth0"], egress_policy="drop"), "forward")
    assert 'iifname != { "br-lan", "eth0" } goto containers' in named
    for name in ("input", "forward"):
        assert chain(text, name)[-2:] == [f'limit rate 5/minute burst 5 packets log prefix "holdfast {name}: "', "drop"]


def test_containers_are_known_by_their_interface(ruleset: Callable[..., str]) -> None:
    """Of both families, beside the addresses of their group; an interface that leads outside is none."""
    addresses = ADDRESSES | {"app": ["10.0.0.3", "containers"]}
    store = {"name": "store", "port": 5432, "sources": ["app"]}
    text = ruleset(rules=[store], addresses=addresses)
    assert chain(text, "in.tcp.5432") == [
        "ip saddr @app.v4 goto rule.store",
        'iifname "docker*" goto rule.store',
        'iifname "br-*" goto rule.store',
    ]
    uplinks = ["br-lan", "br-0", "eth0"]
    egress = [
        {"name": "here", "port": 1, "sources": ["containers"], "destinations": ["containers", "10.0.0.9"]},
        {"name": "host", "port": 2, "destinations": ["fd00::9", "containers"]},
    ]
    more = {"external_interfaces": uplinks, "egress_policy": "drop", "egress_rules": egress}
    named = ruleset(rules=[store], addresses=addresses, **more)
    assert chain(named, "in.tcp.5432")[1:] == [
        'iifname "docker*" goto rule.store',
        'iifname != { "br-0", "br-lan" } iifname "br-*" goto rule.store',
    ]
    behind, before = [f'{what} "docker*" ' for what in ("iifname", "oifname")]
    bridge = '{0} != {{ "br-0", "br-lan" }} {0} "br-*" '
    sources, destinations = (behind, bridge.format("iifname")), (before, bridge.format("oifname"))
    assert chain(named, "containers.tcp.1") == [
        f'{source}{destination}counter name "out.here" accept'
        for source in sources
        for destination in ("ip daddr 10.0.0.9 ", *destinations)
    ]
    assert chain(named, "out.tcp.2") == [
        f'{destination}counter name "out.host" accept' for destination in ("ip6 daddr fd00::9 ", *destinations)
    ]
    assert [f"{destination}accept" for destination in destinations] == chain(named, "output")[3:5]


def test_limits_count_every_source_for_itself(ruleset: Callable[..., str]) -> None:
    """FWL-07: an IPv4 address, or an IPv6 network of 64 bits; and whoever is exempt is not even counted."""
    text = ruleset(
        web_limit={"per_second": 2, "burst": 300, "connections": 9},
        rules=[NGINX],
        unlimited_sources=["edge", "fd00::7"],
    )
    full = 'counter name "limited.nginx" goto limited'
    assert chain(text, "rule.nginx") == [
        'ip saddr @edge.v4 counter name "rule.nginx" accept',
        'ip6 saddr fd00::7 counter name "rule.nginx" accept',
        f"update @rate.nginx.v4 {{ ip saddr limit rate over 2/second burst 300 packets }} {full}",
        f"add @open.nginx.v4 {{ ip saddr ct count over 9 }} {full}",
        "update @rate.nginx.v6 { ip6 saddr & ffff:ffff:ffff:ffff:: limit rate over 2/second burst 300 packets } "
        + full,
        f"add @open.nginx.v6 {{ ip6 saddr & ffff:ffff:ffff:ffff:: ct count over 9 }} {full}",
        'counter name "rule.nginx" accept',
    ]
    # 300 at 2 a second: after 150 seconds the burst is full again, so that a source may be forgotten
    assert "rate.nginx.v4 { type ipv4_addr; size 16384; flags dynamic,timeout; timeout 150s; }" in sets(text)
    assert "open.nginx.v6 { type ipv6_addr; size 16384; flags dynamic; }" in sets(text)
    assert chain(text, "rule.ssh") == ['counter name "rule.ssh" accept']
    assert chain(text, "limited") == ['counter name "dropped.limited"', "drop"]
    assert "update @" not in ruleset(web_limit={"per_second": 2}, unlimited_sources=["public"])


def test_what_leaves_can_be_held_back(ruleset: Callable[..., str]) -> None:
    """Answers of sshd leave even in connections that the kernel has not followed yet."""
    rules = [
        {"name": "names", "port": 53, "protocol": "udp", "destinations": ["10.0.0.53"]},
        {"name": "web", "ports": [443, 80], "destinations": ["public"]},
        {"name": "box", "port": 25, "destinations": ["edge"], "sources": ["172.20.0.0/16", "fd99::/64"]},
    ]
    text = ruleset(egress_policy="drop", egress_rules=rules, ssh_port=2222)
    assert chain(text, "output") == [
        "type filter hook output priority filter; policy drop;",
        "ct state vmap { established : accept, related : accept }",
        'oifname "lo" accept',
        'oifname "docker*" accept',
        'oifname "br-*" accept',
        "meta l4proto vmap { icmp : accept, ipv6-icmp : accept, tcp : jump out.tcp, udp : jump out.udp }",
        'counter name "dropped.output"',
        "drop",
    ]
    assert chain(text, "out.tcp")[0].startswith("tcp sport 2222 tcp flags & (syn | ack) == ack accept")
    assert chain(text, "out.tcp")[1:] == ["tcp dport vmap { 80 : jump out.tcp.80, 443 : jump out.tcp.80 }"]
    assert chain(text, "out.tcp.80") == ['counter name "out.web" accept']
    assert chain(text, "out.udp.53") == ['ip daddr 10.0.0.53 counter name "out.names" accept']
    assert 'iifname "br-*" goto containers' in chain(text, "forward")
    # No line for IPv6: its destinations are nobody
    assert chain(text, "containers.tcp.25") == [
        'ip saddr 172.20.0.0/16 ip daddr @edge.v4 counter name "out.box" accept'
    ]
    assert chain(text, "containers")[-3:] == [
        "tcp dport vmap { 25 : jump containers.tcp.25 }",
        'counter name "dropped.containers"',
        "drop",
    ]
    held = ruleset(egress_policy="drop_containers", egress_rules=rules)
    assert "chain output" not in held
    assert chain(held, "containers") == chain(text, "containers")


def test_every_jump_leads_somewhere(ruleset: Callable[..., str]) -> None:
    """And every counter and set that is named is declared."""
    text = ruleset(egress_policy="drop", log=True, web_limit={"per_second": 1, "connections": 1})
    assert set(re.findall(r"(?:jump|goto) ([\w.-]+)", text)) <= set(re.findall(r"chain ([\w.-]+) {", text))
    assert set(re.findall(r'counter name "(.*?)"', text)) == set(re.findall(r"counter ([\w.-]+) {}", text))
    assert set(re.findall(r"@([\w.-]+)", text)) == set(re.findall(r"  set ([\w.-]+) {", text))


@given(rules=st.permutations(RULES))
def test_the_order_of_the_rules_does_not_matter(filters: Filters, rules: list[dict[str, Any]]) -> None:
    """The same rules give the same bytes, so that an unchanged host stays unchanged."""
    texts = [
        filters["nftables_ruleset"](filters["nftables_matches"](filters["firewall_plan"](FIREWALL | {"rules": given})))
        for given in (rules, RULES)
    ]
    assert texts[0] == texts[1]


def test_a_plan_is_expected(refusal: Refusal) -> None:
    """The filters work in a row; the first checks what is given."""
    assert "takes a plan of firewall_plan" in refusal("nftables_matches", {"rules": []})
    assert "has been through nftables_matches" in refusal("nftables_ruleset", {"rules": []})


def test_ten_thousand_rules_are_compiled(ruleset: Callable[..., str]) -> None:
    """With addresses of their own, named sets, limits and a set of ten thousand addresses; bench has the time."""
    rules = [
        {
            "name": f"rule-{number}",
            "port": 1000 + number,
            "sources": ["many", f"10.{number // 250}.{number % 250}.1", f"fd00:{number:x}::/64"],
            **({"limit": {"per_second": 10}} if number % 10 == 0 else {}),
        }
        for number in range(10000)
    ]
    many = [f"172.{one}.{two}.0/24" for one, two in itertools.product(range(16, 56), range(250))]
    text = ruleset(rules=rules, addresses=ADDRESSES | {"many": many})
    assert text.count("goto rule.rule-") == 30000
