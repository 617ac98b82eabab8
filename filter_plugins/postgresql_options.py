"""Finds in the options of role postgresql what the server would refuse, or what refers to nothing."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import is_address
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import HOST, present

HOST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # what postgresql_standby writes into a connection string
LEAST_CONNECTIONS = 4  # three are reserved for superusers
SETS = ("all", "replication", "postgres", "template1")
# PostgreSQL's own roles, by the version that brought them
PREDEFINED = {
    15: (
        *("pg_checkpoint", "pg_database_owner", "pg_execute_server_program", "pg_monitor", "pg_read_all_data"),
        *("pg_read_all_settings", "pg_read_all_stats", "pg_read_server_files", "pg_signal_backend"),
        *("pg_stat_scan_tables", "pg_write_all_data", "pg_write_server_files"),
    ),
    16: ("pg_create_subscription", "pg_use_reserved_connections"),
    17: ("pg_maintain",),
}
# Who brings an extension that is not PostgreSQL's own; {} is the major version.
PACKAGES = {
    "vector": "postgresql-{}-pgvector",
    "pg_cron": "postgresql-{}-cron",
    "pgaudit": "postgresql-{}-pgaudit",
    "postgis": "postgresql-{}-postgis-3",
    "postgis_raster": "postgresql-{}-postgis-3",
    "postgis_topology": "postgresql-{}-postgis-3",
    "pg_partman": "postgresql-{}-partman",
    "pg_repack": "postgresql-{}-repack",
    "hypopg": "postgresql-{}-hypopg",
    "hll": "postgresql-{}-hll",
    "ip4r": "postgresql-{}-ip4r",
    "rum": "postgresql-{}-rum",
    "plpython3u": "postgresql-plpython3-{}",
    "plperl": "postgresql-plperl-{}",
    "plperlu": "postgresql-plperl-{}",
    "pltcl": "postgresql-pltcl-{}",
    "pltclu": "postgresql-pltcl-{}",
}
CONTRIBUTED = """
    adminpack amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance file_fdw
    fuzzystrmatch hstore insert_username intagg intarray isn lo ltree moddatetime old_snapshot pageinspect
    pg_buffercache pg_freespacemap pg_prewarm pg_stat_statements pg_surgery pg_trgm pg_visibility pg_walinspect pgcrypto
    pgrowlocks pgstattuple plpgsql postgres_fdw refint seg sslinfo tablefunc tcn tsm_system_rows tsm_system_time
    unaccent uuid-ossp xml2
"""
PRELOADED = ("pg_cron", "pgaudit", "pg_stat_statements")


def _listen(addresses: list[str]) -> Iterator[str]:
    if not addresses:
        yield "postgresql_listen_addresses is empty; give at least localhost"
    for address in addresses:
        if address != "*" and not is_address(address) and not re.fullmatch(HOST, address):
            yield f"postgresql_listen_addresses has {address!r}; give addresses of this host, localhost or *"


def _numbers(options: dict[str, Any]) -> Iterator[str]:
    if options["max_connections"] < LEAST_CONNECTIONS:
        yield (
            f"postgresql_max_connections is {options['max_connections']}, and 3 of them are for superusers alone; "
            f"give {LEAST_CONNECTIONS} or more"
        )
    if options["synchronous_standbys"] < 0:
        yield f"postgresql_synchronous_standbys is {options['synchronous_standbys']}; give 0 or more"


def _hosts(options: dict[str, Any]) -> Iterator[str]:
    """Say which servers of the cluster could not be told apart, or not be written into a connection string."""
    hosts = [host["name"] for host in options["replication_hosts"]]
    slots: dict[str, str] = {}
    for host, slot in zip(options["replication_hosts"], options["slots"], strict=True):
        name, address = host["name"], host["address"]
        if not HOST_NAME.fullmatch(name):
            yield f"host {name!r} cannot replicate; give it a name of letters, digits, dots, dashes and underscores"
        elif not is_address(address) and not re.fullmatch(HOST, address):
            yield f"postgresql_replication_hosts has the address {address!r} of {name}; give an address or a name"
        elif hosts.count(name) > 1:
            yield f"postgresql_replication_hosts lists {name} twice; name each server once"
        elif (other := slots.setdefault(slot, name)) != name:
            yield f"hosts {other} and {name} would share the replication slot {slot}; give one another name"
    for variable, key in (("initial_primary", "primary"), ("rebuild", "rebuild"), ("rejoin", "rejoin")):
        value = options[key]
        if value and hosts and value not in hosts:
            yield f"postgresql_{variable} is {value!r}; name one of {', '.join(sorted(hosts))}"


def postgresql_extension_packages(databases: list[dict[str, Any]], version: int) -> list[str]:
    """Return the Debian packages of the extensions that databases shall have, beside PostgreSQL's own."""
    if not isinstance(databases, list) or isinstance(version, bool) or not isinstance(version, int):
        raise TypeError(f"databases must be a list and version a number, got {databases!r} and {version!r}")
    names = [extension["name"] for database in databases for extension in _wanted(database)]
    return sorted({PACKAGES[name].format(version) for name in names if name in PACKAGES})


