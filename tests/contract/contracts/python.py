"""Python of ours: files that one can read in one go, and no function that is written twice."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from tests.contract.contracts.filters import SHARED

LONGEST = 300
PLACES = ("filter_plugins", "ansible_collections", "action_plugins", "library", "playbooks", "roles", "docs", "bench")
TOGETHER = ("filter_plugins", SHARED, "action_plugins")  # what runs on the controller


def _is_python(path: Path) -> bool:
    """Tell Python by its suffix, or by the first line of a program."""
    if path.suffix or path.is_symlink() or not path.is_file():
        return path.suffix == ".py"
    with path.open("rb") as stream:
        return stream.readline().rstrip().endswith(b"python3")


def sizes(root: Path) -> list[str]:
    """Every file has at most LONGEST lines."""
    paths = [path for place in PLACES for path in sorted((root / place).rglob("*")) if _is_python(path)]
    lines = [(str(path.relative_to(root)), len(path.read_text(encoding="utf-8").splitlines())) for path in paths]
    return [f"{name} has {count} lines; at most {LONGEST}" for name, count in lines if count > LONGEST]


def _body(function: ast.FunctionDef) -> str:
    """Return what a function does, whatever it and its docstring say."""
    statements = function.body[1:] if ast.get_docstring(function) else function.body
    return ast.dump(function.args) + "".join(map(ast.dump, statements))


def twins(root: Path) -> list[str]:
    """No function of the controller's code has the body of another one."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in (path for place in TOGETHER for path in sorted((root / place).glob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                places[_body(node)].append(f"{path.name}: {node.name}")
    return [f"{' and '.join(names)} are the same; write it once in {SHARED}/" for names in places.values() if names[1:]]
