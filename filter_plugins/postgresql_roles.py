"""Refuses roles, databases and access rows of an inventory that contradict each other, before any change."""

import re
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import present

# Whoever is one of these can become superuser, or reads and writes files as the server's account.
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
        f"postgresql_users makes {user['name']} a member of {MEMBERLESS}, who is whoever owns a database; take it out"
        for user in users
        if MEMBERLESS in user.get("member_of", [])
    ]
    return refused + [
        f"postgresql_users makes {user['name']} a member of {role}, who may do everything; take it out"
        for user in users
        for role in user.get("member_of", [])
        if role in MIGHTY
    ]


def _of_owners(users: list[dict[str, Any]], databases: list[dict[str, Any]]) -> list[str]:
    """Say who owns a database and is not a role of ours."""
    names = ", ".join(sorted({entry["owner"] for entry in databases} - {user["name"] for user in users}))
    sentence = f"postgresql_databases has the owner {names}, who is not in postgresql_users; add the role there"
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
        f"{where} names {name}, who is absent in postgresql_users; take one of them out"
        for where, names in uses
        for name in sorted(absent & set(names))
    ]


def _of_absent_databases(users: list[dict[str, Any]], databases: list[dict[str, Any]], access: list[Any]) -> list[str]:
    """Say which database shall not exist and is still named."""
    absent = {database["name"] for database in databases if database not in present(databases)}
    uses = [(f"postgresql_users[{user['name']}]", user.get("database_settings", {})) for user in users]
    uses += [(f"postgresql_access[{number}]", entry.get("databases", [])) for number, entry in enumerate(access)]
    return [
        f"{where} names {name}, which is absent in postgresql_databases; take one of them out"
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


def postgresql_role_findings(
    users: list[dict[str, Any]], databases: list[dict[str, Any]], access: list[dict[str, Any]]
) -> list[str]:
    """Return one sentence for every contradiction between the roles, their databases and who may connect."""
    for name, value in (("users", users), ("databases", databases), ("access", access)):
        if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
            raise TypeError(f"postgresql_{name} must be a list of dicts")
    there = present(users)
    return [
        *_of_passwords(there, access),
        *_of_owners(users, present(databases)),
        *_of_members(there),
        *_of_absent(users, present(databases), access),
        *_of_absent_databases(there, databases, access),
        *_of_replication(there, access),
    ]


def postgresql_known_roles(
    users: list[dict[str, Any]], databases: list[dict[str, Any]], access: list[dict[str, Any]]
) -> list[str]:
    """Return the names of the roles that will exist; refuse contradictions, each with a sentence."""
    if problems := postgresql_role_findings(users, databases, access):
        raise ValueError("\n".join(problems))
    return [str(user["name"]) for user in present(users)]


FilterModule = filter_module(postgresql_role_findings, postgresql_known_roles)
