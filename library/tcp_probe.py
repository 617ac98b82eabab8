#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of tcp_probe: open connections to many ports at once, tell what became of each, and close them."""

from __future__ import annotations

import errno
import ipaddress
import resource
import select
import socket
import time
from typing import Any

AT_ONCE = 1000
SPARE_FILES = 50
OUTCOMES = {0: "open", errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "dropped"}


def begin(address: str, port: int) -> tuple[socket.socket, int]:
    """Return a connection that is being opened, and the error of one that cannot be."""
    family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    attempt = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    number = attempt.connect_ex((address, port))
    return attempt, 0 if number == errno.EINPROGRESS else number


def sender(attempt: socket.socket) -> str:
    address = str(attempt.getsockname()[0]).partition("%")[0]
    return "" if ipaddress.ip_address(address).is_unspecified else address


def probe(targets: list[dict[str, Any]], seconds: float) -> list[dict[str, str]]:
    """Return what became of each connection; without an answer in time the packets were dropped."""
    found = [{"found": "dropped", "sender": ""} for _target in targets]
    pending: dict[int, tuple[int, socket.socket]] = {}
    with select.epoll() as poller:
        for at, target in enumerate(targets):
            attempt, number = begin(target["address"], target["port"])
            found[at]["sender"] = sender(attempt)
            if number:
                found[at]["found"] = OUTCOMES.get(number, "unreachable")
                attempt.close()
            else:
                pending[attempt.fileno()] = (at, attempt)
                poller.register(attempt, select.EPOLLOUT)
        until = time.monotonic() + seconds
        while pending and (left := until - time.monotonic()) > 0:
            for handle, _event in poller.poll(left):
                at, attempt = pending.pop(handle)
                number = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                found[at]["found"] = OUTCOMES.get(number, "unreachable")
                poller.unregister(handle)
                attempt.close()
    for _at, attempt in pending.values():
        attempt.close()
    return found


def in_parts(targets: list[dict[str, Any]], seconds: float) -> list[dict[str, str]]:
    """Probe as many at once as this process may open files; port by port over all hosts, so that none gets a burst."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    size = min(AT_ONCE, hard - SPARE_FILES)
    order = sorted(range(len(targets)), key=lambda at: int(targets[at]["port"]))
    found: list[dict[str, str]] = [{} for _target in targets]
    for start in range(0, len(order), size):
        part = order[start : start + size]
        for at, outcome in zip(part, probe([targets[at] for at in part], seconds), strict=True):
            found[at] = outcome
    return found


def main(arguments: dict[str, Any], _check: bool, _diff: bool) -> dict[str, Any]:
    return {"changed": False, "probed": in_parts(arguments["targets"], arguments["seconds"])}
