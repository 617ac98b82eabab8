# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controller half of postgresql_state: validates names and passwords. The documentation is in library/."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader

RemoteCall: Any = action_loader.get("remote_call", class_only=True)

NAMES = {"type": "list", "elements": "str", "default": []}
STATE = {"type": "str", "choices": ["present", "absent"], "default": "present"}
DROP_DATA = {"type": "bool", "default": False}
SETTINGS = {"type": "dict", "default": {}}
ROLE = {
    "name": {"type": "str", "required": True},
    "login": {"type": "bool", "default": True},
    "password": {"type": "str", "no_log": True},
    "connection_limit": {"type": "int", "default": -1},
    "member_of": NAMES,
    "replication": {"type": "bool", "default": False},
    "settings": SETTINGS,
    "database_settings": SETTINGS,
    "state": STATE,
}
SCHEMA = {
    "name": {"type": "str", "required": True},
    "owner": {"type": "str"},
    "state": STATE,
    "drop_data": DROP_DATA,
}
EXTENSION = {"name": {"type": "str", "required": True}, "state": STATE, "drop_data": DROP_DATA}
GRANT = {
    "role": {"type": "str", "required": True},
    "level": {"type": "str", "choices": ["connect", "read", "write", "lookup"], "default": "connect"},
    "schema": {"type": "str", "default": "public"},
}
DATABASE = {
    "name": {"type": "str", "required": True},
    "owner": {"type": "str", "required": True},
    "settings": SETTINGS,
    "state": STATE,
    "drop_data": DROP_DATA,
    "extensions": {"type": "list", "elements": "dict", "default": [], "options": EXTENSION},
    "schemas": {"type": "list", "elements": "dict", "default": [], "options": SCHEMA},
    "grants": {"type": "list", "elements": "dict", "default": [], "options": GRANT},
}


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Refuse what could not be written safely into a statement, then hand everything over in one call."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "version": {"type": "int", "required": True},
        "port": {"type": "int", "default": 5432},
        "roles": {"type": "list", "elements": "dict", "default": [], "options": ROLE},
        "databases": {"type": "list", "elements": "dict", "default": [], "options": DATABASE},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        findings = self.filter_named("postgresql_state_findings")(arguments["roles"], arguments["databases"])
        if findings:
            raise AnsibleActionFail("\n".join(findings))
        for entry in (*arguments["roles"], *arguments["databases"]):
            entry["settings"] = texts(entry["settings"])
        for role in arguments["roles"]:
            role["database_settings"] = {name: texts(each) for name, each in role["database_settings"].items()}
        return self.call("postgresql_state", arguments, task_vars)  # type: ignore[no-any-return]


def texts(settings: dict[str, Any]) -> dict[str, str]:
    """Return settings as text, as PostgreSQL keeps them."""
    words = {True: "on", False: "off"}
    return {name: words[value] if isinstance(value, bool) else str(value) for name, value in settings.items()}
