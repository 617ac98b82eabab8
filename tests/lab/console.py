"""What the person in front of the screen sees: phases, elapsed time, what is being waited for."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .paths import LOGS, ROOT, LabError

PLAIN_LINE_EVERY = 20.0
TAIL = 25
LOGS_KEPT = 200
COLORS = {"green": "32", "red": "31", "yellow": "33", "dim": "2", "bold": "1"}
ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
ACTIVITY = re.compile(
    r"^(?:TASK|PLAY|RUNNING HANDLER|I:|Get:\d|Step \d|Setting up|Unpacking|Building|Installing|Collecting)"
)


def duration(seconds: float) -> str:
    """Return seconds as people say them: 8 s, 2 min 05 s."""
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"


class Console:
    """One per command. Everything goes to the log file; the screen shows the phases."""

    def __init__(self, command: str) -> None:
        self.command = command
        self.started = time.monotonic()
        self.terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self.colored = self.terminal and "NO_COLOR" not in os.environ
        LOGS.mkdir(parents=True, exist_ok=True)
        self.path = LOGS / f"{time.strftime('%Y%m%d-%H%M%S')}-{command}.log"
        self.log = self.path.open("a", buffering=1)
        for old in sorted(LOGS.glob("*.log"))[:-LOGS_KEPT]:
            old.unlink(missing_ok=True)
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.activity = ""
        self.waited = 0.0  # for a lane; no time of the step
        self.lock = threading.Lock()

    def beside(self, work: str) -> Console:
        """Return a console for work done at the same time as other work: a log of its own, no line that updates."""
        made = Console(f"{self.command}-{work}")
        made.terminal, made.lock = False, self.lock
        return made

    @property
    def shown_path(self) -> str:
        """The log's path as one would type it."""
        path = self.path
        return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)

    def paint(self, color: str, text: str) -> str:
        return f"\x1b[{COLORS[color]}m{text}\x1b[0m" if self.colored else text

    def say(self, text: str = "") -> None:
        """Print one line above the line that updates."""
        with self.lock:
            if self.terminal:
                sys.stdout.write("\r\x1b[K")
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
            self.log.write(ESCAPES.sub("", text) + "\n")

    def record(self, line: str) -> None:
        """Take one line of a program's output: for the log, the tail, and the line that updates."""
        text = ESCAPES.sub("", line).rstrip()
        with self.lock:
            self.log.write(text + "\n")
            if text:
                self.tail.append(text)
            if ACTIVITY.match(text):
                self.activity = text.rstrip(" *")[:100]

    @contextmanager
    def phase(self, title: str) -> Iterator[None]:
        """Show a step while it runs, and how long it took when it is over."""
        start = time.monotonic()
        self.activity = ""
        self.tail.clear()
        self.log.write(f"\n=== {title}\n")
        over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(title, start, over), daemon=True)
        watcher.start()
        good = False
        try:
            yield
            good = True
        finally:
            over.set()
            watcher.join()
            mark = self.paint("green", "ok") if good else self.paint("red", "FAILED")
            self.say(f"{mark:>2}  {title}  {self.paint('dim', duration(time.monotonic() - start))}")

    def _watch(self, title: str, start: float, over: threading.Event) -> None:
        last = start
        while not over.wait(0.25 if self.terminal else 1.0):
            now = time.monotonic()
            text = f"{title}  {duration(now - start)}" + (f"  {self.activity}" if self.activity else "")
            if self.terminal:
                width = shutil.get_terminal_size().columns - 5
                with self.lock:
                    sys.stdout.write(f"\r\x1b[K..  {text[:width]}")
                    sys.stdout.flush()
            elif now - last >= PLAIN_LINE_EVERY:
                last = now
                self.say(f"..  {text}")

    def failure(self, error: LabError) -> None:
        """Say what went wrong, with the last lines and the fix."""
        if self.tail:
            self.say(self.paint("dim", f"--- last lines of {self.shown_path}"))
            for line in tuple(self.tail):
                self.say(f"    {line[:300]}")
        self.say(self.paint("red", f"Stopped: {error}"))
        if error.cure:
            self.say(f"Fix: {error.cure}")
        self.say(f"Log:  {self.shown_path}")

    def box(self, title: str, lines: list[str]) -> None:
        """Close with a frame that holds what matters."""
        width = max(len(text) for text in [title, *lines]) + 2
        self.say()
        self.say(f"+- {self.paint('bold', title)} " + "-" * (width - len(title) - 3) + "+")
        for line in lines:
            self.say(f"| {line:<{width - 1}}|")
        self.say("+" + "-" * width + "+")

    def elapsed(self) -> str:
        return duration(time.monotonic() - self.started)


def relative(path: Path) -> str:
    """Return a path as seen from the project."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
