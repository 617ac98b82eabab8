"""What `status` says about the ends of certificates (TLS-03)."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = Path(__file__).parents[3] / "playbooks/files/host_status.py"


@pytest.fixture(scope="module")
def status() -> ModuleType:
    spec = importlib.util.spec_from_file_location("host_status", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("days", "life", "word"),
    [
        (22, 90, ""),
        (21, 90, ""),
        (20.9, 90, "soon"),
        (13.9, 90, "warning"),
        (6.9, 90, "urgent"),
        (-0.1, 90, "ended"),
        (20.9, 398, "soon"),
        (20.9, 45, ""),  # of 45 days the last 15 count as 21 do, the last 5 as 7
        (14.9, 45, "soon"),
        (9.9, 45, "warning"),
        (4.9, 45, "urgent"),
    ],
)
def test_the_end_of_a_certificate_is_told_in_steps(status: ModuleType, days: float, life: float, word: str) -> None:
    assert status.warning(days, life) == word
