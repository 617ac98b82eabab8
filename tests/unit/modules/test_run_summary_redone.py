"""The box tells of rules that were loaded again (item 5)."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.plugins.loader import action_loader

UNIT = "holdfast-firewall.service"


@pytest.fixture(scope="module")
def summary() -> ModuleType:
    action_loader.add_directory(str(Path(__file__).parents[3] / "action_plugins"))
    return sys.modules[action_loader.get("run_summary", class_only=True).__module__]


def test_units_are_those_of_all_results(summary: ModuleType) -> None:
    variables: dict[str, Any] = {
        "__firewall_configure_result": {"changed": True, "redone": [UNIT]},
        "__base_configure_result": {"changed": False, "redone": []},
        "__docker_result": {"skipped": True},
        "__text_result": "x",
        "redone": [UNIT],
    }
    assert summary.redone_units(variables) == [UNIT]
    assert summary.redone_units({}) == []


@pytest.mark.parametrize(("check", "label"), [(False, "done again"), (True, "to do again")])
def test_the_box_has_a_line_for_it(summary: ModuleType, check: bool, label: str) -> None:
    given: dict[str, Any] = {"rows": {}, "answers": [], "next": {}}
    result = {
        "check_mode": check,
        "hosts": ["a"],
        "changed": {"a": ["firewall"]},
        "seconds": 1,
        "redone": {"a": [UNIT]},
    }
    rows = dict(summary.ActionModule.rows(None, given, result))
    assert rows[label] == f"a: {UNIT} (what it had in force was gone or changed by hand)"
    assert label not in dict(summary.ActionModule.rows(None, given, {**result, "redone": {}}))
