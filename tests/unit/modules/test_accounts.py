"""The program that makes accounts, on a pretended host: numbers, homes that return, and whose processes end."""

from __future__ import annotations

import grp
import importlib.util
import json
import os
import pwd
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[3] / "roles/base/files/usr/local/lib/holdfast/accounts"
ME = os.geteuid()
PERSON = {"state": "present", "uid": None, "comment": "", "shell": "/bin/bash", "groups": None}


class Host:
    """Accounts in a dict, and the program that changes them."""

    def __init__(self, folder: Path, program: ModuleType) -> None:
        self.folder, self.program = folder, program
        self.users = {"root": 0, "admin": 1000}
        self.said: list[list[str]] = []
        self.owners: dict[str, int] = {}

    def entry(self, name: str) -> SimpleNamespace:
        number = self.users[name]
        home = str(self.folder / "home" / name)
        return SimpleNamespace(
            pw_name=name, pw_uid=number, pw_gid=number, pw_dir=home, pw_shell="/bin/bash", pw_gecos=""
        )

    def getpwnam(self, name: str) -> SimpleNamespace:
        return self.entry(name)

    def run(self, *argv: str) -> None:
        self.said.append(list(argv))
        if argv[0] == "useradd":
            self.users[argv[-1]] = int(argv[argv.index("--uid") + 1])
            if not (self.folder / "home" / argv[-1]).exists():
                (self.folder / "home" / argv[-1]).mkdir()
        if argv[0] == "userdel":
            del self.users[argv[1]]

    def chown(self, path: Any, uid: int, _gid: int, **_options: Any) -> None:
        self.owners[str(Path(path).relative_to(self.folder))] = uid

    def apply(self, *accounts: dict[str, Any], reserved: tuple[int, ...] = ()) -> None:
        told = {"reserved": list(reserved), "accounts": [{**PERSON, **account} for account in accounts]}
        self.program.FILE.write_text(json.dumps(told))
        self.program.main()

    def process(self, pid: int, group: str) -> None:
        folder = self.folder / "proc" / str(pid)
        folder.mkdir(parents=True)
        (folder / "cgroup").write_text(f"0::{group}\n")


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    loader = SourceFileLoader("holdfast_accounts", str(PROGRAM))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    program = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(program)
    for name in ("home", "proc", "skel"):
        (tmp_path / name).mkdir()
    (tmp_path / "skel/.bashrc").write_text("# greeting\n")
    pretended = Host(tmp_path, program)
    for name, path in (("FILE", "told.json"), ("MEMORY", "made.json"), ("NUMBERS", "numbers.json")):
        monkeypatch.setattr(program, name, tmp_path / path)
    monkeypatch.setattr(program, "PROC", tmp_path / "proc")
    monkeypatch.setattr(program, "SKELETON", tmp_path / "skel")
    monkeypatch.setattr(program, "HOMES", f"{tmp_path}/home/")
    monkeypatch.setattr(program, "GRACE_SECONDS", 0.05)
    monkeypatch.setattr(program, "run", pretended.run)
    monkeypatch.setattr(program.os, "chown", pretended.chown)
    monkeypatch.setattr(program.os, "kill", lambda pid, _signal: pretended.said.append(["kill", str(pid)]))
    monkeypatch.setattr(program.subprocess, "run", lambda argv, **_options: pretended.said.append(argv))
    monkeypatch.setattr(pwd, "getpwnam", pretended.getpwnam)
    monkeypatch.setattr(pwd, "getpwall", lambda: [pretended.entry(name) for name in pretended.users])
    monkeypatch.setattr(grp, "getgrall", lambda: [SimpleNamespace(gr_name="staff", gr_gid=1003, gr_mem=[])])
    pretended.process(1, "/init.scope")
    return pretended


def test_a_person_gets_the_next_number_as_useradd_counts(host: Host) -> None:
    host.apply({"name": "bob"}, {"name": "carl"})
    # 1001 is next to 1000; the group staff has 1003, and useradd goes on from the highest
    assert host.users == {"root": 0, "admin": 1000, "bob": 1004, "carl": 1005}


def test_nobody_gets_the_number_of_a_container(host: Host) -> None:
    host.users |= {"last": 10000}
    host.apply({"name": "bob"}, {"name": "carl"}, reserved=(10001,))
    assert (host.users["bob"], host.users["carl"]) == (10002, 10003)


def test_a_number_that_is_asked_for_is_taken(host: Host) -> None:
    host.apply({"name": "bob", "uid": 3001})
    assert host.users["bob"] == 3001


def test_who_comes_back_has_number_home_and_skeleton_and_nobody_else_gets_them(host: Host) -> None:
    host.apply({"name": "bob", "uid": 3001})
    mine = host.folder / "home/bob"
    (mine / "work").mkdir()
    (mine / "work/notes").write_text("mine")
    host.apply({"name": "carl"})
    assert "bob" not in host.users
    assert (host.owners["home/bob"], mine.stat().st_mode & 0o777) == (0, 0o700)
    assert host.users["carl"] == 3002  # files of bob's elsewhere still have 3001
    host.owners.clear()
    host.apply({"name": "bob"}, {"name": "carl"})
    assert host.users["bob"] == 3001
    assert host.owners["home/bob"] == 3001
    assert (mine / ".bashrc").read_text() == "# greeting\n"
    assert host.owners["home/bob/.bashrc"] == 3001
    assert (mine / "work/notes").read_text() == "mine"


