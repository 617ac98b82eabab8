"""Finds in the options of role pgbouncer what the pooler, or systemd, would refuse."""

import functools
import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any

from ansible.errors import AnsibleFilterError

UNIT = re.compile(r"[A-Za-z0-9:_.@-]+\.service")
HOST = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
IDENTIFIER = 63  # bytes of a name; PostgreSQL cuts off the rest, pgbouncer refuses it
LONGEST_PAUSE = 80  # systemd ends what takes 90 s to stop


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _addresses(options: dict[str, Any]) -> Iterator[str]:
    if not options["listen_addresses"]:
        yield "pgbouncer_listen_addresses is empty; give at least 127.0.0.1"
    for address in options["listen_addresses"]:
        if address != "*" and not _is_address(address):
            yield f"pgbouncer_listen_addresses has {address}; give addresses of this host"
    for server in options["servers"]:
        if not _is_address(server["address"]) and not HOST.fullmatch(server["address"]):
            yield f"pgbouncer_servers has the address {server['address']!r}; give an address or a name"


def _names(options: dict[str, Any]) -> Iterator[str]:
    for database in options["databases"]:
        for key in ("name", "database"):
            if len(str(database.get(key, "")).encode()) > IDENTIFIER:
                yield f"{key} of pgbouncer_databases is {database[key]!r}; use at most {IDENTIFIER} characters"


def _units(options: dict[str, Any]) -> Iterator[str]:
    for unit in options["pause_units"]:
        if not UNIT.fullmatch(unit):
            yield f"pgbouncer_pause_units has {unit!r}; give units of systemd such as postgresql@17-main.service"
    if options["pause_seconds"] > LONGEST_PAUSE:
        yield f"pgbouncer_pause_seconds is {options['pause_seconds']}; give {LONGEST_PAUSE} or less"
    if options["max_prepared_statements"] < 0:
        yield f"pgbouncer_max_prepared_statements is {options['max_prepared_statements']}; give 0, for none, or more"


def pgbouncer_option_findings(options: dict[str, Any]) -> list[str]:
    """Return one sentence, with its cure, for everything in the options of the role that cannot work."""
    if not isinstance(options, dict):
        raise TypeError(f"options must be a dict, got {type(options).__name__}")
    return [*_addresses(options), *_names(options), *_units(options)]


FILTERS = (pgbouncer_option_findings,)


def _reported(core: Callable[..., object]) -> Callable[..., object]:
    """Let Ansible show a refusal of ``core`` as one sentence."""

    @functools.wraps(core)
    def run(*arguments: object, **options: object) -> object:
        try:
            return core(*arguments, **options)
        except (TypeError, ValueError) as error:
            raise AnsibleFilterError(str(error)) from None

    return run


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by name."""
        return {core.__name__: _reported(core) for core in FILTERS}
