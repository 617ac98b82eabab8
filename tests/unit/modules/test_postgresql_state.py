"""postgresql_state without a server: what differs becomes which statements, and passwords never do (PGS-04, PGS-05)."""

from __future__ import annotations

import base64
import json
import subprocess
import zlib
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
}
HAVE_ROLE = {key: ROLE[key] for key in ("login", "connection_limit", "member_of", "replication")} | {
    "verifier": STORED,
    "privileged": False,
}
DATABASE: dict[str, Any] = {"name": "shop", "owner": "shop", "extensions": [], "schemas": [], "grants": []}
HAVE_DATABASE = {"owner": "shop", "public": False, "connect": []}
PUBLIC = {"owner": "pg_database_owner", "public_create": False, "usage": []}
CONTENT: dict[str, Any] = {
    "database": "shop",
    "extensions": [],
    "schemas": {"public": PUBLIC},
    "relations": [],
    "granted": [],
    "defaults": [],
}
SERVER = {
    "data_checksums": True,
    "pending_restart": [],
    "altered": [],
    "roles": {"shop": HAVE_ROLE},
    "databases": {"shop": HAVE_DATABASE},
}


@pytest.fixture
def state(load_module: Callable[[str], ModuleType]) -> ModuleType:
    return load_module("postgresql_state")


def sentences(steps: list[Any]) -> list[str]:
    return [step.sentence for step in steps]


def statements(steps: list[Any]) -> str:
    return "\n".join(statement for step in steps for statement in step.statements)


def test_the_verifier_is_the_one_postgresql_stores(state: ModuleType) -> None:
    assert state.verifier(PASSWORD, base64.b64decode("UOspm9y5tZrrIfIYUgwMkg==")) == STORED
    assert state.password_matches(PASSWORD, STORED)


@pytest.mark.parametrize("stored", [None, "", "md5" + 32 * "0", STORED[:-4], "SCRAM-SHA-256$4096:!$a:b"])
def test_anything_else_does_not_match(state: ModuleType, stored: str | None) -> None:
    assert not state.password_matches(PASSWORD, stored)
    assert not state.password_matches(PASSWORD + "x", STORED)


def test_an_equal_role_is_no_change(state: ModuleType) -> None:
    assert state.role_steps([ROLE], {"shop": HAVE_ROLE}) == []


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
    steps = state.role_steps([ROLE | wanted], there)
    assert sentences(steps) == said
    assert PASSWORD not in statements(steps)


def test_roles_come_before_their_memberships(state: ModuleType) -> None:
    steps = state.role_steps([ROLE | {"member_of": ["late"]}, ROLE | {"name": "late", "password": None}], {})
    assert sentences(steps)[-1] == "make role shop a member of late"
    assert "NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION" in statements(steps)


@pytest.mark.parametrize(
    ("have", "grants", "said"),
    [
        (HAVE_DATABASE, [], []),
        (None, [], ["create database shop", "close database shop to the public"]),
        (HAVE_DATABASE | {"owner": "postgres"}, [], ["give database shop to shop"]),
        (HAVE_DATABASE | {"public": True}, [], ["close database shop to the public"]),
        (
            HAVE_DATABASE | {"connect": ["old", "shop"]},
            [{"role": "new"}, {"role": "shop"}],
            ["let role new connect to database shop", "keep role old out of database shop"],
        ),
    ],
)
def test_each_difference_of_a_database(
    state: ModuleType, have: dict[str, Any] | None, grants: list[Any], said: list[str]
) -> None:
    assert sentences(state.database_steps(DATABASE | {"grants": grants}, have)) == said


@pytest.mark.parametrize(
    ("have", "wanted", "said"),
    [
        ({}, {"extensions": ["pg_trgm"]}, ["create extension pg_trgm in database shop"]),
        ({"extensions": ["pg_trgm"]}, {"extensions": ["pg_trgm"]}, []),
        (
            {"schemas": {"public": PUBLIC | {"owner": "postgres", "public_create": True}}},
            {},
            [
                "give schema public of database shop to the owner of the database",
                "close schema public of database shop to the public",
            ],
        ),
        ({}, {"schemas": [{"name": "audit", "owner": None}]}, ["create schema audit in database shop"]),
        (
            {"schemas": {"audit": PUBLIC | {"owner": "x"}}},
            {"schemas": [{"name": "audit", "owner": "y"}]},
            ["give schema audit of database shop to y"],
        ),
    ],
)
def test_each_difference_inside_a_database(
    state: ModuleType, have: dict[str, Any], wanted: dict[str, Any], said: list[str]
) -> None:
    steps = state.content_steps(DATABASE | wanted, CONTENT | have)
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


