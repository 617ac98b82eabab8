"""postgresql_state without a server: what differs becomes which statements, and passwords never do (PGS-04, PGS-05)."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader

# What PostgreSQL 15.18 stored for this password.
PASSWORD = 'pencil "42" $x'
STORED = (
    "SCRAM-SHA-256$4096:UOspm9y5tZrrIfIYUgwMkg==$vC0Jt6jxgzYVOyVS6ipH6iQ6tAJjN9ekPtfHdgiX4mM="
    ":tWaILsU9o3OPl7+rJqTuwAnMXkmqbIcDZGvC7ExVdC4="
)
ROLE = {
    "name": "shop",
    "login": True,
    "password": PASSWORD,
    "connection_limit": -1,
    "member_of": [],
    "replication": False,
    "settings": {},
    "database_settings": {},
    "state": "present",
}
HAVE_ROLE = {key: ROLE[key] for key in ("login", "connection_limit", "member_of", "replication")} | {
    "verifier": STORED,
    "privileged": False,
}
DATABASE: dict[str, Any] = {
    "name": "shop",
    "owner": "shop",
    "settings": {},
    "state": "present",
    "drop_data": False,
    "extensions": [],
    "schemas": [],
    "grants": [],
}
EXTENSION = {"name": "pg_trgm", "state": "present", "drop_data": False}
ABSENT = {"state": "absent"}
SCHEMA = {"name": "audit", "owner": None, "state": "present", "drop_data": False}
HAVE_DATABASE = {"owner": "shop", "public": False, "connect": []}
PUBLIC = {"owner": "pg_database_owner", "public_create": False, "usage": []}
CONTENT: dict[str, Any] = {
    "database": "shop",
    "owned": [],
    "extensions": {"plpgsql": False},
    "needed": {},
    "schemas": {"public": PUBLIC},
    "relations": [],
    "granted": [],
    "lookups": {},
    "defaults": [],
}
SERVER = {
    "data_checksums": True,
    "pending_restart": [],
    "altered": [],
    "roles": {"shop": HAVE_ROLE},
    "settings": [],
    "held": [],
    "databases": {"shop": HAVE_DATABASE},
}


@pytest.fixture
def state(load_module: Callable[[str], ModuleType]) -> ModuleType:
    return load_module("postgresql_state")


def sentences(steps: list[Any]) -> list[str]:
    return [step.sentence for step in steps]


def statements(steps: list[Any]) -> str:
    return "\n".join(statement for step in steps for statement in step.statements)


def arguments(**changed: Any) -> dict[str, Any]:
    return {"version": 15, "port": 5432, "roles": [ROLE], "databases": [DATABASE]} | changed


def steps_for(
    state: ModuleType, wanted: dict[str, Any], server: dict[str, Any] | None = None, content: Any = CONTENT
) -> list[Any]:
    """Return the steps from what the server has (as in the constants, unless given) to what is wanted."""
    contents = {"shop": content} if content else {}
    steps: list[Any] = state.all_steps(arguments(**wanted), SERVER | (server or {}) | {"contents": contents})
    assert PASSWORD not in statements(steps) + str(sentences(steps))
    assert "SCRAM" not in str(sentences(steps))
    return steps


def test_the_verifier_is_the_one_postgresql_stores(state: ModuleType) -> None:
    assert state.verifier(PASSWORD, base64.b64decode("UOspm9y5tZrrIfIYUgwMkg==")) == STORED
    assert state.password_matches(PASSWORD, STORED)


@pytest.mark.parametrize("stored", [None, "", "md5" + 32 * "0", STORED[:-4], "SCRAM-SHA-256$4096:!$a:b"])
def test_anything_else_does_not_match(state: ModuleType, stored: str | None) -> None:
    assert not state.password_matches(PASSWORD, stored)
    assert not state.password_matches(PASSWORD + "x", STORED)


def test_what_is_equal_is_no_change(state: ModuleType) -> None:
    assert steps_for(state, {}) == []


@pytest.mark.parametrize(
    ("have", "wanted", "said"),
    [
        (None, {}, ["create role shop", "set the password of role shop"]),
        ({"privileged": True}, {}, ["change the attributes of role shop"]),
        ({"replication": True}, {}, ["change the attributes of role shop"]),
        ({}, {"replication": True}, ["change the attributes of role shop"]),
        ({"login": False}, {}, ["change the attributes of role shop"]),
        ({"connection_limit": 5}, {}, ["change the attributes of role shop"]),
        ({"verifier": None}, {}, ["set the password of role shop"]),
        ({}, {"password": "another"}, ["set the password of role shop"]),
        ({}, {"password": None}, ["remove the password of role shop"]),
        ({"verifier": None}, {"password": None}, []),
        (
            {"member_of": ["a", "b"]},
            {"member_of": ["b", "c"]},
            ["make role shop a member of c", "end membership of role shop in a"],
        ),
    ],
)
def test_each_difference_of_a_role(
    state: ModuleType, have: dict[str, Any] | None, wanted: dict[str, Any], said: list[str]
) -> None:
    there = {} if have is None else {"shop": HAVE_ROLE | have}
    assert sentences(steps_for(state, {"roles": [ROLE | wanted]}, {"roles": there})) == said


def test_roles_come_before_their_memberships(state: ModuleType) -> None:
    roles = [ROLE | {"member_of": ["late"]}, ROLE | {"name": "late", "password": None}]
    steps = steps_for(state, {"roles": roles}, {"roles": {}})
    assert sentences(steps)[-1] == "make role shop a member of late"
    assert "NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION" in statements(steps)


@pytest.mark.parametrize(
    ("have", "wanted", "said", "statement"),
    [
        ([["shop", "", "jit", "off"]], {"settings": {"jit": "off"}}, [], ""),
        ([["shop", "", "jit", "off"]], {}, ["reset jit of role shop"], 'ALTER ROLE "shop" RESET jit'),
        (
            [["shop", "", "jit", "off"]],
            {"settings": {"jit": "it's"}},
            ["set jit of role shop"],
            "ALTER ROLE \"shop\" SET jit TO 'it''s'",
        ),
        ([["shop", "", "search_path", 'app, "$user"']], {"settings": {"search_path": "app, $user"}}, [], ""),
        (
            [],
            {"settings": {"search_path": "app,public"}},
            ["set search_path of role shop"],
            "ALTER ROLE \"shop\" SET search_path TO 'app', 'public'",
        ),
        (
            [["shop", "shop", "jit", "on"]],
            {"database_settings": {"shop": {"work_mem": "8MB"}}},
            ["set work_mem of role shop in database shop", "reset jit of role shop in database shop"],
            'ALTER ROLE "shop" IN DATABASE "shop" SET work_mem TO \'8MB\'',
        ),
        ([["other", "", "jit", "on"], ["", "other", "jit", "on"], ["other", "shop", "jit", "on"]], {}, [], ""),
        ([["", "shop", "jit", "on"]], {}, ["reset jit of database shop"], 'ALTER DATABASE "shop" RESET jit'),
    ],
)
def test_settings_are_held_exactly(
    state: ModuleType, have: list[Any], wanted: dict[str, Any], said: list[str], statement: str
) -> None:
    """Those of roles and databases that nobody manages stay."""
    steps = steps_for(state, {"roles": [ROLE | wanted]}, {"settings": have})
    assert sentences(steps) == said
    assert statement in statements(steps)


def test_a_database_has_its_settings(state: ModuleType) -> None:
    steps = steps_for(state, {"databases": [DATABASE | {"settings": {"timezone": "UTC"}}]})
    assert statements(steps) == "ALTER DATABASE \"shop\" SET timezone TO 'UTC'"


@pytest.mark.parametrize(
    ("have", "grants", "said"),
    [
        (HAVE_DATABASE, [], []),
        (None, [], ["create database shop", "close database shop to the public"]),
        (HAVE_DATABASE | {"owner": "postgres"}, [], ["give database shop to shop"]),
        (HAVE_DATABASE | {"public": True}, [], ["close database shop to the public"]),
        (
            HAVE_DATABASE | {"connect": ["old", "shop"]},
            ["new", "shop"],
            ["let role new connect to database shop", "keep role old out of database shop"],
        ),
    ],
)
def test_each_difference_of_a_database(
    state: ModuleType, have: dict[str, Any] | None, grants: list[str], said: list[str]
) -> None:
    wanted = DATABASE | {"grants": [{"role": role, "level": "connect", "schema": "public"} for role in grants]}
    there, content = ({"shop": have}, CONTENT) if have else ({}, None)
    assert sentences(steps_for(state, {"databases": [wanted]}, {"databases": there}, content)) == said


@pytest.mark.parametrize(
    ("have", "wanted", "said"),
    [
        ({}, {"extensions": [EXTENSION]}, ["create extension pg_trgm in database shop"]),
        ({"extensions": {"pg_trgm": False}}, {"extensions": [EXTENSION]}, []),
        ({"extensions": {"pg_trgm": False}}, {}, []),
        ({}, {"extensions": [EXTENSION | ABSENT]}, []),
        (
            {"extensions": {"pg_trgm": False}},
            {"extensions": [EXTENSION | ABSENT]},
            ["drop extension pg_trgm of database shop"],
        ),
        (
            {"schemas": {"public": PUBLIC | {"owner": "postgres", "public_create": True}}},
            {},
            [
                "give schema public of database shop to pg_database_owner",
                "close schema public of database shop to the public",
            ],
        ),
        ({}, {"schemas": [SCHEMA]}, ["create schema audit in database shop"]),
        ({"schemas": {"public": PUBLIC, "other": PUBLIC | {"public_create": True}}}, {}, []),
        (
            {"schemas": {"public": PUBLIC, "audit": PUBLIC | {"owner": "x"}}},
            {"schemas": [SCHEMA | {"owner": "y"}]},
            ["give schema audit of database shop to y"],
        ),
    ],
)
def test_each_difference_inside_a_database(
    state: ModuleType, have: dict[str, Any], wanted: dict[str, Any], said: list[str]
) -> None:
    steps = steps_for(state, {"databases": [DATABASE | wanted]}, content=CONTENT | have)
    assert sentences(steps) == said
    assert {step.database for step in steps} <= {"shop"}


READ = {"role": "report", "level": "read", "schema": "public"}
TABLES = {"schema": "public", "kind": "tables"}
GRANTED = {
    "schemas": {"public": PUBLIC | {"usage": ["report"]}},
    "relations": [TABLES | {"owner": "shop", "number": 2}, TABLES | {"owner": "report", "number": 7}],
    "granted": [TABLES | {"role": "report", "privilege": "SELECT", "number": 2}],
    "defaults": [
        {"schema": "public", "kind": kind, "owner": "shop", "role": "report", "privilege": "SELECT"}
        for kind in ("tables", "sequences")
    ],
}


ALL_TABLES = 'ALL TABLES IN SCHEMA "public"'
ALL_SEQUENCES = 'ALL SEQUENCES IN SCHEMA "public"'
FUTURE = 'ALTER DEFAULT PRIVILEGES FOR ROLE "shop" IN SCHEMA "public"'
READ_TABLES = [f'REVOKE ALL ON {ALL_TABLES} FROM "report"', f'GRANT SELECT ON {ALL_TABLES} TO "report"']
WRITE = "DELETE, INSERT, SELECT, UPDATE"


@pytest.mark.parametrize(
    ("have", "level", "wanted"),
    [
        ({}, "read", []),
        ({"granted": []}, "read", READ_TABLES),
        ({"relations": [TABLES | {"owner": "shop", "number": 3}]}, "read", READ_TABLES),
        ({"schemas": {"public": PUBLIC}}, "read", ['GRANT USAGE ON SCHEMA "public" TO "report"']),
        (
            {"defaults": []},
            "read",
            [
                f'{FUTURE} REVOKE ALL ON TABLES FROM "report"',
                f'{FUTURE} GRANT SELECT ON TABLES TO "report"',
                f'{FUTURE} REVOKE ALL ON SEQUENCES FROM "report"',
                f'{FUTURE} GRANT SELECT ON SEQUENCES TO "report"',
            ],
        ),
        (
            {},
            "write",
            [
                f'REVOKE ALL ON {ALL_TABLES} FROM "report"',
                f'GRANT {WRITE} ON {ALL_TABLES} TO "report"',
                f'{FUTURE} REVOKE ALL ON TABLES FROM "report"',
                f'{FUTURE} GRANT {WRITE} ON TABLES TO "report"',
                f'{FUTURE} REVOKE ALL ON SEQUENCES FROM "report"',
                f'{FUTURE} GRANT SELECT, UPDATE, USAGE ON SEQUENCES TO "report"',
            ],
        ),
        (
            {"granted": [TABLES | {"kind": "sequences", "role": "report", "privilege": "USAGE", "number": 1}]},
            "read",
            [
                *READ_TABLES,
                f'REVOKE ALL ON {ALL_SEQUENCES} FROM "report"',
                f'GRANT SELECT ON {ALL_SEQUENCES} TO "report"',
            ],
        ),
        (  # what an earlier level gave is taken back
            {},
            "connect",
            [
                f'REVOKE ALL ON {ALL_TABLES} FROM "report"',
                f'{FUTURE} REVOKE ALL ON TABLES FROM "report"',
                f'{FUTURE} REVOKE ALL ON SEQUENCES FROM "report"',
            ],
        ),
    ],
)
def test_a_level_is_held_exactly(state: ModuleType, have: dict[str, Any], level: str, wanted: list[str]) -> None:
    """The statements themselves: a REVOKE without its GRANT would take all tables from a reader."""
    database = DATABASE | {"grants": [READ | {"level": level}]}
    server = {"databases": {"shop": HAVE_DATABASE | {"connect": ["report"]}}}
    steps = steps_for(state, {"databases": [database]}, server, CONTENT | GRANTED | have)
    assert [statement for step in steps for statement in step.statements] == wanted


def test_owners_of_other_schemas_give_nothing_here(state: ModuleType) -> None:
    """Two schemas with an owner each: what the other one's owner will make stays with him."""
    schemas = [SCHEMA | {"name": "audit", "owner": "auditor"}, SCHEMA | {"name": "stock", "owner": "keeper"}]
    wanted = DATABASE | {"schemas": schemas, "grants": [READ | {"schema": "audit"}]}
    said = statements(steps_for(state, {"databases": [wanted]}))
    for creator in ("auditor", "shop"):
        assert f'FOR ROLE "{creator}" IN SCHEMA "audit" GRANT SELECT' in said
    assert 'FOR ROLE "keeper" IN SCHEMA "audit"' not in said


