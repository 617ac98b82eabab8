"""A small application behind the proxy: tells what it was asked, drops requests, echoes over a WebSocket."""

import base64
import hashlib
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

PORT = int(sys.argv[1])


class Application(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    dropped: ClassVar[list[str]] = []

    def answer(self, status: int, body: dict) -> None:
        data = json.dumps({"instance": PORT, **body}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Frame-Options", "SAMEORIGIN")
        self.send_header("Access-Control-Allow-Origin", "*")  # where the site says nothing of origins
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.echo()
        elif self.path == "/drop":
            self.dropped.append(self.path)
            self.close_connection = True  # without a word
        elif self.path.startswith("/slow"):
            time.sleep(float(self.path[5:] or 4))
            self.answer(200, {})
        else:
            self.answer(
                500 if self.path == "/500" else 200,
                {
                    "headers": dict(self.headers),
                    "client_port": self.client_address[1],
                    "dropped": len(self.dropped),
                    "padding": "x" * 2000,
                },
            )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def echo(self) -> None:
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode(), usedforsecurity=False).digest())  # as the protocol has it
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept.decode())
        self.end_headers()
        while len(head := self.rfile.read(6)) == 6:
            text = bytes(byte ^ head[2 + at % 4] for at, byte in enumerate(self.rfile.read(head[1] & 127)))
            self.wfile.write(bytes([0x81, len(text)]) + text)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


ThreadingHTTPServer(("", PORT), Application).serve_forever()
