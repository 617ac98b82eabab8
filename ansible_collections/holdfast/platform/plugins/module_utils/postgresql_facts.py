# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is true of a server and what shall be, both in the same form."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_kinds import KINDS, Facts, Key
from ansible_collections.holdfast.platform.plugins.module_utils.scram import password_matches, verifier
from ansible_collections.holdfast.platform.plugins.module_utils.sql import SQL

# Settings whose members PostgreSQL quotes one by one.
LISTS = {"search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries"}
# What a database has that is about to be created.
NEW: dict[str, Any] = {
    "extensions": {},
    "needed": {},
    "schemas": {"public": {"owner": "pg_database_owner", "public_create": False, "usage": []}},
    "relations": [],
    "granted": [],
    "defaults": [],
    "lookups": {},
    "owned": [],
}


def attributes(role: dict[str, Any]) -> str:
    """Return the attributes of a role as SQL; the comparison is one of these texts."""
    login = "LOGIN" if role["login"] else "NOLOGIN"
    replication = "REPLICATION" if role["replication"] else "NOREPLICATION"
    mighty = "SUPERUSER" if role.get("privileged") else "NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
    return f"{login} {mighty} {replication} CONNECTION LIMIT {role['connection_limit']}"


def literals(setting: str, value: str) -> str:
    """Return the value of a setting as SQL. PostgreSQL quotes the members of some lists, where a comma separates."""
    parts = [part.strip().strip('"') for part in value.split(",")] if setting in LISTS else [value]
    return ", ".join(SQL.format("{0!l}", part) for part in parts)


def setting_key(role: str, database: str, setting: str) -> Key:
    """Return where a setting belongs, for the operator and for PostgreSQL, and its name."""
    places = [(kind, name) for kind, name in (("role", role), ("database", database)) if name]
    target = " IN ".join(SQL.format(kind.upper() + " {0!i}", name) for kind, name in places)
    return " in ".join(f"{kind} {name}" for kind, name in places), target, setting


def facts_of(roles: list[dict[str, Any]], databases: list[dict[str, Any]], settings: list[list[str]]) -> Facts:
    """Return what is, or shall be, true; the inventory and the server tell of both in the same form."""
    facts: Facts = {kind: {} for kind in KINDS}
    for role in roles:
        facts["role"][(role["name"],)] = attributes(role)
        facts["password"] |= {(role["name"],): role["verifier"]} if role["verifier"] else {}
        facts["member"] |= {(role["name"], group): True for group in role["member_of"]}
    for database in databases:
        name, schemas = database["name"], database["schemas"]
        facts["database"] |= {(name,): database["owner"]} if database["owner"] else {}
        facts["public"] |= {(name,): True} if database["public"] else {}
        facts["connect"] |= {(name, role): True for role in database["connect"]}
        facts["extension"] |= {(name, extension): True for extension in database["extensions"]}
        facts["schema"] |= {(name, schema): schemas[schema]["owner"] for schema in schemas}
        facts["open schema"] |= {(name, schema): True for schema in schemas if schemas[schema]["public_create"]}
    facts["setting"] = {setting_key(role, where, name): literals(name, value) for role, where, name, value in settings}
    return facts


def wanted_facts(roles: list[dict[str, Any]], databases: list[dict[str, Any]], have: dict[str, Any]) -> Facts:
    """Return what shall be true. A password that has its verifier already keeps it, another one gets a new one."""
    shaped_roles, shaped_databases = [], []
    settings: list[list[str]] = []
    for role in roles:
        password, stored = role["password"], have["roles"].get(role["name"], {}).get("verifier")
        if password and not password_matches(password, stored):
            stored = verifier(password, os.urandom(16))
        shaped_roles.append(role | {"verifier": stored if password else None})
        by_database = {"": role["settings"], **role["database_settings"]}
        settings += [[role["name"], where, *pair] for where in by_database for pair in by_database[where].items()]
    for database in databases:
        owner = database["owner"]
        schemas = {schema["name"]: schema["owner"] or owner for schema in present(database["schemas"])}
        schemas.setdefault("public", "pg_database_owner")
        shaped_databases.append(
            database
            | {
                "public": False,
                "extensions": [extension["name"] for extension in present(database["extensions"])],
                "connect": {grant["role"]: True for grant in database["grants"] if grant["role"] != owner},
                "schemas": {name: {"owner": schemas[name], "public_create": False} for name in schemas},
            }
        )
        settings += [["", database["name"], *pair] for pair in database["settings"].items()]
    return facts_of(shaped_roles, shaped_databases, settings)


def had_facts(roles: list[dict[str, Any]], databases: list[dict[str, Any]], have: dict[str, Any]) -> Facts:
    """Return what is true of all that the inventory names; of what is absent in it, only that it exists."""
    names = {role["name"] for role in roles}, {database["name"] for database in present(databases)}
    there = [have["roles"][role["name"]] | {"name": role["name"]} for role in roles if role["name"] in have["roles"]]
    shaped = []
    for database in present(databases):
        content, ours = content_of(database, have), {"public", *(schema["name"] for schema in database["schemas"])}
        extensions = {extension["name"] for extension in database["extensions"]}
        outside = have["databases"].get(database["name"], {"owner": "", "public": True, "connect": []})
        shaped.append(
            outside
            | {
                "name": database["name"],
                "connect": [role for role in outside["connect"] if role != database["owner"]],
                "extensions": extensions & content["extensions"].keys(),
                "schemas": {name: entry for name, entry in content["schemas"].items() if name in ours},
            }
        )
    settings = [row for row in have["settings"] if row[0] in names[0] or (not row[0] and row[1] in names[1])]
    facts = facts_of(there, shaped, settings)
    facts["database"] |= {(each["name"],): True for each in absent(databases) if each["name"] in have["databases"]}
    return facts


def content_of(database: dict[str, Any], have: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = have["contents"].get(database["name"], NEW)
    return content


def present(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["state"] == "present"]


def absent(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [entry for entry in entries if entry["state"] == "absent"]
