"""The collection holdfast.platform, built from the files of the checkout.

Roles of a collection find its modules by their short names, but core looks for filters by full names alone. So these
are written out in the copy, and so is the base class that actions ask core for.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from .console import Console
from .paths import CACHE, ROOT
from .shell import environment, run

NAME = "holdfast.platform"
SOURCE = Path("ansible_collections/holdfast/platform")
FOLDERS = {  # of the checkout, and where a collection has them
    f"{SOURCE}/meta": "meta",
    f"{SOURCE}/plugins": "plugins",
    "action_plugins": "plugins/action",
    "filter_plugins": "plugins/filter",
    "vars_plugins": "plugins/vars",
    "library": "plugins/modules",
    "roles": "roles",
    "playbooks": "playbooks",
}
FILES = {
    "tests/lab/files/collection.yml": "galaxy.yml",
    **{name: name for name in ("README.md", "LICENSE", "CHANGELOG.md")},
}
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", "collections")  # the last is how the checkout finds SOURCE
TEMPLATED = {".yml", ".j2"}
BASE = 'action_loader.get("remote_call"'


def filter_names(root: Path) -> list[str]:
    return sorted(path.stem for path in (root / "filter_plugins").glob("*.yml"))


def with_full_names(text: str, names: list[str]) -> str:
    """Return a text with the full names of our filters, those included that are handed to map."""
    known = "|".join(map(re.escape, names))
    return re.sub(rf"((?:\||\bmap\(\s*['\"])\s*)({known})\b(?!\s*[:.])", rf"\1{NAME}.\2", text)


def lay_out(root: Path, into: Path) -> None:
    """Write the folder of the collection."""
    for source, target in FOLDERS.items():
        shutil.copytree(root / source, into / target, ignore=LEFT_OUT, dirs_exist_ok=True)
    for source, target in FILES.items():
        shutil.copy(root / source, into / target)
    names = filter_names(root)
    for path in (path for folder in ("roles", "playbooks") for path in (into / folder).rglob("*")):
        if path.suffix in TEMPLATED and "files" not in path.relative_to(into).parts:
            path.write_text(with_full_names(path.read_text(encoding="utf-8"), names), encoding="utf-8")
    for path in (into / "plugins/action").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(BASE, BASE.replace("remote_call", f"{NAME}.remote_call")), encoding="utf-8")


def archive_name(root: Path = ROOT) -> str:
    version = re.search(r"(?m)^version: (\S+)$", (root / "tests/lab/files/collection.yml").read_text(encoding="utf-8"))
    return f"{NAME.replace('.', '-')}-{version[1] if version else ''}.tar.gz"


def build(console: Console, into: Path = CACHE / "collection") -> Path:
    """Build the archive and return its path."""
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        lay_out(ROOT, Path(folder))
        run(
            console,
            ["ansible-galaxy", "collection", "build", "--force", folder, "--output-path", into],
            environment(),
        )
    return into / archive_name()
