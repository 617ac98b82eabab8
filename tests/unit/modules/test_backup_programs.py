"""The programs of role backup: where the restore test aims, what makes a stanza, what `status` tells."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PROGRAMS = ROOT / "roles/backup/files/usr/local/lib/holdfast"
SETTINGS: dict[str, Any] = {"version": 17, "stanzas": ["main", "shop"], "rpo_seconds": 3600, "queries": []}


def load(path: Path) -> ModuleType:
    name = f"holdfast_{path.stem.replace('-', '_')}"
    loader = SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


@pytest.fixture
def restore(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, load_program: Callable[[Path], ModuleType]) -> ModuleType:
    """Return the restore test with a scratch folder and settings of its own."""
    with monkeypatch.context() as reading:
        reading.setattr(Path, "read_text", lambda _path: json.dumps(SETTINGS))
        module: Any = load_program(PROGRAMS / "restore-test")
    module.SCRATCH = tmp_path / "scratch"
    module.RECORD = tmp_path / "restore-test.json"
    module.LOCK = tmp_path / "lock"
    monkeypatch.setattr(module.shutil, "chown", lambda *_: None)
    return module  # type: ignore[no-any-return]


def answers(module: Any, monkeypatch: pytest.MonkeyPatch, **said: Any) -> list[list[str]]:
    """Let programs answer by their names; an exception is raised. Returns the command lines."""
    lines: list[list[str]] = []

    def run(*argv: Any, **_more: Any) -> str:
        lines.append([str(word) for word in argv])
        name = Path(argv[0]).name
        words = "info" if "info" in argv else "restored" if "restore" in argv else name
        answer = said.get(words, "")
        answer = answer(lines[-1]) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    monkeypatch.setattr(module, "run", run)
    return lines


# ---------------------------------------------------------------- where the restore aims
@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0/0", 0),
        ("0/9000028", 150994984),
        ("1/9000028", 4294967296 + 150994984),  # beyond 4 GB
        ("10/FFFFFFFF", 16 * 4294967296 + 4294967295),
        ("A/0", 42949672960),
    ],
)
def test_a_position_is_a_number(restore: Any, text: str, number: int) -> None:
    assert restore.position(text) == number


@pytest.mark.parametrize(
    ("at", "target"),
    [
        (("0/3000088", [], 16), "0/3000088"),  # nothing archived since: as far as the backup needs
        (("0/3000088", ["000000010000000000000003"], 16), "0/3000088"),  # begins before the end of the backup
        (("0/3000088", ["000000010000000000000004"], 16), "0/4000000"),
        (("0/3000088", ["000000010000000300000010"], 16), "3/10000000"),  # 13 GB of WAL further
        (("2/FF000088", ["0000000100000002000000FF"], 16), "2/FF000088"),
        (("2/FF000088", ["000000010000000300000000"], 16), "3/0"),
        (("0/3000088", ["000000010000000A00000010"], 4), "A/4000000"),  # 4 MB each
        (("0/3000088", ["000000010000000000000001", "000000020000000100000002"], 1024), "1/80000000"),
        (("5/0", ["00000001000000040000000F"], 16), "5/0"),
    ],
)
def test_the_restore_aims_at_the_newest_segment(
    restore: Any, monkeypatch: pytest.MonkeyPatch, at: tuple[str, list[str], int], target: str
) -> None:
    (stop, segments, megabytes) = at
    restore.SCRATCH.mkdir()
    control = f"pg_control version number:            1700\nBytes per WAL segment:                {megabytes << 20}\n"
    answers(restore, monkeypatch, pg_controldata=control)
    (restore.SCRATCH / "postgresql.auto.conf").write_text("recovery_target_lsn = '0/1'\n")
    assert restore.aim(stop, segments) == target
    written = (restore.SCRATCH / "postgresql.auto.conf").read_text().splitlines()
    assert written == ["recovery_target_lsn = '0/1'", f"recovery_target_lsn = '{target}'"]  # the last one counts


def backup(label: str, database: int, stop: str = "0/3000088") -> dict[str, Any]:
    return {"label": label, "database": {"id": database, "repo-key": 1}, "lsn": {"start": "0/2000028", "stop": stop}}


def archive(database: int, newest: str | None) -> dict[str, Any]:
    return {"database": {"id": database, "repo-key": 1}, "id": f"17-{database}", "max": newest, "min": newest}


def info(**changes: Any) -> str:
    """Return an answer of `pgbackrest info`, shaped as those of 2.45 and 2.55."""
    stanza = {
        "archive": [archive(1, "000000010000000000000005")],
        "backup": [backup("20261129-020000F", 1), backup("20261130-020000F_20261130-080000I", 1, "0/4000060")],
        "db": [{"id": 1, "repo-key": 1, "system-id": 7714052285785158493, "version": "17"}],
        "status": {"code": 0, "lock": {"backup": {"held": False}}, "message": "ok"},
    }
    return json.dumps([{**stanza, **changes}])


def test_the_newest_backup_and_what_was_archived_of_its_cluster(restore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = answers(restore, monkeypatch, info=info())
    found, segments = restore.newest("shop")
    assert (found["label"], segments) == ("20261130-020000F_20261130-080000I", ["000000010000000000000005"])
    assert "--stanza=shop" in lines[0]


def test_wal_of_a_cluster_before_an_upgrade_does_not_count(restore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a stanza-upgrade there are two numbers of databases; the old cluster had written more WAL."""
    answer = info(
        archive=[archive(1, "000000010000009900000005"), archive(2, "000000010000000000000007"), archive(2, None)],
        backup=[backup("20261101-020000F", 1), backup("20261130-020000F", 2)],
    )
    answers(restore, monkeypatch, info=answer)
    found, segments = restore.newest("main")
    assert (found["label"], segments) == ("20261130-020000F", ["000000010000000000000007"])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("[]", "the repository has no usable backup: nothing is there"),
        (info(backup=[], status={"code": 2, "message": "no valid backups"}), "no usable backup: no valid backups"),
        (info(status={"code": 99, "message": "other"}), "no usable backup: other"),
        (info(backup=[]), "no usable backup: ok"),
    ],
)
def test_a_repository_without_a_backup_fails(
    restore: Any, monkeypatch: pytest.MonkeyPatch, answer: str, words: str
) -> None:
    answers(restore, monkeypatch, info=answer)
    with pytest.raises(restore.Failed, match=words):
        restore.newest("main")


