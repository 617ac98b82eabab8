"""What roles derive is data: logic that no rule looks at, and nobody can test, is no place to hide in."""

from __future__ import annotations

from pathlib import Path

from tests.contract.contracts.expressions import LONGEST, assigns, written
from tests.contract.contracts.repo import load, strings, yaml_files

MOST_LINES = 90


def long_file(role: Path) -> list[str]:
    path = role / "vars/main.yml"
    count = len(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else 0
    return [f"{role.name}/vars/main.yml has {count} lines; at most {MOST_LINES}"] if count > MOST_LINES else []


def long_expressions(role: Path) -> list[str]:
    return [
        f"{role.name}/vars/{path.name}: an expression has {len(words)} characters, at most {LONGEST}: {words[:60]}…"
        for path in yaml_files(role / "vars")
        for text in strings(load(path))
        for words in written(text)
        if len(words) > LONGEST
    ]


def accumulators(role: Path) -> list[str]:
    """Jinja that assigns is a program; filters are written for that."""
    return [
        f"{role.name}/{path.relative_to(role)} assigns in Jinja; write a filter"
        for path in yaml_files(role)
        if assigns(path.read_text(encoding="utf-8"))
    ]


def findings(role: Path) -> list[str]:
    """A role's derived values are few, short and computed by filters."""
    return long_file(role) + long_expressions(role) + accumulators(role)
