"""What the end of a run says about the time that each step took."""

from __future__ import annotations

import pytest

from tests.lab import budget, suite
from tests.lab.budget import Budget
from tests.lab.console import Console
from tests.lab.schedule import Step

BUDGET = Budget({"redis": 100, "base": 300}, hardened=40)
ROWS = [
    ("Unit and contract tests", True, 150.0),
    ("molecule redis", True, 100.4),
    ("molecule base", False, 720.0),
    ("molecule redis (swapped, hardened)", True, 139.6),
    ("molecule mail", True, 90.0),
]


def test_a_second_python_has_the_same_time() -> None:
    steps = Budget({}, steps={"Lint": 280})
    assert [steps.of(title) for title in ["Lint", "Lint, Python 3.13", "mypy"]] == [280, 280, None]


def test_a_scenario_has_a_budget_and_hardened_hosts_cost_more() -> None:
    titles = ["molecule redis", "molecule redis (swapped, hardened)", "molecule redis, Python 3.13", "molecule mail"]
    assert [BUDGET.of(title) for title in titles] == [100, 140, 100, None]
    assert BUDGET.of("Unit and contract tests") is None
    other = Budget({"redis": 100}, hardened=40, each=60)
    assert [other.of(title) for title in ["molecule mail", "molecule mail (swapped, hardened)", "Lint"]] == [
        60,
        100,
        None,
    ]


def test_the_longest_is_first_with_its_share_and_what_it_is_over() -> None:
    assert budget.table(ROWS, BUDGET) == [
        f"FAILED molecule base{' ' * 27}    720 s   60 %  over its budget of 300 s",
        f"ok     Unit and contract tests{' ' * 17}    150 s   12 %",
        f"ok     molecule redis (swapped, hardened){' ' * 6}    140 s   12 %",
        f"ok     molecule redis{' ' * 26}    100 s    8 %  over its budget of 100 s",
        f"ok     molecule mail{' ' * 27}     90 s    8 %",
    ]
    assert budget.table([], BUDGET) == []
    assert budget.table([("Test bed", False, 0.0)], BUDGET)[0].endswith("0 s    0 %")


def test_a_run_says_that_steps_are_over_budget_and_does_not_fail_for_it(console: Console) -> None:
    said = "OVER BUDGET: 2 of 5 steps (tests/lab/budget.toml is for a quiet machine)"
    assert budget.verdict(ROWS, BUDGET) == [said]
    assert budget.verdict(ROWS[:1], BUDGET) == []
    results = suite.Results(console)
    results.rows = [("molecule redis", True, 9000.0)]
    assert results.close() == 0


def test_the_wait_for_other_scenarios_is_no_time_of_a_step(console: Console) -> None:
    results = suite.Results(console)

    def step(its: Console) -> int:
        its.waited = 50.0
        return 0

    results.add(Step("molecule redis", step))
    results.add(Step("molecule base", lambda _: 0))
    assert [round(took) for _, _, took in results.rows] == [-50, 0]


def test_a_step_that_breaks_is_a_failure_and_the_others_run(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_console: Console) -> int:
        raise FileNotFoundError("ruff")

    monkeypatch.setattr(suite, "LANES", 2)
    results = suite.Results(console)
    results.add_side_by_side([Step("ruff check", breaks), *(Step(f"step {n}", lambda _: 0) for n in range(3))])
    assert {title for title, good, _ in results.rows if good} == {"step 0", "step 1", "step 2"}
    assert results.close() == 1
