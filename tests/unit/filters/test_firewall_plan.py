"""The plan of a firewall: complete, checked, and refused with a sentence that names the rule."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
ADDRESSES = {"admins": ["192.0.2.0/24"], "app": ["10.0.0.3"], "none": []}
FIREWALL = {"ssh_port": 22, "ssh_sources": ["admins"], "addresses": ADDRESSES}
SSH = {"per_second": 20, "burst": 100, "connections": 100}
WEB = {"per_second": 100}


def test_rules_are_completed(filters: Filters) -> None:
    """In the order given, ssh first; groups and sets stay names, addresses become canonical."""
    service = {"name": "redis", "port": 6379, "sources": ["app", "app", "FD00::1", "10.0.0.9/32", "10.0.0.0/24"]}
    own = {
        "name": "app",
        "ports": [3000, 3000],
        "sources": ["10.0.0.3", "public"],
        "published": True,
        "protocol": "udp",
    }
    rules = filters["firewall_plan"](FIREWALL | {"service_rules": [service], "rules": [own]})["rules"]
    plain = {"protocol": "tcp", "published": False, "limit": {}}
    assert rules == [
        plain | {"name": "ssh", "origin": "ssh", "ports": [22], "sources": ["admins"]},
        plain
        | {
            "name": "redis",
            "origin": "service",
            "ports": [6379],
            "sources": ["app", "fd00::1", "10.0.0.9", "10.0.0.0/24"],
        },
        {
            "name": "app",
            "origin": "operator",
            "protocol": "udp",
            "ports": [3000],
            "sources": ["public"],
            "published": True,
            "limit": {},
        },
    ]


def test_the_rule_of_a_service_keeps_its_variable(filters: Filters) -> None:
    rule = {"name": "redis", "port": 6379, "sources": ["app"]}
    known = filters["firewall_plan"](
        FIREWALL | {"service_rules": [rule, rule | {"name": "b", "variable": "b_sources"}]}
    )
    assert [each.get("variable") for each in known["rules"]] == [None, None, "b_sources"]


@pytest.mark.parametrize(
    ("rule", "limit"),
    [
        ({"ports": [443, 8443]}, {"per_second": 100, "burst": 100}),
        ({"port": 80, "protocol": "udp"}, {"per_second": 100, "burst": 100}),
        ({"port": 80, "limit": {}}, {}),
        ({"port": 80, "limit": {"connections": 5}}, {"connections": 5}),
        ({"port": 22}, SSH),
        ({"port": 22, "protocol": "udp"}, {}),
        ({"port": 8080}, {}),
        ({"port": 8080, "limit": {"per_second": 3, "burst": 7}}, {"per_second": 3, "burst": 7}),
    ],
)
def test_limits_are_the_usual_ones_or_those_of_the_rule(
    filters: Filters, rule: dict[str, Any], limit: dict[str, int]
) -> None:
    """FWL-07: the port of sshd, 80 and 443 are limited without a word; the burst is as large as the rate."""
    limits = {"ssh_limit": SSH, "web_limit": WEB}
    rules = [{"name": "x", "sources": ["public"], **rule}]
    plan = filters["firewall_plan"](FIREWALL | limits | {"rules": rules})
    assert [rule["limit"] for rule in plan["rules"]] == [SSH, limit]


def test_what_leaves_is_completed(filters: Filters) -> None:
    """A rule without sources is about the host itself."""
    host = {"name": "names", "port": 53, "protocol": "udp", "destinations": ["app", "10.0.0.53/32"]}
    container = {"name": "mail", "ports": [587, 25], "destinations": ["public"], "sources": ["172.20.0.0/16"]}
    plan = filters["firewall_plan"](FIREWALL | {"egress_policy": "drop", "egress_rules": [host, container]})
    assert plan["egress"] == [
        {"name": "names", "protocol": "udp", "ports": [53], "destinations": ["app", "10.0.0.53"]},
        {
            "name": "mail",
            "protocol": "tcp",
            "ports": [25, 587],
            "destinations": ["public"],
            "sources": ["172.20.0.0/16"],
        },
    ]
    assert plan["egress_policy"] == "drop"


@pytest.mark.parametrize(
    ("policy", "names"), [("drop", ["names", "relay"]), ("drop_containers", ["names", "relay"]), ("accept", ["names"])]
)
def test_what_services_connect_to_leaves_where_something_is_held_back(
    filters: Filters, policy: str, names: list[str]
) -> None:
    own = {"name": "names", "port": 53, "protocol": "udp", "destinations": ["public"]}
    service = {"name": "relay", "port": 587, "destinations": ["app"], "variable": "mail_relays"}
    given = {"egress_policy": policy, "egress_rules": [own], "service_egress_rules": [service]}
    plan = filters["firewall_plan"](FIREWALL | given)
    assert [rule["name"] for rule in plan["egress"]] == names
    complete = {"name": "relay", "protocol": "tcp", "ports": [587], "destinations": ["app"]}
    assert plan["egress"][1:] == ([complete] if policy != "accept" else [])


def test_containers_are_a_name_without_addresses(filters: Filters) -> None:
    """A rule whose group or set holds them names them too, each once."""
    addresses = {"app": ["10.0.0.3", "containers"], "near": ["containers"], "admins": ["192.0.2.0/24"]}
    rules = [
        {"name": "data", "port": 1, "sources": ["app"]},
        {"name": "mixed", "port": 2, "sources": ["near", "containers", "admins", "app"]},
        {"name": "all", "port": 3, "sources": ["app", "public"]},
    ]
    egress = [{"name": "out", "port": 4, "sources": ["containers"], "destinations": ["near"]}]
    more = {"addresses": addresses, "rules": rules, "egress_rules": egress, "unlimited_sources": ["app"]}
    plan = filters["firewall_plan"](FIREWALL | more)
    assert [rule["sources"] for rule in plan["rules"][1:]] == [
        ["app", "containers"],
        ["near", "containers", "admins", "app"],
        ["public"],
    ]
    assert (plan["egress"][0]["sources"], plan["egress"][0]["destinations"]) == (["containers"], ["near", "containers"])
    assert plan["unlimited"] == ["app", "containers"]
    assert plan["addresses"] == {"app": ["10.0.0.3"], "near": [], "admins": ["192.0.2.0/24"], "containers": []}


RULES = "a rule must be a dict with a name of lower-case letters"
GIVE = "rule x: give port or ports"
LIMIT = "rule x: limit takes per_second, burst, connections, and burst only with per_second"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"name": "Redis"}, RULES),
        ({"name": None}, RULES),
        ({"ports": [1]}, GIVE),
        (
            {"prot": "udp"},
            "rule x: give port or ports, and otherwise only limit, name, port, ports, protocol, published, sources",
        ),
        ({"protocol": "icmp"}, "rule x: protocol must be one of tcp, udp, vrrp, got 'icmp'"),
        ({"protocol": "vrrp"}, "rule x: vrrp has no ports; give only name, protocol, sources"),
        ({"port": 0}, "rule x: a port is a whole number from 1 to 65535, got 0"),
        ({"port": "80"}, "got '80'"),
        ({"port": True}, "got True"),
        ({"published": "yes"}, "rule x: published must be true or false, got 'yes'"),
        ({"sources": "public"}, "rule x: sources must be a list of text, got 'public'"),
        ({"sources": None}, "rule x: sources must be a list of text, got None"),
        ({"sources": [7]}, "rule x: sources must be a list of text, got [7]"),
        ({"sources": ["ap"]}, "rule x: source 'ap' is neither an inventory group nor a set nor an address"),
        (
            {"sources": ["10.0.0.1/8"]},
            "use an address, a network without host bits, or one of admins, app, containers, none, public",
        ),
        ({"limit": 7}, LIMIT),
        ({"limit": {"burst": 7}}, LIMIT),
        ({"limit": {"rate": 7}}, LIMIT),
        ({"limit": {"per_second": 0}}, "rule x: per_second is a whole number from 1 to 1000000, got 0"),
        ({"limit": {"connections": True}}, "rule x: connections is a whole number from 1 to 1000000, got True"),
        ({"name": "ssh"}, "two rules are called ssh; rename one (ssh belongs to ssh_port and ssh_sources)"),
        ({"name": "redis"}, "two rules are called redis"),
    ],
)
def test_wrong_rules_are_refused(refusal: Refusal, rule: dict[str, Any], words: str) -> None:
    """The message names the rule."""
    service = {"name": "redis", "port": 6379, "sources": ["app"]}
    wrong = {"name": "x", "port": 1, "sources": ["public"]} | rule
    assert words in refusal("firewall_plan", FIREWALL | {"service_rules": [service], "rules": [wrong]})


@pytest.mark.parametrize(
    ("firewall", "words"),
    [
        ({"rules": ["x"]}, "a rule must be a dict"),
        ({"rules": [{"name": "x", "sources": []}]}, "give port or ports"),
        ({"rules": [{"name": "x", "ports": [], "sources": []}]}, "ports must be a list with at least one port"),
        ({"rules": [{"name": "x", "ports": "80", "sources": []}]}, "ports must be a list with at least one port"),
        ({"rules": {}}, "rules must be a list, got {}"),
        ({"external_interfaces": "eth0"}, "external_interfaces must be a list"),
        ({"external_interfaces": ["eth0; drop"]}, "'eth0; drop' is not the name of an interface"),
        ({"ssh_sources": []}, "ssh_sources is empty, which would lock everybody out"),
        ({"ssh_sources": ["none"]}, "ssh_sources is empty, which would lock everybody out"),
        ({"ssh_sources": ["adm"]}, "rule ssh: source 'adm' is neither"),
        ({"ssh_port": None}, "rule ssh: a port is a whole number"),
        ({"ssh_limit": {"rate": 1}}, "rule ssh: limit takes"),
        ({"unlimited_sources": ["adm"]}, "firewall_unlimited_sources: source 'adm' is neither"),
        # Each names its variable, also a limit that no rule takes
        ({"ssh_limit": {"per_second": 0}}, "firewall_ssh_limit, rule ssh: per_second is a whole number from 1 to 1000"),
        (
            {"web_limit": {"connections": 1000001}},
            "firewall_web_limit: connections is a whole number from 1 to 1000000",
        ),
        ({"rules": [{"name": "x", "port": 65536, "sources": []}]}, "firewall_rules, rule x: a port is a whole number"),
        ({"egress_rules": [{"name": "x", "ports": [0], "destinations": []}]}, "firewall_egress_rules, rule x: a port"),
        ({"external_interfaces": ["sixteen-letters-"]}, "firewall_external_interfaces: 'sixteen-letters-' is not the"),
        (
            {"service_rules": [{"name": "redis", "port": 1, "sources": ["ap"], "variable": "redis_sources"}]},
            "redis_sources, rule redis: source 'ap' is neither an inventory group nor a set nor an address; use",
        ),
        ({"rules": [{"name": "x", "port": 1, "sources": [], "variable": "y"}]}, "only limit, name, port, ports, proto"),
        ({"log": 1}, "log must be true or false, got 1"),
        ({"ssh_sources": ["containers"]}, "ssh_sources is empty, which would lock everybody out"),
        ({"log": "no"}, "log must be true or false, got 'no'"),
        ({"egress_policy": "deny"}, "egress_policy must be one of accept, drop_containers, drop, got 'deny'"),
        ({"egress_rules": [7]}, "firewall_egress_rules, a rule must be a dict with a name"),
        ({"egress_rules": [{"name": "x", "port": 1, "destinations": "public"}]}, "destinations must be a list of text"),
        ({"egress_rules": [{"name": "x", "port": 1, "destinations": ["ap"]}]}, "rule x: destination 'ap' is neither"),
        ({"egress_rules": [{"name": "x", "port": 1, "published": True}]}, "only destinations, name, port, ports"),
        ({"egress_rules": [{"name": "x", "port": 1, "destinations": []}] * 2}, "two rules are called x; rename one"),
        (
            {"service_egress_rules": [{"name": "x", "port": 1, "destinations": ["ap"], "variable": "mail_relays"}]},
            "mail_relays, rule x: destination 'ap' is neither",
        ),
        ({"service_egress_rules": [{"name": "x", "port": 0, "destinations": []}]}, "rule x: a port is a whole number"),
        ({"service_egress_rules": [7]}, "a rule must be a dict with a name"),
        ({"service_egress_rules": 7}, "service_egress_rules must be a list, got 7"),
        (
            {
                "egress_policy": "drop",
                "egress_rules": [{"name": "x", "port": 1, "destinations": []}],
                "service_egress_rules": [{"name": "x", "port": 2, "destinations": []}],
            },
            "two rules are called x; rename one",
        ),
        ({"ipv6": True}, "firewall must be a dict with ssh_port, ssh_sources and optionally addresses"),
    ],
)
def test_a_wrong_firewall_is_refused(refusal: Refusal, firewall: dict[str, Any], words: str) -> None:
    """Nobody may be locked out by mistake."""
    assert words in refusal("firewall_plan", FIREWALL | firewall)
    incomplete: tuple[object, ...] = ({"rules": []}, 7)
    for without_ssh in incomplete:
        assert "firewall must be a dict with" in refusal("firewall_plan", without_ssh)


@pytest.mark.parametrize(
    ("source", "canonical"),
    [
        ("10.0.0.1/32", "10.0.0.1"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("FD00:0::0/8", "fd00::/8"),
        ("fd00::1/128", "fd00::1"),
        ("::/0", "::/0"),
    ],
)
def test_addresses_are_canonical(filters: Filters, source: str, canonical: str) -> None:
    """However they are written."""
    plan = filters["firewall_plan"](FIREWALL | {"ssh_sources": [source]})
    assert plan["rules"][0]["sources"] == [canonical]


@pytest.mark.parametrize(
    "source",
    [
        "10.0.0.1/8",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "/8",
        "",
        "10.1",
        "fd00::/129",
        "fd00::%e/8",
    ],
)
def test_what_is_no_address_is_refused(refusal: Refusal, source: str) -> None:
    """Nor a network with host bits."""
    assert "is neither an inventory group nor a set nor an address" in refusal(
        "firewall_plan", FIREWALL | {"ssh_sources": [source]}
    )
