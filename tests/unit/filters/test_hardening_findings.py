"""One sentence for everything that role hardening refuses."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Filters = dict[str, Callable[..., Any]]
DEFAULTS = yaml.safe_load((Path(__file__).parents[3] / "roles/hardening/defaults/main.yml").read_text())
ACCOUNTS = {"users": {}, "groups": {"shared": 1500}}


def found(filters: Filters, **given: Any) -> Any:
    return filters["hardening_findings"]({**DEFAULTS, **given}, {}, "h1", [])


UMASK = "write three octal digits of which the first is 0, such as '027', or '' for Debian's own"
ABSOLUTE = "it takes absolute paths, each with a list of nodev, nosuid and noexec"


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("umask", "27", f"is 27; {UMASK}"),
        ("umask", "700", f"is 700; {UMASK}"),
        ("umask", "028", f"is 028; {UMASK}"),
        ("umask", "027\n", f"is 027\n; {UMASK}"),
        (
            "modules_blocked",
            ["br-netfilter", "dccp", "overlay"],
            "holds br_netfilter, overlay, which the firewall or Docker needs; take it out",
        ),
        ("modules_blocked", ["a b", "dccp", "../x"], "holds a b, ../x; use names of kernel modules"),
        ("mount_options", {"/tmp": ["ro"]}, f"is {{'/tmp': ['ro']}}; {ABSOLUTE}"),
        ("mount_options", {"/tmp": "nodev"}, f"is {{'/tmp': 'nodev'}}; {ABSOLUTE}"),
        ("mount_options", {"tmp": ["nodev"]}, f"is {{'tmp': ['nodev']}}; {ABSOLUTE}"),
        ("mount_options", {"/tmp/": ["nodev"]}, f"is {{'/tmp/': ['nodev']}}; {ABSOLUTE}"),
        ("mount_options", {"/tmp/../usr": ["nosuid"]}, f"is {{'/tmp/../usr': ['nosuid']}}; {ABSOLUTE}"),
        *(
            (
                "mount_options",
                {path: ["nosuid"], "/tmp": ["nosuid"]},
                f"holds {path}, where sudo, packages or devices need what it takes away; take it out",
            )
            for path in "/ /usr /usr/bin /bin /sbin /lib /lib64 /etc /etc/x /var /boot /dev".split()  # noqa: SIM905
        ),
        ("password_length", 7, "is 7; choose 8 to 128 characters, or 0 for no policy"),
        ("password_length", 129, "is 129; choose 8 to 128 characters, or 0 for no policy"),
        ("ban_failures", 1, "is 1; choose 2 to 100 failures, or 0 for no bans"),
        ("ban_failures", 101, "is 101; choose 2 to 100 failures, or 0 for no bans"),
        ("ban_minutes", 0, "is 0; choose 1 to 1440, a repeated ban lasts longer by itself"),
        ("ban_minutes", 1441, "is 1441; choose 1 to 1440, a repeated ban lasts longer by itself"),
        ("su_group", "Wheel!", "is Wheel!; name a group, or '' for no restriction"),
    ],
)
def test_one_sentence_for_what_cannot_be(filters: Filters, name: str, value: Any, sentence: str) -> None:
    assert found(filters, **{f"hardening_{name}": value}) == [f"hardening_{name} {sentence}"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("umask", ["", "027", "0027", "077"]),
        ("modules_blocked", [[], ["usb-storage", "dccp", "n_hdlc"]]),
        ("password_length", [0, 8, 128]),
        ("ban_failures", [0, 2, 100]),
        ("ban_minutes", [1, 1440]),
        ("su_group", ["", "wheel", "_x-1"]),
    ],
)
def test_what_can_be(filters: Filters, name: str, values: list[Any]) -> None:
    assert [found(filters, **{f"hardening_{name}": value}) for value in values] == [[]] * len(values)


def test_folders_that_people_write_to_may_lose_programs(filters: Filters) -> None:
    paths = ["/dev/shm", "/tmp", "/var/tmp", "/srv/.hidden/a..b", "/home", "/library", "/variable"]
    assert found(filters, hardening_mount_options={path: ["nosuid", "noexec", "nodev"] for path in paths}) == []


@pytest.mark.parametrize(
    ("group", "users", "there"),
    [
        ("", [], True),
        ("shared", [], True),
        ("admins", [{"name": "eve", "groups": ["admins"]}], True),
        ("eve", [{"name": "eve", "groups": None}], True),  # its own
        ("admins", [{"name": "eve", "groups": ["admins"], "state": "absent"}], False),
        ("wheel", [{"name": "eve", "groups": ["admins"]}], False),
    ],
)
def test_the_group_of_su(filters: Filters, group: str, users: list[dict[str, Any]], there: bool) -> None:
    sentence = (
        f"hardening_su_group is {group}, a group that h1 does not have and nobody in base_users has, so that su would "
        "let nobody in; give it to somebody (groups), or name another"
    )
    options = {**DEFAULTS, "hardening_su_group": group}
    for more, silent in (({}, there), ({"directory": False}, there), ({"directory": True}, True)):
        facts = {"accounts": {**ACCOUNTS, **more}}
        assert filters["hardening_findings"](options, facts, "h1", users) == ([] if silent else [sentence])
    assert filters["hardening_findings"](options, {"accounts": {}}, "h1", users) == []


@pytest.mark.parametrize("arguments", [([], {}, "h1", []), ({}, [], "h1", []), ({}, {}, "h1", {})])
def test_what_it_takes(refusal: Callable[..., str], arguments: tuple[Any, ...]) -> None:
    assert "hardening_findings takes the options" in refusal("hardening_findings", *arguments)
