#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of host_status: what runs on this host and how it fares, in one call that judges nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.status_data import archive, backups, pooler, postgresql
from ansible_collections.holdfast.platform.plugins.module_utils.status_host import PARTS, states
from ansible_collections.holdfast.platform.plugins.module_utils.status_jobs import jobs
from ansible_collections.holdfast.platform.plugins.module_utils.status_services import (
    application,
    certificates,
    containers,
    in_force,
    sites,
    upgrades,
)

Answer = dict[str, Any]
KINDS: dict[str, Callable[[Answer], Answer]] = {
    "application": application,
    "archive": archive,
    "backups": backups,
    "certificates": certificates,
    "containers": containers,
    "in_force": in_force,
    "jobs": jobs,
    "pooler": pooler,
    "postgresql": postgresql,
    "sites": sites,
    "upgrades": upgrades,
}


def answer(ask: Callable[[], Any]) -> tuple[Any, str]:
    """Return what a question brings, or why it broke; that takes no other's answer away."""
    try:
        return ask(), ""
    except Exception as problem:  # noqa: BLE001 - nobody knows what a host has in store
        return None, " ".join(f"{type(problem).__name__}: {problem}".split()).rstrip(": ")


def main(arguments: Answer, _check: bool, _diff: bool) -> Answer:
    host: Answer = {"broken": {}}
    for name, ask in {"units": lambda: states(arguments["units"]), **PARTS}.items():
        found, why = answer(ask)
        host |= {"broken": host["broken"] | {name: why}} if why else {name: found}
    answers = []
    for probe in arguments["probes"]:
        found, why = answer(lambda probe=probe: KINDS[probe["kind"]](probe))  # type: ignore[misc]
        answers.append({"broken": why} if why else found)
    return {"changed": False, "host": host, "answers": answers}
