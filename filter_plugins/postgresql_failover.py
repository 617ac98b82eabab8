"""Decides whether a standby may take over from its primary, and how."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import kind_of

Seen = dict[str, dict[str, Any]]


def _said(seen: Seen) -> str:
    return ", ".join(f"{name}: {kind_of(seen[name])}" for name in sorted(seen))


def postgresql_failover_plan(seen: Seen, request: dict[str, Any]) -> dict[str, Any]:
    """Return what brings the wanted host to lead: nothing, a switch, its end, or a promotion; and what forbids it."""
    to, forced = request["to"], request["mode"] == "forced"
    if to not in seen:
        raise ValueError(f"failover_to is {to!r}; name one of {', '.join(sorted(seen))}")
    kinds = {name: kind_of(host) for name, host in seen.items()}
    primaries = sorted(name for name, kind in kinds.items() if kind == "primary")
    plan: dict[str, Any] = {"step": "none", "old": "", "problems": [], "notes": []}
    if primaries == [to]:
        return plan
    if forced and to in primaries and {*primaries} == {to, request["lost"]}:
        return plan | {"step": "fence", "old": request["lost"]}
    if kinds[to] != "standby" or not seen[to]["running"]:
        return plan | {"problems": [f"{to} is no running standby. {_said(seen)}"]}
    return plan | (_forced(seen, kinds, request) if forced else _planned(seen, primaries, request))


def _planned(seen: Seen, primaries: list[str], request: dict[str, Any]) -> dict[str, Any]:
    """Return how to hand over, or how to end a handover that was begun."""
    to = request["to"]
    if len(primaries) == 1:
        return {"step": "switch", "old": primaries[0], "problems": _unready(seen, primaries[0], request)}
    handed = sorted(name for name, host in seen.items() if host.get("handover") == to and host.get("clean"))
    if not primaries and len(handed) == 1:
        return {"step": "finish", "old": handed[0]}
    cure = "when its primary is lost, add -e failover_mode=forced -e failover_lost=<host>"
    return {"problems": [f"not exactly one host is primary; {cure}. {_said(seen)}"]}


def _unready(seen: Seen, old: str, request: dict[str, Any]) -> list[str]:
    """Return why a planned switchover has to wait."""
    to, most = request["to"], request["lag_seconds"]
    problems = [f"{name} does not answer; a planned switchover needs all" for name in sorted(seen) if not seen[name]]
    application = seen[to].get("application", to)  # a long name is shortened there
    mine = [each for each in seen[old]["standbys"] if each["name"] == application and each["state"] == "streaming"]
    if not mine:
        problems.append(f"{to} does not stream from {old}; run playbooks/site.yml first")
    elif float(mine[0]["lag_seconds"]) > most:
        problems.append(
            f"{to} is {float(mine[0]['lag_seconds']):.0f} s behind {old}, more than {most}; try again later"
        )
    return problems


def _forced(seen: Seen, kinds: dict[str, str], request: dict[str, Any]) -> dict[str, Any]:
    """Return how to promote a standby without its primary."""
    to, lost = request["to"], request["lost"]
    problems, notes = [], []
    if lost not in seen or lost == to:
        problems.append(f"failover_lost is {lost!r}; confirm the loss by the name of the primary that is given up")
    problems += [f"{name} is primary and not given up" for name in kinds if kinds[name] == "primary" and name != lost]
    for name, host in sorted(seen.items()):
        if name in (to, lost) or kinds[name] != "standby":
            notes += [f"{name} does not answer; it may have got more than {to}"] * (not host and name != lost)
        elif (host["timeline"], host["lsn"]) > (seen[to]["timeline"], seen[to]["lsn"]):
            problems.append(f"{name} has got more than {to}; promote it instead with -e failover_to={name}")
    if lost in seen and not seen[lost]:
        notes.append(
            f"{lost} does not answer and could not be stopped; keep clients away from it until it has rejoined"
        )
    return {"step": "force", "old": lost, "problems": problems, "notes": notes}


FilterModule = filter_module(postgresql_failover_plan)
