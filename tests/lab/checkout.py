"""Whose something is: several checkouts may work on one machine, and each takes away only what is its own."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from .paths import BED, ROOT, read_json, shared_file
from .shell import read

KIND, CHECKOUT = "holdfast.kind", "holdfast.checkout"
# What earlier commits wrote, which is still on machines that they ran on
OLD_KIND, OWNER = "holdfast.lab", "holdfast.owner"
INVENTORIES = r"inventories/demo|molecule/\w+/inventory|tests/runner/inventory|\.cache/bench/inventory"
OLD_OWNER = re.compile(rf"(.+)/(?:{INVENTORIES})")
CACHE_KIND = "cache"  # the package cache belongs to all
CLAIMS = shared_file("beds")
LISTINGS = {
    "container": ("docker ps --all", "Names", "Networks"),
    "network": ("docker network ls", "Name", "Name"),
    "volume": ("docker volume ls", "Name", "Name"),
}


@dataclass(frozen=True)
class Thing:
    """A container, network or volume of ours; `checkout` is empty when nobody is known to have made it."""

    what: str
    name: str
    kind: str
    checkout: str
    networks: tuple[str, ...] = ()


def identity(root: Path = ROOT) -> str:
    """Return what tells this checkout's hosts and networks from another's."""
    return hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:8]


def labels(kind: str) -> list[str]:
    return [f"--label={KIND}={kind}", f"--label={CHECKOUT}={ROOT}"]


def is_gone(checkout: str) -> bool:
    """Tell whether a checkout is no more; one that we may not look into is there."""
    try:
        (Path(checkout) / "tests/lab").stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def things() -> list[Thing]:
    """Return everything on the engine that a checkout of Holdfast made."""
    found: list[Thing] = []
    for what, (command, name, networks) in LISTINGS.items():
        columns = [f"{{{{.{name}}}}}", f"{{{{.{networks}}}}}"]
        columns += [f'{{{{.Label "{label}"}}}}' for label in (KIND, CHECKOUT, OLD_KIND, OWNER)]
        lines = read([*command.split(), "--format", "\t".join(columns) + "\t."]).splitlines()
        found += [thing for line in lines if (thing := parsed(what, line))]
    return adopted(found)


def parsed(what: str, line: str) -> Thing | None:
    """Return what a line of a listing is about, None when it is not ours."""
    name, networks, kind, checkout, old_kind, owner, _ = line.split("\t")
    if not (kind or old_kind):
        return None
    old = OLD_OWNER.fullmatch(owner)
    attached = tuple(sorted(set(networks.split(",")) - {""})) if what == "container" else ()
    return Thing(what, name, kind or old_kind, checkout or (old[1] if old else ""), attached)


def adopted(found: list[Thing]) -> list[Thing]:
    """Give a network that says nothing to the one checkout whose hosts are in it."""

    def owner(network: Thing) -> str:
        inside = {thing.checkout for thing in found if network.name in thing.networks and thing.kind != CACHE_KIND}
        return inside.pop() if len(inside) == 1 else ""

    return [
        replace(thing, checkout=owner(thing)) if thing.what == "network" and not thing.checkout else thing
        for thing in found
    ]


def leaving(found: Iterable[Thing], kinds: Iterable[str], own: str = str(ROOT)) -> list[Thing]:
    """Return what has to go: our own of these kinds, and whatever a checkout that is no more has left."""
    return [
        thing
        for thing in found
        if thing.checkout and ((thing.checkout == own and thing.kind in kinds) or is_gone(thing.checkout))
    ]


def unclaimed(found: Iterable[Thing]) -> list[Thing]:
    """Return the networks that nobody is known to have made and nobody uses; earlier commits left them."""
    found = list(found)
    used = {network for thing in found if thing.kind != CACHE_KIND for network in thing.networks}
    return [thing for thing in found if thing.what == "network" and not thing.checkout and thing.name not in used]


def idle_caches(found: Iterable[Thing]) -> list[Thing]:
    """Return the package caches that no network of any checkout needs any more."""
    return [
        thing
        for thing in found
        if thing.what == "container" and thing.kind == CACHE_KIND and not set(thing.networks) - {"bridge"}
    ]


def cache_name(image: str) -> str:
    """Return the name of the package cache and of its volume: checkouts with the same image share them."""
    return f"holdfast-cache-{image.rpartition('-')[2]}"


def claim() -> None:
    """Let the other checkouts know which images this one uses: those that its bed.json names."""
    CLAIMS.mkdir(mode=0o700, exist_ok=True)
    for path in CLAIMS.glob("[!.]*"):
        if not path.exists():  # of a checkout that is gone
            path.unlink(missing_ok=True)
    staged = CLAIMS / f".{identity()}.{os.getpid()}"
    staged.symlink_to(BED)
    staged.replace(CLAIMS / identity())


def claimed_by_others(folder: Path = CLAIMS, own: str | None = None) -> set[str]:
    """Return the images that other checkouts use; one that is gone leads nowhere and claims nothing."""
    claims = [path for path in folder.glob("[!.]*") if path.name != (own or identity())]
    beds = [read_json(path) for path in claims]
    images = {image for bed in beds for image in (bed.get("lab_images") or {}).values() if image}
    return images | {bed[name] for bed in beds for name in ("lab_runtime_image", "lab_cache_image") if bed.get(name)}
