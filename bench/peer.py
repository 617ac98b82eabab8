"""The peer: shell scripts in peer/ and everything they need, taken from a host that site.yml has configured."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from pathlib import Path

from tests.lab.paths import ROOT, LabError

from . import bed

PAYLOAD = bed.STATE / "payload"
SCRIPTS = ROOT / "bench/peer"
# What is on a host and named by no transaction: keys that never leave it, and files that packages read first.
FURTHER = "find /etc/holdfast/tls /etc/postgresql-common/createcluster.d -type f"
UNITS = ["ssh", "systemd-timesyncd", "apt-daily.timer", "apt-daily-upgrade.timer", "holdfast-firewall", "postgresql"]
UNITS += ["redis-server", "docker", "nginx", "cron", "pgbackrest"]


def managed(trace: Path) -> list[str]:
    """Return the paths that the transactions of a traced run wrote."""
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    changes = [change for event in events for change in event.get("changes", [])]
    return sorted({change["dest"] for change in changes if change["action"] != "remove"})


def packages(trace: Path) -> list[str]:
    events = [json.loads(line) for line in trace.read_text().splitlines()]
    return sorted({package for event in events for package in event.get("installed", [])})


def collect(trace: Path) -> None:
    """Fill the payload; a person would have this folder beside the script."""
    shutil.rmtree(PAYLOAD, ignore_errors=True)
    (PAYLOAD / "tree").mkdir(parents=True)
    PAYLOAD.chmod(0o700)
    installed = packages(trace)
    paths = sorted({*managed(trace), *bed.inside(1, FURTHER).split()})
    if len(paths) < 30 or not installed:
        raise LabError(f"the traced run wrote {len(paths)} files and installed {installed}", "it was not a cold run")
    (PAYLOAD / "paths").write_text("".join(f"{path}\n" for path in paths))
    (PAYLOAD / "packages").write_text("\n".join(installed) + "\n")
    (PAYLOAD / "units").write_text("\n".join(UNITS) + "\n")
    (PAYLOAD / "settings").write_text("".join(f"{key}={shlex.quote(value)}\n" for key, value in settings().items()))
    archive = ["docker", "exec", bed.container(1), "tar", "-c", "--no-recursion", "-C", "/"]
    with (PAYLOAD / "tree.tar").open("wb") as out:
        subprocess.run([*archive, *(path[1:] for path in paths)], stdout=out, check=True)
    # Root's alone here; on the host tree.tar brings owners and modes
    subprocess.run(["tar", "-xf", PAYLOAD / "tree.tar", "-C", PAYLOAD / "tree", "--no-same-owner"], check=True)
    for script in SCRIPTS.iterdir():
        shutil.copy(script, PAYLOAD / script.name)
    files = [path for path in paths if (PAYLOAD / "tree" / path[1:]).is_file() and path != "/etc/localtime"]
    (PAYLOAD / "files").write_text("".join(f"{path}\n" for path in files))
    for question in ("attributes", "database"):
        text = (SCRIPTS / f"{question}.sh").read_text()
        text = bed.inside(1, f"cd $(mktemp -d) && cat >paths && {text}", (PAYLOAD / "paths").read_text())
        (PAYLOAD / question).write_text(text)


def settings() -> dict[str, str]:
    password = (bed.INPUTS / "database_password").read_text().split(" salt=")[0].strip()
    return {"host_address": bed.address(1), "image": "sample-app:1.0.0", "database_password": password}


def send(script: str, number: int, *further: Path) -> list[str]:
    """Return a command that ships the payload and runs a script as root, all over one new connection."""
    start = f"d=$(mktemp -d) && tar -xC $d && sh $d/{script}; code=$?; rm -rf $d; exit $code"
    remote = shlex.join([*bed.ssh(number), f"sudo sh -c {shlex.quote(start)}"])
    local = shlex.join(["tar", "-c", "-C", str(PAYLOAD), "."])
    for path in further:
        local += " " + shlex.join(["-C", str(path.parent), path.name])
    return ["sh", "-c", f"{local} | {remote}"]
