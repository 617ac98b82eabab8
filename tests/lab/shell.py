"""Starting programs: their output goes to the log, their failure becomes a LabError."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from .console import Console
from .paths import CACHE, ROOT, VENV, LabError

SOCKET_DIR_MAX = 70
Argv = Sequence[str | Path]


def environment(**extra: str) -> dict[str, str]:
    """Return the environment for our tools: the venv first, all state inside the project."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "MOLECULE_"))}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # without it every start of Ansible compiles Ansible first
    kept = ("ANSIBLE_VAULT_PASSWORD_FILE", "ANSIBLE_VERBOSITY")
    env |= {name: os.environ[name] for name in kept if name in os.environ}
    env |= {
        "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin{os.pathsep}/sbin",
        "VIRTUAL_ENV": str(VENV),
        "ANSIBLE_HOME": str(CACHE / "ansible"),
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": control_path_dir(CACHE),
        "LC_ALL": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
        "DOCKER_BUILDKIT": os.environ.get("DOCKER_BUILDKIT", "0"),
    }
    return env | extra


def control_path_dir(cache: Path) -> str:
    """Return where SSH keeps its sockets; their names may not exceed 108 bytes, so a deep checkout uses /tmp."""
    inside = str(cache / "cp")
    if len(inside) <= SOCKET_DIR_MAX:
        return inside
    digest = hashlib.sha256(inside.encode()).hexdigest()[:10]
    return str(Path(tempfile.gettempdir()) / f"holdfast-{os.getuid()}-{digest}")


def passes(argv: Argv, timeout: float = 20) -> bool:
    """Tell whether a quick command exists and succeeds."""
    try:
        done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def read(argv: Argv, timeout: float = 60) -> str:
    """Return what a quick command prints; empty when it fails."""
    try:
        done = subprocess.run(
            argv, capture_output=True, stdin=subprocess.DEVNULL, text=True, timeout=timeout, check=False, cwd=ROOT
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def follow(
    console: Console, argv: Argv, env: dict[str, str] | None = None, on_line: Callable[[str], None] | None = None
) -> int:
    """Run a program in the project, feed its output to the console, return its exit code."""
    console.record(f"$ {' '.join(map(str, argv))}")
    with subprocess.Popen(
        argv,
        env=env or environment(),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            console.record(line)
            if on_line:
                on_line(line)
    return process.returncode


def run(console: Console, argv: Argv, env: dict[str, str] | None = None, cure: str = "") -> None:
    """Run a program that must succeed."""
    code = follow(console, argv, env)
    if code:
        raise LabError(f"{' '.join(map(str, argv))[:120]} ended with {code}", cure)


def attached(argv: Argv, env: dict[str, str]) -> int:
    """Run a program on the terminal itself, for those who develop with it."""
    sys.stdout.flush()
    return subprocess.run(argv, env=env, cwd=ROOT, check=False).returncode
