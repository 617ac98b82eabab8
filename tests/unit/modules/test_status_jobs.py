"""Jobs in status: what a host says of them, and which of it deserves a look."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.holdfast.platform.plugins.plugin_utils.status_findings import DEFAULT_LIMITS
from ansible_collections.holdfast.platform.plugins.plugin_utils.status_jobs import shown_jobs
from ansible_collections.holdfast.platform.plugins.plugin_utils.status_probes import probe_findings

JOB: dict[str, Any] = {"name": "app-clean", "schedule": "0 3 * * *", "timeout_seconds": 600}
LOG = "`tail /var/log/holdfast/jobs/app-clean.log` there says why"
RUN = "`/usr/local/lib/holdfast/run-job app-clean` there runs it"
DONE: dict[str, Any] = {
    "started": "2026-12-01 03:00:01",
    "finished": "2026-12-01 03:00:09",
    "result": "succeeded",
    "exit_code": 0,
}
OLD: dict[str, Any] = {
    "started": "2026-11-30 03:00:01",
    "finished": "2026-11-30 03:00:09",
    "result": "succeeded",
    "exit_code": 0,
}


# ---------------------------------------------------------------- the host's half
class Host:
    """The remote half with folders of its own, in a zone where it is another day."""

    def __init__(self, folder: Path, module: Any) -> None:
        self.folder, self.module = folder, module
        module.DEFINITIONS, module.RECORDS = folder / "etc", folder / "lib"
        for name in ("etc", "lib"):
            (folder / name).mkdir()

    def install(self, name: str, epoch: int) -> None:
        path = self.folder / f"etc/{name}.json"
        path.write_text("{}")
        os.utime(path, (epoch, epoch))

    def record(self, **said: Any) -> None:
        (self.folder / "lib/app-clean.json").write_text(json.dumps(said))

    def ask(self, *names: str) -> Any:
        probe = {"kind": "jobs", "jobs": [{"name": name} for name in names]}
        return self.module.main({"units": [], "probes": [probe]}, False, False)["answers"][0]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load_module: Callable[[str], Any]) -> Any:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield Host(tmp_path, load_module("host_status"))
    monkeypatch.undo()
    time.tzset()


def test_times_are_those_of_the_zone_in_which_cron_reads_schedules(host: Host) -> None:
    """1796083200 is 2026-12-01 00:00 UTC (`date -d @1796083200`), nine hours later in Tokyo."""
    host.install("app-clean", 1796083200)
    host.record(
        started="2026-11-30T18:00:01Z",
        finished="2026-11-30T18:00:09Z",
        skipped="2026-11-29T15:00:00Z",
        seconds=8.1,
        exit_code=3,
        result="failed",
        last_lines=["a", "it broke", " "],
        counts={"failed": 1},
    )
    before = time.strftime("%Y-%m-%d %H:%M:%S")
    found = host.ask("app-clean")
    assert before <= found["now"] <= time.strftime("%Y-%m-%d %H:%M:%S")
    assert found["jobs"] == {
        "app-clean": {
            "installed": "2026-12-01 09:00:00",
            "started": "2026-12-01 03:00:01",
            "finished": "2026-12-01 03:00:09",
            "skipped": "2026-11-30 00:00:00",
            "seconds": 8.1,
            "exit_code": 3,
            "result": "failed",
            "said": "it broke",
        }
    }


def test_what_is_not_there_or_has_not_run(host: Host) -> None:
    host.install("app-new", 1796083200)
    assert host.ask("app-new", "app-none")["jobs"] == {
        "app-new": {"installed": "2026-12-01 09:00:00", "said": ""},
        "app-none": {"installed": "", "said": ""},
    }


def test_a_run_that_goes_and_one_that_was_killed(host: Host) -> None:
    """Only the lock tells them apart."""
    host.install("app-clean", 1796083200)
    host.record(started="2026-11-30T18:00:00Z", result="running")
    assert host.ask("app-clean")["jobs"]["app-clean"]["result"] == "interrupted"  # no lock was ever taken
    lock = os.open(host.folder / "lib/app-clean.lock", os.O_RDWR | os.O_CREAT)
    assert host.ask("app-clean")["jobs"]["app-clean"]["result"] == "interrupted"
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert host.ask("app-clean")["jobs"]["app-clean"]["result"] == "running"
    os.close(lock)


@pytest.mark.parametrize(
    ("later", "result"),
    [
        ({"started": "2026-11-30T18:00:00Z", "result": "succeeded"}, "succeeded"),
        ({"started": "2026-11-30T19:00:00Z", "result": "running"}, "running"),
    ],
)
def test_a_run_that_ends_while_it_is_looked_at_was_not_killed(host: Host, later: dict[str, Any], result: str) -> None:
    host.record(started="2026-11-30T18:00:00Z", result="running")

    def it_ends(_name: str) -> bool:
        host.record(**later)
        return False

    host.module.is_going = it_ends
    assert host.ask("app-clean")["jobs"]["app-clean"]["result"] == result


def test_looking_lets_a_run_that_begins_wait_and_skips_none(host: Host) -> None:
    host.module.PAUSE_SECONDS = 0
    look = os.open(host.folder / "lib/app-clean.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(look, fcntl.LOCK_SH)
    tries = []
    taken = host.module.has_taken

    def counted(lock: int, kind: int) -> bool:
        tries.append(kind)
        if len(tries) == 3:
            fcntl.flock(look, fcntl.LOCK_UN)
        return bool(taken(lock, kind))

    host.module.has_taken = counted
    with host.module.job_lock("app-clean") as lock:
        assert lock is not None
        assert host.module.is_going("app-clean")
    assert not host.module.is_going("app-clean")
    os.close(look)


# ---------------------------------------------------------------- the judge
def told(now: str, job: dict[str, Any] = JOB, **found: Any) -> list[str]:
    answer = {"now": now, "jobs": {"app-clean": {"installed": "2026-11-01 12:00:00", "said": "", **found}}}
    findings = probe_findings({"kind": "jobs", "jobs": [job]}, answer, DEFAULT_LIMITS)
    return [finding.entry("web1")["text"].removeprefix("web1: job app-clean ") for finding in findings]


@pytest.mark.parametrize(
    ("now", "found", "said"),
    [
        # due at 03:00, five minutes of grace
        ("2026-12-01 03:04:59", OLD, []),
        ("2026-12-01 03:05:00", OLD, ["has missed its run of 2026-12-01 03:00"]),
        ("2026-12-01 03:05:00", {**OLD, "started": "2026-12-01 02:59:59"}, ["has missed its run of 2026-12-01 03:00"]),
        ("2026-12-01 03:05:00", {**OLD, "started": "2026-12-01 03:00:00"}, []),
        ("2026-12-01 12:00:00", DONE, []),
        ("2026-12-02 03:04:59", DONE, []),
        ("2026-12-02 12:00:00", DONE, ["has missed its run of 2026-12-02 03:00"]),
        # one that has not run yet
        (
            "2026-12-01 03:05:00",
            {"installed": "2026-12-01 02:59:00"},
            ["has never run, it was due at 2026-12-01 03:00"],
        ),
        ("2026-12-01 03:05:00", {"installed": "2026-12-01 02:59:01"}, []),  # cron has not read it by then
        ("2026-12-02 03:04:59", {"installed": "2026-12-01 03:00:30"}, []),
        (
            "2026-12-02 03:05:00",
            {"installed": "2026-12-01 03:00:30"},
            ["has never run, it was due at 2026-12-02 03:00"],
        ),
        # a definition that was changed since
        ("2026-12-01 12:00:00", {**OLD, "installed": "2026-12-01 11:00:00"}, []),
        # skipped
        (
            "2026-12-01 03:05:00",
            {**OLD, "skipped": "2026-12-01 03:00:01"},
            ["has skipped its run of 2026-12-01 03:00, because the one before still went"],
        ),
        ("2026-12-01 03:05:00", {**OLD, "skipped": "2026-11-30 03:00:01"}, ["has missed its run of 2026-12-01 03:00"]),
        ("2026-12-01 03:05:00", {**DONE, "skipped": "2026-12-01 03:00:01"}, []),
        # one that goes, 600 s and five minutes long
        ("2026-12-01 03:15:01", {"started": "2026-12-01 03:00:01", "result": "running"}, []),
        (
            "2026-12-01 03:15:02",
            {"started": "2026-12-01 03:00:01", "result": "running"},
            ["has been running for 15 minutes (limit 600 s)"],
        ),
        ("2026-12-01 03:05:00", {"started": "2026-12-01 02:55:00", "result": "running"}, []),
        # how the last one went
        (
            "2026-12-01 12:00:00",
            {**DONE, "result": "failed", "exit_code": 3, "said": "no such table"},
            ["failed at 2026-12-01 03:00:09 with exit code 3: no such table"],
        ),
        (
            "2026-12-01 12:00:00",
            {**DONE, "result": "failed", "exit_code": 1},
            ["failed at 2026-12-01 03:00:09 with exit code 1"],
        ),
        (
            "2026-12-01 12:00:00",
            {**DONE, "result": "timed out", "exit_code": 124},
            ["took too long and was ended at 2026-12-01 03:00:09 (limit 600 s)"],
        ),
        (
            "2026-12-01 12:00:00",
            {"started": "2026-12-01 03:00:01", "result": "interrupted"},
            ["was interrupted in its run of 2026-12-01 03:00:01"],
        ),
        (
            "2026-12-02 12:00:00",
            {**DONE, "result": "failed", "exit_code": 1},
            ["failed at 2026-12-01 03:00:09 with exit code 1", "has missed its run of 2026-12-02 03:00"],
        ),
        ("2026-12-01 12:00:00", {"installed": ""}, ["is not there"]),
    ],
)
def test_jobs_that_deserve_a_look(now: str, found: dict[str, Any], said: list[str]) -> None:
    assert [text.partition("; ")[0] for text in told(now, **found)] == said


def test_a_finding_says_where_to_look_and_how_to_run_it() -> None:
    late, failed = "2026-12-02 12:00:00", {**DONE, "result": "failed", "exit_code": 1}
    again = f"{LOG}; `/usr/local/lib/holdfast/run-job app-clean` runs it again"
    assert [text.partition("; ")[2] for text in told(late, **failed)] == [
        again,
        f"look whether cron runs; {RUN} now",
    ]
    assert told(late, **{**DONE, "skipped": late})[0].endswith(
        f"; give it more time between its runs, or a shorter timeout_seconds; {RUN} now"
    )
    assert told(late)[0].endswith(f"; look whether cron runs; {RUN} now")
    assert told(late, started="2026-12-01 03:00:00", result="running")[0].endswith(
        "; `systemctl status cron` there names its processes; end them"
    )
    assert told(late, installed="")[0].endswith("; run site.yml, which installs it")


def test_a_job_that_is_due_once_in_years_is_not_missed_before() -> None:
    job = {**JOB, "schedule": "0 3 29 2 *"}
    assert told("2026-12-01 12:00:00", job) == []
    assert told("2028-02-29 03:05:00", job)[0].startswith("has never run, it was due at 2028-02-29 03:00; ")
    assert told("2026-12-01 12:00:00", {**JOB, "schedule": "0 3 30 2 *"}) == []


def test_each_job_is_told_with_its_last_run() -> None:
    jobs = {
        "app-a": {"installed": "x", "said": "", **DONE},
        "app-b": {"installed": "x", "said": "", "result": "running", "started": "2026-12-01 03:00:01"},
        "app-c": {"installed": "x", "said": "", "result": "interrupted", "started": "2026-12-01 03:00:01"},
        "app-d": {"installed": "x", "said": ""},
    }
    assert shown_jobs({"now": "2026-12-01 12:00:00", "jobs": jobs}) == {
        "app-a": "succeeded at 2026-12-01 03:00:09",
        "app-b": "running since 2026-12-01 03:00:01",
        "app-c": "interrupted at 2026-12-01 03:00:01",
        "app-d": "not yet",
    }
