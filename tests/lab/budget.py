"""How long the steps of a test run may take, and what a run says about it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

FILE = Path(__file__).with_name("budget.toml")
SCENARIO = re.compile(r"molecule (\w+)(.*)")
ELSEWHERE = re.compile(r", Python \S+$")
SWAPPED = " (swapped, hardened)"

Row = tuple[str, bool, float]  # title, whether it passed, seconds


@dataclass(frozen=True)
class Budget:
    """Seconds on a quiet machine: by scenario, by other step, of all together, more for hardened hosts, of the rest."""

    seconds: dict[str, int]
    steps: dict[str, int] = field(default_factory=dict)
    together: int = 0
    hardened: int = 0
    each: int = 0

    def of(self, title: str) -> int | None:
        """Return what a step may take, if that is said; a second Python has the same time."""
        found = SCENARIO.fullmatch(title)
        if found is None:
            return self.steps.get(ELSEWHERE.sub("", title))
        seconds = self.seconds.get(found[1], self.each)
        if not seconds:
            return None
        return seconds + (self.hardened if found[2] == SWAPPED else 0)


def read(path: Path = FILE) -> Budget:
    return Budget(**tomllib.loads(path.read_text()))


def table(rows: list[Row], budget: Budget) -> list[str]:
    """Return a line per step, the longest first, with its share of the time that all took."""
    total = sum(took for _, _, took in rows)
    lines = []
    for title, good, took in sorted(rows, key=lambda row: -row[2]):
        allowed = budget.of(title)
        over = f"  over its budget of {allowed} s" if allowed is not None and took > allowed else ""
        share = 100 * took / total if total else 0
        lines.append(f"{'ok' if good else 'FAILED':6} {title:40} {took:6.0f} s {share:4.0f} %{over}")
    return lines


def verdict(rows: list[Row], budget: Budget) -> list[str]:
    """Say how many steps took longer than they may; on a busy machine that is not their fault, so it fails nothing."""
    over = [title for title, _, took in rows if took > (budget.of(title) or took)]
    if not over:
        return []
    return [f"OVER BUDGET: {len(over)} of {len(rows)} steps (tests/lab/budget.toml is for a quiet machine)"]
