"""How a command of a job is followed and ended, without one."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from ansible_collections.holdfast.platform.plugins.module_utils import job_command
from ansible_collections.holdfast.platform.plugins.module_utils.job_command import Command


@pytest.fixture
def command() -> Command:
    """A command that nobody has begun."""
    made = Command.__new__(Command)
    made.signal = 0
    made.take = lambda _data: None
    return made


def pipe(said: bytes = b"") -> int:
    """Return the end of a pipe from which this can be read; nobody closes the other one."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.write(write, said)
    return read


@pytest.mark.parametrize(
    ("alarm", "ended", "found"),
    [(b"\x0f", b"", ("told to end", 15)), (b"", b"x", ("ended", 0)), (b"", b"", ("too long", 0))],
)
def test_a_command_is_followed_until_it_ends_or_has_to(
    command: Command, alarm: bytes, ended: bytes, found: tuple[str, int]
) -> None:
    command.alarm, command.pipe, command.end_of_process = pipe(alarm), pipe(), pipe(ended)
    assert (command.follow(0.1), command.signal) == found


@pytest.mark.parametrize(
    ("code", "shown"),
    [(0, 0), (3, 3), (-15, 143), (-9, 137), (None, 137)],  # None: it waits for a broken disk
)
def test_the_exit_code_is_that_of_a_shell(
    command: Command, monkeypatch: pytest.MonkeyPatch, code: int | None, shown: int
) -> None:
    monkeypatch.setattr(job_command, "TERM_SECONDS", 0)
    monkeypatch.setattr(job_command, "KILL_SECONDS", 0)
    sent: list[int] = []
    command.pipe = pipe()
    command.process = SimpleNamespace(poll=lambda: code)  # type: ignore[assignment]

    def reach(number: int) -> bool:
        sent.append(number)
        return code is None

    monkeypatch.setattr(command, "reach", reach)
    assert command.end() == shown
    assert [number for number in sent if number] == ([15, 9] if code is None else [15])