@pytest.mark.parametrize("remembered", [True, False])
def test_who_comes_back_with_another_number_has_the_files(host: Host, remembered: bool) -> None:
    """Accounts that an older version removed left no number behind; theirs is one that no account has."""
    home = host.folder / "home/bob"
    home.mkdir()
    (home / "notes").write_text("mine")
    (home / "link").symlink_to("/etc/passwd")
    if remembered:
        host.program.NUMBERS.write_text(json.dumps({"bob": ME}))
    host.users = {"root": 424242, "admin": 1000}
    vars(host.program)["RANGE"] = range(60000)  # the files of this test are those of whoever runs it
    host.apply({"name": "bob", "uid": 3009})
    given = {"home/bob": 3009, "home/bob/notes": 3009, "home/bob/link": 3009, "home/bob/.bashrc": 3009}
    assert {name: host.owners.get(name) for name in given} == given


def test_files_of_others_in_a_home_stay_theirs(host: Host) -> None:
    home = host.folder / "home/bob"
    home.mkdir()
    (home / "theirs").write_text("")
    host.program.NUMBERS.write_text(json.dumps({"bob": 3001}))
    host.apply({"name": "bob"})
    assert "home/bob/theirs" not in host.owners
    assert host.owners["home/bob"] == 3001


def test_a_home_that_is_another_persons_or_no_folder_is_not_taken(host: Host) -> None:
    (host.folder / "home/bob").mkdir()
    if ME == 0:
        os.lchown(host.folder / "home/bob", 7, 7)
    host.users["eve"] = ME or 7
    with pytest.raises(SystemExit, match="belongs to eve; move it away"):
        host.apply({"name": "bob"})
    (host.folder / "home/carl").symlink_to("/etc")
    with pytest.raises(SystemExit, match="is no folder; move it away"):
        host.apply({"name": "carl"})
    assert not {"bob", "carl"} & set(host.users)


def test_a_list_of_an_older_version_is_understood(host: Host) -> None:
    """A change that is taken back brings the old list, and may be read by this program."""
    host.program.FILE.write_text(json.dumps([{**PERSON, "name": "bob"}]))
    host.program.main()
    assert host.users["bob"] == 1004


SCOPE = "docker-" + "0" * 64 + ".scope"


@pytest.mark.parametrize(
    ("group", "unit"),
    [
        ("/user.slice/user-1001.slice/session-3.scope", ""),
        ("/user.slice/user-1001.slice/user@1001.service/app.slice/some.service", ""),
        ("/user.slice/user-0.slice/session-9.scope", ""),  # somebody's su
        ("/system.slice/cron.service", ""),
        ("/system.slice/ssh.service", ""),
        ("/init.scope", ""),
        ("/", ""),
        (f"/system.slice/{SCOPE}", SCOPE),
        ("/docker/" + "0" * 64, "/docker/" + "0" * 64),
        ("/machine.slice/libpod-12.scope", "libpod-12.scope"),
        ("/kubepods/besteffort/pod1/" + "0" * 64, "/kubepods/besteffort/pod1/" + "0" * 64),
        ("/system.slice/shop.service", "shop.service"),
    ],
)
@pytest.mark.parametrize("prefix", ["", "/docker/" + "a" * 64])
def test_whose_a_process_is(host: Host, group: str, unit: str, prefix: str) -> None:
    """A host may be a container itself, and then everything on it has that prefix."""
    (host.folder / "proc/1/cgroup").write_text(f"0::{prefix}/init.scope\n")
    host.process(77, prefix + group)
    assert host.program.unit_of(host.folder / "proc/77") == unit


def test_only_the_person_ends_and_containers_of_the_number_go_on(host: Host) -> None:
    host.process(50, "/user.slice/user-1001.slice/session-3.scope")
    host.process(60, f"/system.slice/{SCOPE}")
    host.users["bob"] = ME
    host.program.MEMORY.write_text('["bob"]')
    host.apply()
    assert ["loginctl", "terminate-user", "bob"] in host.said
    assert {line[1] for line in host.said if line[0] == "kill"} == {
        "1",
        "50",
    }  # init is the fixture's, of the same number
    assert ["userdel", "bob"] in host.said


def test_an_account_that_a_service_runs_as_is_not_removed(host: Host) -> None:
    host.process(60, "/system.slice/shop.service")
    host.users["bob"] = ME
    host.program.MEMORY.write_text('["bob"]')
    with pytest.raises(SystemExit, match=r"shop\.service runs as bob; let it run as another account"):
        host.apply()
    assert "bob" in host.users
    assert host.said == []


def test_what_is_removed_twice_or_never_was_is_no_trouble(host: Host) -> None:
    host.apply({"name": "nobody-here", "state": "absent"})
    assert host.said == []
