"""One sentence for everything that role base refuses, above all what would keep a run from coming in again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Filters = dict[str, Callable[..., Any]]
ROLE = Path(__file__).parents[3] / "roles/base"
DEFAULTS = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
RELEASES = {"bookworm": {"exchanges": ["old-kex"]}, "trixie": {"exchanges": ["new-kex", "old-kex"]}}
RUN = {"login": "operator", "over_ssh": True, "by_password": False, "offer": "user x\nkexalgorithms other,old-kex\n"}
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI alice"
RSA = "ssh-rsa AAAAB3NzaC1yc2E short"
NOT_A_KEY = "base_users holds an ssh_keys entry that is not one line like `ssh-ed25519 AAAA… name`; give public keys"
ADDRESS = "write hours and minutes, such as '03:30'"


def found(
    filters: Filters, run: dict[str, Any] | None = None, facts: dict[str, Any] | None = None, **given: Any
) -> Any:
    options = {**DEFAULTS, **{f"base_{name}": value for name, value in given.items()}}
    known = {"distribution_release": "trixie", **(facts or {})}
    return filters["base_findings"](options, known, "h1", {**RUN, **(run or {})}, RELEASES)


def short(bits: int) -> str:
    return (
        f"base_users holds an RSA key of fewer than {bits} bits (base_ssh_rsa_bits), which could not log in; "
        "use ssh-ed25519"
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"users": [{"name": "a"}, {"name": "b"}, {"name": "a"}]}, "base_users names a, b, a; name each account once"),
        (
            {"users": [{"name": "b"}, {"name": "Jane"}]},
            "base_users names b, Jane; use lower-case letters, digits, - and _",
        ),
        ({"users": [{"name": "1jane"}]}, "base_users names 1jane; use lower-case letters, digits, - and _"),
        (
            {"users": [{"name": "root"}]},
            "base_users names root; its way in is base_ssh_root_enabled and its own authorized_keys",
        ),
        ({"users": [{"name": "eve", "ssh_keys": ["secret"]}]}, NOT_A_KEY),
        ({"users": [{"name": "eve", "ssh_keys": [KEY, f"garbage\n{KEY}"]}]}, NOT_A_KEY),
        ({"users": [{"name": "eve", "ssh_keys": [f"{KEY}\n{KEY}"]}]}, NOT_A_KEY),
        ({"users": [{"name": "eve", "ssh_keys": [RSA]}]}, short(2048)),
        ({"users": [{"name": "eve", "ssh_keys": [f"ssh-rsa {'A' * 371} x"]}]}, short(2048)),
        ({"users": [{"name": "eve", "ssh_keys": [f"ssh-rsa {'A' * 543} x"]}], "ssh_rsa_bits": 3072}, short(3072)),
        ({"users": [{"name": "eve", "ssh_keys": [f"ssh-rsa {'A' * 715} x"]}], "ssh_rsa_bits": 4096}, short(4096)),
        ({"upgrades_reboot_time": "3"}, f"base_upgrades_reboot_time is 3; {ADDRESS}"),
        ({"upgrades_reboot_time": "24:00"}, f"base_upgrades_reboot_time is 24:00; {ADDRESS}"),
        ({"upgrades_reboot_time": "03:60"}, f"base_upgrades_reboot_time is 03:60; {ADDRESS}"),
        ({"timezone": "Europe/New York"}, "base_timezone is Europe/New York; use a name such as Europe/Vienna"),
        ({"timezone": "../etc"}, "base_timezone is ../etc; use a name such as Europe/Vienna"),
        (
            {"facts": {"installed_packages": ["vim", "chrony"]}},
            "base_time_sync_enabled is true, but chrony keeps the time of h1; set it to false, or remove that package",
        ),
        *(
            (
                {"restart_excluded": ["cron", odd]},
                f"base_restart_excluded holds {odd}; use names of services without .service, such as openvpn@office",
            )
            for odd in ("a b", "x') = 0; #", "cron.service", "")
        ),
        *(
            (
                {"ssh_settings": {"MaxSessions": 5, name: True}},
                f"base_ssh_settings holds {name.lower()}; who may log in follows from base_users and the other "
                "base_ssh_ variables, take it out",
            )
            for name in ("AllowUsers", "ChallengeResponseAuthentication", "match", "UsePAM")
        ),
        (
            {"users": [{"name": "operator", "state": "absent"}]},
            "base_users removes operator, the account this run logs in with; connect as another one (ansible_user)",
        ),
        (
            {"run": {"login": "root"}, "ssh_root_enabled": False},
            "base_ssh_root_enabled is false and this run logs in as root; connect as an account of base_users "
            "(ansible_user) first",
        ),
        (
            {"ssh_own_keys_enabled": False},
            "Nobody could log in as operator any more; give it ssh_keys in base_users, or set "
            "base_ssh_own_keys_enabled to true",
        ),
        (
            {"ssh_own_keys_enabled": False, "run": {"login": ""}},
            "Nobody could log in as the account of this run any more; give it ssh_keys in base_users, or set "
            "base_ssh_own_keys_enabled to true",
        ),
        (
            {"run": {"by_password": True}},
            "Nobody could log in as operator any more; give it ssh_keys in base_users, or set "
            "base_ssh_password_enabled to true",
        ),
        (
            {"run": {"by_password": True, "login": "root"}, "ssh_password_enabled": True},
            "Nobody could log in as root any more; give it ssh_keys in base_users, or set base_ssh_password_enabled "
            "to true",
        ),
        *(
            (
                {"run": {"offer": offer}},
                "The ssh of this controller offers none of the key exchanges that h1 would take (new-kex, old-kex); "
                "use OpenSSH 9.0 or newer, or set base_ssh_strict_enabled to false",
            )
            for offer in ("", "kexalgorithms other\nciphers new-kex\n")
        ),
        ({"facts": {"distribution_release": "sid"}}, "The release of h1 is sid; role base knows bookworm and trixie"),
    ],
)
def test_one_sentence_for_what_cannot_be(filters: Filters, given: dict[str, Any], sentence: str) -> None:
    assert found(filters, **given) == [sentence]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"facts": {"distribution_release": "bookworm"}},
        {"users": [{"name": "eve", "ssh_keys": [f'command="x" {KEY}', f"{KEY}\n", f"ssh-rsa {'A' * 372} x"]}]},
        {"users": [{"name": "eve", "ssh_keys": [f"ssh-rsa {'A' * 716}"]}], "ssh_rsa_bits": 4096},
        {"users": [{"name": "eve", "ssh_keys": [RSA], "state": "absent"}]},
        {"users": [{"name": "_a-1"}], "upgrades_reboot_time": "23:59", "timezone": "America/Port-au-Prince"},
        {"time_sync_enabled": False, "facts": {"installed_packages": ["chrony"]}},
        {"restart_excluded": ["postgresql@17-main", "openvpn@office"]},
        {"ssh_own_keys_enabled": False, "users": [{"name": "operator", "ssh_keys": [KEY]}]},
        {"ssh_own_keys_enabled": False, "ssh_password_enabled": True},
        {"run": {"over_ssh": False, "offer": "", "login": "root"}, "ssh_root_enabled": False},
        {"run": {"over_ssh": False, "offer": ""}, "ssh_own_keys_enabled": False},
        {"run": {"offer": ""}, "ssh_strict_enabled": False},
        {"run": {"login": "root"}},
    ],
)
def test_what_can_be(filters: Filters, given: dict[str, Any]) -> None:
    assert found(filters, **given) == []


def test_all_faults_are_said_at_once(filters: Filters) -> None:
    said = found(filters, timezone="x y", users=[{"name": "A"}], restart_excluded=["a b"], ssh_settings={"Match": "x"})
    assert [sentence.split(" ")[0] for sentence in said] == [
        "base_users",
        "base_timezone",
        "base_restart_excluded",
        "base_ssh_settings",
    ]


@pytest.mark.parametrize("arguments", [([], {}, "h1", {}, {}), ({}, [], "h1", {}, {}), ({}, {}, "h1", [], {})])
def test_what_it_takes(refusal: Callable[..., str], arguments: tuple[Any, ...]) -> None:
    assert "base_findings takes the options" in refusal("base_findings", *arguments)
