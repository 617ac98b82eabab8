"""The test steps: each is run to its end, all are reported together."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import bed, budget, molecule, networks, other_end, python_env
from .cleanup import remove_test_hosts
from .console import Console
from .engine import NoEngineError
from .paths import LANES, ROOT, LabError, lane
from .schedule import Step, work_off
from .shell import environment, follow


@dataclass
class Results:
    """What ran, how it ended, how long it took, and what was left out."""

    console: Console
    left_out: list[str] = field(default_factory=list)
    rows: list[tuple[str, bool, float]] = field(default_factory=list)

    def add(self, step: Step, console: Console | None = None) -> None:
        """Run a step; a failing one does not keep the next from running."""
        console = console or self.console
        start = time.monotonic()
        good = False
        try:
            with console.phase(step.title):
                code = step.run(console)
                if code:
                    raise LabError(f"{step.title} ended with {code}")
                good = True
        except LabError as error:
            console.failure(error)
        except Exception as error:  # noqa: BLE001 - the others are run and reported all the same
            console.failure(LabError(f"{step.title} broke: {error!r}"))
        self.rows.append((step.title, good, time.monotonic() - start - console.waited))
        console.waited = 0.0

    def add_side_by_side(self, steps: list[Step]) -> None:
        """Run as many steps at a time as there are lanes, the longest first, each with a log of its own."""
        if len(steps) == 1:  # people look on
            self.add(steps[0])
            return
        allowed = budget.read()
        steps = sorted(steps, key=lambda step: allowed.of(step.title) or 0, reverse=True)

        def run(step: Step) -> None:
            beside = self.console.beside(re.sub(r"\W+", "-", step.title).strip("-"))
            with beside.log:
                self.add(step, beside)

        work_off(steps, LANES, run)

    def close(self) -> int:
        """Show all steps; the last line is for programs that count. A run of nothing is no success."""
        failed = [title for title, good, _ in self.rows if not good]
        allowed = budget.read()
        lines = [*budget.table(self.rows, allowed), *budget.verdict(self.rows, allowed), *self.left_out]
        self.console.box("Tests", [*lines, "", f"{self.console.elapsed()}, log: {self.console.shown_path}"])
        nothing = "" if self.rows else ": nothing was run"
        self.console.say(f"{len(self.rows) - len(failed)} passed, {len(failed)} failed{nothing}")
        return 1 if failed else 2 if nothing else 0


def pytest_argv(*folders: str) -> list[str]:
    return ["python", "-m", "pytest", *(folder for folder in folders if (ROOT / folder).is_dir())]


def fast_steps() -> list[Step]:
    """Return what needs no host."""
    return [Step("Unit and contract tests", program(pytest_argv("tests/unit", "tests/contract")))]


def lint_steps() -> list[Step]:
    """Return what reads the files only."""
    commands = {
        "ruff check": ["ruff", "check", "."],
        "ruff format": ["ruff", "format", "--check", "."],
        "mypy": ["mypy"],
        "yamllint": ["yamllint", "--strict", "."],
        "ansible-lint": ["ansible-lint", "--offline", "--profile=production", "--strict"],
    }
    return [Step(title, program(argv)) for title, argv in commands.items()]


def program(argv: list[str]) -> Callable[[Console], int]:
    return lambda console: follow(console, argv)


def host_steps(only: str, kind: str) -> list[Step]:
    """Return a step per scenario: those of hosts, the rest (slow ones, and each with swapped releases), or all."""

    def scenario(name: str, swap: bool) -> Step:
        title = f"molecule {name}{budget.SWAPPED if swap else ''}"
        return Step(title, lambda console: molecule.run_tested(console, name, swap), hosts=name)

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
    for step in lint_steps():
        results.add(step)
    return results.close()


def run(console: Console, kind: str, only: str = "") -> int:
    """Run tests of a kind: fast, hosts (with fast ones and lint), rest, or all; ONLY names scenarios to run alone."""
    python_env.ensure(console)
    results = Results(console)
    if kind == "fast":
        steps = fast_steps()
    elif only or kind == "rest":
        steps = with_hosts(console, results, host_steps(only, kind), "Nothing else was asked for, so nothing is run.")
    else:
        elsewhere = other_end.steps(_other_end(console, results))
        host = [*host_steps(only, kind), Step("ansible-runner", run_runner, hosts="platform")]  # whose inputs it uses
        host += [step for step in elsewhere if step.hosts]
        rest = [step for step in elsewhere if not step.hosts]
        steps = with_hosts(console, results, host) + fast_steps() + lint_steps() + rest
    results.add_side_by_side(steps)
    if any(step.hosts for step in steps):
        remove_test_hosts(console)
    return results.close()


def _other_end(console: Console, results: Results) -> Path | None:
    """Return the Python at the other end of the supported range. Without one, say so."""
    versions = other_end.wanted()
    python = other_end.find(versions)
    if python is None:
        missing = " or ".join(versions)
        said = f"NOT TESTED with Python {missing}: this machine has none (HOLDFAST_OTHER_PYTHON names one)"
        results.left_out.append(said)
        console.box("ONE END OF THE SUPPORTED RANGE IS NOT TESTED", [said])
    return python


def with_hosts(
    console: Console, results: Results, steps: list[Step], otherwise: str = "What needs no host is tested."
) -> list[Step]:
    """Return these steps if the machine can have hosts; otherwise say why not and what follows, and return none."""
    try:
        bed.ready(console)
    except NoEngineError as error:
        _say_no_engine(console, results, error, otherwise)
        return []
    except LabError as error:
        console.failure(error)
        results.rows.append(("Test bed", False, 0.0))
        return []
    return steps


def run_runner(console: Console) -> int:
    """Test through ansible-runner."""
    with lane("platform") as waited:  # whose inputs it uses
        console.waited = waited
        networks.ensure(console, "test")
        return follow(console, pytest_argv("tests/runner"), environment())


def _say_no_engine(console: Console, results: Results, error: NoEngineError, otherwise: str) -> None:
    """A developer may go on without hosts; a build server may not call that a success."""
    must = os.environ.get("CI") == "true"
    results.left_out.append(f"NOT TESTED ON HOSTS: {error}")
    console.box(
        "NOT TESTED ON HOSTS",
        [str(error), f"Fix: {error.cure}", "", otherwise] + (["CI=true: this counts as a failure."] if must else []),
    )
    if must:
        results.rows.append(("Tests on hosts", False, 0.0))
