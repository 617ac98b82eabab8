"""Refuses options of role pgbouncer that the pooler, or systemd, would not take."""

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import is_address
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import HOST, IDENTIFIER
from ansible_collections.holdfast.platform.plugins.plugin_utils.settings import setting_findings

UNIT = re.compile(r"[A-Za-z0-9:_.@-]+\.service")
SETTING = r"[A-Za-z_][A-Za-z0-9_]*"
LONGEST_PAUSE = 80  # systemd ends what takes 90 s to stop
# What the role writes itself, or what would let somebody in without proof, move the console or undo the budget; and
# what to do instead.
OWNED = {
    **dict.fromkeys(
        ("admin_users", "stats_users", "unix_socket_dir", "unix_socket_group", "unix_socket_mode"),
        "take it out, the console is for root alone",
    ),
    **dict.fromkeys(
        ("auth_dbname", "auth_file", "auth_query", "auth_user"), "take it out, PostgreSQL is asked who logs in"
    ),
    "auth_hba_file": "take it out, and write the rules into postgresql_access",
    "auth_type": "take it out, passwords are proven by SCRAM",
    **dict.fromkeys(
        (
            "client_tls_ca_file",
            "client_tls_cert_file",
            "client_tls_key_file",
            "server_tls_ca_file",
            "server_tls_cert_file",
            "server_tls_key_file",
        ),
        "take it out, role certificates keeps it",
    ),
    **dict.fromkeys(("client_tls_protocols", "server_tls_protocols"), "set pgbouncer_tls_min_version"),
    "client_tls_sslmode": "set pgbouncer_client_certificates_required",
    **dict.fromkeys(("conffile", "pidfile", "user"), "take it out, systemd runs the service"),
    **dict.fromkeys(
        ("default_pool_size", "max_db_connections", "max_user_connections", "min_pool_size", "reserve_pool_size"),
        "set pool_size of pgbouncer_databases",
    ),
    "listen_addr": "set pgbouncer_listen_addresses",
    "listen_backlog": "take it out, it is 1024",
    "listen_port": "set pgbouncer_port",
    "logfile": "take it out, the journal has it",
    "max_client_conn": "set pgbouncer_max_clients",
    "max_prepared_statements": "set pgbouncer_max_prepared_statements",
    "pool_mode": "set pgbouncer_pool_mode",
    "server_tls_sslmode": "take it out, servers have to prove themselves",
}


def _addresses(options: dict[str, Any]) -> Iterator[str]:
    if not options["pgbouncer_listen_addresses"]:
        yield "pgbouncer_listen_addresses is empty; give at least 127.0.0.1"
    for address in options["pgbouncer_listen_addresses"]:
        if address != "*" and not is_address(address):
            yield f"pgbouncer_listen_addresses has {address}; give addresses of this host"
    for server in options.get("pgbouncer_servers", []):
        if not is_address(server["address"]) and not re.fullmatch(HOST, server["address"]):
            yield f"pgbouncer_servers has the address {server['address']!r}; give an address or a name"


def _names(options: dict[str, Any]) -> Iterator[str]:
    for database in options.get("pgbouncer_databases", []):
        for key in ("name", "database"):
            if len(str(database.get(key, "")).encode()) > IDENTIFIER:
                yield f"{key} of pgbouncer_databases is {database[key]!r}; use at most {IDENTIFIER} characters"


def _units(options: dict[str, Any]) -> Iterator[str]:
    for unit in options["pgbouncer_pause_units"]:
        if not UNIT.fullmatch(unit):
            yield f"pgbouncer_pause_units has {unit!r}; give units of systemd such as postgresql@17-main.service"
    if options["pgbouncer_pause_seconds"] > LONGEST_PAUSE:
        yield f"pgbouncer_pause_seconds is {options['pgbouncer_pause_seconds']}; give {LONGEST_PAUSE} or less"
    statements = options["pgbouncer_max_prepared_statements"]
    if statements < 0:
        yield f"pgbouncer_max_prepared_statements is {statements}; give 0, for none, or more"


def pgbouncer_findings(options: dict[str, Any]) -> list[str]:
    """Return one sentence, with the fix, for everything in the options of the role that cannot work."""
    if not isinstance(options, dict):
        raise TypeError(f"options must be a dict, got {type(options).__name__}")
    settings = setting_findings("pgbouncer_settings", options["pgbouncer_settings"], SETTING, OWNED)
    return [*_addresses(options), *_names(options), *_units(options), *settings]


FilterModule = filter_module(pgbouncer_findings)