def test_future_tables_of_the_owner_of_a_schema_count_too(state: ModuleType) -> None:
    wanted = DATABASE | {"schemas": [SCHEMA | {"owner": "auditor"}], "grants": [READ | {"schema": "audit"}]}
    steps = steps_for(state, {"databases": [wanted]})
    for creator in ("auditor", "shop"):
        assert f'FOR ROLE "{creator}" IN SCHEMA "audit" GRANT SELECT ON TABLES TO "report"' in statements(steps)


LOOKUP = {"role": "pooler", "level": "lookup", "schema": "public"}


def looked_up(state: ModuleType, **changed: Any) -> dict[str, Any]:
    """What a database tells that has the function of role pooler."""
    function = {
        "owners": ["pooler_lookup", "pooler_lookup"],
        "callers": ["pooler", "pooler_lookup"],
        "source": state.LOOKUP_SOURCE,
        "definer": True,
        "config": ["search_path=pg_catalog"],
        "reads": True,
        "usage": True,
    }
    return CONTENT | {"lookups": {"pooler": function | changed}}


@pytest.mark.parametrize(
    "changed",
    [
        {"owners": ["postgres", "pooler_lookup"]},
        {"callers": ["-", "pooler", "pooler_lookup"]},  # everybody
        {"source": "select $1, ''"},
        {"definer": False},
        {"config": None},
        {"reads": False},
        {"usage": False},
    ],
)
def test_a_pooler_looks_up_users_through_a_function_that_is_held_exactly(
    state: ModuleType, changed: dict[str, Any]
) -> None:
    wanted = {"databases": [DATABASE | {"grants": [LOOKUP]}]}
    roles = {"shop": HAVE_ROLE, "pooler_lookup": HAVE_ROLE | {"login": False, "verifier": None}}
    server = {"roles": roles, "databases": {"shop": HAVE_DATABASE | {"connect": ["pooler"]}}}
    assert steps_for(state, wanted, server, looked_up(state)) == []
    said = ["let role pooler look up who logs in to database shop"]
    for have in (looked_up(state, **changed), CONTENT, None):
        steps = steps_for(state, wanted, server, have)
        assert sentences(steps) == said
        assert steps[0].database == "shop"
    assert 'REVOKE ALL ON FUNCTION "pooler".lookup(text) FROM PUBLIC' in statements(steps)
    assert "SECURITY DEFINER SET search_path = pg_catalog" in statements(steps)


