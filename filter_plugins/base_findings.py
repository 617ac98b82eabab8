"""Find what is wrong with the variables of role base, above all what would keep this run from coming in again."""

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import present, words

Options = dict[str, Any]
# Who may log in follows from the variables of the role; these settings would go round its check
RESERVED_NAMES = """
    allowgroups allowusers authenticationmethods authorizedkeyscommand authorizedkeysfile denygroups denyusers include
    match challengeresponseauthentication kbdinteractiveauthentication passwordauthentication permitrootlogin
    pubkeyauthentication requiredrsasize usepam
"""
RESERVED = words(RESERVED_NAMES)
ACCOUNT = r"[a-z_][a-z0-9_-]{0,31}"
KEY = r"([^\n]*[ \t])?(ssh|ecdsa|sk-ssh|sk-ecdsa)-\S+ AAAA[A-Za-z0-9+/=]+( [^\n]*)?\n?"
RSA = r"ssh-rsa (AAAA[A-Za-z0-9+/=]*)"
RSA_CHARACTERS = {2048: 372, 3072: 544, 4096: 716}  # of a public key in base64
SERVICE = r"(?!.*\.service$)[A-Za-z0-9:_.@-]+"
TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]"
ZONE = r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*"
# Debian lets one program keep the time; images of clouds come with chrony
TIME_RIVALS = ("chrony", "ntpsec", "openntpd")


def _account_names(options: Options) -> Iterator[str]:
    names = [user["name"] for user in options["base_users"]]
    shown = ", ".join(names)
    if len(set(names)) < len(names):
        yield f"base_users names {shown}; name each account once"
    if not all(re.fullmatch(ACCOUNT, name) for name in names):
        yield f"base_users names {shown}; use lower-case letters, digits, - and _"
    if "root" in names:
        yield "base_users names root; its way in is base_ssh_root_enabled and its own authorized_keys"


def _keys(options: Options) -> Iterator[str]:
    keys = [key for user in present(options["base_users"]) for key in user.get("ssh_keys") or []]
    bits = options["base_ssh_rsa_bits"]
    if not all(re.fullmatch(KEY, key) for key in keys):
        yield "base_users holds an ssh_keys entry that is not one line like `ssh-ed25519 AAAA… name`; give public keys"
    if any(len(found[1]) < RSA_CHARACTERS[bits] for key in keys if (found := re.search(RSA, key))):
        yield (
            f"base_users holds an RSA key of fewer than {bits} bits (base_ssh_rsa_bits), which could not log in; "
            "use ssh-ed25519"
        )


def _time(options: Options, installed: list[str], host: str) -> Iterator[str]:
    at, zone = options["base_upgrades_reboot_time"], options["base_timezone"]
    if not re.fullmatch(TIME, at):
        yield f"base_upgrades_reboot_time is {at}; write hours and minutes, such as '03:30'"
    if not re.fullmatch(ZONE, zone):
        yield f"base_timezone is {zone}; use a name such as Europe/Vienna"
    rivals = [name for name in installed if name in TIME_RIVALS]
    if options["base_time_sync_enabled"] and rivals:
        yield (
            f"base_time_sync_enabled is true, but {', '.join(rivals)} keeps the time of {host}; "
            "set it to false, or remove that package"
        )


def _services(options: Options) -> Iterator[str]:
    odd = [name for name in options["base_restart_excluded"] if not re.fullmatch(SERVICE, name)]
    if odd:
        yield (
            f"base_restart_excluded holds {', '.join(odd)}; use names of services without .service, such as "
            "openvpn@office"
        )


def _reserved(options: Options) -> Iterator[str]:
    taken = [name for name in map(str.lower, options["base_ssh_settings"]) if name in RESERVED]
    if taken:
        yield (
            f"base_ssh_settings holds {', '.join(taken)}; who may log in follows from base_users and the other "
            "base_ssh_ variables, take it out"
        )


def _login(options: Options, run: dict[str, Any]) -> Iterator[str]:
    """Say when the account of this run could not log in any more."""
    login, users = run["login"], options["base_users"]
    with_keys = [user["name"] for user in present(users) if user.get("ssh_keys")]
    password, own_keys = options["base_ssh_password_enabled"], options["base_ssh_own_keys_enabled"]
    if login in {user["name"] for user in users} - {user["name"] for user in present(users)}:
        yield f"base_users removes {login}, the account this run logs in with; connect as another one (ansible_user)"
    if not run["over_ssh"]:
        return
    if login == "root" and not options["base_ssh_root_enabled"]:
        yield (
            "base_ssh_root_enabled is false and this run logs in as root; connect as an account of base_users "
            "(ansible_user) first"
        )
    by_key = login in with_keys or (own_keys and not run["by_password"])
    if not by_key and not (password and login != "root"):
        yield (
            f"Nobody could log in as {login or 'the account of this run'} any more; give it ssh_keys in base_users"
            + ("" if own_keys else ", or set base_ssh_own_keys_enabled to true")
            + (", or set base_ssh_password_enabled to true" if run["by_password"] else "")
        )


def _exchanges(options: Options, run: dict[str, Any], wanted: list[str], host: str) -> Iterator[str]:
    """Say when the ssh of this controller has none of the key exchanges that the host would take."""
    lines = [line.partition(" ") for line in run["offer"].splitlines()]
    offered = {name for key, _, names in lines if key == "kexalgorithms" for name in names.split(",")}
    if options["base_ssh_strict_enabled"] and run["over_ssh"] and not offered & set(wanted):
        yield (
            f"The ssh of this controller offers none of the key exchanges that {host} would take "
            f"({', '.join(wanted)}); use OpenSSH 9.0 or newer, or set base_ssh_strict_enabled to false"
        )


def base_findings(
    options: Options, facts: dict[str, Any], host: str, run: dict[str, Any], releases: dict[str, Any]
) -> list[str]:
    """Return one sentence for everything that is wrong with the variables of role base on a host."""
    if not isinstance(options, dict) or not isinstance(facts, dict) or not isinstance(run, dict):
        raise TypeError("base_findings takes the options of the role, facts and how this run comes in")
    release = facts["distribution_release"]
    if release not in releases:
        return [f"The release of {host} is {release}; role base knows {' and '.join(releases)}"]
    return [
        *_account_names(options),
        *_keys(options),
        *_time(options, facts.get("installed_packages", []), host),
        *_services(options),
        *_reserved(options),
        *_login(options, run),
        *_exchanges(options, run, releases[release]["exchanges"], host),
    ]


FilterModule = filter_module(base_findings)
