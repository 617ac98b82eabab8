"""A restart of PostgreSQL that was put off and fails, or is killed: the next start goes on with the old values."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).parents[3] / "roles/postgresql/templates/usr/local/lib/holdfast/postgresql-recover.j2"
OLD = "huge_pages = 'off'\n"
Run = Callable[[str], str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The program on a pretended host: returns what the file says afterwards."""
    (tmp_path / "conf.d").mkdir()
    file = tmp_path / "conf.d/50-holdfast-restart.conf"
    file.write_text("huge_pages = 'on'\n")
    text = TEMPLATE.read_text().replace("{{ __postgresql_config }}", str(tmp_path))
    program = tmp_path / "recover"
    program.write_text(text.replace("/var/lib/holdfast", str(tmp_path)))

    def call(when: str) -> str:
        subprocess.run(["sh", str(program), when], check=True)
        return file.read_text()

    return call


def notes(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("postgresql-restart*"))


def test_an_ordinary_start_changes_nothing(run: Run, tmp_path: Path) -> None:
    assert run("before") == run("after") == "huge_pages = 'on'\n"
    assert notes(tmp_path) == []


def test_values_that_work_stay(run: Run, tmp_path: Path) -> None:
    (tmp_path / "postgresql-restart").write_text(OLD)
    assert run("before") == run("after") == "huge_pages = 'on'\n"
    assert notes(tmp_path) == []
    assert run("before") == "huge_pages = 'on'\n"


def test_the_start_after_one_that_failed_has_the_old_values(run: Run, tmp_path: Path) -> None:
    (tmp_path / "postgresql-restart").write_text(OLD)
    assert run("before") == "huge_pages = 'on'\n"  # and this start fails, and whoever began it is gone
    assert notes(tmp_path) == ["postgresql-restart", "postgresql-restart.tried"]
    assert run("before").splitlines() == [
        "huge_pages = 'on'",
        "",
        "# The server did not start with what stands above; it goes on with:",
        "huge_pages = 'off'",
    ]
    assert notes(tmp_path) == []


def test_values_that_were_corrected_meanwhile_are_not_overruled(run: Run, tmp_path: Path) -> None:
    (tmp_path / "postgresql-restart").write_text(OLD)
    run("before")
    file = tmp_path / "conf.d/50-holdfast-restart.conf"
    file.write_text("huge_pages = 'try'\n")
    assert run("before") == "huge_pages = 'try'\n"
    assert notes(tmp_path) == []
