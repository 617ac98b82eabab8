"""A running Redis takes over changed directives (item 7): what is set, what goes back, what a killed run leaves.

Two servers are played: the one that serves, and the one that starts aside and knows what the files mean.
"""

from __future__ import annotations

import contextlib
import importlib.util
import socketserver
import threading
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[3] / "roles/redis/files/usr/local/lib/holdfast/redis-access"
MEANT = {"maxmemory": "104857600", "save": "900 1", "timeout": "0", "tls-port": "0", "appendonly": "no"}
FILE = """# Managed by Holdfast
appendonly yes
maxmemory 100mb
save 900 1
tls-port 6379
"""
PLAIN = "appendonly yes\nmaxmemory 50mb\ntimeout 300\ntls-port 6379\nsave 900 1\n"
RUNNING = {"maxmemory": "52428800", "save": "900 1", "timeout": "300", "tls-port": "6379", "appendonly": "yes"}


class Played:
    """A server that keeps settings and notes what it was asked."""

    def __init__(self, path: Path, settings: dict[str, str]) -> None:
        self.settings = dict(settings)
        self.asked: list[list[str]] = []
        self.users = ["default", "holdfast", "gone"]
        self.refuses = ""
        self.forgets = ""
        self.rewriting = 0
        played = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while line := self.rfile.readline():
                    words = []
                    for _ in range(int(line[1:])):
                        length = int(self.rfile.readline()[1:])
                        words.append(self.rfile.read(length + 2)[:-2].decode())
                    self.wfile.write(played.answer(words).encode())

        self.listener = socketserver.ThreadingUnixStreamServer(str(path), Handler)
        self.listener.daemon_threads = True
        threading.Thread(target=self.listener.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, words: list[str]) -> str:
        self.asked.append(words)
        if words[:2] == ["CONFIG", "GET"]:
            found = [word for name in words[2:] if name in self.settings for word in (name, self.settings[name])]
            return self.bulk(found)
        if words[:2] == ["CONFIG", "SET"]:
            values = dict(zip(words[2::2], words[3::2], strict=True))
            if self.refuses in values:
                return f"-ERR CONFIG SET failed (possibly related to argument '{self.refuses}') - no\r\n"
            self.settings |= {name: value for name, value in values.items() if name != self.forgets}
        if words[:2] == ["ACL", "USERS"]:
            return self.bulk(self.users)
        if words[0] == "INFO":
            self.rewriting -= self.rewriting > 0
            text = f"# Persistence\r\naof_enabled:1\r\naof_rewrite_in_progress:{int(self.rewriting > 0)}\r\n"
            text += "aof_rewrite_scheduled:0\r\naof_last_bgrewrite_status:ok\r\n"
            return f"${len(text)}\r\n{text}\r\n"
        return "+OK\r\n"

    @staticmethod
    def bulk(words: list[str]) -> str:
        return f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)

    def set(self) -> list[dict[str, str]]:
        """Return what was set, without what is read anew every time."""
        found = [
            dict(zip(words[2::2], words[3::2], strict=True)) for words in self.asked if words[:2] == ["CONFIG", "SET"]
        ]
        return [values for values in found if "tls-cert-file" not in values]


Host = tuple[ModuleType, Played, Path]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    loader = SourceFileLoader("holdfast_redis_access", str(PROGRAM))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    etc, run = tmp_path / "etc", tmp_path / "run"
    etc.mkdir()
    run.mkdir()
    served, other = Played(tmp_path / "s", RUNNING), Played(tmp_path / "o", MEANT)
    (etc / "redis.conf").write_text(
        f"unixsocket {tmp_path / 's'}\ninclude x\ntls-cert-file /c\ntls-key-file /k\ntls-ca-cert-file /a\n"
    )
    (etc / "holdfast-runtime.conf").write_text(FILE)
    (etc / "users.acl").write_text("# ours\nuser default reset\n")
    (run / "password").write_text("pass-of-the-administrator")
    (run / "directives").write_text("appendonly\nmaxmemory\nsave\ntimeout\ntls-port\n")

    @contextlib.contextmanager
    def aside() -> Iterator[Any]:
        with contextlib.closing(module.Server(str(tmp_path / "o"))) as server:
            yield server

    monkeypatch.setattr(module, "real_aside", module.aside, raising=False)
    for name, value in {"ETC": etc, "RUN": run, "aside": aside, "REWRITE_SECONDS": 0.001}.items():
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(module.shutil, "chown", lambda *_: None)
    yield module, served, run
    for played in (served, other):
        played.listener.shutdown()
        played.listener.server_close()


def test_only_what_differs_is_set_and_a_line_that_is_gone_returns_to_its_default(host: Host) -> None:
    module, served, run = host
    module.reload()
    assert served.set() == [{"maxmemory": "104857600", "timeout": "0"}]
    assert served.settings == {**RUNNING, "maxmemory": "104857600", "timeout": "0"} | {
        "tls-cert-file": "/c",
        "tls-key-file": "/k",
        "tls-ca-cert-file": "/a",
    }
    assert (run / "directives").read_text().split() == ["appendonly", "maxmemory", "save", "tls-port"]


