"""Divides the memory of a PostgreSQL server between buffers, connections, maintenance and page cache."""

import re
from bisect import bisect_left
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module, findings_of
from ansible_collections.holdfast.platform.plugins.plugin_utils.numbers import (
    GB,
    KILOBYTES,
    LARGEST_MB,
    MB,
    size_text,
    within,
)

BACKEND = 3 * MB  # private memory of a connection beside work_mem; measured: TPC-B 1.6, 60 tables prepared 3.4
HUGE_FROM = 2 * GB  # below, page tables are too small to be worth a reservation
NUMBERS = {"memory_mb": (128, LARGEST_MB), "cpus": (1, 1024), "max_connections": (1, 262143)}
DIVISORS = {"web": (1, 16), "oltp": (1, 16), "warehouse": (2, 8), "mixed": (2, 16)}  # of work_mem, of maintenance
# What is read from overrides: sizes with PostgreSQL's unit, in kB, of a bare number, and counts.
SIZES = {"shared_buffers": 8, "work_mem": 1, "maintenance_work_mem": 1, "autovacuum_work_mem": 1}
COUNTS = ("max_connections", "autovacuum_max_workers")

Reason = dict[str, str | int]
Part = tuple[str, int, str]


def _number(name: str, value: object) -> int:
    """Read a size, in kB, or a count as PostgreSQL reads it."""
    parts = re.fullmatch(r"([0-9]{1,18}) ?(kB|MB|GB|TB)?", str(value))
    if name in COUNTS:
        if parts is None or parts[2] or not 1 <= int(parts[1]) <= 262143:
            raise ValueError(f"{name} is {value!r}; write a whole number from 1 to 262143")
        return int(parts[1])
    if parts is None:
        raise ValueError(f"{name} is {value!r}, not a size; write a whole number with kB, MB, GB or TB")
    kilobytes = int(parts[1]) * KILOBYTES.get(parts[2], SIZES[name])
    if kilobytes < 64:
        raise ValueError(f"{name} is {value!r}, which is {kilobytes}kB; name the unit, as in '64MB'")
    return kilobytes


def _checked(server: object, overrides: object) -> tuple[dict[str, Any], dict[str, int], bool | None]:
    """Return the server, the overrides that count here as numbers, and whether they say something of huge pages."""
    if not isinstance(server, dict) or not isinstance(overrides, dict):
        raise TypeError("server and overrides must be dicts")
    for name, (low, high) in NUMBERS.items():
        within(server.get(name), name, low, high)
    for name, accepted in (("version", (15, 17)), ("workload", (*DIVISORS,)), ("huge_pages", (False, True))):
        if server.get(name) not in accepted:
            raise ValueError(f"{name} must be one of {', '.join(map(str, accepted))}, got {server.get(name)!r}")
    server = {**server, "machine_mb": max(server["memory_mb"], server.get("machine_mb") or 0)}
    fixed = {name: _number(name, overrides[name]) for name in (*SIZES, *COUNTS) if name in overrides}
    huge = overrides.get("huge_pages")
    return server, fixed, None if huge is None else huge is True or str(huge) in ("on", "true", "yes", "1")


