"""Machines that are smaller than their environment asks for (HST-01, HST-02, HST-04, HST-05, HRD-05)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

FIT = {
    "user_id": 0,
    "processor_vcpus": 4,
    "memtotal_mb": 7900,
    "link_mbps": 1000,
    "postgresql": {"storage": "ssd", "encrypted": True},
}
LEAST = {"cpus": 4, "memory_mb": 8192, "link_mbps": 1000, "storage": "ssd", "encrypted": True}


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
            {"postgresql": {"storage": "hdd", "encrypted": True}},
            "web1 keeps data on a disk that turns, preflight_storage asks for ssd; move it or unset that",
        ),
        (
            {"postgresql": {"storage": "ssd"}},  # nobody could tell
            "web1 keeps data on a disk that dm-crypt does not encrypt, preflight_encrypted asks for it; "
            "move the data, or unset that where somebody else encrypts it",
        ),
        (
            {"postgresql": {"storage": "ssd", "encrypted": False}},
            "web1 keeps data on a disk that dm-crypt does not encrypt, preflight_encrypted asks for it; "
            "move the data, or unset that where somebody else encrypts it",
        ),
    ],
)
def test_what_a_machine_lacks_is_one_sentence(
    findings: Callable[..., list[str]], change: dict[str, Any], sentence: str
) -> None:
    assert findings(FIT | change, "web1", LEAST) == [sentence]
    assert findings(FIT | change, "web1", {}) == []


@pytest.mark.parametrize("silent", [{}, {"link_mbps": 0}, {"memtotal_mb": 7783}])
def test_what_a_machine_does_not_tell_is_not_judged(findings: Callable[..., list[str]], silent: dict[str, Any]) -> None:
    """And the kernel takes its part of the memory (HST-02)."""
    assert findings(FIT | silent, "web1", LEAST) == []


def test_a_disk_that_does_not_tell_its_kind_is_not_judged(findings: Callable[..., list[str]]) -> None:
    assert findings(FIT | {"postgresql": {"storage": "", "encrypted": True}}, "web1", LEAST) == []


def test_a_host_that_nobody_reached_lacks_nothing(findings: Callable[..., list[str]]) -> None:
    assert findings({}, "web1", LEAST) == []


def test_other_keys_are_refused(refusal: Callable[..., str]) -> None:
    said = refusal("capacity_findings", FIT, "web1", {"ram": 3})
    assert "a dict of cpus, encrypted, link_mbps, memory_mb, storage" in said


@pytest.mark.parametrize("name", ["processor_vcpus", "memtotal_mb", "link_mbps", "postgresql"])
def test_what_could_not_be_found_out_is_not_judged(findings: Callable[..., list[str]], name: str) -> None:
    assert findings({key: value for key, value in FIT.items() if key != name}, "web1", LEAST) == []
