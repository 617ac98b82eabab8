"""Addresses of inventory groups, for firewall rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

NAMES = ["host_address", "host_address6"]


def test_both_families_are_read_and_missing_ones_skipped(filters: dict[str, Callable[..., Any]]) -> None:
    hostvars = {
        "a": {"host_address": "10.0.0.2", "host_address6": "fd00:0:0::2"},
        "b": {"host_address": "10.0.0.1"},
        "c": {"host_address6": "fd00::3"},
    }
    assert filters["group_addresses"]({"app": ["a", "b", "c"], "edge": []}, hostvars, NAMES) == {
        "app": ["10.0.0.1", "10.0.0.2", "fd00::2", "fd00::3"],
        "edge": [],
    }


def test_names_are_refused_because_they_change_under_a_firewall(refusal: Callable[..., str]) -> None:
    message = refusal("group_addresses", {"app": ["a"]}, {"a": {"host_address": "db.example.org"}}, NAMES)
    assert message.startswith("host_address of host a is 'db.example.org'; it must be an IP address")


def test_other_types_are_refused(refusal: Callable[..., str]) -> None:
    assert "a mapping of groups" in refusal("group_addresses", ["app"], {}, NAMES)


@given(st.lists(st.ip_addresses(), min_size=1, max_size=5))
def test_every_address_appears_once_in_any_order_of_hosts(filters: dict[str, Callable[..., Any]], given: Any) -> None:
    hostvars = {str(at): {"host_address": str(address)} for at, address in enumerate(given)}
    forward = filters["group_addresses"]({"g": list(hostvars)}, hostvars, NAMES)
    backward = filters["group_addresses"]({"g": list(reversed(hostvars))}, hostvars, NAMES)
    assert forward == backward == {"g": sorted({str(address) for address in given})}
