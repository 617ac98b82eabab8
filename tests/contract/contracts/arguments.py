"""What is said twice agrees: nested defaults in code, arguments of actions in their documentation and in roles."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.contract.contracts.repo import mapping, options, roles

KEYS = ("type", "elements", "default", "required", "choices")
DEFAULTS = re.compile(r"^(\w*DEFAULTS)\b[^\n]*?(?:  # of (\S+))?$", re.MULTILINE)
GIVEN = re.compile(r"\.(\w+) \| default\(([^()]*)\)")
# Options of roles that an action is given as they are: by variable, the module and its argument
HANDED_ON = {
    "postgresql_users": ("postgresql_state", "roles"),
    "postgresql_databases": ("postgresql_state", "databases"),
}


def _value(node: ast.AST | None, known: dict[str, ast.expr]) -> Any:
    """Return what an expression of literals and constants says, a text for anything else."""
    if isinstance(node, ast.Dict):
        pairs = [(key, _value(item, known)) for key, item in zip(node.keys, node.values, strict=True)]
        found: dict[str, Any] = {}
        for key, item in pairs:
            found |= item if key is None else {str(_value(key, known)): item}
        return found
    if isinstance(node, ast.List):
        return [_value(item, known) for item in node.elts]
    if isinstance(node, ast.Name) and node.id in known:
        return _value(known[node.id], known)
    return ast.literal_eval(node) if isinstance(node, ast.Constant | ast.UnaryOp) else ast.unparse(node or ast.Pass())


def constants(path: Path) -> dict[str, Any]:
    """Return the constants of a file, those of its classes too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id.isupper():
                known.setdefault(target.id, node.value)
    return {name: _value(known[name], known) for name in known if "DEFAULTS" in name or name == "ARGUMENTS"}


def _nested(option: dict[str, Any]) -> dict[str, Any]:
    return dict(option.get("options") or option.get("suboptions") or {})


def _compared(where: str, one: dict[str, Any], other: dict[str, Any], names: tuple[str, str]) -> Iterator[str]:
    """Yield in what two specifications differ."""
    for name in sorted(one.keys() ^ other.keys()):
        yield f"{where}{name} is in {names[0] if name in one else names[1]} only"
    for name in sorted(one.keys() & other.keys()):
        for key in KEYS:
            left, right = ({"required": False, **option[name]}.get(key) for option in (one, other))
            if left != right or isinstance(left, bool) != isinstance(right, bool):
                yield f"{where}{name} has {key} {left!r} in {names[0]} and {right!r} in {names[1]}"
        yield from _compared(f"{where}{name}.", _nested(one[name]), _nested(other[name]), names)


def _documented(root: Path, module: str) -> dict[str, Any]:
    sidecar, program = root / f"library/{module}.yml", root / f"library/{module}.py"
    if sidecar.is_file():
        return dict((mapping(sidecar).get("DOCUMENTATION") or {}).get("options") or {})
    text = program.read_text(encoding="utf-8") if program.is_file() else ""
    found = re.search(r'^DOCUMENTATION = r?"""(.*?)"""', text, re.MULTILINE | re.DOTALL)
    return dict((yaml.safe_load(found[1]) or {}).get("options") or {}) if found else {}


def actions(root: Path) -> list[str]:
    """The arguments of an action are those that its documentation names, and those of a role that it is given."""
    found: list[str] = []
    arguments = {path.stem: constants(path).get("ARGUMENTS") for path in sorted((root / "action_plugins").glob("*.py"))}
    for module, given in arguments.items():
        if given:
            found += _compared(f"{module}: ", given, _documented(root, module), ("ARGUMENTS", "its documentation"))
    of_roles = {name: option for role in roles(root) for name, option in options(role).items() if name in HANDED_ON}
    for name, option in of_roles.items():
        module, argument = HANDED_ON[name]
        given = _nested((arguments[module] or {})[argument])
        found += _compared(f"{name}[].", _nested(option), given, ("argument_specs.yml", f"module {module}"))
    return found


def _at(spec: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the options below a path such as nginx_sites[].upstream."""
    first, _, rest = path.replace("[]", "").partition(".")
    inner = _nested(spec.get(first) or {})
    return _at(inner, rest) if rest else inner


def copies(root: Path) -> list[str]:
    """Defaults of nested options that filters repeat are those of the specification."""
    spec = {name: option for role in roles(root) for name, option in options(role).items()}
    found = []
    for path in sorted((root / "filter_plugins").glob("*.py")):
        values = constants(path)
        for name, of in DEFAULTS.findall(path.read_text(encoding="utf-8")):
            inner = _at(spec, of)
            wanted = {key: option["default"] for key, option in inner.items() if "default" in option}
            said = {key: value for key, value in values[name].items() if key in wanted or key not in inner}
            if not inner:
                found.append(f"{path.name}: {name} does not say of which option; end its line with `# of name[]`")
            elif repr(sorted(said.items())) != repr(sorted(wanted.items())):
                found.append(f"{path.name}: {name} is {said}, argument_specs.yml says {wanted}")
    return found


def _defaults(spec: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for option in spec.values():
        inner = _nested(option)
        yield from ((name, each["default"]) for name, each in inner.items() if "default" in each)
        yield from _defaults(inner)


def templates(root: Path) -> list[str]:
    """Defaults of nested options that templates repeat are those of the specification."""
    found = []
    for role in roles(root):
        known = list(_defaults(options(role)))
        for path in sorted((role / "templates").rglob("*.j2")):
            for name, literal in GIVEN.findall(path.read_text(encoding="utf-8")):
                wanted = [value for key, value in known if key == name]
                if wanted and re.match(r"[\[{'\"\d]", literal) and yaml.safe_load(literal) not in wanted:
                    found.append(f"{role.name}/{path.name}: {name} | default({literal}), its option says {wanted[0]!r}")
    return found
