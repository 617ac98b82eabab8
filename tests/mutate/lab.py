"""Where mutants are tried: a copy of the tree, what its tests execute, and the process that runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coverage import CoverageData

from .files import measured, own_tests
from .source import Mutant

PYTEST = ["-q", "-x", "--no-header"]
SECONDS = 60  # for the tests of one mutant, or three times what they take without


@dataclass
class Lab:
    """The copy, and which tests execute which lines of which file."""

    tree: Path
    executed: dict[str, dict[int, list[str]]]
    worker: subprocess.Popen[str]
    seconds: float = 1800

    def passes(self, tests: list[str]) -> bool:
        """Whether these tests pass; what does not end, or cannot even be loaded, does not."""
        assert self.worker.stdin is not None
        assert self.worker.stdout is not None
        self.worker.stdin.write(json.dumps({"arguments": [*PYTEST, *tests], "seconds": self.seconds}) + "\n")
        self.worker.stdin.flush()
        return bool(json.loads(self.worker.stdout.readline()) == 0)

    def survives(self, name: str, mutant: Mutant) -> bool:
        """Whether no test notices: first its own that execute the statement, then others, then all of its own."""
        path = self.tree / name
        original = path.read_bytes()
        path.write_bytes(mutant.apply(original))
        try:
            return all(self.passes(tests) for tests in self.order(name, mutant))
        finally:
            path.write_bytes(original)

    def order(self, name: str, mutant: Mutant) -> Iterator[list[str]]:
        contexts = self.executed.get(name, {})
        lines = mutant.lines or tuple(contexts)
        executing = dict.fromkeys(test for line in lines for test in contexts.get(line, []) if test)
        own = own_tests(name, self.tree)
        near = [test for test in executing if test.partition("::")[0] in own]
        far = [test for test in executing if test not in set(near)]
        for group in (near, [*far, *own]):
            if group:
                yield group


def environment() -> dict[str, str]:
    # A file that is changed twice within a second would be taken from what was compiled before
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": "."}


def executed(tree: Path, folder: Path, tests: list[str]) -> dict[str, dict[int, list[str]]]:
    """Run tests once and return, by file and line, those that execute it."""
    settings, data = folder / "coverage.ini", folder / "coverage.data"
    included = "".join(f"    {tree / name}\n" for name in measured(tree))
    settings.write_text(f"[run]\ndata_file = {data}\ninclude =\n{included}")
    argv = [sys.executable, "-m", "pytest", *PYTEST, "--cov", f"--cov-config={settings}", "--cov-report="]
    done = subprocess.run(
        [*argv, "--cov-context=test", *tests],
        cwd=tree, env=environment(), check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise SystemExit(f"The tests fail without any mutant:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    found = CoverageData(str(data))
    found.read()
    by_line: dict[str, dict[int, list[str]]] = {}
    for path in found.measured_files():
        lines: dict[int, list[Any]] = found.contexts_by_lineno(path)
        names = {n: sorted({each.rpartition("|")[0] for each in said}) for n, said in lines.items()}
        by_line[str(Path(path).relative_to(tree))] = names
    return by_line


@contextmanager
def labs(trees: list[Path], folder: Path, tests: list[str]) -> Iterator[list[Lab]]:
    """Have everything that mutants are tried with, in each of the copies."""
    found = executed(trees[0], folder, tests)
    made = [Lab(tree, found, _worker(tree)) for tree in trees]
    try:
        began = time.monotonic()
        if not made[0].passes(tests):
            raise SystemExit("The tests pass, but not in the process that is to try mutants.")
        seconds = max(SECONDS, 3 * (time.monotonic() - began))
        for place in made:
            place.seconds = seconds
        yield made
    finally:
        for place in made:
            place.worker.terminate()
            place.worker.wait()


def _worker(tree: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "tests.mutate.worker"]
    return subprocess.Popen(argv, cwd=tree, env=environment(), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
