"""Accounts of people: which cannot be made, whose numbers containers would share, who has keys and sudo."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import present

LARGEST = 2**31 - 1  # that Docker takes
FIRST_FREE = 10001  # far from the numbers that Debian gives to packages (100) and people (1000)
KEYS_HEAD = "# Managed by Holdfast; changes made here are overwritten."
User = dict[str, Any]


def account_findings(users: list[User], accounts: dict[str, Any], host: str, login: str) -> list[str]:
    """Return one sentence, with its fix, for every account of base_users that a host would refuse."""
    if not isinstance(users, list) or not isinstance(accounts, dict):
        raise TypeError("account_findings takes a list of users and the accounts of a host")
    known, groups = accounts.get("users", {}), accounts.get("groups", {})
    wanted = present(users)
    found = []
    if login in accounts.get("made", []) and login not in [user["name"] for user in users]:
        found.append(
            f"base_users does not name {login} any more, the account this run logs in with; connect to {host} as "
            f"another one (ansible_user) to remove it, or put it back"
        )
    given = [user["uid"] for user in wanted if user.get("uid") is not None]
    for user in wanted:
        if user["name"] not in known:  # an existing account keeps its number
            found += _new_account_findings(user, given, known, groups, host)
    return found


def _new_account_findings(
    user: User, given: list[int], known: dict[str, int], groups: dict[str, int], host: str
) -> list[str]:
    name, number, found = user["name"], user.get("uid"), []
    if name in groups:
        found.append(
            f"base_users names {name}, and {host} has a group {name} without such an account; "
            f"name the account otherwise, or remove the group: `groupdel {name}`"
        )
    owner = next((other for other, its in known.items() if its == number), None)
    if number is not None and (not 1 <= number <= LARGEST or given.count(number) > 1):
        found.append(f"base_users gives {name} the uid {number}; give each account one of its own above 0, or none")
    elif owner:
        found.append(f"base_users gives {name} the uid {number}, {owner}'s on {host}; give another, or none")
    return found


def _subordinate(number: int, accounts: dict[str, Any]) -> bool:
    """Tell whether an account may start processes with a number, in containers of its own."""
    ranges = [one for kind in ("subuid", "subgid") for one in accounts.get("subordinate", {}).get(kind, [])]
    return any(first <= number < first + count for first, count in ranges)


def _holder(number: int, accounts: dict[str, Any], users: list[User]) -> str:
    """Name whoever has a number, nothing when it is free."""
    for name, its in accounts.get("users", {}).items():
        if its == number:
            return f"the account {name}"
    for name, its in accounts.get("groups", {}).items():
        if its == number:
            return f"the group {name}"
    for user in present(users):
        if user.get("uid") == number and user.get("name") not in accounts.get("users", {}):
            return f"{user.get('name')} of base_users"
    return "somebody's own containers (/etc/subuid)" if _subordinate(number, accounts) else ""


def number_findings(number: int, accounts: dict[str, Any], host: str, users: list[User]) -> list[str]:
    """Say when an application would have the number of somebody, who could then read its secrets and its files."""
    if not isinstance(accounts, dict) or not isinstance(users, list):
        raise TypeError("number_findings takes a number, the accounts of a host and a list of users")
    if not isinstance(number, int) or not 1 <= number <= LARGEST:
        return [f"app_uid is {number}; the application does not run as root, give a number from 1 to {LARGEST}"]
    holder = _holder(number, accounts, users)
    if not holder:
        return []
    free = next(one for one in range(FIRST_FREE, LARGEST) if not _holder(one, accounts, users))
    return [
        f"app_uid is {number}, which is {holder} on {host}, to whom its secrets would be open"
        f"; give a number that nobody has, such as {free}"
    ]


def member_findings(members: list[str], accounts: dict[str, Any], host: str, users: list[User]) -> list[str]:
    """Say which accounts of docker_users a host will not have."""
    if not isinstance(members, list) or not isinstance(accounts, dict) or not isinstance(users, list):
        raise TypeError("member_findings takes names, the accounts of a host and a list of users")
    if not members or not accounts:
        return []
    coming = [user.get("name") for user in present(users)]
    going = {*accounts["made"], *(user.get("name") for user in users)} - set(coming)
    lacking = [name for name in members if name not in coming and (name not in accounts["users"] or name in going)]
    found = [
        f"docker_users names {name}, which is no account of {host}; add it to base_users, or take it out"
        for name in lacking
    ]
    if accounts.get("groups_elsewhere"):
        found.append(
            f"docker_users is set, but {host} has its group docker from a directory such as LDAP; "
            "empty docker_users and name its members there"
        )
    return found


def sudo_names(users: list[User]) -> list[str]:
    """Return the accounts that may use sudo, by name."""
    if not isinstance(users, list):
        raise TypeError("sudo_names takes a list of users")
    return sorted(user["name"] for user in present(users) if user.get("sudo"))


def key_files(users: list[User]) -> list[dict[str, Any]]:
    """Return the file of each account that has keys, as config_transaction takes it."""
    if not isinstance(users, list):
        raise TypeError("key_files takes a list of users")
    return [
        {
            "dest": f"/etc/ssh/authorized_keys.d/{user['name']}",
            "content": "\n".join([KEYS_HEAD, *(key.strip() for key in user["ssh_keys"]), ""]),
            "set_by": ["base_users[].ssh_keys"],
        }
        for user in present(users)
        if user.get("ssh_keys")
    ]


FilterModule = filter_module(account_findings, number_findings, member_findings, sudo_names, key_files)
