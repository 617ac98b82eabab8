"""Measure rule sets: `firewall_bed.py SECONDS <RULESETS.json` as root. Needs the standard library, ip and nft.

Two network namespaces, joined by a veth pair whose packets are no larger than those of a real network. The rule sets,
by name, are loaded one after the other on the side that listens. Prints for each, as JSON, how many connections and
bytes a second there were, and how many microseconds of both programs one took.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable

HERE, THERE, PORT = "10.66.0.1", "10.66.0.2", 5000
CLONE_NEWNET = 0x40000000
ABORT = struct.pack("ii", 1, 0)  # no connection lingers, so that ports suffice


def run(*argv: str, text: str = "") -> None:
    subprocess.run(argv, input=text, text=True, check=True)


def within(name: str, work: Callable[[], None]) -> int:
    """Let a child do something in a namespace."""
    child = os.fork()
    if child == 0:
        with open(f"/run/netns/{name}") as handle:  # noqa: PTH123
            ctypes.CDLL(None).setns(handle.fileno(), CLONE_NEWNET)
        work()
        os._exit(0)
    return child


def listen() -> None:
    """Answer: `c` is a connection to count, everything else is data to swallow."""
    with socket.create_server((HERE, PORT), backlog=4096) as server:
        buffer = bytearray(1 << 20)
        while True:
            connection, _ = server.accept()
            with connection:
                try:
                    first = connection.recv(1)
                    while first == b"d" and connection.recv_into(buffer):
                        pass
                except ConnectionError:
                    pass


def connections(seconds: float, result: int) -> None:
    """Connect and abort, again and again."""
    count, began = 0, time.monotonic()
    while time.monotonic() - began < seconds:
        with socket.create_connection((HERE, PORT), 5) as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
        count += 1
    os.write(result, struct.pack("d", count / (time.monotonic() - began)))


def stream(seconds: float, result: int) -> None:
    """Send as much as goes."""
    data, count = bytes(1 << 17), 0
    with socket.create_connection((HERE, PORT), 5) as made:
        made.sendall(b"d")
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            count += made.send(data)
        took = time.monotonic() - began
    os.write(result, struct.pack("d", count / took))


def used(process: int) -> float:
    """Return the CPU seconds of a process so far; what the kernel does for its packets is mostly among them."""
    with open(f"/proc/{process}/stat") as handle:  # noqa: PTH123
        ticks = handle.read().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def measured(name: str, measure: Callable[[float, int], None], seconds: float, server: int) -> tuple[float, float]:
    reader, writer = os.pipe()
    before, began = used(server), time.monotonic()
    child = within(name, lambda: measure(seconds, writer))
    os.close(writer)
    rate = float(struct.unpack("d", os.read(reader, 8))[0])
    os.close(reader)
    usage = os.wait4(child, 0)[2]
    cpu = usage.ru_utime + usage.ru_stime + used(server) - before
    return rate, cpu * 1e6 / (rate * (time.monotonic() - began))


def main() -> None:
    seconds, rulesets = float(sys.argv[1]), json.load(sys.stdin)
    names = [f"bench-{os.getpid()}-{side}" for side in ("here", "there")]
    server = 0
    try:
        for name in names:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", names[0], "link", "add", "eth0", "type", "veth", "peer", "eth0", "netns", names[1])
        for name, address in zip(names, (HERE, THERE), strict=True):
            run("ip", "-n", name, "link", "set", "eth0", "gso_max_segs", "1", "up")
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv4.ip_local_port_range=1024 65535")
        server = within(names[0], listen)
        time.sleep(0.5)
        found: dict[str, dict[str, float]] = {}
        for title, ruleset in rulesets.items():
            run("ip", "netns", "exec", names[0], "nft", "flush", "ruleset")
            began = time.monotonic()
            run("ip", "netns", "exec", names[0], "nft", "-f", "-", text=ruleset)
            loaded = time.monotonic() - began
            found[title] = {"load": loaded}
            for key, way in WAYS.items():
                found[title][key], found[title][f"{key}_cpu"] = measured(names[1], way, seconds, server)
        print(json.dumps(found))
    finally:
        if server:
            os.kill(server, 9)
            os.waitpid(server, 0)
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False)


WAYS = {"connections": connections, "bytes": stream}

if __name__ == "__main__":
    main()
