# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What our action plugins share: strict arguments, and one compressed call of a module that needs no module library."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any, ClassVar

from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase


def packed(arguments: dict[str, Any]) -> str:
    """Return arguments as our modules read them."""
    return base64.b64encode(zlib.compress(json.dumps(arguments).encode(), 6)).decode()


class ActionModule(ActionBase):  # type: ignore[misc]
    """Base of our actions; not meant to be called as a task."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {}
    _supports_check_mode = True

    def run(self, tmp: object = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        if context.CLIARGS.get("start_at_task"):
            raise AnsibleActionFail(
                "--start-at-task leaves out what the tasks after it rely on; run the playbook as a whole, "
                "what is in place already takes it seconds"
            )
        result: dict[str, Any] = super().run(tmp, task_vars)
        result.pop("invocation", None)  # holds what the task was given, secrets included
        result.update(self.act(self.arguments(), task_vars or {}))
        return result

    def act(self, _arguments: dict[str, Any], _task_vars: dict[str, Any]) -> dict[str, Any]:
        raise AnsibleActionFail(f"{self._task.action} is the base of other actions; call one of those")

    def arguments(self) -> dict[str, Any]:
        """Return the task's arguments, validated and with defaults; the error names the argument, not its value."""
        outcome = ArgumentSpecValidator(self.ARGUMENTS).validate(dict(self._task.args))
        if outcome.error_messages:
            raise AnsibleActionFail(f"{self._task.action}: {'; '.join(outcome.error_messages)}")
        validated: dict[str, Any] = outcome.validated_parameters
        return validated

    def call(self, module: str, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run one of our modules on the host and return its result, without an echo of what it was given."""
        given = {"payload": packed(arguments)}
        result: dict[str, Any] = self._execute_module(module, module_args=given, task_vars=task_vars)
        result.pop("invocation", None)
        return result
