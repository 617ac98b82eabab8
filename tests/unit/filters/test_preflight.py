"""Preflight findings: one sentence with a fix for everything that stands in the way (HST-11, HST-12)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

FIT = {
    "distribution": "Debian",
    "distribution_release": "trixie",
    "distribution_major_version": "13",
    "python_version": "3.13.5",
    "service_mgr": "systemd",
    "user_id": 0,
    "clock_skew_seconds": 0.4,
    "disk_free_mb": {"/": 5000, "/var": 5000},
    "resolved_names": {"deb.debian.org": ["198.51.100.8"], "www.example.org": ["203.0.113.7", "2001:db8::7"]},
}
WANTED: dict[str, Any] = {
    "host": "web1",
    "releases": ["bookworm", "trixie"],
    "disk_mb": 1024,
    "addresses": {"www.example.org": "203.0.113.7"},
}


@pytest.fixture
def findings(filters: dict[str, Callable[..., Any]]) -> Callable[..., list[str]]:
    return filters["preflight_findings"]


def test_a_fit_host_has_no_findings(findings: Callable[..., list[str]]) -> None:
    assert findings(FIT, WANTED) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"distribution": "Ubuntu", "distribution_release": "noble", "distribution_major_version": "24"},
            "web1 runs Ubuntu 24 (noble); Holdfast supports Debian bookworm and trixie: upgrade it, or use another "
            "host",
        ),
        (
            {"distribution_release": "bullseye", "distribution_major_version": "11"},
            "web1 runs Debian 11 (bullseye); Holdfast supports Debian bookworm and trixie: upgrade it, or use "
            "another host",
        ),
        ({"python_version": "3.8.1"}, "web1 has Python 3.8.1; point ansible_python_interpreter to 3.9 or newer"),
        ({"service_mgr": "init"}, "web1 is run by init; process 1 must be systemd"),
        ({"user_id": 1000}, "web1 is reached without root rights; set ansible_become: true"),
        (
            {"clock_skew_seconds": 95.0},
            "clock of web1 is 95.0 s off the controller's; run `timedatectl set-ntp true` there",
        ),
        (
            {"disk_free_mb": {"/": 5000, "/var": 200}},
            "web1 has 200 MB free on /var, preflight_disk_mb asks for 1024; make room or lower it",
        ),
        (
            {"resolved_names": {"deb.debian.org": []}},
            "web1 cannot resolve deb.debian.org; check /etc/resolv.conf there, or preflight_names",
        ),
        (
            {"resolved_names": {"www.example.org": ["192.0.2.1"]}},
            "web1 finds www.example.org at 192.0.2.1, preflight_addresses says 203.0.113.7; "
            "correct the DNS record, or the variable",
        ),
    ],
)
def test_what_stands_in_the_way_is_one_sentence(
    findings: Callable[..., list[str]], change: dict[str, Any], sentence: str
) -> None:
    assert findings(FIT | change, WANTED) == [sentence]


@pytest.mark.parametrize(
    "change",
    [
        {"distribution_release": "bookworm", "distribution_major_version": "12"},
        {"python_version": "3.9.0"},
        {"python_version": "3.10.1"},
        {"clock_skew_seconds": 30.0},
        {"disk_free_mb": {"/": 1024, "/var": 1024}},
        {"resolved_names": {"www.example.org": ["2001:db8::7", "203.0.113.7"]}},
        {"firewall": {"flushed": True}},  # site.yml loads them again
    ],
)
def test_what_is_just_good_enough_has_no_findings(findings: Callable[..., list[str]], change: dict[str, Any]) -> None:
    assert findings(FIT | change, WANTED) == []


@pytest.mark.parametrize(
    ("change", "count"),
    [
        ({"python_version": "3.9.0", "clock_skew_seconds": 30.1}, 1),
        ({"disk_free_mb": {"/": 1023, "/var": 1024}}, 1),
        ({"distribution": "Ubuntu", "distribution_release": "trixie"}, 1),
    ],
)
def test_what_is_just_not_good_enough_is_told(
    findings: Callable[..., list[str]], change: dict[str, Any], count: int
) -> None:
    assert len(findings(FIT | change, WANTED)) == count


def test_names_that_a_flush_took_along_are_not_blamed(findings: Callable[..., list[str]]) -> None:
    """`nft flush ruleset` ends the redirect to a DNS server as well, such as Docker's in a container."""
    lost: dict[str, Any] = {
        "resolved_names": {"deb.debian.org": [], "b.example": [], "www.example.org": ["203.0.113.7"]}
    }
    assert findings(FIT | lost | {"firewall": {"flushed": True}}, WANTED) == [
        "the firewall rules of web1 were flushed, those of other programs with them, and it cannot resolve "
        "deb.debian.org, b.example since; restart the host, which loads the rules of all again"
    ]
    assert len(findings(FIT | lost | {"firewall": {"flushed": False}}, WANTED)) == 2


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (
            {"unreachable": True, "msg": "Connection\nrefused"},
            "does not answer over SSH (Connection refused); check ansi",
        ),
        ({"msg": "sudo: a password is required"}, "does not let the SSH user become root (sudo: a password"),
        ({"msg": "/usr/bin/python3: not found"}, "could not be examined (/usr/bin/python3: not found); Python 3 must"),
        (
            {"msg": "Missing sudo password"},
            "does not let the SSH user become root (Missing sudo password); allow it in su",
        ),
        (
            {"msg": "The module interpreter '/usr/bin/python3' was not found."},
            "was not found.); Python 3 must be installed there",
        ),
        (
            {
                "msg": "MODULE FAILURE",
                "module_stderr": "env: '/usr/bin/python3': No such file or directory\r\n",
                "rc": 127,
            },
            "(env: '/usr/bin/python3': No such file or directory); Python 3 must be installed there",
        ),
        (
            {"msg": "MODULE FAILURE", "module_stderr": "/bin/sh: 1: /usr/bin/python3.11: not found\n"},
            "python3.11: not found); Python 3 must be installed there",
        ),
        (
            {
                "msg": "No start of json char found",
                "module_stderr": "Traceback …\nFileNotFoundError: '/x/9.6/main/pg_wal'\n",
            },
            "could not be examined (FileNotFoundError: '/x/9.6/main/pg_wal'); the same run with -vvv",
        ),
        (
            {"msg": "non-zero return code", "stderr": "KeyError: 'stanza'", "rc": 1},
            "could not be examined (KeyError: 'stanza'); the same run with -vvv shows all",
        ),
        (
            {"msg": "x", "module_stderr": "FileNotFoundError: No such file or directory: '/opt/python3/lib'"},
            "could not be examined (FileNotFoundError: No such file or directory: '/opt/python3/lib'); the same run",
        ),
        (None, "could not be examined (no answer); the same run with -vvv"),
    ],
)
def test_a_failed_first_contact_is_explained(
    findings: Callable[..., list[str]], probe: dict[str, Any] | None, words: str
) -> None:
    [sentence] = findings({}, WANTED | {"probe": probe})
    assert sentence.startswith("web1 ")
    assert words in sentence


