"""Decides, from what all servers of a cluster say, which one leads and what the others need."""

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import kind_of

Seen = dict[str, dict[str, Any]]
# A standby with less than the primary of these stops replaying, or does not start.
SENSITIVE = {
    "max_connections": 100,
    "max_worker_processes": 8,
    "max_wal_senders": 10,
    "max_prepared_transactions": 0,
    "max_locks_per_transaction": 64,
}


KINDS = {
    "away": "does not answer",
    "new": "has no PostgreSQL yet",
    "empty": "has no data",
    "fresh": "is an empty server",
    "primary": "is primary",
    "standby": "is a standby",
    "stopped": "is stopped",
}


def _sentence(name: str, host: dict[str, Any]) -> str:
    if kind_of(host) not in ("primary", "standby", "stopped"):
        return f"{name} {KINDS[kind_of(host)]}"
    return f"{name} {KINDS[kind_of(host)]} (timeline {host['timeline']}, position {host['lsn']:X})"


def _said(seen: Seen) -> str:
    return "; ".join(_sentence(name, seen[name]) for name in sorted(seen))


def _leader(seen: Seen, request: dict[str, Any]) -> tuple[str, str]:
    """Return the host that leads, or nothing and the reason."""
    kinds = {name: kind_of(host) for name, host in seen.items()}
    primaries = sorted(name for name, kind in kinds.items() if kind == "primary")
    if len(primaries) > 1:
        cure = "playbooks/failover.yml -e failover_to=<right> -e failover_mode=forced -e failover_lost=<wrong>"
        return "", f"{' and '.join(primaries)} are primary at the same time; {cure} stops the wrong one"
    down = sorted(name for name, kind in kinds.items() if kind == "stopped")
    standbys = [name for name, kind in kinds.items() if kind == "standby"]
    if not primaries and not down and not standbys:
        away = sorted(name for name, kind in kinds.items() if kind == "away")
        return (
            ("", f"{', '.join(away)} does not answer; a cluster is begun with all its hosts")
            if away
            else (request["primary"], "")
        )
    handed = [host["handover"] for host in seen.values() if host.get("handover") in standbys]
    leader = primaries[0] if primaries else down[0] if len(down) == 1 and not handed else ""
    if not leader:
        cure = "finish the switchover with" if handed else "start the right one, or promote one with"
        to = handed[0] if handed else "<host>"
        return "", f"no host is primary; {cure} playbooks/failover.yml -e failover_to={to}"
    mine = seen[leader]
    given_up = {request["rebuild"], request["rejoin"]} | {name for name in standbys if seen[name]["interrupted"]}
    same = [name for name in standbys if name not in given_up and seen[name]["system"] == mine["system"]]
    ahead = [name for name in same if seen[name]["timeline"] > mine["timeline"]]
    if ahead:
        return "", f"{leader} is an old primary: {', '.join(sorted(ahead))} followed a newer one already"
    return leader, ""


def _part(name: str, host: dict[str, Any], leader: dict[str, Any], request: dict[str, Any]) -> dict[str, str]:
    """Return what a follower needs: how, when (before or after its configuration), or why it cannot."""
    kind = kind_of(host)
    if kind in ("new", "fresh"):
        return _follower("seed", "after")
    if kind == "empty" or host["interrupted"] or request["rebuild"] == name:
        return _follower("seed" if kind == "empty" else "erase", "before")
    if host["system"] != leader["system"]:
        what = "holds the data of another cluster" if host["system"] else "has data that cannot be read"
        return _follower(problem=f"{name} {what}; -e postgresql_rebuild={name} erases it")
    if request["rejoin"] == name and not host.get("streaming"):
        return _follower("rewind", "before")
    ended = dict(leader["history"]).get(host["timeline"], 0)
    if kind == "standby" or (host["clean"] and host["lsn"] < ended):  # everything it wrote has been taken over
        return _follower("stream", "after" if kind == "standby" else "before")
    cure = f"-e postgresql_rejoin={name} discards that and lets it follow"
    return _follower(problem=f"{name} was primary and may hold what the new one never got; {cure}")


