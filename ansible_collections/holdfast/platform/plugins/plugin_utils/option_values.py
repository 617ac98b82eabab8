"""Values of options held against their specification: every finding is a sentence with variable, value and fix."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "path": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list, tuple),
    "dict": (dict,),
}
SPOKEN = {
    "str": "text",
    "path": "a path",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
}
QUOTED = {  # what is of the type but for its quotes
    "int": re.compile(r"[+-]?\d+"),
    "float": re.compile(r"[+-]?\d+([.]\d*)?"),
    "bool": re.compile(r"(?i)true|false|yes|no|on|off"),
    "list": re.compile(r"\[.*\]"),
    "dict": re.compile(r"\{.*\}"),
}
CURES = {
    "str": "put it in quotes",
    "list": "write it as [one, two]",
    "dict": "write it as {name: value}",
}
PLACEHOLDER = re.compile(
    r"(?i)\W*(change.?(me|it|this)\b.*|pass(word)?|secret|example|placeholder|dummy|test|todo|x+|<.*>|\{.*\}|your.*)?\W*\d*\W*"
)
# What nobody means, also where it is no secret
BLANK = re.compile(r"(?i)\W*(change.?(me|it|this)|todo|fixme)\W*|<[^<>{}]+>")
SHORTEST_SECRET = 12
# Former names that resemble others more than what they are called now
RENAMED = {"backup_sides": "backup_roles"}


def completed(value: Any, option: Mapping[str, Any]) -> Any:
    """Return a value of the right type with the defaults of its nested options, which Ansible leaves out."""
    if value is None or not option.get("options"):
        return value
    if option.get("type") == "list":
        return [completed(item, {**option, "type": "dict"}) for item in value]
    found = {key: inner["default"] for key, inner in option["options"].items() if "default" in inner}
    found |= {key: completed(item, option["options"].get(key, {})) for key, item in value.items()}
    return found


class Lacking(str):
    """A finding about a value that nobody has given yet: everything else can be looked at all the same."""

    __slots__ = ()


def type_finding(name: str, value: Any, wanted: str, secret: bool) -> str:
    """Say what is wrong with the type of a value, or nothing."""
    fits = isinstance(value, TYPES.get(wanted, (object,)))
    if isinstance(value, bool) and wanted in ("int", "float"):
        fits = False
    if fits or wanted == "raw":
        return ""
    # JSON's quotes: Ansible would print a single one twice
    shown = "given" if secret else json.dumps(value) if isinstance(value, str) else repr(value)
    cure = CURES.get(wanted, "give one")
    if isinstance(value, str) and wanted in QUOTED and QUOTED[wanted].fullmatch(value):
        there = f', on the command line as -e "{{{name}: {value}}}"' if name.isidentifier() and not secret else ""
        cure = f"write it without quotes{there}"
    return f"{name} is {shown}, it must be {SPOKEN[wanted]}; {cure}"


def range_finding(name: str, value: Any) -> str:
    """Say what is wrong with a number, by the unit in the name of its variable."""
    if isinstance(value, bool) or not isinstance(value, int):
        return ""
    if re.search(r"(^|_|\.)port$", name) and not 1 <= value <= 65535:
        return f"{name} is {value}, a port is 1 to 65535; choose one of those"
    if name.endswith("_percent") and not 0 <= value <= 100:
        return f"{name} is {value}, a percentage is 0 to 100; choose one of those"
    if name.endswith("_confirm_seconds") and value != 0 and not 15 <= value <= 300:  # as config_transaction takes them
        return f"{name} is {value}; choose 15 to 300 seconds, or 0 to keep any change"
    if re.search(r"_(mb|seconds|minutes|hours|days)$", name) and value < 0:
        return f"{name} is {value}, it cannot be negative; give 0 or more"
    return ""


def secret_finding(name: str, value: Any) -> str:
    if not isinstance(value, str) or value.startswith("-----BEGIN "):
        return ""
    generates = "`make secrets INVENTORY=…` generates"
    if PLACEHOLDER.fullmatch(value):
        return Lacking(f"{name} is a placeholder, not a secret; {generates} one once this line is gone")
    if len(value) < SHORTEST_SECRET:
        return Lacking(f"{name} is shorter than {SHORTEST_SECRET} characters; {generates} a good one")
    return ""


def blanks(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield where placeholders are written in a value, and what they are; templates are left as they are."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from blanks(f"{name}.{key}", item)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from blanks(f"{name}[{at}]", item)
    elif isinstance(value, str) and BLANK.fullmatch(value):
        yield name, value


def value_findings(name: str, value: Any, option: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with one value and everything inside it."""
    wanted, secret = option.get("type", "str"), bool(option.get("no_log"))
    if value is None:
        if wanted != "raw":
            out = "" if option.get("required") else ", or leave it out"
            yield f"{name} is empty; give it a value{out}"
        return
    problem = (
        type_finding(name, value, wanted, secret)
        or range_finding(name, value)
        or (secret_finding(name, value) if secret else "")
    )
    if problem:
        yield problem
        return
    items = value if wanted == "list" else [value]
    choices = option.get("choices")
    for item in items:
        if choices and item not in choices:
            yield f"{name} is {item!r}, it must be one of {', '.join(map(str, choices))}; choose one"
    if wanted == "list":
        inner = {key: kept for key, kept in option.items() if key in ("options", "no_log")}
        for at, item in enumerate(value):
            yield from value_findings(f"{name}[{at}]", item, {**inner, "type": option.get("elements", "raw")})
    elif wanted == "dict" and option.get("options"):
        yield from key_findings(name, value, option["options"])


def key_findings(name: str, value: dict[str, Any], options: dict[str, Any]) -> Iterator[str]:
    for key in value:
        if key not in options:
            yield f"{name}.{key} is unknown{did_you_mean(key, options)}"
    for key, option in options.items():
        if key in value:
            yield from value_findings(f"{name}.{key}", value[key], option)
        elif option.get("required"):
            yield f"{name}.{key} is missing; add it, {SPOKEN.get(option.get('type', 'str'), 'any value')}"


def did_you_mean(name: str, known: Any, otherwise: str = "; remove it") -> str:
    renamed = [new for old, new in RENAMED.items() if name == old and new in known]
    close = renamed or difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else otherwise
