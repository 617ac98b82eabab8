#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of postgresql_state: one psql session to compare, a second one only when something differs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import zlib
from dataclasses import dataclass
from typing import Any

DOCUMENTATION = r"""
module: postgresql_state
short_description: Have the roles, databases and grants of a PostgreSQL server, in one look
version_added: "1.0"
author: Holdfast
description:
  - Compares everything in one psql session through the local socket, as the operating system user C(postgres).
  - An unchanged password is no change. It is held against the stored SCRAM verifier, and a new one is sent as a
    verifier, in a session that logs no statements; the password itself never reaches the server.
  - Roles that are managed are never superuser, and may not create databases or roles or bypass row security. Only a
    role with O(roles[].replication) may replicate.
  - Only the owner and the roles in O(databases[].grants) may connect to a database that is managed.
  - Never drops a role, database, schema or extension.
attributes:
  check_mode: {support: full, description: Reports what would change.}
  diff_mode: {support: full, description: One line per change; never a password or verifier.}
options:
  version: {description: Major version of the server., type: int, required: true}
  port: {description: Port of the server., type: int, default: 5432}
  roles:
    description: Roles that must exist.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Lower-case letters, digits and underscores., type: str, required: true}
      login: {description: Whether it may log in., type: bool, default: true}
      password: {description: Printable ASCII; needed to log in from another host., type: str}
      connection_limit: {description: Connections at the same time; -1 for no limit., type: int, default: -1}
      member_of: {description: Exactly the roles it is a member of., type: list, elements: str, default: []}
      replication: {description: Whether it may stream the whole cluster to a standby., type: bool, default: false}
  databases:
    description: Databases that must exist.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Lower-case letters, digits and underscores., type: str, required: true}
      owner: {description: Role that owns the database and so its schema C(public)., type: str, required: true}
      extensions: {description: Extensions it must have., type: list, elements: str, default: []}
      schemas:
        description: Schemas it must have besides C(public).
        type: list
        elements: dict
        default: []
        suboptions:
          name: {description: Name of the schema., type: str, required: true}
          owner: {description: Role that owns it; the owner of the database unless given., type: str}
      grants:
        description: Roles besides the owner that may connect, and what they may do in a schema.
        type: list
        elements: dict
        default: []
        suboptions:
          role: {description: The role., type: str, required: true}
          level:
            description:
              - What it may do with all tables and sequences, future ones of the owner included.
              - C(lookup) is for a pooler. It may connect, and a function C(lookup) in a schema of its own name tells it
                the verifier of a role that logs in, unless that is a superuser, replicates or is no longer valid.
            type: str
            choices: [connect, read, write, lookup]
            default: connect
          schema: {description: The schema., type: str, default: public}
"""

EXAMPLES = r"""
- name: Have the application's database
  postgresql_state:
    version: 17
    roles: [{name: shop, password: "{{ database_password }}"}]
    databases: [{name: shop, owner: shop}]
"""

RETURN = r"""
changes:
  description: What was (in check mode would be) done.
  type: list
  elements: str
  returned: always
  sample: [create role shop]
server:
  description: What only the running server knows.
  returned: when the server answers
  type: dict
  contains:
    data_checksums: {description: Whether pages carry checksums., type: bool}
    pending_restart: {description: Settings that wait for a restart., type: list, elements: str}
    altered: {description: "Settings of C(ALTER SYSTEM), which win over every file.", type: list, elements: str}
"""

ARGUMENTS = r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""
SOCKETS = "/var/run/postgresql"
ITERATIONS = 4096
# Nothing of these sessions reaches a log, the statistics or the list of activities: some statements carry verifiers.
QUIET = {
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_min_error_statement": "panic",
    "track_activities": "off",
    "pg_stat_statements.track_utility": "off",
    "pgaudit.log": "none",
    "auto_explain.log_min_duration": "-1",
    # The next run repeats what a failover may lose, so that a lost synchronous standby does not hold up this one.
    "synchronous_commit": "local",
}
PRIVILEGES = {
    "connect": {},
    "lookup": {},
    "read": {"tables": {"SELECT"}, "sequences": {"SELECT"}},
    "write": {"tables": {"SELECT", "INSERT", "UPDATE", "DELETE"}, "sequences": {"SELECT", "USAGE", "UPDATE"}},
}
UNPRIVILEGED = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
# Owned by a role that can do nothing but read these columns. An expired password lets nobody in (CVE-2025-2291).
LOOKUP_COLUMNS = "rolname, rolpassword, rolcanlogin, rolsuper, rolreplication, rolvaliduntil"
LOOKUP_SOURCE = (
    "select rolname::text, case when rolvaliduntil < now() then null else rolpassword end "
    "from pg_catalog.pg_authid where rolname = $1 and rolcanlogin and not rolsuper and not rolreplication"
)

