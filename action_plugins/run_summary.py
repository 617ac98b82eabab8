# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell people and programs what a playbook did. The documentation is in library/."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible import constants, context
from ansible.errors import AnsibleError
from ansible.plugins.loader import action_loader
from ansible.utils.display import Display

RemoteCall: Any = action_loader.get("remote_call", class_only=True)
# Internal ones, and those that a role publishes as <role>_<step>_result. Core keeps one of its own
RESULT = re.compile(r"(?:__)?((?<=__)\w+|(?!ansible_|_)[a-z]+_\w+)_result")
PLAYBOOKS = Path(__file__).parents[1] / "playbooks"
INSTALLED = __name__.startswith("ansible_collections.")
# What an operator has to say again for the next playbook to reach the same hosts with the same rights: by the name core
# keeps it under, the option, and what the configuration says anyway.
REPEATED = {
    "inventory": ("-i", constants.DEFAULT_HOST_LIST),
    "subset": ("--limit", constants.DEFAULT_SUBSET),
    "vault_ids": ("--vault-id", []),
    "vault_password_files": ("--vault-password-file", []),
    "ask_vault_pass": ("--ask-vault-pass", False),
    "remote_user": ("--user", constants.DEFAULT_REMOTE_USER),
    "private_key_file": ("--private-key", constants.DEFAULT_PRIVATE_KEY_FILE),
    "become_ask_pass": ("--ask-become-pass", False),
}


def step_results(variables: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the steps of a host with what they registered; a variable of somebody's own need not be computable here."""
    # Only the values asked for, for the same reason
    for name, match in [(name, RESULT.fullmatch(name)) for name in variables]:
        if match:
            with contextlib.suppress(AnsibleError):
                value = variables[name]
                if isinstance(value, Mapping):
                    yield match[1], value


def changed_steps(variables: Mapping[str, Any]) -> list[str]:
    """Return the names of a host's steps whose registered result says that it changed something."""
    return sorted({step for step, value in step_results(variables) if value.get("changed") is True})


def redone_units(variables: Mapping[str, Any]) -> list[str]:
    """Return the units of a host that had to do their work again, such as a firewall whose rules somebody flushed."""
    return sorted({unit for _step, result in step_results(variables) for unit in result.get("redone") or []})


def grouped(values: Mapping[str, Any]) -> str:
    """Return a value per host as text, hosts with the same value together."""
    hosts: dict[str, list[str]] = {}
    for host, value in values.items():
        hosts.setdefault(str(value), []).append(host)
    return "\n".join(f"{value} on {', '.join(names)}" for value, names in hosts.items())


def box(title: str, rows: list[tuple[str, str]]) -> str:
    """Return a frame that fits any terminal: only its left edge is drawn, so long lines may wrap."""
    lines = [f"┌─ {title}"]
    for label, text in rows:
        first, *rest = text.split("\n")
        lines.append(f"│ {label:<12} {first}")
        lines += [f"│ {'':<12} {line}" for line in rest]
    return "\n".join([*lines, "└─"])


def duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60} s"


def shown(word: str) -> str:
    """Return a word of a command line; a path below this folder as it would be typed here."""
    relative = os.path.relpath(word) if word.startswith("/") else word
    return word if relative.startswith("..") else relative


def command(playbook: str, said: Mapping[str, Any]) -> str:
    """Return the command line of another playbook for the hosts of this run, ready to be pasted."""
    words = ["ansible-playbook"]
    for name, (option, configured) in REPEATED.items():
        value = said.get(name)
        if value is True:
            words += [option]
        elif value and value != configured:
            words += [word for one in ([value] if isinstance(value, str) else value) for word in (option, shown(one))]
    file, _blank, more = playbook.partition(" ")
    name = f"holdfast.platform.{Path(file).stem}" if INSTALLED else shown(str(PLAYBOOKS / file))
    return f"{shlex.join([*words, name])} {more}".rstrip()


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Print the box, set the statistic."""

    _requires_connection = False
    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "playbook": {"type": "str", "required": True},
        "started": {"type": "int", "required": True},
        "rows": {"type": "dict", "default": {}},
        "answers": {"type": "list", "elements": "str", "default": []},
        "next": {"type": "dict", "default": {}},
        "data": {"type": "dict", "default": {}},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        hosts = task_vars["ansible_play_hosts_all"]
        changed = {host: steps for host in hosts if (steps := changed_steps(task_vars["hostvars"][host]))}
        redone = {host: units for host in changed if (units := redone_units(task_vars["hostvars"][host]))}
        result = {
            "playbook": arguments["playbook"],
            "check_mode": bool(self._task.check_mode),
            "hosts": list(hosts),
            "changed": changed,
            "redone": redone,
            "seconds": int(time.time()) - arguments["started"],
            "answers": arguments["answers"],
            **arguments["data"],
        }
        Display().display("\n" + box(f"Holdfast {arguments['playbook']}", self.rows(arguments, result)) + "\n")
        statistics = {"data": {"holdfast": result}, "per_host": False, "aggregate": False}
        return {"changed": False, "result": result, "ansible_stats": statistics}

    def rows(self, arguments: dict[str, Any], result: dict[str, Any]) -> list[tuple[str, str]]:
        """Return what the box says; after a check nothing answers yet, and the next step is to do it."""
        check = result["check_mode"]
        steps = {host: ", ".join(names) for host, names in result["changed"].items()}
        following = [f"{command(line, context.CLIARGS)}  # {why}" for line, why in arguments["next"].items()]
        again = {host: ", ".join(units) for host, units in result.get("redone", {}).items()}
        lost = "what it had in force was gone or changed by hand"
        rows = {
            **{
                label: grouped(row) if isinstance(row, Mapping) else str(row)
                for label, row in arguments["rows"].items()
            },
            "would change" if check else "changed": "\n".join(f"{host}: {names}" for host, names in steps.items())
            or "nothing",
            "to do again" if check else "done again": "\n".join(
                f"{host}: {units} ({lost})" for host, units in again.items()
            ),
            "answers at": "" if check else "\n".join(arguments["answers"]),
            "took": f"{duration(result['seconds'])} on {len(result['hosts'])} host{'s' * (len(result['hosts']) != 1)}",
            "next": "the same without --check" * bool(steps) if check else "\n".join(following),
        }
        return [(label, text) for label, text in rows.items() if text]
