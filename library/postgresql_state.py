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
import string
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
  - What has C(state=absent) is removed. A database or schema that exists, and an extension that has tables, is dropped
    only with C(drop_data=true), an extension only when nothing needs it, a role only when it owns nothing; otherwise
    nothing at all is changed.
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
      settings: {description: Exactly the settings its sessions begin with., type: dict, default: {}}
      database_settings: {description: "The same for one database, by its name.", type: dict, default: {}}
      state: {description: Whether it shall exist., type: str, choices: [present, absent], default: present}
  databases:
    description: Databases that must exist.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: Lower-case letters, digits and underscores., type: str, required: true}
      owner: {description: Role that owns the database and so its schema C(public)., type: str, required: true}
      settings: {description: Exactly the settings that sessions in it begin with., type: dict, default: {}}
      state: {description: Whether it shall exist., type: str, choices: [present, absent], default: present}
      drop_data: {description: Whether C(state=absent) may delete what is in it., type: bool, default: false}
      extensions:
        description: Extensions it must have.
        type: list
        elements: dict
        default: []
        suboptions:
          name: {description: Name of the extension., type: str, required: true}
          state: {description: Whether it shall exist., type: str, choices: [present, absent], default: present}
          drop_data: {description: Whether C(state=absent) may delete its tables., type: bool, default: false}
      schemas:
        description: Schemas it must have besides C(public).
        type: list
        elements: dict
        default: []
        suboptions:
          name: {description: Name of the schema., type: str, required: true}
          owner: {description: Role that owns it; the owner of the database unless given., type: str}
          state: {description: Whether it shall exist., type: str, choices: [present, absent], default: present}
          drop_data: {description: Whether C(state=absent) may delete what is in it., type: bool, default: false}
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
    "lc_messages": "C",
    "standard_conforming_strings": "on",
}
PRIVILEGES = {
    "connect": {},
    "lookup": {},
    "read": {"tables": {"SELECT"}, "sequences": {"SELECT"}},
    "write": {"tables": {"SELECT", "INSERT", "UPDATE", "DELETE"}, "sequences": {"SELECT", "USAGE", "UPDATE"}},
}
# Settings whose members PostgreSQL quotes one by one.
LISTS = {"search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries"}
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
  'settings', (select coalesce(jsonb_agg(jsonb_build_array(coalesce(rolname, ''), coalesce(datname, ''),
      lower(split_part(c, '=', 1)), substr(c, strpos(c, '=') + 1))), '[]')
    from pg_db_role_setting cross join unnest(setconfig) c
    left join pg_roles r on r.oid = setrole left join pg_database d on d.oid = setdatabase),
  'held', (select coalesce(jsonb_agg(x), '[]') from (
    select rolname as role, datname as database, deptype = 'o' and classid <> 'pg_default_acl'::regclass as owns,
           case when dbid = 0 then pg_describe_object(classid, objid, 0) end as object, count(*) as number
    from pg_shdepend join pg_roles r on refclassid = 'pg_authid'::regclass and refobjid = r.oid
    left join pg_database d on d.oid = dbid where rolname = any(:'absent') group by 1, 2, 3, 4) x),
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
  'owned', (select coalesce(jsonb_agg(x), '[]') from (
    select rolname as role, pg_describe_object(classid, objid, objsubid) as object
    from pg_shdepend join pg_roles r on refclassid = 'pg_authid'::regclass and refobjid = r.oid
    where deptype = 'o' and classid <> 'pg_default_acl'::regclass and rolname = any(:'absent')
      and dbid = (select oid from pg_database where datname = current_database()) order by 1, 2) x),
  'extensions', (select jsonb_object_agg(extname, exists (select from pg_depend d join pg_class c on c.oid = d.objid
      where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid
      and d.deptype = 'e' and c.relkind in ('r', 'p', 'm'))) from pg_extension e),
  'needed', coalesce(nullif(current_setting('holdfast.needed', true), ''), '{}')::jsonb,
  'schemas', (select jsonb_object_agg(nspname, jsonb_build_object(
      'owner', pg_get_userbyid(nspowner), 'public_create', has_schema_privilege('public', oid, 'CREATE'),
      'usage', (select coalesce(jsonb_agg(distinct pg_get_userbyid(grantee)), '[]') from aclexplode(nspacl)
                where grantee <> 0 and privilege_type = 'USAGE')))
    from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'),
  'relations', (select coalesce(jsonb_agg(x), '[]') from (
    select n.nspname as schema, case c.relkind when 'S' then 'sequences' else 'tables' end as kind,
           pg_get_userbyid(c.relowner) as owner, count(*) as number
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname !~ '^pg_' group by 1, 2, 3) x),
  'granted', (select coalesce(jsonb_agg(x), '[]') from (
    select n.nspname as schema, case c.relkind when 'S' then 'sequences' else 'tables' end as kind,
           pg_get_userbyid(a.grantee) as role, a.privilege_type as privilege, count(distinct c.oid) as number
    from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join lateral aclexplode(c.relacl) a
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and a.grantee not in (0, c.relowner)
      and n.nspname !~ '^pg_' group by 1, 2, 3, 4) x),
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
# Who needs an extension is told by PostgreSQL itself: it drops it and takes that back.
NEEDED_QUERY = """do $$ declare extension text; words text; needed jsonb = '{}'; begin
  foreach extension in array %s::text[] loop
    begin
      execute format('drop extension if exists %%I', extension);
      raise sqlstate 'HF001';
    exception when sqlstate 'HF001' then null;
      when others then
        get stacked diagnostics words = pg_exception_detail;
        needed := needed || jsonb_build_object(extension, coalesce(nullif(words, ''), sqlerrm));
    end;
  end loop;
  perform set_config('holdfast.needed', needed::text, false);
end $$;"""
# Between the look and the drop something may have been created.
OWNS_NOTHING = """do $$ begin
  if exists (select from pg_shdepend where refclassid = 'pg_authid'::regclass and refobjid = to_regrole({0!l})
             and deptype = 'o' and classid <> 'pg_default_acl'::regclass
             and dbid in (0, (select oid from pg_database where datname = current_database())))
  then raise 'the role owns something by now'; end if;
end $$"""
EXISTS_QUERY = "select exists (select from pg_database where datname = :'name') as there \\gset"
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

Key = tuple[str, ...]
Facts = dict[str, dict[Key, Any]]  # by kind, then by key


class Refused(Exception):
    """PostgreSQL cannot do it, or we will not; the text is for the operator."""


@dataclass(frozen=True)
class Step:
    """One change: what the operator reads, and the statements, which may hold a verifier and are never shown."""

    sentence: str
    statements: tuple[str, ...]
    database: str = "postgres"


class Sql(string.Formatter):
    """Fills in statements: !i is an identifier, !l a literal."""

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        if conversion in ("i", "l"):
            mark = '"' if conversion == "i" else "'"
            return mark + str(value).replace(mark, 2 * mark) + mark
        return super().convert_field(value, conversion)


SQL = Sql()


def identifier(name: str) -> str:
    return SQL.format("{0!i}", name)


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


def look(server: Server, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return what the server has, and in `contents` what each existing database has."""
    first, *rest = [json.loads(line) for line in server.psql(comparison(arguments)).splitlines() if line]
    return {**first, "contents": {entry["database"]: entry for entry in rest}}


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
    have: dict[str, Any] = {"roles": {}, "databases": {}, "settings": [], "held": [], "contents": {}}
    try:
        have = look(server, arguments)
    except Refused:
        if not check:
            raise  # in check mode the server may not be installed yet, and everything is still to be done
    if against := refusals(arguments, have):
        raise Refused("\n".join(against))
    steps = all_steps(arguments, have)
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
