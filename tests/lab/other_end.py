"""The other end of the supported range: a second Python, with the ansible-core that the lock brings there."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from .console import Console
from .schedule import Step
from .shell import environment, follow, passes, read

OLDEST, NEWEST = ["3.11"], ["3.13", "3.14", "3.12"]  # in the order in which they are looked for
PYENV = Path.home() / ".pyenv/versions"
# What is run there: the parts whose outcome depends on Python or on ansible-core
COMMANDS = {
    "Unit and contract tests": ["test", "fast"],
    "Lint": ["test", "lint"],
    "ansible-runner": ["runner"],
    "molecule platform": ["molecule", "platform", "test"],
}
HOSTS = {"ansible-runner": "platform", "molecule platform": "platform"}


def wanted(version: tuple[int, int] = sys.version_info[:2]) -> list[str]:
    """Return the versions of Python at the other end, the best first; from 3.12 on the lock brings the newest core."""
    return OLDEST if version >= (3, 12) else NEWEST


def find(versions: Iterable[str], folder: Path | None = None) -> Path | None:
    """Return an interpreter of one of these versions: named by HOLDFAST_OTHER_PYTHON, on the PATH, or pyenv's."""
    named = os.environ.get("HOLDFAST_OTHER_PYTHON")
    for version in versions:
        places = [
            shutil.which(f"python{version}"),
            *sorted((folder or PYENV).glob(f"{version}.*/bin/python3"), reverse=True),
        ]
        for place in [named] if named else places:
            # A shim may be there and know no such Python
            if place and passes(
                [place, "-c", f"import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"]
            ):
                return Path(place)
    return None


def version_of(python: Path) -> str:
    return read([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])


def venv(version: str) -> str:
    """Return where the environment of that Python is kept, beside the first one."""
    return f".cache/venv-{version}"


def steps(python: Path | None) -> list[Step]:
    """Return what to run there; each is this same test bed, started by the other Python."""
    if python is None:
        return []
    version = version_of(python)

    def program(arguments: list[str]) -> Callable[[Console], int]:
        env = environment(HOLDFAST_VENV=venv(version), ONLY="")
        return lambda console: follow(console, [python, "-m", "tests.lab", *arguments], env)

    return [
        Step(f"{title}, Python {version}", program(arguments), HOSTS.get(title, ""))
        for title, arguments in COMMANDS.items()
    ]
