"""The steps: each one function, named as it is typed. They go on from what is there, so each can be run by itself."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from tests.lab.paths import ROOT, LabError

from . import bed, edge, firewall, peer, pgbench, report, sample

ARCHIVE = bed.INPUTS / "sample-app-1.0.0.tar"
SIZES = (1, 5, 10)
HEALTHY_WITHIN = 20
TRACE = bed.STATE / "cold-trace.jsonl"


def up(_rounds: int) -> None:
    """one fresh host, configured once: fills the package cache and the payload of the peer"""
    bed.STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    bed.inventory(1)
    bed.play("molecule/shared/inputs.yml", log="inputs")
    bed.up(1)
    bed.anew(1)
    first = sample.measure(("up", "site", 0), bed.site(), [1], traced(TRACE))
    must_answer(1)
    peer.collect(TRACE)
    print(f"the first host took {first.wall:.0f} s; {len(peer.managed(TRACE))} files in the payload")


def traced(path: Path) -> dict[str, str]:
    return bed.tools(
        ANSIBLE_CALLBACK_PLUGINS=str(ROOT / "bench/callbacks"),
        ANSIBLE_CALLBACKS_ENABLED="bench_trace",
        BENCH_TRACE=str(path),
        BENCH_ACCOUNT=str(sample.account(1)),
    )


def must_answer(number: int) -> None:
    """The application answers through nginx, asked from outside; otherwise nothing was configured."""
    name = "api.fantasy.example"
    argv = [
        "curl",
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "--max-time",
        "5",
        "--cacert",
        str(bed.INPUTS / "ca.crt"),
    ]
    argv += ["--resolve", f"{name}:443:{bed.address(number)}", f"https://{name}/health"]
    deadline = time.monotonic() + HEALTHY_WITHIN
    while True:
        answer = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
        if answer == "200":
            return
        if time.monotonic() > deadline:
            raise LabError(f"{bed.name(number)} answers {answer}, not 200", "look at it with docker exec")
        time.sleep(0.5)


def cold(rounds: int) -> None:
    """(b) a fresh host: site.yml, then the script on a fresh host with the same address"""
    for number in range(1, rounds + 1):
        for what in ("script", "site"):
            bed.anew(1)
            argv = bed.site() if what == "site" else peer.send("cold.sh", 1, ARCHIVE)
            sample.measure(("cold", what, number), argv, [1], traced(bed.STATE / f"cold-{number}.jsonl"))
            must_answer(1)
            if what == "script":
                subprocess.run(peer.send("unchanged.sh", 1), check=True, capture_output=True)
        report.cold(number)


def unchanged(rounds: int) -> None:
    """(a) nothing to do on one host: site.yml and the script in turns"""
    peer.collect(TRACE)  # anew: a host that was made again has other certificates
    for number in range(1, rounds + 1):
        sample.measure(("unchanged", "site", number), bed.site(), [1])
        sample.must_be_unchanged("unchanged", "site", number)
        sample.measure(("unchanged", "script", number), peer.send("unchanged.sh", 1), [1])


def calls(_rounds: int) -> None:
    """(d) how often a run that changes nothing asks one host"""
    counted = bed.STATE / "calls"
    counted.unlink(missing_ok=True)
    program = str(ROOT / "bench/peer/count-ssh")
    sample.measure(
        ("calls", "site", 1), bed.site(), [1], bed.tools(ANSIBLE_SSH_EXECUTABLE=program, BENCH_CALLS=str(counted))
    )
    sample.must_be_unchanged("calls", "site", 1)
    print(f"remote calls of an unchanged host: {len(counted.read_text().splitlines())}")


def grow(_rounds: int) -> None:
    """ten hosts instead of one"""
    bed.up(max(SIZES))
    sample.measure(("grow", "site", 0), bed.site(), range(1, max(SIZES) + 1))
    for number in range(1, max(SIZES) + 1):
        must_answer(number)


def hosts(rounds: int) -> None:
    """(c) nothing to do on 1, 5 and 10 hosts of the same inventory, in turns"""
    for number in range(1, rounds + 1):
        for count in SIZES:
            limit = ",".join(bed.name(host) for host in range(1, count + 1))
            sample.measure(("hosts", str(count), number), bed.site("--limit", limit), range(1, count + 1))
            sample.must_be_unchanged("hosts", str(count), number)


def profile(rounds: int) -> None:
    """where the time of (a), and of (c) after grow, goes; the host CPU is that of the first host"""
    for number in range(1, rounds + 1):
        path = bed.STATE / f"profile-{number}.jsonl"
        began = time.time()
        sample.measure(("profile", "site", number), bed.site(), [1], traced(path))
        ended = time.time()
        (bed.STATE / f"profile-{number}.times").write_text(f"{began} {ended}\n")
    report.profile(rounds)


def down(_rounds: int) -> None:
    """remove the hosts; results stay in .cache/bench/results.jsonl"""
    bed.down()
    shutil.rmtree(peer.PAYLOAD, ignore_errors=True)


def tables(_rounds: int) -> None:
    """print the results as tables"""
    report.tables()
    pgbench.tables()
    edge.tables()
    firewall.tables()
