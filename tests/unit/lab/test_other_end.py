"""The suite runs at both ends of the supported range, and says so where it cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.lab import other_end, suite
from tests.lab.console import Console


@pytest.fixture
def no_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("HOLDFAST_OTHER_PYTHON", raising=False)
    return tmp_path


def fake_python(path: Path, version: str) -> Path:
    """Lay out an interpreter that claims a version and leaves everything else to this one."""
    path.parent.mkdir(parents=True)
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.version_info = ({version.replace('.', ', ')}, 0)\nexec(sys.argv[2])\n"
    )
    path.chmod(0o755)
    return path


def test_the_other_end_is_the_one_we_are_not_at() -> None:
    assert other_end.wanted((3, 11)) == ["3.13", "3.14", "3.12"]
    assert other_end.wanted((3, 12)) == other_end.wanted((3, 13)) == ["3.11"]


def test_none_is_found_where_there_is_none(no_python: Path) -> None:
    assert other_end.find(["3.13"], no_python) is None


def test_a_shim_that_knows_no_such_python_is_passed_over(no_python: Path) -> None:
    shim = no_python / "bin/python3.13"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    assert other_end.find(["3.13"], no_python) is None
    real = fake_python(no_python / "3.13.2/bin/python3", "3.13")
    assert other_end.find(["3.13"], no_python) == real


def test_the_first_version_that_is_there_is_taken(no_python: Path) -> None:
    last = fake_python(no_python / "3.12.1/bin/python3", "3.12")
    assert other_end.find(["3.13", "3.12"], no_python) == last


def test_one_that_is_named_is_taken_and_its_version_asked(no_python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = fake_python(no_python / "opt/python", "3.13")
    monkeypatch.setenv("HOLDFAST_OTHER_PYTHON", str(named))
    assert other_end.find(["3.13"], no_python) == named
    assert other_end.find(["3.11"], no_python) is None
    assert other_end.version_of(named) == "3.13"


def test_every_part_runs_there_once(no_python: Path) -> None:
    python = fake_python(no_python / "3.13.2/bin/python3", "3.13")
    assert [(step.title, step.hosts) for step in other_end.steps(python)] == [
        ("Unit and contract tests, Python 3.13", ""),
        ("Lint, Python 3.13", ""),
        ("ansible-runner, Python 3.13", "platform"),
        ("molecule platform, Python 3.13", "platform"),
    ]
    assert other_end.steps(None) == []


def test_a_machine_without_it_says_so_in_the_summary(
    no_python: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(other_end, "PYENV", no_python)
    console = Console("test-unit")
    results = suite.Results(console)
    assert suite._other_end(console, results) is None
    results.close()
    said = capsys.readouterr().out
    assert said.count("NOT TESTED with Python") == 2
    assert results.rows == []
    console.log.close()