def _follower(how: str = "stream", when: str = "never", problem: str = "") -> dict[str, str]:
    return {"part": "standby", "how": how, "when": when, "problem": problem}


def _order(have: dict[str, int], new: dict[str, int]) -> tuple[str, str]:
    """Return who changes first, everybody together unless standby-sensitive settings differ, or a refusal."""
    more = [name for name, value in new.items() if value > have.get(name, value)]
    less = [name for name, value in new.items() if value < have.get(name, value)]
    if more and less:
        cure = "raise first, and lower in a second run"
        return "together", f"{', '.join(more)} would rise and {', '.join(less)} fall in one run; {cure}"
    return ("standbys" if more else "primary" if less else "together"), ""


def _parts(seen: Seen, leader: str, request: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return the part of every host."""
    parts = {
        name: _part(name, host, seen[leader], request) if host else {**_follower(), "part": "away"}
        for name, host in seen.items()
        if name != leader
    }
    return parts | {leader: {**_follower(), "part": "primary"}}


def postgresql_replication_plan(seen: Seen, request: dict[str, Any]) -> dict[str, Any]:
    """Return the primary, the part of every host, who is configured first, and the problems that forbid all of it."""
    if not isinstance(seen, dict) or not seen:
        raise TypeError("the answers of the hosts must be a dict that is not empty")
    if request["primary"] not in seen:
        raise ValueError(f"postgresql_initial_primary is {request['primary']!r}; name one of {', '.join(sorted(seen))}")
    problems = [
        f"{variable} is {request[key]!r}; name one of {', '.join(sorted(seen))}"
        for variable, key in (("postgresql_rebuild", "rebuild"), ("postgresql_rejoin", "rejoin"))
        if request[key] and request[key] not in seen
    ]
    plan: dict[str, Any] = {"primary": "", "parts": {}, "first": "together", "notes": []}
    leader, reason = _leader(seen, request)
    if not leader:
        return {**plan, "problems": [f"{reason}. {_said(seen)}"]}
    parts = _parts(seen, leader, request)
    problems += [part["problem"] for _name, part in sorted(parts.items()) if part["problem"]]
    if leader in (request["rebuild"], request["rejoin"]):
        problems.append(f"{leader} is the primary; only a standby can be rebuilt or rejoin")
    new = {name: int(request["settings"].get(name, default)) for name, default in SENSITIVE.items()}
    first, refusal = _order(seen[leader].get("settings", {}), new)
    if not any(part["part"] == "standby" for part in parts.values()):
        first, refusal = "together", ""
    problems += [refusal] * bool(refusal)
    differs = f"{leader} is primary, although the inventory says postgresql_initial_primary: {request['primary']}"
    plan |= {"primary": leader, "parts": parts, "first": first, "settings": new, "problems": problems}
    return plan | {"notes": [differs] * (leader != request["primary"])}


def postgresql_turn(plan: dict[str, Any], host: str) -> int:
    """Return 2 for those that are configured after the others, otherwise 1.

    A setting has to rise on the standbys, or fall on the primary, first.
    """
    late = {"primary": "standby", "standbys": "primary"}.get(plan["first"])
    return 2 if plan["parts"][host]["part"] == late else 1


def postgresql_seen(hosts: list[dict[str, Any]], variables: Mapping[str, Mapping[str, Any]]) -> Seen:
    """Return what each server said when it was looked at; one that did not answer said nothing."""
    looks = {host["name"]: variables[host["name"]].get("postgresql_look_result", {}) for host in hosts}
    return {name: look.get("server", {}) for name, look in looks.items()}


def postgresql_replication_password(users: list[dict[str, Any]], name: str) -> str:
    """Return the password of the role that standbys connect as, nothing when there is none."""
    found = [user.get("password") for user in users if user["name"] == name and user.get("replication")]
    return str(found[0] or "") if found else ""


FilterModule = filter_module(
    postgresql_replication_plan, postgresql_replication_password, postgresql_seen, postgresql_turn
)
