"""Sizes a PostgreSQL server from its memory, processors, storage and workload."""

import functools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from ansible.errors import AnsibleFilterError

MB = 1024  # in kB
GB = 1024 * MB
STORAGES = {"ssd": ("1.1", 200), "hdd": ("4", 2)}  # random_page_cost, effective_io_concurrency


class Workload(NamedTuple):
    """What a kind of use changes."""

    work_mem_divisor: int
    maintenance_divisor: int
    max_wal_mb: int
    statistics: int
    jit: str


WORKLOADS = {
    "web": Workload(1, 16, 4096, 100, "off"),
    "oltp": Workload(1, 16, 8192, 100, "off"),
    "warehouse": Workload(2, 8, 16384, 500, "on"),
    "mixed": Workload(2, 16, 4096, 100, "off"),
}
NUMBERS = {"memory_mb": (128, 2**24), "cpus": (1, 1024), "max_connections": (1, 262143), "wal_disk_mb": (0, 2**32)}
CHOICES: dict[str, tuple[object, ...]] = {"version": (15, 17), "workload": (*WORKLOADS,), "storage": (*STORAGES,)}
# The sizes that other values are derived from, with PostgreSQL's unit, in kB, of a bare number.
SIZES = {"shared_buffers": 8, "work_mem": 1, "maintenance_work_mem": 1, "max_wal_size": MB}
UNITS = {"kB": 1, "MB": MB, "GB": GB, "TB": 1024 * GB}


def _size_text(kilobytes: int) -> str:
    """Return a size with the largest unit that expresses it exactly."""
    unit = max((unit for unit, factor in UNITS.items() if kilobytes % factor == 0), key=UNITS.__getitem__)
    return f"{kilobytes // UNITS[unit]}{unit}"


def _kilobytes(name: str, value: str | int) -> int:
    """Read a size as PostgreSQL reads it."""
    parts = re.fullmatch(r"([0-9]+) ?(kB|MB|GB|TB)?", str(value))
    if parts is None:
        raise ValueError(f"{name} is {value!r}, not a size; write a whole number with kB, MB, GB or TB")
    kilobytes = int(parts[1]) * UNITS.get(parts[2], SIZES[name])
    if kilobytes < 64:
        raise ValueError(f"{name} is {value!r}, which is {kilobytes}kB; name the unit, as in '64MB'")
    return kilobytes


def _server(server: dict[str, Any]) -> dict[str, Any]:
    """Return the checked description of the server."""
    if not isinstance(server, dict):
        raise TypeError(f"server must be a dict, got {type(server).__name__}")
    if wrong := {*NUMBERS, *CHOICES} ^ set(server):
        raise ValueError(f"server: missing or unknown {sorted(map(str, wrong))}; use {[*NUMBERS, *CHOICES]}")
    for name, (low, high) in NUMBERS.items():
        value = server[name]
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{name} must be a whole number from {low} to {high}, got {value!r}")
    for name, accepted in CHOICES.items():
        if isinstance(server[name], bool) or server[name] not in accepted:
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


def _overrides(overrides: dict[str, Any]) -> dict[str, str | int]:
    """Return the checked overrides."""
    if not isinstance(overrides, dict):
        raise TypeError(f"overrides must be a dict, got {type(overrides).__name__}")
    checked = {str(name): _override(name, value) for name, value in overrides.items()}
    for name in SIZES.keys() & checked.keys():
        _kilobytes(name, checked[name])
    connections = str(checked.get("max_connections", 1))
    if not re.fullmatch(r"[1-9][0-9]{0,5}", connections):
        raise ValueError(f"max_connections is {connections!r}; write a whole number from 1 to 262143")
    return checked


