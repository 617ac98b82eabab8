"""What `status` says of units, firewall, containers, certificates, releases, backups, databases and the application.

Fake programs answer on a pretended host; expected texts are what an operator reads.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[3] / "playbooks/files/host_status.py"
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp()
HOUR = 3600
# Answers by the words it is asked with; what no file says, no unit is
SYSTEMCTL = """#!/bin/sh
case " $* " in
*" --failed "*) cat "$ROOT/failed" ;;
*" --all "*" nginx.service "*) cat "$ROOT/units" ;;
esac 2>/dev/null
"""


class Host:
    """A pretended host: absolute paths of the program lie below a folder, programs are scripts."""

    def __init__(self, root: Path, module: ModuleType) -> None:
        self.root, self.module = root, module

    def file(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def tool(self, path: str, text: str) -> None:
        self.file(path, text if text.startswith("#!") else f"#!/bin/sh\n{text}\n")
        (self.root / path).chmod(0o755)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    spec = importlib.util.spec_from_file_location("host_status_parts", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "Path", lambda *parts: tmp_path / "/".join(map(str, parts)).lstrip("/"))
    for name in [name for name in dir(module) if name.isupper() and isinstance(getattr(module, name), Path)]:
        monkeypatch.setattr(module, name, tmp_path / str(getattr(module, name)).lstrip("/"))
    monkeypatch.setattr(module, "PROGRAMS", str(tmp_path / "programs"))
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: NOW, strptime=time.strptime))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("ROOT", str(tmp_path))
    made = Host(tmp_path, module)
    made.tool("bin/systemctl", SYSTEMCTL)
    made.file("proc/mounts", "")
    for name in ("docker", "apt-get", "apt-config"):
        made.tool(f"bin/{name}", "exit 0")
    return made


def status(host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    """Run the program and return what it prints."""
    monkeypatch.setattr(sys, "argv", ["host_status.py", *argv])
    host.module.main()
    return json.loads(capsys.readouterr().out)


# ---------------------------------------------------------------- programs


def test_a_program_is_heard_whatever_it_says(host: Host) -> None:
    asked = host.module.ask("sh", "-c", "echo out; echo err >&2; exit 3")
    assert (asked.returncode, asked.stdout, asked.stderr) == (3, "out\n", "err\n")
    assert host.module.lines("printf", "a\nb\n") == ["a", "b"]


def test_a_program_that_is_missing_or_does_not_end_says_nothing(host: Host) -> None:
    for asked in (host.module.ask("no-such-program"), host.module.ask("sleep", "9", seconds=0)):
        assert (asked.returncode, asked.stdout, asked.stderr) == (0, "", "")


# ---------------------------------------------------------------- units and containers


def test_units_are_told_with_what_they_do_and_failed_ones_as_failed(host: Host) -> None:
    host.file(
        "units",
        "nginx.service loaded active running A high performance web server\n"
        "docker.service loaded inactive dead Docker Application Container Engine\n"
        "postgresql@17-main.service loaded failed failed PostgreSQL Cluster 17-main\n"
        "redis-server.service not-found inactive dead redis-server.service\n",
    )
    host.file(
        "failed",
        "postgresql@17-main.service loaded failed failed PostgreSQL Cluster 17-main\n"
        "cron.service loaded failed failed Regular background program processing daemon\n",
    )
    assert host.module.units() == {
        "nginx.service": "active running",
        "docker.service": "inactive dead",
        "postgresql@17-main.service": "failed",
        "cron.service": "failed",
    }


def test_rules_that_are_not_in_force_are_told_although_their_unit_is_active(host: Host) -> None:
    host.file("units", "holdfast-firewall.service loaded active exited Rules of the firewall\n")
    assert host.module.units() == {"holdfast-firewall.service": "active exited"}  # no program that could ask
    host.tool("programs/firewall-in-force", "exit 0")
    assert host.module.units() == {"holdfast-firewall.service": "active exited"}
    host.tool("programs/firewall-in-force", "echo table inet holdfast is missing >&2; echo more >&2; exit 1")
    assert host.module.units() == {
        "holdfast-firewall.service": "NOT IN FORCE, run site.yml: table inet holdfast is missing"
    }


def test_containers_are_told_with_image_and_state(host: Host) -> None:
    host.tool("bin/docker", 'printf "app\\tshop:1.2, Up 3 days\\nold\\tshop:1.1, Exited (0)\\n"')
    assert host.module.containers() == {"app": "shop:1.2, Up 3 days", "old": "shop:1.1, Exited (0)"}


# ---------------------------------------------------------------- certificates


@pytest.mark.parametrize(
    ("days", "life", "word"),
    [
        (14, 90, "soon"),
        (7, 90, "warning"),
        (0.5, 90, "urgent"),
        (0, 90, "urgent"),
        (20.9, 63, "soon"),  # the shortest life with whole days
        (20.9, 62, ""),
    ],
)
def test_at_its_bounds_the_end_of_a_certificate_is_told_by_the_next_step(
    host: Host, days: float, life: float, word: str
) -> None:
    assert host.module.warning(days, life) == word


def dates(begins: str, ends: str) -> str:
    return f"notBefore={begins}\nnotAfter={ends}\n"


def test_days_left_are_whole_ones_and_short_ones_are_warned_of(host: Host) -> None:
    host.tool("bin/openssl", 'for file; do :; done; [ "$4" = -dates ] || [ "$3" = -dates ] && cat "$file"')
    tls = "etc/holdfast/tls"
    host.file(f"{tls}/shop.crt", dates("Nov  1 12:00:00 2026 GMT", "Jan 30 12:00:00 2027 GMT"))
    host.file(f"{tls}/api.crt", dates("Sep 16 00:00:00 2026 GMT", "Dec 15 00:00:00 2026 GMT"))  # in 13 days and a half
    host.file(f"{tls}/old.crt", dates("Sep  1 00:00:00 2026 GMT", "Dec  1 00:00:00 2026 GMT"))  # last night
    host.file(f"{tls}/short.crt", dates("Nov 28 12:00:00 2026 GMT", "Dec  4 12:00:00 2026 GMT"))  # 3 of 6 days
    host.file(f"{tls}/torn.crt", "")
    host.file(f"{tls}/shop.key", dates("Nov  1 12:00:00 2026 GMT", "Nov  2 12:00:00 2026 GMT"))
    assert host.module.certificates() == {
        "certificates": {"shop": 60, "api": 13, "old": -1, "short": 3},
        "warnings": {"certificate api": "warning, 13 days left", "certificate old": "ended, -1 days left"},
    }


def test_a_renewal_that_fails_is_warned_of(host: Host) -> None:
    failure = {"since": "2026-11-28T03:00:00Z", "message": "no answer from the CA"}
    host.file("var/lib/holdfast/acme/renewal.json", json.dumps({"failed": {"shop": failure}}))
    assert host.module.certificates()["warnings"] == {
        "renewal of shop": "fails since 2026-11-28T03:00:00Z: no answer from the CA"
    }
    host.file("var/lib/holdfast/acme/renewal.json", '{"failed": {"sh')
    assert host.module.certificates()["warnings"] == {}


# ---------------------------------------------------------------- releases


RELEASED = {"version": "1.2", "result": "released"}
LATER = {"version": "1.3", "result": "released"}
REFUSED = {"version": "1.4", "result": "rolled back"}


@pytest.mark.parametrize(
    ("records", "release", "refused"),
    [
        ([], {}, {}),
        ([RELEASED], RELEASED, {}),
        ([RELEASED, LATER], LATER, {}),
        ([RELEASED, LATER, REFUSED], LATER, REFUSED),
        ([REFUSED], {}, REFUSED),
        ([RELEASED, REFUSED, LATER], LATER, {}),  # what was refused before is over
    ],
)
def test_the_release_that_serves_and_a_later_one_that_was_refused(
    host: Host, records: list[dict[str, str]], release: dict[str, str], refused: dict[str, str]
) -> None:
    assert host.module.releases() == {"release": {}, "refused": {}}  # no release yet, no file
    torn = '{"version": "9'  # by a power cut
    host.file("var/lib/holdfast/releases.jsonl", "".join(json.dumps(each) + "\n" for each in records) + torn)
    assert host.module.releases() == {"release": release, "refused": refused}


# ---------------------------------------------------------------- backups


def stanza(name: str, *ages: float, code: int = 0, message: str = "ok") -> dict[str, Any]:
    backups = [{"timestamp": {"start": 1, "stop": int(NOW - age * HOUR)}} for age in ages]
    return {"name": name, "backup": backups, "status": {"code": code, "message": message}}


def repository(host: Host, *stanzas: dict[str, Any]) -> None:
    host.file("var/lib/pgbackrest/holdfast-stanzas", "")
    host.file("info.json", json.dumps(stanzas))
    asked = '"-u postgres -- pgbackrest"*" info --output=json"'
    host.tool("bin/runuser", f'case "$*" in {asked}) cat "$ROOT/info.json" ;; esac')


NOT_YET = "not yet; it is scheduled, and /usr/local/lib/holdfast/restore-test runs it now"


def test_a_stanza_is_told_with_the_age_of_its_newest_backup_and_what_is_wrong(host: Host) -> None:
    assert host.module.backups() == {}  # no repository here
    repository(
        host,
        stanza("main", 49, 1.5, 25),
        stanza("other", 300, code=1, message="missing stanza path"),
        stanza("new", code=2, message="no valid backups"),
    )
    told = host.module.backups()
    assert (told["main"], told["restore test"]) == ("1.5 hours old", NOT_YET)
    assert "300.0 hours old" in told["other"]
    assert "missing stanza path" in told["other"]
    assert "hours old" not in told["new"]


def test_a_repository_that_does_not_answer_is_no_traceback(host: Host) -> None:
    repository(host)
    host.tool("bin/runuser", "exit 1")
    assert host.module.backups()["restore test"] == NOT_YET


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ('{"ok": true, "finished": "2026-11-29 03:10"}', "passed at 2026-11-29 03:10"),
        ('{"ok": false, "finished": "2026-11-29 03:10"}', "FAILED at 2026-11-29 03:10"),
        ('{"ok": tr', NOT_YET),
    ],
)
def test_the_last_restore_test_is_told(host: Host, record: str, said: str) -> None:
    repository(host)
    host.file("var/lib/holdfast/restore-test.json", record)
    assert host.module.backups()["restore test"] == said


# ---------------------------------------------------------------- PostgreSQL


def test_the_server_of_the_newest_version_is_asked_where_it_listens(host: Host) -> None:
    assert host.module.postgresql() == {}  # none runs
    said = {"size of shop": "12 MB", "waits for a restart": "shared_buffers"}
    host.tool("bin/runuser", f"""case "$*" in *" -p 5433 "*) echo '{json.dumps(said)}' ;; esac""")
    host.file("var/lib/postgresql/15/main/postmaster.pid", "71\n/var/lib/postgresql/15/main\n1764580000\n5432\n/run\n")
    host.tool("programs/postgresql-data", "echo /var/lib/postgresql/15/main")
    assert host.module.postgresql() == {"server": "does not answer"}
    host.tool("programs/postgresql-data", "echo /var/lib/postgresql/17/main")
    host.file("var/lib/postgresql/17/main/postmaster.pid", "72\n/var/lib/postgresql/17/main\n1764580000\n5433\n/run\n")
    assert host.module.postgresql() == said


def test_the_part_in_a_cluster_is_told_where_there_is_one(host: Host) -> None:
    assert host.module.replication() == {}
    host.tool("programs/postgresql-role", "echo standby of db1, 0 s behind")
    assert host.module.replication() == {"postgresql": "standby of db1, 0 s behind"}


# ---------------------------------------------------------------- the application


@pytest.fixture
def application() -> Iterator[SimpleNamespace]:
    """An application that answers 200 to /health alone."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 503)
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    yield SimpleNamespace(port=str(server.server_port))
    server.shutdown()
    server.server_close()


