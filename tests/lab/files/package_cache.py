"""A caching proxy for apt, so that ten test hosts download an archive once; it runs in a container of its own.

Only what can never change under its address is kept: .deb files and files named by their hash. Hosts that ask for the
same file at the same time share one download, and each receives it while it arrives.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

PORT = 3142
FOLDER = Path("/cache")
CHUNK = 1 << 16
PATIENCE = 20  # seconds without a byte, below apt's own 30
PASSED_ON = ("If-Modified-Since", "Cache-Control", "User-Agent")


def is_immutable(url: str) -> bool:
    """Tell whether the content behind this address can never be another one."""
    return url.endswith((".deb", ".udeb")) or "/by-hash/" in url


def file_for(url: str, folder: Path = FOLDER) -> Path:
    return folder / hashlib.sha256(url.encode()).hexdigest()


class Download:
    """One file on its way in, read by everybody who wants it while it grows."""

    def __init__(self, url: str, target: Path) -> None:
        self.url, self.target = url, target
        self.partial = target.with_suffix(".part")
        self.partial.touch()
        self.length = -1  # not known yet
        self.arrived = 0
        self.over = False
        self.failure: Exception = ConnectionError("the download broke off")
        self.changed = threading.Condition()

    def fetch(self) -> None:
        """Take it in; only a complete file gets its final name."""
        try:
            with urllib.request.urlopen(self.url, timeout=PATIENCE) as source, self.partial.open("wb") as sink:
                self.length = int(source.headers["Content-Length"])
                while chunk := source.read(CHUNK):
                    sink.write(chunk)
                    sink.flush()
                    self._report(len(chunk))
        except (OSError, TypeError) as error:
            self.failure = error
        self._report(0, over=True)

    def _report(self, size: int, over: bool = False) -> None:
        with self.changed:
            self.arrived += size
            self.over = over
            self.changed.notify_all()

    def wait_beyond(self, sent: int) -> None:
        """Wait until there is more than this, or until it is clear that there will not be."""
        with self.changed:
            self.changed.wait_for(lambda: self.arrived > sent or self.over)
            if self.arrived <= sent:
                raise self.failure

    def copy_to(self, handle: IO[bytes], out: Any) -> None:
        """Send what has arrived, then wait for more."""
        sent = 0
        while sent < self.length:
            self.wait_beyond(sent)
            chunk = handle.read(CHUNK)
            out.write(chunk)
            sent += len(chunk)


class Store:
    """The files that are there, and those that are arriving."""

    def __init__(self) -> None:
        self.arriving: dict[str, Download] = {}
        self.lock = threading.Lock()

    def open(self, url: str) -> tuple[IO[bytes], Download | None]:
        """Return a handle, and the download when it is not finished."""
        with self.lock:
            download = self.arriving.get(url)
            if download is None:
                path = file_for(url)
                if path.exists():
                    return path.open("rb"), None
                download = self.arriving[url] = Download(url, path)
                threading.Thread(target=self._fetch, args=(download,), daemon=True).start()
            return download.partial.open("rb"), download

    def _fetch(self, download: Download) -> None:
        download.fetch()
        with self.lock:
            del self.arriving[download.url]
            if download.arrived == download.length:
                download.partial.replace(download.target)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store = Store()

    def do_GET(self) -> None:
        try:
            if not self.path.startswith("http://"):
                self._answer(200, b"package cache of the test hosts\n")
            elif is_immutable(self.path):
                self._from_store()
            else:
                self._pass_on()
        except urllib.error.HTTPError as error:
            error.close()
            self._answer(error.code, b"")
        except (OSError, TypeError) as error:
            print(f"{self.path}: {error}", flush=True)
            self.close_connection = True

    def _from_store(self) -> None:
        handle, download = self.store.open(self.path)
        with handle:
            if download:
                download.wait_beyond(0)
                self._head(200, download.length)
                download.copy_to(handle, self.wfile)
            else:
                self._head(200, os.fstat(handle.fileno()).st_size)
                shutil.copyfileobj(handle, self.wfile, CHUNK)

    def _pass_on(self) -> None:
        headers = {name: value for name in PASSED_ON if (value := self.headers.get(name))}
        request = urllib.request.Request(self.path, headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as source:
            self._answer(200, source.read(), source.headers.get("Last-Modified"))

    def _head(self, code: int, length: int, modified: str | None = None) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(length))
        if modified:
            self.send_header("Last-Modified", modified)
        self.end_headers()

    def _answer(self, code: int, body: bytes, modified: str | None = None) -> None:
        self._head(code, len(body), modified)
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet: a test run asks thousands of times."""


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for leftover in FOLDER.glob("*.part"):
        leftover.unlink()
    ThreadingHTTPServer(("", PORT), Handler).serve_forever()
