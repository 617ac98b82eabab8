"""Exit 0 only when /health answers exactly 200; the image's HEALTHCHECK."""

import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", 3000, timeout=3)
try:
    connection.request("GET", "/health")
    sys.exit(connection.getresponse().status != 200)
except OSError as error:
    sys.exit(f"no answer: {type(error).__name__}")
