"""What app hosts say of a release: which version ran before, what runs now, and where it stopped."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

Host = Mapping[str, Any]
DOUBTS = {"unhealthy": ", not healthy", "unreachable": ", if it still runs", "serving": "", "absent": ""}


def _result(host: Host, step: str) -> Mapping[str, Any]:
    """Return what a step of role app has published of a host, nothing when the host did not get that far."""
    return host.get(f"app_{step}_result") or {}


def _version_before(host: Host) -> str:
    containers = _result(host, "prepare").get("containers") or [{}]
    return str(containers[0].get("image_before") or "").rpartition(":")[2] or "nothing"


def _reason(message: str) -> str:
    """Return the first line; where it announces what a program said, the last words of that are the cause."""
    first, *rest = message.strip().split("\n")
    return f"{first} {rest[-1]}" if rest else first


def _stopped(host: Host) -> dict[str, str]:
    """Return why a release stopped on a host, and what became of the version that was there."""
    failure = host["ansible_failed_result"]
    lost = any(_result(host, step).get("unreachable") for step in ("migrate", "switch"))
    state = "unhealthy" if failure.get("healthy") is False else "serving"
    if lost:
        state = "unreachable"
    elif _version_before(host) == "nothing":
        state = "absent"
    reason = _reason(str(failure.get("msg") or "no reason given"))
    return {"host": str(host["inventory_hostname"]), "reason": reason, "state": state}


def release_state(hosts: list[Host], version: str) -> dict[str, Any]:
    """Return what is due, ran before, was switched and runs now; of several hosts that stopped the first counts."""
    if not isinstance(hosts, list) or not isinstance(version, str):
        raise TypeError("release_state takes a list of hosts and the version that is released")
    by_name = {str(host["inventory_hostname"]): host for host in hosts}
    before = {name: _version_before(host) for name, host in by_name.items()}
    switched = [name for name, host in by_name.items() if _result(host, "switch").get("releases")]
    stopped = next((_stopped(host) for host in hosts if "ansible_failed_result" in host), {})
    running = {**before, **dict.fromkeys(switched, version)}
    if stopped:
        running[stopped["host"]] = before[stopped["host"]] + DOUBTS[stopped["state"]]
    return {
        "due": any(_result(host, "prepare").get("due") for host in hosts),
        "before": before,
        "replaced": sorted({*before.values()} - {version, "nothing"}),
        "switched": switched,
        "running": running,
        "stopped": stopped,
    }


def _deploys(lines: list[str], name: str) -> Iterator[Mapping[str, Any]]:
    for line in map(json.loads, lines):
        if line["name"] == name and line["by"] == "deploy" and line["previous"]:
            yield line


def version_before_deploy(lines: list[str], name: str) -> str:
    """Return the version before the newest deploy that hosts remember, nothing when there is none."""
    newest = max(_deploys(lines, name), key=lambda line: str(line["time"]), default={"previous": ""})
    return str(newest["previous"])


FilterModule = filter_module(release_state, version_before_deploy)
