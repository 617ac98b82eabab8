"""Who may share an address with whom, and what each host of the group says (NGX-17: the address clients know)."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]

HOSTS: list[dict[str, Any]] = [{"name": "edge1", "address": "192.0.2.11"}, {"name": "edge2", "address": "192.0.2.12"}]


def test_what_each_host_says(filters: Filters) -> None:
    """The first of the group wins when both begin at once; nobody is its own peer."""
    addresses = ["192.0.2.100", "2001:db8::100", "192.0.2.9"]
    assert filters["vrrp_findings"](addresses, HOSTS, "edge1") == []
    assert filters["vrrp_plan"](addresses, HOSTS, "edge1") == {
        "address": "192.0.2.11",
        "peers": ["192.0.2.12"],
        "priority": 200,
        "announced": ["192.0.2.9", "192.0.2.100"],
        "others": ["2001:db8::100"],
    }
    other = filters["vrrp_plan"](addresses, HOSTS, "edge2")
    assert (other["address"], other["peers"], other["priority"]) == ("192.0.2.12", ["192.0.2.11"], 199)


def test_nothing_shared_is_fine(filters: Filters, refusal: Refusal) -> None:
    """Most groups share none; then there is nothing to plan either."""
    assert filters["vrrp_findings"]([], [], "edge1") == []
    assert refusal("vrrp_plan", [], HOSTS, "edge1") == "floating_address_addresses is empty; there is nothing to plan"


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
            "floating_address_hosts has edge2 with 'edge2.example'; give its address, hosts look no names up for this",
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
            "hosts speak to each other about that",
        ),
    ],
)
def test_what_is_refused(
    filters: Filters, refusal: Refusal, addresses: list[str], hosts: list[dict[str, Any]], finding: str
) -> None:
    """One sentence each, with its cure; a plan is refused for the same."""
    assert filters["vrrp_findings"](addresses, hosts, "edge1") == [finding]
    assert refusal("vrrp_plan", addresses, hosts, "edge1") == finding


@pytest.mark.parametrize(
    ("interface", "number", "found"),
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
def test_options_of_keepalived(filters: Filters, interface: str, number: int, found: list[str]) -> None:
    """Also while no address is shared: they count as soon as one is."""
    assert filters["vrrp_option_findings"](interface, number) == found


def test_without_any_host(filters: Filters) -> None:
    """The role used alone, its hosts forgotten."""
    assert filters["vrrp_findings"](["192.0.2.100"], [], "edge1") == [
        "floating_address_hosts has nobody; name 2 to 32 hosts, edge1 among them"
    ]


def test_lists_are_lists(refusal: Refusal) -> None:
    """One address as text is what people try first."""
    assert refusal("vrrp_findings", "192.0.2.100", HOSTS, "edge1") == (
        "vrrp_findings takes addresses and hosts, two lists"
    )


@given(numbers=st.lists(st.integers(1, 250), min_size=2, max_size=32, unique=True))
def test_hosts_agree(filters: Filters, numbers: list[int]) -> None:
    """No two have the same priority, and everybody hears everybody else."""
    hosts = [{"name": f"h{number}", "address": f"192.0.2.{number}"} for number in numbers]
    plans = [filters["vrrp_plan"](["192.0.2.251"], hosts, host["name"]) for host in hosts]
    assert len({plan["priority"] for plan in plans}) == len(hosts)
    assert all(1 <= plan["priority"] <= 254 for plan in plans)
    everybody = {host["address"] for host in hosts}
    assert all({plan["address"], *plan["peers"]} == everybody for plan in plans)