SERVER_QUERY = """
select jsonb_build_object(
  'data_checksums', current_setting('data_checksums') = 'on',
  'pending_restart', (select coalesce(jsonb_agg(name order by name), '[]') from pg_settings where pending_restart),
  'altered', (select coalesce(jsonb_agg(distinct name), '[]') from pg_file_settings
              where sourcefile like '%/postgresql.auto.conf'),
  'roles', (select jsonb_object_agg(rolname, jsonb_build_object(
      'login', rolcanlogin, 'connection_limit', rolconnlimit, 'verifier', rolpassword,
      'privileged', rolsuper or rolcreatedb or rolcreaterole or rolbypassrls,
      'replication', rolreplication,
      'member_of', (select coalesce(jsonb_agg(g.rolname), '[]') from pg_auth_members m
                    join pg_roles g on g.oid = m.roleid where m.member = r.oid)))
    from pg_authid r),
  'databases', (select jsonb_object_agg(datname, jsonb_build_object(
      'owner', pg_get_userbyid(datdba),
      'public', (select count(*) > 0 from aclexplode(coalesce(datacl, acldefault('d', datdba))) where grantee = 0),
      'connect', (select coalesce(jsonb_agg(pg_get_userbyid(grantee)), '[]')
                  from aclexplode(coalesce(datacl, acldefault('d', datdba)))
                  where privilege_type = 'CONNECT' and grantee not in (0, datdba))))
    from pg_database));
"""
DATABASE_QUERY = """
select jsonb_build_object(
  'database', current_database(),
  'extensions', (select jsonb_agg(extname) from pg_extension),
  'schemas', (select jsonb_object_agg(nspname, jsonb_build_object(
      'owner', pg_get_userbyid(nspowner), 'public_create', has_schema_privilege('public', oid, 'CREATE'),
      'usage', (select coalesce(jsonb_agg(distinct pg_get_userbyid(grantee)), '[]') from aclexplode(nspacl)
                where grantee <> 0 and privilege_type = 'USAGE')))
    from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'),
  'relations', (select coalesce(jsonb_agg(x), '[]') from (
    select n.nspname as schema, case c.relkind when 'S' then 'sequences' else 'tables' end as kind,
           pg_get_userbyid(c.relowner) as owner, count(*) as number
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') group by 1, 2, 3) x),
  'granted', (select coalesce(jsonb_agg(x), '[]') from (
    select n.nspname as schema, case c.relkind when 'S' then 'sequences' else 'tables' end as kind,
           pg_get_userbyid(a.grantee) as role, a.privilege_type as privilege, count(distinct c.oid) as number
    from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join lateral aclexplode(c.relacl) a
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and a.grantee not in (0, c.relowner) group by 1, 2, 3, 4) x),
  'lookups', (select coalesce(jsonb_object_agg(nspname, jsonb_build_object(
      'owners', array[pg_get_userbyid(proowner), pg_get_userbyid(nspowner)],
      'callers', (select jsonb_agg(pg_get_userbyid(grantee) order by pg_get_userbyid(grantee))
                  from aclexplode(coalesce(proacl, acldefault('f', proowner)))),
      'source', prosrc, 'definer', prosecdef, 'config', proconfig,
      'reads', has_column_privilege(proowner, 'pg_catalog.pg_authid', 'rolpassword', 'SELECT'),
      'usage', (select count(*) > 0 from aclexplode(nspacl) where pg_get_userbyid(grantee) = nspname))), '{}')
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where proname = 'lookup' and pg_get_function_identity_arguments(p.oid) = 'text'),
  'defaults', (select coalesce(jsonb_agg(x), '[]') from (
    select n.nspname as schema, case d.defaclobjtype when 'S' then 'sequences' else 'tables' end as kind,
           pg_get_userbyid(d.defaclrole) as owner, pg_get_userbyid(a.grantee) as role, a.privilege_type as privilege
    from pg_default_acl d join pg_namespace n on n.oid = d.defaclnamespace
    cross join lateral aclexplode(d.defaclacl) a
    where d.defaclobjtype in ('r', 'S') and a.grantee not in (0, d.defaclrole)) x));
"""
EXISTS_QUERY = "select exists (select from pg_database where datname = :'name') as there \\gset"


