"""Divides the memory of one host between all services on it."""

import functools
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

RESERVE_FLOOR_MB = 256
RESERVE_DIVISOR = 10
FIXED_KEYS = {"name", "memory_mb"}
SHARE_KEYS = {"name", "share", "minimum_mb"}
SYSTEM = "operating system"


def _whole(value: object, what: str, least: int) -> int:
    """Return a checked whole number."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{what} must be a whole number from {least}, got {value!r}")
    return int(value)


def _claim(claim: object) -> tuple[str, int, int]:
    """Return name, least memory and weight of one claim; the weight of a fixed need is 0."""
    if not isinstance(claim, dict) or not isinstance(claim.get("name"), str) or not claim["name"]:
        raise TypeError(f"a claim must be a dict with a name, got {claim!r}")
    name = str(claim["name"])
    if set(claim) == FIXED_KEYS:
        return name, _whole(claim["memory_mb"], f"{name}: memory_mb", 0), 0
    if not {"name", "share"} <= set(claim) <= SHARE_KEYS:
        raise ValueError(
            f"{name}: a claim has either memory_mb, or share and minimum_mb; got {sorted(map(str, claim))}"
        )
    return (
        name,
        _whole(claim.get("minimum_mb", 0), f"{name}: minimum_mb", 0),
        _whole(claim["share"], f"{name}: share", 1),
    )


def _read(claims: object) -> dict[str, tuple[int, int]]:
    """Return least memory and weight by name, sorted by name."""
    if not isinstance(claims, list):
        raise TypeError(f"claims must be a list, got {type(claims).__name__}")
    read: dict[str, tuple[int, int]] = {}
    for name, least, weight in map(_claim, claims):
        if name in read:
            raise ValueError(f"{name} claims memory twice; join the claims")
        read[name] = (least, weight)
    return dict(sorted(read.items()))


def _divide(claims: dict[str, tuple[int, int]], available: int) -> dict[str, int]:
    """Give everybody the least, and the shares the rest by weight; a minimum above the share is kept."""
    given = {name: least for name, (least, _) in claims.items()}
    sharing = {name for name, (_, weight) in claims.items() if weight}
    while sharing:
        rest = available - sum(given[name] for name in claims if name not in sharing)
        weights = sum(claims[name][1] for name in sharing)
        parts = {name: rest * claims[name][1] // weights for name in sharing}
        kept = {name for name in sharing if parts[name] < claims[name][0]}
        if not kept:
            return given | parts
        sharing -= kept  # they stay at their minimum; divide again between the others
    return given


def _table(claims: dict[str, tuple[int, int]], given: dict[str, int], reserved: int, total: int) -> str:
    """Return the plan as aligned text."""
    rows = [(SYSTEM, reserved, "reserved, with page cache")]
    for name, (least, weight) in claims.items():
        rows.append((name, given[name], f"share {weight}, at least {least}" if weight else "fixed"))
    rows += [("free", total - reserved - sum(given.values()), ""), ("total", total, "host_memory_mb")]
    left = max(len(name) for name, *_ in rows)
    return "\n".join(f"{name:<{left}}  {size:>8} MB  {basis}".rstrip() for name, size, basis in rows)


def memory_plan(claims: list[dict[str, Any]], total_mb: int) -> dict[str, Any]:
    """Return who gets how much of ``total_mb``; refuse claims that do not fit."""
    total, read = _whole(total_mb, "host_memory_mb", 1), _read(claims)
    reserved = max(RESERVE_FLOOR_MB, -(-total // RESERVE_DIVISOR))
    needed = sum(least for least, _ in read.values())
    if needed > total - reserved:
        table = _table(read, {name: least for name, (least, _) in read.items()}, reserved, total)
        # The least total that leaves `needed` beside either form of the reserve.
        cure = max(needed + RESERVE_FLOOR_MB, -(-needed * RESERVE_DIVISOR // (RESERVE_DIVISOR - 1)))
        raise ValueError(
            f"host_memory_mb is {total}, but the services need {needed} MB beside the {reserved} MB reserved for the "
            f"{SYSTEM}; raise host_memory_mb to {cure} or lower what a service claims\n{table}"
        )
    given = _divide(read, total - reserved)
    return {
        "total_mb": total,
        "reserved_mb": reserved,
        "services": [{"name": name, "memory_mb": size} for name, size in given.items()],
        "free_mb": total - reserved - sum(given.values()),
        "table": _table(read, given, reserved, total),
    }


FILTERS = (memory_plan,)


def _reported(core: Callable[..., object]) -> Callable[..., object]:
    """Let Ansible show a refusal of ``core`` as one sentence."""

    @functools.wraps(core)
    def run(*arguments: object, **options: object) -> object:
        try:
            return core(*arguments, **options)
        except (TypeError, ValueError) as error:
            raise AnsibleFilterError(str(error)) from error

    return run


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by name."""
        return {core.__name__: _reported(core) for core in FILTERS}
