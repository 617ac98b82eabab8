"""What the firewall's programs on the host say: whose rules are in force, and who would be cut off (FWL-11)."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

PROGRAMS = Path(__file__).parents[3] / "roles/firewall/files/usr/local/lib/holdfast"
LIST = "-s list table inet holdfast"
# What the kernel has lies in one file, what it would have of the role's file in another
NFT = f"""#!/bin/sh
if [ "$1" = -f ]; then
    [ "$2" = /etc/holdfast/firewall.nft ] && [ "$APART" = 1 ] && exit 0
    exit 1
fi
[ "$*" = "{LIST}" ] || exit 1
file=$ROOT/kernel; [ -z "$APART" ] || file=$ROOT/loaded
[ -e "$file" ] || {{ echo "Error: No such file or directory" >&2; exit 1; }}
cat "$file"
"""
UNSHARE = '#!/bin/sh\n[ "$1" = --net ] && shift && APART=1 exec "$@"\n'
RULES = """table inet holdfast {
\tset flooders {
\t\ttype ipv4_addr
\t\tflags dynamic,timeout
\t\telements = { %s }
\t}
\tset admins {
\t\ttype ipv4_addr
\t\telements = { %s }
\t}
}
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("nft", NFT), ("unshare", UNSHARE)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("ROOT", str(tmp_path))
    monkeypatch.delenv("APART", raising=False)
    return tmp_path


def in_force() -> str:
    """Run the program and return what it refuses with, nothing where it succeeds."""
    try:
        runpy.run_path(str(PROGRAMS / "firewall-in-force"), run_name="__main__")
    except SystemExit as ended:
        return str(ended.code or "")
    return ""


def test_rules_are_compared_without_the_sources_that_were_counted(host: Path) -> None:
    (host / "loaded").write_text(RULES % ("", "192.0.2.7"))
    (host / "kernel").write_text(RULES % ("198.51.100.9 expires 9s, 198.51.100.10 expires 1s", "192.0.2.7"))
    assert in_force() == ""
    (host / "kernel").write_text(RULES % ("", "192.0.2.7, 203.0.113.1"))
    assert in_force() == (
        "the kernel's rules are not those of /etc/holdfast/firewall.nft; "
        "`systemctl reload holdfast-firewall` loads them"
    )


@pytest.mark.parametrize(("missing", "who"), [("kernel", "the kernel"), ("loaded", "/etc/holdfast/firewall.nft")])
def test_who_has_no_such_rules_is_told(host: Path, missing: str, who: str) -> None:
    for name in {"kernel", "loaded"} - {missing}:
        (host / name).write_text(RULES % ("", ""))
    assert in_force() == f"{who} has no such rules: Error: No such file or directory"


def test_a_container_that_may_not_compare_is_content(host: Path) -> None:
    (host / "kernel").write_text(RULES % ("", ""))
    (host / "unshare").write_text("#!/bin/sh\necho unshare: unshare failed: Operation not permitted >&2\nexit 1\n")
    assert in_force() == ""


# ---------------------------------------------------------------- the connection of this run


@pytest.fixture
def ssh_source(monkeypatch: pytest.MonkeyPatch, load_program: Callable[[Path], ModuleType]) -> ModuleType:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return load_program(PROGRAMS / "ssh-source")


@pytest.mark.parametrize(
    ("connection", "sources", "refused"),
    [
        ("192.0.2.7 51000 192.0.2.1 22", ["192.0.2.0/24"], ""),
        ("192.0.2.7 51000 192.0.2.1 22", ["198.51.100.0/24", "192.0.2.7"], ""),
        ("192.0.2.7 51000 192.0.2.1 22", ["public"], ""),
        ("192.0.2.7 51000 192.0.2.1 22", ["198.51.100.0/24", "public"], ""),
        ("::ffff:192.0.2.7 51000 ::ffff:192.0.2.1 22", ["192.0.2.0/24"], ""),
        ("fe80::1%eth0 51000 fe80::2%eth0 22", ["fe80::/10"], ""),
        ("203.0.113.9 51000 192.0.2.1 22", ["192.0.2.0/24", "2001:db8::/32"], "203.0.113.9"),
        ("::ffff:203.0.113.9 51000 ::ffff:192.0.2.1 22", ["192.0.2.0/24"], "203.0.113.9"),
        ("2001:db9::1 51000 2001:db8::1 22", ["2001:db8::/32"], "2001:db9::1"),
        ("203.0.113.9 51000 192.0.2.1 2222", ["192.0.2.0/24"], ""),  # another port has a rule of its own
        ("", ["192.0.2.0/24"], ""),  # not over ssh
    ],
)
def test_sources_without_the_one_of_this_run_are_refused(
    ssh_source: ModuleType, monkeypatch: pytest.MonkeyPatch, connection: str, sources: list[str], refused: str
) -> None:
    monkeypatch.setattr(ssh_source, "connection", connection.split)
    monkeypatch.setattr(sys, "argv", ["ssh-source", "22", *sources])
    if not refused:
        ssh_source.main()
        return
    with pytest.raises(SystemExit) as ended:
        ssh_source.main()
    assert ended.value.code == (
        f"this run comes from {refused}, which is not in firewall_ssh_sources ({', '.join(sources)}); add it"
    )


def test_the_connection_is_that_of_the_nearest_ancestor_which_has_one(
    ssh_source: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_source, "Path", lambda path: tmp_path / str(path).lstrip("/"))
    monkeypatch.setattr(ssh_source.os, "getpid", lambda: 50)
    parents = {50: (40, "HOME=/root"), 40: (30, "SSH_CONNECTION=a 1 b 22"), 30: (1, "SSH_CONNECTION=c 2 d 22")}
    for pid, (parent, environment) in parents.items():
        (tmp_path / f"proc/{pid}").mkdir(parents=True)
        (tmp_path / f"proc/{pid}/environ").write_bytes(f"LANG=C\0{environment}\0".encode())
        (tmp_path / f"proc/{pid}/status").write_text(f"Name:\tx\nPPid:\t{parent}\nUid:\t0\n")
    assert ssh_source.connection() == ["a", "1", "b", "22"]
    for pid in (40, 30):
        (tmp_path / f"proc/{pid}/environ").write_bytes(b"X_SSH_CONNECTION=e 1 f 22\0")
    assert ssh_source.connection() == []
    (tmp_path / "proc/40/status").unlink()
    assert ssh_source.connection() == []
