"""Send real packets through rule sets: `bed.py <CASES.json` as root. Needs the standard library, ip and nft.

Four network namespaces: the host with the rules; the world on its interface eth0; two containers of two networks,
behind docker7 and br-two. Everybody listens at some ports, TCP and UDP, IPv4 and IPv6. As Docker does it, two ports of
the host lead to port 80 of the first container. Prints what differs from what the cases expect, as JSON; when nothing
does, an empty list.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

PORTS = (22, 53, 80, 443, 5432, 9000)
PATIENCE, GRACE = 5.0, 0.25  # seconds for what should arrive; and after that, for what should not
SIDES = {
    "host": ["10.77.0.1", "fd77::1", "10.99.0.1", "fd99::1", "10.98.0.1", "fd98::1"],
    "world": ["10.77.1.1", "10.77.1.2", "10.77.2.1", "fd77:0:1::1", "fd77:0:1::2", "fd77:0:2::1"],
    "box": ["10.99.0.2", "fd99::2"],
    "other": ["10.98.0.2", "fd98::2"],
}
LINKS = {  # of the host: peer, length of the prefixes
    "eth0": ("world", 16, 32),
    "docker7": ("box", 24, 64),
    "br-two": ("other", 24, 64),
}
NAT = """
table inet testnat {
  chain pre {
    type nat hook prerouting priority dstnat;
    iifname "eth0" meta l4proto { tcp, udp } th dport { 8081, 8082 } dnat ip to 10.99.0.2:80
    iifname "eth0" meta l4proto { tcp, udp } th dport { 8081, 8082 } dnat ip6 to [fd99::2]:80
  }
}
"""
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def run(*argv: str, text: str = "") -> str:
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}\n{text}")
    return done.stdout


class Side:
    """A network namespace, held open by this process, and its name for the program ip."""

    def __init__(self, name: str) -> None:
        self.name = f"packets-{os.getpid()}-{name}"
        run("ip", "netns", "add", self.name)
        self.handle = os.open(f"/run/netns/{self.name}", os.O_RDONLY)

    def enter(self) -> None:
        if libc.setns(self.handle, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def run(self, *argv: str, text: str = "") -> str:
        return run("ip", "netns", "exec", self.name, *argv, text=text)


def family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Network:
    """The sides, connected. Sockets stay where they were made, so this one process can be on all of them."""

    def __init__(self) -> None:
        self.sides: dict[str, Side] = {}
        self.next_port = 10000
        self.listeners: list[socket.socket] = []

    def __enter__(self) -> Network:
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            for name in SIDES:
                self.sides[name] = Side(name)
            self.connect()
            self.listen()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for listener in self.listeners:
            listener.close()
        for side in self.sides.values():
            os.close(side.handle)
            subprocess.run(["ip", "netns", "del", side.name], check=False)

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        self.sides[name].enter()
        try:
            yield
        finally:
            libc.setns(self.home, CLONE_NEWNET)

    def connect(self) -> None:
        host = self.sides["host"]
        for at, (link, (peer, length4, length6)) in enumerate(LINKS.items()):
            other = self.sides[peer]
            run("ip", "-n", host.name, "link", "add", link, "type", "veth", "peer", "eth0", "netns", other.name)
            gateways = SIDES["host"][2 * at : 2 * at + 2]
            for side, interface, addresses in ((host, link, gateways), (other, "eth0", SIDES[peer])):
                for address in addresses:
                    length = [f"{address}/{length6}", "nodad"] if ":" in address else [f"{address}/{length4}"]
                    run("ip", "-n", side.name, "address", "add", *length, "dev", interface)
                run("ip", "-n", side.name, "link", "set", interface, "up")
            for gateway in gateways:
                run("ip", "-n", other.name, "route", "add", "default", "via", gateway)
        for side in self.sides.values():
            run("ip", "-n", side.name, "link", "set", "lo", "up")
        for path in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            host.run("tee", f"/proc/sys/net/{path}", text="1")
        host.run("nft", "-f", "-", text=NAT)

    def listen(self) -> None:
        for name, addresses in SIDES.items():
            with self.on(name):
                for address in addresses:
                    for port in PORTS:
                        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                            self.listeners.append(self.opened(address, port, kind))
        for listener in self.listeners:
            if listener.type == socket.SOCK_STREAM:
                listener.listen(4096)

    def opened(self, address: str, port: int, kind: int) -> socket.socket:
        opened = socket.socket(family(address), kind | socket.SOCK_NONBLOCK)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address, port))
        return opened

    def load(self, ruleset: str) -> None:
        self.sides["host"].run("nft", "-f", "-", text=ruleset)

    def counter(self, name: str) -> int:
        text = self.sides["host"].run("nft", "-j", "list", "counter", "inet", "holdfast", name)
        return int(json.loads(text)["nftables"][1]["counter"]["packets"])

    def begin(self, source: str, destination: str, protocol: str, port: int) -> socket.socket:
        """Send a first packet, from a port that nobody has used before, so that the kernel knows nothing of it."""
        self.next_port = 10000 + (self.next_port - 9999) % 50000
        side = next(name for name, addresses in SIDES.items() if source in addresses)
        with self.on(side):
            made = self.opened(source, self.next_port, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
        made.connect_ex((destination, port))
        if protocol == "udp":
            with suppress(OSError):  # what the host may not send, it is told at once
                made.send(b"?")
        return made

    def arrived(self, packets: list[list[Any]], expected: int) -> list[socket.socket | None]:
        """Return for each packet the connection it has become, or nothing."""
        began = {}
        for at, packet in enumerate(packets):
            made = self.begin(*packet)
            began[made.fileno()] = (at, made)
        found: list[socket.socket | None] = [None] * len(packets)
        with select.epoll() as poller:
            for number, (at, _made) in began.items():
                poller.register(number, select.EPOLLOUT if packets[at][2] == "tcp" else select.EPOLLIN)
            answering = {one.fileno(): one for one in self.listeners if one.type == socket.SOCK_DGRAM}
            for number in answering:
                poller.register(number, select.EPOLLIN)
            until = time.monotonic() + PATIENCE
            while (left := until - time.monotonic()) > 0:
                if sum(one is not None for one in found) >= expected:
                    until, expected = time.monotonic() + GRACE, len(packets) + 1
                for number, _event in poller.poll(max(0.01, min(left, 0.1))):
                    if number in answering:
                        data, sender = answering[number].recvfrom(10)
                        with suppress(OSError):
                            answering[number].sendto(data, sender)
                    elif number in began:
                        at, made = began[number]
                        poller.unregister(number)
                        del began[number]
                        good = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
                        found[at] = made if good else None
        for _at, made in began.values():
            made.close()
        return found

    def accept(self) -> list[socket.socket]:
        """Return what has arrived at the listeners."""
        made = []
        for listener in self.listeners:
            while listener.type == socket.SOCK_STREAM:
                try:
                    made.append(listener.accept()[0])
                except BlockingIOError:
                    break
        return made

    def forget(self, connections: list[socket.socket | None]) -> None:
        for one in [*connections, *self.accept()]:
            if one is not None:
                if one.type == socket.SOCK_STREAM:
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.close()


def differences(network: Network, case: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the packets of a case that arrived though they should not, and those that did not though they should."""
    network.load(case["ruleset"])
    packets = [packet[:4] for packet in case["probes"]]
    wanted = [packet[4] for packet in case["probes"]]
    found = network.arrived(packets, sum(wanted))
    network.forget(found)
    return [
        {"packet": packet, "arrived": one is not None, "firewall": case["firewall"]}
        for packet, want, one in zip(packets, wanted, found, strict=True)
        if want != (one is not None)
    ]


