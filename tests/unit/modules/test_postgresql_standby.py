"""postgresql_standby without a server: which programs it runs, in which order, and where it stops (PGS-15)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader

ABOUT = {
    "recovery": False,
    "system": "7",
    "timeline": 1,
    "lsn": "1/10",
    "bare": False,
    "streaming": False,
    "slots": [],
    "standbys": [],
    "synchronous": "",
}
ARGUMENTS = {
    "version": 17,
    "port": 5432,
    "data": "",
    "name": "data2",
    "application": "data2",
    "slot": "holdfast_data2",
    "primary": "10.0.0.1",
    "how": "stream",
    "standbys": ["data1"],
    "applications": ["data1"],
    "slots": ["holdfast_data1"],
    "synchronous": 0,
    "rewind": False,
    "forced": False,
    "to": "data1",
    "beyond": "",
    "seconds": 0,
}


class Host:
    """A pretended host: `says` answers the programs by a word in what they are asked, `did` is what was run."""

    def __init__(self, module: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.module, self.did = module, []  # type: tuple[ModuleType, list[str]]
        self.running = True
        self.about: dict[str, Any] = dict(ABOUT)
        self.says: dict[str, tuple[int, str]] = {"pg_is_in_recovery(),": (0, ""), "oid >=": (0, "f\nf")}
        for name, value in (("CLUSTERS", "lib"), ("CONFIGURATIONS", "etc"), ("LOGS", "log"), ("STATE", "state")):
            monkeypatch.setattr(module, name, folder / value)
        monkeypatch.setattr(module.os, "chown", lambda *_: None)
        monkeypatch.setattr(module.Server, "program", self.program)
        monkeypatch.setattr(module.Server, "systemctl", self.systemctl)
        monkeypatch.setattr(module.Server, "answers", lambda _server: self.running)
        monkeypatch.setattr(module.pwd, "getpwnam", lambda _name: module.pwd.getpwuid(0))
        for path in ("lib/17/main/pg_wal", "etc/17/main/conf.d", "log", "state"):
            (folder / path).mkdir(parents=True)
        self.folder = folder
        self.data = folder / "lib/17/main"

    def program(self, name: str, *arguments: str, script: str = "", **_options: Any) -> tuple[int, str]:
        asked = " ".join([name, *arguments, script])
        if "'recovery'" in script:
            return 0, json.dumps(self.about)
        self.did.append(name if name != "psql" else script.strip())
        if name == "pg_basebackup":
            self.data.with_name("main.holdfast-copy").mkdir(exist_ok=True)
        return next((answer for word, answer in self.says.items() if word in asked), (0, ""))

    def systemctl(self, verb: str) -> None:
        self.did.append(verb)
        self.running = verb == "start"

    def act(self, action: str, check: bool = False, **arguments: Any) -> Any:
        return self.module.act(ARGUMENTS | arguments | {"action": action}, check, True)


@pytest.fixture
def host(load_module: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    module = load_module("postgresql_standby")
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: path.name == "postgres" or exists(path))
    return Host(module, tmp_path, monkeypatch)


def test_a_look_tells_what_a_server_is(host: Host) -> None:
    (host.data / "pg_wal/00000001.history").write_text("1\t0/3000028\tno recovery target\n\n")
    seen = host.act("look")["server"]
    assert (seen["kind"], seen["lsn"], seen["history"]) == ("primary", 2**32 + 16, [[1, 0x3000028]])
    assert seen["application"] == "data2"
    host.about |= {"bare": True}
    host.says["oid >="] = (0, "t\nt")
    assert host.act("look")["server"]["kind"] == "fresh"
    host.about["slots"] = [{"name": "somebody", "active": False, "lost": False}]
    assert host.act("look")["server"]["kind"] == "primary"
    host.about |= {"recovery": True}
    assert host.act("look")["server"]["kind"] == "standby"
    host.running = False
    state = "Database cluster state: shut down\nLatest checkpoint location: 0/28\nLatest checkpoint's TimeLineID: 3"
    host.says["pg_controldata"] = (0, state)
    seen = host.act("look")["server"]
    assert (seen["kind"], seen["clean"], seen["lsn"], seen["timeline"]) == ("stopped", True, 40, 3)
    (host.data / "standby.signal").touch()
    assert host.act("look")["server"]["kind"] == "standby"


def test_a_server_with_data_is_not_replaced(host: Host) -> None:
    with pytest.raises(host.module.Refused, match=r"data2 holds data or does not run.*postgresql_rebuild=data2"):
        host.act("follow", how="seed")
    assert "stop" not in host.did


def test_an_empty_server_is_replaced_by_a_copy(host: Host) -> None:
    host.about |= {"bare": True}
    host.says |= {"oid >=": (0, "t\nt"), "pg_stat_wal_receiver": (0, "10.0.0.1")}
    assert host.act("follow", check=True, how="seed")["changes"] == ["copy the cluster from 10.0.0.1"]
    assert not [word for word in host.did if word.startswith("pg_")]
    assert host.act("follow", how="seed")["changed"]
    done = [word for word in host.did if word.startswith("pg_") or word in ("stop", "start")]
    assert done == ["pg_receivewal", "pg_basebackup", "stop", "start"]
    assert (host.data / "standby.signal").exists()
    assert not host.data.with_name("main.holdfast-old").exists()
    written = (host.folder / "etc/17/main/conf.d/60-holdfast-replication.conf").read_text()
    assert "sslmode=verify-full" in written
    assert "application_name=data2'" in written
    assert "password" not in written


def test_a_complete_copy_of_a_killed_run_only_takes_its_place(host: Host) -> None:
    copy = host.data.with_name("main.holdfast-copy")
    copy.mkdir()
    (copy / "standby.signal").touch()
    host.data.rename(host.data.with_name("main.holdfast-old"))
    host.running = False
    host.says["pg_stat_wal_receiver"] = (0, "10.0.0.1")
    host.act("follow", how="seed")
    assert "pg_basebackup" not in host.did
    assert (host.data / "standby.signal").exists()


def test_a_standby_that_streams_is_no_change(host: Host) -> None:
    host.about |= {"recovery": True, "streaming": True}
    host.says["pg_stat_wal_receiver"] = (0, "10.0.0.1")
    (host.data / "standby.signal").touch()
    assert host.act("follow")["changes"] == ["follow 10.0.0.1"]
    assert host.act("follow", check=True)["changes"] == []
    assert host.act("follow")["changed"] is False


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("postgresql-17-main.log", "FATAL: requested WAL segment has been removed"),
        ("postgresql-Sat.json", '{"error_severity":"FATAL","message":"requested WAL segment has been removed"}'),
    ],
)
def test_a_standby_that_does_not_stream_is_told_with_both_cures(host: Host, log: str, line: str) -> None:
    host.about |= {"recovery": True}
    (host.data / "standby.signal").touch()
    (host.folder / "log" / log).write_text(f"LOG: a\n{line}\n")
    with pytest.raises(host.module.Refused) as caught:
        host.act("follow")
    for words in ("segment has been removed", "postgresql_rebuild=data2", "postgresql_rejoin=data2"):
        assert words in str(caught.value)
    assert "{" not in str(caught.value)


def test_a_rewind_leaves_a_mark_until_the_server_streams(host: Host) -> None:
    host.about |= {"recovery": True}
    host.says["pg_rewind"] = (1, "could not find common ancestor")
    with pytest.raises(host.module.Refused, match="the next run copies the whole cluster: could not find"):
        host.act("follow", how="rewind")
    assert (host.folder / "state/postgresql-rewinding").exists()
    assert (host.data / "standby.signal").exists()
    assert host.act("look")["server"]["interrupted"]
    host.says |= {"pg_rewind": (0, ""), "pg_stat_wal_receiver": (0, "10.0.0.1")}
    host.act("follow", how="rewind")
    assert not (host.folder / "state/postgresql-rewinding").exists()


@pytest.mark.parametrize(
    "case",
    [
        ("", [], 0, "", False),
        ("", [], 1, "", True),  # nobody could confirm: writes would hang
        ("", ["streaming"], 1, 'ANY 1 ("data1")', False),
        ("", ["catchup"], 1, "", True),
        ('ANY 1 ("data1")', [], 1, 'ANY 1 ("data1")', True),  # never lowered unasked
        ('ANY 1 ("data1")', [], 0, "", False),
    ],
)
def test_commits_wait_only_when_somebody_can_confirm(host: Host, case: tuple[str, list[str], int, str, bool]) -> None:
    before, standbys, number, names, warned = case
    host.about |= {"synchronous": before, "standbys": [{"name": "data1", "state": state} for state in standbys]}
    result = host.act("lead", synchronous=number)
    assert (
        f"synchronous_standby_names = '{names}'\n"
        in (host.folder / "etc/17/main/conf.d/60-holdfast-replication.conf").read_text()
    )
    assert bool(result["warnings"]) == warned
    assert host.act("lead", synchronous=number)["changes"] == []


def test_useless_slots_are_dropped_and_others_kept(host: Host) -> None:
    lost = {"holdfast_data1": False, "holdfast_gone": False, "somebody": True, "holdfast_data3": True}
    host.about["slots"] = [{"name": name, "active": False, "lost": lost[name]} for name in lost]
    changes = host.act("lead", slots=["holdfast_data1", "holdfast_data3"])["changes"]
    assert {"drop the slot holdfast_gone", "drop the slot holdfast_data3"} <= set(changes)
    script = "\n".join(host.did)
    assert "pg_drop_replication_slot('holdfast_gone')" in script
    assert "pg_drop_replication_slot('holdfast_data3')" in script
    assert "holdfast_data1" not in script
    assert "somebody" not in script


@pytest.mark.parametrize(("have", "wanted", "verb"), [("f", True, "GRANT"), ("t", False, "REVOKE"), ("t", True, "")])
def test_files_are_readable_only_while_a_server_rewinds(host: Host, have: str, wanted: bool, verb: str) -> None:
    host.says["has_function_privilege"] = (0, have)
    host.act("lead")
    host.did.clear()
    host.act("lead", rewind=wanted)
    said = "\n".join(host.did)
    assert all((f"{word} EXECUTE ON FUNCTION" in said) == (word == verb) for word in ("GRANT", "REVOKE"))


def test_a_primary_retires_cleanly_or_says_so(host: Host) -> None:
    host.says["pg_controldata"] = (0, "Database cluster state: in production")
    with pytest.raises(host.module.Refused, match="did not end cleanly"):
        host.act("retire")
    assert not (host.data / "standby.signal").exists()
    host.says["pg_controldata"] = (0, "Database cluster state: shut down\nLatest checkpoint location: 0/28")
    assert host.act("retire")["lsn"] == "0/28"
    assert (host.data / "standby.signal").exists()
    assert (host.folder / "state/postgresql-handover").read_text() == "data1"
    host.act("reinstate")
    assert not (host.data / "standby.signal").exists()
    assert host.running


def test_a_lost_primary_is_stopped_without_ceremony(host: Host) -> None:
    host.act("retire", forced=True)
    assert host.did[:2] == ["pg_ctl", "stop"]
    assert (host.data / "standby.signal").exists()


def test_a_promotion_says_whether_it_happened(host: Host) -> None:
    host.about["recovery"] = True
    with pytest.raises(host.module.Refused) as caught:
        host.act("promote", beyond="0/28")
    assert caught.value.more == {}
    host.says |= {"pg_last_wal": (0, "t"), "pg_promote": (0, "f")}
    with pytest.raises(host.module.Refused) as caught:
        host.act("promote")
    assert caught.value.more == {"promoted": None}
    host.says["pg_promote"] = (0, "t")
    assert host.act("promote")["promoted"] is True
    host.about["recovery"] = False
    assert host.act("promote")["changed"] is False


def test_smaller_settings_wait_for_the_primary(host: Host) -> None:
    names = ("max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_xacts", "max_locks_per_xact")
    host.says["pg_controldata"] = (0, "\n".join(f"{name} setting:   50" for name in names))
    settings = dict.fromkeys(("max_connections", "max_worker_processes", "max_wal_senders"), 50)
    settings |= {"max_prepared_transactions": 50, "max_locks_per_transaction": 50}
    assert host.act("settle", settings=settings)["changed"] is False
    with pytest.raises(host.module.Refused, match="still has more max_connections; data2 cannot have less"):
        host.act("settle", settings=settings | {"max_connections": 49})


LONG = "2a02-8108-1234-5678-9abc-def0-1234-91aa.dynamic.customers.example.net"  # its SHA-256 begins with 0b365856


def test_a_long_name_goes_to_the_host_as_postgresql_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of application and slot, of at most 63 bytes; what people read and type stays the inventory's."""
    plugin: Any = action_loader.get("postgresql_standby", class_only=True)
    given: dict[str, Any] = {}
    monkeypatch.setattr(plugin, "call", lambda _self, _module, arguments, _vars: given.update(arguments) or {})
    named = {"action": "lead", "primary": "", "name": LONG, "standbys": ["data1", f"x{LONG}"]}
    plugin.act(object.__new__(plugin), ARGUMENTS | named, {})
    assert given["name"] == LONG
    assert given["application"] == "2a02-8108-1234-5678-9abc-def0-1234-91aa.dynam-0b365856"
    assert given["slot"] == "holdfast_2a02_8108_1234_5678_9abc_def0_1234_91aa_dynam_0b365856"
    assert given["applications"][0] == "data1"
    assert given["applications"][1].startswith("x2a02-8108-1234-5678-9abc-def0-1234-91aa.dyna-")
    assert [len(given["slots"][1]), given["slots"][0]] == [63, "holdfast_data1"]


