"""Scenarios run side by side: a bound on how many, and no host that two of them use."""

from __future__ import annotations

import re
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.lab import paths

INVENTORIES = sorted(paths.ROOT.glob("molecule/*/inventory/*.yml")) + sorted(
    paths.ROOT.glob("tests/runner/inventory/hosts.yml")
)


@pytest.fixture(autouse=True)
def _own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(paths, "CACHE", tmp_path)
    monkeypatch.setattr(paths, "LANES", 2)


def most_at_once(names: list[str]) -> int:
    """Hold a lane under each of these names for a moment; return how many were held at the same time."""
    inside, most, guard = 0, 0, threading.Lock()

    def work(name: str) -> None:
        nonlocal inside, most
        with paths.lane(name):
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.1)
            with guard:
                inside -= 1

    threads = [threading.Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return most


def test_no_more_scenarios_than_lanes_run() -> None:
    assert most_at_once(["a", "b", "c", "d"]) == 2


def test_one_scenario_runs_once_at_a_time() -> None:
    assert most_at_once(["a", "a", "a"]) == 1


@pytest.mark.parametrize("what", [r"ansible_host: \S+ lab_net4 }}(\.\d+)", r"lab_net6 }}(::[\da-f]+)"])
def test_no_address_belongs_to_two_scenarios(what: str) -> None:
    found = {path: set(re.findall(what, path.read_text())) for path in INVENTORIES}
    counted = Counter(address for addresses in found.values() for address in addresses)
    assert counted
    assert {address for address, times in counted.items() if times > 1} == set()
