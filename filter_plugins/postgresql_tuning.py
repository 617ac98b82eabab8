"""Chooses the settings of a PostgreSQL server from its processors, storage and workload, and says why."""

import re
from typing import Any, NamedTuple

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module, findings_of
from ansible_collections.holdfast.platform.plugins.plugin_utils.numbers import KILOBYTES, MB, size_text, within


class Workload(NamedTuple):
    """What a kind of use changes."""

    max_wal_mb: int
    statistics: int
    jit: str
    vacuum_scale: str  # part of a table that may be dead before autovacuum comes
    analyze_scale: str  # part that may have changed before its statistics are taken anew


WORKLOADS = {
    "web": Workload(4096, 100, "off", "0.1", "0.05"),
    "oltp": Workload(8192, 100, "off", "0.05", "0.02"),
    "warehouse": Workload(16384, 500, "on", "0.2", "0.1"),
    "mixed": Workload(4096, 100, "off", "0.1", "0.05"),
}
STORAGES = {"ssd": ("1.1", 200, 1000), "hdd": ("4", 2, 200)}  # page cost, I/O concurrency, autovacuum's cost limit
NUMBERS = {"memory_mb": (128, 2**24), "cpus": (1, 1024), "max_connections": (1, 262143)}
NUMBERS |= {"wal_disk_mb": (0, 2**32), "wal_room_mb": (0, 2**32)}
CHOICES: dict[str, tuple[object, ...]] = {"version": (15, 17), "workload": (*WORKLOADS,), "storage": (*STORAGES,)}
CHOICES |= {"huge_pages": (False, True)}

Reason = tuple[str | int, str, str]  # value, formula, inputs


def _wal_size(value: str | int) -> int:
    """Read max_wal_size, in kB, as PostgreSQL reads it."""
    parts = re.fullmatch(r"([0-9]{1,18}) ?(kB|MB|GB|TB)?", str(value))
    if parts is None or int(parts[1]) * KILOBYTES[parts[2] or "MB"] < 32 * MB:
        raise ValueError(f"max_wal_size is {value!r}; write a whole number with MB, GB or TB, at least 32MB")
    return int(parts[1]) * KILOBYTES[parts[2] or "MB"]


def _server(server: dict[str, Any]) -> dict[str, Any]:
    """Return the checked description of the server."""
    if not isinstance(server, dict):
        raise TypeError(f"server must be a dict, got {type(server).__name__}")
    if wrong := {*NUMBERS, *CHOICES} ^ (set(server) - {"machine_mb"}):
        raise ValueError(f"server: missing or unknown {sorted(map(str, wrong))}; use {[*NUMBERS, *CHOICES]}")
    for name, (low, high) in NUMBERS.items():
        within(server[name], name, low, high)
    for name, accepted in CHOICES.items():
        if isinstance(server[name], bool) != isinstance(accepted[0], bool) or server[name] not in accepted:
            raise ValueError(f"{name} must be one of {', '.join(map(str, accepted))}, got {server[name]!r}")
    return server


def _override(name: object, value: object) -> str | int:
    """Return one override in the spelling of postgresql.conf."""
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", name):
        raise ValueError(f"overrides: {name!r} is not the name of a setting")
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (str, float)) and not re.search(r"[\x00-\x1f]", str(value)):
        return str(value)
    raise TypeError(f"overrides: {name} must be a number, a boolean or one line of text, got {type(value).__name__}")


def _processors(server: dict[str, Any]) -> dict[str, Reason]:
    """Return what depends on the processors."""
    cpus, half = int(server["cpus"]), int(server["cpus"]) // 2
    warehouse, with_cpus = server["workload"] == "warehouse", f"{server['cpus']} CPUs"
    gather = "CPUs / 2" if warehouse else "CPUs / 2, at most 4"
    return {
        "max_worker_processes": (max(8, cpus), "CPUs, at least 8, which extensions and replication share", with_cpus),
        "max_parallel_workers": (cpus, "CPUs", with_cpus),
        "max_parallel_workers_per_gather": (half if warehouse else min(4, half), gather, with_cpus),
        "max_parallel_maintenance_workers": (min(4, half), "CPUs / 2, at most 4", with_cpus),
    }


