"""Command line: python -m tests.mutate [--seed N] [--per-file N] [--file NAME ...]."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from . import equivalents, files, report
from .lab import Lab, labs
from .report import Score
from .source import Mutant, mutants

CACHE = files.ROOT / ".cache" / "mutate"


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="make mutate", description="Put faults into the code; the unit tests notice.")
    made.add_argument("--seed", type=int, default=0, help="of the sample (default: 0)")
    made.add_argument("--per-file", type=int, default=30, metavar="N", help="how many mutants of each (default: 30)")
    made.add_argument("--file", action="append", default=[], metavar="NAME", help="only these files; may be repeated")
    made.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="at a time (default: one per CPU)"
    )
    made.add_argument("--own", action="store_true", help="ask only the tests named after a file: quick, says less")
    return made


def sample(name: str, found: list[Mutant], seed: int, number: int) -> list[Mutant]:
    """Choose mutants of a file, the same ones for the same seed."""
    chosen = random.Random(f"{seed} {name}").sample(found, min(number, len(found)))  # noqa: S311 - not a secret
    return sorted(chosen, key=lambda mutant: (mutant.line, mutant.start, mutant.change))


class Record:
    """What has been found so far, kept so that an interrupted run continues where it was."""

    def __init__(self, state: str) -> None:
        self.path = CACHE / f"{state}.jsonl"
        rows = self.path.read_text().splitlines() if self.path.exists() else []
        self.known: dict[str, bool] = dict(json.loads(row) for row in rows)
        self.lock = threading.Lock()

    def survives(self, name: str, mutant: Mutant, place: Lab) -> bool:
        key = f"{name} {mutant.start} {mutant.end} {mutant.text}"
        if key not in self.known:
            found = place.survives(name, mutant)
            with self.lock, self.path.open("a") as stream:
                self.known[key] = found
                stream.write(json.dumps([key, found]) + "\n")
        return self.known[key]


def measure(places: list[Lab], record: Record, chosen: dict[str, list[Mutant]], scores: list[Score]) -> None:
    """Try all mutants, a file at each place; those of an interruption are in `scores` as far as they were."""
    known, done = equivalents.known(), itertools.count(1)
    free: SimpleQueue[Lab] = SimpleQueue()
    for place in places:
        free.put(place)

    def tried(name: str) -> None:
        score = Score(name)
        scores.append(score)
        place = free.get()
        try:
            for mutant in chosen[name]:
                if equivalents.key(name, mutant) in known:
                    score.equivalent += 1
                elif record.survives(name, mutant, place):
                    score.survivors.append(mutant)
                else:
                    score.killed += 1
        finally:
            free.put(place)
        print(f"{next(done)}/{len(chosen)} {name}: {score.killed} of {score.counted} noticed", flush=True)

    pool = ThreadPoolExecutor(len(places))
    try:
        list(pool.map(tried, chosen))
    finally:
        for place in places:  # whoever waits for an answer gets none
            place.worker.terminate()
        pool.shutdown(cancel_futures=True)


def main(argv: list[str]) -> int:
    arguments = parser().parse_args(argv)
    os.nice(19)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it otherwise: the copy has to go
    wanted = [str(Path(name)) for name in arguments.file]
    unknown = sorted(set(wanted) - set(files.measured()))
    if unknown:
        raise SystemExit(f"{unknown[0]} is not measured; choose from:\n" + "\n".join(files.measured()))
    CACHE.mkdir(parents=True, exist_ok=True)
    scores: list[Score] = []
    interrupted = False
    with tempfile.TemporaryDirectory(dir=CACHE, prefix="tree-") as folder:
        trees = [Path(folder, f"tree-{number}") for number in range(max(1, arguments.jobs))]
        states = [files.copy(tree) for tree in trees]
        tree, state = trees[0], states[0]
        found = {name: mutants((tree / name).read_bytes()) for name in wanted or files.measured(tree)}
        chosen = {name: sample(name, each, arguments.seed, arguments.per_file) for name, each in found.items() if each}
        tests = sorted({test for name in chosen for test in files.own_tests(name)}) if arguments.own else [*files.TESTS]
        try:
            print(f"Asking which of the tests in {' '.join(tests)} execute which lines", flush=True)
            with labs(trees, Path(folder), tests) as places:
                measure(places, Record(f"{state}-own" if arguments.own else state), chosen, scores)
        except KeyboardInterrupt:
            interrupted = True
    return tell(scores, equivalents.outdated(equivalents.known(), found), interrupted)


def tell(scores: list[Score], outdated: list[str], interrupted: bool) -> int:
    print("\n".join(["", *report.survivors(scores), "", *report.table(scores), ""]))
    print("".join(f"equivalents.yml, fits nothing any more: {entry}\n" for entry in outdated), end="")
    if interrupted:
        print("Interrupted; the same command continues where it was.")
        return 130
    low = report.too_low(scores)
    print("\n".join(low))
    return 1 if low or outdated else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
