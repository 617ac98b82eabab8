"""What the scenario `platform` watches the first run with: it sees an open port of either family, and no other."""

from __future__ import annotations

import runpy
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[3] / "molecule/platform/files/port_watch.py"


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_an_open_port_is_seen_and_a_closed_one_is_not(family: socket.AddressFamily, address: str) -> None:
    answering = runpy.run_path(str(PROGRAM))["answering"]
    with socket.socket(family) as listener, socket.socket(family) as closed:
        for end in (listener, closed):
            try:
                end.bind((address, 0))
            except OSError:
                pytest.skip(f"this machine has no {address}")
        listener.listen()
        ports = [end.getsockname()[1] for end in (listener, closed)]
        assert answering([(address, port) for port in ports]) == [(address, ports[0])]


def test_a_port_that_is_open_for_a_moment_is_noted(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        with subprocess.Popen([sys.executable, PROGRAM, notes, str(port), "127.0.0.1"]) as watch:
            end = time.monotonic() + 20
            while not notes.exists() and time.monotonic() < end:
                time.sleep(0.05)
            listener.listen()
            while not notes.read_text() and time.monotonic() < end:
                time.sleep(0.05)
            watch.kill()
    assert notes.read_text().split()[1:] == ["127.0.0.1", str(port)]
