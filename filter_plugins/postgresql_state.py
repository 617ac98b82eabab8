"""Finds in roles and databases what PostgreSQL would refuse; the action postgresql_state asks the same function."""

import re
from collections.abc import Iterator
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import present

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")  # at most 63 bytes: PostgreSQL cuts off the rest without a word
EXTENSION_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
SETTING = re.compile(r"[a-z_][a-z0-9_.]*")
CURE = "use lower-case letters, digits and underscores, at most 63"
KEYWORDS = (
    "all",
    "none",
    "public",
    "replication",
    "sameuser",
    "samerole",
    "samegroup",
)  # of statements and pg_hba.conf
MOST_CONNECTIONS = 2**31 - 1

Entry = dict[str, Any]
Names = tuple[str, str]  # of the two lists, for the sentences


def _name(what: str, name: object) -> Iterator[str]:
    if not isinstance(name, str) or not NAME.fullmatch(name):
        yield f"{what} is {name!r}; {CURE}"


def _twice(what: str, names: list[str]) -> Iterator[str]:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield f"{what} lists {', '.join(twice)} twice; join the entries"


def _settings(where: str, settings: object) -> Iterator[str]:
    for name, value in settings.items() if isinstance(settings, dict) else [("", settings)]:
        plain = isinstance(value, (str, int, float)) and not re.search(r"[\x00-\x1f]", str(value))
        if not plain or not SETTING.fullmatch(str(name)):
            yield f"the settings of {where} must be names with text, a number or a boolean, got {name!r}"


def _role(role: Entry, what: str) -> Iterator[str]:
    name, limit = role.get("name"), role.get("connection_limit", -1)
    for each in (name, *role.get("member_of", [])):
        yield from _name(f"the name of a role in {what}", each)
    if name == "postgres" or str(name).startswith("pg_"):
        yield f"role {name} belongs to PostgreSQL; choose another name in {what}"
    if name in KEYWORDS:
        yield f"role {name} in {what} would be taken for a word of PostgreSQL; choose another name"
    if not re.fullmatch(r"[ -~]*", role.get("password") or ""):
        yield f"the password of role {name} in {what} must be printable ASCII; generate another one"
    if isinstance(limit, bool) or not isinstance(limit, int) or not -1 <= limit <= MOST_CONNECTIONS:
        yield f"connection_limit of role {name} in {what} is {limit!r}; give a number from 0, or -1 for no limit"
    yield from _settings(f"role {name} in {what}", role.get("settings", {}))
    for database, settings in role.get("database_settings", {}).items():
        yield from _name(f"a database in the settings of role {name}", database)
        yield from _settings(f"role {name} in database {database}", settings)


def _circles(roles: list[Entry], what: str) -> Iterator[str]:
    """Say which roles would be members of themselves."""
    groups = {role["name"]: role.get("member_of", []) for role in present(roles)}
    for name, direct in groups.items():
        seen: set[str] = set()
        waiting = list(direct)
        while waiting:
            group = waiting.pop()
            if group not in seen:
                seen.add(group)
                waiting += groups.get(group, [])
        if name in seen:
            yield f"role {name} in {what} would be a member of itself; take it out of member_of of one of the roles"


def _database(database: Entry, what: str) -> Iterator[str]:
    name, owner = database.get("name"), database.get("owner")
    yield from _name(f"the name of a database in {what}", name)
    yield from _name(f"the owner of database {name} in {what}", owner)
    if name in KEYWORDS:
        yield f"database {name} in {what} would be taken for a word of pg_hba.conf; choose another name"
    yield from _settings(f"database {name} in {what}", database.get("settings", {}))
    for extension in database.get("extensions", []):
        if not EXTENSION_NAME.fullmatch(extension["name"]):
            yield f"{extension['name']!r} in {what} is not the name of an extension; pg_available_extensions has them"
    yield from _twice(f"database {name} in {what}", [each["name"] for each in database.get("extensions", [])])
    yield from _schemas(database, f"database {name} in {what}")


def _schemas(database: Entry, where: str) -> Iterator[str]:
    schemas, grants = database.get("schemas", []), database.get("grants", [])
    for schema in schemas:
        yield from _name(f"the name of a schema of {where}", schema["name"])
        yield from _name(f"the owner of schema {schema['name']}", schema.get("owner") or database.get("owner"))
        if schema["name"].startswith("pg_") or schema["name"] == "information_schema":
            yield f"schema {schema['name']} of {where} belongs to PostgreSQL; choose another name"
    yield from _twice(where, [schema["name"] for schema in schemas])
    absent = {schema["name"] for schema in schemas} - {schema["name"] for schema in present(schemas)}
    for grant in grants:
        schema = grant.get("schema", "public")
        yield from _name(f"the role of a grant of {where}", grant["role"])
        yield from _name(f"the schema of a grant of {where}", schema)
        if schema in absent:
            yield f"a grant of {where} names schema {schema}, which is absent; take one of them out"
    yield from _twice(where, [f"the grant {each['role']} in {each.get('schema', 'public')}" for each in grants])


def postgresql_state_findings(roles: list[Entry], databases: list[Entry], names: Names | None = None) -> list[str]:
    """Return one sentence, with its fix, for everything that PostgreSQL would refuse because of its form."""
    if not isinstance(roles, list) or not isinstance(databases, list):
        raise TypeError("roles and databases must be lists")
    of_roles, of_databases = names or ("roles", "databases")
    found = [finding for role in roles for finding in _role(role, of_roles)]
    found += [finding for database in databases for finding in _database(database, of_databases)]
    for what, entries in ((of_roles, roles), (of_databases, databases)):
        found += _twice(what, [str(entry["name"]) for entry in entries])
    return list(dict.fromkeys([*found, *_circles(roles, of_roles)]))


FilterModule = filter_module(postgresql_state_findings)
