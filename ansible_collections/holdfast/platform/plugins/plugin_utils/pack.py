# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What travels to a host: a file with all that it imports of module_utils, for one call or as a program that stays.

Imports are found by reading them, so they are the real ones of tests and type checks. A room comes after those that it
imports; rooms that import each other in a circle, or by anything but `from room import name`, are refused.
"""

from __future__ import annotations

import ast
import base64
import json
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "ansible_collections.holdfast.platform.plugins.module_utils"
ROOMS = Path(__file__).parents[1] / "module_utils"
IMPORT = (ast.Import, ast.ImportFrom)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


@dataclass(frozen=True)
class Part:
    """One file that travels, and the names of the rooms it imports."""

    name: str
    path: Path
    text: str
    tree: ast.Module
    rooms: tuple[str, ...]

    @property
    def shown(self) -> str:
        """Return what a traceback calls the file."""
        return f"<holdfast>/{self.path.parent.name}/{self.path.name}"


def wire(value: Any) -> str:
    """Return a value as it travels."""
    return base64.b64encode(zlib.compress(json.dumps(value).encode(), 6)).decode()


@cache
def packed(entry: Path) -> str:
    """Return a file and its rooms as library/remote_call.py unpacks them."""
    return wire([[part.name, part.shown, slim(part)] for part in parts(entry)])


def program(entry: Path) -> str:
    """Return a file and its rooms as one that needs no other: their imports, then each room's code, then its own."""
    carried = parts(entry)
    owners: dict[str, str] = {}
    bodies = []
    for part in carried:
        own = [node for node in part.tree.body if not is_docstring(node) and not isinstance(node, IMPORT)]
        for name in (name for node in own for name in defined(node)):
            if name in owners:
                raise ValueError(f"{entry.name}: {name} is defined in {owners[name]} and in {part.path.name}")
            owners[name] = part.path.name
        lines = part.text.splitlines()
        if own:
            bodies.append("\n".join(lines[after_imports(part.tree) :]).strip("\n"))
    first = docstring_of(carried[-1].tree) or carried[-1].tree.body[0]
    head = "\n".join(carried[-1].text.splitlines()[: first.end_lineno])
    return "\n\n\n".join([f"{head}\n\n{imports(carried)}", *bodies]) + "\n"


def imports(carried: list[Part]) -> str:
    """Return what all parts import of the standard library, each name once."""
    names: dict[str, set[str]] = {}
    for node in (node for part in carried for node in part.tree.body):
        if isinstance(node, IMPORT) and not room_of(node):
            names.setdefault(getattr(node, "module", None) or "", set()).update(map(ast.unparse, node.names))
    future = ["from __future__ import annotations\n"] if names.pop("__future__", None) else []
    plain = [f"import {name}" for name in sorted(names.pop("", set()))]
    return "\n".join(
        [*future, *plain, *(f"from {name} import {', '.join(sorted(names[name]))}" for name in sorted(names))]
    )


def parts(entry: Path) -> list[Part]:
    """Return what travels in the order in which it can be loaded, the entry last."""
    found: dict[str, Part] = {}

    def visit(name: str, path: Path, way: tuple[str, ...]) -> None:
        if name in way:
            raise ValueError(f"{' imports '.join([*way, name])}")
        if name in found:
            return
        part = read(name, path)
        for room in part.rooms:
            visit(room, ROOMS / f"{room.rpartition('.')[2]}.py", (*way, name))
        found[name] = part

    visit(f"holdfast_{entry.stem.replace('-', '_')}", entry, ())
    return list(found.values())


@cache
def read(name: str, path: Path) -> Part:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, str(path))
    rooms = {room_of(node) for node in tree.body if isinstance(node, IMPORT)}
    return Part(name, path, text, tree, tuple(sorted(filter(None, rooms))))


def room_of(node: ast.stmt) -> str:
    """Return the room that a statement imports from, nothing when it imports something else."""
    if isinstance(node, ast.Import):
        if any(alias.name.startswith("ansible_collections") for alias in node.names):
            raise ValueError(f"`{ast.unparse(node)}`: import names from a room")
        return ""
    module = getattr(node, "module", None) or ""
    if getattr(node, "level", 0) or (module.startswith("ansible") and not module.startswith(f"{PACKAGE}.")):
        raise ValueError(f"`{ast.unparse(node)}`: a host has the standard library and rooms of {PACKAGE}")
    if not module.startswith(f"{PACKAGE}."):
        return ""
    if any(alias.asname or alias.name == "*" for alias in getattr(node, "names", [])):
        raise ValueError(f"`{ast.unparse(node)}`: a name is the same everywhere")
    return module


def slim(part: Part) -> str:
    """Return the code without docstrings and comments, each line where it was, so that tracebacks name the source's."""
    lines = part.text.splitlines()
    for said in docstrings(part.tree):
        last = said.end_lineno or said.lineno
        lines[said.lineno - 1 : last] = [" " * said.col_offset + '""', *[""] * (last - said.lineno)]
    inside = False  # a text of several lines, where # is no comment; walking the whole tree takes five times as long
    for at, line in enumerate(lines):
        if not inside and line.lstrip().startswith("#"):
            lines[at] = ""
        elif line.count('"""') % 2:
            inside = not inside
    return "\n".join(lines) + "\n"


def docstrings(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> list[ast.stmt]:
    """Return the docstrings of a file, its classes and functions."""
    own = docstring_of(node)
    inner = [said for child in node.body if isinstance(child, DOCUMENTED) for said in docstrings(child)]
    return [own, *inner] if own else inner


def docstring_of(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> ast.stmt | None:
    return node.body[0] if node.body and is_docstring(node.body[0]) else None


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def after_imports(tree: ast.Module) -> int:
    """Return how many lines a file has before its own code: its docstring and its imports."""
    heads = [node.end_lineno or 0 for node in tree.body if isinstance(node, IMPORT) or is_docstring(node)]
    return max(heads, default=0)


def defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement at the top of a file defines."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
