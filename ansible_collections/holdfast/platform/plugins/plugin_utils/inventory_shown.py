"""How differences between inventories are told: a table for people, a sentence and an entry each."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.inventory_differences import Difference

HEADS = {"topology": "topology", "version": "versions", "setting": "settings", "secret": "secrets"}
READ_OTHERWISE = re.compile(
    r"(?i)[+-]?\d+([.]\d*)?|true|false|null|"
)  # texts that would look like a number, or like nothing
WIDEST = 48  # characters of a value in the table
LONGEST = 200  # and in a sentence
ABSENT, GIVEN = "-", "given"


def _text(value: Any) -> str:
    if isinstance(value, str) and not READ_OTHERWISE.fullmatch(value):
        return " ".join(value.split())
    return json.dumps(value, ensure_ascii=False, default=str)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _own(values: list[Any], others: list[Any]) -> list[Any]:
    """Return what a list has and the other has not; all of it when only their order differs."""
    if len(values) == len(others) == 1 and isinstance(values[0], list) and isinstance(others[0], list):
        return [[item for item in values[0] if item not in others[0]]] if _unlike(values[0], others[0]) else values
    return values


def _unlike(one: list[Any], other: list[Any]) -> bool:
    return any(item not in other for item in one) or any(item not in one for item in other)


def shown(difference: Difference) -> tuple[str, str]:
    """Return the values of both sides in words."""
    sides = (difference.first, difference.second)
    if difference.kind == "topology":
        counts = [values[0] for values in sides]
        words = ["no host" if not count else f"{count} host{'s' * (count != 1)}" for count in counts]
        return words[0], words[1]
    if difference.same:
        return "the same", "the same"
    if difference.hidden:
        words = [GIVEN if values else ABSENT for values in sides]
        return ("not shown", "another") if words[0] == words[1] else (words[0], words[1])
    both = (_own(*sides), _own(*reversed(sides)))
    first, second = (" or ".join(map(_text, values)) or ABSENT for values in both)
    return first, second


def _where(groups: Sequence[str]) -> str:
    return "all hosts" if [*groups] == ["all"] else ", ".join(groups)


def sentence(difference: Difference, labels: tuple[str, str]) -> str:
    """Return a difference as a finding: what differs, how, and what to do."""
    one, other = (_cut(text, LONGEST) for text in shown(difference))
    name, (first, second) = difference.name, labels
    allow = f"or name {name} in compare_expected"
    if difference.kind == "topology":
        return (
            f"group {difference.groups[0]} has {one} in {first} and {other} in {second}; add or remove hosts, {allow}"
        )
    if difference.same:
        return f"{name} is the same secret in {first} and {second}; give each its own, {allow}"
    where = f"{name} of {_where(difference.groups)}"
    for values, here, there in ((difference.second, first, second), (difference.first, second, first)):
        if not values:
            value = "" if difference.hidden else f", {one if here == first else other}"
            return f"{where} is given in {here} alone{value}; give it in {there} as well, or remove it, {allow}"
    if difference.hidden:
        return f"{where} is not the same in {first} and {second}, its values are not shown; make them equal, {allow}"
    return f"{where} is {one} in {first} and {other} in {second}; make them equal, {allow}"


def entry(difference: Difference, labels: tuple[str, str], allowed: bool) -> dict[str, Any]:
    """Return a difference for programs."""
    return {**difference._asdict(), "expected": allowed, "text": sentence(difference, labels)}


def table(found: Iterable[tuple[Difference, bool]], labels: tuple[str, str]) -> str:
    """Return all differences as people read them: by kind, those that are expected in brackets."""
    rows: dict[str, list[tuple[str, str, str]]] = {}
    for difference, allowed in found:
        where = "" if difference.kind == "topology" or difference.same else f" [{_where(difference.groups)}]"
        name = difference.groups[0] if difference.kind == "topology" else f"{difference.name}{where}"
        one, other = (_cut(text, WIDEST) for text in shown(difference))
        rows.setdefault(difference.kind, []).append((f"({name})" if allowed else name, one, other))
    if not rows:
        return f"{labels[0]} and {labels[1]} differ in nothing."
    every = [("", *labels), *(row for kind in rows.values() for row in kind)]
    left, middle = (max(len(row[at]) for row in every) for at in (0, 1))
    lines = [f"{'':<{left + 2}}  {labels[0]:<{middle}}  {labels[1]}"]
    for kind, listed in rows.items():
        lines.append(HEADS[kind])
        lines += [f"  {name:<{left}}  {one:<{middle}}  {other}".rstrip() for name, one, other in listed]
    return "\n".join(lines)


def counted(entries: Iterable[Mapping[str, Any]]) -> str:
    """Return how many differences of each kind there are."""
    kinds = [each["kind"] for each in entries]
    return ", ".join(f"{kinds.count(kind)} in {head}" for kind, head in HEADS.items() if kind in kinds)
