# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a job says: into its log, up to a bound and without secrets, and the last lines to keep."""

from __future__ import annotations

import codecs
import os
from collections import deque
from pathlib import Path

from ansible_collections.holdfast.platform.plugins.module_utils.job_record import utc_now
from ansible_collections.holdfast.platform.plugins.module_utils.masking import Secrets

LOGS = Path("/var/log/holdfast/jobs")
RUN_BYTES = 1 << 20  # of one run
FILE_BYTES = 8 << 20  # of one log, which logrotate takes away daily
LONGEST_LINE = 1 << 16
KEPT_LINES, KEPT_CHARACTERS = 20, 300


class JobOutput:
    """The log of one run. A disk that takes no more silences the log, not the job."""

    def __init__(self, name: str, secrets: Secrets) -> None:
        self.secrets, self.problem, self.rest = secrets, "", ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.last: deque[str] = deque(maxlen=KEPT_LINES)
        # A secret that is longer than what is held back of an endless line would be seen by halves
        self.held_back = max(map(len, secrets.words), default=1)
        self.handle, self.room, self.full = -1, 0, False
        try:
            LOGS.mkdir(mode=0o750, parents=True, exist_ok=True)
            self.handle = os.open(LOGS / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            self.room = max(0, min(RUN_BYTES, FILE_BYTES - os.fstat(self.handle).st_size))
        except OSError as problem:
            self.problem = str(problem)

    def write(self, text: str) -> None:
        data = text.encode(errors="replace")
        try:
            while data and not self.problem:
                data = data[os.write(self.handle, data) :]
        except OSError as problem:
            self.problem = str(problem)

    def note(self, words: str) -> None:
        """Write a line of ours, whatever room is left."""
        self.write(f"[{utc_now()}] {words}\n")

    def take(self, data: bytes, final: bool = False) -> None:
        self.rest += self.decoder.decode(data, final)
        *lines, self.rest = self.rest.split("\n")
        for line in lines:
            self.line(line)
        if len(self.rest) > LONGEST_LINE + self.held_back:
            text = self.secrets.hide(self.rest)
            self.line(text[: -self.held_back])
            self.rest = text[-self.held_back :]

    def line(self, line: str) -> None:
        text = self.secrets.hide(line)
        self.last.append(text[:KEPT_CHARACTERS])
        size = len(text.encode(errors="replace")) + 1
        if size <= self.room:
            self.room -= size
            self.write(f"{text}\n")
        elif not self.full:
            self.full, self.room = True, 0
            self.note("the log has no room for more of this run")

    def close(self) -> None:
        self.take(b"", final=True)
        if self.rest:
            self.line(self.rest)
            self.rest = ""
