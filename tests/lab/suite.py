"""The test steps: each is run to its end, all are reported together."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from . import bed, budget, molecule, networks, other_end, python_env
from .cleanup import remove_test_hosts
from .console import Console
from .engine import NoEngineError
from .paths import LANES, ROOT, LabError, lane
from .shell import environment, follow

Step = tuple[str, Callable[[Console], int]]


@dataclass
class Results:
    """What ran, how it ended, how long it took, and what was left out."""

    console: Console
    left_out: list[str] = field(default_factory=list)
    rows: list[tuple[str, bool, float]] = field(default_factory=list)

    def add(self, title: str, step: Callable[[Console], int], console: Console | None = None) -> None:
        """Run a step; a failing one does not keep the next from running."""
        console = console or self.console
        start = time.monotonic()
        good = False
        try:
            with console.phase(title):
                code = step(console)
                if code:
                    raise LabError(f"{title} ended with {code}")
                good = True
        except LabError as error:
            console.failure(error)
        self.rows.append((title, good, time.monotonic() - start - console.waited))
        console.waited = 0.0

    def add_side_by_side(self, steps: list[Step]) -> None:
        """Run as many steps at a time as there are lanes, each with a log of its own."""
        if len(steps) == 1:  # people look on
            self.add(*steps[0])
            return

        def run(step: Step) -> None:
            self.add(*step, self.console.beside(re.sub(r"\W+", "-", step[0]).strip("-")))

        pool = ThreadPoolExecutor(LANES)
        try:
            list(pool.map(run, steps))
        finally:
            pool.shutdown(cancel_futures=True)  # an interrupted run begins no further step

    def close(self) -> int:
        """Show all steps; the last line is for programs that count."""
        failed = [title for title, good, _ in self.rows if not good]
        allowed = budget.read()
        lines = [*budget.table(self.rows, allowed), *budget.verdict(self.rows, allowed), *self.left_out]
        self.console.box("Tests", [*lines, "", f"{self.console.elapsed()}, log: {self.console.shown_path}"])
        self.console.say(f"{len(self.rows) - len(failed)} passed, {len(failed)} failed")
        return 1 if failed else 0


def pytest_argv(*folders: str) -> list[str]:
    return ["python", "-m", "pytest", *(folder for folder in folders if (ROOT / folder).is_dir())]


def fast_steps() -> list[Step]:
    """Return what needs no host."""
    argv = pytest_argv("tests/unit", "tests/contract")
    return [("Unit and contract tests", lambda console: follow(console, argv))]


def lint_steps() -> list[Step]:
    """Return what reads the files only."""
    commands = {
        "ruff check": ["ruff", "check", "."],
        "ruff format": ["ruff", "format", "--check", "."],
        "mypy": ["mypy"],
        "yamllint": ["yamllint", "--strict", "."],
        "ansible-lint": ["ansible-lint", "--offline", "--profile=production", "--strict"],
    }

    def program(argv: list[str]) -> Callable[[Console], int]:
        return lambda console: follow(console, argv)

    return [(title, program(argv)) for title, argv in commands.items()]


def host_steps(only: str, kind: str) -> list[Step]:
    """Return a step per scenario: those of hosts, the rest (slow ones, and each with swapped releases), or all."""

    def scenario(name: str, swap: bool) -> Step:
        return (
            f"molecule {name}{budget.SWAPPED if swap else ''}",
            lambda console: molecule.run_tested(console, name, swap),
        )

    names = molecule.chosen(molecule.scenarios(), only)
    slow = [name for name in names if name.endswith(molecule.SLOW)]
    quick = [name for name in names if name not in slow]
    plain = {"hosts": names if only else quick, "rest": slow, "all": names}[kind]
    swapped = [] if kind == "hosts" else names
    return [scenario(name, swap=False) for name in plain] + [scenario(name, swap=True) for name in swapped]


def run_lint(console: Console) -> int:
    """Run what reads the files only."""
    python_env.ensure(console)
    results = Results(console)
    for title, step in lint_steps():
        results.add(title, step)
    return results.close()


def run(console: Console, kind: str, only: str = "") -> int:
    """Run tests of a kind: fast, hosts (with fast ones and lint), rest, or all; ONLY names scenarios to run alone."""
    python_env.ensure(console)
    results = Results(console)
    steps = {"fast": fast_steps(), "rest": []}.get(kind, fast_steps() + lint_steps())
    python = None if only or kind in ("fast", "rest") else _other_end(console, results)
    results.add_side_by_side([] if only else steps + other_end.steps(python, hosts=False))
    if kind != "fast":
        _run_with_hosts(console, results, kind, only, other_end.steps(python, hosts=True))
    return results.close()


def _other_end(console: Console, results: Results) -> Path | None:
    """Return the Python at the other end of the supported range. Without one, say so."""
    versions = other_end.wanted()
    python = other_end.find(versions)
    if python is None:
        missing = " or ".join(versions)
        results.left_out = [
            f"NOT TESTED with Python {missing}: this machine has none (HOLDFAST_OTHER_PYTHON names one)"
        ]
        console.box("ONE END OF THE SUPPORTED RANGE IS NOT TESTED", results.left_out)
    return python


def _run_with_hosts(console: Console, results: Results, kind: str, only: str, elsewhere: list[Step]) -> None:
    try:
        bed.ready(console)
    except NoEngineError as error:
        _say_no_engine(console, results, error)
        return
    except LabError as error:
        console.failure(error)
        results.rows.append(("Test bed", False, 0.0))
        return
    steps = host_steps(only, kind)
    if kind != "rest" and not only and (ROOT / "tests/runner").is_dir():
        steps.insert(0, ("ansible-runner", run_runner))
    results.add_side_by_side(spread(steps, elsewhere))
    remove_test_hosts(console)


def spread(steps: list[Step], others: list[Step]) -> list[Step]:
    """Put the others between the steps, far from each other: they use the same hosts and would only wait."""
    made, gap = list(steps), len(steps) // (len(others) + 1)
    for number, step in reversed(list(enumerate(others, 1))):
        made.insert(number * gap, step)
    return made


def run_runner(console: Console) -> int:
    """Test through ansible-runner."""
    with lane("platform") as waited:  # whose inputs it uses
        console.waited = waited
        networks.ensure(console, "test")
        return follow(console, pytest_argv("tests/runner"), environment())


def _say_no_engine(console: Console, results: Results, error: NoEngineError) -> None:
    """A developer may go on without hosts; a build server may not call that a success."""
    must = os.environ.get("CI") == "true"
    console.box(
        "NOT TESTED ON HOSTS",
        [str(error), f"Cure: {error.cure}", "", "Everything that needs no host was tested."]
        + (["CI=true: this counts as a failure."] if must else []),
    )
    if must:
        results.rows.append(("Tests on hosts", False, 0.0))
