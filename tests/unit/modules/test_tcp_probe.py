"""tcp_probe against listeners of this machine: open, refused, dropped, and no way there."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module")
def tcp_probe(load_module: Callable[[str], ModuleType]) -> ModuleType:
    return load_module("tcp_probe")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen(50)
        yield made


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that drops: the kernel does that once the queue of a listener is full."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        made.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(made.getsockname())
        time.sleep(0.1)
        yield int(made.getsockname()[1])
        for one in waiting:
            one.close()


def closed_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def test_open_refused_and_dropped_are_told_apart_in_the_order_of_the_targets(
    tcp_probe: ModuleType, listener: socket.socket, silent: int
) -> None:
    ports = [silent, closed_port(), listener.getsockname()[1]]
    found = tcp_probe.in_parts([{"address": "127.0.0.1", "port": port} for port in ports], 0.5)
    assert [entry["found"] for entry in found] == ["dropped", "refused", "open"]
    assert {entry["sender"] for entry in found} == {"127.0.0.1"}


def test_silence_costs_the_time_once(tcp_probe: ModuleType, silent: int) -> None:
    began = time.monotonic()
    assert len(tcp_probe.in_parts([{"address": "127.0.0.1", "port": silent}] * 20, 0.5)) == 20
    assert time.monotonic() - began < 2


def test_more_targets_than_files_are_probed_in_parts(
    tcp_probe: ModuleType, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_probe, "AT_ONCE", 3)
    port = listener.getsockname()[1]
    found = tcp_probe.in_parts([{"address": "127.0.0.1", "port": port}] * 7, 1)
    assert [entry["found"] for entry in found] == ["open"] * 7


def test_both_families(tcp_probe: ModuleType) -> None:
    with socket.socket(socket.AF_INET6) as made:
        try:
            made.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no ::1")
        made.listen()
        found = tcp_probe.in_parts([{"address": "::1", "port": made.getsockname()[1]}], 1)
    assert found == [{"found": "open", "sender": "::1"}]


def test_no_way_there(tcp_probe: ModuleType) -> None:
    assert tcp_probe.in_parts([{"address": "255.255.255.255", "port": 9}], 0.2)[0]["found"] == "unreachable"


def test_nothing_to_probe(tcp_probe: ModuleType) -> None:
    assert tcp_probe.in_parts([], 1) == []


@pytest.mark.parametrize(("files", "at_once"), [(1024, 974), (9000, 1000)])
def test_as_many_are_open_at_once_as_this_process_may_have_files(
    tcp_probe: ModuleType, monkeypatch: pytest.MonkeyPatch, files: int, at_once: int
) -> None:
    asked: list[int] = []
    limits: list[tuple[int, int]] = []

    def probe(targets: list[dict[str, object]], _seconds: float) -> list[dict[str, str]]:
        asked.append(len(targets))
        return [{"found": str(target["port"])} for target in targets]

    monkeypatch.setattr(tcp_probe, "probe", probe)
    monkeypatch.setattr(tcp_probe.resource, "getrlimit", lambda _which: (10, files))
    monkeypatch.setattr(tcp_probe.resource, "setrlimit", lambda _which, both: limits.append(both))
    ports = [*range(1500, 750, -1), *range(1, 751)]
    found = tcp_probe.in_parts([{"address": "127.0.0.1", "port": port} for port in ports], 1)
    assert [entry["found"] for entry in found] == [str(port) for port in ports]
    assert (asked, limits) == ([at_once, 1500 - at_once], [(files, files)])


def test_no_host_gets_all_of_its_ports_at_once(tcp_probe: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[tuple[object, object]] = []

    def probe(targets: list[dict[str, object]], _seconds: float) -> list[dict[str, str]]:
        order.extend((target["address"], target["port"]) for target in targets)
        return [{} for _target in targets]

    monkeypatch.setattr(tcp_probe, "probe", probe)
    tcp_probe.in_parts([{"address": host, "port": port} for host in ("a", "b") for port in ("443", 22, 1000)], 1)
    assert order == [("a", 22), ("b", 22), ("a", "443"), ("b", "443"), ("a", 1000), ("b", 1000)]


def test_a_call_prints_what_became_of_each(
    tcp_probe: Any,
    listener: socket.socket,
) -> None:
    wanted = {"targets": [{"address": "127.0.0.1", "port": listener.getsockname()[1]}], "seconds": 1}
    probed = [{"found": "open", "sender": "127.0.0.1"}]
    assert tcp_probe.called(wanted) == {"changed": False, "probed": probed}
