"""A pid file may outlive its process, and the number may belong to another one since."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.lab import process

# Fields as proc(5) lists them: the 22nd is the start time; the name may hold spaces and parentheses.
STAT = "{pid} ({name}) S 1 1 1 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 {started} 1000 10 18446744073709551615"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    folder = tmp_path / "proc"
    (folder / "42").mkdir(parents=True)
    (folder / "42" / "stat").write_text(STAT.format(pid=42, name="dockerd", started=777))
    (folder / "42" / "comm").write_text("dockerd\n")
    return folder


@pytest.mark.parametrize("name", ["dockerd", "a b", "(x) S 1", ") ) )"])
def test_the_start_time_is_found_whatever_the_process_is_called(name: str) -> None:
    assert process.start_time(STAT.format(pid=1, name=name, started=98765)) == 98765


@pytest.mark.parametrize(
    ("kept", "found"),
    [
        ({"pid": 42, "started": 777}, 42),
        ({"pid": 42, "started": 776}, None),  # the number was given to another process
        ({"pid": 43, "started": 777}, None),  # gone
        ({}, None),
        ({"pid": "42", "started": 777}, None),
    ],
)
def test_only_the_very_process_is_remembered(
    tmp_path: Path, proc: Path, kept: dict[str, object], found: int | None
) -> None:
    file = tmp_path / "engine.pid"
    file.write_text(json.dumps(kept))
    assert process.remembered(file, proc) == found


def test_a_dead_process_that_nobody_buried_is_gone(tmp_path: Path, proc: Path) -> None:
    (proc / "42" / "stat").write_text(STAT.format(pid=42, name="dockerd", started=777).replace(") S ", ") Z "))
    assert process.identity(42, proc) is None
    file = tmp_path / "docker.pid"
    file.write_text("42")
    assert process.drop_stale_pid_file(file, "dockerd", proc)


def test_a_pid_file_cut_short_counts_as_none(tmp_path: Path, proc: Path) -> None:
    file = tmp_path / "engine.pid"
    file.write_text('{"pid": 4')
    assert process.remembered(file, proc) is None


@pytest.mark.parametrize(
    ("text", "program", "dropped"),
    [
        ("42", "dockerd", False),
        ("42", "containerd", True),  # reused by another program
        ("43", "dockerd", True),
        ("", "dockerd", True),
        ("rubbish", "dockerd", True),
    ],
)
def test_a_stale_pid_file_is_dropped(tmp_path: Path, proc: Path, text: str, program: str, dropped: bool) -> None:
    file = tmp_path / "docker.pid"
    file.write_text(text)
    assert process.drop_stale_pid_file(file, program, proc) is dropped
    assert file.exists() is not dropped


def test_no_pid_file_is_nothing_to_drop(tmp_path: Path) -> None:
    assert process.drop_stale_pid_file(tmp_path / "docker.pid", "dockerd") is False


def test_stop_ends_the_process_it_remembers(tmp_path: Path) -> None:
    file = tmp_path / "sleep.pid"
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        process.remember(file, sleeper.pid)
        assert process.remembered(file) == sleeper.pid
        sleeper.terminate()
    assert process.stop(file) is False
    assert not file.exists()