def test_the_owner_of_the_function_can_do_nothing_else(state: ModuleType) -> None:
    steps = steps_for(state, {"databases": [DATABASE | {"grants": [LOOKUP]}]})
    assert sentences(steps) == [
        "create role pooler_lookup",
        "let role pooler connect to database shop",
        "let role pooler look up who logs in to database shop",
    ]
    assert "NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION" in steps[0].statements[0]


GONE = ROLE | {"name": "gone", "state": "absent"}
HELD = {"role": "gone", "database": None, "owns": False, "object": "database shop", "number": 1}


def refused(state: ModuleType, wanted: dict[str, Any], server: dict[str, Any], content: Any = CONTENT) -> list[str]:
    found: list[str] = state.refusals(arguments(**wanted), SERVER | server | {"contents": {"shop": content}})
    return found


def test_a_role_that_owns_nothing_is_dropped_with_its_rights(state: ModuleType) -> None:
    held = [HELD, HELD | {"database": "shop"}, HELD | {"database": "second"}, HELD | {"role": "x", "database": "third"}]
    server = {"roles": {"shop": HAVE_ROLE, "gone": HAVE_ROLE}, "held": held}
    second = DATABASE | {"name": "second", "state": "absent", "drop_data": True}
    wanted = {"roles": [ROLE, GONE], "databases": [DATABASE, second]}
    assert refused(state, wanted, server) == []
    steps = steps_for(state, wanted, server)
    assert [(step.sentence, step.database) for step in steps] == [
        ("take the rights of role gone in database postgres", "postgres"),
        ("take the rights of role gone in database shop", "shop"),
        ("drop role gone", "postgres"),
    ]
    assert "to_regrole('gone')" in steps[0].statements[0]
    assert steps_for(state, wanted) == []  # it is gone already


