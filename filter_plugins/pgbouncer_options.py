"""Finds in the options of role pgbouncer what the pooler, or systemd, would refuse."""

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import is_address
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import HOST, IDENTIFIER

UNIT = re.compile(r"[A-Za-z0-9:_.@-]+\.service")
LONGEST_PAUSE = 80  # systemd ends what takes 90 s to stop


def _addresses(options: dict[str, Any]) -> Iterator[str]:
    if not options["listen_addresses"]:
        yield "pgbouncer_listen_addresses is empty; give at least 127.0.0.1"
    for address in options["listen_addresses"]:
        if address != "*" and not is_address(address):
            yield f"pgbouncer_listen_addresses has {address}; give addresses of this host"
    for server in options["servers"]:
        if not is_address(server["address"]) and not re.fullmatch(HOST, server["address"]):
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


FilterModule = filter_module(pgbouncer_option_findings)
