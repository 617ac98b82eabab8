# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controller half of host_facts: compares clocks, tells why a host is silent. The documentation is in library/."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.loader import action_loader

RemoteCall: Any = action_loader.get("remote_call", class_only=True)


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Gather the facts and add how far the host's clock is from the controller's."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "resolve": {"type": "list", "elements": "str", "default": []},
        "must_answer": {"type": "bool", "default": True},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        asked = time.time()
        try:
            result = self.call("host_facts", {"resolve": arguments["resolve"]}, task_vars)
        except AnsibleError as problem:  # also a password for sudo that is missing or wrong, which no module tells
            if arguments["must_answer"]:
                raise
            unreachable = isinstance(problem, AnsibleConnectionFailure)
            return {"changed": False, "contact": {"unreachable": unreachable, "msg": str(problem)}}
        if result.get("failed") and not arguments["must_answer"]:
            said = result.get("msg") or result.get("module_stderr") or ""
            return {"changed": False, "contact": {"unreachable": False, "msg": said}}
        answered = time.time()
        facts = result.get("ansible_facts")
        if facts:
            facts["inventory_name"] = task_vars["inventory_hostname"]  # input_check refuses those of another host
            # The host looked at its clock somewhere between question and answer.
            epoch = int(facts["date_time"]["epoch"])
            facts["clock_skew_seconds"] = round(max(0.0, asked - 1 - epoch, epoch - answered), 1)
        return result  # type: ignore[no-any-return]
