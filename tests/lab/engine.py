"""The container engine: use one that answers, else install and start Debian's as root, else say what is missing."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from . import checkout, process
from .console import Console
from .packages import ENGINE_PROGRAMS, PROGRAMS, find_program, install, is_root_on_debian, missing
from .paths import CACHE, LabError, Presence, locked, read_json, write_json
from .shell import environment, passes, read, run

PID_FILE = CACHE / "engine.pid"
ENGINE_LOG = CACHE / "engine.log"
FACTS = CACHE / "engine.json"
SOCKET = Path("/var/run/docker.sock")
STARTED_WITHIN = 60
USERS = Presence("engine-users")
INOTIFY = {"max_user_instances": 1024, "max_user_watches": 524288}


class NoEngineError(LabError):
    """No engine, and none can be had here."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message, cure, code=2)


def answers() -> bool:
    # `docker info` may succeed without an engine
    return passes(["docker", "version", "--format", "{{.Server.Version}}"])


def ensure(console: Console) -> None:
    """Have an engine that answers when this returns; no other checkout stops it before this process ends."""
    USERS.begin()
    if not answers():
        with locked("engine", shared_by_machine=True):
            if not answers():
                _provide(console)
    _raise_inotify_limits()


def _provide(console: Console) -> None:
    if find_program("docker") is None and SOCKET.exists() and not is_root_on_debian():
        raise NoEngineError("the docker client is not installed", "as root: apt install docker-cli")
    if os.geteuid() != 0:
        raise NoEngineError(*_why_not_for_this_user())
    wanted = missing(PROGRAMS | ENGINE_PROGRAMS)
    if wanted:
        if not is_root_on_debian():
            raise NoEngineError("no container engine answers here", "install Docker and start it; then run it again")
        with console.phase(f"Install {', '.join(wanted)}"):
            install(console, [*wanted, "debian-archive-keyring", "ca-certificates"])
    if not answers():
        with console.phase("Start the container engine"):
            _start(console)


def _why_not_for_this_user() -> tuple[str, str]:
    if SOCKET.exists() and not os.access(SOCKET, os.W_OK):
        return (
            f"a container engine is installed, but this user may not use {SOCKET}",
            "as root: adduser YOUR_USER docker; then log in anew (members of that group are root on this machine)",
        )
    return "no container engine answers, and only root can start one", "as root: apt install docker.io docker-cli"


def _start(console: Console) -> None:
    if Path("/run/systemd/system").is_dir():
        run(console, ["systemctl", "start", "docker"], cure="journalctl -u docker")
        return
    for path, program in (
        (Path("/var/run/docker.pid"), "dockerd"),
        (Path("/var/run/docker/containerd/containerd.pid"), "containerd"),
    ):
        if process.drop_stale_pid_file(path, program):
            console.record(f"removed {path}, left by a killed {program}")
    CACHE.mkdir(exist_ok=True)
    with ENGINE_LOG.open("ab") as log:
        # A session of its own: the engine outlives this command
        daemon = subprocess.Popen(
            [find_program("dockerd") or "dockerd"],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
        )
    process.remember(PID_FILE, daemon.pid)
    deadline = time.monotonic() + STARTED_WITHIN
    while not answers():
        if daemon.poll() is not None or time.monotonic() > deadline:
            for line in ENGINE_LOG.read_text(errors="replace").splitlines()[-20:]:
                console.record(line)
            PID_FILE.unlink(missing_ok=True)
            raise LabError("dockerd does not start", f"read {ENGINE_LOG}; it needs root, iptables and mounted cgroups")
        time.sleep(0.3)
    daemon.returncode = 0  # it is meant to live on


def _raise_inotify_limits(folder: Path = Path("/proc/sys/fs/inotify")) -> None:
    """Every systemd host takes about nine inotify instances of the machine's default 128."""
    for name, wanted in INOTIFY.items():
        path = folder / name
        if os.access(path, os.W_OK) and int(path.read_text()) < wanted:
            path.write_text(str(wanted))


def is_ours() -> bool:
    """Tell whether this checkout started the engine that runs."""
    return process.remembered(PID_FILE) is not None


def stop_if_ours(console: Console) -> None:
    """Stop the engine we started, unless others have containers on it or are about to start some."""
    if not is_ours():
        PID_FILE.unlink(missing_ok=True)
        return
    with USERS.alone() as alone:
        others = read(["docker", "ps", "--quiet"]).split()
        if others or not alone:
            users = f"{len(others)} containers of others run on it" if others else "another command uses it"
            console.say(f"    the container engine stays: {users}")
            return
        with console.phase("Stop the container engine"):
            process.stop(PID_FILE)


def capabilities(image: str) -> dict[str, object]:
    """Return how hosts must be started here; tried once per engine, then remembered."""
    key = read(["docker", "info", "--format", "{{.ID}} {{.ServerVersion}} {{.KernelVersion}} {{.CgroupVersion}}"])
    kept = read_json(FACTS)
    if key and kept.get("engine") == key:
        return kept
    facts = _probe(image) | {"engine": key}
    write_json(FACTS, facts)
    return facts


def _probe(image: str) -> dict[str, object]:
    cap_drop: list[str] = []
    base = ["docker", "run", "--rm", *checkout.labels("probe"), "--network=none", "--cap-add=ALL"]
    done = subprocess.run([*base, image, "true"], capture_output=True, text=True, check=False)
    if done.returncode and "unable to apply caps" in done.stderr:
        # This machine is itself confined: it cannot hand out what it does not have
        cap_drop = ["SYS_RESOURCE"]
        done = subprocess.run(
            [*base, "--cap-drop=SYS_RESOURCE", image, "true"], capture_output=True, text=True, check=False
        )
    if done.returncode:
        message = done.stderr.strip().splitlines()
        raise LabError(f"a privileged test container does not start: {message[-1] if message else ''}", "docker info")
    unified = read(["docker", "info", "--format", "{{.CgroupVersion}}"]) == "2"
    return {
        "lab_cap_drop": cap_drop,
        "lab_cgroupns": "private" if unified else "host",
        "lab_cgroup_volumes": [] if unified else ["/sys/fs/cgroup:/sys/fs/cgroup:rw"],
    }
