"""What roles derive is data: logic that no rule looks at, and nobody can test, is no place to hide in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.contract.contracts.expressions import ENVIRONMENT
from tests.contract.contracts.repo import load, strings, yaml_files

MOST_LINES = 90
LONGEST = 160
ENDS = {"variable_begin": "variable_end", "block_begin": "block_end"}


def expressions(text: str) -> Iterator[str]:
    """Yield what stands between braces in a text, on one line."""
    end, words = "", ""
    for _line, kind, value in ENVIRONMENT.lex(text):
        if kind in ENDS:
            end, words = ENDS[kind], ""
        elif kind == end:
            yield " ".join(words.split())
        else:
            words += value


def long_file(role: Path) -> list[str]:
    path = role / "vars/main.yml"
    count = len(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else 0
    return [f"{role.name}/vars/main.yml has {count} lines; at most {MOST_LINES}"] if count > MOST_LINES else []


def long_expressions(role: Path) -> list[str]:
    return [
        f"{role.name}/vars/{path.name}: an expression has {len(words)} characters, at most {LONGEST}: {words[:60]}…"
        for path in yaml_files(role / "vars")
        for text in strings(load(path))
        for words in expressions(text)
        if len(words) > LONGEST
    ]


def accumulators(role: Path) -> list[str]:
    """Jinja that assigns is a program; filters are written for that."""
    return [
        f"{role.name}/{path.relative_to(role)} assigns in Jinja; write a filter"
        for path in yaml_files(role)
        if re.search(r"\{%[-+]?\s*set\b", path.read_text(encoding="utf-8"))
    ]


def findings(role: Path) -> list[str]:
    """A role's derived values are few, short and computed by filters."""
    return long_file(role) + long_expressions(role) + accumulators(role)