@pytest.mark.parametrize(
    ("held", "owned", "databases", "what"),
    [
        ([HELD | {"owns": True}], [], [], "database shop"),
        ([HELD | {"owns": True}], [], [DATABASE], ""),  # is given to its owner in the same run
        ([HELD | {"owns": True}], [], [DATABASE | {"state": "absent", "drop_data": True}], ""),
        (
            [HELD | {"owns": True, "object": None, "database": "b", "number": 3}],
            [],
            [DATABASE],
            "3 objects in database b",
        ),
        (
            [HELD | {"owns": True, "object": None, "database": "shop"}],
            ["table a", "table b"],
            [DATABASE],
            "table a, table b",
        ),
        ([], ["schema audit"], [DATABASE], "schema audit"),
        ([], ["schema audit"], [DATABASE | {"schemas": [SCHEMA]}], ""),
        ([], list("abcdefgh"), [DATABASE], "a, b, c, d, e and 3 more"),
    ],
)
def test_a_role_that_owns_something_is_refused_with_what_it_owns(
    state: ModuleType, held: list[Any], owned: list[str], databases: list[Any], what: str
) -> None:
    content = CONTENT | {"owned": [{"role": "gone", "object": each} for each in owned]}
    found = refused(state, {"roles": [GONE], "databases": databases}, {"held": held}, content)
    give = f"role gone is absent and owns {what}; give that to another role first (REASSIGN OWNED)"
    assert found == ([give] if what else [])


