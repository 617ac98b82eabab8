"""What a host says when `status` asks it: units, disks, certificates, releases, backups, databases, the application.

Fake programs answer on a pretended host.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp()
HOUR = 3600


class Host:
    """A pretended host: absolute paths of the half lie below a folder, programs are scripts."""

    def __init__(self, root: Path, module: Any) -> None:
        self.root, self.module = root, module

    def file(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def tool(self, path: str, text: str) -> None:
        self.file(path, text if text.startswith("#!") else f"#!/bin/sh\n{text}\n")
        (self.root / path).chmod(0o755)

    def aged(self, path: str, days: float) -> None:
        self.file(path, "")
        os.utime(self.root / path, (NOW - days * 24 * HOUR,) * 2)

    def ask(self, kind: str, **probe: Any) -> Any:
        """Return the answer to one probe."""
        return self.module.main({"units": [], "probes": [{"kind": kind, **probe}]}, False, False)["answers"][0]


PATHS = (
    *("MOUNTS", "MEMORY", "RESTART_WANTED", "TRANSACTIONS", "HELD", "STATE", "CERTIFICATES", "CLOSED_SITES", "POOLS"),
    *("APT_CONFIGURATION", "UPGRADED", "STANZAS", "RESTORE_TEST"),
)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load_module: Callable[[str], Any]) -> Host:
    module = load_module("host_status")
    for name in PATHS:
        setattr(module, name, tmp_path / str(getattr(module, name)).lstrip("/"))
    module.PROGRAMS = str(tmp_path / "programs")
    module.CONSOLE = str(tmp_path / "programs/console")
    module.time = SimpleNamespace(time=lambda: NOW, strptime=time.strptime)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("ROOT", str(tmp_path))
    made = Host(tmp_path, module)
    made.tool("bin/systemctl", "cat $ROOT/$1 2>/dev/null")
    made.file("proc/mounts", "")
    made.file("proc/meminfo", "MemTotal:  4194304 kB\nMemFree: 1 kB\nMemAvailable:   2097152 kB\n")
    for name in ("docker", "apt-get", "apt-config"):
        made.tool(f"bin/{name}", "exit 0")
    return made


# ---------------------------------------------------------------- programs


def test_a_program_is_heard_whatever_it_says(host: Host) -> None:
    asked = host.module.ask("sh", "-c", "echo out; echo err >&2; exit 3")
    assert (asked.returncode, asked.stdout, asked.stderr) == (3, "out\n", "err\n")
    assert host.module.lines("printf", "a\nb\n") == ["a", "b"]


def test_a_program_that_is_missing_or_does_not_end_says_so_by_its_code(host: Host) -> None:
    gone, slow = host.module.ask("no-such-program"), host.module.ask("sleep", "9", seconds=0)
    assert (gone.returncode, gone.stdout, gone.stderr) == (127, "", "")
    assert (slow.returncode, slow.stdout, slow.stderr) == (124, "", "sleep did not end within 0 s")


# ---------------------------------------------------------------- units
UNIT = """ActiveState={}
SubState={}
UnitFileState={}
LoadState={}
ConditionResult={}
ConditionTimestampMonotonic={}
Type={}
RemainAfterExit=no
Result=success
"""
STATES = {
    "nginx.service": ("inactive", "dead", "enabled", "loaded", "yes", 9, "notify"),
    "redis-server.service": ("active", "running", "enabled", "loaded", "yes", 9, "notify"),
    "docker.service": ("activating", "start", "enabled", "loaded", "yes", 9, "notify"),
    "pgbouncer.service": ("activating", "auto-restart", "enabled", "loaded", "yes", 9, "notify"),
    "systemd-timesyncd.service": (
        "inactive",
        "dead",
        "enabled",
        "loaded",
        "no",
        9,
        "notify",
    ),  # ConditionVirtualization
    "fail2ban.service": ("inactive", "dead", "enabled", "loaded", "no", 0, "simple"),  # not tried since the boot
    "auditd.service": ("inactive", "dead", "enabled", "loaded", "no", 0, "forking"),  # neither, and it could not
    "pause.service": ("inactive", "dead", "static", "loaded", "no", 0, "oneshot"),
    "mail.service": ("inactive", "dead", "", "not-found", "no", 0, ""),
}


def test_units_tell_whether_they_do_what_they_can(host: Host) -> None:
    host.file("show", "\n".join(UNIT.format(*state) for state in STATES.values()))
    said = 'echo "Conditions failed"; exit 1'
    host.tool("bin/systemd-analyze", f'case "$2" in --unit=auditd.service) {said} ;; esac; echo "Conditions succeeded"')
    found = host.module.states([*STATES, "nginx.service"])
    assert list(found) == list(STATES)
    assert {name for name, unit in found.items() if unit["running"]} == {"redis-server.service", "docker.service"}
    assert {name for name, unit in found.items() if not unit["well"]} == {
        "nginx.service",
        "pgbouncer.service",
        "fail2ban.service",
        "mail.service",
    }
    assert found["mail.service"]["load"] == "not-found"
    words = {"load": "loaded", "active": "inactive", "sub": "dead", "file": "enabled"}
    assert found["nginx.service"] == {**words, "running": False, "well": False}


def test_failed_units_are_listed(host: Host) -> None:
    host.tool(
        "bin/systemctl", 'case "$*" in "list-units --failed "*) echo "cron.service loaded failed failed X" ;; esac'
    )
    assert host.module.failed_units() == ["cron.service"]


def test_what_breaks_takes_no_other_answer_away(host: Host) -> None:
    (host.root / "proc/mounts").unlink()
    host.tool("bin/apt-get", "exit 0")
    host.file("etc/nginx/holdfast-maintenance/a.conf/b", "")  # a folder in place of a file
    found = host.module.called({"units": [], "probes": [{"kind": "sites"}, {"kind": "upgrades"}]})
    assert "FileNotFoundError" in found["host"]["broken"]["disks"]
    assert found["host"]["memory"] == {"total_mb": 4096, "available_mb": 2048}
    assert "IsADirectoryError" in found["answers"][0]["broken"]
    assert found["answers"][1] == {"waiting": [], "days": None}
    assert found["changed"] is False


# ---------------------------------------------------------------- the host


def space(blocks: int, free: int, available: int, files: int = 1000, free_files: int = 900) -> SimpleNamespace:
    return SimpleNamespace(f_blocks=blocks, f_bfree=free, f_bavail=available, f_files=files, f_ffree=free_files)


@pytest.mark.parametrize(
    ("room", "full", "files"),
    [
        (space(1000, 110, 110), 89, 10),
        (space(1000, 101, 101), 90, 10),  # 89.9, rounded up as df does
        (space(1000, 50, 0), 100, 10),  # the rest is root's
        (space(1000, 900, 900, 1000, 100), 10, 90),
        (space(0, 0, 0, 0, 0), 0, 0),  # btrfs has no number of files, other systems no size
    ],
)
def test_disks_are_told_as_df_does(
    host: Host, monkeypatch: pytest.MonkeyPatch, room: SimpleNamespace, full: int, files: int
) -> None:
    host.file("proc/mounts", f"/dev/sda1 {host.root} ext4 rw 0 0\n")
    monkeypatch.setattr(host.module.os, "statvfs", lambda _path: room)
    assert host.module.disks() == [{"path": str(host.root), "percent": full, "files_percent": files}]


def test_each_disk_is_told_once_and_no_file_system_that_is_always_full(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = host.root
    (root / "with space").mkdir()
    lines = ["proc /proc proc rw 0 0", f"/dev/loop0 {root} squashfs ro 0 0", f"/dev/sda1 {root}/gone ext4 rw 0 0"]
    lines += [f"/dev/sda1 {root}/with\\040space ext4 rw 0 0", f"/dev/sda1 {root} ext4 rw 0 0"]
    host.file("proc/mounts", "\n".join(lines) + "\n")
    monkeypatch.setattr(host.module.os, "statvfs", lambda path: Path(path).stat() and space(10, 0, 0))
    assert [disk["path"] for disk in host.module.disks()] == [f"{root}/with space"]


def test_a_host_that_wants_to_restart_says_for_what(host: Host) -> None:
    assert host.module.wanting_restart() == []
    host.file("run/reboot-required", "")
    assert host.module.wanting_restart() == ["an upgrade"]
    host.file("run/reboot-required.pkgs", "linux-image-6.12.57-amd64\nlibc6\n")
    assert host.module.wanting_restart() == ["linux-image-6.12.57-amd64", "libc6"]


def test_changes_that_are_not_finished(host: Host) -> None:
    folder = "var/lib/holdfast/transactions"
    host.file(f"{folder}/firewall/journal.json", '{"stage": "unconfirmed", "originals": []}')
    host.file(f"{folder}/nginx/journal.json", '{"sta')
    host.file(f"{folder}/redis/original-0", "")
    assert host.module.unfinished() == {"firewall": "unconfirmed", "nginx": "torn"}


# ---------------------------------------------------------------- what is in force, upgrades, containers, sites


def test_what_is_in_force_is_asked_of_the_program_of_the_role(host: Host) -> None:
    assert host.ask("in_force", program="sshd-in-force") == {"differs": ""}  # the role was never applied
    host.tool("programs/sshd-in-force", "exit 0")
    assert host.ask("in_force", program="sshd-in-force") == {"differs": ""}
    host.tool("programs/sshd-in-force", "echo the table is missing >&2; echo more >&2; exit 1")
    assert host.ask("in_force", program="sshd-in-force") == {"differs": "the table is missing"}
    host.tool("programs/sshd-in-force", "exit 3")
    assert host.ask("in_force", program="sshd-in-force") == {"differs": "sshd-in-force ends with 3"}


def test_waiting_security_upgrades_are_named(host: Host) -> None:
    """As apt-get of Debian 12 and 13 simulates."""
    kernel = "Inst linux-image-6.12.9-amd64 (6.12.9-1 Debian-Security:13/stable-security [amd64])"
    planned = [
        "Inst libssl3 [3.0.15-1~deb12u1] (3.0.17-1~deb12u2 Debian-Security:12/stable-security [amd64])",
        "Inst base-files [12.4] (12.4+deb12u12 Debian:12.12/stable [amd64])",
        "Inst docker-ce [5:28.0] (5:29.0 Docker CE:trixie [amd64])",
        "Conf libssl3 (3.0.17-1~deb12u2 Debian-Security:12/stable-security [amd64])",
        "Inst bash [5.2] (5.2.1 Debian:13.2/stable, Debian-Security:13/stable-security [amd64])",
    ]
    host.file("planned", "\n".join(planned) + "\n")
    # Without the option apt-get keeps back what needs a new package, as each kernel does
    host.tool("bin/apt-get", f'cat "$ROOT/planned"; case "$*" in *--with-new-pkgs*) echo "{kernel}" ;; esac')
    assert host.ask("upgrades") == {"waiting": ["bash", "libssl3", "linux-image-6.12.9-amd64"], "days": None}


@pytest.mark.parametrize(
    ("on", "upgraded", "configured", "days"),
    [("1", 1.9, 90, 1.9), ("1", None, 2.6, 2.6), ("0", 9, 9, None), ("1", None, None, None)],
)
def test_upgrades_are_missed_where_apt_says_that_they_are_on(
    host: Host, on: str, upgraded: float | None, configured: float | None, days: float | None
) -> None:
    asked = "shell ON APT::Periodic::Unattended-Upgrade"
    host.tool("bin/apt-config", f"""[ "$*" = "{asked}" ] && echo "ON='{on}'" """)
    for path, age in (("etc/apt/apt.conf.d/60holdfast", configured), ("var/lib/apt/periodic/upgrade-stamp", upgraded)):
        if age is not None:
            host.aged(path, age)
    assert host.ask("upgrades")["days"] == (None if days is None else pytest.approx(days))


def test_containers_are_told_with_image_and_state(host: Host) -> None:
    host.tool("bin/docker", 'printf "app\\tshop:1.2\\trunning\\tUp 3 days\\nold\\tshop:1.1\\texited\\tExited (0)\\n"')
    found = host.ask("containers")
    assert found["containers"]["app"] == {"image": "shop:1.2", "state": "running", "status": "Up 3 days"}
    assert (found["containers"]["old"]["state"], found["problem"]) == ("exited", "")
    host.tool("bin/docker", "echo Cannot connect >&2; exit 1")
    assert host.ask("containers") == {"containers": {}, "problem": "Cannot connect"}


def test_sites_that_are_closed_drained_or_silent(host: Host) -> None:
    """As site-answers tells it on an edge host."""
    assert host.ask("sites") == {"closed": {}, "drained": {}, "silent": {}}
    host.file("etc/nginx/holdfast-maintenance/api.conf", "return 503;\n")
    host.file("etc/nginx/holdfast-maintenance/shop.conf", ' add_header Retry-After "Thu, 24 Dec 2026 18:00:00 GMT";\n')
    server = "server 10.0.0.4:3000 max_fails=3 fail_timeout=5s"
    host.file("etc/nginx/holdfast-pools/api.conf", f"{server} down;\nserver 10.0.0.5:3000 max_fails=3;\n")
    host.file("etc/nginx/holdfast-pools/shop.conf", f"{server};\n")
    host.tool("programs/site-answers", """echo '{"silent": {"web": "answers 502 Bad Gateway"}, "urls": []}'""")
    assert host.ask("sites") == {
        "closed": {"api": "", "shop": "Thu, 24 Dec 2026 18:00:00 GMT"},
        "drained": {"api": ["10.0.0.4:3000"]},
        "silent": {"web": "answers 502 Bad Gateway"},
    }


# ---------------------------------------------------------------- certificates


def dates(begins: str, ends: str) -> str:
    return f"notBefore={begins}\nnotAfter={ends}\n"


def test_days_left_of_certificates(host: Host) -> None:
    host.tool("bin/openssl", 'for file; do :; done; [ "$4" = -dates ] || [ "$3" = -dates ] && cat "$file"')
    tls = "etc/holdfast/tls"
    host.file(f"{tls}/shop.crt", dates("Nov  1 12:00:00 2026 GMT", "Jan 30 12:00:00 2027 GMT"))
    host.file(f"{tls}/old.crt", dates("Sep  1 00:00:00 2026 GMT", "Dec  1 00:00:00 2026 GMT"))  # last night
    host.file(f"{tls}/torn.crt", "")
    host.file(f"{tls}/shop.key", dates("Nov  1 12:00:00 2026 GMT", "Nov  2 12:00:00 2026 GMT"))
    assert host.ask("certificates") == {
        "certificates": {"shop": {"days": 60, "life_days": 90}, "old": {"days": -0.5, "life_days": 91}},
        "renewals": {},
    }


def test_a_renewal_that_fails(host: Host) -> None:
    failure = {"since": "2026-11-28T03:00:00Z", "message": "no answer from the CA"}
    host.file("var/lib/holdfast/acme/renewal.json", json.dumps({"failed": {"shop": failure}}))
    assert host.ask("certificates")["renewals"] == {"shop": failure}
    host.file("var/lib/holdfast/acme/renewal.json", '{"failed": {"sh')
    assert host.ask("certificates")["renewals"] == {}


# ---------------------------------------------------------------- the application
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
    asked = {"port": 1, "path": "/health"}
    none = host.ask("application", **asked)
    assert (none["release"], none["refused"]) == ({}, {})  # no release yet, no file
    torn = '{"version": "9'  # by a power cut
    host.file("var/lib/holdfast/releases.jsonl", "".join(json.dumps(each) + "\n" for each in records) + torn)
    found = host.ask("application", **asked)
    assert (found["release"], found["refused"]) == (release, refused)


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
    yield SimpleNamespace(port=server.server_port)
    server.shutdown()
    server.server_close()


def test_the_answer_of_the_application_is_its_code_or_why_there_is_none(
    host: Host, application: SimpleNamespace
) -> None:
    assert host.module.health(application.port, "/health") == "200"
    assert host.module.health(application.port, "/ready") == "503"
    assert "refused" in host.module.health(1, "/health")


# ---------------------------------------------------------------- backups


def stanza(name: str, *ages: float, code: int = 0, message: str = "ok", **more: Any) -> dict[str, Any]:
    backups = [{"timestamp": {"start": 1, "stop": int(NOW - age * HOUR)}} for age in ages]
    return {"name": name, "backup": backups, "status": {"code": code, "message": message}, **more}


def repository(host: Host, *stanzas: dict[str, Any], names: str = "") -> None:
    host.file("var/lib/pgbackrest/holdfast-stanzas", names)
    host.file("info.json", json.dumps(stanzas))
    asked = '"-u postgres -- pgbackrest"*" info --output=json"'
    host.tool("bin/runuser", f'case "$*" in {asked}) cat "$ROOT/info.json" ;; esac')


def test_a_stanza_is_told_with_the_age_of_its_newest_backup_and_what_is_wrong(host: Host) -> None:
    assert host.ask("backups") == {"silent": "the repository was not made yet"}
    words = "[FormatError] unable to load '/a' or\nFormatError: \x01\ufffd"
    repository(
        host,
        stanza("main", 49, 1.5, 25),
        stanza("other", 300, code=99, message="other", repo=[{"status": {"code": 99, "message": words}}]),
        stanza("new", code=2, message="no valid backups"),
        names="main\ngone\n",
    )
    found = host.ask("backups")
    assert list(found["stanzas"]) == ["main", "gone", "other", "new"]
    assert found["stanzas"]["main"] == {"hours": 1.5, "code": 0, "message": "ok", "running": False}
    assert found["stanzas"]["gone"] is None
    assert found["stanzas"]["other"]["hours"] == 300
    assert found["stanzas"]["other"]["message"] == "[FormatError] unable to load '/a' or"
    assert (found["stanzas"]["new"]["hours"], found["stanzas"]["new"]["code"]) == (None, 2)
    assert "silent" not in found


def test_a_first_backup_that_is_being_made(host: Host) -> None:
    running = stanza("main", code=2)
    running["status"]["lock"] = {"backup": {"held": True}}
    repository(host, running)
    assert host.ask("backups")["stanzas"]["main"]["running"] is True


def test_a_repository_that_does_not_answer_says_why(host: Host) -> None:
    repository(host, names="main\n")
    host.tool("bin/runuser", 'printf "ERROR: \\204 no\\n" >&2; exit 1')
    found = host.ask("backups")
    assert found["stanzas"] == {"main": None}
    assert found["silent"] == "pgbackrest info ends with 1: ERROR: \ufffd no"


@pytest.mark.parametrize("said", ["", "no JSON", "{}[", '[{"name": "main"}]', "null"])
def test_an_answer_that_cannot_be_read_takes_no_stanza_for_missing(host: Host, said: str) -> None:
    repository(host, names="main\n")
    host.file("info.json", said)
    host.tool("bin/runuser", 'cat "$ROOT/info.json"; echo "ERROR: [037]: a" >&2; echo "  b" >&2; exit 37')
    assert host.ask("backups")["silent"] == "pgbackrest info ends with 37: ERROR: [037]: a b"


@pytest.mark.parametrize(
    ("record", "found"),
    [
        (
            {"ok": True, "finished": "2026-11-29T12:00:00Z", "stanzas": [{"stanza": "main", "ok": True, "error": ""}]},
            {"ok": True, "finished": "2026-11-29T12:00:00Z", "hours": 48, "failed": {}},
        ),
        (
            {"ok": False, "finished": "2026-12-01T11:00:00Z", "stanzas": [{"stanza": "a", "ok": False, "error": "no"}]},
            {"ok": False, "finished": "2026-12-01T11:00:00Z", "hours": 1, "failed": {"a": "no"}},
        ),
        (None, {"ok": None, "hours": 60}),
        ("torn", {"ok": None, "hours": 60}),
    ],
)
def test_the_last_restore_test_is_told(host: Host, record: Any, found: dict[str, Any]) -> None:
    repository(host)
    assert host.ask("backups")["restore_test"] == {"ok": None, "hours": 0}
    host.aged("etc/holdfast/restore-test.json", 2.5)
    if record:
        host.file("var/lib/holdfast/restore-test.json", json.dumps(record)[: -1 if record == "torn" else None])
    assert host.ask("backups")["restore_test"] == found


# ---------------------------------------------------------------- PostgreSQL and pgbouncer


def server(host: Host, code: str) -> None:
    """Pretend a server of the newest version that listens at 5433."""
    data = f"{host.root}/data17"
    host.file("data17/postmaster.pid", f"72\n{data}\n1764580000\n5433\n/run\n")
    host.tool("programs/postgresql-data", f"echo {data}")
    host.tool("bin/runuser", f"""case "$*" in *" -p 5433 "*) {code} ;; esac""")


def test_the_server_is_asked_where_it_listens(host: Host) -> None:
    assert host.ask("postgresql") == {"part": "", "silent": "it does not run"}
    said = {"sizes": {"shop": "12 MB"}, "pending_restart": ["shared_buffers"]}
    server(host, f"echo '{json.dumps(said)}'")
    host.tool("programs/postgresql-role", "echo standby 3")
    assert host.ask("postgresql") == {"part": "standby 3", **said}
    server(host, "echo connection refused >&2; exit 2")
    assert host.ask("postgresql")["silent"] == "connection refused"


def test_a_standby_archives_nothing(host: Host) -> None:
    server(host, "")
    assert host.ask("archive") == {}
    server(host, """echo '{"seconds": 12, "failed": ""}'""")
    assert host.ask("archive") == {"seconds": 12, "failed": ""}


def test_pgbouncer_tells_whom_it_lets_wait(host: Host) -> None:
    assert "ends with 127" in host.ask("pooler")["silent"]
    rows = "name\\thost\\tpaused\\nshop\\t10.0.0.3\\t1\\nblog\\t10.0.0.3\\t0\\npgbouncer\\t\\t0\\n"
    host.tool("programs/console", f'printf "{rows}"')
    assert host.ask("pooler") == {"paused": ["shop"]}


def test_questions_to_the_server_are_sql_that_it_can_read() -> None:
    """A backslash that Python eats would let pg_basebackup count as a standby; scenarios ask a real server."""
    room = Path(__file__).parents[3] / "ansible_collections/holdfast/platform/plugins/module_utils/status_data.py"
    code = f"import runpy; print(runpy.run_path({str(room)!r})['SERVER'])"
    done = subprocess.run(["python3", "-c", code], cwd=room.parents[5], capture_output=True, text=True, check=True)
    assert "not like 'pg\\_%'" in done.stdout
