"""Divides the memory of one host between all services on it."""

from bisect import bisect_left
from typing import Any, NamedTuple

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.numbers import LARGEST_MB, whole

RESERVE_FLOOR_MB = 256
RESERVE_DIVISOR = 10
SMALL_DIVISOR = 20  # what takes less than this part of the machine is none of its large consumers
FIXED_KEYS = {"name", "memory_mb"}
SHARE_KEYS = {"name", "share", "minimum_mb"}
SYSTEM = "operating system"


class Claim(NamedTuple):
    """What one service needs at least, its weight in the rest (0 for a fixed need), and the variable that sets it."""

    least: int
    weight: int
    variable: str

    def basis(self) -> str:
        """Return why it gets what it gets."""
        basis = f"share {self.weight}, at least {self.least}" if self.weight else "fixed"
        return f"{basis}, set by {self.variable}" if self.variable else basis


def _claim(claim: object, variables: dict[str, str]) -> tuple[str, Claim]:
    """Return name and meaning of one claim."""
    if not isinstance(claim, dict) or not isinstance(claim.get("name"), str) or not claim["name"]:
        raise TypeError(f"a claim must be a dict with a name, got {claim!r}")
    name = str(claim["name"])
    variable = variables.get(name, "")
    if set(claim) == FIXED_KEYS:
        return name, Claim(whole(claim["memory_mb"], f"{name}: memory_mb", 0), 0, variable)
    if not {"name", "share"} <= set(claim) <= SHARE_KEYS:
        raise ValueError(
            f"{name}: a claim has either memory_mb, or share and minimum_mb; got {sorted(map(str, claim))}"
        )
    least = whole(claim.get("minimum_mb", 0), f"{name}: minimum_mb", 0)
    return name, Claim(least, whole(claim["share"], f"{name}: share", 1), variable)


def _read(claims: object, variables: dict[str, str]) -> dict[str, Claim]:
    """Return the claims by name, sorted by name."""
    if not isinstance(claims, list):
        raise TypeError(f"claims must be a list, got {type(claims).__name__}")
    read: dict[str, Claim] = {}
    for entry in claims:
        name, claim = _claim(entry, variables)
        if name in read:
            raise ValueError(f"{name} claims memory twice; join the claims")
        read[name] = claim
    return dict(sorted(read.items()))


def _divide(claims: dict[str, Claim], available: int) -> dict[str, int]:
    """Give everybody the least, and the shares the rest by weight; a minimum above the share is kept."""
    given = {name: claim.least for name, claim in claims.items()}
    sharing = {name for name, claim in claims.items() if claim.weight}
    while sharing:
        rest = available - sum(given[name] for name in claims if name not in sharing)
        weights = sum(claims[name].weight for name in sharing)
        parts = {name: rest * claims[name].weight // weights for name in sharing}
        kept = {name for name in sharing if parts[name] < claims[name].least}
        if not kept:
            return given | parts
        sharing -= kept  # they stay at their minimum; divide again between the others
    return given


def _variables(claims: dict[str, Claim]) -> str:
    """Return what an operator can lower, the largest need first."""
    ordered = sorted(claims.values(), key=lambda claim: -claim.least)
    return " or ".join(dict.fromkeys(claim.variable for claim in ordered if claim.variable)) or "what a service claims"


def _machine(claims: dict[str, Claim], given: dict[str, int], total: int) -> dict[str, int]:
    """Return how large a machine the services with a share may take theirs for, by name.

    Guides count from the whole machine (a quarter of it for the buffers of a database), so the reserve is not taken
    out here: it lies in the rest. What other large services take is.
    """
    shares = {name: given[name] for name, claim in claims.items() if claim.weight}
    others = sum(given.values()) - sum(shares.values())
    machine = total if others * SMALL_DIVISOR <= total else total - others
    return {name: machine * size // (sum(shares.values()) or 1) for name, size in shares.items()}


def _table(claims: dict[str, Claim], given: dict[str, int], reserved: int, total: int, source: str) -> str:
    """Return the plan as aligned text."""
    machine = _machine(claims, given, total) if sum(given.values()) <= total - reserved else {}
    sized = {name: f", sized as for {size} MB" for name, size in machine.items()}
    rows = [(SYSTEM, reserved, "reserved, with page cache")]
    rows += [(name, given[name], claim.basis() + sized.get(name, "")) for name, claim in claims.items()]
    rows += [("free", total - reserved - sum(given.values()), ""), ("total", total, source)]
    left = max(len(name) for name, *_ in rows)
    return "\n".join(f"{name:<{left}}  {size:>8} MB  {basis}".rstrip() for name, size, basis in rows)


def _reserve(total: int) -> int:
    return max(RESERVE_FLOOR_MB, -(-total // RESERVE_DIVISOR))


def _enough(claims: dict[str, Claim], total: int, growing: dict[str, int]) -> int:
    """Return the least memory that suffices, also for the needs that grow with it."""

    def fits(size: int) -> bool:
        needs = [max(claim.least, -(-size * growing.get(name, 0) // 100)) for name, claim in claims.items()]
        return sum(needs) <= size - _reserve(size)

    return total + bisect_left(range(total, LARGEST_MB + 1), True, key=fits)


def _refuse(claims: dict[str, Claim], total: int, reserved: int, measured: bool, growing: dict[str, int]) -> None:
    """Say what does not fit and what to do about it: memory that was measured cannot be raised by a variable."""
    least = {name: claim.least for name, claim in claims.items()}
    needed, enough = sum(least.values()), _enough(claims, total, growing)
    lower = f"lower {_variables(claims)}"
    found = f"the host has {total} MB of memory (measured there)" if measured else f"host_memory_mb is {total}"
    cure = lower
    if enough <= LARGEST_MB:
        cure = f"{lower}, or give the host {enough} MB" if measured else f"raise host_memory_mb to {enough} or {lower}"
    raise ValueError(
        f"{found}, but the services need {needed} MB beside the {reserved} MB reserved for the {SYSTEM}; {cure}\n"
        + _table(claims, least, reserved, total, _source(measured))
    )


def _source(measured: bool) -> str:
    return "measured" if measured else "host_memory_mb"


def memory_plan(
    claims: list[dict[str, Any]],
    total_mb: int,
    variables: dict[str, str] | None = None,
    measured: bool = False,
    growing: dict[str, int] | None = None,
) -> dict[str, Any]:
    """Return who gets how much of ``total_mb``; refuse claims that do not fit."""
    total, read = whole(total_mb, "host_memory_mb", 1), _read(claims, variables or {})
    reserved = _reserve(total)
    if sum(claim.least for claim in read.values()) > total - reserved:
        _refuse(read, total, reserved, measured, growing or {})
    given = _divide(read, total - reserved)
    return {
        "total_mb": total,
        "reserved_mb": reserved,
        "services": [{"name": name, "memory_mb": size} for name, size in given.items()],
        "machine_mb": _machine(read, given, total),
        "free_mb": total - reserved - sum(given.values()),
        "table": _table(read, given, reserved, total, _source(measured)),
    }


FilterModule = filter_module(memory_plan)
