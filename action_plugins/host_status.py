# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controller half of host_status: asks the host what its roles offer, and judges. The documentation is in library/."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.loader import action_loader

from ansible_collections.holdfast.platform.plugins.plugin_utils.status_findings import (
    DEFAULT_LIMITS,
    Finding,
    host_findings,
    remarks,
    unit_findings,
)
from ansible_collections.holdfast.platform.plugins.plugin_utils.status_probes import JUDGES, probe_findings
from ansible_collections.holdfast.platform.plugins.plugin_utils.status_shown import status_shown, status_table

RemoteCall: Any = action_loader.get("remote_call", class_only=True)
NEEDED = re.compile(r"\w+_offer[.](units|probes) ")


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Return the state of a host and what of it deserves a look."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "offers": {"type": "dict", "default": {}},
        "refused": {"type": "list", "elements": "str", "default": []},
        "contact": {"type": "dict", "default": {}},
        "disk_percent": {"type": "int", "default": 90},
        "memory_percent": {"type": "int", "default": 95},
        "certificate_days": {"type": "int", "default": 21},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        host, offers = task_vars["inventory_hostname"], self.plain(arguments["offers"])
        units = {role: list(offer.get("units") or []) for role, offer in offers.items()}
        probes = [(role, probe) for role, offer in offers.items() for probe in offer.get("probes") or []]
        unknown = [probe["kind"] for _role, probe in probes if probe["kind"] not in JUDGES]
        if unknown:
            raise AnsibleError(f"probes has the kind {', '.join(unknown)}; choose one of {', '.join(sorted(JUDGES))}")
        given = {"units": [name for names in units.values() for name in names], "probes": [each for _, each in probes]}
        contact = arguments["contact"] or None
        found: dict[str, Any] = {}
        if not contact:
            found, contact = self.asked(given, task_vars)
        if contact:
            return self.without_answer(host, contact)
        answers = [(role, probe, answer) for (role, probe), answer in zip(probes, found["answers"], strict=True)]
        limits = {name: arguments[name] for name in DEFAULT_LIMITS}
        attention = list(self.judged(arguments["refused"], units, found["host"], answers, limits))
        status = status_shown(found["host"], [(probe["kind"], answer) for _role, probe, answer in answers])
        status["attention"] = [finding.entry(host) for finding in attention]
        of_roles = set(given["units"])
        return {
            "changed": False,
            "status": status,
            "attention": status["attention"],
            "remarks": remarks(host, found["host"].get("failed_units", []), of_roles),
            "table": status_table(host, status),
        }

    def asked(self, given: dict[str, Any], task_vars: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return what the host says, or why it says nothing."""
        try:
            found = self.call("host_status", given, task_vars)
        except AnsibleError as problem:
            return {}, {"unreachable": isinstance(problem, AnsibleConnectionFailure), "msg": str(problem)}
        if "answers" not in found:
            return {}, {"unreachable": False, **{name: found.get(name) for name in ("msg", "module_stderr", "rc")}}
        return found, None

    def without_answer(self, host: str, contact: Mapping[str, Any]) -> dict[str, Any]:
        """Return that a host cannot be asked, which is a finding: the others are told of all the same."""
        reason = "".join(self.filter_named("preflight_findings")({}, {"host": host, "probe": dict(contact)}))
        finding = Finding("the host", "does not answer:", reason, "mend that, and run this again").entry(host)
        status = {"unreachable": True, "reason": reason, "attention": [finding | {"text": reason}]}
        return {"changed": False, "status": status, "attention": status["attention"], "remarks": [], "table": reason}

    def judged(
        self,
        refused: list[str],
        units: Mapping[str, list[str]],
        state: Mapping[str, Any],
        answers: list[tuple[str, dict[str, Any], dict[str, Any]]],
        limits: Mapping[str, int],
    ) -> Iterator[Finding]:
        """Judge role by role. What only follows from a unit that does not run is not said beside it."""
        for sentence in filter(NEEDED.match, refused):
            yield Finding("the inventory", "says too little:", sentence, "preflight.yml tells what is wrong with it")
        stopped, said = set(), set()
        for role, names in units.items():
            for finding in unit_findings(names, state.get("units", {})):
                stopped.add(role)
                if finding.what not in said:
                    yield finding
                said.add(finding.what)
        for role, probe, answer in answers:
            for finding in probe_findings(probe, answer, limits):
                if not (finding.follows and role in stopped):
                    yield finding
        yield from host_findings(state, {name for names in units.values() for name in names}, limits)
