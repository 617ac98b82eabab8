"""Accounts that cannot be made, and numbers that people and containers would share."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
HOST = {
    "users": {"root": 0, "www-data": 33, "admin": 1000, "bob": 1001},
    "groups": {"root": 0, "www-data": 33, "docker": 990, "admin": 1000, "bob": 1001, "shared": 2000},
    "groups_elsewhere": {},
    "made": ["bob"],
    "subordinate": {"subuid": [[100000, 65536]], "subgid": [[300000, 65536]]},
}


@pytest.mark.parametrize(
    ("number", "holder"),
    [
        (1001, "the account bob"),
        (33, "the account www-data"),  # files and processes of a service are no better than a person's
        (2000, "the group shared"),
        (990, "the group docker"),
        (1002, "carl of base_users"),
        (100000, "somebody's own containers (/etc/subuid)"),
        (165535, "somebody's own containers (/etc/subuid)"),
        (300001, "somebody's own containers (/etc/subuid)"),
    ],
)
def test_a_number_that_somebody_has_is_refused_and_the_cure_is_taken(
    filters: Filters, number: int, holder: str
) -> None:
    users = [{"name": "carl", "uid": 1002}, {"name": "gone", "uid": 1003, "state": "absent"}]
    (sentence,) = filters["number_findings"](number, HOST, "h1", users)
    assert sentence.startswith(f"app_uid is {number}, which is {holder} on h1, ")
    assert sentence.endswith("; give a number that nobody has, such as 10001")
    assert filters["number_findings"](10001, HOST, "h1", users) == []
    assert filters["number_findings"](1003, HOST, "h1", users) == []


@pytest.mark.parametrize("number", [99999, 165536, 10001, 1, 2**31 - 1])
def test_a_free_number_is_fine(filters: Filters, number: int) -> None:
    assert filters["number_findings"](number, HOST, "h1", []) == []


def test_the_number_in_the_cure_is_free_itself(filters: Filters) -> None:
    taken = {**HOST, "users": {"a": 10001, "b": 10002}, "groups": {"c": 10003}}
    (sentence,) = filters["number_findings"](10001, taken, "h1", [{"name": "d", "uid": 10004}])
    assert sentence.endswith("such as 10005")


@pytest.mark.parametrize("number", [0, -1, 2**31, "1001", True])
def test_a_number_that_docker_does_not_take(filters: Filters, number: object) -> None:
    if number is True:
        assert filters["number_findings"](number, {}, "h1", []) == []  # its type is refused before
    else:
        (sentence,) = filters["number_findings"](number, {}, "h1", [])
        assert sentence == (
            f"app_uid is {number}; the application does not run as root, give a number from 1 to 2147483647"
        )


def test_who_logs_in_stays(filters: Filters) -> None:
    (sentence,) = filters["account_findings"]([{"name": "carl"}], HOST, "h1", "bob")
    assert sentence == (
        "base_users does not name bob any more, the account this run logs in with; connect to h1 as another one "
        "(ansible_user) to remove it, or put it back"
    )
    for users, login in (([{"name": "bob"}], "bob"), ([], "admin"), ([], "root")):
        assert filters["account_findings"](users, HOST, "h1", login) == []


@pytest.mark.parametrize(
    ("user", "said"),
    [
        (
            {"name": "eve", "uid": 1000},
            "base_users gives eve the uid 1000, admin's on h1; give another, or none",
        ),
        (
            {"name": "eve", "uid": 0},
            "base_users gives eve the uid 0; give each account one of its own above 0, or none",
        ),
        (
            {"name": "eve", "uid": 3000},
            "base_users gives eve the uid 3000; give each account one of its own above 0, or none",
        ),
        (
            {"name": "docker"},
            "base_users names docker, and h1 has a group docker without such an account; "
            "name the account otherwise, or remove the group: `groupdel docker`",
        ),
    ],
)
def test_what_useradd_would_refuse(filters: Filters, user: dict[str, Any], said: str) -> None:
    other = {"name": "frank", "uid": 3000} if user.get("uid") == 3000 else {"name": "frank"}
    assert said in filters["account_findings"]([other, user], HOST, "h1", "root")


@pytest.mark.parametrize(
    "user", [{"name": "bob", "uid": 1000}, {"name": "eve", "uid": 3000}, {"name": "eve"}, {"name": "eve", "uid": None}]
)
def test_what_useradd_takes(filters: Filters, user: dict[str, Any]) -> None:
    """An existing account keeps its number, whatever is asked for."""
    assert filters["account_findings"]([user], HOST, "h1", "root") == []
    assert filters["account_findings"]([user], {}, "h1", "root") == []


@pytest.mark.parametrize(
    ("members", "users", "lacking"),
    [
        (["admin"], [], []),
        (["bob"], [{"name": "bob"}], []),
        (["new"], [{"name": "new"}], []),
        (["bob"], [], ["bob"]),  # base made it and is about to remove it
        (["admin"], [{"name": "admin", "state": "absent"}], ["admin"]),
        (["typo", "admin", "nobody"], [], ["typo", "nobody"]),
        ([], [], []),
    ],
)
def test_members_are_accounts(
    filters: Filters, members: list[str], users: list[dict[str, Any]], lacking: list[str]
) -> None:
    assert filters["member_findings"](members, HOST, "h1", users) == [
        f"docker_users names {name}, which is no account of h1; add it to base_users, or take it out"
        for name in lacking
    ]


def test_members_of_a_group_that_a_directory_has(filters: Filters) -> None:
    ldap = {**HOST, "groups_elsewhere": {"docker": 5000}}
    (sentence,) = filters["member_findings"](["admin"], ldap, "h1", [])
    assert "has its group docker from a directory such as LDAP; empty docker_users" in sentence
    assert filters["member_findings"]([], ldap, "h1", []) == []  # as it says


def test_who_has_sudo_and_keys(filters: Filters) -> None:
    users = [
        {"name": "bob", "sudo": True, "ssh_keys": [" ssh-ed25519 AAAA bob\n", "ssh-ed25519 BBBB bob"]},
        {"name": "alice", "sudo": True, "ssh_keys": [], "state": "present"},
        {"name": "carl", "sudo": False, "ssh_keys": None},
        {"name": "eve", "sudo": True, "ssh_keys": ["ssh-ed25519 AAAA eve"], "state": "absent"},
        {"name": "dora"},
    ]
    assert filters["sudo_names"](users) == ["alice", "bob"]
    head = "# Managed by Holdfast; changes made here are overwritten.\n"
    assert filters["key_files"](users) == [
        {
            "dest": "/etc/ssh/authorized_keys.d/bob",
            "content": f"{head}ssh-ed25519 AAAA bob\nssh-ed25519 BBBB bob\n",
            "set_by": ["base_users[].ssh_keys"],
        }
    ]


def test_what_they_take(refusal: Callable[..., str]) -> None:
    assert "a list of users" in refusal("account_findings", {}, {}, "h1", "")
    assert "the accounts of a host" in refusal("number_findings", 1, [], "h1", [])
    assert "sudo_names takes a list" in refusal("sudo_names", {})
    assert "key_files takes a list" in refusal("key_files", {})
    assert "names, the accounts" in refusal("member_findings", "bob", {}, "h1", [])
