#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of postgresql_state: one psql session to compare, a second one only when something differs."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_absent import refusals
from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_server import Server
from ansible_collections.holdfast.platform.plugins.module_utils.postgresql_steps import (
    all_steps,
    change_script,
    comparison,
)
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused, answered


def look(server: Server, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return what the server has, and in `contents` what each existing database has."""
    first, *rest = [json.loads(line) for line in server.psql(comparison(arguments)).splitlines() if line]
    return {**first, "contents": {entry["database"]: entry for entry in rest}}


def warnings_of(have: dict[str, Any]) -> list[str]:
    warnings = []
    if not have["data_checksums"]:
        warnings.append("the cluster has no data checksums; stop it, run `pg_checksums --enable`, start it")
    if have["pending_restart"]:
        warnings.append(f"these settings wait for a restart of PostgreSQL: {', '.join(have['pending_restart'])}")
    if have["altered"]:
        names = ", ".join(sorted(have["altered"]))
        warnings.append(f"ALTER SYSTEM overrides the files for {names}; run ALTER SYSTEM RESET for each")
    return warnings


def act(arguments: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    server = Server(arguments["version"], arguments["port"])
    have: dict[str, Any] = {"roles": {}, "databases": {}, "settings": [], "held": [], "contents": {}}
    try:
        have = look(server, arguments)
    except Refused:
        if not check:
            raise  # in check mode the server may not be installed yet, and everything is still to be done
    if against := refusals(arguments, have):
        raise Refused("\n".join(against))
    steps = all_steps(arguments, have)
    if steps and not check:
        server.psql(change_script(steps))
    result: dict[str, Any] = {"changed": bool(steps), "changes": [step.sentence for step in steps]}
    if "data_checksums" in have:
        result["server"] = {key: have[key] for key in ("data_checksums", "pending_restart", "altered")}
        result["warnings"] = warnings_of(have)
    if diff and steps:
        result["diff"] = {"prepared": "".join(f"+ {step.sentence}\n" for step in steps)}
    return result


def main(arguments: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    return answered(lambda: act(arguments, check, diff))
