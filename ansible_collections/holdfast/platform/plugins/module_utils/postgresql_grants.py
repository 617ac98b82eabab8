# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What roles may do with the tables of a schema, and how a pooler looks up who logs in."""

from __future__ import annotations

from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_facts import present
from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_kinds import Step
from ansible_collections.holdfast.platform.plugins.module_utils.sql import identifier

PRIVILEGES = {
    "connect": {},
    "lookup": {},
    "read": {"tables": {"SELECT"}, "sequences": {"SELECT"}},
    "write": {"tables": {"SELECT", "INSERT", "UPDATE", "DELETE"}, "sequences": {"SELECT", "USAGE", "UPDATE"}},
}
# Owned by a role that can do nothing but read these columns. An expired password lets nobody in (CVE-2025-2291).
LOOKUP_COLUMNS = "rolname, rolpassword, rolcanlogin, rolsuper, rolreplication, rolvaliduntil"
LOOKUP_SOURCE = (
    "select rolname::text, case when rolvaliduntil < now() then null else rolpassword end "
    "from pg_catalog.pg_authid where rolname = $1 and rolcanlogin and not rolsuper and not rolreplication"
)


def lookup_steps(database: str, pooler: str, have: dict[str, Any]) -> list[Step]:
    """Return what lets a pooler ask for verifiers in this database."""
    holder = lookup_holder(pooler)["name"]
    wanted = {
        "owners": [holder, holder],
        "callers": sorted([pooler, holder]),
        "source": LOOKUP_SOURCE,
        "definer": True,
        "config": ["search_path=pg_catalog"],
        "reads": True,
        "usage": True,
    }
    if have.get("lookups", {}).get(pooler) == wanted:
        return []
    schema, function = identifier(pooler), f"{identifier(pooler)}.lookup(text)"
    statements = (
        f"CREATE SCHEMA IF NOT EXISTS {schema}",
        f"ALTER SCHEMA {schema} OWNER TO {identifier(holder)}",
        f"GRANT USAGE ON SCHEMA {schema} TO {identifier(pooler)}",
        f"GRANT SELECT ({LOOKUP_COLUMNS}) ON pg_catalog.pg_authid TO {identifier(holder)}",
        f"DROP FUNCTION IF EXISTS {function}",
        f"CREATE FUNCTION {function} RETURNS TABLE (name text, verifier text) LANGUAGE sql STABLE SECURITY DEFINER "
        f"SET search_path = pg_catalog AS '{LOOKUP_SOURCE}'",
        f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC",
        f"ALTER FUNCTION {function} OWNER TO {identifier(holder)}",
        f"GRANT EXECUTE ON FUNCTION {function} TO {identifier(pooler)}",
    )
    return [Step(f"let role {pooler} look up who logs in to database {database}", statements, database)]


def lookup_holder(pooler: str) -> dict[str, Any]:
    """Return the role that owns the function a pooler calls."""
    return {
        "name": f"{pooler}_lookup",
        "login": False,
        "password": None,
        "connection_limit": -1,
        "member_of": [],
        "replication": False,
        "settings": {},
        "database_settings": {},
    }


def grant_steps(database: dict[str, Any], grant: dict[str, Any], have: dict[str, Any]) -> list[Step]:
    """Return what gives a role exactly the privileges of its level on the tables and sequences of a schema."""
    role, schema, name = grant["role"], grant["schema"], database["name"]
    owners = [each["owner"] for each in present(database["schemas"]) if each["name"] == schema and each["owner"]]
    creators = sorted({database["owner"], *owners} - {role})
    to, where = identifier(role), identifier(schema)
    statements: list[str] = []
    if PRIVILEGES[grant["level"]] and role not in have["schemas"].get(schema, {}).get("usage", []):
        statements.append(f"GRANT USAGE ON SCHEMA {where} TO {to}")
    for kind in ("tables", "sequences"):
        wanted = PRIVILEGES[grant["level"]].get(kind, set())
        grant_list = ", ".join(sorted(wanted))
        number = sum(
            row["number"]
            for row in have["relations"]
            if (row["schema"], row["kind"]) == (schema, kind) and row["owner"] != role
        )
        granted = {
            row["privilege"]: row["number"]
            for row in have["granted"]
            if (row["schema"], row["kind"], row["role"]) == (schema, kind, role)
        }
        if granted != (dict.fromkeys(wanted, number) if number else {}):
            statements.append(f"REVOKE ALL ON ALL {kind.upper()} IN SCHEMA {where} FROM {to}")
            statements += [f"GRANT {grant_list} ON ALL {kind.upper()} IN SCHEMA {where} TO {to}"] if wanted else []
        for creator in creators:
            future = {
                row["privilege"]
                for row in have["defaults"]
                if (row["schema"], row["kind"], row["role"], row["owner"]) == (schema, kind, role, creator)
            }
            if future != wanted:
                alter = f"ALTER DEFAULT PRIVILEGES FOR ROLE {identifier(creator)} IN SCHEMA {where}"
                statements.append(f"{alter} REVOKE ALL ON {kind.upper()} FROM {to}")
                statements += [f"{alter} GRANT {grant_list} ON {kind.upper()} TO {to}"] if wanted else []
    sentence = f"give role {role} level {grant['level']} on schema {schema} of database {name}"
    return [Step(sentence, tuple(statements), name)] if statements else []
