"""Taking away what is ours; hosts of other checkouts, and what they need, stay."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from . import checkout, engine, images
from .checkout import Thing
from .console import Console
from .paths import CACHE, LAB, ROOT, VENV, locked
from .shell import control_path_dir, follow, passes, read

KINDS = ("test", "demo", "bench", "probe")
REMOVE = {
    "container": ["docker", "rm", "--force", "--volumes"],
    "network": ["docker", "network", "rm"],
    "volume": ["docker", "volume", "rm", "--force"],
}


def remove(console: Console, chosen: Iterable[Thing], found: Iterable[Thing]) -> int:
    """Remove these, hosts before the networks that they are in; return how many."""
    by_kind: dict[str, list[str]] = {what: [] for what in REMOVE}
    for thing in chosen:
        by_kind[thing.what].append(thing.name)
    for cache in found:
        for network in set(cache.networks) & set(by_kind["network"]) if cache.kind == checkout.CACHE_KIND else ():
            passes(["docker", "network", "disconnect", "--force", network, cache.name])
    for what, command in REMOVE.items():
        if by_kind[what]:
            follow(console, [*command, *by_kind[what]])
    return sum(len(names) for names in by_kind.values())


def sweep(console: Console, *kinds: str) -> int:
    """Remove our own of these kinds, what checkouts that are gone have left, and a package cache nobody needs."""
    with locked("lab", shared_by_machine=True):
        found = checkout.things()
        count = remove(console, checkout.leaving(found, kinds), found)
        idle = checkout.idle_caches(checkout.things())
        return count + remove(console, idle, idle)


def close_connections(folder: Path) -> None:
    """End the SSH masters whose sockets belong to a folder; they would wait for hosts that are gone."""
    for socket in Path(control_path_dir(folder)).glob("*"):
        passes(["ssh", "-O", "exit", "-o", f"ControlPath={socket}", "gone"], timeout=5)
        socket.unlink(missing_ok=True)


def close_all_connections() -> None:
    """End the SSH masters of this checkout."""
    for folder in (CACHE, *(LAB / path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))):
        close_connections(folder)


def remove_test_hosts(console: Console) -> None:
    """End a test run: hosts go, what makes the next one fast (images, packages) stays."""
    with console.phase("Remove the test hosts"):
        close_all_connections()
        sweep(console, "test", "probe")


def down(console: Console) -> int:
    """Leave no container, network, volume or process of this checkout; the images stay."""
    close_all_connections()
    count = 0
    if engine.answers():
        with console.phase("Remove containers, networks and volumes"):
            count = sweep(console, *KINDS) + _remove_packages(console)
        kept = read(["docker", "images", "--quiet", "holdfast/*"]).split()
        if kept:
            console.say(f"    {len(set(kept))} images stay, so that the next start is quick; `make clean` removes them")
    engine.stop_if_ours(console)
    return count


def _remove_packages(console: Console) -> int:
    """Remove the packages of a cache that no other checkout is about to start again."""
    wanted = {checkout.cache_name(image) for image in checkout.claimed_by_others()}
    found = checkout.things()
    started = {thing.name for thing in found if thing.what == "container"}
    idle = [thing for thing in found if thing.what == "volume" and thing.name not in wanted | started]
    return remove(console, [thing for thing in idle if thing.kind == checkout.CACHE_KIND], found)


def clean(console: Console) -> None:
    """Remove everything that was ever made here, except the source and what other checkouts use."""
    if engine.answers():
        sweep(console, *KINDS)
        with console.phase("Remove the images, and what earlier commits left"):
            with locked("images", shared_by_machine=True):
                images.remove_all(console, checkout.claimed_by_others())
            found = checkout.things()
            remove(console, checkout.unclaimed(found), found)
            idle = checkout.idle_caches(checkout.things())
            remove(console, idle, idle)
            passes(["docker", "volume", "rm", "holdfast-cache"])  # refused while somebody uses it
    down(console)
    kept = ("logs", *((engine.PID_FILE.name, engine.ENGINE_LOG.name) if engine.is_ours() else ()))
    for path in (VENV, *(entry for entry in CACHE.glob("*") if entry.name not in kept)):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
