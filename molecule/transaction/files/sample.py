"""A service that says its configuration at its start: refuses "bad", cannot start "sneaky", dies of "dying"."""

import socketserver
import sys
import threading
import time
from os import _exit
from pathlib import Path

value = Path("/etc/sample/main.conf").read_text().strip()
if value == "bad" or (value == "sneaky" and "--test" not in sys.argv):
    sys.exit(f"sample: I will not run with {value!r}")
if "--test" in sys.argv:
    sys.exit()
if value == "dying":
    threading.Thread(target=lambda: (time.sleep(0.1), print("sample: I die", flush=True), _exit(1))).start()


class Answer(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(f"{value}\n".encode())


socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer(("127.0.0.1", 7777), Answer).serve_forever()
