"""Templates print: they parse, know all their names, sort what has no order, and say who wrote the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from jinja2 import TemplateSyntaxError, meta, nodes

from tests.contract.contracts.expressions import parse
from tests.contract.contracts.repo import dicts, load, mapping, options, role_tasks, yaml_files

HEADER = "Managed by Holdfast"
NO_COMMENTS = (".json.j2", ".acl.j2")
DEEPEST = 2
ORDERING = {"sort", "dictsort"}
# Names that are defined without the role's doing.
GIVEN_WORDS = """
    ansible_facts ansible_check_mode ansible_host ansible_user groups group_names hostvars inventory_hostname
    inventory_hostname_short play_hosts ansible_play_hosts omit lookup query q now undef true false none True False None
    host_address host_memory_mb template_path template_destpath"""
GIVEN = frozenset(GIVEN_WORDS.split())


def templates(role: Path) -> list[Path]:
    return sorted((role / "templates").rglob("*.j2"))


def findings(role: Path) -> list[str]:
    """Return what is wrong with the role's templates."""
    found = []
    known = known_names(role)
    for path in templates(role):
        name, text = path.relative_to(role.parent).as_posix(), path.read_text(encoding="utf-8")
        try:
            tree = parse(text)
        except TemplateSyntaxError as error:
            found.append(f"{name}: line {error.lineno}: {error.message}")
            continue
        found += [f"{name}: {problem}" for problem in problems(path.name, text, tree, known, dict_names(role))]
    return found


def problems(
    name: str, text: str, tree: nodes.Template, known: frozenset[str], unordered: frozenset[str]
) -> Iterator[str]:
    if not name.endswith(NO_COMMENTS) and not name.startswith("_") and HEADER not in "\n".join(text.splitlines()[:3]):
        yield f"the first three lines do not say {HEADER!r}"
    for missing in sorted(meta.find_undeclared_variables(tree) - known):
        yield f"{missing} is defined nowhere in the role"
    for loop in tree.find_all(nodes.For):
        if has_no_order(loop.iter, unordered):
            yield f"line {loop.lineno}: goes over a dict without dictsort or sort"
    if (deep := depth(tree)) > DEEPEST:
        yield f"conditions and loops are nested {deep} deep; at most {DEEPEST}"


def has_no_order(node: nodes.Node, unordered: frozenset[str]) -> bool:
    """Tell whether what a loop goes over is a dict in the order somebody wrote it."""
    if isinstance(node, nodes.Filter):
        if node.name in ORDERING:
            return False
        return node.name in {"dict2items", "items"} or (node.node is not None and has_no_order(node.node, unordered))
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        return node.node.attr in {"items", "keys", "values"}
    return isinstance(node, nodes.Name) and node.name in unordered


def depth(node: nodes.Node) -> int:
    below = max((depth(child) for child in _inside(node)), default=0)
    return below + isinstance(node, nodes.For | nodes.If)


def _inside(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield child nodes, with the bodies of elif in place of a deeper if."""
    yield from node.iter_child_nodes(exclude=("elif_",))
    for branch in getattr(node, "elif_", ()):
        yield from branch.iter_child_nodes()


def dict_names(role: Path) -> frozenset[str]:
    spec = {name for name, option in options(role).items() if option.get("type") == "dict"}
    fixed = {
        name
        for path in yaml_files(role / "vars")
        for name, value in (load(path) or {}).items()
        if isinstance(value, dict)
    }
    return frozenset(spec | fixed)


def known_names(role: Path) -> frozenset[str]:
    """Return all names a template of the role may use."""
    names = set(GIVEN) | options(role).keys() | mapping(role / "defaults/main.yml").keys()
    for path in yaml_files(role / "vars"):
        names |= (load(path) or {}).keys()
    for task in role_tasks(role):
        names |= task.variables | set(task.body.get("vars") or {}) | {task.body.get("register") or ""}
        names.add((task.body.get("loop_control") or {}).get("loop_var") or "")
        if task.module == "set_fact":
            names |= set(task.arguments)
    for part in ("tasks", "vars"):
        for path in yaml_files(role / part):
            names |= set(
                re.findall(r"""['"](__\w+)['"]\s*:""", path.read_text(encoding="utf-8"))
            )  # dicts written in expressions
            names |= {key for entry in dicts(load(path)) if "dest" in entry for key in _vars_of(entry)}
    return frozenset(names)


def _vars_of(entry: dict[str, object]) -> list[str]:
    given = entry.get("vars")
    return list(given) if isinstance(given, dict) else []
