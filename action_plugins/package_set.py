# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controller half of package_set: answers from the facts when it can. The documentation is in library/."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible.plugins.loader import action_loader

RemoteCall: Any = action_loader.get("remote_call", class_only=True)


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Save the remote call of every role whose packages an earlier look already found."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "packages": {"type": "list", "elements": "str", "default": []},
        "absent": {"type": "list", "elements": "str", "default": []},
        "seed_files": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"dest": {"type": "path", "required": True}, "content": {"type": "str", "required": True}},
        },
        "cache_minutes": {"type": "int", "default": 720},
        "lock_seconds": {"type": "int", "default": 300},
        "hold": {"type": "bool", "default": True},
        "release": {"type": "bool", "default": False},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        facts = task_vars.get("ansible_facts", {})
        have = set(facts.get("installed_packages", []))
        done = have and have.issuperset(arguments["packages"]) and have.isdisjoint(arguments["absent"])
        if done and not (arguments["release"] and facts.get("held_units", True)):
            return {"changed": False, "installed": [], "removed": [], "started": []}
        return self.call("package_set", arguments, task_vars)  # type: ignore[no-any-return]