@pytest.mark.parametrize("permitted", [False, True])
def test_data_is_deleted_only_when_that_is_said_twice(state: ModuleType, permitted: bool) -> None:
    gone = {"state": "absent", "drop_data": permitted}
    content = CONTENT | {"schemas": {"public": PUBLIC, "audit": PUBLIC}}
    server = {"databases": {"shop": HAVE_DATABASE, "second": HAVE_DATABASE}}
    wanted = {"databases": [DATABASE | {"schemas": [SCHEMA | gone]}, DATABASE | gone | {"name": "second"}]}
    found = refused(state, wanted, server, content)
    assert [text.partition(" is there")[0] for text in found] == (
        [] if permitted else ["database second", "schema audit of database shop"]
    )
    assert sentences(steps_for(state, wanted, server, content)) == [
        "drop database second",
        "drop schema audit of database shop",
    ]
    assert refused(state, wanted, {"databases": {"shop": HAVE_DATABASE}}) == []  # neither is there


@pytest.mark.parametrize(
    ("tables", "permitted", "needed", "because"),
    [
        (False, False, {}, []),
        (True, True, {}, []),
        (True, False, {}, ["extension pg_trgm of database shop is there, and state: absent would delete its data"]),
        (
            False,
            True,
            {"pg_trgm": "index a depends on it\nindex b depends on it"},
            ["extension pg_trgm of database shop is absent and still needed: index a depends on it; index b depends"],
        ),
    ],
)
def test_an_extension_is_dropped_when_neither_data_nor_objects_go_with_it(
    state: ModuleType, tables: bool, permitted: bool, needed: dict[str, str], because: list[str]
) -> None:
    content = CONTENT | {"extensions": {"pg_trgm": tables, "citext": True}, "needed": needed}
    wanted = {"databases": [DATABASE | {"extensions": [EXTENSION | ABSENT | {"drop_data": permitted}]}]}
    found = refused(state, wanted, {}, content)
    assert [text.startswith(start) for text, start in zip(found, because, strict=True)] == [True] * len(because)
    assert refused(state, wanted, {}) == []  # it is not there


