"""Who reaches whom, and what a probe found. Expected values are by hand from the rules."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]

SSH = {"name": "ssh", "port": 22, "sources": ["192.0.2.0/24", "2001:db8::/64"]}
EDGE = {
    "name": "edge1",
    "addresses": ["192.0.2.1", "2001:db8::1"],
    "rules": [SSH, {"name": "web", "ports": [80], "sources": ["public"]}],
}
DATA = {
    "name": "data1",
    "addresses": ["192.0.2.2", "2001:db8::2"],
    "rules": [
        SSH,
        {"name": "postgresql", "port": 5432, "sources": ["app"]},
        {"name": "names", "port": 53, "protocol": "udp", "sources": ["public"]},
    ],
    "groups": {"app": ["192.0.2.3"]},
    "listening": [
        {"protocol": "tcp", "address": "0.0.0.0", "port": 5432},
        {"protocol": "tcp", "address": "127.0.0.1", "port": 8125},
        {"protocol": "tcp", "address": "192.0.2.2", "port": 9100},
        {"protocol": "udp", "address": "0.0.0.0", "port": 53},
    ],
}
APP = {"name": "app1", "addresses": ["192.0.2.3"], "rules": []}


def table(matrix: list[dict[str, Any]]) -> set[tuple[str, str, int, bool, str, bool]]:
    names = ("destination", "address", "port", "allowed", "rule", "listening")
    return {tuple(pair[name] for name in names) for pair in matrix}


def test_every_declared_port_and_every_listener_is_asked_in_both_families(filters: Filters) -> None:
    matrix = filters["firewall_matrix"]([EDGE, DATA, APP], "edge1")
    assert table(matrix) == {
        ("data1", "192.0.2.2", 22, True, "ssh", False),
        ("data1", "192.0.2.2", 80, False, "", False),
        ("data1", "192.0.2.2", 5432, False, "postgresql", True),
        ("data1", "192.0.2.2", 9100, False, "", True),
        ("data1", "2001:db8::2", 22, True, "ssh", False),
        ("data1", "2001:db8::2", 80, False, "", False),
        ("data1", "2001:db8::2", 5432, False, "postgresql", False),
        ("data1", "2001:db8::2", 9100, False, "", False),
        ("app1", "192.0.2.3", 22, False, "", False),
        ("app1", "192.0.2.3", 80, False, "", False),
        ("app1", "192.0.2.3", 5432, False, "", False),
    }
    assert {(pair["source"], pair["sender"]) for pair in matrix} == {("edge1", "192.0.2.1"), ("edge1", "2001:db8::1")}


def test_a_group_lets_its_hosts_in(filters: Filters) -> None:
    matrix = filters["firewall_matrix"]([EDGE, DATA, APP], "app1")
    assert ("data1", "192.0.2.2", 5432, True, "postgresql", True) in table(matrix)
    assert ("edge1", "192.0.2.1", 80, True, "web", False) in table(matrix)
    assert {pair["address"] for pair in matrix} == {"192.0.2.1", "192.0.2.2"}  # app1 has no address of the other family


def test_containers_are_no_other_host(filters: Filters) -> None:
    """Whatever address they have; the plan of a host knows them as a name without addresses."""
    rule = {"name": "store", "port": 6379, "protocol": "tcp", "ports": [6379], "sources": ["app", "containers"]}
    host = {**DATA, "rules": [rule], "groups": {"app": [], "containers": []}}
    assert ("data1", "192.0.2.2", 6379, False, "store", False) in table(filters["firewall_matrix"]([host, APP], "app1"))


def test_what_may_not_leave_is_not_allowed(filters: Filters) -> None:
    out = [
        {"name": "database", "protocol": "tcp", "ports": [5432], "destinations": ["192.0.2.2"]},
        {
            "name": "containers",
            "protocol": "tcp",
            "ports": [80],
            "destinations": ["public"],
            "sources": ["172.17.0.0/16"],
        },
    ]
    matrix = filters["firewall_matrix"]([EDGE, DATA, {**APP, "egress": out}], "app1")
    assert ("data1", "192.0.2.2", 5432, True, "postgresql", True) in table(matrix)
    assert ("edge1", "192.0.2.1", 80, False, "egress of app1", False) in table(matrix)


@pytest.mark.parametrize(
    ("hosts", "source", "words"),
    [
        ({}, "a", "takes a list of hosts, got dict"),
        ([{"name": "a"}], "a", "every host is a mapping with addresses, name, rules"),
        ([{**APP, "ports": []}], "app1", "optionally egress, groups, listening"),
        ([APP, APP], "app1", "host app1 is listed twice"),
        ([APP], "edge1", "edge1 is none of the hosts app1"),
        ([EDGE, {**DATA, "groups": {}}], "edge1", "rule postgresql: 'app' is neither an address nor one of the groups"),
    ],
)
def test_what_cannot_be_meant_is_refused(refusal: Callable[..., str], hosts: Any, source: str, words: str) -> None:
    assert words in refusal("firewall_matrix", hosts, source)


PAIR = {
    "source": "edge1",
    "sender": "192.0.2.1",
    "destination": "data1",
    "address": "192.0.2.2",
    "port": 5432,
    "listening": True,
}
START = "edge1 to port 5432 of data1 (192.0.2.2) "


@pytest.mark.parametrize(
    ("allowed", "found", "listening", "sentence"),
    [
        (True, "open", True, ""),
        (True, "dropped", True, "is dropped, but rule postgresql opens it: reload"),
        (True, "unreachable", False, "has no way there, but rule postgresql opens it: check routes"),
        (True, "refused", True, "is refused though something listens, but rule postgresql opens it: look"),
        (False, "dropped", True, ""),
        (False, "unreachable", True, ""),
        (False, "open", True, "is open, but rule postgresql leaves it out: run site.yml"),
        (
            False,
            "refused",
            False,
            "is refused, not dropped, but rule postgresql leaves it out: the firewall does not cover it",
        ),
    ],
)
def test_each_outcome(filters: Filters, allowed: bool, found: str, listening: bool, sentence: str) -> None:
    pair = {**PAIR, "allowed": allowed, "rule": "postgresql", "listening": listening}
    told = filters["firewall_differences"]([pair], [{"found": found, "sender": "192.0.2.1"}])
    assert [line.startswith(START + sentence) for line in told["differences"]] == [True] * bool(sentence)
    assert told["silent"] == []


def test_where_nobody_listens_is_told_apart_once(filters: Filters) -> None:
    pair = {**PAIR, "allowed": True, "rule": "postgresql", "listening": False}
    told = filters["firewall_differences"]([pair, {**pair, "source": "app1"}], [{"found": "refused"}] * 2)
    assert told == {"differences": [], "silent": ["data1 5432"]}
    other = filters["firewall_differences"](
        [pair, {**pair, "address": "2001:db8::2"}], [{"found": "open"}, {"found": "refused"}]
    )
    assert other["silent"] == []  # a service may listen in one family alone


def test_an_address_that_is_not_the_inventorys_is_named(filters: Filters) -> None:
    pair = {**PAIR, "allowed": False, "rule": ""}
    told = filters["firewall_differences"]([pair], [{"found": "open", "sender": "10.0.0.9"}])
    assert "no rule opens it; it comes from 10.0.0.9, not from 192.0.2.1" in told["differences"][0]


@pytest.mark.parametrize(
    ("matrix", "probed", "words"),
    [
        ([PAIR], [], "for each of its entries"),
        ({}, [], "for each of its entries"),
        ([PAIR], [{"found": "maybe"}], "found is 'maybe'"),
    ],
)
def test_what_a_probe_cannot_say_is_refused(refusal: Callable[..., str], matrix: Any, probed: Any, words: str) -> None:
    assert words in refusal("firewall_differences", matrix, probed)


ADDRESSES = st.ip_addresses(v=4, network=ipaddress.ip_network("192.0.2.0/24")).map(str)


@given(st.lists(ADDRESSES, min_size=2, max_size=5, unique=True), st.sets(st.integers(1, 65535), max_size=4), st.data())
def test_what_is_declared_for_a_sender_is_allowed_and_nothing_else(
    filters: Filters, known: list[str], ports: set[int], data: Any
) -> None:
    sources = {port: data.draw(st.lists(st.sampled_from(known), max_size=3)) for port in sorted(ports)}
    rules = [{"name": f"r{port}", "port": port, "sources": listed} for port, listed in sources.items()]
    hosts = [{"name": address, "addresses": [address], "rules": rules} for address in known]
    for sender in known:
        matrix = filters["firewall_matrix"](hosts, sender)
        assert len(matrix) == len(ports) * (len(known) - 1)
        assert all(pair["allowed"] == (sender in sources[pair["port"]]) for pair in matrix)
