"""Refuses options of role postgresql that cannot work; what refers to roles and databases is postgresql_roles."""

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import is_address
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import HOST, replication_slot
from ansible_collections.holdfast.platform.plugins.plugin_utils.settings import setting_findings

HOST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # what postgresql_standby writes into a connection string
SETTING = r"[A-Za-z_][A-Za-z0-9_.]*"
LEAST_CONNECTIONS = 4  # three are reserved for superusers
# Settings that have a variable of their own, or that would move what the role manages, and what to do instead.
OWNED = {
    "archive_command": "set postgresql_archive_command; in group database beside a group backup, pgBackRest archives",
    "archive_mode": "set postgresql_archive_command, which switches it on; empty switches it off",
    "archive_timeout": "set postgresql_archive_timeout_seconds, beside a group backup backup_archive_timeout_seconds",
    "config_file": "take it out",
    "data_directory": "take it out, and move the data with its setting in the cluster's own postgresql.conf",
    "hba_file": "take it out, and write the rules into postgresql_access",
    "hot_standby": "take it out, standbys answer always",
    "huge_pages": "set postgresql_huge_pages",
    "listen_addresses": "set postgresql_listen_addresses",
    "max_connections": "set postgresql_max_connections",
    "port": "set postgresql_port",
    "primary_conninfo": "set postgresql_initial_primary",
    "primary_slot_name": "set postgresql_initial_primary",
    "ssl": "take it out, it is always on",
    "ssl_ca_file": "take it out, clients are proven by certificates_ca_certificate",
    "ssl_cert_file": "take it out, role certificates keeps the certificate",
    "ssl_key_file": "take it out, role certificates keeps the key",
    "ssl_min_protocol_version": "set postgresql_tls_min_version",
    "synchronous_standby_names": "set postgresql_synchronous_standbys",
    "unix_socket_directories": "take it out, programs reach the server through /var/run/postgresql",
}


def _listen(addresses: list[str]) -> Iterator[str]:
    if not addresses:
        yield "postgresql_listen_addresses is empty; give at least localhost"
    for address in addresses:
        if address != "*" and not is_address(address) and not re.fullmatch(HOST, address):
            yield f"postgresql_listen_addresses has {address!r}; give addresses of this host, localhost or *"


def _numbers(options: dict[str, Any]) -> Iterator[str]:
    connections, standbys = options["postgresql_max_connections"], options["postgresql_synchronous_standbys"]
    if connections < LEAST_CONNECTIONS:
        yield (
            f"postgresql_max_connections is {connections}, and 3 of them are reserved for superusers; "
            f"give {LEAST_CONNECTIONS} or more"
        )
    if standbys < 0:
        yield f"postgresql_synchronous_standbys is {standbys}; give 0 or more"


def _replicated(options: dict[str, Any]) -> bool:
    return bool(options["postgresql_initial_primary"]) and len(options["postgresql_replication_hosts"]) > 1


def _hosts(options: dict[str, Any]) -> Iterator[str]:
    """Say which servers of the cluster could not be told apart, or not be written into a connection string."""
    hosts = [host["name"] for host in options["postgresql_replication_hosts"]]
    slots: dict[str, str] = {}
    for host in options["postgresql_replication_hosts"]:
        name, address, slot = host["name"], host["address"], replication_slot(host["name"])
        if not HOST_NAME.fullmatch(name):
            yield f"host {name!r} cannot replicate; give it a name of letters, digits, dots, dashes and underscores"
        elif not is_address(address) and (_replicated(options) or not re.fullmatch(HOST, address)):
            yield f"postgresql_replication_hosts has the address {address!r} of {name}; give an IP address"
        elif hosts.count(name) > 1:
            yield f"postgresql_replication_hosts lists {name} twice; name each server once"
        elif (other := slots.setdefault(slot, name)) != name:
            yield f"hosts {other} and {name} would share the replication slot {slot}; give one another name"
    for variable in ("postgresql_initial_primary", "postgresql_rebuild", "postgresql_rejoin"):
        value = options[variable]
        if value and hosts and value not in hosts:
            yield f"{variable} is {value!r}; name one of {', '.join(sorted(hosts))}"


def postgresql_findings(options: dict[str, Any]) -> list[str]:
    """Return one sentence, with the fix, for every option that cannot work, whatever the others are."""
    if not isinstance(options, dict):
        raise TypeError(f"options must be a dict, got {type(options).__name__}")
    found = [*_listen(options["postgresql_listen_addresses"]), *_numbers(options), *_hosts(options)]
    found += setting_findings("postgresql_settings", options["postgresql_settings"], SETTING, OWNED)
    return list(dict.fromkeys(found))


FilterModule = filter_module(postgresql_findings)
