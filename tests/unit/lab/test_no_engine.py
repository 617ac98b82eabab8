"""What a run says and how it ends on a machine that cannot have hosts."""

from __future__ import annotations

import pytest

from tests.lab import bed, molecule, other_end, python_env, suite
from tests.lab.console import Console
from tests.lab.engine import NoEngineError
from tests.lab.schedule import Step


@pytest.fixture
def said(console: Console, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine without an engine, on which all that needs no host passes; and what the run says."""

    def ready(_console: Console) -> None:
        raise NoEngineError("no container engine answers here", "install Docker and start it; then run it again")

    lines: list[str] = []
    monkeypatch.setattr(bed, "ready", ready)
    monkeypatch.setattr(python_env, "ensure", lambda _console: None)
    monkeypatch.setattr(molecule, "scenarios", lambda: ["redis", "redis_slow"])
    monkeypatch.setattr(suite, "fast_steps", lambda: [Step("Unit and contract tests", lambda _: 0)])
    monkeypatch.setattr(suite, "lint_steps", list)
    monkeypatch.setattr(other_end, "steps", lambda _python: [])
    monkeypatch.setattr(suite, "_other_end", lambda _console, _results: None)
    monkeypatch.setattr(console, "box", lambda title, rows: lines.extend([title, *rows]))
    monkeypatch.setattr(console, "say", lines.append)
    monkeypatch.delenv("CI", raising=False)
    return lines


@pytest.mark.parametrize(("kind", "only"), [("hosts", "redis"), ("all", "redis"), ("rest", ""), ("rest", "redis")])
def test_a_run_of_scenarios_alone_is_no_success(console: Console, said: list[str], kind: str, only: str) -> None:
    """It ended with "0 passed, 0 failed" and code 0."""
    assert suite.run(console, kind, only) == 2
    assert "Nothing else was asked for, so nothing is run." in said
    assert "Fix: install Docker and start it; then run it again" in said
    assert said[-1] == "0 passed, 0 failed: nothing was run"


@pytest.mark.parametrize("kind", ["hosts", "all"])
def test_a_run_of_everything_goes_on_with_what_needs_no_host(console: Console, said: list[str], kind: str) -> None:
    assert suite.run(console, kind) == 0
    assert "What needs no host is tested." in said
    assert said[-1] == "1 passed, 0 failed"


@pytest.mark.parametrize("only", ["redis", ""])
def test_a_build_server_counts_it_as_a_failure(
    console: Console, said: list[str], monkeypatch: pytest.MonkeyPatch, only: str
) -> None:
    monkeypatch.setenv("CI", "true")
    assert suite.run(console, "hosts", only) == 1
    assert "CI=true: this counts as a failure." in said
    assert said[-1].endswith("1 failed")
