"""The nftables file: what it opens, that it is always the same, and that nft accepts it."""

import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
NGINX = {"name": "nginx", "ports": [443, 80], "sources": ["public"]}
REDIS = {"name": "redis-tls", "port": 6379, "sources": ["10.0.0.12", "10.0.0.3", "fd00::1", "10.0.0.3"]}
APP = {"name": "app", "port": 3000, "sources": ["10.0.0.1"], "published": True}
WIDE = {
    "name": "wide",
    "port": 53,
    "protocol": "udp",
    "sources": ["10.0.0.0/8", "10.1.0.0/16", "fd00::/8", "fe80::/10"],
}
CLOSED = {"name": "closed", "port": 9, "sources": []}
RULES = [NGINX, REDIS, APP, WIDE, CLOSED]
FIREWALL = {"rules": RULES, "ssh_port": 22, "ssh_sources": ["192.0.2.0/24"], "docker": True}
INPUT = [
    'ip saddr 192.0.2.0/24 tcp dport 22 accept comment "ssh"',
    'ip saddr 10.0.0.1 tcp dport 3000 accept comment "app"',
    'tcp dport { 80, 443 } accept comment "nginx"',
    'ip saddr @redis_tls_v4 tcp dport 6379 accept comment "redis-tls"',
    'ip6 saddr fd00::1 tcp dport 6379 accept comment "redis-tls"',
    'ip saddr 10.0.0.0/8 udp dport 53 accept comment "wide"',
    'ip6 saddr @wide_v6 udp dport 53 accept comment "wide"',
]


def chain(text: str, name: str) -> list[str]:
    """The lines of one chain."""
    return [line.strip() for line in text.partition(f"chain {name} {{\n")[2].partition("\n  }")[0].splitlines()]


def test_the_input_chain_opens_what_is_listed(filters: Filters) -> None:
    """Everything else falls to the policy, in both families."""
    text = filters["nftables_ruleset"](FIREWALL)
    lines = chain(text, "input")
    assert lines[0] == "type filter hook input priority filter; policy drop;"
    assert [line for line in lines if " dport " in f" {line}" and "DHCPv6" not in line] == INPUT
    assert "  set redis_tls_v4 { type ipv4_addr; flags interval; elements = { 10.0.0.3, 10.0.0.12 } }\n" in text
    assert "  set wide_v6 { type ipv6_addr; flags interval; elements = { fd00::/8, fe80::/10 } }\n" in text
    assert any("nd-neighbor-solicit" in line for line in lines)
    assert "closed" not in text
    assert " log " not in text


def test_a_protocol_without_ports(filters: Filters) -> None:
    """VRRP is protocol 112 (RFC 5798), and comes from the hosts that share an address alone."""
    rule = {"name": "shared", "protocol": "vrrp", "sources": ["10.0.0.2"]}
    text = filters["nftables_ruleset"](FIREWALL | {"rules": [rule]})
    assert 'ip saddr 10.0.0.2 meta l4proto 112 accept comment "shared"' in chain(text, "input")
    assert "112" not in "".join(chain(text, "forward"))


def test_the_file_replaces_its_own_table_only(filters: Filters) -> None:
    """Docker's tables survive a reload."""
    text = filters["nftables_ruleset"](FIREWALL)
    commands = [line for line in text.splitlines() if line and line[0] not in " #}"]
    assert commands == ["table inet holdfast", "delete table inet holdfast", "table inet holdfast {"]
    assert "flush" not in text
    assert text.endswith("}\n")


def test_the_forward_chain_lets_published_ports_in(filters: Filters) -> None:
    """Named as the user published them; containers themselves are not outside."""
    assert chain(filters["nftables_ruleset"](FIREWALL), "forward") == [
        "type filter hook forward priority filter - 5; policy accept;",
        "ct state established,related accept",
        'iifname "docker*" accept',
        'iifname "br-*" accept',
        'ip saddr 10.0.0.1 meta l4proto tcp ct status dnat ct original proto-dst 3000 accept comment "app"',
        "drop",
    ]


def test_external_interfaces_and_log(filters: Filters) -> None:
    """Whoever routes for others names the interfaces; the log is limited."""
    text = filters["nftables_ruleset"](FIREWALL | {"external_interfaces": ["eth1", "eth0"], "log": True})
    assert 'iifname != { "eth0", "eth1" } accept' in chain(text, "forward")
    assert "docker*" not in text
    assert chain(text, "input")[-1] == 'limit rate 5/minute burst 5 packets log prefix "holdfast input: "'
    assert chain(text, "forward")[-2:] == [
        'limit rate 5/minute burst 5 packets log prefix "holdfast forward: "',
        "drop",
    ]
    assert 'iifname != "eth0" accept' in filters["nftables_ruleset"](FIREWALL | {"external_interfaces": ["eth0"]})
    assert "chain forward" not in filters["nftables_ruleset"](FIREWALL | {"rules": [NGINX], "docker": False})


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"name": "Redis"}, "a name of lower-case letters"),
        ({"name": None}, "a name of lower-case letters"),
        ({"ports": [1]}, "rule x: give port or ports"),
        (
            {"prot": "udp"},
            "rule x: give port or ports, and otherwise only name, port, ports, protocol, published, sources",
        ),
        ({"protocol": "icmp"}, "rule x: protocol must be tcp, udp or vrrp, got 'icmp'"),
        ({"protocol": "vrrp"}, "rule x: vrrp has no ports; give only name, protocol, sources"),
        ({"port": 0}, "rule x: a port is a whole number from 1 to 65535, got 0"),
        ({"port": "80"}, "got '80'"),
        ({"port": True}, "got True"),
        ({"published": "yes"}, "rule x: published must be true or false, got 'yes'"),
        ({"sources": "public"}, "rule x: sources must be a list, got 'public'"),
        ({"sources": None}, "rule x: sources must be a list, got None"),
        ({"sources": ["app"]}, "rule x: source 'app' is not an address; use resolve_sources first"),
        ({"name": "ssh"}, "two rules are called ssh"),
        ({"name": "redis_tls"}, "two rules are called redis_tls"),
    ],
)
def test_wrong_rules_are_refused(refusal: Refusal, rule: dict[str, Any], words: str) -> None:
    """The message names the rule."""
    wrong = {"name": "x", "port": 1, "sources": ["public"]} | rule
    assert words in refusal("nftables_ruleset", FIREWALL | {"rules": [REDIS, wrong]})


