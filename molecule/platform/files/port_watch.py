"""Note every port of others that lets a neighbor in, several times a second. Usage: port_watch.py FILE PORTS ADDRESS...

Writes one line per address and port when it first answers: seconds since the start, address, port.
Runs until it is ended.
"""

from __future__ import annotations

import errno
import select
import socket
import sys
import time
from pathlib import Path

ROUND_SECONDS = 0.3
PATIENCE_SECONDS = 0.25


def begin(address: str, port: int) -> socket.socket | None:
    """Begin a connection; who refuses at once has no port open."""
    asked = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    asked.setblocking(False)
    if asked.connect_ex((address, port)) in {0, errno.EINPROGRESS}:
        return asked
    asked.close()
    return None


def answering(targets: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Ask all targets at once and return those that let us in."""
    waiting = {}
    poll = select.poll()
    for target in targets:
        asked = begin(*target)
        if asked:
            waiting[asked.fileno()] = (asked, target)
            poll.register(asked, select.POLLOUT)
    found = []
    end = time.monotonic() + PATIENCE_SECONDS
    while waiting and (left := end - time.monotonic()) > 0:
        for number, _event in poll.poll(left * 1000):
            poll.unregister(number)
            asked, target = waiting.pop(number)
            if asked.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
                found.append(target)
            asked.close()
    for asked, _target in waiting.values():
        asked.close()
    return found


def main(file: str, ports: str, *addresses: str) -> None:
    targets = [(address, int(port)) for address in addresses for port in ports.split(",")]
    seen: set[tuple[str, int]] = set()
    began = time.monotonic()
    with Path(file).open("w", encoding="ascii") as notes:
        while True:
            begun = time.monotonic()
            for address, port in answering(targets):
                if (address, port) not in seen:
                    seen.add((address, port))
                    print(f"{begun - began:.1f} {address} {port}", file=notes, flush=True)
            time.sleep(max(0.0, begun + ROUND_SECONDS - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
