# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hold a host's variables against the argument specs of its roles. The documentation is in library/."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.loader import action_loader

RemoteCall: Any = action_loader.get("remote_call", class_only=True)

PUBLISHED = ("packages", "preseed", "firewall_rules", "memory_mb")  # what roles tell each other, not input
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
PLACEHOLDER = re.compile(
    r"(?i)\W*(change.?(me|it|this)|pass(word)?|secret|example|placeholder|dummy|test|todo|x+|<.*>|\{.*\}|your.*)?\W*\d*\W*"
)
SHORTEST_SECRET = 12


def type_finding(name: str, value: Any, wanted: str, secret: bool) -> str:
    """Say what is wrong with the type of a value, or nothing."""
    fits = isinstance(value, TYPES.get(wanted, (object,)))
    if isinstance(value, bool) and wanted in ("int", "float"):
        fits = False
    if fits or wanted == "raw":
        return ""
    shown = "given" if secret else repr(value)
    quoted = isinstance(value, str) and wanted in ("int", "float", "bool", "list", "dict")
    cure = f"; write it without quotes, on the command line as -e '{{\"{name}\": …}}'" if quoted else ""
    return f"{name} is {shown}, it must be {SPOKEN[wanted]}{cure}"


def range_finding(name: str, value: Any) -> str:
    """Say what is wrong with a number, by the unit in the name of its variable."""
    if isinstance(value, bool) or not isinstance(value, int):
        return ""
    if re.search(r"(^|_|\.)port$", name) and not 1 <= value <= 65535:
        return f"{name} is {value}, a port is 1 to 65535"
    if name.endswith("_percent") and not 0 <= value <= 100:
        return f"{name} is {value}, a percentage is 0 to 100"
    if re.search(r"_(mb|seconds|minutes|hours|days)$", name) and value < 0:
        return f"{name} is {value}, it cannot be negative"
    return ""


def secret_finding(name: str, value: Any) -> str:
    if not isinstance(value, str) or value.startswith("-----BEGIN "):
        return ""
    if PLACEHOLDER.fullmatch(value):
        return f"{name} is a placeholder, not a secret; `make secrets INVENTORY=…` generates one"
    if len(value) < SHORTEST_SECRET:
        return f"{name} is shorter than {SHORTEST_SECRET} characters; `make secrets INVENTORY=…` generates a good one"
    return ""


def value_findings(name: str, value: Any, option: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with one value and everything inside it."""
    wanted, secret = option.get("type", "str"), bool(option.get("no_log"))
    if value is None:
        if option.get("required"):
            yield f"{name} is empty; give it a value"
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
            yield f"{name} is {item!r}, it must be one of {', '.join(map(str, choices))}"
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
            yield f"{name}.{key} is missing; it is {SPOKEN.get(option.get('type', 'str'), 'needed')}"


def did_you_mean(name: str, known: Any, otherwise: str = "; remove it") -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else otherwise


def name_findings(role: str, options: dict[str, Any], names: list[str]) -> Iterator[str]:
    """Yield variables that begin like the role's and are none of them."""
    own = {f"{role}_{noun}" for noun in PUBLISHED} | set(options)
    for name in sorted(names):
        if name.startswith(f"{role}_") and name not in own:
            yield (
                f"{name} is not a variable of role {role}"
                + did_you_mean(
                    name, options, f"; names that begin with {role}_ belong to the role, call yours otherwise"
                )
            )


def group_findings(host: str, groups: list[str], known: list[str]) -> Iterator[str]:
    for group in groups:
        close = difflib.get_close_matches(group, known, n=1, cutoff=0.75)
        if group not in known and close:
            yield f"group {group} of host {host} is unknown; did you mean {close[0]}?"
    if known and not set(groups) & set(known):
        yield f"host {host} is in none of the groups {', '.join(known)}; put it into one, or out of the inventory"


def specification(role: str, folders: list[str]) -> str:
    for folder in folders:
        path = Path(folder, role, "meta", "argument_specs.yml")
        if path.exists():
            return str(path)
    raise AnsibleActionFail(f"role {role} has no meta/argument_specs.yml in {', '.join(folders)}")


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Collect the findings of all roles of a host, then fail with all of them."""

    _requires_connection = False
    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "roles": {"type": "list", "elements": "str", "required": True},
        "groups": {"type": "list", "elements": "str", "default": []},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        host = task_vars["inventory_hostname"]
        findings = list(group_findings(host, task_vars.get("group_names", []), arguments["groups"]))
        for role in arguments["roles"]:
            path = specification(role, constants.config.get_config_value("DEFAULT_ROLES_PATH"))
            options = self._loader.load_from_file(path)["argument_specs"]["main"]["options"]
            findings += name_findings(role, options, list(task_vars))
            for name, option in options.items():
                findings += self.option_findings(name, option, task_vars)
        if findings:
            return {"failed": True, "findings": findings, "msg": "\n".join(findings)}
        return {"changed": False, "findings": []}

    def option_findings(self, name: str, option: dict[str, Any], task_vars: dict[str, Any]) -> list[str]:
        if name not in task_vars:
            how = "`make secrets INVENTORY=…` generates it" if option.get("no_log") else "set it in the inventory"
            return [f"{name} is not set; {how}"] if option.get("required") else []
        try:
            value = self._templar.template(task_vars[name])
        except AnsibleError as problem:
            text = str(getattr(problem, "message", problem)).split("\n", 1)[0]
            return [
                f"{name} cannot be computed: {text}; define what it refers to (secrets: `make secrets INVENTORY=…`)"
            ]
        return list(value_findings(name, value, option))
