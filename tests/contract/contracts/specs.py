"""A role's variables: the specification, the defaults and the names agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.contract.contracts.repo import load, mapping, mentions, options, role_tasks, yaml_files

# What the playbooks read of every role
PUBLISHED = ("offer", "findings")
# What tasks of a role publish: registered, or set as a fact
RESULT = "_result"
KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "path": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}
TYPES = frozenset(KINDS) | {"raw", "jsonarg", "bytes", "bits"}


def surface(role: Path) -> list[str]:
    """The options are the defaults and the required variables, each in exactly one of the two."""
    spec, defaults = options(role), mapping(role / "defaults/main.yml")
    required = {name for name, option in spec.items() if option.get("required")}
    found = [f"{name} has a default but is not in argument_specs.yml" for name in sorted(defaults.keys() - spec.keys())]
    found += [
        f"{name} is in argument_specs.yml but is neither required nor in defaults/main.yml"
        for name in sorted(spec.keys() - required - defaults.keys())
    ]
    found += [f"{name} is required and has a default" for name in sorted(required & defaults.keys())]
    return found + [
        f"{name} is required and its option states a default" for name in sorted(required) if "default" in spec[name]
    ]


def described(role: Path) -> list[str]:
    """Every option has a type and a description, down to the innermost; the role has a short description."""
    entries = mapping(role / "meta/argument_specs.yml").get("argument_specs") or {}
    found = (
        []
        if (entries.get("main") or {}).get("short_description")
        else ["argument_specs.yml: main has no short_description"]
    )
    return found + [text for entry in entries.values() for text in _described("", (entry or {}).get("options") or {})]


def _described(prefix: str, entries: dict[str, Any]) -> list[str]:
    found = []
    for name, option in entries.items():
        where, kind = f"{prefix}{name}", option.get("type")
        if kind not in TYPES:
            found.append(f"{where} has no known type: {kind!r}")
        if not option.get("description"):
            found.append(f"{where} has no description")
        if kind == "list" and option.get("elements") not in TYPES:
            found.append(f"{where} is a list and does not say of what (elements)")
        nested = f"{where}[]." if kind == "list" else f"{where}."
        found += _described(nested, option.get("options") or {})
    return found


def defaults_match(role: Path) -> list[str]:
    """A default equals the one its option states, has its type and is among its choices."""
    found, defaults = [], mapping(role / "defaults/main.yml")
    for name, option in options(role).items():
        if name not in defaults:
            continue
        value = defaults[name]
        if "default" in option and not same(value, option["default"]):
            found.append(f"{name} is {value!r} in defaults/main.yml, its option states {option['default']!r}")
        if is_static(value):
            found += _fits(name, option, value)
    return found


def same(one: Any, other: Any) -> bool:
    """Equal in value and in kind: 1, true and "1" differ."""
    return repr(one) == repr(other)


def is_static(value: Any) -> bool:
    return not (isinstance(value, str) and "{{" in value)


def _fits(name: str, option: dict[str, Any], value: Any) -> list[str]:
    wanted = KINDS.get(str(option.get("type")))
    if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted)):
        return [f"{name} is {value!r} in defaults/main.yml, its type is {option['type']}"]
    if "choices" in option and not isinstance(value, list) and value not in option["choices"]:
        return [f"{name} is {value!r} in defaults/main.yml, which is none of its choices"]
    return []


def names(role: Path) -> list[str]:
    """Public names begin with the role's, internal ones with __ and the role's; only few are published."""
    public, internal = f"{role.name}_", f"__{role.name}_"
    allowed = {f"{public}{name}" for name in PUBLISHED}
    found = [
        f"{name} does not begin with {public}"
        for name in sorted(options(role).keys() | mapping(role / "defaults/main.yml").keys())
        if not name.startswith(public)
    ]
    for path in yaml_files(role / "vars"):
        found += [
            f"vars/{path.name} sets {name}, which is neither {internal}... nor published ({', '.join(sorted(allowed))})"
            for name in load(path) or {}
            if not name.startswith(internal) and name not in allowed
        ]
    return found + _set_in_tasks(role, internal)


def _set_in_tasks(role: Path, internal: str) -> list[str]:
    found = []
    for task in role_tasks(role):
        named = set(task.body.get("vars") or {})
        if task.module == "set_fact":
            named |= set(task.arguments) - {"cacheable"}
        found += [
            task.finding(f"{name} does not begin with {internal}")
            for name in sorted(named)
            if not name.startswith(internal) and not (name.startswith(f"{role.name}_") and name.endswith(RESULT))
        ]
    return found


def used(role: Path) -> list[str]:
    """Every option is read somewhere: in the role itself, by the playbooks that wire it, or by the role's findings."""
    parts = [role / part for part in ("tasks", "handlers", "vars", "templates")] + [role.parent.parent / "playbooks"]
    files = [path for part in parts for path in sorted(part.rglob("*")) if path.suffix in {".yml", ".yaml", ".j2"}]
    files += sorted((role.parent.parent / "filter_plugins").glob(f"{role.name}_*.py"))
    wanted = set(options(role))
    found = {name for path in files for name in mentions(path.read_text(encoding="utf-8"), wanted)}
    return [f"{name} is read nowhere" for name in sorted(wanted - found)]
