"""How much of the roles is written twice: the share of runs of lines that another role has too."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from tests.contract.contracts.repo import roles

LENGTH = 4  # lines in a run; three are a task's name, module and first argument, which roles may well share
LIMIT_PERCENT = 8.0
FOLDERS = ("tasks", "handlers", "templates", "defaults", "vars")


def text_lines(path: Path, role: str) -> list[str]:
    """Return the lines that say something, with the role's own name made neutral."""
    stripped = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [
        line.replace(role, "ROLE") for line in stripped if line and line != "---" and not line.startswith(("#", "{#"))
    ]


def runs(role: Path) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for path in sorted(path for part in FOLDERS for path in (role / part).rglob("*") if path.is_file()):
        lines = text_lines(path, role.name)
        found += [tuple(lines[start : start + LENGTH]) for start in range(len(lines) - LENGTH + 1)]
    return found


def findings(root: Path) -> list[str]:
    """Name the runs that several roles share when they are too large a part of all runs."""
    everything = {role.name: runs(role) for role in roles(root)}
    owners: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for name, found in everything.items():
        for run in found:
            owners[run].add(name)
    total = sum(map(len, everything.values()))
    shared = sum(len(owners[run]) > 1 for found in everything.values() for run in found)
    percent = 100 * shared / total if total else 0.0
    if percent < LIMIT_PERCENT:
        return []
    worst = sorted(
        ((sorted(names), run) for run, names in owners.items() if len(names) > 1),
        key=lambda pair: (-len(pair[0]), pair[1]),
    )
    examples = [f"{', '.join(names)}: {' / '.join(run)}" for names, run in worst[:10]]
    return [f"{percent:.1f} % of the roles is written more than once; below {LIMIT_PERCENT:g} %", *examples]
