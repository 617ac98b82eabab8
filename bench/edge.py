"""What the nginx role costs or gains: the same site behind Debian's packaged configuration, and a hundred sites."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab.paths import LabError

from . import bed, report, sample
from .report import middle

RESULTS = bed.STATE / "edge.jsonl"
PORTS = {"packaged": 444, "ours": 443}
SECONDS = 5
PLAY = ["ansible-playbook", "-i", str(bed.INVENTORY / "hosts.yml"), "bench/edge.yml"]
# Beside ours: Debian's own nginx.conf with one site of the same certificate, and what both ask behind them.
SERVERS = """
mkdir -p /root/packaged && cd /root/packaged
apt-get -q download nginx-common >/dev/null
dpkg-deb --fsys-tarfile nginx-common_*.deb | tar -xO ./etc/nginx/nginx.conf >shipped
sed -e 's|include /etc/nginx/conf.d/.*||' -e 's|/etc/nginx/sites-enabled/\\*|/root/packaged/site.conf|' \\
    -e 's|/run/nginx.pid|/run/packaged.pid|' -e 's|access\\.log|packaged.log|' shipped >nginx.conf
grep -q packaged/site.conf nginx.conf && grep -q packaged.pid nginx.conf
cat >site.conf <<'END'
server {
    listen 444 ssl;
    server_name shop.test.example;
    ssl_certificate /etc/holdfast/tls/nginx.crt;
    ssl_certificate_key /etc/holdfast/tls/nginx.key;
    location / { proxy_pass http://127.0.0.1:3000; }
}
END
cat >upstream.conf <<END
pid /run/upstream.pid;
events {}
http {
    access_log off;
    server { listen 127.0.0.1:3000; location / { return 200 "$(head -c 600 /dev/zero | tr '\\0' x)"; } }
}
END
for one in packaged upstream; do
    conf=/root/packaged/$([ $one = packaged ] && echo nginx || echo upstream).conf
    [ -e /run/$one.pid ] && kill "$(cat /run/$one.pid)" && sleep 1
    nginx -c $conf
done
cat /etc/holdfast/tls/ca.crt
"""
CLIENT = """
apt-get -qq update >/dev/null
apt-get -qq install -y --no-install-recommends wrk >/dev/null
grep -q shop.test.example /etc/hosts || echo '%s shop.test.example' >>/etc/hosts
cat >/root/ca.crt
"""


def described(count: int) -> list[str]:
    """Return the arguments that give the first host so many sites; the first of them is the measured one."""
    names = ["shop", *(f"shop{number}" for number in range(1, count))]
    limits = {"rate_limit_per_second": 100_000, "rate_limit_burst": 10_000, "connection_limit": 10_000}  # never reached
    upstream = {"servers": ["127.0.0.1:3000"]}
    sites = [{"name": name, "server_names": [f"{name}.test.example"], "upstream": upstream, **limits} for name in names]
    return ["-e", json.dumps({"nginx_sites": sites})]


def requests(port: int, connections: int) -> float:
    """Return requests per second over connections that stay open."""
    said = bed.inside(2, f"wrk -t1 -c{connections} -d{SECONDS}s https://shop.test.example:{port}/ 2>&1")
    rate = re.search(r"Requests/sec: +([0-9.]+)", said)
    if rate is None or "Non-2xx" in said or "Socket errors" in said:
        raise LabError("wrk saw errors", said[-300:])
    return float(rate[1])


def handshakes(port: int, clients: int, kind: str) -> float:
    """Return connections per second of clients that ask once in each, all resumed or none."""
    code = (Path(__file__).parent / "handshakes.py").read_text()
    said = bed.inside(2, f"python3 - {port} {clients} {SECONDS} {kind}", code)
    made, resumed, took = map(float, said.split())
    expected = made - clients if kind == "resumed" else 0
    if resumed < expected * 0.95 or (kind == "new" and resumed):
        print(f"  port {port}: {resumed:.0f} of {made:.0f} were resumed", flush=True)
    return made / took


MEASURES: dict[str, tuple[Callable[..., float], tuple[int | str, ...]]] = {
    "requests/s, 1 connection": (requests, (1,)),
    "requests/s, 64 connections": (requests, (64,)),
    "new connections/s, 1 client": (handshakes, (1, "new")),
    "new connections/s, 64 clients": (handshakes, (64, "new")),
    "resumed connections/s, 1 client": (handshakes, (1, "resumed")),
    "resumed connections/s, 64 clients": (handshakes, (64, "resumed")),
}


def edge(rounds: int) -> None:
    """the nginx role's configuration to Debian's, same site and certificate, in turns; and 100 sites to 1"""
    bed.STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    bed.up(2)
    bed.play("bench/edge.yml", *described(1), log="edge")
    authority = bed.inside(1, SERVERS)
    bed.inside(2, CLIENT % bed.address(1), authority)
    RESULTS.unlink(missing_ok=True)
    for number in range(1, rounds + 1):
        for name in list(PORTS)[:: 1 if number % 2 else -1]:
            rates: dict[str, dict[str, float]] = {}
            for title, (measure, arguments) in MEASURES.items():
                account = sample.account(1)
                before, began = sample.used(account), time.monotonic()
                rate = measure(PORTS[name], *arguments)
                done = rate * (time.monotonic() - began)
                rates[title] = {"rate": rate, "cpu_ms": (sample.used(account) - before) * 1000 / done}
            with RESULTS.open("a") as stream:
                stream.write(json.dumps({"what": name, "round": number, "found": rates}) + "\n")
            shown = ", ".join(f"{title} {values['rate']:.0f}" for title, values in rates.items())
            print(f"edge round {number}, {name}: {shown}", flush=True)
    tables()
    for number in range(1, rounds + 1):
        for count in (100, 1):
            sample.measure(("sites", str(count), number), [*PLAY, *described(count)], [1])
    report.table("sites", report.read()["sites"], "1")


def tables() -> None:
    """Print what was measured, ours as a ratio to Debian's of the same round."""
    found = report.rates(RESULTS, "found")
    if set(found) != set(PORTS):
        return
    both = sorted({*found["ours"]} & {*found["packaged"]})
    print("\n| measured | packaged | ours | ours to packaged | CPU of one, ours to packaged |\n|---|---|---|---|---|")
    for title in MEASURES:
        cells = [middle(found[name][number][title]["rate"] for number in both) for name in ("packaged", "ours")]
        for key in ("rate", "cpu_ms"):
            ratios = (found["ours"][number][title][key] / found["packaged"][number][title][key] for number in both)
            cells.append(middle(ratios))
        print(f"| {title} | {' | '.join(cells)} |")
