"""The package cache against a small origin server: what is kept, what is shared, what is not believed."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.lab.files import package_cache

BODY = b"deb" * 100_000
asked: Counter[str] = Counter()
go_on = threading.Event()


class Origin(BaseHTTPRequestHandler):
    """Answers with BODY; /slow holds back the second half, /short breaks off, /gone is not there."""

    def do_GET(self) -> None:
        asked[self.path] += 1
        if "gone" in self.path:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[: len(BODY) // 2])
        if "slow" in self.path:
            go_on.wait(10)
        if "short" not in self.path:
            self.wfile.write(BODY[len(BODY) // 2 :])

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@dataclass
class Bed:
    """The origin's address, and the cache between it and us."""

    base: str
    port: int

    def fetch(self, name: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            connection.request("GET", f"{self.base}/{name}")
            answer = connection.getresponse()
            return answer.status, answer.read()


@pytest.fixture
def bed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bed]:
    monkeypatch.setattr(package_cache, "file_for", lambda url: tmp_path / url.rpartition("/")[2])
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    asked.clear()
    go_on.clear()
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (Origin, package_cache.Handler)]
    threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}) for server in servers]
    for thread in threads:
        thread.start()
    yield Bed(f"http://127.0.0.1:{servers[0].server_port}", servers[1].server_port)
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://x/pool/main/r/redis/redis_8.0-1_amd64.deb", True),
        ("http://x/dists/trixie/main/binary-amd64/by-hash/SHA256/abc", True),
        ("http://x/dists/trixie/InRelease", False),
        ("http://x/dists/trixie/main/binary-amd64/Packages.xz", False),
    ],
)
def test_only_what_cannot_change_is_kept(url: str, kept: bool) -> None:
    assert package_cache.is_immutable(url) is kept


def test_a_package_is_downloaded_once(bed: Bed) -> None:
    assert [bed.fetch("a.deb") for _ in range(3)] == [(200, BODY)] * 3
    assert asked["/a.deb"] == 1


def test_a_list_is_asked_for_every_time(bed: Bed) -> None:
    assert [bed.fetch("InRelease") for _ in range(2)] == [(200, BODY)] * 2
    assert asked["/InRelease"] == 2


def test_hosts_share_a_download_that_is_under_way(bed: Bed) -> None:
    got: list[tuple[int, bytes]] = []
    hosts = [threading.Thread(target=lambda: got.append(bed.fetch("slow.deb"))) for _ in range(5)]
    for host in hosts:
        host.start()
    go_on.set()
    for host in hosts:
        host.join(10)
    assert got == [(200, BODY)] * 5
    assert asked["/slow.deb"] == 1


def test_a_download_that_broke_off_is_neither_whole_nor_kept(bed: Bed, tmp_path: Path) -> None:
    with pytest.raises(http.client.IncompleteRead):
        bed.fetch("short.deb")
    assert not (tmp_path / "short.deb").exists()


def test_a_missing_file_stays_missing(bed: Bed) -> None:
    assert bed.fetch("gone.deb") == (404, b"")