NETWORK = {
    "interfaces": ["eth0", "lo"],
    "all_ipv4_addresses": ["192.0.2.31"],
    "all_ipv6_addresses": ["2001:db8::31", "fe80::31"],
    "foreign_addresses": False,
}


@pytest.mark.parametrize(
    "addresses",
    [
        ["192.0.2.31", "2001:db8:0::31", "fe80::31%eth0"],  # its own, however they are written
        ["localhost", "*", "0.0.0.0", "::", "127.0.0.1", "127.0.1.1", "::1", "::*"],
        ["-192.0.2.99"],  # Redis: if it is there
        ["172.17.0.1"],  # Docker makes it
    ],
)
def test_addresses_to_listen_on(findings: Callable[..., list[str]], addresses: list[str]) -> None:
    wanted = WANTED | {"listen": {"redis_bind": addresses}, "later": ["172.17.0.1"], "interfaces": {"x": "eth0"}}
    assert findings(FIT | NETWORK, wanted) == []


def test_an_address_that_the_host_lacks_is_refused_once(findings: Callable[..., list[str]]) -> None:
    wanted = WANTED | {
        "listen": {"postgresql_listen_addresses": ["localhost", "192.0.2.13"], "redis_bind": ["192.0.2.13", "fd00::1"]}
    }
    has = "it has 192.0.2.31, 2001:db8::31; name one of its own"
    assert findings(FIT | NETWORK, wanted) == [
        f"postgresql_listen_addresses and redis_bind: web1 does not have the address 192.0.2.13, {has}",
        f"redis_bind: web1 does not have the address fd00::1, {has}",
    ]
    assert findings(FIT | NETWORK | {"foreign_addresses": True}, wanted) == []
    assert findings(FIT, wanted) == []  # nobody has looked
    bare: dict[str, Any] = {"all_ipv4_addresses": [], "all_ipv6_addresses": []}
    assert "fd00::1, it has none; name" in findings(FIT | NETWORK | bare, wanted)[-1]


def test_an_interface_that_the_host_lacks_is_refused(findings: Callable[..., list[str]]) -> None:
    assert findings(FIT | NETWORK, WANTED | {"interfaces": {"floating_address_interface": "ens3"}}) == [
        "floating_address_interface: web1 does not have the interface ens3, it has eth0, lo; name one of those"
    ]


def test_a_system_that_could_not_be_found_out_is_not_judged(findings: Callable[..., list[str]]) -> None:
    """It is a finding of its own; the others are still told."""
    for name in ("distribution", "service_mgr"):
        facts = {key: value for key, value in FIT.items() if key != name} | {"disk_free_mb": {"/": 5}}
        assert findings(facts, WANTED) == [
            f"web1 has 5 MB free on /, preflight_disk_mb asks for {WANTED['disk_mb']}; make room or lower it"
        ]


def test_what_is_no_mapping_is_refused(refusal: Callable[..., str]) -> None:
    assert "two mappings" in refusal("preflight_findings", [], WANTED)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_disk_is_refused_exactly_below_the_limit(filters: dict[str, Callable[..., Any]], free: int, limit: int) -> None:
    found = filters["preflight_findings"](FIT | {"disk_free_mb": {"/": free}}, WANTED | {"disk_mb": limit})
    assert bool(found) == (free < limit)