def test_postgresql_is_asked_who_needs_an_extension_only_when_it_shall_go(state: ModuleType) -> None:
    gone = DATABASE | {"extensions": [EXTENSION, EXTENSION | ABSENT | {"name": "uuid-ossp"}]}
    assert "foreach extension in array '{uuid-ossp}'::text[] loop" in state.comparison(arguments(databases=[gone]))
    assert "foreach" not in state.comparison(arguments(databases=[DATABASE | {"extensions": [EXTENSION]}]))


def test_names_are_quoted(state: ModuleType) -> None:
    assert state.identifier('a"b') == '"a""b"'
    assert 'ALTER ROLE "select"' in statements(steps_for(state, {"roles": [ROLE | {"name": "select"}]}))


def test_a_script_visits_each_database_once(state: ModuleType) -> None:
    steps = [state.Step("a", ("A",)), state.Step("b", ("B", "C"), "shop"), state.Step("d", ("D",), "shop")]
    assert state.change_script(steps).splitlines() == ["A;", '\\connect "shop"', "B;", "C;", "D;"]


def answers(state: ModuleType, monkeypatch: pytest.MonkeyPatch, *lines: dict[str, Any], code: int = 0) -> list[str]:
    """Let psql answer these lines; return the scripts it is given."""
    scripts: list[str] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        assert PASSWORD not in " ".join(command) + str(options["env"])
        assert options["check"] is False  # otherwise an error is a traceback with the command
        scripts.append(options["input"].decode())
        out = "\n".join(map(json.dumps, lines)).encode()
        return subprocess.CompletedProcess(command, code, out, f"ERROR near '{STORED}' {code}".encode())

    monkeypatch.setattr(state.subprocess, "run", run)
    return scripts