@pytest.mark.parametrize(
    ("have", "level", "changes"),
    [
        ({}, "read", False),
        ({"granted": []}, "read", True),
        ({"defaults": []}, "read", True),
        ({"relations": [TABLES | {"owner": "shop", "number": 3}]}, "read", True),
        ({"schemas": {"public": PUBLIC}}, "read", True),
        ({}, "write", True),
        ({}, "connect", True),  # what an earlier level gave is taken back
    ],
)
def test_a_level_is_held_exactly(state: ModuleType, have: dict[str, Any], level: str, changes: bool) -> None:
    steps = state.content_steps(DATABASE | {"grants": [READ | {"level": level}]}, CONTENT | GRANTED | have)
    assert bool(steps) == changes
    if level == "connect":
        assert "GRANT SELECT" not in statements(steps)


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
    wanted = DATABASE | {"grants": [LOOKUP]}
    assert state.content_steps(wanted, looked_up(state)) == []
    said = ["let role pooler look up who logs in to database shop"]
    for have in (looked_up(state, **changed), CONTENT, None):
        steps = state.content_steps(wanted, have)
        assert sentences(steps) == said
        assert steps[0].database == "shop"
    assert 'REVOKE ALL ON FUNCTION "pooler".lookup(text) FROM PUBLIC' in statements(steps)
    assert "SECURITY DEFINER SET search_path = pg_catalog" in statements(steps)


def test_the_owner_of_the_function_can_do_nothing_else(state: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(state, monkeypatch, SERVER, CONTENT)
    wanted = arguments(databases=[DATABASE | {"grants": [LOOKUP]}])
    assert state.act(wanted, check=True, diff=False)["changes"] == [
        "create role pooler_lookup",
        "let role pooler connect to database shop",
        "let role pooler look up who logs in to database shop",
    ]
    assert "NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION" in statements(
        state.role_steps([state.lookup_holder("pooler")], {})
    )


def test_names_are_quoted(state: ModuleType) -> None:
    assert state.quoted('a"b') == '"a""b"'
    assert 'ALTER ROLE "select"' in statements(state.role_steps([ROLE | {"name": "select"}], {}))


def test_a_script_visits_each_database_once(state: ModuleType) -> None:
    steps = [state.Step("a", ("A",)), state.Step("b", ("B", "C"), "shop"), state.Step("d", ("D",), "shop")]
    assert state.change_script(steps).splitlines() == ["A;", '\\connect "shop"', "B;", "C;", "D;"]


def answers(state: ModuleType, monkeypatch: pytest.MonkeyPatch, *lines: dict[str, Any], code: int = 0) -> list[str]:
    """Let psql answer these lines; return the scripts it is given."""
    scripts: list[str] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        assert PASSWORD not in " ".join(command) + str(options["env"])
        scripts.append(options["input"].decode())
        out = "\n".join(map(json.dumps, lines)).encode()
        return subprocess.CompletedProcess(command, code, out, f"ERROR near '{STORED}' {code}".encode())

    monkeypatch.setattr(state.subprocess, "run", run)
    return scripts


def arguments(**changed: Any) -> dict[str, Any]:
    return {"version": 15, "port": 5432, "roles": [ROLE], "databases": [DATABASE]} | changed


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
    assert [word in text for word, text in zip(("checksums", "max_connections", "work_mem"), warnings, strict=True)]


def test_a_refusal_never_quotes_a_verifier(state: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(state, monkeypatch, code=3)
    with pytest.raises(state.Refused, match=r"refuses: ERROR near '\*{8} 3"):
        state.act(arguments(), check=False, diff=False)


@pytest.mark.parametrize("problem", [FileNotFoundError(), LookupError(), subprocess.TimeoutExpired("psql", 300)])
def test_a_host_without_postgresql(
    state: ModuleType, monkeypatch: pytest.MonkeyPatch, problem: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*_arguments: Any, **_options: Any) -> None:
        raise problem

    monkeypatch.setattr(state.subprocess, "run", run)
    assert len(state.act(arguments(), check=True, diff=False)["changes"]) == 4
    payload = base64.b64encode(zlib.compress(json.dumps(arguments()).encode())).decode()
    outer = {"payload": payload, "_ansible_check_mode": False, "_ansible_diff": False}
    monkeypatch.setattr(state, "ARGUMENTS", json.dumps(outer))
    state.main()
    assert json.loads(capsys.readouterr().out)["failed"]


@pytest.mark.parametrize(
    ("given", "because"),
    [
        ({"roles": [{"name": "Shop"}]}, "the name of a role is 'Shop'"),
        ({"roles": [{"name": "postgres"}]}, "role postgres belongs to PostgreSQL"),
        ({"roles": [{"name": "a", "password": "größer als alles"}]}, "password of role a must be printable ASCII"),
        ({"roles": [{"name": "a"}, {"name": "a"}]}, "roles lists a twice"),
        ({"roles": [{"name": "a", "member_of": ["b c"]}]}, "the name of a role is 'b c'"),
        ({"databases": [{"name": "a'b", "owner": "a"}]}, "the name of a database"),
        ({"databases": [{"name": "a", "owner": "a", "extensions": ["a;"]}]}, "'a;' is not the name of an extension"),
        ({"databases": [{"name": "a", "owner": "a", "schemas": [{"name": "A"}]}]}, "the name of a schema is 'A'"),
        ({"databases": [{"name": "a", "owner": "a", "grants": [{"role": "A"}]}]}, "the role of a grant is 'A'"),
    ],
)
def test_the_controller_refuses_what_cannot_be_a_name(given: dict[str, Any], because: str) -> None:
    class Task:
        action, args = "postgresql_state", {"version": 17, **given}

    action_loader.add_directory(str(Path(__file__).parents[3] / "action_plugins"))
    action_class: Any = action_loader.get("postgresql_state", class_only=True)
    action = action_class(Task(), None, None, None, None, None)
    with pytest.raises(AnsibleActionFail, match=because):
        action.act(action.arguments(), {})