def _wanted(database: dict[str, Any]) -> list[dict[str, Any]]:
    return [extension for entry in present([database]) for extension in present(entry.get("extensions", []))]


def _extensions(options: dict[str, Any], database: dict[str, Any]) -> Iterator[str]:
    """Say which extension nobody installs, and which one the server has to load first."""
    settings = options["settings"]
    loaded = [each.strip() for each in str(settings.get("shared_preload_libraries", "")).split(",")]
    for name in (extension["name"] for extension in _wanted(database)):
        what = f"extension {name} of database {database['name']}"
        if name not in CONTRIBUTED.split() and name not in PACKAGES and name not in options["extensions_there"]:
            search = f"apt-cache search postgresql-{options['version']}-"
            yield f"{what} is not on the host; install the package that brings it there ({search} lists them)"
        if name in PRELOADED and name not in loaded:
            libraries = ", ".join([*filter(None, loaded), name])
            yield f"{what} has to be loaded; set shared_preload_libraries in postgresql_settings to '{libraries}'"
        if name == "pg_cron" and settings.get("cron.database_name", "postgres") != database["name"]:
            where = f"cron.database_name in postgresql_settings to {database['name']}"
            yield f"{what} works in one database alone; set {where}"


def _no_roles(what: str, names: Iterable[str], known: set[str], version: int) -> Iterator[str]:
    for name in sorted(set(names) - known):
        own = f" of PostgreSQL {version}; take it out" if name.startswith("pg_") else "; add it to postgresql_users"
        yield f"{what} names {name}, who is no role{own}"


def _no_databases(what: str, names: Iterable[str], known: set[str]) -> Iterator[str]:
    for name in sorted(set(names) - known):
        yield f"{what} names {name}, which is none; add it to postgresql_databases"


def _references(options: dict[str, Any]) -> Iterator[str]:
    """Say which roles and databases are named and will not be there; the server's own are known when it runs."""
    version = options["version"]
    own = {name for since, names in PREDEFINED.items() if since <= version for name in names}
    roles = {"postgres", *own, *options["roles_there"], *(user["name"] for user in options["users"])}
    databases = {*SETS, *options["databases_there"], *(database["name"] for database in options["databases"])}
    for user in options["users"]:
        where = f"postgresql_users[{user['name']}]"
        yield from _no_roles(where, user.get("member_of", []), roles, version)
        yield from _no_databases(where, user.get("database_settings", {}), databases)
    for database in present(options["databases"]):
        owners = [schema["owner"] for schema in database.get("schemas", []) if schema.get("owner")]
        grants = [grant["role"] for grant in database.get("grants", [])]
        yield from _no_roles(f"postgresql_databases[{database['name']}]", (*owners, *grants), roles, version)
    for number, row in enumerate(options["access"]):
        where = f"postgresql_access[{number}]"
        yield from _no_roles(where, (name.removeprefix("+") for name in row["users"]), {"all", *roles}, version)
        yield from _no_databases(where, row["databases"], databases)


def postgresql_option_findings(options: dict[str, Any]) -> list[str]:
    """Return one sentence, with its cure, for everything in the options of the role that cannot work."""
    if not isinstance(options, dict):
        raise TypeError(f"options must be a dict, got {type(options).__name__}")
    found = [*_listen(options["listen_addresses"]), *_numbers(options), *_hosts(options)]
    for database in options["databases"]:
        found += _extensions(options, database)
    return list(dict.fromkeys([*found, *_references(options)]))


FilterModule = filter_module(postgresql_extension_packages, postgresql_option_findings)
