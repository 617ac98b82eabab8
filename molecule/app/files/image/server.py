"""The smallest application that can be released: healthy unless its version says otherwise."""

import http.server
import json
import os
import sys
from pathlib import Path

VERSION = os.environ["APP_VERSION"]
PORT = int(os.environ.get("PORT", "3000"))


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers every path with what it knows about itself."""

    def do_GET(self) -> None:
        """Answer 503 in a version that is bad."""
        authority = Path("/etc/holdfast/tls/ca.crt")
        facts = {
            "version": VERSION,
            "uid": os.getuid(),
            "greeting": os.environ.get("GREETING"),
            "hosts": Path("/etc/hosts").read_text(),
            "authority": authority.read_text() if authority.exists() else "",
        }
        self.send_response(503 if "bad" in VERSION else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(facts).encode())


if sys.argv[1:] == ["migrate"]:
    with Path("/data/migrations").open("a") as stream:
        stream.write(VERSION + "\n")
    sys.exit("refused" if "unmigratable" in VERSION else 0)
print("the secret is", os.environ.get("SHOP_SECRET"), flush=True)
http.server.ThreadingHTTPServer(("", PORT), Handler).serve_forever()
