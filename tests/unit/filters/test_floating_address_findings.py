"""What keeps hosts from sharing an address, one sentence each (NGX-17: the address clients know)."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]

HOSTS: list[dict[str, Any]] = [{"name": "edge1", "address": "192.0.2.11"}, {"name": "edge2", "address": "192.0.2.12"}]


def found(filters: Filters, **options: Any) -> list[str]:
    """Return the findings of edge1 with some options, named without their prefix."""
    given = {"addresses": [], "hosts": HOSTS, "interface": "", "router_id": 51, "check_port": 8081, **options}
    result: list[str] = filters["floating_address_findings"](
        {f"floating_address_{name}": value for name, value in given.items()}, "edge1"
    )
    return result


def test_what_can_be_shared(filters: Filters) -> None:
    assert found(filters, addresses=["192.0.2.100", "2001:db8::100", "192.0.2.9"]) == []


def test_nothing_shared_is_fine(filters: Filters) -> None:
    """Most groups share none."""
    assert found(filters, hosts=[]) == []


@pytest.mark.parametrize(
    ("addresses", "hosts", "finding"),
    [
        (
            ["192.0.2.100/24", "192.0.2.101"],
            HOSTS,
            "floating_address_addresses has 192.0.2.100/24; write each address once, without a prefix, "
            "such as 192.0.2.10",
        ),
        (
            ["192.0.2.100", "192.0.2.100"],
            HOSTS,
            "floating_address_addresses has 192.0.2.100; write each address once, without a prefix, such as 192.0.2.10",
        ),
        *[
            (
                [address, "192.0.2.101"],
                HOSTS,
                f"floating_address_addresses has {address}; write each address once, without a prefix, "
                "such as 192.0.2.10",
            )
            for address in ("127.0.0.1", "0.0.0.0", "224.0.0.18", "fe80::1%eth0", "edge.example")
        ],
        (
            ["192.0.2.100", "2001:db8::100", "2001:DB8:0::100"],
            HOSTS,
            "floating_address_addresses has 2001:db8::100; write each address once, without a prefix, "
            "such as 192.0.2.10",
        ),
        (
            ["192.0.2.100"],
            [HOSTS[0], {"name": "edge2", "address": "edge2.example"}],
            "floating_address_hosts has edge2 with 'edge2.example'; give its address, keepalived looks up no names",
        ),
        (
            ["2001:DB8::12", "2001:db8::100"],
            [{"name": "edge1", "address": "2001:db8::11"}, {"name": "edge2", "address": "2001:db8:0::12"}],
            "floating_address_addresses has 2001:db8:0::12, the address of edge2 itself; "
            "choose one that belongs to no host",
        ),
        (
            ["192.0.2.12"],
            HOSTS,
            "floating_address_addresses has 192.0.2.12, the address of edge2 itself; "
            "choose one that belongs to no host",
        ),
        (
            ["192.0.2.100"],
            HOSTS[:1],
            "floating_address_hosts has edge1; name 2 to 32 hosts, edge1 among them",
        ),
        (
            ["192.0.2.100"],
            [HOSTS[1], {"name": "edge3", "address": "192.0.2.13"}],
            "floating_address_hosts has edge2, edge3; name 2 to 32 hosts, edge1 among them",
        ),
        (
            ["192.0.2.100"],
            [HOSTS[0], {"name": "edge2", "address": "2001:db8::12"}],
            "floating_address_hosts has addresses of both families; give all hosts one of the same family",
        ),
        (
            ["2001:db8::100"],
            HOSTS,
            "floating_address_addresses has none of the family of 192.0.2.11, 192.0.2.12; add one, "
            "because VRRP announces addresses of that family only",
        ),
    ],
)
def test_what_is_refused(filters: Filters, addresses: list[str], hosts: list[dict[str, Any]], finding: str) -> None:
    assert found(filters, addresses=addresses, hosts=hosts) == [finding]


@pytest.mark.parametrize(
    ("interface", "number", "findings"),
    [
        ("", 1, []),
        ("eth0.100", 255, []),
        ("br-lan", 51, []),
        ("eth0", 0, ["floating_address_router_id is 0; choose 1 to 255"]),
        ("eth0", 256, ["floating_address_router_id is 256; choose 1 to 255"]),
        ("a" * 16, 51, [f"floating_address_interface is {'a' * 16!r}; write the name of an interface, such as eth0"]),
        ("eth0 }", 51, ["floating_address_interface is 'eth0 }'; write the name of an interface, such as eth0"]),
        ("..", 51, ["floating_address_interface is '..'; write the name of an interface, such as eth0"]),
    ],
)
def test_options_of_keepalived(filters: Filters, interface: str, number: int, findings: list[str]) -> None:
    """Even while no address is shared: they count as soon as one is."""
    assert found(filters, interface=interface, router_id=number) == findings


def test_without_any_host(filters: Filters) -> None:
    """The role used alone, its hosts forgotten."""
    assert found(filters, addresses=["192.0.2.100"], hosts=[]) == [
        "floating_address_hosts has nobody; name 2 to 32 hosts, edge1 among them"
    ]


def test_options_are_a_mapping(refusal: Refusal) -> None:
    assert refusal("floating_address_findings", [], "edge1") == "options must be a dict, got list"
