"""Print what runs on this host and how it fares, as JSON. Arguments: port and path of the application."""

import contextlib
import http.client
import json
import subprocess
import sys
import time
from pathlib import Path

UNITS = ("docker.service", "nginx.service", "postgresql@*.service", "redis-server.service", "holdfast-firewall.service")
STATE = Path("/var/lib/holdfast")
DAY = 86400


def lines(*argv: str) -> list[str]:
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30).stdout.splitlines()
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return []


def health(port: str, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
    try:
        connection.request("GET", path)
        return str(connection.getresponse().status)
    except OSError as problem:
        return str(problem)


def units() -> dict[str, str]:
    found = lines("systemctl", "list-units", "--all", "--plain", "--no-legend", *UNITS)
    failed = lines("systemctl", "list-units", "--failed", "--plain", "--no-legend")
    states = {line.split()[0]: line.split()[3] for line in found if line.split()[1] == "loaded"}
    return states | {line.split()[0]: "failed" for line in failed}


def containers() -> dict[str, str]:
    form = "{{.Names}}\t{{.Image}}, {{.Status}}"
    return dict(line.split("\t", 1) for line in lines("docker", "ps", "--all", "--format", form))


def days_left() -> dict[str, int]:
    found = {}
    for path in sorted(Path("/etc/holdfast/tls").glob("*.crt")):
        for line in lines("openssl", "x509", "-noout", "-enddate", "-in", str(path)):
            ends = time.strptime(line.partition("=")[2], "%b %d %H:%M:%S %Y %Z")
            found[path.stem] = int((time.mktime(ends) - time.mktime(time.gmtime())) // DAY)
    return found


def last_record(name: str) -> dict[str, object]:
    """Return a record, of a file with one per line the last that can be read."""
    record: dict[str, object] = {}
    with contextlib.suppress(OSError):
        text = (STATE / name).read_text()
        for part in text.splitlines() if name.endswith("l") else [text]:
            with contextlib.suppress(ValueError):
                record = json.loads(part)
    return record


def main() -> None:
    status: dict[str, object] = {"units": units(), "containers": containers(), "certificates": days_left()}
    status |= {"release": last_record("releases.jsonl"), "backup": last_record("restore-test.json")}
    if sys.argv[1:]:
        status["health"] = health(*sys.argv[1:3])
    print(json.dumps(status))


main()