# ---------------------------------------------------------------- what the restored server is asked
@pytest.mark.parametrize(("beat", "loss"), [("1000", 0), ("999", 1), ("1005", 0), ("-2600", 3600)])
def test_what_would_be_lost_is_recorded(restore: Any, monkeypatch: pytest.MonkeyPatch, beat: str, loss: int) -> None:
    answers(restore, monkeypatch, psql=beat)
    result: dict[str, Any] = {}
    restore.examine("main", 1000.9, result)
    assert result == {"loss_seconds": loss, "queries": []}


@pytest.mark.parametrize(
    ("beat", "words"), [("", "has no heartbeat"), ("-2601", "loses the last 3601 s, 3600 s are allowed")]
)
def test_too_great_a_loss_fails(restore: Any, monkeypatch: pytest.MonkeyPatch, beat: str, words: str) -> None:
    answers(restore, monkeypatch, psql=beat)
    with pytest.raises(restore.Failed, match=words):
        restore.examine("main", 1000.9, {})


def query(sql: str, minimum: int, **more: str) -> dict[str, Any]:
    return {"database": "shop", "query": sql, "minimum": minimum, **more}


def test_queries_are_asked_of_their_own_stanza(restore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    every, own, other = query("q1", 1), query("q2", 5, stanza="main"), query("q3", 9, stanza="shop")
    monkeypatch.setitem(restore.SETTINGS, "queries", [every, own, other])
    lines = answers(restore, monkeypatch, psql=lambda line: {"q1": "1", "q2": "5"}.get(line[-1], "1000"))
    result: dict[str, Any] = {}
    restore.examine("main", 1000, result)
    assert result["queries"] == [{**every, "found": "1"}, {**own, "found": "5"}]
    assert [line[-3:] for line in lines[1:]] == [["shop", "-c", "q1"], ["shop", "-c", "q2"]]


@pytest.mark.parametrize("found", ["4", "", "many", "-5", "5.0"])
def test_an_answer_below_the_minimum_fails(restore: Any, monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    monkeypatch.setitem(restore.SETTINGS, "queries", [query("q", 5)])
    answers(restore, monkeypatch, psql=lambda line: found if line[-1] == "q" else "1000")
    result: dict[str, Any] = {}
    with pytest.raises(restore.Failed, match=r"q in shop says .*, it must be at least 5"):
        restore.examine("main", 1000, result)
    assert result["queries"][0]["found"] == found


# ---------------------------------------------------------------- one stanza, all stanzas
def server(restore: Any, ready: str = "ready   ") -> Callable[[list[str]], str]:
    """Let pg_ctl start a server that writes its lock file as PostgreSQL does."""

    def pg_ctl(line: list[str]) -> str:
        lock = restore.SCRATCH / "postmaster.pid"
        if line[-1] == "start":
            lock.write_text(f"4711\n{restore.SCRATCH}\n1796052925\n5432\n{restore.SCRATCH}\n\n123 0\n{ready}\n")
        return ""

    return pg_ctl


def test_a_stanza_is_restored_asked_and_cleaned_up(restore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore.time, "time", lambda: 2000.0)
    control = "Bytes per WAL segment:                16777216\n"
    lines = answers(restore, monkeypatch, info=info(), pg_controldata=control, pg_ctl=server(restore), psql="1990")
    result = restore.test("main")
    assert (result["ok"], result["error"], result["backup"]) == (True, "", "20261130-020000F_20261130-080000I")
    assert (result["target"], result["loss_seconds"]) == ("0/5000000", 10)
    restored = next(line for line in lines if line[-1] == "restore")
    assert {"--stanza=main", f"--pg1-path={restore.SCRATCH}", "--type=lsn", "--target=0/4000060"} <= set(restored)
    assert {"--target-action=promote", "--archive-mode=off"} <= set(restored)
    assert lines[-1][-1] == "stop"
    assert not restore.SCRATCH.exists()


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"info": "[]"}, "the repository has no usable backup: nothing is there"),
        ({"info": "no JSON"}, "the restore test itself broke: JSONDecodeError"),
    ],
)
def test_a_failure_is_recorded(restore: Any, monkeypatch: pytest.MonkeyPatch, said: dict[str, str], error: str) -> None:
    answers(restore, monkeypatch, **said)
    result = restore.test("main")
    assert not result["ok"]
    assert result["error"].startswith(error)
    assert not restore.SCRATCH.exists()


