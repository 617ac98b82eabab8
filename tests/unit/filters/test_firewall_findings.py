"""Rules that cannot be meant are found, and those of an ordinary platform are left alone."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
Rule = dict[str, Any]
# One host that is everything: all groups have the same address
ADDRESSES = {
    "app": ["10.0.0.3"],
    "edge": ["10.0.0.3"],
    "database": ["10.0.0.3"],
    "admins": ["192.0.2.0/24", "2001:db8::/32"],
    "halves": ["0.0.0.0/1", "128.0.0.0/1"],
    "proxies": ["10.0.0.3", "0.0.0.0/0"],
    "sixes": ["2000::/5", "2800::/5"],
}
FIREWALL = {"ssh_port": 22, "ssh_sources": ["admins"], "addresses": ADDRESSES}
PLATFORM = [
    {"name": "nginx", "ports": [80, 443], "sources": ["public"]},
    {"name": "app", "port": 3000, "sources": ["edge"], "published": True},
    {"name": "postgresql", "port": 5432, "sources": ["app", "database", "10.0.0.0/8"]},
    {"name": "redis", "port": 6380, "sources": ["app"]},
]


@pytest.fixture(name="findings")
def _findings(filters: Filters) -> Callable[..., list[str]]:
    """Judge rules of the operator beside those of a platform."""

    def judged(*rules: Rule, facts: dict[str, Any] | None = None, accepted: Any = (), **firewall: Any) -> list[str]:
        plan = filters["firewall_plan"](FIREWALL | {"service_rules": PLATFORM, "rules": list(rules)} | firewall)
        options = {"firewall_sets": {"admins": [], "halves": []}, "firewall_public_accepted": list(accepted)}
        found: list[str] = filters["firewall_findings"](options, plan, facts or {}, 22 if facts else 0)
        return found

    return judged


def one(name: str, *sources: str, **more: Any) -> Rule:
    """A rule for a port of its own."""
    return {"name": name, "port": 9000, "sources": list(sources), **more}


def test_a_platform_is_left_alone(findings: Callable[..., list[str]]) -> None:
    """All groups are the same host, sources overlap in part, ports and protocols differ: nothing of it is a mistake."""
    assert findings() == []
    rules = [
        one("a", "app"),
        one("b", "edge", "10.0.0.3"),
        one("c", "192.0.2.0/25", "198.51.100.0/24"),
        one("d", "192.0.2.0/24", protocol="udp"),
        one("e", "192.0.2.0/25", published=True),
        one("f"),
        {"name": "shared", "protocol": "vrrp", "sources": ["10.0.0.9"]},
        {"name": "twin", "protocol": "vrrp", "sources": ["10.0.0.9"]},
        {"name": "own-database", "port": 5432, "sources": ["edge", "192.0.2.7"]},
    ]
    assert findings(*rules) == []


@pytest.mark.parametrize(
    ("rules", "by"),
    [
        ([one("wide", "192.0.2.0/24"), one("x", "192.0.2.7")], "wide"),
        ([one("x", "192.0.2.7"), one("wide", "admins")], "wide"),
        ([one("wide", "admins"), one("x", "2001:db8:7::/48", "192.0.2.0/24")], "wide"),
        ([one("wide", "public"), one("x", "app", "10.0.0.0/8")], "wide"),
        ([one("wide", "app", "edge"), one("x", "app")], "wide"),
        ([one("wide", "10.0.0.0/8", published=True), one("x", "10.0.0.0/9", published=True)], "wide"),
        ([one("wide", "10.0.0.0/8", published=True), one("x", "10.0.0.0/9")], "wide"),
        ([one("a", "10.0.0.0/9"), one("b", "10.128.0.0/9"), one("x", "10.200.0.0/16", "10.1.0.0/16")], "b, a"),
        ([one("a", "10.0.0.7"), one("x", "10.0.0.7")], "a"),
    ],
)
def test_what_others_let_in_is_refused(findings: Callable[..., list[str]], rules: list[Rule], by: str) -> None:
    """Whatever the order; of two that are the same the later one."""
    sentence = f"firewall_rules: x opens tcp 9000 to sources that {by} lets in already; remove x"
    assert findings(*rules) == [sentence]


def test_services_and_ssh_cover_too(findings: Callable[..., list[str]]) -> None:
    """A rule of the operator beside the same one of a service; not the other way round."""
    assert findings({"name": "web", "ports": [80, 443], "sources": ["10.0.0.0/8"]}) == [
        "firewall_rules: web opens tcp 80, 443 to sources that nginx lets in already; remove web"
    ]
    assert findings({"name": "shell", "port": 22, "sources": ["192.0.2.9"]}) == [
        "firewall_rules: shell opens tcp 22 to sources that ssh lets in already; remove shell"
    ]
    assert findings({"name": "both", "ports": [80, 8080], "sources": ["public"]}) == []
    assert findings({"name": "wider", "port": 6380, "sources": ["app", "edge"]}) == []


def test_containers_are_compared_by_name(findings: Callable[..., list[str]]) -> None:
    """They come with their group; beside other groups they are somebody else, and never everybody."""
    addresses = ADDRESSES | {"app": ["10.0.0.3", "containers"]}
    store = {"name": "store", "port": 6380, "sources": ["containers"]}
    assert findings(store) == []
    assert findings(store, addresses=addresses) == [
        "firewall_rules: store opens tcp 6380 to sources that redis lets in already; remove store"
    ]
    assert findings({"name": "db", "port": 5432, "sources": ["containers"]}, service_rules=[]) == []
    facts = {"ssh_client_address": "10.0.0.3"}
    assert findings(addresses=addresses, ssh_sources=["app"], facts=facts) == []


@pytest.mark.parametrize(
    "rules",
    [
        [one("a", "10.0.0.0/8", limit={"per_second": 5}), one("b", "10.7.0.0/16")],
        [one("b", "10.0.0.0/8", limit={"per_second": 5}), one("a", "10.7.0.0/16", limit={"connections": 5})],
        [one("a", "public"), one("b", "app", limit={"per_second": 5})],
        [one("b", "app", limit={"per_second": 5}), one("a", "app", limit={"per_second": 6})],
    ],
)
def test_limits_that_contradict_are_refused(findings: Callable[..., list[str]], rules: list[Rule]) -> None:
    """Whose limit counts would depend on the names of the rules."""
    assert findings(*rules) == [
        "firewall_rules: a and b limit the same sources at the same port differently; give both the same limit, or "
        "name who has none in firewall_unlimited_sources"
    ]


def test_other_sources_may_have_other_limits(findings: Callable[..., list[str]]) -> None:
    """And services do not contradict each other as long as the operator says nothing."""
    limit = {"limit": {"per_second": 5}}
    assert findings(one("a", "10.0.0.0/9", **limit), one("b", "10.128.0.0/9"), one("c", "app")) == []
    services = [one("first", "public", **limit), one("second", "app")]
    assert findings(service_rules=services) == []
    (sentence,) = findings({"name": "web", "port": 443, "sources": ["app"], "limit": {"per_second": 5}})
    assert sentence.startswith("firewall_rules: nginx and web limit the same sources")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"name": "db", "port": 5432, "sources": ["public"]}, "db opens tcp 5432 to everybody, which postgresql keeps"),
        ({"name": "front", "ports": [8080, 3000], "sources": ["0.0.0.0/0"]}, "tcp 3000 to everybody, which app keeps"),
        ({"name": "cache", "port": 6380, "sources": ["halves"]}, "tcp 6380 to everybody, which redis keeps for few"),
        ({"name": "six", "port": 6380, "sources": ["::/1"]}, "tcp 6380 to everybody, which redis keeps for few"),
        ({"name": "internet", "port": 5432, "sources": ["2000::/3"]}, "5432 to everybody, which postgresql keeps"),
        ({"name": "sum", "port": 5432, "sources": ["sixes"]}, "5432 to everybody, which postgresql keeps"),
        ({"name": "group", "port": 5432, "sources": ["proxies"]}, "5432 to everybody, which postgresql keeps"),
    ],
)
def test_what_a_service_keeps_for_few_is_not_opened(findings: Callable[..., list[str]], rule: Rule, words: str) -> None:
    """FWL-02, FWL-03, FWL-04: whatever the port is, the service has said who may."""
    name = rule["name"]
    (sentence,) = findings(rule)
    assert words in sentence
    assert sentence.endswith(f"; narrow its sources, or add {name} to firewall_public_accepted")
    assert findings(rule, accepted=[name]) == []


def test_data_is_not_opened(findings: Callable[..., list[str]]) -> None:
    """By the port that everybody knows, or by the service, wherever it listens."""
    container = {"name": "db", "port": 5432, "sources": ["public"], "published": True}
    assert findings(container, service_rules=[]) == [
        "firewall_rules: rule db opens tcp 5432 (PostgreSQL) to everybody; narrow its sources, or add db to "
        "firewall_public_accepted"
    ]
    redis = {"name": "redis", "port": 7000, "sources": ["app", "public"]}
    assert findings(service_rules=[redis]) == [
        "firewall: rule redis opens tcp 7000 (redis) to everybody; narrow its sources, or add redis to "
        "firewall_public_accepted"
    ]
    (sentence,) = findings(service_rules=[redis | {"variable": "redis_sources"}])
    assert sentence.startswith("redis_sources: rule redis opens tcp 7000 (redis) to everybody")
    assert findings(service_rules=[redis], accepted=["redis"]) == []
    assert findings(service_rules=[redis | {"sources": ["64.0.0.0/2", "2000::/5"]}]) == []
    assert findings(ssh_port=5432, ssh_sources=["public"], service_rules=[]) == []


@pytest.mark.parametrize(
    ("connection", "sentence"),
    [
        ({}, None),
        ({"server_port": 22, "client_address": ""}, None),
        ({"server_port": 22, "client_address": "192.0.2.7"}, None),
        ({"server_port": 22, "client_address": "::ffff:192.0.2.7"}, None),
        ({"server_port": 22, "client_address": "2001:db8::7"}, None),
        ({"server_port": 443, "client_address": "198.51.100.7"}, None),
        ({"server_port": 22, "client_address": "198.51.100.7"}, "this run comes from 198.51.100.7, which is not in"),
        (
            {"server_port": 22, "client_address": "fe80::7%eth0"},
            "this run comes from fe80::7, which is not in firewall_ssh_sources (",
        ),
        (
            {"server_port": 2222, "client_address": "192.0.2.7"},
            "firewall_ssh_port is 22, this run connects through port 2222; set",
        ),
        ({"server_port": 53, "client_address": ""}, "firewall_ssh_port is 22, this run connects through port 53; set"),
    ],
)
def test_a_run_does_not_cut_itself_off(
    findings: Callable[..., list[str]], connection: dict[str, Any], sentence: str | None
) -> None:
    """FWL-11: by the address and the port that the host sees."""
    facts = {f"ssh_{name}": value for name, value in connection.items()}
    found = findings(one("names", "public", port=53, protocol="udp"), facts=facts)
    assert len(found) == (sentence is not None)
    assert "".join(found).startswith(sentence or "")
    everybody = findings(ssh_sources=["public"], facts={"ssh_client_address": "198.51.100.7"})
    assert everybody == []


def test_rules_for_what_leaves_need_a_policy(findings: Callable[..., list[str]]) -> None:
    """Otherwise somebody believes in a limit that is not there."""
    rules = [{"name": "names", "port": 53, "protocol": "udp", "destinations": ["public"]}]
    assert findings(egress_rules=rules) == [
        "firewall_egress_rules are given, but firewall_egress_policy is accept, which lets all out; set it to drop"
    ]
    assert findings(egress_rules=rules, egress_policy="drop") == []
    assert findings(service_egress_rules=rules) == []  # what a role offers limits nobody


def test_the_controller_knows_its_port_when_the_host_does_not(filters: Filters) -> None:
    """Before the host has been looked at; a run on the host itself does not connect."""
    plan = filters["firewall_plan"](FIREWALL)
    (sentence,) = filters["firewall_findings"]({}, plan, {}, 2222)
    assert sentence.startswith("firewall_ssh_port is 22, this run connects through port 2222; set")
    assert filters["firewall_findings"]({}, plan, {}, 22) == []
    assert filters["firewall_findings"]({}, plan, {"ssh_server_port": 22}, 2222) == []  # forwarded on the way
    assert filters["firewall_findings"]({}, plan, {"ssh_server_port": 2222}, 0) == []


@pytest.mark.parametrize(
    ("external", "outward", "found"),
    [
        ([], (), []),
        ([], ("eth0", "wg0"), []),
        ([], ("br-lan", "br-lan"), [("empty", "br-lan")]),
        ([], ("br-lan", "docker0"), [("empty", "br-lan"), ("empty", "docker0")]),
        (["eth0", "br-lan"], ("br-lan",), []),
        (["eth0", "eth9"], ("eth0", "tun0"), [("eth0, eth9", "tun0")]),
        (["eth0"], ("",), []),
    ],
)
def test_an_uplink_is_not_taken_for_a_bridge(
    filters: Filters, external: list[str], outward: tuple[str, ...], found: list[tuple[str, str]]
) -> None:
    """By its name, or because a list leaves it out."""
    facts = {f"default_ipv{version}": {"interface": name} for version, name in zip((4, 6), outward, strict=False)}
    plan = filters["firewall_plan"](FIREWALL)
    assert filters["firewall_findings"]({"firewall_external_interfaces": external}, plan, facts, 0) == [
        f"firewall_external_interfaces is {said}, which takes {name} for an interface of containers, but the default "
        f"route of this host leads through it; add {name}"
        for said, name in found
    ]


def test_options_and_a_plan_are_expected(refusal: Refusal) -> None:
    """A missing part would be a judgement that silently is not made."""
    pairs: list[tuple[object, object]] = [([], {"rules": []}), ({}, []), ({}, {})]
    for wrong in pairs:
        assert "takes the options of role firewall and a plan" in refusal("firewall_findings", *wrong, {}, 0)
