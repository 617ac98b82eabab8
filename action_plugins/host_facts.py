# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controller half of host_facts: compares clocks, tells why a host is silent. The documentation is in library/."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.loader import action_loader

RemoteCall: Any = action_loader.get("remote_call", class_only=True)


def failed_of(facts: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted(facts.get("facts_failed", {}).items())


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
        except AnsibleConnectionFailure as problem:
            if arguments["must_answer"]:
                raise
            return {"changed": False, "contact": {"unreachable": True, "msg": str(problem)}}
        except AnsibleError as problem:  # such as a password of sudo that nobody gave
            if arguments["must_answer"]:
                raise
            return {"changed": False, "contact": {"unreachable": False, "msg": str(problem)}}
        if result.get("failed") and not arguments["must_answer"]:
            contact = {name: result.get(name) for name in ("msg", "module_stderr", "rc")}
            return {"changed": False, "contact": {"unreachable": False, **contact}}
        answered = time.time()
        facts = result.get("ansible_facts")
        if facts:
            # The host looked at its clock somewhere between question and answer.
            epoch = int(facts["date_time"]["epoch"])
            facts["clock_skew_seconds"] = round(max(0.0, asked - 1 - epoch, epoch - answered), 1)
            if arguments["must_answer"]:
                result["warnings"] = [f"{name} could not be found out ({why})" for name, why in failed_of(facts)]
        return result  # type: ignore[no-any-return]
