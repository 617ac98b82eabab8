"""The Python environment in .venv, made from requirements.lock; costs nothing when it is current."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path

from .console import Console
from .packages import install, is_root_on_debian
from .paths import ROOT, VENV, LabError, locked
from .shell import follow, passes

LOCK = ROOT / "requirements.lock"
STAMP = VENV / "holdfast.stamp"


def fingerprint(lock: bytes, version: str, prefix: str) -> str:
    """Return what the environment depends on: the lock, the interpreter and its place."""
    return hashlib.sha256(b"\0".join([lock, version.encode(), prefix.encode()])).hexdigest()


def ensure(console: Console) -> None:
    """Make .venv, unless it is already what the lock says."""
    wanted = fingerprint(LOCK.read_bytes(), sys.version, f"{sys.base_prefix}:{VENV}")
    if _is_current(wanted):
        return
    with locked("venv"):
        if _is_current(wanted):
            return
        with console.phase("Python environment"):
            shutil.rmtree(VENV, ignore_errors=True)
            if not _with_uv(console):
                _with_pip(console)
            STAMP.write_text(wanted)


def _is_current(wanted: str) -> bool:
    return STAMP.is_file() and STAMP.read_text() == wanted and (VENV / "bin/python").exists()


def _with_uv(console: Console) -> bool:
    """Use uv where it works; its index may not be configured where pip's is, so it may fail."""
    if not passes(["uv", "--version"]):
        return False
    python = str(_base_python())
    if follow(console, ["uv", "venv", "--quiet", "--python", python, VENV]) == 0:
        command: list[str | Path] = ["uv", "pip", "install", "--python", VENV / "bin/python", "-r", LOCK]
        if follow(console, command) == 0:
            return True
    console.say("    uv could not do it; trying venv and pip")
    shutil.rmtree(VENV, ignore_errors=True)
    return False


def _with_pip(console: Console) -> None:
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if not is_root_on_debian():
            raise LabError("Python's venv module is not installed", f"apt install {package}", 2)
        install(console, [package])
    steps: list[list[str | Path]] = [
        [_base_python(), "-m", "venv", VENV],
        [VENV / "bin/python", "-m", "pip", "install", "--disable-pip-version-check", "-r", LOCK],
    ]
    for step in steps:
        if follow(console, step):
            raise LabError(
                "the Python environment could not be made",
                "check that this machine reaches a Python package index (PIP_INDEX_URL, proxy), then run it again",
            )


def _base_python() -> Path:
    """Return the interpreter itself, also when we were started from inside a venv."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidate = Path(sys.base_prefix) / "bin" / name
    return candidate if candidate.exists() else Path(sys.executable)
