"""Sizes and files: what a newcomer can read in one go, and what every role must come with."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contract.contracts.repo import (
    CONTRACT,
    counted,
    load,
    mapping,
    pairs,
    playbooks,
    reached,
    scenarios,
    strings,
    tasks,
    yaml_files,
)

GENERATED = re.compile(r"<!-- variables: generated -->.*?<!-- end of variables -->", re.DOTALL)
PLATFORMS = {"trixie", "bookworm"}
GROUPS = ("edge", "app", "database", "cache", "backup")
BESIDE = {"hardening": "base"}  # roles that are tried together with another, in its scenario
SPECIAL_GROUPS = {"all", "localhost", "ungrouped", "127.0.0.1"}


def lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else 0


def role_files(role: Path) -> list[str]:
    """A role has its README, meta, specification, defaults and a contents page."""
    wanted = ("README.md", "meta/main.yml", "meta/argument_specs.yml", "defaults/main.yml", "tasks/main.yml")
    return [f"{role.name}/{name} is missing" for name in wanted if not (role / name).is_file()]


def role_sizes(role: Path) -> list[str]:
    """Every file of a role fits its target."""
    by_hand = (
        GENERATED.sub("", (role / "README.md").read_text(encoding="utf-8")) if (role / "README.md").is_file() else ""
    )
    measured = [
        ("README.md", len(by_hand.splitlines()), 120, "lines written by hand"),
        ("meta/main.yml", lines(role / "meta/main.yml"), 20, "lines"),
        ("tasks/main.yml", lines(role / "tasks/main.yml"), 30, "lines"),
        ("handlers/main.yml", counted(tasks(role / "handlers/main.yml")), 3, "handlers"),
        ("defaults/main.yml", len(mapping(role / "defaults/main.yml")), 25, "variables"),
    ]
    for path in yaml_files(role / "tasks"):
        name = path.relative_to(role).as_posix()
        asserts = sum(task.module == "assert" for task in tasks(path))
        measured += [(name, counted(tasks(path)), 12, "tasks"), (name, asserts, 8, "asserts")]
    for path in sorted((role / "templates").rglob("*.j2")):
        measured.append((path.relative_to(role).as_posix(), lines(path), 60, "lines"))
    found = [
        f"{role.name}/{name} has {count} {unit}; at most {most}" for name, count, most, unit in measured if count > most
    ]
    empty = not mapping(role / "defaults/main.yml")
    return found + ([f"{role.name}/defaults/main.yml has no variable; at least 1"] if empty else [])


def role_meta(role: Path) -> list[str]:
    """The platforms are Debian trixie and bookworm; there are no dependencies."""
    meta = mapping(role / "meta/main.yml")
    info = meta.get("galaxy_info") or {}
    declared = {
        (item.get("name"), str(release))
        for item in info.get("platforms") or []
        for release in item.get("versions") or []
    }
    wanted = {("Debian", release) for release in PLATFORMS}
    found = [] if declared == wanted else [f"{role.name}: platforms are {sorted(declared)}, not {sorted(wanted)}"]
    if meta.get("dependencies"):
        found.append(f"{role.name}: has dependencies; the playbook wires roles")
    return found + [
        f"{role.name}: meta/main.yml has no {key}"
        for key in ("description", "min_ansible_version")
        if not info.get(key)
    ]


def role_is_known(role: Path) -> list[str]:
    """The role is in site.yml and a group, has a scenario or is applied in another's, and is in the README's list."""
    root, name = role.parent.parent, role.name
    found = [] if name in applied(root / "playbooks/site.yml") else [f"{name} is not in playbooks/site.yml"]
    contract = mapping(root / CONTRACT)
    groups = list(strings([contract.get("contract_group_roles"), contract.get("host_roles")]))
    if name not in groups and not any(f"'{name}'" in text for text in groups):
        found.append(
            f"{name} is in no group of contract_group_roles, so no host has it; write `{name}: [{name}]` in {CONTRACT}"
        )
    scenario_name = BESIDE.get(name, name)
    if not (root / "molecule" / scenario_name / "molecule.yml").is_file():
        found.append(f"molecule/{scenario_name}/molecule.yml is missing")
    elif name in BESIDE and name not in applied(root / "molecule" / scenario_name / "converge.yml"):
        found.append(f"molecule/{scenario_name}/converge.yml does not apply {name}")
    readme = root / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    if not re.search(rf"(roles/|`){re.escape(name)}(?![\w-])", text):
        found.append(f"README.md does not list {name} (as `{name}` or roles/{name})")
    return found


def applied(path: Path) -> set[str]:
    """Return the roles a playbook applies, with those of the files it includes.

    Where the name of a role is computed, every text of the file that is a single word counts as one.
    """
    names: set[str] = set()
    for file in reached(path):
        document = load(file)
        given = set(_given(document))
        if any("{{" in name for name in given):
            texts = [
                text
                for entry in document
                for key, value in entry.items()
                if key not in {"hosts", "name"}
                for text in strings(value)
            ]
            given |= {
                word for text in texts for word in (text, *re.findall(r"'(\w+)'", text)) if re.fullmatch(r"\w+", word)
            }
        names |= {name for name in given if "{{" not in name}
    return names


def _given(document: Any) -> Iterator[str]:
    for key, value in pairs(document):
        if key == "roles" and isinstance(value, list):
            yield from (item if isinstance(item, str) else str(item.get("role") or item.get("name")) for item in value)
        if key.rpartition(".")[2] in {"include_role", "import_role"} and isinstance(value, dict):
            yield str(value.get("name"))


def groups_are_in_example(root: Path) -> list[str]:
    """Every group that the playbooks speak of is in the example inventory, so are the five of the contract."""
    used = set(GROUPS).union(*(_groups(path) for path in playbooks(root)))
    known = set().union(
        *(_declared(load(path)) for path in yaml_files(root / "inventories/example") if "_vars" not in str(path))
    )
    return [f"inventories/example does not mention the group {name}" for name in sorted(used - known - SPECIAL_GROUPS)]


def _groups(path: Path) -> set[str]:
    patterns = [play.get("hosts", "") for play in load(path) or []]
    parts = [
        part for pattern in patterns for part in (pattern if isinstance(pattern, list) else re.split(r"[:,]", pattern))
    ]
    named = re.findall(r"\bgroups\[['\"](\w+)['\"]\]|'(\w+)' (?:not )?in group_names", path.read_text(encoding="utf-8"))
    return {part.strip("!& ") for part in parts if part and "{" not in part} | {one or other for one, other in named}


def _declared(value: Any) -> set[str]:
    if not isinstance(value, dict):
        return set()
    names = {key for key, item in value.items() if isinstance(item, dict) and {"hosts", "children"} & set(item)}
    return names.union(value.get("children") or (), *(_declared(item) for item in value.values()))


def budgets(root: Path) -> list[str]:
    """Every scenario has a budget, its own or that of each other one; those of `make test` keep to theirs together."""
    path = root / "tests/lab/budget.toml"
    said = tomllib.loads(path.read_text(encoding="utf-8"))
    seconds, names = said["seconds"], {folder.name for folder in scenarios(root)}
    others = dict.fromkeys(sorted(names - set(seconds)), said.get("each", 0))
    found = [f"molecule/{name} has no budget in tests/lab/budget.toml" for name, took in others.items() if not took]
    found += [f"tests/lab/budget.toml: there is no scenario {name}" for name in sorted(set(seconds) - names)]
    total = sum(took for name, took in (seconds | others).items() if not name.endswith("_slow"))
    if total > said["together"]:
        found.append(f"tests/lab/budget.toml: the scenarios take {total} s, together they have {said['together']} s")
    return found


def scenario(folder: Path) -> list[str]:
    """A scenario says only what differs from the base configuration, and verifies something."""
    found = []
    count = lines(folder / "molecule.yml")
    if not (folder / "molecule.yml").is_file():
        found.append(f"molecule/{folder.name}/molecule.yml is missing")
    if count > 10:
        found.append(f"molecule/{folder.name}/molecule.yml has {count} lines; at most 10")
    if not counted(tasks(folder / "verify.yml")):
        found.append(f"molecule/{folder.name}/verify.yml is missing or verifies nothing")
    return found
