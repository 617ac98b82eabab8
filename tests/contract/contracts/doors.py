"""Roles have doors: playbooks enter by documented entry points, and nobody reads what is internal to a role."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contract.contracts.expressions import LONGEST, assigns, written
from tests.contract.contracts.repo import load, mapping, roles, strings, tasks, yaml_files

# Where expressions are short and nothing is gathered in loops
SHORT = ("playbooks",)
# Whose files may not read the internal names of a role. Scenarios may: they look into the role that they try
OUTSIDE = ("playbooks", "filter_plugins", "action_plugins", "vars_plugins", "roles")
ENTERING = ("include_role", "import_role")
OF_MAIN = ("apply", "check")  # they take what main takes
SUFFIXES = {".yml", ".yaml", ".j2", ".py", ".sh", ""}


def _said(root: Path, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield every text of the YAML files in folders, with the name of the file."""
    for name in names:
        for path in yaml_files(root / name):
            where = path.relative_to(root).as_posix()
            yield from ((where, text) for text in strings(load(path)))


def expressions(root: Path, names: tuple[str, ...] = SHORT) -> list[str]:
    """An expression fits into one line: what is longer is a function, which has tests of its own."""
    return [
        f"{where}: an expression has {len(text)} characters; at most {LONGEST}: {text[:60]}"
        for where, said in _said(root, names)
        for text in written(said)
        if len(text) > LONGEST
    ]


def accumulators(root: Path, names: tuple[str, ...] = SHORT) -> list[str]:
    """No value is gathered in a template: that is a loop of a function."""
    return [
        f"{where}: sets a variable inside a template; write a filter"
        for where, said in _said(root, names)
        if assigns(said)
    ]


def _internal(role: Path) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)__{role.name}_\w+")


def internal_names(root: Path, names: tuple[str, ...] = OUTSIDE) -> list[str]:
    """A name that begins with __<role>_ is read in the folder of that role alone."""
    internal = {role: _internal(role) for role in roles(root)}
    found = []
    for name in names:
        for path in sorted((root / name).rglob("*")):
            if not path.is_file() or path.suffix not in SUFFIXES or "__pycache__" in path.parts:
                continue
            text = path.read_text(encoding="utf-8")
            for role, pattern in internal.items():
                # A filter that is called after a role works for it
                if role not in path.parents and not (name == "filter_plugins" and path.stem.startswith(role.name)):
                    words = sorted(set(pattern.findall(text)))
                    found += [f"{path.relative_to(root)}: {word} is internal to role {role.name}" for word in words]
    return found


def _entry_points(role: Path) -> dict[str, Any]:
    return dict(mapping(role / "meta/argument_specs.yml").get("argument_specs") or {})


def entry_points(root: Path) -> list[str]:
    """What a playbook enters a role by has a specification there, and what it hands over is in that."""
    known = {role.name: _entry_points(role) for role in roles(root)}
    found = []
    for path in yaml_files(root / "playbooks"):
        for task in tasks(path) if isinstance(load(path), list) else []:
            name = task.argument("name") if task.module in ENTERING else None
            door = str(task.argument("tasks_from") or "main")
            if name not in known or door in OF_MAIN:
                continue
            if door not in known[name]:
                found.append(task.finding(f"role {name} has no entry point {door} in meta/argument_specs.yml"))
                continue
            options = (known[name][door] or {}).get("options") or {}
            given = [key for key in task.body.get("vars") or {} if key not in options]
            found += [task.finding(f"{key} is no option of entry point {door} of role {name}") for key in given]
    return found


def doors_lead_somewhere(role: Path) -> list[str]:
    """Every entry point of the specification is a file of tasks, and says what it does."""
    found = []
    for name, entry in _entry_points(role).items():
        if not (role / "tasks" / f"{name}.yml").is_file():
            found.append(f"{role.name}: entry point {name} has no tasks/{name}.yml")
        if not (entry or {}).get("short_description"):
            found.append(f"argument_specs.yml: {name} has no short_description")
    return found


def findings(root: Path) -> list[str]:
    return [*expressions(root), *accumulators(root), *internal_names(root), *entry_points(root)]
