"""Findings that are added up: core loses what a filter refuses behind a variable on the right of a plus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import nodes

from tests.contract.contracts.expressions import parse
from tests.contract.contracts.repo import load, strings, yaml_files

FOLDERS = ("playbooks", "roles")


def _values(node: nodes.Node | None) -> Iterator[str]:
    """Yield the variables that a node may be, whole."""
    if isinstance(node, nodes.Name):
        yield node.name
    elif isinstance(node, nodes.CondExpr):
        yield from (*_values(node.expr1), *_values(node.expr2))
    elif isinstance(node, nodes.Or):
        yield from _values(node.right)  # core asks the left one whether it is empty, and is told


def _found(value: Any) -> Iterator[tuple[str, str]]:
    """Yield the texts of what is called findings, with its name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if str(name).endswith("_findings"):
                yield from ((str(name), text) for text in strings(inner))
            else:
                yield from _found(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _found(inner)


def lost_refusals(root: Path) -> list[str]:
    """Variables with findings are a list that is flattened, or added up as expressions."""
    return [
        f"{path.relative_to(root).as_posix()}: {name} adds {added}, whose refusal would be lost; flatten a list of both"
        for folder in FOLDERS
        for path in yaml_files(root / folder)
        for name, text in _found(load(path))
        if "{" in text
        for sum_ in parse(text).find_all(nodes.Add)
        for added in _values(sum_.right)
    ]
