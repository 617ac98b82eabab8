# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controller half of host_facts: compares the clocks. The documentation is in library/."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from ansible.plugins.loader import action_loader

RemoteCall: Any = action_loader.get("remote_call", class_only=True)


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Gather the facts and add how far the host's clock is from the controller's."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {"resolve": {"type": "list", "elements": "str", "default": []}}

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        asked = time.time()
        result = self.call("host_facts", arguments, task_vars)
        answered = time.time()
        facts = result.get("ansible_facts")
        if facts:
            # The host looked at its clock somewhere between question and answer.
            epoch = int(facts["date_time"]["epoch"])
            facts["clock_skew_seconds"] = round(max(0.0, asked - 1 - epoch, epoch - answered), 1)
        return result  # type: ignore[no-any-return]
