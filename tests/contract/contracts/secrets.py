"""Secrets: declared as such, never shown by a task, never in a diff."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.contract.contracts.expressions import shown
from tests.contract.contracts.repo import Task, dicts, load, options, own_modules, role_tasks, strings, yaml_files

SECRET_NAME = re.compile(r"password|passphrase|secret|token|credential|(^|_)key$|_keys$")
# Names that match and hide nothing: they tell of a place, a length of time, a size or a way, or are meant to be public.
HARMLESS = re.compile(
    r"(public|authorized|ssh|signing|trusted)_keys?$|_(file|path|dir|seconds|minutes|hours|days|mb|length|enabled|name|user|encryption|type)$"
)
# The vault of an inventory, as `make secrets` fills it.
VAULT = frozenset(
    {
        "database_password",
        "redis_password",
        "backup_passphrase",
        "app_secret",
        "certificates_ca_key",
    }
)
# A dict with a template, one more dict inside at most; its simple pairs.
IN_EXPRESSION = re.compile(r"\{[^{}]*['\"]template['\"]\s*:(?:[^{}]|\{[^{}]*\})*\}")
PAIR = re.compile(r"['\"](\w+)['\"]\s*:\s*(?:['\"]([^'\"]*)['\"]|(\w+))")
INCLUDES = {"include_tasks", "import_tasks", "include_role", "import_role"}
SILENT = {"when", "changed_when", "failed_when", "until", "name", "register", "listen", "notify"}


def declared(role: Path) -> list[str]:
    """An option whose name says secret has no_log: true."""
    return list(_declared("", options(role)))


def _declared(prefix: str, entries: dict[str, Any]) -> Iterator[str]:
    for name, option in entries.items():
        textual = option.get("type") not in {"bool", "int", "float"}
        looks = SECRET_NAME.search(name) and not HARMLESS.search(name)
        if textual and looks and option.get("no_log") is not True and not _hidden_inside(option):
            yield f"{prefix}{name} sounds like a secret and has no no_log: true"
        yield from _declared(f"{prefix}{name}.", option.get("options") or {})


def _hidden_inside(option: dict[str, Any]) -> bool:
    return any(item.get("no_log") is True for item in dicts(option.get("options") or {}))


def names(role: Path) -> frozenset[str]:
    """Return the variables that hold a secret: declared ones, the vault's, and the role's own that are made of them."""
    found = {
        name for name, option in options(role).items() if option.get("no_log") is True or _hidden_inside(option)
    } | VAULT
    values = {
        name: value
        for part in ("defaults", "vars")
        for path in yaml_files(role / part)
        for name, value in (load(path) or {}).items()
    }
    while True:
        known, inner = frozenset(found), hidden_attributes(role)
        more = {
            name
            for name, value in values.items()
            if name not in found and any(shown(text, known, inner) for text in strings(value))
        }
        if not more:
            return frozenset(found)
        found |= more


def hidden_attributes(role: Path) -> frozenset[str]:
    """Return the names of nested options that hold a secret."""
    return frozenset(
        key
        for entry in dicts(options(role))
        for key, item in entry.items()
        if isinstance(item, dict) and item.get("no_log") is True
    )


def tasks_are_silent(role: Path) -> list[str]:
    """A task that handles a secret has no_log, unless its module is ours and hides secrets itself."""
    own, secret, inner = own_modules(role.parent.parent), names(role), hidden_attributes(role)
    return [finding for task in role_tasks(role) for finding in silent(task, own, secret, inner)]


def silent(task: Task, own: frozenset[str], secret: frozenset[str], inner: frozenset[str]) -> list[str]:
    if (
        task.covered
        or task.is_block
        or task.action in own
        or task.module in INCLUDES
        or task.body.get("no_log") not in {None, False}
    ):
        return []
    body = {key: value for key, value in task.body.items() if key not in SILENT}
    if task.module == "assert" and isinstance(task.arguments, dict):
        body[task.action] = {key: value for key, value in task.arguments.items() if key != "that"}
    if task.module == "debug" and task.argument("var"):
        body["var"] = "{{ " + str(task.argument("var")) + " }}"
    used = sorted({name for text in strings(body) for name in shown(text, secret, inner)})
    return [task.finding(f"handles {', '.join(used)} without no_log: true")] if used else []


def files_are_secret(role: Path) -> list[str]:
    """A file of a transaction that has a secret inside is marked so, and closed to others."""
    secret, inner, found = names(role), hidden_attributes(role), []
    for entry in _files(role):
        used = sorted({name for text in _contents(role, entry) for name in shown(text, secret, inner)})
        if not used:
            continue
        if entry.get("secret") is not True:
            found.append(f"{role.name}: {entry['dest']} has {', '.join(used)} inside and no secret: true")
        if not re.search(r"0$|\{\{", str(entry.get("mode", "0644"))):
            found.append(f"{role.name}: {entry['dest']} has {', '.join(used)} inside; close it to others by its mode")
    return found


def _files(role: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries for files, also those that are written as a dict inside an expression."""
    for part in ("tasks", "vars", "handlers"):
        for path in yaml_files(role / part):
            for text in IN_EXPRESSION.findall(path.read_text(encoding="utf-8")):
                entry = {key: value or other for key, value, other in PAIR.findall(text)}
                yield {"dest": entry.get("template"), **entry, "secret": entry.get("secret") == "true"}
            yield from (
                entry for entry in dicts(load(path)) if "dest" in entry and ("template" in entry or "content" in entry)
            )


def _contents(role: Path, entry: dict[str, Any]) -> list[str]:
    given = [text for key, value in entry.items() if key in {"content", "vars"} for text in strings(value)]
    pattern = re.sub(r"\{\{.*?\}\}", "*", str(entry.get("template", "")))
    return [*given, *_template_texts(role, pattern, set())]


def _template_texts(role: Path, pattern: str, seen: set[str]) -> Iterator[str]:
    for path in sorted((role / "templates").glob(pattern)) if pattern and pattern not in seen else []:
        seen.add(pattern)
        text = path.read_text(encoding="utf-8")
        yield text
        for name in re.findall(r"\{%-?\s*(?:include|import|from|extends)\s+['\"]([^'\"]+)", text):
            yield from _template_texts(role, name, seen)