def many(network: Network, ends: tuple[str, str, int], count: int, least: int) -> list[Any]:
    """Return the connections that come of so many attempts at once; at least some must."""
    source, destination, port = ends
    return [one for one in network.arrived([[source, destination, "tcp", port]] * count, least) if one]


def limits(network: Network, ruleset: str) -> Iterator[tuple[str, bool]]:
    """80: one new connection a second, five at once. 443: three open at the same time. 10.77.2.1 has no limit."""
    network.load(ruleset)
    for version, (one, same, other, host) in {
        4: ("10.77.1.1", "10.77.1.1", "10.77.1.2", "10.77.0.1"),
        6: ("fd77:0:1::1", "fd77:0:1::2", "fd77:0:2::1", "fd77::1"),
    }.items():
        first = many(network, (one, host, 80), 20, 5)
        yield f"IPv{version}: of 20 new connections at once {len(first)} arrive, 5 are allowed", 5 <= len(first) <= 7
        more = many(network, (same, host, 80), 5, 0)
        yield f"IPv{version}: then {len(more)} of 5 of the same source, or its network, arrive", len(more) <= 2
        others = many(network, (other, host, 80), 4, 4)
        yield f"IPv{version}: {len(others)} of 4 of another source arrive meanwhile", len(others) == 4
        network.forget([*first, *more, *others])
        held = many(network, (one, host, 443), 9, 3)
        yield f"IPv{version}: {len(held)} of 9 are open at the same time, 3 are allowed", len(held) == 3
        others = many(network, (other, host, 443), 3, 3)
        yield f"IPv{version}: {len(others)} of 3 of another source are open as well", len(others) == 3
        network.forget([*held, *others])
        again = many(network, (one, host, 443), 3, 3)
        yield f"IPv{version}: {len(again)} of 3 are open once the others are closed", len(again) == 3
        network.forget(again)
    free = many(network, ("10.77.2.1", "10.77.0.1", 80), 20, 20)
    yield f"{len(free)} of 20 arrive of a source without limits", len(free) == 20
    network.forget(free)
    yield "what was above the limit is counted", network.counter("limited.web") >= 20
    yield "so is what arrived", network.counter("rule.web") >= 5 + 4 + 5 + 4 + 20


