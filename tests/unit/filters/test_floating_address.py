"""Who may share an address with whom, and what each host of the group says (NGX-17: the address clients know)."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]

HOSTS: list[dict[str, Any]] = [{"name": "edge1", "address": "192.0.2.11"}, {"name": "edge2", "address": "192.0.2.12"}]


def test_what_each_host_says(filters: Filters) -> None:
    """The first of the group wins when both begin at once; nobody is its own peer."""
    addresses = ["192.0.2.100", "2001:db8::100", "192.0.2.9"]
    assert filters["vrrp_plan"](addresses, HOSTS, "edge1") == {
        "address": "192.0.2.11",
        "peers": ["192.0.2.12"],
        "priority": 200,
        "announced": ["192.0.2.9", "192.0.2.100"],
        "others": ["2001:db8::100"],
    }
    other = filters["vrrp_plan"](addresses, HOSTS, "edge2")
    assert (other["address"], other["peers"], other["priority"]) == ("192.0.2.12", ["192.0.2.11"], 199)


def test_what_a_plan_needs(filters: Filters, refusal: Refusal) -> None:
    """What the findings have let pass; one address as text is what people try first."""
    assert refusal("vrrp_plan", "192.0.2.100", HOSTS, "edge1") == "vrrp_plan takes addresses and hosts, two lists"
    assert refusal("vrrp_plan", [], HOSTS, "edge9") == "floating_address_hosts has edge1, edge2; add edge9"
    assert refusal("vrrp_plan", [], [], "edge9") == "floating_address_hosts has nobody; add edge9"
    assert filters["vrrp_plan"]([], HOSTS, "edge1")["announced"] == []


@given(numbers=st.lists(st.integers(1, 250), min_size=2, max_size=32, unique=True))
def test_hosts_agree(filters: Filters, numbers: list[int]) -> None:
    """No two have the same priority, and everybody hears everybody else."""
    hosts = [{"name": f"h{number}", "address": f"192.0.2.{number}"} for number in numbers]
    plans = [filters["vrrp_plan"](["192.0.2.251"], hosts, host["name"]) for host in hosts]
    assert len({plan["priority"] for plan in plans}) == len(hosts)
    assert all(1 <= plan["priority"] <= 254 for plan in plans)
    everybody = {host["address"] for host in hosts}
    assert all({plan["address"], *plan["peers"]} == everybody for plan in plans)