def test_a_second_reload_sets_nothing(host: Host) -> None:
    module, served, _run = host
    module.reload()
    served.asked.clear()
    module.reload()
    assert served.set() == []


@pytest.mark.parametrize("killed", ["before it is set", "before it is noted"])
def test_a_killed_reload_is_finished_by_the_next_also_when_the_file_changed_back(
    host: Host, monkeypatch: pytest.MonkeyPatch, killed: str
) -> None:
    """Whatever the file says now is what counts, not what the killed run has noted."""
    module, served, run = host
    original: Callable[..., None] = module.Server.set

    def dies(server: Any, values: dict[str, str]) -> None:
        if "maxmemory" in values:
            if killed == "before it is noted":
                original(server, values)
            raise KeyboardInterrupt
        original(server, values)

    monkeypatch.setattr(module.Server, "set", dies)
    with pytest.raises(KeyboardInterrupt):
        module.reload()
    assert "timeout" in (run / "directives").read_text().split()  # it still has to go back
    monkeypatch.setattr(module.Server, "set", original)
    module.reload()
    assert {name: served.settings[name] for name in ("maxmemory", "timeout")} == {
        "maxmemory": "104857600",
        "timeout": "0",
    }


def test_what_the_server_refuses_ends_the_reload_with_its_words_and_without_a_password(
    host: Host, capsys: pytest.CaptureFixture[str]
) -> None:
    module, served, _run = host
    served.refuses = "maxmemory"
    with pytest.raises(SystemExit) as ended:
        module.reload()
    assert str(ended.value) == "CONFIG: ERR CONFIG SET failed (possibly related to argument 'maxmemory') - no"
    assert served.settings["timeout"] == "300"  # all or none
    assert "pass-of-the-administrator" not in f"{ended.value}{capsys.readouterr()}"


def test_what_was_not_taken_over_is_told(host: Host) -> None:
    module, served, run = host
    served.forgets = "timeout"
    with pytest.raises(SystemExit, match="did not take over timeout; restart redis-server"):
        module.reload()
    assert "timeout" in (run / "directives").read_text().split()


def test_users_come_and_go(host: Host) -> None:
    module, served, run = host
    module.reload()
    assert ["ACL", "DELUSER", "gone"] in served.asked
    assert ["ACL", "SETUSER", "default", "reset"] in served.asked
    ours = (run / "users.acl").read_text().splitlines()[-1]
    assert ours.endswith(" +acl +config|set +config|get +info")


def test_a_log_that_is_switched_on_is_waited_for(host: Host) -> None:
    module, served, _run = host
    served.settings["appendonly"] = "no"
    served.rewriting = 3
    module.reload()
    assert [words for words in served.asked if words[0] == "INFO"] == [["INFO", "persistence"]] * 3
    assert served.settings["appendonly"] == "yes"


def test_a_start_notes_what_the_server_reads(host: Host) -> None:
    module, _served, run = host
    (module.ETC / "holdfast-runtime.conf").write_text(PLAIN)
    module.start()
    assert (run / "directives").read_text().split() == ["appendonly", "maxmemory", "save", "timeout", "tls-port"]
    assert (run / "password").read_text() != "pass-of-the-administrator"


class Started:
    """What Popen returns: a process that runs, or has died, until it is told to end."""

    def __init__(self, argv: list[str], runs: bool) -> None:
        self.argv, self.runs, self.ended = argv, runs, False
        socket_path = Path(argv[argv.index("--unixsocket") + 1])
        self.played = Played(socket_path, MEANT) if runs else None

    def poll(self) -> int | None:
        return None if self.runs else 1

    def terminate(self) -> None:
        self.ended = True
        if self.played:
            self.played.listener.shutdown()
            self.played.listener.server_close()

    def wait(self) -> int:
        return 0


@pytest.mark.parametrize("runs", [True, False])
def test_the_second_server_has_no_network_no_data_and_no_password_on_its_command_line(
    host: Host, monkeypatch: pytest.MonkeyPatch, runs: bool
) -> None:
    module, _served, _run = host
    started: list[Started] = []

    def popen(argv: list[str], **more: Any) -> Started:
        assert (more["user"], more["group"], more["extra_groups"]) == ("redis", "redis", [])
        started.append(Started(argv, runs))
        return started[0]

    monkeypatch.setattr(module.subprocess, "Popen", popen)
    if runs:
        with module.real_aside() as server:
            assert server.settings(["maxmemory"]) == {"maxmemory": "104857600"}
    else:
        with pytest.raises(SystemExit, match="redis-check says why"), module.real_aside():
            pass
    (process,) = started
    assert process.ended
    words = " ".join(process.argv)
    for own in ("--port 0", "--tls-port 0", "--replicaof no one", "--appendonly no", "--supervised no", "--dir /"):
        assert f" {own}" in words
    assert str(module.ETC / "redis.conf") == process.argv[1]
    assert "pass-of-the-administrator" not in words
