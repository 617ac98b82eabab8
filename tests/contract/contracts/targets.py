"""What files name by a literal (task files, roles, playbooks, variables, templates, programs) is in the repository."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contract.contracts.repo import dicts, load, strings, yaml_files

FOLDERS = ("roles", "playbooks", "molecule", "bench")
INCLUDES = {"include_tasks": "tasks", "import_tasks": "tasks", "import_playbook": "", "include_vars": "vars"}
ROLES = {"include_role", "import_role"}
# Keys of files that are handed over, the folder they are looked up in, and the modules whose `src` is a file of ours
HANDED = {"template": "templates", "program": "files"}
SOURCES = {"template": "templates", "copy": "files", "script": "files", "unarchive": "files"}
QUOTED = re.compile(r"""['"](template|program)['"]: *['"]([\w./-]+)['"]|lookup\('(file|template)', *'([\w./-]+)'\)""")
LOOKED_UP = {**HANDED, "file": "files"}
WRITTEN = ".cache"  # by the test bed, at run time

Target = tuple[str, str]  # a path as it is written, and the folder where Ansible looks for it as well


def git_knows(root: Path) -> frozenset[str] | None:
    """Return the files that are in git's index; nothing where there is no git, as in an unpacked archive."""
    argv = ["git", "-C", str(root), "ls-files", "-z", "--cached"]
    listed = subprocess.run(argv, capture_output=True, text=True, check=False)
    return frozenset(filter(None, listed.stdout.split("\0"))) or None


def is_literal(value: Any) -> bool:
    return isinstance(value, str) and "{" not in value and not value.startswith("/") and WRITTEN not in value


def _of_key(entry: dict[str, Any], key: str) -> Iterator[Target]:
    """Yield what one key of a task, a play or an entry of a list of files names."""
    name, value = str(key).rpartition(".")[2], entry[key]
    given = value if isinstance(value, dict) else {}
    if name in INCLUDES:
        yield given.get("file", "") if given else value, INCLUDES[name]
    elif name in ROLES:
        yield from _role(given)
    elif name in SOURCES and given.get("src") and not given.get("remote_src"):
        yield given["src"], SOURCES[name]
    elif name in HANDED and "dest" in entry:  # others, such as probes, name what hosts have
        yield value, HANDED[name]
    elif name == "roles" and "hosts" in entry:
        for each in value or []:
            yield from _role(
                {"name": each} if isinstance(each, str) else {"name": each.get("role") or each.get("name")}
            )
    elif name == "vars_files":
        yield from ((each, "vars") for each in value or [])


def _role(given: dict[str, Any]) -> Iterator[Target]:
    name = str(given.get("name", ""))
    if "." not in name and is_literal(name):  # with a dot it is one of an installed collection
        yield f"{name}/tasks/{given['tasks_from']}.yml" if is_literal(given.get("tasks_from")) else name, "roles"


def targets(path: Path) -> Iterator[Target]:
    """Yield every literal target in a YAML file."""
    document = load(path)
    for entry in dicts(document):
        for key in entry:
            yield from ((name, folder) for name, folder in _of_key(entry, key) if name and is_literal(name))
    for text in strings(document):
        for key, name, plugin, other in QUOTED.findall(text):
            if is_literal(name or other):
                yield name or other, LOOKED_UP[key or plugin]


def places(root: Path, path: Path, target: Target) -> list[Path]:
    """Return where Ansible would look for a target: beside the file, and in the role, scenario or project around it."""
    name, folder = target
    around = [parent for parent in path.parents if root in parent.parents]
    if folder == "roles":
        return [root / "roles" / name, root / "playbooks/roles" / name]
    return [Path(f"{parent}/{inside}{name}").resolve() for parent in around for inside in ("", f"{folder}/")]


def findings(root: Path) -> list[str]:
    """Every literal target is there; if a file that git tracks names it, git tracks it too."""
    known, found = git_knows(root), []
    root = root.resolve()
    folders = {str(parent) for name in known or () for parent in Path(name).parents}
    for path in (path for part in FOLDERS for path in yaml_files(root / part)):
        where = path.relative_to(root).as_posix()
        for target in dict.fromkeys(targets(path)):
            there = [place for place in places(root, path, target) if place.exists()]
            names = [place.relative_to(root).as_posix() for place in there if root in place.parents]
            if not there:
                found.append(f"{where} names {target[0]}, which is not there; write it, or correct the name")
            elif known is not None and where in known and not any(name in known or name in folders for name in names):
                found.append(f"{where} names {target[0]}, which git does not track; `git add {names[0]}`")
    return found
