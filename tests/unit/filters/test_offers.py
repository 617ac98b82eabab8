"""What is read out of the offers of a host's roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
OFFERS: dict[str, dict[str, Any]] = {
    "base": {"packages": ["sudo", "cron", "sudo"], "held_by": ["sshd"]},
    "redis": {
        "packages": ["redis-server"],
        "memory": {"mb": 300, "set_by": "redis_maxmemory_mb", "percent": 25, "parts": {"redis fork headroom": 100}},
        "ports": [
            {
                "name": "redis",
                "port": 6379,
                "set_by": "redis_port",
                "addresses": ["10.0.0.3"],
                "listen_by": "redis_bind",
                "sources": ["app"],
                "sources_by": "redis_sources",
            },
        ],
        "held_by": ["redis-server"],
        "certificates": [{"name": "redis", "names": ["data1"]}],
        "units": ["redis-server.service"],
    },
    "postgresql": {
        "packages": ["cron", "postgresql-17"],
        "memory": {"minimum_mb": 200, "share": 1, "set_by": "postgresql_max_connections"},
        "ports": [{"name": "postgresql", "port": 5432, "sources": []}],
    },
    "nginx": {
        "memory": {"mb": 48, "set_by": "nginx_worker_connections"},
        "ports": [
            {"name": "nginx", "ports": [80, 443], "sources": ["public"]},
            {
                "name": "nginx-db",
                "port": 5432,
                "addresses": ["10.0.0.3"],
                "listen_by": "nginx_streams",
                "sources": ["app"],
            },
            {
                "name": "nginx-mail",
                "port": 25,
                "addresses": ["10.0.0.4"],
                "listen_by": "nginx_streams",
                "published": True,
                "protocol": "tcp",
                "sources": ["public"],
            },
        ],
        "units": ["nginx.service"],
    },
    "docker": {"memory": {"mb": 192}},
    "app": {"memory": {"mb": 0}},
    "floating_address": {"ports": [{"name": "floating-address", "protocol": "vrrp", "sources": ["10.0.0.9"]}]},
}


def test_lists_of_all_roles_in_their_order_each_thing_once(filters: Filters) -> None:
    assert filters["offered_list"](OFFERS, "packages") == ["sudo", "cron", "redis-server", "postgresql-17"]
    assert filters["offered_list"](OFFERS, "certificates") == [{"name": "redis", "names": ["data1"]}]
    assert filters["offered_list"](OFFERS, "seed_files") == []


def test_a_part_that_is_no_list_is_not_put_together(refusal: Callable[..., str]) -> None:
    assert "memory is no list of an offer" in refusal("offered_list", OFFERS, "memory")
    assert "package is no list of an offer" in refusal("offered_list", OFFERS, "package")


def test_parts_by_role_without_those_that_have_none(filters: Filters) -> None:
    found = filters["offered_by_role"]({**OFFERS, "backup": {"units": []}}, "units")
    assert found == {"redis": ["redis-server.service"], "nginx": ["nginx.service"]}


def test_rules_are_ports_that_somebody_may_reach(filters: Filters) -> None:
    assert filters["offered_rules"](OFFERS) == [
        {"name": "redis", "port": 6379, "sources": ["app"], "variable": "redis_sources"},
        {"name": "nginx", "ports": [80, 443], "sources": ["public"]},
        {"name": "nginx-db", "port": 5432, "sources": ["app"]},
        {"name": "nginx-mail", "port": 25, "protocol": "tcp", "sources": ["public"], "published": True},
        {"name": "floating-address", "protocol": "vrrp", "sources": ["10.0.0.9"]},
    ]


def test_what_services_connect_to_are_rules_for_what_leaves(filters: Filters) -> None:
    relay = {"name": "relay", "port": 587, "destinations": ["192.0.2.25"]}
    time = {"name": "time", "port": 123, "protocol": "udp", "destinations": ["public"], "sources": ["containers"]}
    offers = {
        "base": {"egress": [time]},
        "mail": {
            "egress": [{**relay, "destinations_by": "mail_relays"}, {"name": "ldap", "port": 636, "destinations": []}]
        },
        "news": {"egress": [time]},
        "redis": {},
    }
    assert filters["offer_findings"](offers) == []
    assert filters["offered_egress"](offers) == [time, {**relay, "variable": "mail_relays"}]
    assert filters["offered_egress"]({}) == []


def test_where_services_listen_by_the_variable_that_says_so(filters: Filters) -> None:
    assert filters["offered_listens"](OFFERS) == {"redis_bind": ["10.0.0.3"], "nginx_streams": ["10.0.0.3", "10.0.0.4"]}


def test_ports_one_by_one_with_their_holders(filters: Filters) -> None:
    only = {role: OFFERS[role] for role in ("base", "redis", "nginx", "floating_address")}
    nginx = {"role": "nginx", "protocol": "tcp", "holders": []}
    assert filters["offered_ports"](only) == [
        {"name": "redis", "role": "redis", "port": 6379, "protocol": "tcp", "holders": ["redis-server"],
         "addresses": ["10.0.0.3"], "variable": "redis_port"},
        {"name": "nginx", "port": 80, **nginx},
        {"name": "nginx", "port": 443, **nginx},
        {"name": "nginx-db", "port": 5432, "addresses": ["10.0.0.3"], **nginx},
        {"name": "nginx-mail", "port": 25, "addresses": ["10.0.0.4"], **nginx},
    ]  # fmt: skip


def test_udp_stays_udp(filters: Filters) -> None:
    found = filters["offered_ports"]({"dns": {"ports": [{"name": "dns", "port": 53, "protocol": "udp"}]}})
    assert found == [{"name": "dns", "role": "dns", "port": 53, "protocol": "udp", "holders": []}]


@given(st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(1, 65535), max_size=3)))
def test_every_port_is_asked_for_once(filters: Filters, ports: Any) -> None:
    offers = {role: {"ports": [{"name": role, "ports": listed}]} for role, listed in ports.items()}
    assert [entry["port"] for entry in filters["offered_ports"](offers)] == [p for each in ports.values() for p in each]


def test_claims_of_memory(filters: Filters) -> None:
    """A save of Redis is a row of its own, PostgreSQL has what is left, and nothing is no claim."""
    assert filters["memory_claims"](OFFERS) == [
        {"name": "redis", "memory_mb": 200},
        {"name": "redis fork headroom", "memory_mb": 100},
        {"name": "postgresql", "share": 1, "minimum_mb": 200},
        {"name": "nginx", "memory_mb": 48},
        {"name": "docker", "memory_mb": 192},
    ]


@pytest.mark.parametrize(
    "memory",
    [{"mb": "plenty"}, {"mb": True}, {"mb": 10, "parts": {"half": "5"}}, {"share": 1}, {"share": 1, "minimum_mb": "x"}],
)
def test_what_is_no_number_is_the_finding_of_its_role(filters: Filters, memory: dict[str, Any]) -> None:
    found = filters["memory_claims"]({"app": {"memory": memory}, "docker": {"memory": {"mb": 192}}})
    assert found == [{"name": "docker", "memory_mb": 192}]


def test_what_an_operator_changes_about_memory(filters: Filters) -> None:
    assert filters["memory_variables"](OFFERS) == {
        "redis": "redis_maxmemory_mb",
        "postgresql": "postgresql_max_connections",
        "nginx": "nginx_worker_connections",
    }
    assert filters["memory_percents"](OFFERS) == {"redis": 25}
    assert filters["memory_percents"]({"redis": {"memory": {"mb": 300, "percent": 0}}}) == {}


def test_claims_are_what_the_plan_takes(filters: Filters) -> None:
    claims, names = filters["memory_claims"](OFFERS), filters["memory_variables"](OFFERS)
    plan = filters["memory_plan"](claims, 4096, names, False, filters["memory_percents"](OFFERS))
    sizes = {entry["name"]: entry["memory_mb"] for entry in plan["services"]}
    assert sizes["redis"] + sizes["redis fork headroom"] == 300
    assert sizes["postgresql"] == 4096 - 410 - 300 - 48 - 192  # a tenth of the machine is the system's


def test_good_offers_have_no_findings(filters: Filters) -> None:
    assert filters["offer_findings"](OFFERS) == []
    assert filters["offer_findings"]({"mail": {}}) == []


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        (
            {"package": []},
            "mail_offer.package is no part of an offer; choose one of authorities, certificates, claims, egress, held",
        ),
        ({"packages": "postfix"}, "mail_offer.packages is 'postfix'; give a list"),
        ({"packages": [1]}, "mail_offer.packages is [1]; give a list of texts"),
        ({"memory": 10}, "mail_offer.memory is 10; give a mapping"),
        ({"memory": {"mib": 10}}, "mail_offer.memory has mib; its keys are mb, minimum_mb, parts, percent"),
        ({"probes": ["up"]}, "mail_offer.probes has 'up'; its keys are jobs, kind, lag_seconds, limit_minutes"),
        ({"probes": [{"kind": "queue", "limit": 9}]}, "mail_offer.probes has limit; its keys are jobs, kind"),
        ({"ports": [25]}, "mail_offer.ports has 25; its keys are addresses, listen_by, name"),
        ({"ports": [{"name": "smtp", "source": []}]}, "mail_offer.ports has source; its keys are"),
        (
            {"egress": [{"name": "relay", "to": []}]},
            "mail_offer.egress has to; its keys are destinations, destinations_by",
        ),
        ({"units": [{"name": "postfix.service"}]}, "give a list of texts"),
    ],
)
def test_what_no_reader_understands_is_refused(filters: Filters, offer: dict[str, Any], words: str) -> None:
    found = filters["offer_findings"]({"mail": offer})
    assert len(found) == 1
    assert words in found[0]