def impossible(network: Network, ruleset: str) -> Iterator[tuple[str, bool]]:
    """Combinations of TCP flags that no program sends are dropped before any rule, and counted."""
    network.load(ruleset)
    fin, syn, rst, psh, urg = 1, 2, 4, 8, 32
    combinations = [0, fin, syn | fin, syn | rst, fin | psh | urg, fin | rst, psh]
    with network.on("world"):
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    with raw:
        raw.bind(("10.77.1.1", 0))
        for number, flags in enumerate(combinations):
            raw.sendto(segment("10.77.1.1", "10.77.0.1", 7000 + number, 9000, flags), ("10.77.0.1", 0))
    time.sleep(GRACE)
    found = network.counter("dropped.invalid")
    yield f"{found} of {len(combinations)} impossible packets are dropped as such", found == len(combinations)
    yield "none of them came to a rule", network.counter("rule.any") == 0


def segment(source: str, destination: str, from_port: int, port: int, flags: int) -> bytes:
    """Return a TCP header with its sum."""
    parts = (from_port, port, 1, 0, 5 << 4, flags, 1024, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 6, 20)
    total = sum(struct.unpack("!16H", pseudo + struct.pack("!HHIIBBHHH", *parts)))
    total = (total >> 16) + (total & 0xFFFF)
    checksum = ~(total + (total >> 16)) & 0xFFFF
    return struct.pack("!HHIIBBHHH", *parts[:7], checksum, 0)


def answers(network: Network, ruleset: str) -> Iterator[tuple[str, bool]]:
    """An ssh connection that is older than the rules goes on, even when the host speaks first; nothing else leaves."""
    network.sides["host"].run("nft", "flush", "ruleset")  # so that the kernel follows no connections
    (client,) = many(network, ("10.77.1.1", "10.77.0.1", 22), 1, 1)
    (server,) = network.accept()
    network.sides["host"].run("nft", "-f", "-", text=NAT)
    network.load(ruleset)
    server.send(b"loaded")
    client.settimeout(2)
    try:
        heard = client.recv(10)
    except TimeoutError:
        heard = b""
    yield "an answer of sshd leaves in a connection that is older than the rules", heard == b"loaded"
    for one in (client, server):
        one.close()
    found = network.arrived([["10.77.0.1", "10.77.1.1", "tcp", 443]], 0)
    yield "and nothing else leaves", found == [None]


FIXED: dict[str, Callable[[Network, str], Iterator[tuple[str, bool]]]] = {
    "limits": limits,
    "impossible": impossible,
    "answers": answers,
}


def main() -> None:
    given = json.load(sys.stdin)
    found: list[Any] = []
    with Network() as network:
        for ruleset in given["compiled"]:
            network.sides["host"].run("nft", "-c", "-f", "-", text=ruleset)
        for case in given["random"]:
            found += differences(network, case)
        for name, ruleset in given["fixed"].items():
            found += [sentence for sentence, good in FIXED[name](network, ruleset) if not good]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