def _shared(buffers: int, connections: int, version: int) -> int:
    """Estimate, from above, what `postgres -C shared_memory_size` will say; the tests hold it against real servers."""
    wal = min(16 * MB, buffers // 32)
    caches = 3 * min(8 * MB, buffers // 512) + 5 * MB if version >= 17 else 0  # grow with the buffers since 17
    return buffers + buffers * (23 if version >= 17 else 22) // 1000 + wal + caches + 45 * connections + 10 * MB


def _parts(server: dict[str, Any], sizes: dict[str, int], huge: bool) -> list[Part]:
    """Return who needs how much when every connection sorts once and everything is maintained at the same time."""
    connections, workers = sizes["max_connections"], sizes["autovacuum_max_workers"]
    shared = _shared(sizes["shared_buffers"], connections, server["version"])
    tables = 0 if huge else min(8 * MB, shared // 512)  # 8 bytes for each 4 kB that a connection has touched
    work, vacuum = sizes["work_mem"], sizes["autovacuum_work_mem"]
    note = f" and {tables}kB of page tables" if tables else ""
    return [
        ("shared memory", shared, f"shared_buffers {size_text(sizes['shared_buffers'])} and what goes with them"),
        ("connections", connections * (BACKEND + tables), f"{connections} x {size_text(BACKEND)}{note}"),
        ("work_mem", connections * work, f"{connections} x {size_text(work)}"),
        ("maintenance", sizes["maintenance_work_mem"], "one at a time"),
        ("autovacuum", workers * vacuum, f"{workers} x {size_text(vacuum)}"),
        ("page cache", server["memory_mb"] * MB // 10, "at least a tenth"),
    ]


def _sizes(server: dict[str, Any], fixed: dict[str, int], huge_wanted: bool | None) -> tuple[dict[str, int], bool]:
    """Return the sizes in kB and the counts, and whether huge pages are used; what is fixed enters the rest."""
    memory, cpus = server["memory_mb"] * MB, server["cpus"]
    work_divisor, maintenance_divisor = DIVISORS[server["workload"]]
    sizes = {
        "max_connections": server["max_connections"],
        "autovacuum_max_workers": 3 + (cpus >= 16) + (cpus >= 32),
        "shared_buffers": server["machine_mb"] * MB // 4,
        "maintenance_work_mem": min(memory // maintenance_divisor, 2 * GB),
    } | fixed
    most = GB * (2 if server["version"] >= 17 else 1)  # before 17, VACUUM cannot use more than 1 GB
    sizes.setdefault("autovacuum_work_mem", min(sizes["maintenance_work_mem"] // sizes["autovacuum_max_workers"], most))
    huge = server["huge_pages"] and sizes["shared_buffers"] >= HUGE_FROM if huge_wanted is None else huge_wanted
    left = memory - sum(size for _, size, _ in _parts(server, {"work_mem": 0} | sizes, huge))
    users = sizes["max_connections"] + max(8, cpus)
    exposed = (memory - sizes["shared_buffers"]) // (users * 3) // work_divisor
    return {"work_mem": max(MB, min(exposed, left // sizes["max_connections"]))} | sizes, huge


def _table(parts: list[Part], memory_mb: int) -> str:
    free = memory_mb * MB - sum(size for _, size, _ in parts)
    rows = [*parts, ("free", free, ""), ("total", memory_mb * MB, "PostgreSQL's part of the host")]
    return "\n".join(f"{name:<13}  {-(-size // MB):>8} MB  {basis}".rstrip() for name, size, basis in rows)


def _settings(server: dict[str, Any], sizes: dict[str, int], huge: bool) -> dict[str, Reason]:
    memory, kind = f"memory {server['memory_mb']} MB", f"workload {server['workload']}"
    half, maintenance = (f" / {divisor}" if divisor > 1 else "" for divisor in DIVISORS[server["workload"]])
    text = {name: size_text(sizes[name]) if name in SIZES else sizes[name] for name in sizes}
    users = f"{sizes['max_connections']} connections and {max(8, server['cpus'])} workers"
    shares = f"{text['maintenance_work_mem']}, {text['autovacuum_max_workers']}, PostgreSQL {server['version']}"
    same, machine = server["machine_mb"] == server["memory_mb"], f"machine {server['machine_mb']} MB"
    possible = f"shared_buffers {text['shared_buffers']}, reservation {'' if server['huge_pages'] else 'not '}possible"
    text |= {"huge_pages": "on" if huge else "off"}
    work = f"(memory - shared_buffers) / (users x 3){half}, as far as the plan has room"
    formulas = {
        "autovacuum_max_workers": ("3, 4 from 16 CPUs, 5 from 32", f"{server['cpus']} CPUs"),
        "autovacuum_work_mem": ("maintenance_work_mem / autovacuum_max_workers, at most 1GB before 17", shares),
        "maintenance_work_mem": (f"memory{maintenance}, at most 2GB", f"{memory}, {kind}"),
        "max_connections": ("as the inventory says", ""),
        "shared_buffers": (f"{'memory' if same else 'machine'} / 4", memory if same else machine),
        "work_mem": (work, f"{memory}, {users}, {kind}"),
        "huge_pages": (f"on from {size_text(HUGE_FROM)} of shared_buffers, where pages can be reserved", possible),
    }
    return {name: {"value": text[name], "formula": each[0], "inputs": each[1]} for name, each in formulas.items()}


def _needed(server: dict[str, Any], fixed: dict[str, int], huge: bool | None, **memory: int) -> int:
    server = server | memory
    return -(-sum(size for _, size, _ in _parts(server, *_sizes(server, fixed, huge))) // MB)


def _least(server: dict[str, Any], fixed: dict[str, int], huge: bool | None) -> int:
    sizes = range(128, LARGEST_MB + 1)
    least = bisect_left(sizes, True, key=lambda mb: _needed(server, fixed, huge, memory_mb=mb, machine_mb=mb) <= mb)
    return sizes[min(least, len(sizes) - 1)]


def _served(server: dict[str, Any], fixed: dict[str, int], huge: bool | None) -> dict[str, Any]:
    """Return the server with as much of its machine to count from as its memory has room for."""
    memory, sizes = server["memory_mb"], range(server["memory_mb"], server["machine_mb"] + 1)
    beyond = bisect_left(sizes, True, key=lambda mb: _needed(server, fixed, huge, machine_mb=mb) > memory)
    return server | {"machine_mb": sizes[max(0, beyond - 1)]}


def postgresql_least_memory(server: dict[str, Any], overrides: dict[str, Any] | None = None) -> int:
    """Return the least memory_mb that postgresql_memory does not refuse."""
    return _least(*_checked({**server, "memory_mb": LARGEST_MB, "machine_mb": 0}, overrides or {}))


def postgresql_memory(server: dict[str, Any], overrides: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the settings that divide ``memory_mb``, with reasons, and who needs how much; refuse what cannot fit."""
    known, fixed, huge_wanted = _checked(server, {} if overrides is None else overrides)
    known = _served(known, fixed, huge_wanted)
    sizes, huge = _sizes(known, fixed, huge_wanted)
    parts, memory = _parts(known, sizes, huge), int(known["memory_mb"])
    if (needed := -(-sum(size for _, size, _ in parts) // MB)) > memory:
        raise ValueError(
            f"PostgreSQL may use {memory} MB, but needs {needed} MB for max_connections {sizes['max_connections']}, "
            f"shared_buffers {size_text(sizes['shared_buffers'])} and work_mem {size_text(sizes['work_mem'])}; lower "
            f"one of them or give it {_least(known, fixed, huge_wanted)} MB\n{_table(parts, memory)}"
        )
    return {
        "settings": _settings(known, sizes, huge),
        "parts": [{"name": name, "memory_mb": -(-size // MB), "basis": basis} for name, size, basis in parts],
        "memory_mb": memory,
        "free_mb": memory - needed,
        # PostgreSQL's own answer may differ from ours by a twentieth, and by what is left free
        "shared_limit_mb": -(-parts[0][1] // MB) * 21 // 20 + memory - needed,
        "exposure_mb": 3 * sizes["max_connections"] * sizes["work_mem"] // MB,  # a sort and a hash (2) in every one
        "table": _table(parts, memory),
    }


def postgresql_memory_findings(server: dict[str, Any], overrides: dict[str, Any]) -> list[str]:
    """Return why the memory cannot be divided so, in one sentence with the table."""
    return findings_of(postgresql_memory, server, overrides)


FilterModule = filter_module(postgresql_memory, postgresql_memory_findings, postgresql_least_memory)
