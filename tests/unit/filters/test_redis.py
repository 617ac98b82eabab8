"""The size of a Redis server with everything it needs."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]


@pytest.mark.parametrize(
    ("memory", "persistence", "wanted", "sizes"),
    [
        (512, True, 0, (320, 160, 32, 512)),  # 320 + 160 + 32
        (512, True, 100, (100, 50, 16, 166)),
        (512, True, 101, (101, 51, 16, 168)),
        (512, False, 0, (465, 0, 47, 512)),  # 465 + 46.5 rounded up
        (40, True, 0, (16, 8, 16, 40)),
    ],
)
def test_sizes(filters: Filters, memory: int, persistence: bool, wanted: int, sizes: tuple[int, ...]) -> None:
    """Half of the data for the fork, a tenth but at least 16 MB beside it."""
    result = filters["redis_memory"](memory, persistence, wanted)
    assert tuple(result[name] for name in ("maxmemory_mb", "fork_headroom_mb", "overhead_mb", "total_mb")) == sizes


def test_what_cannot_fit_is_refused(refusal: Refusal) -> None:
    """Variable, value and cure."""
    assert refusal("redis_memory", 512, True, 321).endswith(
        "lower redis_maxmemory_mb to 320, or give the host 515 MB for it"
    )
    assert refusal("redis_memory", 39, True) == (
        "Redis may take 39 MB of this host, the smallest server needs 40; raise redis_host_percent, "
        "or give the host more memory"
    )
    assert "maxmemory_mb is 15, the least is 16" in refusal("redis_memory", 512, True, 15)
    assert "memory_mb must be whole megabytes, got '512'" in refusal("redis_memory", "512", True)
    assert "maxmemory_mb must be whole megabytes, got -1" in refusal("redis_memory", 512, True, -1)
    assert "memory_mb must be whole megabytes, got True" in refusal("redis_memory", True, True)
    assert "persistence must be true or false, got 'yes'" in refusal("redis_memory", 512, "yes")


@given(memory=st.integers(40, 2**20), persistence=st.booleans())
def test_the_largest_fits_and_one_more_does_not(
    filters: Filters, refusal: Refusal, memory: int, persistence: bool
) -> None:
    """The parts add up, stay within the memory, and nothing is left unused."""
    result = filters["redis_memory"](memory, persistence)
    assert result["total_mb"] == sum(result[name] for name in ("maxmemory_mb", "fork_headroom_mb", "overhead_mb"))
    assert result["total_mb"] <= memory
    assert "lower redis_maxmemory_mb to" in refusal("redis_memory", memory, persistence, result["maxmemory_mb"] + 1)
