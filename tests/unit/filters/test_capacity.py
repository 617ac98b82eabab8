"""Machines that are smaller than their environment asks for (HST-01, HST-02, HST-04, HST-05)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

FIT = {"user_id": 0, "processor_vcpus": 4, "memtotal_mb": 7900, "link_mbps": 1000, "postgresql": {"storage": "ssd"}}
LEAST = {"cpus": 4, "memory_mb": 8192, "link_mbps": 1000, "storage": "ssd"}


@pytest.fixture
def findings(filters: dict[str, Callable[..., Any]]) -> Callable[..., list[str]]:
    return filters["capacity_findings"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"processor_vcpus": 2}, "web1 has 2 CPUs, preflight_cpus asks for 4; give it more, or lower it"),
        (
            {"memtotal_mb": 7782},
            "web1 has 7782 MB of memory, preflight_memory_mb asks for 8192; give it more, or lower it",
        ),
        (
            {"link_mbps": 100},
            "web1 is linked at 100 Mbit/s, preflight_link_mbps asks for 1000; look at cable and switch, or lower it",
        ),
        (
            {"postgresql": {"storage": "hdd"}},
            "web1 keeps data on a disk that turns, preflight_storage asks for ssd; move it or unset that",
        ),
    ],
)
def test_what_a_machine_lacks_is_one_sentence(
    findings: Callable[..., list[str]], change: dict[str, Any], sentence: str
) -> None:
    assert findings(FIT | change, "web1", LEAST) == [sentence]
    assert findings(FIT | change, "web1", {}) == []


@pytest.mark.parametrize("silent", [{}, {"link_mbps": 0}, {"postgresql": {"storage": ""}}, {"memtotal_mb": 7783}])
def test_what_a_machine_does_not_tell_is_not_judged(findings: Callable[..., list[str]], silent: dict[str, Any]) -> None:
    """And the kernel takes its part of the memory (HST-02)."""
    assert findings(FIT | silent, "web1", LEAST) == []


def test_a_host_that_nobody_reached_lacks_nothing(findings: Callable[..., list[str]]) -> None:
    assert findings({}, "web1", LEAST) == []


def test_other_keys_are_refused(refusal: Callable[..., str]) -> None:
    assert "a dict of cpus, link_mbps, memory_mb, storage" in refusal("capacity_findings", FIT, "web1", {"ram": 3})
