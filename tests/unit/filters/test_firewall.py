"""Firewall rules: groups become addresses, and containers are no address."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
GROUPS = {"app": ["10.0.0.12", "10.0.0.3"], "cache": [], "edge": ["fd00::1", "10.0.0.1"]}


@pytest.mark.parametrize(
    ("sources", "resolved"),
    [
        (["app"], ["10.0.0.3", "10.0.0.12"]),
        (["edge", "app", "10.0.0.3/32"], ["10.0.0.1", "10.0.0.3", "10.0.0.12", "fd00::1"]),
        (["10.0.9.0/24", "FD00::/8"], ["10.0.9.0/24", "fd00::/8"]),
        (["public"], ["public"]),
        (["app", "public"], ["public"]),
        (["cache"], []),
        ([], []),
    ],
)
def test_sources_are_resolved(filters: Filters, sources: list[str], resolved: list[str]) -> None:
    """Sorted, each once; a group without hosts opens nothing."""
    rule = {"name": "redis", "port": 6379, "sources": sources}
    assert filters["resolve_sources"]([rule], GROUPS) == [{"name": "redis", "port": 6379, "sources": resolved}]
    assert rule["sources"] is sources


@pytest.mark.parametrize(
    ("rules", "groups", "words"),
    [
        ([{"name": "redis", "sources": ["apps"]}], GROUPS, "rule redis: source 'apps' is neither an inventory group"),
        ([{"name": "redis", "sources": ["apps"]}], {}, "or a group (none)"),
        ([{"name": "redis", "sources": ["10.0.0.1/24"]}], GROUPS, "a network without host bits"),
        ([{"name": "redis", "sources": "app"}], GROUPS, "rule redis: sources must be a list of text, got 'app'"),
        ([{"name": "redis", "sources": [3]}], GROUPS, "sources must be a list of text"),
        ([{"name": "redis"}], GROUPS, "sources must be a list of text, got None"),
        ([], {"app": ["app1.example"]}, "group app: 'app1.example' is not an address; set host_address"),
        ([], {"app": [None]}, "group app: None is not an address"),
        ([], {"app": "10.0.0.1"}, "group app: the addresses must be a list, got str"),
        ([], {"public": []}, "an inventory group is called public"),
        ([], [], "groups must be a dict of lists, got list"),
        ([{"name": "redis", "sources": ["containers"]}], GROUPS, "source 'containers' is neither"),
        ([], {"app": ["containers"]}, "group app: 'containers' is not an address"),
        ({}, GROUPS, "rules must be a list of dicts"),
        (["redis"], GROUPS, "rules must be a list of dicts"),
    ],
)
def test_unknown_sources_are_refused(refusal: Refusal, rules: object, groups: object, words: str) -> None:
    """The message names the rule or the group, and the fix."""
    assert words in refusal("resolve_sources", rules, groups)


def test_a_refusal_names_the_variable(refusal: Refusal) -> None:
    said = refusal("resolve_sources", [{"name": "mqtt", "sources": ["apps"]}], GROUPS, "nginx_streams")
    assert said.startswith("nginx_streams mqtt: source 'apps' is neither an inventory group nor an address; use public")
    said = refusal("resolve_sources", [{"name": "mqtt"}], GROUPS, "nginx_streams")
    assert said == "nginx_streams mqtt: sources must be a list of text, got None"


@given(sources=st.permutations(["app", "edge", "10.1.0.0/16", "192.0.2.7"]))
def test_the_order_of_the_sources_does_not_matter(filters: Filters, sources: list[str]) -> None:
    """And resolving again changes nothing."""
    expected = ["10.0.0.1", "10.0.0.3", "10.0.0.12", "10.1.0.0/16", "192.0.2.7", "fd00::1"]
    resolved = filters["resolve_sources"]([{"name": "x", "sources": sources}], GROUPS)
    assert resolved == [{"name": "x", "sources": expected}]
    assert filters["resolve_sources"](resolved, {}) == resolved


def test_sets_and_groups_are_known_by_name(filters: Filters) -> None:
    """FWL-06: whoever administers is a set like any other."""
    known = filters["address_sets"](GROUPS, {"admins": ["192.0.2.0/24", "2001:DB8::1"], "empty": []})
    assert known == GROUPS | {"admins": ["192.0.2.0/24", "2001:db8::1"], "empty": []}


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        ({"app": []}, "set app: that is public, containers, the name of an inventory group, or not made of"),
        ({"public": []}, "set public: that is public"),
        ({"containers": []}, "set containers: that is public, containers"),
        ({"admins": ["container"]}, "set admins: 'container' is not an address"),
        ({"My admins": []}, "rename the set"),
        ({"admins": "192.0.2.1"}, "set admins: the addresses must be a list, got str"),
        ({"admins": ["app"]}, "set admins: 'app' is not an address; give an address, or a network without host bits"),
        ({"admins": ["192.0.2.1/24"]}, "a network without host bits"),
        ({"admins": ["fe80::1%eth0"]}, "set admins: 'fe80::1%eth0' is not an address"),
        ([], "sets must be a dict of lists, got list"),
    ],
)
def test_a_name_means_one_thing(refusal: Refusal, sets: object, words: str) -> None:
    """The message names the set."""
    assert words in refusal("address_sets", GROUPS, sets)


def test_containers_may_belong_to_a_name(filters: Filters, refusal: Refusal) -> None:
    """They are those of the host itself; nobody else has this name."""
    known = filters["address_sets"]({"app": ["10.0.0.3", "containers"]}, {"near": ["containers"]})
    assert known == {"app": ["10.0.0.3", "containers"], "near": ["containers"]}
    words = "an inventory group is called containers, which means those of the host itself in firewall rules; rename it"
    assert words in refusal("address_sets", {"containers": []}, {})


def test_the_play_lets_containers_in_by_interface_and_not_by_address() -> None:
    """FWL-03, FWL-04: their networks are those of neighbors elsewhere; who sees addresses alone has to take them."""
    contract = yaml.safe_load((Path(__file__).parents[3] / "playbooks/roles/contract/vars/main.yml").read_text())
    names = ("firewall_group_addresses", "postgresql_group_addresses", "nginx_group_addresses")

    def handed(*roles: str) -> list[Any]:
        used = {name: trust_as_template(contract[name]) for name in (*names, "__host_apps", "__address_groups")}
        host = {"host_groups": {"app": ["10.0.0.3"]}, "host_roles": list(roles)}
        networks = {"contract_container_networks": contract["contract_container_networks"]}
        templar = Templar(loader=DataLoader(), variables=used | host | networks)
        return [templar.template(used[name]) for name in names]

    docker = {"app": ["10.0.0.3", "172.16.0.0/12"], "containers": ["172.16.0.0/12"]}
    assert handed("docker") == [{"app": ["10.0.0.3", "containers"]}, docker, docker]
    plain = {"app": ["10.0.0.3"], "containers": ["172.16.0.0/12"]}
    assert handed("redis") == [{"app": ["10.0.0.3"]}, plain, plain]
