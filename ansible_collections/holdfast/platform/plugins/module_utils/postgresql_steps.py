# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All steps from what is to what shall be, and the scripts of both sessions."""

from __future__ import annotations

from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_absent import drop_steps
from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_facts import (
    absent,
    content_of,
    had_facts,
    present,
    wanted_facts,
)
from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_grants import (
    grant_steps,
    lookup_holder,
    lookup_steps,
)
from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_kinds import KINDS, Step
from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_queries import (
    DATABASE_QUERY,
    EXISTS_QUERY,
    NEEDED_QUERY,
    SERVER_QUERY,
)
from ansible_collections.holdfast.platform.plugins.module_utils.sql import SQL


def all_steps(arguments: dict[str, Any], have: dict[str, Any]) -> list[Step]:
    """Return everything to be done, in order, each database visited once."""
    databases = arguments["databases"]
    grants = [(database, grant) for database in present(databases) for grant in database["grants"]]
    poolers = sorted({grant["role"] for _, grant in grants if grant["level"] == "lookup"})
    roles = present(arguments["roles"]) + [lookup_holder(name) for name in poolers]
    before, after = had_facts(roles, databases, have), wanted_facts(roles, present(databases), have)
    outside: list[Step] = []
    inside: list[Step] = []
    for name, kind in KINDS.items():
        steps = inside if kind.inside else outside
        for key, value in after[name].items():
            if before[name].get(key) != value:
                steps.append(kind.step("change" if key in before[name] else "add", key, value))
        gone = sorted(before[name].keys() - after[name].keys()) if kind.remove else []
        steps += [kind.step("remove", key, None) for key in gone]
    for database, grant in grants:
        inside += grant_steps(database, grant, content_of(database, have))
        if grant["level"] == "lookup":
            inside += lookup_steps(database["name"], grant["role"], content_of(database, have))
    order = [database["name"] for database in databases]
    inside.sort(key=lambda step: order.index(step.database))
    return (
        outside
        + inside
        + [step for role in absent(arguments["roles"]) for step in drop_steps(role["name"], databases, have)]
    )


def comparison(arguments: dict[str, Any]) -> str:
    """Return the script that asks for everything; psql itself skips the databases that do not exist yet."""
    gone = ",".join(role["name"] for role in absent(arguments["roles"]))  # names hold nothing that would need quoting
    script = [f"\\set absent {{{gone}}}", SERVER_QUERY]
    for database in arguments["databases"]:
        name = database["name"]
        script += [f"\\set name {name}", EXISTS_QUERY, "\\if :there", f'\\connect "{name}"']
        if going := [extension["name"] for extension in absent(database["extensions"])]:
            script += [NEEDED_QUERY % SQL.format("{0!l}", f"{{{','.join(going)}}}")]
        script += [DATABASE_QUERY, "\\endif"]
    return "\n".join(script)


def change_script(steps: list[Step]) -> str:
    """Return the script that takes the steps in order, each in the database it belongs to."""
    script, at = [], "postgres"
    for step in steps:
        if step.database != at:
            at = step.database
            script.append(f'\\connect "{at}"')
        script += [f"{statement};" for statement in step.statements]
    return "\n".join(script)
