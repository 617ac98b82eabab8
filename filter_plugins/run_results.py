"""What hosts said in the course of a run, for its summary."""

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

Host = Mapping[str, Any]


def _pending(host: Host) -> list[str]:
    """Return the settings of PostgreSQL that are written and wait for a restart, as the server itself said."""
    if (host.get("postgresql_restart_result") or {}).get("changed"):
        return []
    asked = (host.get("postgresql_state_result") or {}).get("server")
    server = (host.get("postgresql_follow_result") or {}) if asked is None else asked
    return list(server.get("pending_restart") or [])


def restarts_due(hosts: list[Host]) -> dict[str, str]:
    """Return by host which settings of PostgreSQL wait for a restart; hosts where none does are left out."""
    if not isinstance(hosts, list):
        raise TypeError("restarts_due takes a list of hosts")
    due = {str(host["inventory_hostname"]): ", ".join(_pending(host)) for host in hosts}
    return {name: settings for name, settings in due.items() if settings}


def standby_lines(standbys: list[Mapping[str, Any]]) -> list[str]:
    """Return one line per standby of a primary: its name, its state and how far it is behind."""
    return [f"{each['name']}, {each['state']}, {each['lag_bytes']} bytes behind" for each in standbys]


FilterModule = filter_module(restarts_due, standby_lines)
