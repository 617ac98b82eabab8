"""What was found, and whether it is enough."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from .source import Mutant

LEAST_OF_ALL = 92  # per cent
LEAST_OF_A_FILE = 85


@dataclass
class Score:
    """What became of the mutants of one file."""

    name: str
    killed: int = 0
    equivalent: int = 0
    survivors: list[Mutant] = field(default_factory=list)

    @property
    def counted(self) -> int:
        return self.killed + len(self.survivors)

    @property
    def percent(self) -> float:
        return 100 * self.killed / self.counted if self.counted else 100.0


def table(scores: Iterable[Score]) -> list[str]:
    """Return a row per file and one for all."""
    scores = list(scores)
    total = Score("all", sum(each.killed for each in scores), sum(each.equivalent for each in scores))
    total.survivors = [mutant for each in scores for mutant in each.survivors]
    rows = [f"{'file':72} mutants equivalent killed survived  score"]
    for each in [*scores, total]:
        number = each.counted + each.equivalent
        rows.append(
            f"{each.name[-72:]:72} {number:7} {each.equivalent:10} {each.killed:6} {len(each.survivors):8} "
            f"{each.percent:5.0f} %"
        )
    return rows


def survivors(scores: Iterable[Score]) -> list[str]:
    return [
        f"{score.name}:{mutant.line}: {mutant.change}\n    {mutant.code}"
        for score in scores
        for mutant in score.survivors
    ]


def too_low(scores: Iterable[Score]) -> list[str]:
    """Return a sentence for everything that is below what is asked for."""
    scores = list(scores)
    counted, killed = sum(each.counted for each in scores), sum(each.killed for each in scores)
    found = [
        f"{each.name}: {each.percent:.0f} % is less than {LEAST_OF_A_FILE} %"
        for each in scores
        if each.percent < LEAST_OF_A_FILE
    ]
    if counted and 100 * killed / counted < LEAST_OF_ALL:
        found.append(f"all files: {100 * killed / counted:.1f} % is less than {LEAST_OF_ALL} %")
    return found
