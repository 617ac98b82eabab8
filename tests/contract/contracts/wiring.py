"""One fact in one place: what playbooks hand over, and the ports that roles and inventories agree on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contract.contracts.repo import CONTRACT, mapping, options, roles

WIRED = "filter_plugins/wiring.py"
SMALLEST = 1024  # below it everybody writes numbers that are no ports
# A variable as it is, neither looked up in another host nor with a value to fall back to
BARE = re.compile(r"(?<![\w.'])([a-z]\w*)(?!\w|'|\s*\|\s*default)")
DEFAULT = re.compile(r"\b(\w+)\s*\|\s*default\(\s*(\d+)\s*\)")
# Not the port of one of our services: what others use by habit, and a server without network
EXEMPT = {"roles/firewall/vars/main.yml", "roles/backup/files/usr/local/lib/holdfast/restore-test"}


def handed(root: Path) -> list[str]:
    """Every public variable that the playbooks compute is refused in the inventory, by the table of those."""
    contract = mapping(root / CONTRACT)
    public = {name for role in roles(root) for name in options(role)}
    computed, told = public & set(contract), set(contract.get("contract_handed") or {})
    found = [
        f"{name} is handed over and contract_handed does not say what to do instead" for name in sorted(computed - told)
    ]
    return found + [f"contract_handed names {name}, which is not handed over" for name in sorted(told - computed)]


def defaults(root: Path) -> dict[str, Any]:
    return {name: value for role in roles(root) for name, value in mapping(role / "defaults/main.yml").items()}


def numbers(root: Path) -> list[str]:
    """A number that a playbook falls back to, because it sees no defaults of roles, is that of the role."""
    known, found = defaults(root), []
    for path in sorted((root / "playbooks").rglob("*.yml")):
        for name, number in DEFAULT.findall(path.read_text(encoding="utf-8")):
            if name in known and str(known[name]) != number:
                found.append(f"{path.name}: {name} | default({number}), and its role says {known[name]}")
    return found


def assumed(root: Path) -> list[str]:
    """A value that the wiring falls back to, because it sees no defaults of roles either, is that of the role."""
    path = root / WIRED
    trees = [] if not path.exists() else ast.parse(path.read_text(encoding="utf-8")).body
    tables = [node for node in trees if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "ASSUMED"]
    known = defaults(root)
    return [
        f"{path.name}: ASSUMED has {value!r} for {name}, and its role {known.get(name)!r}"
        for table in tables
        for name, value in ast.literal_eval(ast.unparse(table.value) if table.value else "{}").items()
        if known.get(name) != value
    ]


def visible(root: Path) -> list[str]:
    """What is handed to one role refers to no variable of another: a play without that one has no defaults of it."""
    owner = {name: role.name for role in roles(root) for name in options(role)}
    computed = set(mapping(root / CONTRACT))
    return [
        f"{name} refers to {other}, which a play without role {owner[other]} lacks; compute it in contract_host"
        for name, value in mapping(root / CONTRACT).items()
        if name in owner and isinstance(value, str)
        for other in dict.fromkeys(BARE.findall(value))
        if other in owner and other not in computed and owner[other] != owner[name]
    ]


def mentions(path: Path, ports: dict[str, int]) -> Iterator[str]:
    """Yield ports of services that a file writes as numbers, but for the line that sets the variable."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        for name, port in ports.items():
            if re.search(rf"(?<![\w.]){port}(?![\w.])", line) and not re.match(rf"\s*{name}: {port}\b", line):
                yield f"{path.name}:{number}: {port} is {name}; refer to it, so that a changed one reaches everybody"


def ports(root: Path) -> list[str]:
    """No role writes the port of another as a number, and no inventory that people copy repeats one."""
    own = {
        role.name: {
            name: value
            for name, value in mapping(role / "defaults/main.yml").items()
            if re.search(r"_port$", name) and isinstance(value, int) and value >= SMALLEST
        }
        for role in roles(root)
    }
    computed = set(mapping(root / CONTRACT))
    every = {name: port for names in own.values() for name, port in names.items() if name not in computed}
    found: list[str] = []
    for folder in ("inventories/example", "inventories/demo"):
        for path in sorted((root / folder).rglob("*.yml")):
            found += mentions(path, every)
    for role in roles(root):
        others = {name: port for name, port in every.items() if name not in own[role.name]}
        # A default that the playbooks replace with the other role's value is no second place
        files = [path for part in ("tasks", "templates", "vars", "files") for path in (role / part).rglob("*")]
        for path in sorted(files):
            if path.is_file() and path.suffix != ".pyc" and path.relative_to(root).as_posix() not in EXEMPT:
                found += mentions(path, others)
    return found


def findings(root: Path) -> list[str]:
    return [*handed(root), *numbers(root), *assumed(root), *visible(root), *ports(root)]
