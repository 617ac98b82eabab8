"""In which order the test steps run: as many at a time as there are lanes, the longest first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from .console import Console


@dataclass(frozen=True)
class Step:
    """One row of the summary."""

    title: str
    run: Callable[[Console], int]
    hosts: str = ""  # the scenario whose hosts it uses: two such steps at a time would only wait for each other


class Schedule:
    """Hands out each step once, in the given order, except that a step waits while another one uses its hosts."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self.waiting = list(steps)
        self.used: set[str] = set()
        self.changed = threading.Condition()

    @contextmanager
    def next(self) -> Iterator[Step | None]:
        """Hold the next step, or nothing when all are handed out."""
        with self.changed:
            while (step := self._free()) is None and self.waiting:
                self.changed.wait()
            if step is not None:
                self.waiting.remove(step)
                self.used.add(step.hosts)
        try:
            yield step
        finally:
            with self.changed:
                self.used.discard(step.hosts if step is not None else "")
                self.changed.notify_all()

    def _free(self) -> Step | None:
        return next((step for step in self.waiting if not step.hosts or step.hosts not in self.used), None)

    def stop(self) -> None:
        """Hand out no further step."""
        with self.changed:
            self.waiting.clear()
            self.changed.notify_all()


def work_off(steps: list[Step], workers: int, do: Callable[[Step], None]) -> None:
    """Do all steps, so many at a time; an interruption begins no further step."""
    schedule = Schedule(steps)

    def work() -> None:
        while True:
            with schedule.next() as step:
                if step is None:
                    return
                do(step)

    with ThreadPoolExecutor(workers) as pool:
        try:
            for done in [pool.submit(work) for _ in range(workers)]:
                done.result()
        except BaseException:
            schedule.stop()
            raise
