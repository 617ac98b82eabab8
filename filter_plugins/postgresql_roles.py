"""Refuses roles, databases and access rows of role postgresql that contradict each other or refer to nothing."""

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import present

Facts = dict[str, Any]
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
LOADED = "pg_stat_statements"  # by the role itself
# A member of one of these can become superuser, or reads and writes files as the server's account.
MIGHTY = ("postgres", "pg_execute_server_program", "pg_read_server_files", "pg_write_server_files")
MEMBERLESS = "pg_database_owner"  # its only member is the owner of the database that somebody is in


def _of_passwords(users: list[dict[str, Any]], access: list[dict[str, Any]]) -> list[str]:
    """Say which roles could not log in; a password itself is never part of a sentence."""
    certified = {name for entry in access if entry.get("method") == "cert" for name in entry.get("users", [])}
    silent = [
        user["name"]
        for user in users
        if user.get("login", True) and not user.get("password") and user["name"] not in certified
    ]
    unclean = [user["name"] for user in users if not re.fullmatch(r"[ -~]*", user.get("password") or "")]
    found = [f"postgresql_users has no password for {', '.join(silent)}; give one, or login: false"] if silent else []
    if unclean:
        names = ", ".join(unclean)
        found.append(f"postgresql_users has a password that is not printable ASCII for {names}; generate another one")
    return found


def _of_members(users: list[dict[str, Any]]) -> list[str]:
    """Say which roles would become as mighty as the server's account, or members of a role that takes none."""
    refused = [
        f"postgresql_users makes {user['name']} a member of {MEMBERLESS}, whose only member is the owner of a "
        "database; take it out"
        for user in users
        if MEMBERLESS in user.get("member_of", [])
    ]
    return refused + [
        f"postgresql_users makes {user['name']} a member of {role}, who could become superuser; take it out"
        for user in users
        for role in user.get("member_of", [])
        if role in MIGHTY
    ]


def _of_owners(users: list[dict[str, Any]], databases: list[dict[str, Any]]) -> list[str]:
    """Say who owns a database and is not a role of ours."""
    names = ", ".join(sorted({entry["owner"] for entry in databases} - {user["name"] for user in users}))
    sentence = f"postgresql_databases has the owner {names}, which is not in postgresql_users; add the role there"
    return [sentence] if names else []


def _named(database: dict[str, Any]) -> list[str]:
    """Return the roles that a database names."""
    schemas = present(database.get("schemas", []))
    grants = database.get("grants", [])
    return [
        database["owner"],
        *[schema["owner"] for schema in schemas if schema.get("owner")],
        *[grant["role"] for grant in grants],
    ]


def _of_absent(users: list[dict[str, Any]], databases: list[dict[str, Any]], access: list[dict[str, Any]]) -> list[str]:
    """Say who shall not exist and is still named."""
    absent = {user["name"] for user in users if user not in present(users)}
    uses = [(f"postgresql_users[{user['name']}]", user.get("member_of", [])) for user in present(users)]
    uses += [(f"postgresql_databases[{database['name']}]", _named(database)) for database in databases]
    uses += [
        (f"postgresql_access[{number}]", [name.removeprefix("+") for name in entry.get("users", [])])
        for number, entry in enumerate(access)
    ]
    return [
        f"{where} names {name}, which is marked state: absent in postgresql_users; take one of the two out"
        for where, names in uses
        for name in sorted(absent & set(names))
    ]


def _of_absent_databases(users: list[dict[str, Any]], databases: list[dict[str, Any]], access: list[Any]) -> list[str]:
    """Say which database shall not exist and is still named."""
    absent = {database["name"] for database in databases if database not in present(databases)}
    uses = [(f"postgresql_users[{user['name']}]", user.get("database_settings", {})) for user in users]
    uses += [(f"postgresql_access[{number}]", entry.get("databases", [])) for number, entry in enumerate(access)]
    return [
        f"{where} names {name}, which is marked state: absent in postgresql_databases; take one of the two out"
        for where, names in uses
        for name in sorted(absent & set(names))
    ]


def _of_replication(users: list[dict[str, Any]], access: list[dict[str, Any]]) -> list[str]:
    """Say who is let in for the replication of the whole server and could not do it."""
    unable = {user["name"] for user in users if not user.get("replication")}
    return [
        f"postgresql_access[{number}] lets {name} in for replication, which needs replication: true in postgresql_users"
        for number, entry in enumerate(access)
        if "replication" in entry.get("databases", [])
        for name in sorted(unable & set(entry.get("users", [])))
    ]


