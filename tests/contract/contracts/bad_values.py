"""Values that the documentation of an option forbids: what follows from its spec, and the examples in bad_values/."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.contracts.repo import load, loaded, mapping, options, strings

FOLDER = Path(__file__).resolve().parents[1] / "bad_values"
FORMS = Path(__file__).resolve().parents[3] / "filter_plugins/forms.py"
JUDGE = Path(__file__).with_name("judge.py")
WRONG = {"str": 7, "path": 7, "int": "many", "float": "many", "bool": "maybe", "list": "one", "dict": "one"}
HUGE = 2**40
LEAVES = {"str", "path", "int", "float"}  # of the others, what is in them counts


GOOD_HOST = "the good host: "


def where(name: str) -> str:
    return f"tests/contract/bad_values/{name}.yml"


@dataclass(frozen=True)
class Case:
    """One variable with one bad value somewhere in it."""

    role: str
    path: str
    reason: str
    value: Any  # of the whole variable
    bad: Any  # of the part that the path leads to

    @property
    def name(self) -> str:
        return re.split(r"[.\[{]", self.path)[0]

    @property
    def place(self) -> str:
        return f"{self.path} ({self.reason})"


def leaves(entries: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every option with its path, containers before what is in them."""
    for name, option in entries.items():
        path = f"{prefix}{name}"
        yield path, option
        if option.get("type") == "list":
            path += "[]"
            yield path, {**option, "type": option.get("elements"), "required": False}
        yield from leaves(option.get("options") or {}, f"{path}.")


def replaced(value: Any, parts: list[str], bad: Any) -> Any:
    """Return a copy of a good value with a bad one at the end of a path."""
    if not parts:
        return bad
    part, rest = parts[0], parts[1:]
    if part == "[]":
        items = list(value or [])
        return [replaced(items[0] if items else {}, rest, bad), *items[1:]]
    entries = copy.deepcopy(value) if isinstance(value, dict) else {}
    first = next(iter(entries), "one")
    if part == "{names}":
        return {bad: entries.get(first)} | {key: item for key, item in entries.items() if key != first}
    if part == "{values}":
        return entries | {first: bad}
    if part == "-":
        return {key: item for key, item in entries.items() if key != rest[0]}
    return entries | {part: replaced(entries.get(part), rest, bad)}


def derived(option: dict[str, Any], form: str) -> Iterator[tuple[str, Any]]:
    """Yield what is wrong by type, choices and the rules for all text and numbers."""
    kind = str(option.get("type", "str"))
    yield "of another type", WRONG.get(kind, 7)
    yield "empty", None
    if option.get("choices") and kind != "list":
        yield "none of its choices", "no such choice"
    elif kind in {"str", "path"} and form != "any":
        yield "with a control character", "a\x00b" if form in {"text", "pem", "sql"} else "a\nb"
    elif kind in {"int", "float"}:
        yield "too large", HUGE
        yield "too small", -2 if form.startswith("at least -1") else -1
    if kind == "float":
        yield "no number", float("nan")
    if option.get("options") and kind == "dict":
        yield "with an unknown key", {"no_such_option": 1}


def examples(role: Path) -> dict[str, Any]:
    return mapping(FOLDER / f"{role.name}.yml")


def unexplained(role: Path) -> list[str]:
    """Every option has a bad value beyond its type, or is said to take any; and nothing is said of others."""
    listed, paths = examples(role), dict(leaves(options(role)))
    named = {re.sub(r"[{].*", "", path) for path in listed.get("bad", {})} | set(listed.get("any") or [])
    file = where(role.name)
    found = [
        f"{file}: {path} has no bad value; write `{path}: {{why it is bad: VALUE}}` under `bad`, or `- {path}` under "
        "`any` if it takes whatever its type allows"
        for path, option in paths.items()
        if option.get("type") in LEAVES and not option.get("choices") and not {path, f"{path}[]"} & named
    ]
    return found + [
        f"{file}: {path} is no option of role {role.name}; correct the path, or take its line out"
        for path in sorted(named - paths.keys())
    ]


