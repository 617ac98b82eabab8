# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controller half of postgresql_standby: validates names and addresses. The documentation is in library/."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader

RemoteCall: Any = action_loader.get("remote_call", class_only=True)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
ADDRESS = re.compile(r"[A-Za-z0-9._:-]*")
POSITION = re.compile(r"([0-9A-F]{1,8}/[0-9A-F]{1,8})?")


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Refuse what could not be written safely into a connection string, then hand everything over in one call."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "action": {
            "type": "str",
            "choices": ["look", "follow", "lead", "prepare", "retire", "reinstate", "promote", "settle"],
            "required": True,
        },
        "version": {"type": "int", "required": True},
        "port": {"type": "int", "default": 5432},
        "name": {"type": "str", "required": True},
        "primary": {"type": "str", "default": ""},
        "how": {"type": "str", "choices": ["stream", "seed", "rewind", "erase"], "default": "stream"},
        "standbys": {"type": "list", "elements": "str", "default": []},
        "synchronous": {"type": "int", "default": 0},
        "rewind": {"type": "bool", "default": False},
        "forced": {"type": "bool", "default": False},
        "to": {"type": "str", "default": ""},
        "beyond": {"type": "str", "default": ""},
        "settings": {"type": "dict", "default": {}},
        "seconds": {"type": "int", "default": 60},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        for name in (arguments["name"], *arguments["standbys"]):
            if not NAME.fullmatch(name):
                raise AnsibleActionFail(f"host {name!r} cannot replicate; use letters, digits, dots and dashes")
        if not ADDRESS.fullmatch(arguments["primary"]) or (arguments["action"] == "follow") != bool(
            arguments["primary"]
        ):
            raise AnsibleActionFail(f"primary is {arguments['primary']!r}; follow needs an address, the others none")
        if not POSITION.fullmatch(arguments["beyond"]):
            raise AnsibleActionFail(f"beyond is {arguments['beyond']!r}, not a position such as 0/3000028")
        names, slots = self.filter_named("replication_name"), self.filter_named("replication_slot")
        kept = {
            "application": names(arguments["name"]),
            "slot": slots(arguments["name"]),
            "applications": [names(name) for name in arguments["standbys"]],
            "slots": [slots(name) for name in arguments["standbys"]],
        }
        return self.call("postgresql_standby", {**arguments, **kept}, task_vars)  # type: ignore[no-any-return]
