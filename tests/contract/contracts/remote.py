"""Code that runs on hosts: small files that share what they have in common, and nothing that a bare host lacks."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from pathlib import Path

PACKAGE = "ansible_collections.holdfast.platform.plugins.module_utils"
ROOMS = PACKAGE.replace(".", "/")
PLACES = ("library/*.py", f"{ROOMS}/*.py", "playbooks/files/*.py", "roles/*/files/**/*")
MOST_LINES = 300


def files(root: Path) -> list[Path]:
    """Return the Python files that run on hosts, with or without a suffix."""
    found = [path for place in PLACES for path in sorted(root.glob(place)) if path.is_file()]
    return [path for path in found if path.suffix == ".py" or (not path.suffix and _is_python(path))]


def _is_python(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.readline().rstrip().endswith(b"python3")


def sizes(root: Path) -> list[str]:
    """A file that runs on hosts can be read in one go."""
    counted = [(path, len(path.read_text(encoding="utf-8").splitlines())) for path in files(root)]
    return [
        f"{path.relative_to(root)} has {count} lines; at most {MOST_LINES}"
        for path, count in counted
        if count > MOST_LINES
    ]


def bodies_are_written_once(root: Path) -> list[str]:
    """What two functions do is one function that both files import; a single line is none."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in files(root):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                body = "\n".join(ast.unparse(statement) for statement in node.body[_documented(node) :])
                if "\n" in body:
                    places[body].append(f"{node.name} of {path.relative_to(root)}")
    return [f"{' and '.join(found)} have the same body" for found in places.values() if len(found) > 1]


def _documented(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return int(ast.get_docstring(node, clean=False) is not None)


def imported(path: Path) -> list[str]:
    """Return the modules that a file imports."""
    return names(list(ast.walk(ast.parse(path.read_text(encoding="utf-8")))))


def names(nodes: list[ast.AST]) -> list[str]:
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return plain + [f"{'.' * node.level}{node.module or ''}" for node in nodes if isinstance(node, ast.ImportFrom)]


def imports(root: Path) -> list[str]:
    """A bare host has the standard library; everything else comes along, so it is a room."""
    rooms = {f"{PACKAGE}.{path.stem}" for path in (root / ROOMS).glob("*.py")}
    found = [
        f"{path.relative_to(root)} imports {name}, neither of the standard library nor a room in {ROOMS}"
        for path in files(root)
        for name in imported(path)
        if name.partition(".")[0] not in sys.stdlib_module_names and name not in rooms
    ]
    for path in files(root):
        top = names(list(ast.parse(path.read_text(encoding="utf-8")).body))
        deep = sorted(
            {name for name in imported(path) if name in rooms and imported(path).count(name) > top.count(name)}
        )
        found += [
            f"{path.relative_to(root)} imports {name} in a function; the packer looks at the top" for name in deep
        ]
    return found


def programs_are_packed(root: Path) -> list[str]:
    """A program of a role that imports rooms is written with `program`, which brings them along."""
    found = []
    for path in files(root):
        role = next((folder for folder in path.parents if folder.parent == root / "roles"), None)
        if role is None or not any(name.startswith(PACKAGE) for name in imported(path)):
            continue
        name = path.relative_to(role / "files").as_posix()
        texts = [
            file.read_text(encoding="utf-8") for part in ("tasks", "vars") for file in (role / part).rglob("*.yml")
        ]
        lines = [line for text in texts for line in text.splitlines() if name in line]
        if any("lookup(" in line for line in lines) or not any(f"program: {name}" in line for line in lines):
            found.append(f"{path.relative_to(root)} imports rooms; write it with `program: {name}`")
    return found