def _use(server: dict[str, Any]) -> dict[str, Reason]:
    """Return what depends on the workload."""
    workload, kind = WORKLOADS[server["workload"]], f"workload {server['workload']}"
    machine = max(int(server.get("machine_mb") or 0), int(server["memory_mb"]))
    what = "machine" if machine > server["memory_mb"] else "memory"
    return {
        "autovacuum_vacuum_scale_factor": (workload.vacuum_scale, "less the more rows are updated", kind),
        "autovacuum_analyze_scale_factor": (workload.analyze_scale, "less the more rows are updated", kind),
        "default_statistics_target": (workload.statistics, "100, warehouse 500", kind),
        "jit": (workload.jit, "on for warehouse, whose queries run long enough to pay for compiling", kind),
        "effective_cache_size": (size_text(machine * MB * 3 // 4), f"{what} x 3/4", f"{what} {machine} MB"),
    }


def _check_wal(wal: int, disk: int, room: int) -> None:
    """Refuse WAL that its disk cannot hold."""
    if 0 < disk < 512:
        raise ValueError(f"the file system of pg_wal has {disk} MB; PostgreSQL needs at least 512")
    if disk and wal > disk * MB // 2:
        raise ValueError(f"max_wal_size is {size_text(wal)}, the WAL disk has {disk} MB; lower it to {disk // 2}MB")
    if room and wal > room * MB:
        raise ValueError(
            f"max_wal_size is {size_text(wal)}, but the file system of pg_wal has room for {room} MB only; "
            f"free space there or lower max_wal_size in postgresql_settings to {room // 2}MB"
        )


def _storage(server: dict[str, Any], wanted: dict[str, str | int]) -> dict[str, Reason]:
    """Return what depends on the disks."""
    disk, (page_cost, concurrency, vacuum_cost) = int(server["wal_disk_mb"]), STORAGES[server["storage"]]
    quarter = disk // 4 // 16 * 16 or 2**32  # whole segments of 16 MB
    wal = _wal_size(wanted.get("max_wal_size", f"{min(WORKLOADS[server['workload']].max_wal_mb, quarter)}MB"))
    _check_wal(wal, disk, int(server["wal_room_mb"]))
    keep = min(2 * wal, disk * MB // 2) if disk else 2 * wal
    kind, storage = f"workload {server['workload']}", f"storage {server['storage']}"
    wal_disk, with_wal = f"WAL disk of {disk} MB" if disk else "WAL disk unknown", f"max_wal_size {size_text(wal)}"
    scans, both = server["workload"] == "warehouse", f"{with_wal}, {wal_disk}"
    return {
        "random_page_cost": ("4" if scans else page_cost, "1.1 on ssd, 4 on hdd and for scans", f"{storage}, {kind}"),
        "effective_io_concurrency": (concurrency, "200 on ssd, 2 on hdd", storage),
        "autovacuum_vacuum_cost_limit": (vacuum_cost, "1000 on ssd, 200 on hdd", storage),
        "checkpoint_timeout": ("15min", "long, so that fewer whole pages are logged; recovery takes longer", ""),
        "max_wal_size": (size_text(wal), "by workload, at most a quarter of the WAL disk", f"{kind}, {wal_disk}"),
        "min_wal_size": (size_text(max(wal // 4, 32 * MB)), "max_wal_size / 4", with_wal),
        "max_slot_wal_keep_size": (size_text(keep // MB * MB), "max_wal_size x 2, at most half of the WAL disk", both),
        "wal_compression": ("lz4", "cheap, and shrinks the archive", ""),
    }


def _unit(name: str, value: str | int) -> str:
    """Return the unit that a value is given in."""
    unit = re.fullmatch(r"[0-9]+ ?([A-Za-z]{1,3})", str(value))
    return unit[1] if unit else "MB" if name == "max_wal_size" else ""


def postgresql_reasons(
    server: dict[str, Any], memory: dict[str, dict[str, Any]], overrides: dict[str, Any] | None = None
) -> dict[str, dict[str, str | int]]:
    """Return every setting, sorted by name, with its value, unit, formula and inputs; an override wins."""
    known = _server(server)
    if not isinstance(overrides or {}, dict):
        raise TypeError(f"overrides must be a dict, got {type(overrides).__name__}")
    wanted = {str(name): _override(name, value) for name, value in (overrides or {}).items()}
    computed = _processors(known) | _use(known) | _storage(known, wanted)
    computed |= {name: (each["value"], each["formula"], each["inputs"]) for name, each in memory.items()}
    for name, value in wanted.items():
        if name not in computed and name.lower() in computed:
            raise ValueError(f"postgresql_settings has {name}; spell it {name.lower()}")
        before = computed.get(name, (value,))[0]
        computed[name] = (value, "given", "" if before == value else f"instead of {before}")
    return {
        name: {"value": value, "unit": _unit(name, value), "formula": formula, "inputs": inputs}
        for name, (value, formula, inputs) in sorted(computed.items())
    }


def postgresql_tuning(
    server: dict[str, Any], memory: dict[str, dict[str, Any]], overrides: dict[str, Any] | None = None
) -> dict[str, str | int]:
    """Return the values of postgresql_reasons alone."""
    return {name: reason["value"] for name, reason in postgresql_reasons(server, memory, overrides).items()}


def postgresql_tuning_findings(
    server: dict[str, Any], memory: dict[str, dict[str, Any]], overrides: dict[str, Any]
) -> list[str]:
    """Return why the settings cannot be computed, in one sentence."""
    return findings_of(postgresql_reasons, server, memory, overrides)


FilterModule = filter_module(postgresql_reasons, postgresql_tuning, postgresql_tuning_findings)
