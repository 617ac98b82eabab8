"""One measured run: wall time, and whose CPU it was."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.lab.paths import ROOT, LabError
from tests.lab.shell import read

from . import bed

RESULTS = bed.STATE / "results.jsonl"
ACCOUNTS = (
    "/sys/fs/cgroup/cpuacct/docker/{id}/cpuacct.usage",
    "/sys/fs/cgroup/docker/{id}/cpu.stat",
    "/sys/fs/cgroup/system.slice/docker-{id}.scope/cpu.stat",
)


@dataclass
class Sample:
    """Seconds; `others` is CPU time that neither the controller nor the measured hosts used meanwhile."""

    step: str
    what: str
    round: int
    wall: float
    controller: float
    host: float
    others: float
    load: float
    date: str


def account(number: int) -> Path:
    """Return the file in which the kernel adds up the CPU time of a host."""
    identity = read(["docker", "inspect", "--format", "{{.Id}}", bed.container(number)])
    for pattern in ACCOUNTS:
        path = Path(pattern.format(id=identity))
        if path.exists():
            return path
    raise LabError(f"there is no CPU account of {bed.container(number)}", "see ACCOUNTS in bench/sample.py")


def used(path: Path) -> float:
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise LabError(
            "a host was removed while it was measured", "`make demo-down` does that; begin with up"
        ) from None
    return int(text) / 1e9 if text.strip().isdigit() else int(text.split()[1]) / 1e6


def busy() -> float:
    """Return the CPU seconds of the whole machine, time taken by its neighbors included."""
    user, nice, system, _idle, _wait, irq, soft, steal = Path("/proc/stat").read_text().split()[1:9]
    return sum(map(int, (user, nice, system, irq, soft, steal))) / os.sysconf("SC_CLK_TCK")


def children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(
    label: tuple[str, str, int], argv: Sequence[str], hosts: Sequence[int], env: dict[str, str] | None = None
) -> Sample:
    """Run a command that must succeed, keep its numbers and its output."""
    step, what, number = label
    accounts = [account(host) for host in hosts]
    bed.forget_connections()
    load = os.getloadavg()[0]
    before = children(), sum(map(used, accounts)), busy()
    began = time.monotonic()
    log = bed.STATE / f"{step}-{what}-{number}.log"
    with log.open("w") as out:
        code = subprocess.run(
            argv, cwd=ROOT, env=env or bed.tools(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False
        ).returncode
    wall = time.monotonic() - began
    controller, host, machine = (
        now - then for now, then in zip((children(), sum(map(used, accounts)), busy()), before, strict=True)
    )
    if code:
        raise LabError(f"{what} of {step} ended with {code}", f"its output is in {log}")
    others = max(0.0, machine - controller - host)
    wall, controller, host, others, load = (round(value, 3) for value in (wall, controller, host, others, load))
    sample = Sample(step, what, number, wall, controller, host, others, load, time.strftime("%Y-%m-%d %H:%M"))
    with RESULTS.open("a") as stream:
        stream.write(json.dumps(asdict(sample)) + "\n")
    print(
        f"{step} round {number} {what:>10}: {sample.wall:7.2f} s wall, CPU controller {sample.controller:.2f}, "
        f"host {sample.host:.2f}, others {sample.others:.2f}; load {sample.load:.1f}",
        flush=True,
    )
    return sample


def must_be_unchanged(step: str, what: str, number: int) -> None:
    """A run that changed something is not the run that was to be measured."""
    log = bed.STATE / f"{step}-{what}-{number}.log"
    recap = [line for line in log.read_text().splitlines() if "changed=" in line]
    if not recap or not all("changed=0 " in line and "failed=0 " in line for line in recap):
        raise LabError("the run that was to be an unchanged one changed something", f"its output is in {log}")