def test_a_standby_streams_under_the_name_and_slot_it_was_given(host: Host) -> None:
    host.about |= {"recovery": True}
    host.says["pg_stat_wal_receiver"] = (0, "10.0.0.1")
    (host.data / "standby.signal").touch()
    host.act("follow", application="short-0b365856", slot="holdfast_short_0b365856")
    text = (host.folder / "etc/17/main/conf.d/60-holdfast-replication.conf").read_text()
    assert "application_name=short-0b365856'" in text
    assert "primary_slot_name = 'holdfast_short_0b365856'" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"name": "x y"}, "host 'x y' cannot replicate"),
        ({"name": "a", "action": "follow"}, "follow needs an address"),
        ({"name": "a", "action": "follow", "primary": "h user=postgres"}, "follow needs an address"),
        ({"name": "a", "beyond": "0/1; drop"}, "not a position"),
    ],
)
def test_what_could_not_be_written_safely_is_refused(arguments: dict[str, str], said: str) -> None:
    plugin: Any = action_loader.get("postgresql_standby", class_only=True)
    given = {**{key: value for key, value in ARGUMENTS.items() if key != "primary"}, "primary": "", "action": "look"}
    with pytest.raises(AnsibleActionFail, match=said):
        plugin.act(object.__new__(plugin), given | arguments, {})
