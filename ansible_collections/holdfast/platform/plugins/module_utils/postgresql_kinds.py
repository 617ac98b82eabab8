# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kinds of things a server has, and the statements that change each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.sql import SQL

Key = tuple[str, ...]
Facts = dict[str, dict[Key, Any]]  # by kind, then by key


@dataclass(frozen=True)
class Step:
    """One change: what the operator reads, and the statements, which may hold a verifier and are never shown."""

    sentence: str
    statements: tuple[str, ...]
    database: str = "postgres"


@dataclass(frozen=True)
class Kind:
    """A kind of thing: what its key consists of, and for each way it may differ a sentence and statements."""

    key: str
    add: tuple[str, ...] = ()
    change: tuple[str, ...] = ()  # as add, unless given
    remove: tuple[str, ...] = ()
    inside: bool = False  # its statements belong into the database of the key

    def step(self, how: str, key: Key, value: Any) -> Step:
        names = dict(zip(self.key.split(), key, strict=True)) | {"value": value}
        sentence, *statements = [SQL.format(text, **names) for text in getattr(self, how) or self.add]
        return Step(sentence, tuple(statements), names["database"] if self.inside else "postgres")


# In the order in which the steps are taken. What has no `remove` is left as it is.
KINDS = {
    "role": Kind(
        "role",
        add=("create role {role}", "CREATE ROLE {role!i} {value}"),
        change=("change the attributes of role {role}", "ALTER ROLE {role!i} {value}"),
    ),
    "password": Kind(
        "role",
        add=("set the password of role {role}", "ALTER ROLE {role!i} PASSWORD {value!l}"),
        remove=("remove the password of role {role}", "ALTER ROLE {role!i} PASSWORD NULL"),
    ),
    "member": Kind(
        "role group",
        add=("make role {role} a member of {group}", "GRANT {group!i} TO {role!i}"),
        remove=("end membership of role {role} in {group}", "REVOKE {group!i} FROM {role!i}"),
    ),
    "database": Kind(
        "database",
        add=("create database {database}", "CREATE DATABASE {database!i} OWNER {value!i}"),
        change=("give database {database} to {value}", "ALTER DATABASE {database!i} OWNER TO {value!i}"),
        remove=("drop database {database}", "DROP DATABASE {database!i}"),
    ),
    "public": Kind(
        "database",
        remove=("close database {database} to the public", "REVOKE ALL ON DATABASE {database!i} FROM PUBLIC"),
    ),
    "connect": Kind(
        "database role",
        add=("let role {role} connect to database {database}", "GRANT CONNECT ON DATABASE {database!i} TO {role!i}"),
        remove=("keep role {role} out of database {database}", "REVOKE ALL ON DATABASE {database!i} FROM {role!i}"),
    ),
    "setting": Kind(
        "where target setting",
        add=("set {setting} of {where}", "ALTER {target} SET {setting} TO {value}"),
        remove=("reset {setting} of {where}", "ALTER {target} RESET {setting}"),
    ),
    "extension": Kind(
        "database extension",
        add=("create extension {extension} in database {database}", "CREATE EXTENSION {extension!i}"),
        remove=("drop extension {extension} of database {database}", "DROP EXTENSION {extension!i}"),
        inside=True,
    ),
    "schema": Kind(
        "database schema",
        add=("create schema {schema} in database {database}", "CREATE SCHEMA {schema!i} AUTHORIZATION {value!i}"),
        change=("give schema {schema} of database {database} to {value}", "ALTER SCHEMA {schema!i} OWNER TO {value!i}"),
        remove=("drop schema {schema} of database {database}", "DROP SCHEMA {schema!i} CASCADE"),
        inside=True,
    ),
    "open schema": Kind(
        "database schema",
        remove=(
            "close schema {schema} of database {database} to the public",
            "REVOKE CREATE ON SCHEMA {schema!i} FROM PUBLIC",
        ),
        inside=True,
    ),
}
