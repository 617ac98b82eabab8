"""What `status` says about the ends of certificates (TLS-03), closed sites and upgrades (HRD-07)."""

from __future__ import annotations

import importlib.util
import os
import time
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = Path(__file__).parents[3] / "playbooks/files/host_status.py"


@pytest.fixture(scope="module")
def status() -> ModuleType:
    spec = importlib.util.spec_from_file_location("host_status", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("days", "life", "word"),
    [
        (22, 90, ""),
        (21, 90, ""),
        (20.9, 90, "soon"),
        (13.9, 90, "warning"),
        (6.9, 90, "urgent"),
        (-0.1, 90, "ended"),
        (20.9, 398, "soon"),
        (20.9, 45, ""),  # of 45 days the last 15 count as 21 do, the last 5 as 7
        (14.9, 45, "soon"),
        (9.9, 45, "warning"),
        (4.9, 45, "urgent"),
    ],
)
def test_the_end_of_a_certificate_is_told_in_steps(status: ModuleType, days: float, life: float, word: str) -> None:
    assert status.warning(days, life) == word


def test_a_closed_site_is_named_with_its_end(
    status: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "CLOSED_SITES", tmp_path)
    (tmp_path / "api.conf").write_text("return 503;\n")
    (tmp_path / "shop.conf").write_text('    add_header Retry-After "Thu, 24 Dec 2026 18:00:00 GMT" always;\n')
    assert status.closed_sites() == {
        "site api": "closed for maintenance",
        "site shop": "closed for maintenance until Thu, 24 Dec 2026 18:00:00 GMT",
    }


def test_waiting_security_upgrades_are_named(status: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """As apt-get of Debian 12 and 13 simulates."""
    planned = [
        "Inst libssl3 [3.0.15-1~deb12u1] (3.0.17-1~deb12u2 Debian-Security:12/stable-security [amd64])",
        "Inst base-files [12.4] (12.4+deb12u12 Debian:12.12/stable [amd64])",
        "Inst docker-ce [5:28.0] (5:29.0 Docker CE:trixie [amd64])",
        "Conf libssl3 (3.0.17-1~deb12u2 Debian-Security:12/stable-security [amd64])",
        "Inst bash [5.2] (5.2.1 Debian:13.2/stable, Debian-Security:13/stable-security [amd64])",
    ]
    kernel = "Inst linux-image-6.12.9-amd64 (6.12.9-1 Debian-Security:13/stable-security [amd64])"
    # Without the option apt-get keeps back what needs a new package, as each kernel does
    monkeypatch.setattr(status, "lines", lambda *argv: planned + [kernel] * ("--with-new-pkgs" in argv))
    assert status.security_upgrades() == "bash, libssl3, linux-image-6.12.9-amd64"


def test_what_others_have_made_different_is_told(
    status: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where role base is; a host without it has nothing to say."""
    monkeypatch.setattr(status, "PROGRAMS", tmp_path)
    assert status.overruled() == {}
    for name, code in (("sshd-in-force", 0), ("sysctl-in-force", 1)):
        (tmp_path / name).write_text(f"#!/bin/sh\necho said by {name} >&2\nexit {code}\n")
        (tmp_path / name).chmod(0o755)
    assert status.overruled() == {"kernel settings": "said by sysctl-in-force"}


@pytest.fixture
def upgrades(status: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where a host on which upgrades are on keeps what they leave, by the names of the constants."""
    monkeypatch.setattr(status, "lines", lambda *_argv: ["ON='1'"])
    for name in ("UPGRADED", "APT_CONFIGURATION", "RESTART_WANTED"):
        monkeypatch.setattr(status, name, tmp_path / name)
    return tmp_path


def aged(path: Path, days: float) -> None:
    path.touch()
    os.utime(path, (time.time() - days * 86400,) * 2)


@pytest.mark.parametrize(
    ("upgraded", "configured", "days"),
    [
        (1.9, 90, 0),
        (2.1, 90, 2),
        (3.2, 90, 3),
        (None, 1.9, 0),  # its first night has yet to come
        (None, 5, 5),
    ],
)
def test_upgrades_that_do_not_succeed_are_told_after_two_days(
    status: ModuleType, upgrades: Path, upgraded: float | None, configured: float, days: int
) -> None:
    aged(upgrades / "APT_CONFIGURATION", configured)
    if upgraded is not None:
        aged(upgrades / "UPGRADED", upgraded)
    said = f"none succeeded for {days} days; journalctl -u apt-daily-upgrade says why"
    assert status.upgrade_notes() == ({"security upgrades": said} if days else {})


def test_upgrades_that_are_off_are_not_missed(
    status: ModuleType, upgrades: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aged(upgrades / "APT_CONFIGURATION", 90)
    monkeypatch.setattr(status, "lines", lambda *_argv: ["ON='0'"])
    assert status.upgrade_notes() == {}


def test_a_host_that_wants_to_restart_says_for_what(status: ModuleType, upgrades: Path) -> None:
    aged(upgrades / "UPGRADED", 0)
    (upgrades / "RESTART_WANTED").touch()
    assert status.upgrade_notes() == {"restart of the host": "wanted by an upgrade"}
    (upgrades / "RESTART_WANTED.pkgs").write_text("linux-image-6.12.57-amd64\nlibc6\n")
    assert status.upgrade_notes() == {"restart of the host": "wanted by linux-image-6.12.57-amd64, libc6"}


def test_sites_that_visitors_get_no_page_of(
    status: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As site-answers tells it on an edge host; other hosts have no such program."""
    monkeypatch.setattr(status, "PROGRAMS", str(tmp_path))
    assert status.silent_sites() == {}
    program = tmp_path / "site-answers"
    program.write_text("""#!/bin/sh\necho '{"silent": {"shop": "answers 502 Bad Gateway"}, "urls": []}'\n""")
    program.chmod(0o755)
    assert status.silent_sites() == {"shop": "answers 502 Bad Gateway"}
    found = status.attention({"units": {}, "sites": {"shop": "answers 502 Bad Gateway"}})
    assert found == ["site shop answers 502 Bad Gateway"]
