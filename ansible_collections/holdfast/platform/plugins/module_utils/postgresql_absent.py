# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is to go: what stands against it, and how it goes."""

from __future__ import annotations

from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_facts import absent, content_of, present
from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_kinds import Key, Step
from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_queries import OWNS_NOTHING
from ansible_collections.holdfast.platform.plugins.module_utils.sql import SQL


def refusals(arguments: dict[str, Any], have: dict[str, Any]) -> list[str]:
    """Return what stands against `state: absent`: data that nobody said may go, and objects that need another owner."""
    there = [each for each in absent(arguments["databases"]) if each["name"] in have["databases"]]
    kept = [f"database {each['name']}" for each in there if not each["drop_data"]]
    needed: dict[Key, str | None] = {}
    for database in present(arguments["databases"]):
        name, content = database["name"], content_of(database, have)
        kept += [
            f"schema {schema['name']} of database {name}"
            for schema in absent(database["schemas"])
            if schema["name"] in content["schemas"] and not schema["drop_data"]
        ]
        gone = [each for each in absent(database["extensions"]) if each["name"] in content["extensions"]]
        kept += [
            f"extension {each['name']} of database {name}"
            for each in gone
            if content["extensions"][each["name"]] and not each["drop_data"]
        ]
        needed |= {(each["name"], name): content["needed"].get(each["name"]) for each in gone}
    owned = {role["name"]: owned_by(role["name"], arguments["databases"], have) for role in absent(arguments["roles"])}
    return (
        [
            f"{what} is there, and state: absent would delete its data; add drop_data: true, or take the entry out"
            for what in kept
        ]
        + [
            f"extension {which} of database {name} is absent and still needed: {'; '.join(words.splitlines()[:5])}; "
            f"drop or change that first"
            for (which, name), words in needed.items()
            if words
        ]
        + [
            f"role {name} is absent and owns {', '.join(what[:5])}{f' and {len(what) - 5} more' * (len(what) > 5)}; "
            f"give that to another role first (REASSIGN OWNED)"
            for name, what in owned.items()
            if what
        ]
    )


def owned_by(role: str, databases: list[dict[str, Any]], have: dict[str, Any]) -> list[str]:
    """Return what a role owns and will still own when all databases and schemas have the owners they shall have."""
    looked_at = {database["name"] for database in databases}
    found = [
        row["object"] or f"{row['number']} objects in database {row['database']}"
        for row in have["held"]
        if row["role"] == role and row["owns"] and row["database"] not in looked_at
    ]
    given = {f"database {name}" for name in looked_at}
    for database in present(databases):
        given |= {f"schema {schema['name']}" for schema in database["schemas"]}
        found += [row["object"] for row in content_of(database, have)["owned"] if row["role"] == role]
    return sorted(what for what in found if what not in given)


def drop_steps(role: str, databases: list[dict[str, Any]], have: dict[str, Any]) -> list[Step]:
    """Return what removes a role that owns nothing: its rights in each database, then the role itself."""
    if role not in have["roles"]:
        return []
    places = {row["database"] or "postgres" for row in have["held"] if row["role"] == role}
    return [
        Step(
            f"take the rights of role {role} in database {place}",
            tuple(SQL.format(statement, role) for statement in (OWNS_NOTHING, "DROP OWNED BY {0!i}")),
            place,
        )
        for place in sorted(places - {database["name"] for database in absent(databases)})
    ] + [Step(f"drop role {role}", (SQL.format("DROP ROLE {0!i}", role),))]