def _no_roles(what: str, names: Iterable[str], known: set[str], version: int) -> Iterator[str]:
    for name in sorted(set(names) - known):
        own = f" of PostgreSQL {version}; take it out" if name.startswith("pg_") else "; add it to postgresql_users"
        yield f"{what} names {name}, which is not a role{own}"


def _no_databases(what: str, names: Iterable[str], known: set[str]) -> Iterator[str]:
    for name in sorted(set(names) - known):
        yield f"{what} names {name}, which is not a database; add it to postgresql_databases"


def _references(
    users: list[dict[str, Any]],
    databases: list[dict[str, Any]],
    access: list[dict[str, Any]],
    there: Facts,
    version: int,
) -> Iterator[str]:
    """Say which roles and databases are named and will not be there; the server's own are known when it runs."""
    own = {name for since, names in PREDEFINED.items() if since <= version for name in names}
    roles = {"postgres", *own, *there.get("roles", []), *(user["name"] for user in users)}
    known = {*SETS, *there.get("owners", {}), *(database["name"] for database in databases)}
    for user in users:
        where = f"postgresql_users[{user['name']}]"
        yield from _no_roles(where, user.get("member_of", []), roles, version)
        yield from _no_databases(where, user.get("database_settings", {}), known)
    for database in present(databases):
        owners = [schema["owner"] for schema in database.get("schemas", []) if schema.get("owner")]
        grants = [grant["role"] for grant in database.get("grants", [])]
        yield from _no_roles(f"postgresql_databases[{database['name']}]", (*owners, *grants), roles, version)
    for number, row in enumerate(access):
        where = f"postgresql_access[{number}]"
        yield from _no_roles(where, (name.removeprefix("+") for name in row["users"]), {"all", *roles}, version)
        yield from _no_databases(where, row["databases"], known)


def postgresql_extension_packages(databases: list[dict[str, Any]], version: int) -> list[str]:
    """Return the Debian packages of the extensions that databases shall have, beside PostgreSQL's own."""
    if not isinstance(databases, list) or isinstance(version, bool) or not isinstance(version, int):
        raise TypeError(f"databases must be a list and version a number, got {databases!r} and {version!r}")
    names = [extension["name"] for database in databases for extension in _wanted(database)]
    return sorted({PACKAGES[name].format(version) for name in names if name in PACKAGES})


def _wanted(database: dict[str, Any]) -> list[dict[str, Any]]:
    return [extension for entry in present([database]) for extension in present(entry.get("extensions", []))]


def _extensions(
    database: dict[str, Any], settings: dict[str, Any], version: int, there: Collection[str]
) -> Iterator[str]:
    """Say which extension nobody installs, and which one the server has to load first."""
    loaded = [each.strip() for each in str(settings.get("shared_preload_libraries", LOADED)).split(",")]
    for name in (extension["name"] for extension in _wanted(database)):
        what = f"extension {name} of database {database['name']}"
        if name not in CONTRIBUTED.split() and name not in PACKAGES and name not in there:
            search = f"apt-cache search postgresql-{version}-"
            yield f"{what} is not on the host; install the package that brings it there ({search} lists them)"
        if name in PRELOADED and name not in loaded:
            libraries = ", ".join([*filter(None, loaded), name])
            yield f"{what} has to be preloaded; set shared_preload_libraries in postgresql_settings to '{libraries}'"
        if name == "pg_cron" and settings.get("cron.database_name", "postgres") != database["name"]:
            where = f"cron.database_name in postgresql_settings to {database['name']}"
            yield f"{what} works in one database only; set {where}"


def postgresql_role_findings(options: dict[str, Any], facts: Facts, version: int) -> list[str]:
    """Return one sentence for every contradiction between roles, databases, extensions and who may connect."""
    if not isinstance(options, dict) or not isinstance(facts, dict):
        raise TypeError("options and facts must be dicts")
    databases, access, server = (
        options["postgresql_databases"],
        options["postgresql_access"],
        facts.get("postgresql", {}),
    )
    settings, extensions = options["postgresql_settings"], server.get("extensions", [])
    found = [finding for each in databases for finding in _extensions(each, settings, version, extensions)]
    if "postgresql_users" not in options:  # a placeholder in it has been refused
        return found
    users = options["postgresql_users"]
    there = present(users)
    found += [
        *_references(users, databases, access, server, version),
        *_of_passwords(there, access),
        *_of_owners(users, present(databases)),
        *_of_members(there),
        *_of_absent(users, present(databases), access),
        *_of_absent_databases(there, databases, access),
        *_of_replication(there, access),
    ]
    return list(dict.fromkeys(found))


FilterModule = filter_module(postgresql_role_findings, postgresql_extension_packages)