@pytest.mark.parametrize(
    ("firewall", "words"),
    [
        ({"rules": ["x"]}, "a rule must be a dict"),
        ({"rules": [{"name": "x", "sources": []}]}, "give port or ports"),
        ({"rules": [{"name": "x", "ports": [], "sources": []}]}, "ports must be a list with at least one port"),
        ({"rules": [{"name": "x", "ports": "80", "sources": []}]}, "ports must be a list with at least one port"),
        ({"rules": [APP], "docker": False}, "rule app: published is true, but docker is false"),
        ({"rules": {}}, "must be lists"),
        ({"external_interfaces": "eth0"}, "must be lists"),
        ({"external_interfaces": ["eth0; drop"]}, "'eth0; drop' is not the name of an interface"),
        ({"external_interfaces": [3]}, "3 is not the name of an interface"),
        ({"ssh_sources": []}, "ssh_sources is empty, which would lock everybody out"),
        ({"ssh_sources": ["admins"]}, "rule ssh: source 'admins' is not an address"),
        ({"ssh_port": None}, "rule ssh: a port is a whole number"),
        ({"docker": 1}, "docker must be true or false, got 1"),
        ({"log": "no"}, "log must be true or false, got 'no'"),
        ({"ipv6": True}, "firewall must be a dict with rules, ssh_port, ssh_sources and optionally docker"),
    ],
)
def test_a_wrong_firewall_is_refused(refusal: Refusal, firewall: dict[str, Any], words: str) -> None:
    """Nobody may be locked out by mistake."""
    assert words in refusal("nftables_ruleset", FIREWALL | firewall)
    incomplete: tuple[object, ...] = ({"rules": []}, 7)
    for without_ssh in incomplete:
        assert "firewall must be a dict with" in refusal("nftables_ruleset", without_ssh)


@given(rules=st.permutations(RULES))
def test_the_order_of_the_rules_does_not_matter(filters: Filters, rules: list[dict[str, Any]]) -> None:
    """The same rules give the same bytes, so that an unchanged host stays unchanged."""
    assert filters["nftables_ruleset"](FIREWALL | {"rules": rules}) == filters["nftables_ruleset"](FIREWALL)


def nft(text: str) -> subprocess.CompletedProcess[str]:
    """Let nft check a file without loading it."""
    return subprocess.run(["nft", "-c", "-f", "-"], input=text, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def accepted() -> Callable[[str], bool]:
    """Ask nft, which needs the right to talk to the kernel even for a check."""
    if shutil.which("nft") is None:
        pytest.skip("nft is not installed here, so nothing checks the syntax of the file; install nftables")
    probe = nft("table inet holdfast_probe {}\n")
    if "Operation not permitted" in probe.stderr:
        pytest.skip("nft needs root (CAP_NET_ADMIN) even to check a file, so nothing checks its syntax here")

    def check(text: str) -> bool:
        result = nft(text)
        assert result.returncode == 0, result.stderr + text
        return True

    return check


ADDRESS = st.ip_addresses().map(str) | st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::/0", "fd00::/8"])


RULE = st.fixed_dictionaries(
    {
        "name": st.just("any-rule"),
        "sources": st.lists(ADDRESS, min_size=1, max_size=6),
        "ports": st.lists(st.integers(1, 65535), min_size=1, max_size=4),
        "protocol": st.sampled_from(["tcp", "udp"]),
        "published": st.booleans(),
    }
)


@settings(max_examples=15)
@given(rule=RULE, log=st.booleans())
def test_nft_accepts_the_file(
    filters: Filters, accepted: Callable[[str], bool], rule: dict[str, Any], log: bool
) -> None:
    """Whatever the addresses, overlapping or not, and whatever the ports."""
    assert accepted(filters["nftables_ruleset"](FIREWALL | {"rules": [*RULES, rule], "log": log}))


def test_the_check_would_notice_a_mistake(accepted: Callable[[str], bool]) -> None:
    """Overlapping elements, which the filter removes, are refused by nft."""
    broken = "table inet x { set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 10.1.0.0/16 } }; }\n"
    with pytest.raises(AssertionError, match=r"conflicting|overlap"):
        accepted(broken)
