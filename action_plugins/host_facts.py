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
        "folders_in": {"type": "str"},
        "upstreams": {"type": "str"},
        "must_answer": {"type": "bool", "default": True},
        "settled": {"type": "bool", "default": False},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        asked, upstreams = time.time(), self.names(arguments["upstreams"], task_vars)
        names = [*arguments["resolve"], *(name for name in upstreams if name not in arguments["resolve"])]
        try:
            folders = self.folders(arguments["folders_in"], task_vars)
            given = {"resolve": names, "folders": folders, "settled": arguments["settled"]}
            result = self.call("host_facts", given, task_vars)
        except AnsibleError as problem:  # also a password for sudo that is missing or wrong, which no module tells
            if arguments["must_answer"]:
                raise
            unreachable = isinstance(problem, AnsibleConnectionFailure)
            return {"changed": False, "contact": {"unreachable": unreachable, "msg": str(problem)}}
        if result.get("failed") and not arguments["must_answer"]:
            contact = {name: result.get(name) for name in ("msg", "module_stderr", "rc")}
            return {"changed": False, "contact": {"unreachable": False, **contact}}
        answered = time.time()
        facts = result.get("ansible_facts")
        if facts:
            facts["inventory_name"] = task_vars["inventory_hostname"]  # input_check refuses those of another host
            # The host looked at its clock somewhere between question and answer.
            epoch = int(facts["date_time"]["epoch"])
            facts["clock_skew_seconds"] = round(max(0.0, asked - 1 - epoch, epoch - answered), 1)
            found = facts.get("resolved_names", {})
            facts["resolved_upstreams"] = {name: found[name] for name in upstreams if name in found}
            facts["resolved_names"] = {name: found[name] for name in arguments["resolve"] if name in found}
            facts["settled"] = {"run": self.RUN, "digests": facts["settled"]} if facts.get("settled") else {}
            if arguments["must_answer"]:
                result["warnings"] = [f"{name} could not be found out ({why})" for name, why in failed_of(facts)]
        return result  # type: ignore[no-any-return]

    def folders(self, name: str | None, task_vars: dict[str, Any]) -> list[str]:
        """Return the paths in a variable; what is wrong with it is for others to say."""
        try:
            entries = self._templar.template(task_vars.get(name or "", []))
            return [str(entry["path"]) for entry in entries if str(entry["path"]).startswith("/")]
        except (AnsibleError, LookupError, TypeError):
            return []

    def names(self, variable: str | None, task_vars: dict[str, Any]) -> list[str]:
        """Return the names that a variable holds, none when it cannot be computed: who checks variables says so."""
        try:
            return list(self._templar.template(task_vars[variable])) if variable else []
        except AnsibleError:
            return []