class Refused(Exception):
    """PostgreSQL cannot do it; the text is for the operator."""


@dataclass(frozen=True)
class Step:
    """One change: what the operator reads, and the statements, which may hold a verifier and are never shown."""

    sentence: str
    statements: tuple[str, ...]
    database: str = "postgres"


def quoted(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def verifier(password: str, salt: bytes, iterations: int = ITERATIONS) -> str:
    """Return the SCRAM-SHA-256 verifier of a password as PostgreSQL stores it."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, iterations)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored, server = hashlib.sha256(client).digest(), hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (base64.b64encode(part).decode() for part in (salt, stored, server))
    return f"SCRAM-SHA-256${iterations}:{salt_text}${stored_text}:{server_text}"


def password_matches(password: str, stored: str | None) -> bool:
    """Say whether a stored verifier is that of the password; an md5 hash never is."""
    parts = re.fullmatch(r"SCRAM-SHA-256\$([0-9]+):([A-Za-z0-9+/=]+)\$[A-Za-z0-9+/=]+:[A-Za-z0-9+/=]+", stored or "")
    if parts is None:
        return False
    return hmac.compare_digest(verifier(password, base64.b64decode(parts[2]), int(parts[1])), str(stored))


def role_steps(wanted: list[dict[str, Any]], have: dict[str, Any]) -> list[Step]:
    """Return what makes the roles as wanted: all roles first, then who is a member of what."""
    steps = [step for role in wanted for step in one_role_steps(role, have.get(role["name"]))]
    for role in wanted:
        name = role["name"]
        before, after = set(have.get(name, {}).get("member_of", [])), set(role["member_of"])
        steps += [
            Step(f"make role {name} a member of {group}", (f"GRANT {quoted(group)} TO {quoted(name)}",))
            for group in sorted(after - before)
        ]
        steps += [
            Step(f"end membership of role {name} in {group}", (f"REVOKE {quoted(group)} FROM {quoted(name)}",))
            for group in sorted(before - after)
        ]
    return steps


def one_role_steps(role: dict[str, Any], have: dict[str, Any] | None) -> list[Step]:
    name, password = role["name"], role.get("password")
    login = "LOGIN" if role["login"] else "NOLOGIN"
    replication = "REPLICATION" if role["replication"] else "NOREPLICATION"
    attributes = f"{quoted(name)} {login} {UNPRIVILEGED} {replication} CONNECTION LIMIT {role['connection_limit']}"
    steps = []
    if have is None:
        steps.append(Step(f"create role {name}", (f"CREATE ROLE {attributes}",)))
    elif have["privileged"] or any(have[key] != role[key] for key in ("login", "connection_limit", "replication")):
        steps.append(Step(f"change the attributes of role {name}", (f"ALTER ROLE {attributes}",)))
    stored = have["verifier"] if have else None
    if password and not password_matches(password, stored):
        new = verifier(password, os.urandom(16))
        steps.append(Step(f"set the password of role {name}", (f"ALTER ROLE {quoted(name)} PASSWORD '{new}'",)))
    elif stored and not password:
        steps.append(Step(f"remove the password of role {name}", (f"ALTER ROLE {quoted(name)} PASSWORD NULL",)))
    return steps


def database_steps(database: dict[str, Any], have: dict[str, Any] | None) -> list[Step]:
    """Return what makes the database itself as wanted: its owner, and who may connect."""
    name, owner = database["name"], database["owner"]
    steps = []
    if have is None:
        create = f"CREATE DATABASE {quoted(name)} OWNER {quoted(owner)}"
        steps.append(Step(f"create database {name}", (create,)))
    elif have["owner"] != owner:
        change = f"ALTER DATABASE {quoted(name)} OWNER TO {quoted(owner)}"
        steps.append(Step(f"give database {name} to {owner}", (change,)))
    if have is None or have["public"]:
        close = f"REVOKE ALL ON DATABASE {quoted(name)} FROM PUBLIC"
        steps.append(Step(f"close database {name} to the public", (close,)))
    before = set(have["connect"]) if have else set()
    after = {grant["role"] for grant in database["grants"]} - {owner}
    steps += [
        Step(
            f"let role {role} connect to database {name}",
            (f"GRANT CONNECT ON DATABASE {quoted(name)} TO {quoted(role)}",),
        )
        for role in sorted(after - before)
    ]
    steps += [
        Step(
            f"keep role {role} out of database {name}", (f"REVOKE ALL ON DATABASE {quoted(name)} FROM {quoted(role)}",)
        )
        for role in sorted(before - after - {owner})
    ]
    return steps


def content_steps(database: dict[str, Any], have: dict[str, Any] | None) -> list[Step]:
    """Return what makes the inside of a database as wanted: extensions, schemas, privileges."""
    name = database["name"]
    have = have or {"extensions": [], "schemas": {}, "relations": [], "granted": [], "defaults": []}
    steps = [
        Step(f"create extension {extension} in database {name}", (f"CREATE EXTENSION {quoted(extension)}",), name)
        for extension in database["extensions"]
        if extension not in have["extensions"]
    ]
    public = have["schemas"].get("public")
    if public and public["owner"] != "pg_database_owner":
        steps.append(
            Step(
                f"give schema public of database {name} to the owner of the database",
                ("ALTER SCHEMA public OWNER TO pg_database_owner",),
                name,
            )
        )
    if public and public["public_create"]:
        steps.append(
            Step(
                f"close schema public of database {name} to the public",
                ("REVOKE CREATE ON SCHEMA public FROM PUBLIC",),
                name,
            )
        )
    for schema in database["schemas"]:
        owner, there = schema.get("owner") or database["owner"], have["schemas"].get(schema["name"])
        if there is None:
            steps.append(
                Step(
                    f"create schema {schema['name']} in database {name}",
                    (f"CREATE SCHEMA {quoted(schema['name'])} AUTHORIZATION {quoted(owner)}",),
                    name,
                )
            )
        elif there["owner"] != owner:
            steps.append(
                Step(
                    f"give schema {schema['name']} of database {name} to {owner}",
                    (f"ALTER SCHEMA {quoted(schema['name'])} OWNER TO {quoted(owner)}",),
                    name,
                )
            )
    for grant in database["grants"]:
        steps += grant_steps(database, grant, have)
        steps += lookup_steps(name, grant["role"], have) if grant["level"] == "lookup" else []
    return steps


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
    schema, function = quoted(pooler), f"{quoted(pooler)}.lookup(text)"
    statements = (
        f"CREATE SCHEMA IF NOT EXISTS {schema}",
        f"ALTER SCHEMA {schema} OWNER TO {quoted(holder)}",
        f"GRANT USAGE ON SCHEMA {schema} TO {quoted(pooler)}",
        f"GRANT SELECT ({LOOKUP_COLUMNS}) ON pg_catalog.pg_authid TO {quoted(holder)}",
        f"DROP FUNCTION IF EXISTS {function}",
        f"CREATE FUNCTION {function} RETURNS TABLE (name text, verifier text) LANGUAGE sql STABLE SECURITY DEFINER "
        f"SET search_path = pg_catalog AS '{LOOKUP_SOURCE}'",
        f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC",
        f"ALTER FUNCTION {function} OWNER TO {quoted(holder)}",
        f"GRANT EXECUTE ON FUNCTION {function} TO {quoted(pooler)}",
    )
    return [Step(f"let role {pooler} look up who logs in to database {database}", statements, database)]


def lookup_holder(pooler: str) -> dict[str, Any]:
    """Return the role that owns the function a pooler calls."""
    return {
        "name": f"{pooler}_lookup",
        "login": False,
        "connection_limit": -1,
        "member_of": [],
        "replication": False,
    }


def grant_steps(database: dict[str, Any], grant: dict[str, Any], have: dict[str, Any]) -> list[Step]:
    """Return what gives a role exactly the privileges of its level on the tables and sequences of a schema."""
    role, schema, name, owner = grant["role"], grant["schema"], database["name"], database["owner"]
    to, where = quoted(role), quoted(schema)
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
        future = {
            row["privilege"]
            for row in have["defaults"]
            if (row["schema"], row["kind"], row["role"], row["owner"]) == (schema, kind, role, owner)
        }
        if future != wanted:
            alter = f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted(owner)} IN SCHEMA {where}"
            statements.append(f"{alter} REVOKE ALL ON {kind.upper()} FROM {to}")
            statements += [f"{alter} GRANT {grant_list} ON {kind.upper()} TO {to}"] if wanted else []
    sentence = f"give role {role} level {grant['level']} on schema {schema} of database {name}"
    return [Step(sentence, tuple(statements), name)] if statements else []


def comparison(databases: list[dict[str, Any]]) -> str:
    """Return the script that asks for everything; psql itself skips the databases that do not exist yet."""
    script = [SERVER_QUERY]
    for database in databases:
        name = database["name"]  # letters, digits and underscores: nothing to quote inside
        script += [f"\\set name {name}", EXISTS_QUERY, "\\if :there", f'\\connect "{name}"', DATABASE_QUERY, "\\endif"]
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


class Server:
    """The local server, asked as its administrator through the socket."""

    def __init__(self, version: int, port: int) -> None:
        self.program = f"/usr/lib/postgresql/{version}/bin/psql"
        self.port = port

    def psql(self, script: str) -> str:
        """Run a script; what an error says never includes the statement."""
        options = " ".join(f"-c {name}={value}" for name, value in QUIET.items())
        environment = {
            "PATH": os.defpath,
            "LC_ALL": "C.UTF-8",
            "PGOPTIONS": options,
            "PGCLIENTENCODING": "UTF8",
            "PGAPPNAME": "holdfast",
            "PGCONNECT_TIMEOUT": "10",
        }
        command = [
            self.program,
            "-qAtX",
            "-v",
            "ON_ERROR_STOP=1",
            "-v",
            "VERBOSITY=terse",
            "-h",
            SOCKETS,
            "-p",
            str(self.port),
            "-d",
            "postgres",
            "-f",
            "-",
        ]
        try:
            done = subprocess.run(
                command,
                input=script.encode(),
                capture_output=True,
                check=False,
                timeout=300,
                cwd="/",
                env=environment,
                user="postgres",
                group="postgres",
                extra_groups=[],
            )
        except (FileNotFoundError, LookupError) as problem:
            raise Refused(f"PostgreSQL is not installed: {self.program} or user postgres is missing") from problem
        except subprocess.TimeoutExpired as problem:
            raise Refused("PostgreSQL did not answer within 300 s") from problem
        if done.returncode != 0:
            text = re.sub(r"SCRAM-SHA-256\S*", "********", done.stderr.decode(errors="replace").strip())
            raise Refused(f"PostgreSQL refuses: {text}")
        return done.stdout.decode()


def look(server: Server, databases: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the server has, and what each existing database has."""
    first, *rest = [json.loads(line) for line in server.psql(comparison(databases)).splitlines() if line]
    return first, {entry["database"]: entry for entry in rest}


def warnings_of(have: dict[str, Any]) -> list[str]:
    warnings = []
    if not have["data_checksums"]:
        warnings.append("the cluster has no data checksums; stop it, run `pg_checksums --enable`, start it")
    if have["pending_restart"]:
        warnings.append(f"these settings wait for a restart of PostgreSQL: {', '.join(have['pending_restart'])}")
    if have["altered"]:
        names = ", ".join(sorted(have["altered"]))
        warnings.append(f"ALTER SYSTEM overrides the files for {names}; run ALTER SYSTEM RESET for each")
    return warnings


def act(arguments: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    server = Server(arguments["version"], arguments["port"])
    have: dict[str, Any] = {"roles": {}, "databases": {}}
    contents: dict[str, Any] = {}
    try:
        have, contents = look(server, arguments["databases"])
    except Refused:
        if not check:
            raise  # in check mode the server may not be installed yet, and everything is still to be done
    grants = [grant for database in arguments["databases"] for grant in database["grants"]]
    poolers = sorted({grant["role"] for grant in grants if grant["level"] == "lookup"})
    steps = role_steps(arguments["roles"] + [lookup_holder(name) for name in poolers], have["roles"])
    for database in arguments["databases"]:
        steps += database_steps(database, have["databases"].get(database["name"]))
    for database in arguments["databases"]:
        steps += content_steps(database, contents.get(database["name"]))
    if steps and not check:
        server.psql(change_script(steps))
    result: dict[str, Any] = {"changed": bool(steps), "changes": [step.sentence for step in steps]}
    if "data_checksums" in have:
        result["server"] = {key: have[key] for key in ("data_checksums", "pending_restart", "altered")}
        result["warnings"] = warnings_of(have)
    if diff and steps:
        result["diff"] = {"prepared": "".join(f"+ {step.sentence}\n" for step in steps)}
    return result


def main() -> None:
    outer = json.loads(ARGUMENTS)
    arguments = json.loads(zlib.decompress(base64.b64decode(outer["payload"])))
    try:
        result = act(arguments, outer["_ansible_check_mode"], outer["_ansible_diff"])
    except Refused as problem:
        result = {"failed": True, "changed": False, "msg": str(problem)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
