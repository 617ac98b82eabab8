"""Compare what the node exporter says of the ends of the certificates with what is in place."""

import http.client
import re
import ssl
import subprocess
import sys
from pathlib import Path

METRIC = re.compile(r'^holdfast_certificate_not_after_seconds\{certificate="(.+)"\} (\S+)$', re.MULTILINE)
connection = http.client.HTTPConnection("127.0.0.1", 9100)
connection.request("GET", "/metrics")
answer = connection.getresponse().read().decode()
told = {name: float(ends) for name, ends in METRIC.findall(answer)}
ends = {}
for path in Path("/etc/holdfast/tls").glob("*.crt"):
    argv = ["openssl", "x509", "-noout", "-enddate", "-in", str(path)]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    ends[path.stem] = ssl.cert_time_to_seconds(said.strip().removeprefix("notAfter="))
if told != ends or set(told) != {"ca", "other", "tls-test"} or "node_textfile_scrape_error 0" not in answer:
    sys.exit(f"told: {told}, in place: {ends}")
