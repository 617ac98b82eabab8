#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of postgresql_standby: what one server of a cluster is, and the few moves that change it."""

from __future__ import annotations

from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.cluster import Server
from ansible_collections.holdfast.platform.plugins.module_utils.failover import (
    await_smaller_settings,
    lead,
    promote,
    reinstate,
    retire,
)
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import answered
from ansible_collections.holdfast.platform.plugins.module_utils.standby import Standby

PENDING_QUERY = "select name from pg_settings where pending_restart order by name;"


def act(arguments: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    server = Server(arguments)
    action = arguments["action"]
    if action == "look":
        result: dict[str, Any] = {"changes": [], "server": server.look()}
    elif action == "follow":
        changes = Standby(server, arguments).follow(check)
        pending = server.psql(PENDING_QUERY).splitlines() if server.answers() else []
        result = {"changes": changes, "pending_restart": pending}
    elif action == "prepare":
        server.psql("checkpoint;", seconds=600)
        result = {"changes": []}
    elif action == "reinstate":
        result = reinstate(server, check)
    else:
        result = {"lead": lead, "retire": retire, "promote": promote, "settle": await_smaller_settings}[action](
            server, arguments, check
        )
    result["changed"] = bool(result["changes"])
    if diff and result["changes"]:
        result["diff"] = {"prepared": "".join(f"+ {change}\n" for change in result["changes"])}
    return result


def main(arguments: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    result = answered(lambda: act(arguments, check, diff))
    return {"promoted": False, **result} if result.get("failed") else result
