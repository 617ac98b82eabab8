"""Ports of a host's services are compared with each other and with who has them; no cure ends a service (HST-11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
OURS = {"postgresql": ["postgres"], "redis": ["redis-server"], "base": ["sshd"], "app": ["container api", "dockerd"]}


def service(role: str, port: int, *addresses: str, variable: str = "", protocol: str = "tcp") -> dict[str, Any]:
    listed = {"addresses": list(addresses)} if addresses else {}
    named = {"variable": variable} if variable else {}
    return {
        "name": role,
        "role": role,
        "port": port,
        "protocol": protocol,
        "holders": OURS.get(role, []),
        **listed,
        **named,
    }


POSTGRESQL = service("postgresql", 5432, "localhost", variable="postgresql_port")
WEB = service("nginx", 443)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("127.0.0.1",), ("192.0.2.1",)),
        (("127.0.0.1",), ("::1",)),
        (("0.0.0.0",), ("::1",)),
        (("::",), ("192.0.2.1",)),
        (("::*",), ("127.0.0.1",)),
        (("a.example",), ("192.0.2.1",)),
    ],
)
def test_services_apart_do_not_collide(filters: Filters, first: tuple[str, ...], second: tuple[str, ...]) -> None:
    ports = [service("a", 5432, *first), service("b", 5432, *second)]
    assert filters["port_collision_findings"](ports, "data1") == []


@pytest.mark.parametrize(
    "other",
    [
        service("redis", 6379, "127.0.0.1"),
        service("redis", 5432, "127.0.0.1", protocol="udp"),
        service("postgresql", 5432, "127.0.0.1"),  # compared within its role
    ],
)
def test_another_port_protocol_or_the_same_role_is_no_collision(filters: Filters, other: dict[str, Any]) -> None:
    assert filters["port_collision_findings"]([POSTGRESQL, other], "data1") == []


@pytest.mark.parametrize(
    ("addresses", "where"),
    [
        (("127.0.0.1",), "127.0.0.1"),
        (("-127.0.0.1", "192.0.2.1"), "127.0.0.1"),
        (("0:0::1",), "0:0::1"),
        (("0.0.0.0",), "127.0.0.1"),
        (("::",), "::1"),
        (("*",), "127.0.0.1, ::1"),
        (("::*",), "::1"),
        (("::1%lo",), "::1"),
    ],
)
def test_services_at_one_port_are_told_once_with_both_variables(
    filters: Filters, addresses: tuple[str, ...], where: str
) -> None:
    """Either of them may be moved."""
    redis = service("redis", 5432, *addresses, variable="redis_port")
    (said,) = filters["port_collision_findings"]([redis, POSTGRESQL], "data1")
    begins, _semicolon, cure = said.partition("; ")
    assert begins.startswith("redis and postgresql of data1 both want port 5432 at ")
    assert cure == "set redis_port or postgresql_port to another port"
    (turned,) = filters["port_collision_findings"]([POSTGRESQL, redis], "data1")
    assert turned.partition(" at ")[0] == "postgresql and redis of data1 both want port 5432"
    assert where in (begins.partition(" at ")[2], turned.partition(" at ")[2].partition(";")[0])


def test_who_cannot_move_is_not_told_to(filters: Filters) -> None:
    """nginx has 80 and 443 by definition, and both listen everywhere."""
    app = service("app", 443, variable="app_port")
    assert filters["port_collision_findings"]([WEB, app], "web1") == [
        "nginx and app of web1 both want port 443; set app_port to another port"
    ]


def held(process: str, port: int = 5432, **more: str) -> dict[str, Any]:
    return {"protocol": "tcp", "address": "0.0.0.0", "port": port, "process": process, **more}


REDIS = service("redis", 5432, "127.0.0.1", variable="redis_port")


@pytest.mark.parametrize(
    ("listening", "wanted", "words"),
    [
        (
            held("apache2", 443),
            [WEB],
            "apache2: stop apache2 there when nobody needs it",
        ),
        (
            held("docker-proxy", 443, container="blog"),
            [WEB],
            "container blog: stop container blog there when nobody needs it",
        ),
        (
            held("", 443),
            [WEB],
            "an unknown process: `ss -lntup 'sport = :443'` tells more",
        ),
        (
            held("systemd", 443),
            [WEB],
            "systemd: `systemctl list-sockets` names the unit that opened it, which may be disabled",
        ),
        (held("sshd", 443), [WEB], "sshd: it belongs to role base; give that one another port"),
        (
            held("memcached"),
            [REDIS],
            "memcached: set redis_port to another port, or: stop memcached there when nobody needs it",
        ),
        # It stays there
        (
            held("postgres"),
            [REDIS, POSTGRESQL],
            "postgres: it belongs to role postgresql; set redis_port to another port",
        ),
        # It is not among the roles of this host any more
        (
            held("postgres"),
            [REDIS],
            "postgres: it belongs to role postgresql; set redis_port to another port",
        ),
        # It goes to 5433
        (
            held("postgres"),
            [REDIS, {**POSTGRESQL, "port": 5433}],
            "postgres: role postgresql leaves it in this run; set redis_port "
            "to another port, and to this one in the next run",
        ),
        (
            held("sshd", 22),
            [service("app", 22, "192.0.2.1", variable="app_port")],
            "sshd: it belongs to role base; set app_port to another port",
        ),
        (
            held("quic", 443, protocol="udp"),
            [WEB, service("nginx", 443, protocol="udp")],
            "quic: stop quic there when nobody needs it",
        ),
        # A listener on :: has IPv4 too
        (
            held("java", address="::"),
            [REDIS],
            "java: set redis_port to another port, or: stop java there when nobody needs it",
        ),
        (
            held("java", address="::ffff:127.0.0.1"),
            [REDIS],
            "java: set redis_port to another port, or: stop java there when nobody needs it",
        ),
    ],
)
def test_who_holds_a_port_is_named_and_nothing_of_ours_is_ended(
    filters: Filters, listening: dict[str, Any], wanted: list[dict[str, Any]], words: str
) -> None:
    holder, _colon, cure = words.partition(": ")
    name, port = wanted[0]["name"], listening["port"]
    assert filters["held_port_findings"]([listening], wanted, "host1", OURS) == [
        f"port {port} of host1 is held by {holder}, {name} needs it; {cure}"
    ]


@pytest.mark.parametrize(
    "listening",
    [
        held("redis-server"),  # itself
        held("java", 5433),
        held("java", protocol="udp"),
        held("java", address="192.0.2.1"),
        held("java", address="::1"),
    ],
)
def test_others_elsewhere_are_not_in_the_way(filters: Filters, listening: dict[str, Any]) -> None:
    assert filters["held_port_findings"]([listening], [REDIS], "host1", OURS) == []


def test_no_finding_tells_to_end_what_is_ours(filters: Filters) -> None:
    """Of every process of ours and every service: the cure moves the one that is new."""
    for holder in ("postgres", "redis-server", "sshd", "dockerd"):
        for wanted in ({**REDIS, "holders": []}, {**WEB, "port": 5432}):
            for said in filters["held_port_findings"]([held(holder)], [wanted], "host1", OURS):
                assert "another port" in said
                assert not {"stop", "remove", "disable"} & set(said.replace("`", " ").split())