def unknown_forms(role: Path) -> list[str]:
    """Every form is one that form_findings knows, of an option of the role."""
    forms, paths = mapping(role / "meta/forms.yml"), {path for path, _ in leaves(options(role))}
    where = f"{role.name}/meta/forms.yml"
    return [
        f"{where}: {path} is no option of role {role.name}; correct the path, or take the line out"
        for path in forms
        if re.sub(r"[{].*", "", path) not in paths
    ] + [f"{where}: {text}" for path in forms for text in loaded(FORMS).unknown(forms, role.name, path)]


def good(name: str, option: dict[str, Any]) -> Any:
    """Return what the good host has, or what a play would hand over, or the default."""
    kept = {**load(FOLDER / "hosts.yml")["all"]["vars"], **load(FOLDER / "handed_over.yml")}
    return kept.get(name, option.get("default"))


def cases(role: Path) -> list[Case]:
    spec, forms = options(role), mapping(role / "meta/forms.yml")
    found: list[Case] = []
    for path, option in leaves(spec):
        listed = [*derived(option, str(forms.get(path, ""))), *(examples(role).get("bad", {}).get(path) or {}).items()]
        found += [_case(role, path, reason, bad) for reason, bad in listed if not _allowed(option, bad)]
    for path, bad in examples(role).get("bad", {}).items():
        if "{" in path:
            found += [_case(role, path, reason, value) for reason, value in bad.items()]
    return found


def _allowed(option: dict[str, Any], bad: Any) -> bool:
    return bad is None and option.get("type") == "raw"


def _case(role: Path, path: str, reason: str, bad: Any) -> Case:
    name, *parts = re.findall(r"\w+|\[\]|\{\w+\}", path)
    value = good(name, options(role)[name])
    return Case(role.name, path, reason, replaced(value, parts, bad), bad)


def judged(root: Path, asked: list[tuple[Case, list[str]]]) -> dict[str, Any]:
    """Ask preflight's findings about every case, all in one process: each case with the findings that are lost."""
    done = subprocess.run(
        [sys.executable, "-P", str(JUDGE), str(root)],
        input=json.dumps([[case.role, case.name, case.value, list(strings(case.bad)), lost] for case, lost in asked]),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def accepted(root: Path, roles: list[Path], lost: dict[str, list[str]]) -> tuple[list[str], list[str]]:
    """Return every bad value that nobody refuses, and those of some roles without findings that are lost there."""
    asked: list[tuple[Case, list[str]]] = [(case, []) for role in roles for case in cases(role)]
    asked += [(case, names) for role, names in lost.items() for case in cases(root / "roles" / role)]
    found = judged(root, asked)
    silent = [(case.place, names) for (case, names), said in zip(asked, found["verdicts"], strict=True) if not said]
    good = [f"{GOOD_HOST}{text}" for text in found["good"]]
    return good + [place for place, names in silent if not names], [place for place, names in silent if names]


def advice(roles: list[Path], found: list[str], known: list[str]) -> list[str]:
    """Return what to do about places that are accepted and are not known to be, and about those known wrongly."""
    owners = {name: role for role in roles for name in options(role)}
    told = []
    for place in sorted(set(found) ^ set(known)):
        path, _, reason = place.removesuffix(")").partition(" (")
        role = owners.get(re.split(r"[.\[{]", path)[0])
        if place.startswith(GOOD_HOST):
            told.append(f"{where('hosts')}: {place}; set there what is right, or in {where('handed_over')}")
        elif role is None or place in known:
            told.append(f"{where(role.name if role else '*')}: take `- {place}` out of `open`; it is refused now")
        else:
            listed = reason in (examples(role).get("bad", {}).get(path) or {})
            instead = f", or take it out of {where(role.name)}" if listed else ""
            told.append(
                f"{place} is accepted; give `{path}` a form in roles/{role.name}/meta/forms.yml, or a sentence that "
                f"names it in a filter of `{role.name}_findings`, see roles/{role.name}/vars/main.yml{instead}"
            )
    return told


def still_open(roles: list[Path]) -> list[str]:
    """Return what is known to be accepted: a list that has to shrink to nothing."""
    return [place for role in roles for place in examples(role).get("open") or []]
