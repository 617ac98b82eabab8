"""What a host was before: firewalls of others (A10) and a redis.conf of somebody else (A5).

The rule sets are what nft 1.0.6 lists for rules loaded with it and with iptables 1.8.9, shortened to what is read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Entry = dict[str, Any]
MATCH: Entry = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}
COUNTER: Entry = {"counter": {"packets": 0, "bytes": 0}}
DROP: Entry = {"drop": None}
REJECT: Entry = {"reject": {"type": "icmpx", "expr": "admin-prohibited"}}
XT_REJECT: Entry = {"xt": {"type": "target", "name": "REJECT"}}
LIMIT: Entry = {"limit": {"rate": 5, "burst": 5, "per": "second"}}
LOG: Entry = {"log": {"prefix": "x"}}
HOLDFAST: Entry = {"table": {"family": "inet", "name": "holdfast"}}


def chain(place: str, name: str, hook: str = "", policy: str = "accept") -> Entry:
    family, table = place.split()
    base = {"type": "filter", "hook": hook, "prio": 0, "policy": policy} if hook else {}
    return {"chain": {"family": family, "table": table, "name": name, **base}}


def rule(place: str, name: str, *expressions: Entry) -> Entry:
    family, table = place.split()
    return {"rule": {"family": family, "table": table, "chain": name, "expr": list(expressions)}}


@pytest.fixture
def host_facts(load_module: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = load_module("host_facts")
    monkeypatch.setattr(module, "ETC", tmp_path)
    monkeypatch.setattr(module, "REDIS", tmp_path / "redis.conf")
    monkeypatch.setattr(module, "LEGACY", {"iptables-legacy": tmp_path / "names"})
    monkeypatch.setattr(module, "IPTABLES", tmp_path / "xtables-legacy-multi")
    monkeypatch.setattr(module.os, "geteuid", lambda: 0)
    return module


@pytest.mark.parametrize(
    "ruleset",
    [
        [],
        [chain("inet holdfast", "input", "input", "drop")],
        [chain("inet filter", "input", "input")],
        [chain("inet f2b-table", "f2b-chain", "input"), rule("inet f2b-table", "f2b-chain", MATCH, REJECT)],
        [chain("inet a", "b", "input"), rule("inet a", "b", LIMIT, DROP)],
        [chain("inet a", "b", "postrouting", "drop")],
        [chain("ip filter", "FORWARD", "forward", "drop"), chain("ip filter", "DOCKER-USER")],
        [chain("ip docker-bridges", "filter-FORWARD", "forward", "drop")],  # Docker with nftables
        [chain("inet a", "jumped"), rule("inet a", "jumped", DROP)],
    ],
)
def test_rules_of_ours_of_docker_and_those_that_drop_what_they_name_are_no_rivals(
    host_facts: ModuleType, ruleset: list[Entry]
) -> None:
    assert host_facts.closed_chains(ruleset) == []


@pytest.mark.parametrize(
    ("ruleset", "place", "hook"),
    [
        ([chain("ip filter", "INPUT", "input", "drop")], "ip filter", "input"),
        ([chain("inet filter", "raw", "prerouting", "drop")], "inet filter", "prerouting"),
        ([chain("inet filter", "out", "output", "drop")], "inet filter", "output"),
        ([chain("ip filter", "FORWARD", "forward", "drop")], "ip filter", "forward"),
        # firewalld, and the last line of many scripts
        (
            [
                chain("inet firewalld", "filter_INPUT", "input"),
                rule("inet firewalld", "filter_INPUT", COUNTER, LOG, REJECT),
            ],
            "inet firewalld",
            "input",
        ),
        ([chain("ip filter", "INPUT", "input"), rule("ip filter", "INPUT", COUNTER, XT_REJECT)], "ip filter", "input"),
        ([chain("ip6 filter", "INPUT", "input"), rule("ip6 filter", "INPUT", COUNTER, DROP)], "ip6 filter", "input"),
        # A script's own chain, as iptables-nft and nft write the way there
        (
            [
                chain("ip filter", "INPUT", "input"),
                rule("ip filter", "INPUT", COUNTER, {"jump": {"target": "site"}}),
                rule("ip filter", "site", COUNTER, {"goto": {"target": "rest"}}),
                rule("ip filter", "rest", COUNTER, DROP),
            ],
            "ip filter",
            "input",
        ),
        # Docker's chains are in another family than the one that is closed
        (
            [chain("ip6 filter", "FORWARD", "forward", "drop"), chain("ip filter", "DOCKER-USER")],
            "ip6 filter",
            "forward",
        ),
    ],
)
def test_a_chain_that_lets_in_only_what_it_knows(
    host_facts: ModuleType, ruleset: list[Entry], place: str, hook: str
) -> None:
    family, table = place.split()
    assert host_facts.closed_chains([HOLDFAST, *ruleset]) == [{"family": family, "table": table, "hook": hook}]


@pytest.mark.parametrize(
    ("text", "closed"),
    [
        (":INPUT DROP [0:0]\n", True),
        (":OUTPUT DROP [0:0]\n", True),
        ("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j DROP\n", True),
        ("-A INPUT -j REJECT --reject-with icmp-port-unreachable\n", True),
        ('-A INPUT -m comment --comment "the \\"rest\\"" -j DROP\n', True),
        # As a host with iptables-legacy and a chain of a script's own showed it
        ("-A INPUT -j site\n-A site -p tcp -m tcp --dport 22 -j ACCEPT\n-A site -g rest\n-A rest -j DROP\n", True),
        ("-A INPUT -j site\n-A site -s 192.0.2.1/32 -j DROP\n-A site -j RETURN\n", False),  # fail2ban, on all ports
        ("-A INPUT -p tcp -j site\n-A other -j DROP\n", False),
        ("-A INPUT -j site\n-A site -j other\n-A other -j site\n", False),
        ("-A FORWARD -j DOCKER-USER\n-A DOCKER-USER -j DROP\n", False),
        (":INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd\n", False),
        ("-A INPUT -s 192.0.2.1/32 -j DROP\n", False),
        ("-A INPUT -j DROPPED\n", False),
        ("", False),
    ],
)
def test_rules_as_iptables_saves_them(host_facts: ModuleType, text: str, closed: bool) -> None:
    assert host_facts.closed_text(text) is closed


def enable(tmp_path: Path, unit: str) -> None:
    wants = tmp_path / "systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (wants / f"{unit}.service").touch()


@pytest.mark.parametrize(
    ("unit", "there", "found"),
    [
        ("ufw", {"ufw/ufw.conf": "ENABLED=yes\n"}, ["ufw"]),
        ("ufw", {"ufw/ufw.conf": "# ENABLED=yes\nENABLED=no\n"}, []),
        ("ufw", {}, []),
        ("", {"ufw/ufw.conf": "ENABLED=yes\n"}, []),
        ("firewalld", {}, ["firewalld"]),
        ("", {}, []),
        ("netfilter-persistent", {"iptables/rules.v6": ":INPUT DROP [0:0]\n"}, ["netfilter-persistent"]),
        ("netfilter-persistent", {"iptables/rules.v4": ":INPUT ACCEPT [0:0]\n"}, []),
        (
            "nftables",
            {"nftables.conf": "table inet f {\n chain i {\n  type filter hook input priority 0; policy drop;\n }\n}\n"},
            ["nftables"],
        ),
        # As Debian ships it
        (
            "nftables",
            {
                "nftables.conf": "flush ruleset\n\ntable inet filter {\n\tchain input {\n"
                "\t\ttype filter hook input priority filter;\n\t}\n"
                "\tchain forward {\n\t\ttype filter hook forward priority filter;\n\t}\n}\n"
            },
            [],
        ),
        ("nftables", {"nftables.conf": "# type filter hook input priority 0; policy drop;\n"}, []),
        (
            "nftables",
            {
                "nftables.conf": "chain i { type filter hook input priority 0; }\n"
                "chain f { type filter hook forward priority 0; policy drop; }"
            },
            [],
        ),
    ],
)
def test_who_loads_rules_at_boot(
    host_facts: ModuleType, tmp_path: Path, unit: str, there: dict[str, str], found: list[str]
) -> None:
    if unit:
        enable(tmp_path, unit)
    for name, text in there.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert host_facts.firewall_owners() == found


@pytest.mark.parametrize(
    ("answer", "there", "flushed"),
    [
        ('{"nftables": [{"table": {"family": "inet", "name": "holdfast"}}]}', ["holdfast"], False),
        ('{"nftables": []}', ["holdfast"], True),
        ('{"nftables": []}', [], False),
        ("", ["holdfast"], False),
    ],
)
def test_rules_that_were_flushed(
    host_facts: ModuleType, monkeypatch: pytest.MonkeyPatch, answer: str, there: list[str], flushed: bool
) -> None:
    """Where nft says nothing, nothing is known."""
    monkeypatch.setattr(host_facts, "output", lambda *argv: answer if argv[0] == "nft" else "")
    for name in there:
        (host_facts.ETC / name).mkdir()
        (host_facts.ETC / name / "firewall.nft").touch()
    assert host_facts.firewall() == {"owners": [], "chains": [], "legacy": [], "flushed": flushed}


@pytest.mark.parametrize(("names", "legacy"), [("nat\nfilter\n", ["iptables-legacy"]), ("nat\n", []), ("", [])])
def test_rules_of_iptables_legacy_are_asked_for_where_there_are_some(
    host_facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: str, legacy: list[str]
) -> None:
    """The program loads the kernel's modules, so it is not called for nothing."""
    called = []

    def output(*argv: str) -> str:
        called.append(argv)
        return ":INPUT DROP [0:0]\n" if argv[0] == "iptables-legacy-save" else ""

    monkeypatch.setattr(host_facts, "output", output)
    (tmp_path / "names").write_text(names)
    assert host_facts.firewall()["legacy"] == legacy
    assert (("iptables-legacy-save", "-t", "filter") in called) is bool(legacy)


