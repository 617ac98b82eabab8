"""Tables of what was measured."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from . import bed
from .sample import RESULTS

Rounds = dict[int, dict[str, Any]]
SHOWN_FROM = 0.5  # seconds
COLUMNS = ("wall", "controller", "host", "others")


def middle(values: Iterable[float]) -> str:
    """Return the median and the extremes."""
    found = sorted(values)
    return f"{statistics.median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f})"


def rates(path: Path, key: str) -> dict[str, dict[int, dict[str, dict[str, float]]]]:
    """Return what a benchmark of a service kept under ``key``, by what was measured and round."""
    found: dict[str, dict[int, dict[str, dict[str, float]]]] = defaultdict(dict)
    for line in path.read_text().splitlines() if path.exists() else []:
        entry = json.loads(line)
        found[entry["what"]][entry["round"]] = entry[key]
    return found


def read() -> dict[str, dict[str, Rounds]]:
    """Return the newest sample of every round, by step and variant."""
    found: dict[str, dict[str, Rounds]] = defaultdict(lambda: defaultdict(dict))
    for line in RESULTS.read_text().splitlines() if RESULTS.exists() else []:
        entry = json.loads(line)
        found[entry["step"]][entry["what"]][entry["round"]] = entry
    return found


def tables() -> None:
    found = read()
    for step, first in (
        ("unchanged", "script"),
        ("cold", "script"),
        ("hosts", "1"),
        ("databases", "1"),
        ("sites", "1"),
    ):
        if step in found:
            table(step, found[step], first)


def table(step: str, variants: dict[str, Rounds], base: str) -> None:
    print(f"\n{step}: median (least to most)\n")
    print("| run | n | wall s | controller CPU s | host CPU s | others CPU s | load before | ratio per round |")
    print("|---|---|---|---|---|---|---|---|")
    names = sorted(variants, key=lambda name: (name != base, int(name) if name.isdigit() else 0))
    for name in names:
        rounds = variants[name]
        columns = [middle(entry[column] for entry in rounds.values()) for column in COLUMNS]
        loads = " ".join(f"{entry['load']:.1f}" for entry in rounds.values())
        both = sorted(set(rounds) & set(variants.get(base, {})))
        ratios = [rounds[number]["wall"] / variants[base][number]["wall"] for number in both]
        shown = " ".join(f"{ratio:.2f}" for ratio in ratios) if name != base else "1"
        print(f"| {name} | {len(rounds)} | {' | '.join(columns)} | {loads} | {shown} |")


def cold(number: int) -> None:
    """Print what the longest steps of both cold runs were."""
    lines = (bed.STATE / f"cold-script-{number}.log").read_text(errors="replace").splitlines()
    phases = [line.split(" ", 2)[1:] for line in lines if line.startswith("phase ")]
    took = [f"{name} {float(after) - float(at):.1f}" for (at, name), (after, _) in pairwise(phases)]
    print(f"  script: {', '.join(took)}")
    events = [json.loads(line) for line in (bed.STATE / f"cold-{number}.jsonl").read_text().splitlines()]
    cuts = [entry for entry in events if entry["event"] in ("task", "end")]
    tasks = [(after["at"] - at["at"], at.get("name")) for at, after in pairwise(cuts)]
    print(f"  site: {', '.join(f'{name} {seconds:.1f}' for seconds, name in tasks if seconds > SHOWN_FROM)}")


def profile(rounds: int) -> None:
    """Print where the time of an unchanged run went: the median of the rounds, task by task."""
    traces = [spans(number) for number in range(1, rounds + 1)]
    print("\n| task | wall ms | controller: main process ms | workers and SSH ms | host CPU ms |")
    print("|---|---|---|---|---|")
    totals = [0.0] * 4
    for at, (name, _numbers) in enumerate(traces[0]):
        numbers = [statistics.median(trace[at][1][column] for trace in traces) * 1000 for column in range(4)]
        totals = [total + number for total, number in zip(totals, numbers, strict=True)]
        print(f"| {name} | {' | '.join(f'{number:.0f}' for number in numbers)} |")
    print(f"| all | {' | '.join(f'{number:.0f}' for number in totals)} |")


def spans(number: int) -> list[tuple[str, list[float]]]:
    """Cut a trace into what lies between two starts; the first and the last piece lie outside the callback."""
    lines = (bed.STATE / f"profile-{number}.jsonl").read_text().splitlines()
    events: list[dict[str, Any]] = [json.loads(line) for line in lines]
    began, ended = map(float, (bed.STATE / f"profile-{number}.times").read_text().split())
    first = {**events[0], "at": began, "own": 0.0, "workers": 0.0, "name": "(start of ansible-playbook)"}
    cuts = [first, *(entry for entry in events if entry["event"] in ("start", "play", "task", "end"))]
    named = {"start": "(read playbook, inventory and roles)", "end": "(end)"}
    found = []
    for here, after in zip(cuts, [*cuts[1:], {**cuts[-1], "at": ended}], strict=True):
        name = named.get(here["event"]) if here is not first else here["name"]
        title = (
            str(name)
            if name
            else (f"play {here['name']}" if here["event"] == "play" else f"{here['name']} [{here['action']}]")
        )
        found.append((title, [after[column] - here[column] for column in ("at", "own", "workers", "host")]))
    return found
