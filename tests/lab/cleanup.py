"""Taking away what is ours, found by its label, whoever left it."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import engine, images
from .console import Console
from .paths import CACHE, LABEL, VENV
from .shell import control_path_dir, follow, passes, read


def remove_labelled(console: Console, *labs: str) -> int:
    """Remove the containers, networks and volumes of these labs (all of ours when none is named)."""
    count = 0
    for label in [f"{LABEL}={lab}" for lab in labs] or [LABEL]:
        chosen = f"--filter=label={label}"
        kinds = {
            ("container", "rm", "--force", "--volumes"): ["docker", "ps", "--all", "--quiet", chosen],
            ("network", "rm"): ["docker", "network", "ls", "--quiet", chosen],
            ("volume", "rm", "--force"): ["docker", "volume", "ls", "--quiet", chosen],
        }
        for command, listing in kinds.items():
            found = read(listing).split()
            if command[0] == "network":
                _disconnect(found)
            if found:
                follow(console, ["docker", *command, *found])
            count += len(found)
    return count


def _disconnect(networks: list[str]) -> None:
    """The package cache may still be in a network that goes."""
    for network in networks:
        passes(["docker", "network", "disconnect", "--force", network, "holdfast-cache"])


def close_connections() -> None:
    """End the SSH masters of this checkout; they would wait for hosts that are gone."""
    for socket in Path(control_path_dir(CACHE)).glob("*"):
        passes(["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "gone"], timeout=5)
        socket.unlink(missing_ok=True)


def remove_test_hosts(console: Console) -> None:
    """End a test run: hosts go, what makes the next one fast (images, packages) stays."""
    with console.phase("Remove the test hosts"):
        close_connections()
        remove_labelled(console, "test", "probe")
        if not read(["docker", "ps", "--quiet", f"--filter=label={LABEL}=demo"]):
            passes(["docker", "rm", "--force", "holdfast-cache"])


def down(console: Console) -> int:
    """Leave no container, network, volume or process of ours; the images stay."""
    close_connections()
    count = 0
    if engine.answers():
        with console.phase("Remove containers, networks and volumes"):
            count = remove_labelled(console)
            passes(["docker", "volume", "rm", "--force", "holdfast-cache"])
        kept = read(["docker", "images", "--quiet", "holdfast/*"]).split()
        if kept:
            console.say(f"    {len(set(kept))} images stay, so that the next start is quick; `make clean` removes them")
    engine.stop_if_ours(console)
    return count


def clean(console: Console) -> None:
    """Remove everything that was ever made here, except the source."""
    if engine.answers():
        with console.phase("Remove the images"):
            images.remove_all(console)
    down(console)
    for path in (VENV, *(entry for entry in CACHE.glob("*") if entry.name != "logs")):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