def test_a_server_that_does_not_start_says_why(restore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    restore.SCRATCH.mkdir()
    (restore.SCRATCH / "scratch.log").write_text(
        "LOG:  redo starts\nFATAL:  recovery ended before configured recovery target was reached\nLOG:  shutting down\n"
    )
    answers(restore, monkeypatch, pg_ctl=restore.Failed("pg_ctl ended with 1"))
    with pytest.raises(restore.Failed, match="does not start: FATAL:  recovery ended before configured"):
        restore.start()
    (restore.SCRATCH / "scratch.log").unlink()
    with pytest.raises(restore.Failed, match="does not start: pg_ctl ended with 1"):
        restore.start()


def test_a_server_that_still_replays_is_waited_for(restore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_ctl is content as soon as the lock file says anything else."""
    restore.SCRATCH.mkdir()
    answers(restore, monkeypatch, pg_ctl=server(restore, "starting"))
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            server(restore)(["start"])

    monkeypatch.setattr(restore.time, "sleep", sleep)
    restore.start()
    assert len(waits) == 3
    assert "archive_mode = off" in (restore.SCRATCH / "postgresql.conf").read_text()
    assert (restore.SCRATCH / "pg_hba.conf").read_text() == "local all postgres peer\n"


def test_what_a_killed_run_has_left_is_stopped_and_removed(restore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = answers(restore, monkeypatch, pg_ctl=restore.Failed("no server running"))
    restore.stop()  # nothing there: nothing is asked
    assert lines == []
    restore.SCRATCH.mkdir()
    (restore.SCRATCH / "postmaster.pid").write_text("4711\n")
    restore.stop()
    assert [line[-1] for line in lines] == ["stop"]
    assert not restore.SCRATCH.exists()


@pytest.mark.parametrize(("good", "code"), [({"main", "shop"}, 0), ({"main"}, 1), ({"shop"}, 1), (set(), 1)])
def test_one_stanza_that_fails_fails_the_run(
    restore: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], good: set[str], code: int
) -> None:
    def test(stanza: str) -> dict[str, Any]:
        return {"stanza": stanza, "ok": stanza in good, "error": "" if stanza in good else "WAL is missing"}

    monkeypatch.setattr(restore, "test", test)
    assert restore.main() == code
    record = json.loads(restore.RECORD.read_text())
    assert (record["ok"], [entry["stanza"] for entry in record["stanzas"]]) == (code == 0, ["main", "shop"])
    said = {"ok": "restored", "bad": "FAILED: WAL is missing"}
    assert capsys.readouterr().out.splitlines() == [
        f"{stanza}: {said['ok' if stanza in good else 'bad']}" for stanza in ("main", "shop")
    ]


def test_no_stanza_at_all_is_no_success(restore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(restore.SETTINGS, "stanzas", [])
    assert restore.main() == 1
    assert json.loads(restore.RECORD.read_text())["ok"] is False


def test_a_program_that_fails_is_quoted_also_where_it_prints_no_text(
    restore: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pgBackRest quotes what a wrong passphrase makes of a file."""
    real = subprocess.run

    def unprivileged(argv: Any, **options: Any) -> Any:
        return real(
            argv, **{key: value for key, value in options.items() if key not in ("user", "group", "extra_groups")}
        )

    monkeypatch.setattr(restore.subprocess, "run", unprivileged)
    assert restore.run("printf", " a\\377b\n") == "a�b"
    with pytest.raises(restore.Failed, match="sh ended with 3: one two"):
        restore.run("sh", "-c", "echo one two >&2; exit 3")


# ---------------------------------------------------------------- stanzas
PGBACKREST = """#!/bin/sh
echo "$*" >> "$HOST/asked"
case " $* " in
*" info "*) cat "$HOST/info";;
*) for word; do command=$word; done
   if [ -e "$HOST/fails-$command" ]; then cat "$HOST/fails-$command" >&2; exit 82; fi
   [ "$command" != stanza-create ] || printf made >> "$HOST/made";;
esac
"""


class Stanzas:
    """backup-stanzas on a pretended host."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        programs = folder / "bin"
        programs.mkdir()
        scripts = {
            "runuser": '#!/bin/sh\nshift 3\nexec "$@"\n',
            "systemctl": '#!/bin/sh\n[ -e "$HOST/running" ]\n',
            "systemd-run": '#!/bin/sh\necho "$*" >> "$HOST/asked"\n[ ! -e "$HOST/fails" ] || { echo no >&2; false; }\n',
            "pgbackrest": PGBACKREST,
        }
        for name, text in scripts.items():
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        text = (PROGRAMS / "backup-stanzas").read_text().replace("/usr/bin/pgbackrest", str(programs / "pgbackrest"))
        (folder / "backup-stanzas").write_text(text)

    def run(self, *stanzas: str) -> tuple[int, dict[str, list[str]]]:
        path = f"{self.folder / 'bin'}:/usr/bin:/bin"
        done = subprocess.run(
            [sys.executable, str(self.folder / "backup-stanzas"), *stanzas],
            env={"HOST": str(self.folder), "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)

    def asked(self) -> list[str]:
        return [line.split()[-1] for line in (self.folder / "asked").read_text().splitlines()]


@pytest.fixture
def stanzas(tmp_path: Path) -> Stanzas:
    return Stanzas(tmp_path)


def test_a_stanza_that_is_there_is_checked_on_every_run(stanzas: Stanzas) -> None:
    (stanzas.folder / "info").write_text(info())
    assert stanzas.run("main") == (0, {"made": [], "failed": []})
    assert stanzas.asked() == ["--output=json", "check"]


@pytest.mark.parametrize("said", ["[]", info(status={"code": 1, "message": "missing stanza path"}, backup=[]),
                                  info(status={"code": 3, "message": "missing stanza data"}, backup=[])])  # fmt: skip
def test_a_stanza_that_is_missing_is_made_with_its_first_backup(stanzas: Stanzas, said: str) -> None:
    (stanzas.folder / "info").write_text(said)
    assert stanzas.run("main") == (0, {"made": ["stanza main", "first backup of main"], "failed": []})
    assert stanzas.asked() == ["--output=json", "stanza-create", "check", "backup"]


@pytest.mark.parametrize("busy", ["unit", "lock"])
def test_a_first_backup_under_way_is_not_begun_again(stanzas: Stanzas, busy: str) -> None:
    lock = {"backup": {"held": busy == "lock"}}
    (stanzas.folder / "info").write_text(
        info(status={"code": 2, "message": "no valid backups", "lock": lock}, backup=[])
    )
    if busy == "unit":
        (stanzas.folder / "running").touch()
    assert stanzas.run("main") == (0, {"made": [], "failed": []})


def test_wal_that_does_not_arrive_fails_the_run_and_no_other_stanza(stanzas: Stanzas) -> None:
    (stanzas.folder / "info").write_text(info())
    (stanzas.folder / "fails-check").write_text("ERROR: [082]: WAL segment was\n       not archived before 60000ms\n")
    code, said = stanzas.run("main", "shop")
    assert (code, said["made"], len(said["failed"])) == (1, [], 2)
    assert said["failed"][0].startswith("stanza main on ")
    assert (
        "cannot be backed up, pgbackrest check says: ERROR: [082]: WAL segment was not archived before 60000ms; "
        "until that is mended WAL stays on the database host, then run site.yml again"
    ) in said["failed"][0]


def test_a_stanza_of_another_cluster_is_told_with_the_command_that_ends_it(stanzas: Stanzas) -> None:
    """The words of pgBackRest 2.55 after a pg_upgradecluster."""
    (stanzas.folder / "info").write_text(info())
    (stanzas.folder / "fails-check").write_text(
        "ERROR: [028]: backup and archive info files exist but do not match the database\n"
        "       HINT: is this the correct stanza?\n       HINT: did an error occur during stanza-upgrade?\n"
    )
    code, said = stanzas.run("main")
    assert code == 1
    assert said["failed"][0].endswith(
        "its backups are of another cluster; if the one that runs now was upgraded or made anew, run there as root: "
        "runuser -u postgres -- pgbackrest --stanza=main stanza-upgrade, which keeps them, then site.yml again"
    )


def test_after_a_stanza_upgrade_the_first_backup_of_the_new_cluster_begins(stanzas: Stanzas) -> None:
    clusters = [{"id": 1, "repo-key": 1, "version": "15"}, {"id": 2, "repo-key": 1, "version": "17"}]
    (stanzas.folder / "info").write_text(info(db=clusters, backup=[backup("20261129-020000F", 1)]))
    assert stanzas.run("main") == (0, {"made": ["first backup of main"], "failed": []})
    (stanzas.folder / "info").write_text(
        info(db=clusters, backup=[backup("20261129-020000F", 1), backup("20261130-020000F", 2)])
    )
    assert stanzas.run("main") == (0, {"made": [], "failed": []})


def test_a_first_backup_that_cannot_begin_is_told(stanzas: Stanzas) -> None:
    (stanzas.folder / "info").write_text("[]")
    (stanzas.folder / "fails").touch()
    code, said = stanzas.run("main")
    assert (code, said["failed"]) == (1, ["the first backup of stanza main does not start, systemd-run says: no"])


def test_what_a_wrong_passphrase_makes_of_a_file_is_no_traceback(stanzas: Stanzas) -> None:
    words = b'[{"status": {"code": 99, "message": "key/value found outside of section: \x84\xfc\x01"}, "backup": []}]'
    (stanzas.folder / "info").write_bytes(words)
    (stanzas.folder / "fails-check").write_bytes(b"ERROR: [029]: \x84\xfc\n")
    code, said = stanzas.run("main")
    assert code == 1
    assert "pgbackrest check says: ERROR: [029]:" in said["failed"][0]
