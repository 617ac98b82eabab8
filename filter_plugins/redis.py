"""Sizes a Redis server so that it also fits while it saves its data."""

import bisect

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

LEAST_MB = 16
OVERHEAD_FLOOR_MB = 16


def _headroom(maxmemory_mb: int, persistence: bool) -> int:
    """Return the memory that the child of a save may copy: half of the data, rounded up."""
    return -(-maxmemory_mb // 2) if persistence else 0


def _overhead(maxmemory_mb: int) -> int:
    """Return the memory beside the data: fragmentation, client buffers and the program."""
    return max(OVERHEAD_FLOOR_MB, -(-maxmemory_mb // 10))


def _total(maxmemory_mb: int, persistence: bool) -> int:
    """Return what a Redis server of this size needs in all."""
    return maxmemory_mb + _headroom(maxmemory_mb, persistence) + _overhead(maxmemory_mb)


def redis_memory(memory_mb: int, persistence: bool, maxmemory_mb: int = 0) -> dict[str, int]:
    """Return maxmemory and what else the server needs, the whole within ``memory_mb``."""
    for name, value in (("memory_mb", memory_mb), ("maxmemory_mb", maxmemory_mb)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{name} must be whole megabytes, got {value!r}")
    if not isinstance(persistence, bool):
        raise TypeError(f"persistence must be true or false, got {persistence!r}")
    largest = bisect.bisect_right(range(memory_mb + 1), memory_mb, key=lambda size: _total(size, persistence)) - 1
    if largest < LEAST_MB:
        needed = _total(LEAST_MB, persistence)
        raise ValueError(
            f"Redis may take {memory_mb} MB of this host, the smallest server needs {needed}; "
            "raise redis_host_percent, or give the host more memory"
        )
    chosen = int(maxmemory_mb or largest)
    if chosen < LEAST_MB:
        raise ValueError(f"redis_maxmemory_mb is {chosen}, the least is {LEAST_MB}; raise it, or set 0 for the most")
    if chosen > largest:
        needed = _total(chosen, persistence)
        raise ValueError(
            f"redis_maxmemory_mb is {chosen}, which needs {needed} MB with its head-room, but Redis may take "
            f"{memory_mb} MB of this host; lower redis_maxmemory_mb to {largest}, or give the host {needed} MB for it"
        )
    return {
        "maxmemory_mb": chosen,
        "fork_headroom_mb": _headroom(chosen, persistence),
        "overhead_mb": _overhead(chosen),
        "total_mb": _total(chosen, persistence),
    }


FilterModule = filter_module(redis_memory)
