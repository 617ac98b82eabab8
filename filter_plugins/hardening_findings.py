"""Find what is wrong with the variables of role hardening."""

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import present, words

Options = dict[str, Any]
# Of the firewall and of Docker
NEEDED = words("br_netfilter bridge ip_tables iptable_nat nf_conntrack nf_nat nf_tables overlay veth xt_conntrack")
MODULE = r"[a-z0-9_-]+"
GROUP = r"([a-z_][a-z0-9_-]*)?"
UMASK = r"(0?0[0-7]{2})?"
FOLDER = r"(/|(/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+)+)"
MOUNT_OPTIONS = frozenset(("nodev", "noexec", "nosuid"))
# Programs with setuid, scripts of packages, devices
OF_SYSTEM = r"/((usr|bin|sbin|lib(32|64|x32)?|etc)(/.*)?|var|boot|dev)?"


def _modules(options: Options) -> Iterator[str]:
    names = options["hardening_modules_blocked"]
    odd = [name for name in names if not re.fullmatch(MODULE, name)]
    needed = [name for name in (name.replace("-", "_") for name in names) if name in NEEDED]
    if odd:
        yield f"hardening_modules_blocked holds {', '.join(odd)}; use names of kernel modules"
    if needed:
        yield (f"hardening_modules_blocked holds {', '.join(needed)}, which the firewall or Docker needs; take it out")


def _fits(path: str, chosen: Any) -> bool:
    return bool(re.fullmatch(FOLDER, path)) and isinstance(chosen, list) and MOUNT_OPTIONS.issuperset(chosen)


def _mounts(options: Options) -> Iterator[str]:
    mounts = options["hardening_mount_options"]
    if not all(_fits(path, chosen) for path, chosen in mounts.items()):
        yield (
            f"hardening_mount_options is {mounts}; it takes absolute paths, each with a list of nodev, nosuid "
            "and noexec"
        )
    system = [path for path in mounts if re.fullmatch(OF_SYSTEM, path)]
    if system:
        yield (
            f"hardening_mount_options holds {', '.join(system)}, where sudo, packages or devices need what it takes "
            "away; take it out"
        )


def _numbers(options: Options) -> Iterator[str]:
    length, failures, minutes = (
        options[f"hardening_{name}"] for name in ("password_length", "ban_failures", "ban_minutes")
    )
    if length != 0 and not 8 <= length <= 128:
        yield f"hardening_password_length is {length}; choose 8 to 128 characters, or 0 for no policy"
    if failures != 0 and not 2 <= failures <= 100:
        yield f"hardening_ban_failures is {failures}; choose 2 to 100 failures, or 0 for no bans"
    if not 1 <= minutes <= 1440:
        yield f"hardening_ban_minutes is {minutes}; choose 1 to 1440, a repeated ban lasts longer by itself"


def _umask(options: Options) -> Iterator[str]:
    umask = options["hardening_umask"]
    if not re.fullmatch(UMASK, umask):
        yield (
            f"hardening_umask is {umask}; write three octal digits of which the first is 0, such as '027', "
            "or '' for Debian's own"
        )


def _su(options: Options, accounts: dict[str, Any], host: str, users: list[dict[str, Any]]) -> Iterator[str]:
    """Say when nobody could use su, because its group will not be there; a directory such as LDAP may have it."""
    group = options["hardening_su_group"]
    made = {name for user in present(users) for name in (user.get("name"), *(user.get("groups") or []))}
    if not re.fullmatch(GROUP, group):
        yield f"hardening_su_group is {group}; name a group, or '' for no restriction"
    elif group and accounts and not accounts.get("directory") and group not in {*accounts["groups"], *made}:
        yield (
            f"hardening_su_group is {group}, a group that {host} does not have and nobody in base_users has, so that "
            "su would let nobody in; give it to somebody (groups), or name another"
        )


def hardening_findings(options: Options, facts: dict[str, Any], host: str, users: list[dict[str, Any]]) -> list[str]:
    """Return one sentence for everything that is wrong with the variables of role hardening on a host."""
    if not isinstance(options, dict) or not isinstance(facts, dict) or not isinstance(users, list):
        raise TypeError("hardening_findings takes the options of the role, facts, a host and a list of users")
    return [
        *_umask(options),
        *_modules(options),
        *_mounts(options),
        *_numbers(options),
        *_su(options, facts.get("accounts") or {}, host, users),
    ]


FilterModule = filter_module(hardening_findings)