def _memory(server: dict[str, Any], wanted: dict[str, str | int]) -> dict[str, str | int]:
    """Return what depends on the memory."""
    workload, memory = WORKLOADS[server["workload"]], int(server["memory_mb"]) * MB
    connections = int(wanted.get("max_connections", server["max_connections"]))
    buffers = _kilobytes("shared_buffers", wanted.get("shared_buffers", _size_text(memory // 4)))
    users = connections + max(8, server["cpus"])
    work = max(MB, (memory - buffers) // (users * 3) // workload.work_mem_divisor)
    computed = min(memory // workload.maintenance_divisor, 2 * GB)
    maintenance = _kilobytes("maintenance_work_mem", wanted.get("maintenance_work_mem", _size_text(computed)))
    return {
        "max_connections": connections,
        "shared_buffers": _size_text(buffers),
        "effective_cache_size": _size_text(memory * 3 // 4),
        "work_mem": _size_text(work),
        "maintenance_work_mem": _size_text(maintenance),
        # Before 17, VACUUM cannot use more than 1 GB.
        "autovacuum_work_mem": _size_text(min(maintenance, GB * (2 if server["version"] >= 17 else 1))),
        "huge_pages": "try" if buffers >= 2 * GB else "off",
    }


def _processors(server: dict[str, Any]) -> dict[str, str | int]:
    """Return what depends on the processors and the workload."""
    cpus, workload = int(server["cpus"]), WORKLOADS[server["workload"]]
    half = cpus // 2
    return {
        "max_worker_processes": max(8, cpus),
        "max_parallel_workers": cpus,
        "max_parallel_workers_per_gather": half if server["workload"] == "warehouse" else min(4, half),
        "max_parallel_maintenance_workers": min(4, half),
        "autovacuum_max_workers": 3 + (cpus >= 16) + (cpus >= 32),
        "default_statistics_target": workload.statistics,
        "jit": workload.jit,
    }


def _storage(server: dict[str, Any], wanted: dict[str, str | int]) -> dict[str, str | int]:
    """Return what depends on the disks."""
    disk, (page_cost, concurrency) = int(server["wal_disk_mb"]), STORAGES[server["storage"]]
    if 0 < disk < 512:
        raise ValueError(f"wal_disk_mb is {disk}; PostgreSQL needs at least 512 for its WAL")
    quarter = disk // 4 // 16 * 16 or 2**32  # whole segments of 16 MB
    computed = min(WORKLOADS[server["workload"]].max_wal_mb, quarter)
    wal = _kilobytes("max_wal_size", wanted.get("max_wal_size", f"{computed}MB"))
    if disk and wal > disk * MB // 2:
        raise ValueError(f"max_wal_size is {_size_text(wal)}, the WAL disk has {disk} MB; lower it to {disk // 2}MB")
    keep = min(2 * wal, disk * MB // 2) if disk else 2 * wal
    return {
        "random_page_cost": "4" if server["workload"] == "warehouse" else page_cost,
        "effective_io_concurrency": concurrency,
        "checkpoint_timeout": "15min",
        "max_wal_size": _size_text(wal),
        "min_wal_size": _size_text(max(wal // 4, 32 * MB)),
        "max_slot_wal_keep_size": _size_text(keep // MB * MB),
        "wal_compression": "lz4",
    }


def _check_fit(memory_mb: int, settings: dict[str, str | int]) -> None:
    """Refuse settings whose promise to the connections is larger than the memory."""
    buffers, work = (_kilobytes(name, settings[name]) for name in ("shared_buffers", "work_mem"))
    connections = int(settings["max_connections"])
    needed = -(-(buffers + connections * work) // MB)
    if needed > memory_mb:
        raise ValueError(
            f"memory_mb is {memory_mb}, but shared_buffers {_size_text(buffers)} plus max_connections {connections} "
            f"times work_mem {_size_text(work)} need {needed} MB; lower one of them or raise memory_mb to {needed}"
        )


def postgresql_tuning(server: dict[str, Any], overrides: dict[str, Any] | None = None) -> dict[str, str | int]:
    """Return a server's settings, sorted by name; an override wins and enters what is derived from it."""
    known, wanted = _server(server), _overrides({} if overrides is None else overrides)
    settings = _memory(known, wanted) | _processors(known) | _storage(known, wanted)
    for name in wanted:
        if name not in settings and name.lower() in settings:
            raise ValueError(f"overrides: {name} must be spelt {name.lower()}")
    settings |= wanted
    _check_fit(known["memory_mb"], settings)
    return dict(sorted(settings.items()))


FILTERS = (postgresql_tuning,)


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
