"""Settings of sshd with which it would not start, or nobody could connect."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
KNOWN = {
    "cipher": ["3des-cbc", "aes256-ctr", "aes256-gcm@openssh.com"],
    "mac": ["hmac-sha2-256", "hmac-sha2-512-etm@openssh.com"],
    "kex": ["curve25519-sha256", "sntrup761x25519-sha512@openssh.com"],
    "key-sig": ["ssh-ed25519", "rsa-sha2-512"],
}
OFFER = (
    "user bob\nciphers aes256-gcm@openssh.com,aes256-ctr\nkexalgorithms sntrup761x25519-sha512@openssh.com\nport 22\n"
)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("Ciphers", "rot13", "has rot13, which sshd of h1 does not know"),
        ("ciphers", "+rot13", "has rot13, which sshd of h1 does not know"),
        ("MACs", "hmac-sha2-256,hmac-md6", "has hmac-md6, which sshd of h1 does not know"),
        ("KexAlgorithms", "^aes256-ctr", "has aes256-ctr, which sshd of h1 does not know"),
        ("HostKeyAlgorithms", "ssh-rsa9", "has ssh-rsa9, which sshd of h1 does not know"),
        ("PubkeyAcceptedKeyTypes", "dsa", "has dsa, which sshd of h1 does not know"),
        (
            "Ciphers",
            ["aes256-ctr", "3des-cbc"],
            "is a list, of which sshd takes the first alone; write aes256-ctr,3des-cbc",
        ),
        (
            "Ciphers",
            "3des-cbc",
            "is 3des-cbc, of which the ssh of this controller offers h1 nothing; add one that it does",
        ),
        (
            "KexAlgorithms",
            "curve25519-sha256",
            "is curve25519-sha256, of which the ssh of this controller offers h1 nothing",
        ),
    ],
)
def test_algorithms_that_cannot_work(filters: Filters, name: str, value: object, said: str) -> None:
    (sentence,) = filters["ssh_findings"]({name: value, "MaxAuthTries": 3}, KNOWN, OFFER, "h1")
    assert sentence.startswith(f"base_ssh_settings.{name} {said}")


def test_the_cure_is_taken(filters: Filters) -> None:
    (sentence,) = filters["ssh_findings"]({"Ciphers": "3des-cbc"}, KNOWN, OFFER, "h1")
    assert sentence.endswith("such as aes256-gcm@openssh.com")
    assert filters["ssh_findings"]({"Ciphers": "3des-cbc,aes256-gcm@openssh.com"}, KNOWN, OFFER, "h1") == []
    assert filters["ssh_findings"]({"Ciphers": "aes256-ctr,3des-cbc"}, KNOWN, OFFER, "h1") == []


@pytest.mark.parametrize(
    ("settings", "known", "offer"),
    [
        ({"Ciphers": "+3des-cbc"}, KNOWN, OFFER),
        ({"Ciphers": "-*-cbc,never-heard"}, KNOWN, OFFER),
        ({"Ciphers": ["aes256-ctr"]}, KNOWN, OFFER),
        ({"Ciphers": "3des-cbc"}, KNOWN, ""),  # another program than ssh connects
        ({"Ciphers": "rot13"}, {}, ""),  # nobody has looked
        ({"MACs": "hmac-sha2-256"}, KNOWN, OFFER),
        ({"Port": [22, 2222], "LogLevel": "INFO"}, KNOWN, OFFER),
        ({}, KNOWN, OFFER),
    ],
)
def test_algorithms_that_can(filters: Filters, settings: Any, known: dict[str, Any], offer: str) -> None:
    assert filters["ssh_findings"](settings, known, offer, "h1") == []


def test_what_it_takes(refusal: Callable[..., str]) -> None:
    assert "takes settings" in refusal("ssh_findings", [], {}, "", "h1")


@pytest.mark.parametrize(
    ("settings", "ports"),
    [
        ({}, ["22"]),
        ({"port": 2222}, ["2222"]),
        ({"Port": [22, "2222"]}, ["22", "2222"]),
        ({"GatewayPorts": "no"}, ["22"]),
    ],
)
def test_ports_of_sshd(filters: Filters, settings: dict[str, Any], ports: list[str]) -> None:
    assert filters["ssh_ports"](settings) == ports


@pytest.mark.parametrize(
    ("value", "port", "wrong"),
    [
        (2222, 22, True),
        ([2222, 22], 22, False),
        ("22", 22, False),
        (2222, 2222, False),
        (2222, 0, False),
        ([], 22, False),
    ],
)
def test_the_port_that_a_run_comes_through_stays(filters: Filters, value: Any, port: int, wrong: bool) -> None:
    sentence = (
        f"base_ssh_settings has Port 2222, but this run comes in through {port}; list both, let runs come through the "
        "new one (firewall_ssh_port, ansible_port), then drop the old one"
    )
    for name in ("Port", "port"):
        assert filters["ssh_findings"]({name: value}, {}, "", "h1", port) == ([sentence] if wrong else [])
    assert filters["ssh_findings"]({"MaxSessions": 5}, {}, "", "h1", 2222) == []


@pytest.mark.parametrize(
    ("listed", "client", "exempt"),
    [
        ([], "", []),
        ([], "192.0.2.7", ["192.0.2.7"]),
        ([], "fe80::7%eth0", ["fe80::7"]),
        (["198.51.100.0/24"], "192.0.2.7", ["198.51.100.0/24"]),
    ],
)
def test_the_address_of_this_run_is_spared_unless_others_are_listed(
    filters: Filters, listed: list[str], client: str, exempt: list[str]
) -> None:
    assert filters["exempt_addresses"](listed, client) == exempt


def test_what_the_small_ones_take(refusal: Callable[..., str]) -> None:
    assert "ssh_ports takes the settings" in refusal("ssh_ports", [])
    assert "exempt_addresses takes a list" in refusal("exempt_addresses", "10.0.0.1", "")
    assert "exempt_addresses takes a list" in refusal("exempt_addresses", [], None)