def test_one_session_when_nothing_differs(state: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = answers(state, monkeypatch, SERVER, CONTENT)
    result = state.act(arguments(), check=False, diff=True)
    assert (result["changed"], result["warnings"], len(scripts)) == (False, [], 1)


def test_a_second_session_when_something_does_and_check_mode_spares_it(
    state: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = answers(state, monkeypatch, SERVER | {"roles": {}}, CONTENT)
    assert state.act(arguments(), check=True, diff=False)["changes"][0] == "create role shop"
    assert len(scripts) == 1
    result = state.act(arguments(), check=False, diff=True)
    assert len(scripts) == 3
    assert result["diff"] == {"prepared": "+ create role shop\n+ set the password of role shop\n"}
    assert "SCRAM" not in json.dumps(result)
    assert PASSWORD not in "".join(scripts)


def test_what_only_the_server_knows_becomes_a_warning(state: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    server = SERVER | {"data_checksums": False, "pending_restart": ["max_connections"], "altered": ["work_mem"]}
    answers(state, monkeypatch, server, CONTENT)
    warnings = state.act(arguments(), check=False, diff=False)["warnings"]
    assert warnings == [
        "the cluster has no data checksums; stop it, run `pg_checksums --enable`, start it",
        "these settings wait for a restart of PostgreSQL: max_connections",
        "ALTER SYSTEM overrides the files for work_mem; run ALTER SYSTEM RESET for each",
    ]


def test_a_refusal_stops_before_any_change(state: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = answers(state, monkeypatch, SERVER, CONTENT)
    wanted = arguments(roles=[GONE], databases=[DATABASE | {"state": "absent"}])
    with pytest.raises(state.Refused, match="database shop is there, and state: absent would delete its data"):
        state.act(wanted, check=False, diff=False)
    assert len(scripts) == 1
    assert "\\set absent {gone}" in scripts[0]


def test_a_refusal_never_quotes_a_verifier(state: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = answers(state, monkeypatch, code=3)
    with pytest.raises(state.Refused, match=r"refuses: ERROR near '\*{8} 3"):
        state.act(arguments(), check=False, diff=False)
    assert len(scripts) == 1  # who cannot look changes nothing


@pytest.mark.parametrize("problem", [FileNotFoundError(), LookupError(), subprocess.TimeoutExpired("psql", 300)])
def test_a_host_without_postgresql(state: ModuleType, monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    def run(*_arguments: Any, **_options: Any) -> None:
        raise problem

    monkeypatch.setattr(state.subprocess, "run", run)
    assert len(state.act(arguments(), check=True, diff=False)["changes"]) == 4
    assert state.called(arguments())["failed"]


@pytest.mark.parametrize(
    ("given", "because"),
    [
        ({"roles": [{"name": "Shop"}]}, "the name of a role in roles is 'Shop'"),
        ({"roles": [{"name": "postgres"}]}, "role postgres belongs to PostgreSQL"),
        (
            {"roles": [{"name": "a", "password": "größer als alles"}]},
            "password of role a in roles must be printable ASCII",
        ),
        ({"roles": [{"name": "a"}, {"name": "a"}]}, "roles lists a twice"),
        ({"roles": [{"name": "a", "member_of": ["b c"]}]}, "the name of a role in roles is 'b c'"),
        (
            {"roles": [{"name": "a", "settings": {"Work Mem": 1}}]},
            "settings of role a in roles must be names.*got 'Work Mem'",
        ),
        ({"roles": [{"name": "a", "settings": {"jit": None}}]}, "settings of role a in roles must be names.*got 'jit'"),
        ({"roles": [{"name": "a", "database_settings": {"b": 1}}]}, "settings of role a in database b must be"),
        ({"roles": [{"name": "a", "database_settings": {"B": {}}}]}, "a database in the settings of role a is 'B'"),
        (
            {"databases": [{"name": "a", "owner": "a", "settings": {"jit": "a\nb"}}]},
            "settings of database a in databases must",
        ),
        ({"databases": [{"name": "a'b", "owner": "a"}]}, "the name of a database"),
        (
            {"databases": [{"name": "a", "owner": "a", "extensions": [{"name": "a;"}]}]},
            "'a;' in databases is not the name of an",
        ),
        (
            {"databases": [{"name": "a", "owner": "a", "schemas": [{"name": "A"}]}]},
            "the name of a schema of database a in databases is 'A'",
        ),
        (
            {"databases": [{"name": "a", "owner": "a", "grants": [{"role": "A"}]}]},
            "the role of a grant of database a in databases is 'A'",
        ),
    ],
)
def test_the_controller_refuses_what_cannot_be_a_name(given: dict[str, Any], because: str) -> None:
    action = action_with(given)
    with pytest.raises(AnsibleActionFail, match=because):
        action.act(action.arguments(), {})


def test_settings_arrive_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"jit": False, "work_mem": "8MB", "seq_page_cost": 1.5, "a.b": 3}
    role = {"name": "a", "settings": settings, "database_settings": {"b": {"jit": True}}}
    action = action_with({"roles": [role]})
    sent: dict[str, Any] = {}
    monkeypatch.setattr(action, "call", lambda _name, arguments, _vars: sent.update(arguments))
    action.act(action.arguments(), {})
    assert sent["roles"][0]["settings"] == {"jit": "off", "work_mem": "8MB", "seq_page_cost": "1.5", "a.b": "3"}
    assert sent["roles"][0]["database_settings"] == {"b": {"jit": "on"}}


def action_with(given: dict[str, Any]) -> Any:
    class Task:
        action, args = "postgresql_state", {"version": 17, **given}

    action_loader.add_directory(str(Path(__file__).parents[3] / "action_plugins"))
    action_class: Any = action_loader.get("postgresql_state", class_only=True)
    return action_class(Task(), None, None, None, None, None)
