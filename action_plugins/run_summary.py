# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell people and programs what a playbook did. The documentation is in library/."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from ansible.plugins.loader import action_loader
from ansible.utils.display import Display

RemoteCall: Any = action_loader.get("remote_call", class_only=True)
RESULT = re.compile(r"__(\w+)_result")


def changed_steps(variables: Mapping[str, Any]) -> list[str]:
    """Return the names of a host's steps whose registered result says that it changed something."""
    # Only the values asked for: a host's other variables need not be computable from here.
    named = {name: match[1] for name in variables if (match := RESULT.fullmatch(name))}
    values = {step: variables[name] for name, step in named.items()}
    return sorted(step for step, value in values.items() if isinstance(value, Mapping) and value.get("changed") is True)


def box(title: str, rows: list[tuple[str, str]]) -> str:
    """Return a frame that fits any terminal: only its left edge is drawn, so long lines may wrap."""
    lines = [f"┌─ {title}"]
    for label, text in rows:
        first, *rest = text.split("\n")
        lines.append(f"│ {label:<10} {first}")
        lines += [f"│ {'':<10} {line}" for line in rest]
    return "\n".join([*lines, "└─"])


def duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} min {seconds % 60} s"


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Print the box, set the statistic."""

    _requires_connection = False
    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "playbook": {"type": "str", "required": True},
        "started": {"type": "int", "required": True},
        "answers": {"type": "list", "elements": "str", "default": []},
        "next": {"type": "list", "elements": "str", "default": []},
        "data": {"type": "dict", "default": {}},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        hosts = task_vars["ansible_play_hosts_all"]
        changed = {host: steps for host in hosts if (steps := changed_steps(task_vars["hostvars"][host]))}
        seconds = int(time.time()) - arguments["started"]
        verb = "would change" if self._task.check_mode else "changed"
        rows = [(verb, "\n".join(f"{host}: {', '.join(steps)}" for host, steps in changed.items()) or "nothing")]
        rows += [("answers at", "\n".join(arguments["answers"]))] if arguments["answers"] else []
        rows += [("took", f"{duration(seconds)} on {len(hosts)} hosts")]
        rows += [("next", "\n".join(arguments["next"]))] if arguments["next"] else []
        Display().display("\n" + box(f"Holdfast {arguments['playbook']}", rows) + "\n")
        result = {
            "playbook": arguments["playbook"],
            "check_mode": bool(self._task.check_mode),
            "hosts": list(hosts),
            "changed": changed,
            "seconds": seconds,
            "answers": arguments["answers"],
            **arguments["data"],
        }
        statistics = {"data": {"holdfast": result}, "per_host": False, "aggregate": False}
        return {"changed": False, "result": result, "ansible_stats": statistics}
