"""postgresql_standby where it runs programs, writes files, waits and refuses; and main(), as core calls it."""

from __future__ import annotations

import json
import os
import pwd
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

RUNNING = {
    "recovery": False,
    "system": "7",
    "timeline": 1,
    "lsn": "0/10",
    "bare": False,
    "streaming": False,
    "slots": [],
    "standbys": [],
    "synchronous": "",
}
ARGUMENTS: dict[str, Any] = {
    "version": 17,
    "port": 5432,
    "name": "Data-2.lan",
    "primary": "10.0.0.1",
    "how": "stream",
    "standbys": ["data1"],
    "synchronous": 0,
    "rewind": False,
    "forced": False,
    "to": "data1",
    "beyond": "",
    "seconds": 0,
    "data": "",
    "application": "Data-2.lan",
    "slot": "holdfast_data_2_lan",
    "applications": ["data1"],
    "slots": ["holdfast_data1"],
}


class Server:
    """A pretended server: what its programs say by their names, what a look finds, and what was done in order."""

    def __init__(self, module: ModuleType, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.module, self.root, self.patch = module, root, monkeypatch
        self.about: dict[str, Any] = dict(RUNNING)
        self.running, self.streams, self.replayed, self.promoted = True, "10.0.0.1", "t", "t"
        self.says: dict[str, tuple[int, str]] = {}
        self.did: list[str] = []
        for name, value in (("CLUSTERS", "lib"), ("CONFIGURATIONS", "etc"), ("LOGS", "log"), ("STATE", "state")):
            monkeypatch.setattr(module, name, root / value)
        monkeypatch.setattr(module.Server, "program", self.program)
        monkeypatch.setattr(module.Server, "systemctl", self.systemctl)
        monkeypatch.setattr(module.Server, "answers", lambda _server: self.running)
        monkeypatch.setattr(module.os, "chown", lambda *_: None)
        monkeypatch.setattr(module.pwd, "getpwnam", lambda _name: pwd.getpwuid(0))
        exists = Path.exists
        monkeypatch.setattr(Path, "exists", lambda path: path.name == "postgres" or exists(path))
        for folder in ("lib/17/main/pg_wal", "etc/17/main/conf.d", "log", "state"):
            (root / folder).mkdir(parents=True)
        self.data, self.file = root / "lib/17/main", root / "etc/17/main/conf.d/60-holdfast-replication.conf"
        self.signal = self.data / "standby.signal"

    def program(self, name: str, *arguments: str, script: str = "", **options: Any) -> tuple[int, str]:
        if name != "psql":
            self.did.append(name)
            if name == "pg_basebackup":
                self.data.with_name("main.holdfast-copy").mkdir(exist_ok=True)
            return self.says.get(name, (0, "")) if arguments or options else (0, "")
        if "'recovery'" in script:
            return 0, json.dumps(self.about)
        self.did.append(script.strip())
        answers = {
            "sender_host": self.streams,
            "oid >=": "t\nt" if self.about["bare"] else "f\nf",
            "pg_last_wal_replay": self.replayed,
            "pg_promote": self.promoted,
            "pending_restart": "work_mem\nport",
            "drop the slot": "drop the slot holdfast_old",
        }
        return next(((0, said) for word, said in answers.items() if word in script), (0, ""))

    def systemctl(self, verb: str) -> None:
        self.did.append(verb)
        self.running = verb == "start"

    def act(self, action: str, check: bool = False, diff: bool = False, **arguments: Any) -> Any:
        arguments.setdefault("applications", arguments.get("standbys", ["data1"]))
        return self.module.act(ARGUMENTS | arguments | {"action": action}, check, diff)

    def refused(self, action: str, **arguments: Any) -> str:
        with pytest.raises(self.module.Refused) as caught:
            self.act(action, **arguments)
        return str(caught.value)


@pytest.fixture
def module(load_module: Callable[[str], ModuleType]) -> ModuleType:
    return load_module("postgresql_standby")


@pytest.fixture
def server(module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    return Server(module, tmp_path, monkeypatch)


# ---------------------------------------------------------------- programs


@pytest.fixture
def programs(module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Programs of PostgreSQL that are scripts, run as whoever runs the tests."""
    monkeypatch.setattr(module, "CLUSTERS", tmp_path / "lib")
    monkeypatch.setattr(module, "LOGS", tmp_path / "log")
    monkeypatch.setattr(module, "SOCKETS", "/sockets")
    (tmp_path / "lib/17/main").mkdir(parents=True)
    (tmp_path / "log").mkdir()
    started: list[dict[str, Any]] = []
    run = subprocess.run

    def as_ourselves(argv: list[str], **options: Any) -> Any:
        started.append(options)
        return run(
            argv, **{key: value for key, value in options.items() if key not in ("user", "group", "extra_groups")}
        )

    monkeypatch.setattr(module.subprocess, "run", as_ourselves)
    made = module.Server(ARGUMENTS)
    made.programs = tmp_path

    def tool(name: str, text: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)

    return SimpleNamespace(server=made, tool=tool, started=started, root=tmp_path)


def test_a_program_runs_as_postgres_and_says_what_it_is_for(programs: SimpleNamespace) -> None:
    programs.tool("psql", 'cat; echo "$PWD $PGOPTIONS $LC_ALL $PGCONNECT_TIMEOUT"; echo warning >&2')
    programs.tool("pg_rewind", 'echo out; echo "[$PGOPTIONS]"; echo err >&2; exit 3')
    assert programs.server.program("psql", script="ü;\n") == (
        0,
        "ü;\n/ -c synchronous_commit=local C.UTF-8 10",
    )
    assert programs.server.program("pg_rewind") == (3, "err\nout\n[]")
    assert [programs.started[0][key] for key in ("user", "group", "extra_groups")] == ["postgres", "postgres", []]


def test_a_program_that_is_missing_or_does_not_end_is_told(programs: SimpleNamespace) -> None:
    programs.tool("pg_controldata", "sleep 9")
    assert programs.server.program("pg_nothing") == (127, "pg_nothing is not installed")
    assert programs.server.program("pg_controldata", seconds=0) == (124, "pg_controldata did not end within 0 s")


def test_a_question_goes_to_the_port_in_use_and_its_failure_is_a_refusal(programs: SimpleNamespace) -> None:
    programs.tool("psql", 'echo "$@"')
    asked = programs.server.psql("select 1;").split()
    assert asked[asked.index("-h") + 1 : asked.index("-h") + 4] == ["/sockets", "-p", "5432"]
    assert {"ON_ERROR_STOP=1", "VERBOSITY=terse"} <= set(asked)
    programs.tool("pg_isready", '[ "$*" = "-q -h /sockets -p 5433" ]')
    assert programs.server.answers() is False
    (programs.root / "lib/17/main/postmaster.pid").write_text("1\n/x\n2\n5433\n")
    assert programs.server.answers() is True
    assert "5433" in programs.server.psql("select 1;").split()
    (programs.root / "lib/17/main/postmaster.pid").write_text("1\n/x\n")  # while it starts
    assert programs.server.answers() is False
    programs.tool("psql", "echo no such column >&2; exit 1")
    with pytest.raises(Exception, match=r"^PostgreSQL on Data-2\.lan refuses: no such column$"):
        programs.server.psql("select x;")


def test_a_unit_that_does_not_start_is_told_with_the_last_words_of_its_log(
    programs: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.tool("systemctl", 'echo "Job for $2 failed" >&2; [ "$1" = stop ]')
    monkeypatch.setenv("PATH", f"{programs.root}:/usr/bin:/bin")
    programs.server.systemctl("stop")
    with pytest.raises(Exception, match=r"^postgresql@17-main.service does not start: Job for .* failed$"):
        programs.server.systemctl("start")
    (programs.root / "log/postgresql-17-main.log").write_text("FATAL: first\nFATAL: last\nLOG: shut down\n")
    with pytest.raises(Exception, match=r"; its log says: FATAL: last$"):
        programs.server.systemctl("start")


def test_the_last_words_are_the_newest_and_what_names_the_reason_comes_first(programs: SimpleNamespace) -> None:
    old, new = programs.root / "log/postgresql-17-main.log", programs.root / "log/postgresql-Mon.json"
    old.write_text("FATAL: new timeline 3 forked off from current database system timeline\n")
    new.write_text('{"error_severity":"ERROR","message":"a query of somebody"}\n')
    os.utime(old, (1000, 1000))
    assert programs.server.last_words().startswith("; its log says: FATAL: new timeline 3 forked off")
    old.write_text("FATAL: older\n")
    os.utime(old, (1000, 1000))
    assert programs.server.last_words() == "; its log says: a query of somebody"
    for path in (old, new):
        path.write_text("LOG: nothing happened\n")
    assert programs.server.last_words() == ""


# ---------------------------------------------------------------- names, positions and files


@pytest.mark.parametrize(
    ("text", "number"), [("0/0", 0), ("0/28", 40), ("1/10", 2**32 + 16), ("A/FF000000", 47227863040)]
)
def test_a_position_is_a_number(module: ModuleType, text: str, number: int) -> None:
    assert module.position(text) == number


def test_quotes(module: ModuleType) -> None:
    assert module.quoted("it's") == "'it''s'"


def test_files_of_the_server_are_its_own_and_marks_are_of_root(server: Server) -> None:
    owners: list[str] = []
    strange = SimpleNamespace(pw_uid=4321, pw_gid=4322)
    server.patch.setattr(server.module.pwd, "getpwnam", {"postgres": strange}.__getitem__)

    def note(handle: int, uid: int, gid: int) -> None:
        owners.append(f"{Path(f'/proc/self/fd/{handle}').readlink().name} {uid} {gid}")

    server.patch.setattr(server.module.os, "fchown", note)
    made = server.module.Server(ARGUMENTS)
    made.write(server.signal, "")
    made.write(made.rewinding, "x")
    assert owners == [".standby.signal.holdfast 4321 4322"]
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (server.signal, made.rewinding)]
    assert modes == [0o640, 0o600]
    assert made.rewinding.read_text() == "x"


def test_who_waits_asks_again_and_not_for_ever(server: Server) -> None:
    made = server.module.Server(ARGUMENTS)
    answers = iter([False, False, True])
    assert made.wait(5, lambda: next(answers)) is True
    assert made.wait(0, lambda: False) is False


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"installed": False}, "new"),
        ({"data": False}, "empty"),
        ({}, "primary"),
        ({"fresh": True}, "fresh"),
        ({"recovery": True}, "standby"),
        ({"recovery": True, "fresh": True}, "standby"),
        ({"running": False}, "stopped"),
        ({"running": False, "signal": True}, "standby"),
        ({"signal": True}, "primary"),  # promoted: the file is gone with the next start
    ],
)
def test_what_a_server_is(module: ModuleType, change: dict[str, Any], kind: str) -> None:
    seen = {"installed": True, "data": True, "running": True, "recovery": False, "fresh": False, "signal": False}
    assert module.kind_of(seen | change) == kind


def test_a_copy_without_data_is_an_interruption(server: Server) -> None:
    assert server.act("look")["server"]["interrupted"] is False
    server.data.with_name("main.holdfast-copy").mkdir()
    assert server.act("look")["server"]["interrupted"] is False
    server.data.rename(server.root / "elsewhere")
    seen = server.act("look")["server"]
    assert (seen["interrupted"], seen["kind"], seen["handover"]) == (True, "empty", "")
    (server.root / "state/postgresql-handover").write_text("data1\n")
    assert server.act("look")["server"]["handover"] == "data1"


# ---------------------------------------------------------------- following


def test_a_standby_is_written_started_and_waited_for(server: Server) -> None:
    server.running = False
    server.about["recovery"] = True
    for name in ("main.holdfast-old", "main.holdfast-copy"):
        server.data.with_name(name).mkdir()
    for name in ("postgresql-rewinding", "postgresql-handover"):
        (server.root / "state" / name).touch()
    result = server.act("follow", diff=True)
    assert result == {
        "changes": ["follow 10.0.0.1", "drop the slot holdfast_old"],
        "changed": True,
        "pending_restart": ["work_mem", "port"],
        "diff": {"prepared": "+ follow 10.0.0.1\n+ drop the slot holdfast_old\n"},
    }
    assert [word for word in server.did if word in ("pg_receivewal", "start", "stop")] == ["pg_receivewal", "start"]
    assert server.signal.exists()
    written = server.file.read_text()
    assert "primary_slot_name = 'holdfast_data_2_lan'\n" in written
    assert "primary_conninfo = 'host=10.0.0.1 port=5432 user=holdfast_replication" in written
    assert [path.name for path in server.data.parent.iterdir()] == ["main"]
    assert list((server.root / "state").iterdir()) == []


def test_a_changed_primary_is_read_by_the_running_standby_without_a_restart(server: Server) -> None:
    server.about |= {"recovery": True, "streaming": True}
    server.signal.touch()
    server.file.write_text("primary_conninfo = 'host=10.0.0.9'\n")
    assert server.act("follow")["changes"][0] == "follow 10.0.0.1"
    assert "select pg_reload_conf();" in server.did
    assert "start" not in server.did
    server.did.clear()
    server.act("follow")  # streams, written: not even the slot is asked for
    assert not {"select pg_reload_conf();", "pg_receivewal", "start"} & set(server.did)
    server.about["streaming"] = False
    server.act("follow")
    assert "pg_receivewal" in server.did


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("stream", []),
        ("erase", ["replace the data with a copy of the cluster from 10.0.0.1"]),
        ("rewind", ["rewind the server to 10.0.0.1 and follow it"]),
        ("seed", ["copy the cluster from 10.0.0.1"]),
    ],
)
def test_check_mode_says_what_would_be_done_and_does_nothing(server: Server, how: str, said: list[str]) -> None:
    server.about["recovery"] = True
    server.signal.touch()
    server.act("follow")
    before = server.file.read_text()
    if how == "seed":
        server.signal.unlink()
    server.did.clear()
    assert server.act("follow", check=True, how=how)["changes"] == said
    assert not {"start", "stop", "pg_basebackup", "pg_rewind", "pg_receivewal"} & set(server.did)
    assert server.file.read_text() == before


def test_a_running_primary_is_not_made_a_standby_by_following(server: Server) -> None:
    assert server.refused("follow") == "Data-2.lan runs as primary; only a stopped server can follow"
    assert not server.signal.exists()


def test_without_a_slot_on_the_primary_nothing_is_changed(server: Server) -> None:
    server.says["pg_receivewal"] = (1, "certificate verify failed")
    server.running = False
    assert server.refused("follow") == "Data-2.lan cannot reach the primary 10.0.0.1: certificate verify failed"
    assert "start" not in server.did
    assert not server.file.exists()


def test_a_server_that_follows_another_one_does_not_stream(server: Server) -> None:
    server.about["recovery"], server.streams = True, "10.0.0.9"
    server.signal.touch()
    assert "does not stream from 10.0.0.1 within 0 s. A standby" in server.refused("follow")


def test_an_erased_server_is_stopped_before_it_is_copied_and_a_seeded_one_after(server: Server) -> None:
    (server.data / "theirs").touch()
    server.act("follow", how="erase")
    steps = [word for word in server.did if word in ("stop", "start", "pg_basebackup")]
    assert steps == ["stop", "pg_basebackup", "stop", "start"]
    assert not (server.data / "theirs").exists()
    assert server.signal.exists()


def test_a_copy_that_fails_leaves_the_data_where_it_was(server: Server) -> None:
    server.about["bare"] = True
    server.says["pg_basebackup"] = (1, "no space left")
    (server.data / "ours").touch()
    assert "cannot copy the cluster from 10.0.0.1: no space left" in server.refused("follow", how="seed")
    assert (server.data / "ours").exists()
    assert "stop" not in server.did


def test_data_behind_a_link_is_not_replaced(server: Server) -> None:
    server.about["bare"] = True
    server.data.rename(server.root / "disk")
    server.data.symlink_to(server.root / "disk")
    assert "is a mount point or a link and cannot be replaced" in server.refused("follow", how="erase")
    assert (server.root / "disk").exists()


def test_a_rewind_stops_recovers_rewinds_and_starts_in_this_order(server: Server) -> None:
    server.about["recovery"] = True
    server.signal.touch()
    there: list[bool] = []
    program = server.program

    def note(name: str, *arguments: str, **options: Any) -> Any:
        if name == "pg_rewind":
            there.append(server.signal.exists())
        return program(name, *arguments, **options)

    server.patch.setattr(server.module.Server, "program", staticmethod(note))
    server.act("follow", how="rewind")
    steps = [word for word in server.did if word in ("pg_receivewal", "stop", "pg_rewind", "start")]
    assert steps == ["pg_receivewal", "stop", "pg_rewind", "start"]
    assert (there, server.signal.exists()) == ([False], True)
    server.says["pg_rewind"] = (1, "pg_rewind: servers diverged\npg_rewind: error: no common ancestor\nhint")
    assert server.refused("follow", how="rewind").endswith(
        "copies the whole cluster: pg_rewind: error: no common ancestor"
    )
    server.says["pg_rewind"] = (1, "killed")
    assert server.refused("follow", how="rewind").endswith("copies the whole cluster: killed")


# ---------------------------------------------------------------- leading and handing over


def test_a_standby_does_not_lead(server: Server) -> None:
    server.about["recovery"] = True
    assert server.refused("lead") == "Data-2.lan is not the primary"
    found = server.act("lead", check=True, synchronous=2)
    assert found["changes"] == ["wait for 2 standbys at every commit"]  # it will be, by then
    server.running = False
    assert server.act("lead", check=True)["changes"] == ["wait for no standby at a commit"]


def test_the_primary_in_check_mode_says_and_writes_nothing(server: Server) -> None:
    server.about |= {"slots": [{"name": "holdfast_gone", "active": False, "lost": False}]}
    (server.root / "state/postgresql-handover").touch()
    found = server.act("lead", check=True, synchronous=1, standbys=["data1", "data0"])
    assert found["changes"] == ["drop the slot holdfast_gone", "wait for 1 standbys at every commit"]
    assert found["warnings"] == []
    assert not server.file.exists()
    assert not [word for word in server.did if "drop_replication_slot" in word]
    assert (server.root / "state/postgresql-handover").exists()


def test_the_primary_writes_reads_again_and_forgets_a_handover(server: Server) -> None:
    server.about["standbys"] = [{"name": "data1", "state": "streaming"}, {"name": "guest", "state": "streaming"}]
    (server.root / "state/postgresql-handover").touch()
    found = server.act("lead", synchronous=1, standbys=["data1", "data0"])
    assert (found["changes"], found["warnings"]) == (["wait for 1 standbys at every commit"], [])
    assert 'synchronous_standby_names = \'ANY 1 ("data0","data1")\'\n' in server.file.read_text()
    assert [word for word in server.did if "reload" in word] == ["select pg_reload_conf();"]
    assert not (server.root / "state/postgresql-handover").exists()


@pytest.mark.parametrize(
    ("before", "word"),
    [("", "commits do not wait for them until they do"), ("ANY 2 (x)", "commits wait for the others")],
)
def test_too_few_standbys_are_told_with_what_it_means(server: Server, before: str, word: str) -> None:
    server.about |= {"synchronous": before, "standbys": [{"name": "data1", "state": "streaming"}]}
    (warning,) = server.act("lead", synchronous=2)["warnings"]
    assert warning == f"1 of 2 standbys stream from Data-2.lan; {word}"


def test_an_active_slot_is_kept_whatever_it_is(server: Server) -> None:
    server.about["slots"] = [{"name": "holdfast_gone", "active": True, "lost": True}]
    assert server.act("lead")["changes"] == ["wait for no standby at a commit"]


def test_a_standby_does_not_retire_and_a_primary_is_told_to_whom(server: Server) -> None:
    assert server.act("retire", check=True) == {
        "changes": ["stop Data-2.lan and keep it from being primary"], "lsn": "", "changed": True,
    }  # fmt: skip
    server.about["recovery"] = True
    assert server.refused("retire") == "Data-2.lan is a standby, not the primary"
    assert server.did == []


def test_a_primary_that_was_retired_before_is_no_change(server: Server) -> None:
    server.says["pg_controldata"] = (0, "Database cluster state: shut down\nLatest checkpoint location: 0/28")
    assert server.act("retire")["changed"] is True
    assert server.act("retire")["changed"] is False


def test_a_server_that_cannot_be_read_did_not_end_cleanly(server: Server) -> None:
    server.says["pg_controldata"] = (1, "Database cluster state: shut down")
    assert server.refused("retire") == "Data-2.lan did not end cleanly: None"


def test_who_takes_over_has_to_have_replayed_all(server: Server) -> None:
    server.about["recovery"], server.replayed = True, "f"
    said = server.refused("promote", beyond="0/28")
    assert said == "Data-2.lan has not replayed everything up to 0/28 within 0 s"
    assert not [word for word in server.did if "pg_promote" in word]
    server.replayed = "t"
    assert server.act("promote", check=True) == {
        "changes": ["make Data-2.lan the primary"], "promoted": False, "changed": True,
    }  # fmt: skip
    assert server.act("promote", beyond="0/28")["promoted"] is True
    assert "pg_last_wal_replay_lsn() > '0/28' and" in "\n".join(server.did)
    assert server.did[-1] == "checkpoint;"


def test_a_promotion_whose_answer_is_lost_is_known_to_nobody(server: Server) -> None:
    server.about["recovery"] = True
    psql = server.module.Server.psql

    def lost(made: Any, script: str, **options: Any) -> Any:
        if "pg_promote" in script:
            raise server.module.Refused("connection lost")
        return psql(made, script, **options)

    server.patch.setattr(server.module.Server, "psql", lost)
    with pytest.raises(server.module.Unknown, match=r"^connection lost$") as caught:
        server.act("promote")
    assert caught.value.more == {"promoted": None}


def test_a_server_is_prepared_by_a_checkpoint_and_reinstated_unless_it_is_checked(server: Server) -> None:
    assert server.act("prepare") == {"changes": [], "changed": False}
    assert server.did == ["checkpoint;"]
    server.signal.touch()
    assert server.act("reinstate", check=True)["changes"] == ["start Data-2.lan as primary again"]
    assert server.signal.exists()
    server.act("reinstate")
    assert not server.signal.exists()
    assert server.did[-1] == "start"


# ---------------------------------------------------------------- the program as it is called


def called(server: Server, check: bool = False, **arguments: Any) -> Any:
    return server.module.called(ARGUMENTS | arguments, check, diff=True)


def test_a_call_prints_its_result_or_what_is_in_the_way(server: Server) -> None:
    assert called(server, action="look")["server"]["kind"] == "primary"
    said = called(server, action="reinstate", check=True)
    assert (said["changed"], said["diff"]) == (True, {"prepared": "+ start Data-2.lan as primary again\n"})
    assert called(server, action="follow") == {
        "failed": True,
        "changed": False,
        "promoted": False,
        "msg": "Data-2.lan runs as primary; only a stopped server can follow",
    }
    server.about["recovery"], server.promoted = True, "f"
    failed = called(server, action="promote")
    assert (failed["promoted"], failed["msg"]) == (None, "Data-2.lan did not become primary within 60 s")