def test_the_answer_of_the_application_is_its_code_or_why_there_is_none(
    host: Host, application: SimpleNamespace
) -> None:
    assert host.module.health(application.port, "/health") == "200"
    assert host.module.health(application.port, "/ready") == "503"
    assert "refused" in host.module.health("1", "/health")


# ---------------------------------------------------------------- upgrades


@pytest.mark.parametrize(("on", "days"), [("1", 3), ("0", 0)])
def test_upgrades_are_missed_where_apt_says_that_they_are_on(host: Host, on: str, days: int) -> None:
    asked = "shell ON APT::Periodic::Unattended-Upgrade"
    host.tool("bin/apt-config", f"""[ "$*" = "{asked}" ] && echo "ON='{on}'" """)
    host.file("etc/apt/apt.conf.d/60holdfast", "")
    os.utime(host.root / "etc/apt/apt.conf.d/60holdfast", (NOW - 2.6 * 24 * HOUR,) * 2)
    said = f"none succeeded for {days} days; journalctl -u apt-daily-upgrade says why"
    assert host.module.upgrade_notes() == ({"security upgrades": said} if days else {})


# ---------------------------------------------------------------- all of it


def test_what_fails_is_looked_at_first_and_what_is_well_is_not(
    host: Host, application: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host.file(
        "units",
        "nginx.service loaded active running A web server\nholdfast-firewall.service loaded active exited Rules\n",
    )
    host.file("failed", "cron.service loaded failed failed Regular background programs\n")
    host.tool("programs/firewall-in-force", "echo the table is missing >&2; exit 1")
    host.tool("programs/sshd-in-force", "echo PasswordAuthentication is yes >&2; exit 1")
    host.file("etc/nginx/holdfast-maintenance/shop.conf", "return 503;\n")
    host.file("run/reboot-required", "")
    said = status(host, monkeypatch, capsys, application.port, "/ready")
    assert {
        "cron.service failed",
        "holdfast-firewall.service NOT IN FORCE, run site.yml: the table is missing",
        "sshd: PasswordAuthentication is yes",
        "site shop: closed for maintenance",
        "restart of the host: wanted by an upgrade",
        "application answers 503",
    } <= set(said["attention"])
    assert not [entry for entry in said["attention"] if "nginx" in entry]
    assert said["health"] == "503"


def test_a_host_that_is_well_needs_no_look_and_tells_every_part(
    host: Host, application: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    host.file("units", "nginx.service loaded active running A web server\n")
    host.tool("bin/docker", 'printf "app\\tshop:1.2, Up 3 days\\n"')
    host.file("var/lib/holdfast/releases.jsonl", json.dumps(RELEASED) + "\n")
    repository(host, stanza("main", 2))
    host.file("var/lib/holdfast/restore-test.json", '{"ok": true, "finished": "2026-11-29 03:10"}')
    host.tool("programs/postgresql-role", "echo primary")
    said = status(host, monkeypatch, capsys, application.port, "/health")
    assert said["attention"] == []
    expected = {
        "units": {"nginx.service": "active running"},
        "containers": {"app": "shop:1.2, Up 3 days"},
        "certificates": {},
        "warnings": {},
        "upgrades": {},
        "release": RELEASED,
        "refused": {},
        "backups": {"main": "2.0 hours old", "restore test": "passed at 2026-11-29 03:10"},
        "postgresql": {},
        "replication": {"postgresql": "primary"},
        "health": "200",
    }
    assert {name: said[name] for name in expected} == expected


def test_without_an_application_none_is_asked(
    host: Host, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    upgrade = "Inst bash [5.2] (5.2.1 Debian-Security:13/stable-security [amd64])"
    host.tool("bin/apt-get", f"echo '{upgrade}'")
    said = status(host, monkeypatch, capsys)
    assert "health" not in said
    assert said["attention"] == []
    assert said["upgrades"] == {"security": "bash"}
