"""`status` looks at services that are stopped and at disks that are full."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

PROGRAM = Path(__file__).parents[3] / "playbooks/files/host_status.py"
LISTED = """\
nginx.service loaded inactive dead A web server
redis-server.service loaded active running Redis
postgresql@17-main.service loaded inactive dead PostgreSQL
docker.service loaded activating start Docker
keepalived.service loaded inactive dead Failover
pgbouncer.service loaded activating auto-restart Pooler
holdfast-firewall.service loaded active exited Firewall
systemd-timesyncd.service loaded inactive dead Clock
fail2ban.service loaded inactive dead Bans
pgbackrest.service not-found inactive dead pgbackrest.service
"""
# What systemd says of them: whether a boot starts it, whether its conditions let it, and when they were looked at
STATES = {
    "nginx.service": ("enabled", "yes", 9),
    "postgresql@17-main.service": ("enabled-runtime", "yes", 9),
    "keepalived.service": ("disabled", "yes", 9),
    "pgbouncer.service": ("enabled", "yes", 9),
    "systemd-timesyncd.service": ("enabled", "no", 9),  # not in a container
    "fail2ban.service": ("enabled", "no", 0),  # nobody has tried to start it since the boot
}
SHOWN = "UnitFileState={}\nConditionResult={}\nConditionTimestampMonotonic={}\n"


@pytest.fixture
def status(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("host_status", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def ask(*argv: str, seconds: int = 30) -> SimpleNamespace:  # noqa: ARG001
        said = ""
        if argv[:2] == ("systemctl", "list-units") and "--failed" not in argv:
            said = LISTED
        if argv[:2] == ("systemctl", "show"):
            said = "\n".join(SHOWN.format(*STATES[name]) for name in argv[argv.index("--") + 1 :])
        return SimpleNamespace(stdout=said, stderr="", returncode=0)

    monkeypatch.setattr(module, "ask", ask)
    return module


def test_a_service_that_is_stopped_is_looked_at(status: ModuleType) -> None:
    """Not one that was put out of use, nor one that is starting."""
    states = status.units()
    assert states["redis-server.service"] == "active running"
    assert states["keepalived.service"] == "inactive dead"
    assert status.attention({"units": states}) == [
        "nginx.service NOT RUNNING (inactive dead), site.yml starts it",
        "postgresql@17-main.service NOT RUNNING (inactive dead), site.yml starts it",
        "pgbouncer.service NOT RUNNING (activating auto-restart), site.yml starts it",
        "fail2ban.service NOT RUNNING (inactive dead), site.yml starts it",
    ]


def test_where_all_runs_nobody_is_asked_and_nothing_is_said(
    status: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "lines", lambda *argv: [] if "--failed" in argv else LISTED.splitlines()[1:2])
    assert status.units() == {"redis-server.service": "active running"}
    assert status.attention({"units": status.units()}) == []


def space(blocks: int, free: int, available: int, files: int = 1000, free_files: int = 900) -> SimpleNamespace:
    return SimpleNamespace(f_blocks=blocks, f_bfree=free, f_bavail=available, f_files=files, f_ffree=free_files)


@pytest.mark.parametrize(
    ("room", "words"),
    [
        (space(1000, 110, 110), ""),
        (space(1000, 101, 101), "90 % full"),  # 89.9, rounded up as df does
        (space(1000, 100, 100), "90 % full"),
        (space(1000, 40, 40), "96 % full"),
        (space(1000, 50, 0), "100 % full"),  # the rest is root's
        (space(1000, 900, 900, 1000, 100), "90 % of its files in use"),
        (space(1000, 900, 900, 1000, 110), ""),
        (space(1000, 0, 0, 1000, 0), "100 % full, 100 % of its files in use"),
        (space(0, 0, 0, 0, 0), ""),  # btrfs has no number of files, other systems no size
    ],
)
def test_a_full_disk_is_looked_at(
    status: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, room: SimpleNamespace, words: str
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 {tmp_path} ext4 rw 0 0\n")
    monkeypatch.setattr(status, "MOUNTS", mounts)
    monkeypatch.setattr(status.os, "statvfs", lambda _path: room)
    notes = status.full_disks()
    assert notes == ({f"disk {tmp_path}": words} if words else {})
    assert status.attention({"units": {}, "warnings": notes}) == [f"disk {tmp_path}: {words}"] * bool(words)


def test_each_disk_is_told_once_and_no_file_system_that_is_always_full(
    status: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "with space").mkdir()
    (tmp_path / "file").touch()
    lines = [
        "proc /proc proc rw 0 0",
        f"/dev/loop0 {tmp_path} squashfs ro 0 0",
        f"/dev/sda1 {tmp_path}/gone ext4 rw 0 0",
    ]
    lines += [f"/dev/sda1 {tmp_path}/with\\040space ext4 rw 0 0", f"/dev/sda1 {tmp_path} ext4 rw 0 0"]
    (tmp_path / "mounts").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(status, "MOUNTS", tmp_path / "mounts")
    real = os.statvfs(tmp_path)
    assert real.f_blocks
    monkeypatch.setattr(status.os, "statvfs", lambda path: Path(path).stat() and space(10, 0, 0))
    assert status.full_disks() == {f"disk {tmp_path}/with space": "100 % full"}