def test_a_host_without_nft_is_asked_by_its_iptables(
    host_facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        host_facts, "output", lambda *argv: ":INPUT DROP [0:0]\n" if argv[0] == "ip6tables-save" else ""
    )
    assert host_facts.firewall()["chains"] == []
    monkeypatch.setattr(host_facts, "IPTABLES", tmp_path / "xtables-nft-multi")
    assert host_facts.firewall()["chains"] == [{"family": "ip6", "table": "filter", "hook": "input"}]


def test_a_redis_conf_of_somebody_else_without_its_passwords(host_facts: ModuleType, tmp_path: Path) -> None:
    assert host_facts.redis() == {}
    (tmp_path / "redis.conf").write_text(
        '# dir /commented\n\ndir /srv/redis\nappenddirname "appendonlydir"\nRequirePass very-secret\n'
        "user a on >secret\nsave 900 1\nsave 300 10\nbare\n"
    )
    assert host_facts.redis() == {
        "dir": ["/srv/redis"],
        "appenddirname": ["appendonlydir"],
        "requirepass": ["hidden"],
        "user": ["hidden"],
        "save": ["900 1", "300 10"],
    }
    (tmp_path / "redis.conf").write_text("# Managed by Holdfast; changes\ndir /srv/redis\n")
    assert host_facts.redis() == {}
