"""A firewall of somebody else decides too (A10): each is named with the command that ends it, and only those."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
NONE: dict[str, Any] = {"owners": [], "chains": [], "legacy": [], "flushed": False}


def chain(family: str, table: str, hook: str) -> dict[str, str]:
    return {"family": family, "table": table, "hook": hook}


@pytest.fixture
def findings(filters: Filters) -> Callable[..., list[str]]:
    def judged(fact: dict[str, Any], host: str, forwards: bool) -> list[str]:
        rules = [{"published": False}, {"published": forwards}]
        found: list[str] = filters["firewall_rival_findings"]({"firewall": fact}, host, rules)
        return found

    return judged


@pytest.mark.parametrize(
    ("fact", "forwards"), [({}, True), (NONE, True), ({**NONE, "chains": [chain("ip", "filter", "forward")]}, False)]
)
def test_a_host_without_rivals_has_no_findings(
    findings: Callable[..., list[str]], fact: dict[str, Any], forwards: bool
) -> None:
    assert findings(fact, "web1", forwards) == []


def test_a_host_that_nobody_has_looked_at_has_none(filters: Filters) -> None:
    assert filters["firewall_rival_findings"]({}, "web1", []) == []


@pytest.mark.parametrize(
    ("owner", "cure"),
    [
        ("ufw", "run `ufw disable` there"),
        ("firewalld", "run `systemctl disable --now firewalld` there"),
        ("shorewall", "run `shorewall clear` and `systemctl disable shorewall` there"),
        ("nftables", "take `policy drop` out of /etc/nftables.conf, or run `systemctl disable nftables` there"),
        (
            "netfilter-persistent",
            "run `systemctl disable netfilter-persistent`, then `iptables -P INPUT ACCEPT; iptables -P OUTPUT ACCEPT; "
            "iptables -F INPUT; iptables -F OUTPUT`, the same with ip6tables, there",
        ),
    ],
)
def test_an_owner_is_named_with_what_ends_it(findings: Callable[..., list[str]], owner: str, cure: str) -> None:
    (said,) = findings({**NONE, "owners": [owner]}, "web1", True)
    assert said == (
        f"{owner} is on at web1, which drops what its own rules do not let in, whatever firewall_rules say; "
        f"enter into firewall_rules what it lets in, then {cure}"
    )


def test_tables_of_an_owner_are_told_once(findings: Callable[..., list[str]]) -> None:
    chains = [chain("ip", "filter", "input"), chain("ip6", "filter", "input"), chain("ip", "filter", "forward")]
    assert (
        len(findings({**NONE, "owners": ["ufw"], "chains": chains, "legacy": ["iptables-legacy"]}, "web1", True)) == 1
    )
    firewalld = [chain("inet", "firewalld", "input")]
    assert len(findings({**NONE, "owners": ["firewalld"], "chains": firewalld}, "web1", True)) == 1
    assert len(findings({**NONE, "owners": ["firewalld"], "chains": [*firewalld, *chains]}, "web1", True)) == 4


@pytest.mark.parametrize(
    ("one", "cure"),
    [
        (chain("inet", "filter", "input"), "take it out of what loads it and run `nft delete table inet filter`"),
        (
            chain("ip", "filter", "input"),
            "run `iptables -P INPUT ACCEPT; iptables -F INPUT`, and take it out of what loads it",
        ),
        (
            chain("ip6", "filter", "output"),
            "run `ip6tables -P OUTPUT ACCEPT; ip6tables -F OUTPUT`, and take it out of what loads it",
        ),
        # A flush of this chain would take Docker's rules along
        (chain("ip", "filter", "forward"), "run `iptables -P FORWARD ACCEPT`, and take it out of what loads it"),
    ],
)
def test_a_table_of_nobody_is_named_once(findings: Callable[..., list[str]], one: dict[str, str], cure: str) -> None:
    (said,) = findings({**NONE, "chains": [one, one]}, "web1", True)
    place = f"{one['family']} {one['table']} of somebody else (hook {one['hook']})"
    assert said.startswith(f"web1 has the firewall table {place}, which drops")
    assert said.endswith(cure)


def test_rules_of_iptables_legacy(findings: Callable[..., list[str]]) -> None:
    (said,) = findings({**NONE, "legacy": ["ip6tables-legacy"]}, "web1", False)
    assert said.startswith("web1 has rules of ip6tables-legacy, which drops")
    assert (
        "`ip6tables-legacy -P INPUT ACCEPT; ip6tables-legacy -P OUTPUT ACCEPT; ip6tables-legacy -F INPUT; ip6" in said
    )


def test_what_is_no_fact_is_refused(refusal: Callable[..., str]) -> None:
    assert "takes the facts" in refusal("firewall_rival_findings", [], "web1", [])
    assert "takes the facts" in refusal("firewall_rival_findings", {}, "web1", "yes")
