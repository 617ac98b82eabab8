# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controller half of postgresql_state: validates names and passwords. The documentation is in library/."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader

RemoteCall: Any = action_loader.get("remote_call", class_only=True)

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
EXTENSION_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
SETTING = re.compile(r"[a-z_][a-z0-9_.]*")
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
        for role in arguments["roles"]:
            self.check_role(role)
        for database in arguments["databases"]:
            self.check_database(database)
        for kind in ("roles", "databases"):
            names = [entry["name"] for entry in arguments[kind]]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise AnsibleActionFail(f"{kind} lists {', '.join(twice)} twice; join the entries")
        return self.call("postgresql_state", arguments, task_vars)  # type: ignore[no-any-return]

    @staticmethod
    def check_name(what: str, name: str) -> None:
        if not NAME.fullmatch(name):
            raise AnsibleActionFail(f"{what} is {name!r}; use lower-case letters, digits and underscores, at most 63")

    def check_role(self, role: dict[str, Any]) -> None:
        name = role["name"]
        for each in (name, *role["member_of"]):
            self.check_name("the name of a role", each)
        if name == "postgres" or name.startswith("pg_"):
            raise AnsibleActionFail(f"role {name} belongs to PostgreSQL; choose another name")
        if not re.fullmatch(r"[ -~]*", role["password"] or ""):
            raise AnsibleActionFail(f"the password of role {name} must be printable ASCII; generate another one")
        role["settings"] = self.settings(f"role {name}", role["settings"])
        for database, settings in role["database_settings"].items():
            self.check_name(f"a database in the settings of role {name}", database)
            role["database_settings"][database] = self.settings(f"role {name} in database {database}", settings)

    @staticmethod
    def settings(where: str, settings: Any) -> dict[str, str]:
        """Return settings as text, as PostgreSQL keeps them."""
        texts = {}
        for name, value in (settings if isinstance(settings, dict) else {"": settings}).items():
            text = {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
            if (
                not SETTING.fullmatch(str(name))
                or not isinstance(value, (str, int, float))
                or re.search(r"[\x00-\x1f]", text)
            ):
                raise AnsibleActionFail(
                    f"the settings of {where} must be names with text, a number or a boolean, got {name!r}"
                )
            texts[str(name)] = text
        return texts

    def check_database(self, database: dict[str, Any]) -> None:
        self.check_name("the name of a database", database["name"])
        self.check_name(f"the owner of database {database['name']}", database["owner"])
        database["settings"] = self.settings(f"database {database['name']}", database["settings"])
        for extension in database["extensions"]:
            if not EXTENSION_NAME.fullmatch(extension["name"]):
                raise AnsibleActionFail(f"{extension['name']!r} is not the name of an extension")
        for schema in database["schemas"]:
            self.check_name("the name of a schema", schema["name"])
            self.check_name(f"the owner of schema {schema['name']}", schema["owner"] or database["owner"])
        for grant in database["grants"]:
            self.check_name("the role of a grant", grant["role"])
            self.check_name("the schema of a grant", grant["schema"])
