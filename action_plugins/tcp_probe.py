# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controller half of tcp_probe. The documentation is in library/."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible.plugins.loader import action_loader

RemoteCall: Any = action_loader.get("remote_call", class_only=True)


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Hand the targets over in one call, without what the module need not know."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "targets": {"type": "list", "elements": "dict", "required": True},
        "seconds": {"type": "int", "default": 4},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        targets = [{"address": str(target["address"]), "port": int(target["port"])} for target in arguments["targets"]]
        given = {"targets": targets, "seconds": arguments["seconds"]}
        return self.call("tcp_probe", given, task_vars)  # type: ignore[no-any-return]
