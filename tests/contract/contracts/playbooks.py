"""Playbooks are the public interface: each tells what it does and checks the extra-vars it takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tests.contract.contracts.layout import applied
from tests.contract.contracts.repo import load, mentions, options, pairs, reached, strings, tasks

HEADING = re.compile(r"Extra variables[^:]*:")
VALIDATING = {"assert", "validate_argument_spec", "input_check", "fail"}


def header(path: Path) -> list[str]:
    """Return the comment lines at the head of a playbook, without their signs."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            found.append(line.removeprefix("#").removeprefix(" ").rstrip())
        elif line.strip() and line != "---":
            break
    return found


def extra_vars(lines: list[str]) -> list[str] | None:
    """Return the names under "Extra variables:"; None without that heading."""
    start = next((number for number, line in enumerate(lines) if HEADING.match(line)), None)
    if start is None:
        return None
    names = []
    for line in lines[start + 1 :]:
        if line and not line.startswith(" "):
            break
        names += re.findall(r"^ {2}(\w+)\b[^:]*:", line)
    return names


def documented(path: Path) -> list[str]:
    """The head of the playbook says in a sentence what it is for, and which extra-vars it takes."""
    lines = header(path)
    found = []
    if not lines or not re.match(r"[A-Z].*", lines[0]) or HEADING.match(lines[0]):
        found.append(f"{path.name}: the first comment line is not a sentence that says what it is for")
    named = extra_vars(lines)
    if named is None:
        found.append(
            f'{path.name}: the head has no "Extra variables:"; write "Extra variables: none." if it takes none'
        )
    elif not named and not any(
        HEADING.match(line) and re.search(r": (none|those of \w+\.yml)\.", line) for line in lines
    ):
        found.append(
            f'{path.name}: "Extra variables:" names none; indent each by two blanks as "name (required): meaning"'
        )
    return found


def validated(path: Path) -> list[str]:
    """Every extra-var named is checked: by an assertion, an argument specification or an option of a role."""
    root = path.parent.parent
    names = extra_vars(header(path)) or []
    checked = {name for role in applied(path) for name in options(root / "roles" / role)}
    for file in reached(path):
        for task in tasks(file):
            if task.module in VALIDATING:
                texts = [*strings(task.body), *(key for key, _ in pairs(task.body))]
                checked |= {name for text in texts for name in mentions(text, set(names))}
    return [f"{path.name}: the extra-var {name} is not validated" for name in names if name not in checked]


def imported_role(task: dict[str, Any]) -> str:
    return str((task.get("ansible.builtin.import_role") or {}).get("name", ""))


def whole(path: Path) -> list[str]:
    """A run of no tasks succeeds, so the first thing of every playbook is to refuse a choice of tasks."""
    first = load(path)[0]
    # The role of the contract has variables alone
    tasked = [task for task in first.get("tasks") or [] if imported_role(task) != "contract"]
    entry: dict[str, Any] = next(iter(tasked), {})
    imported = str(entry.get("ansible.builtin.import_tasks", ""))
    if "import_playbook" in first or "ansible.builtin.import_playbook" in first or imported == "tasks/whole_run.yml":
        return []
    return [f"{path.name}: begin with ansible.builtin.import_tasks: tasks/whole_run.yml, which refuses --tags"]
