"""The network of each kind of hosts, and the package cache in it; networks of two checkouts never overlap."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from . import checkout, cleanup
from .console import Console
from .paths import BED, LAB, ROOT, LabError, locked, read_json, write_json
from .shell import follow, passes, read, run

FIXED = {"demo": 10}  # inventories/demo says its addresses
FREE = range(64, 224)
INVENTORY = LAB / "inventory/network.json"  # what the inventories of the tests build their addresses from


@dataclass(frozen=True)
class Network:
    """Addresses .1 to .9 belong to the bed itself: .1 the machine, .2 the package cache."""

    name: str
    number: int

    @property
    def net4(self) -> str:
        return f"172.30.{self.number}"

    @property
    def net6(self) -> str:
        return f"fd30:{self.number}"

    @property
    def cache(self) -> str:
        return f"{self.net4}.2"


def name(kind: str) -> str:
    """Return the network's name, which the names of its hosts begin with; there is one demo on a machine."""
    return f"holdfast-{kind}" if kind in FIXED else f"holdfast-{kind}-{checkout.identity()}"


def order(identity: str) -> list[int]:
    """Return all numbers, beginning at a place of the checkout's own, so that two seldom try the same."""
    start = int(identity, 16) % len(FREE)
    return [*FREE[start:], *FREE[:start]]


def number_of(subnets: str) -> int | None:
    """Return the number of a network from its subnets."""
    found = re.search(r"\b172\.30\.(\d+)\.0/24\b", subnets)
    return int(found[1]) if found else None


def ensure(console: Console, kind: str) -> Network:
    """Have the network of this kind with the package cache in it, and say its addresses to Ansible."""
    cleanup.sweep(console)
    with locked("lab", shared_by_machine=True):
        network = _existing(kind) or _made(kind, lambda made: _create(console, kind, made))
        _ensure_cache(console, network)
    if kind == "test":
        said = {"lab_network": network.name, "lab_net4": network.net4, "lab_net6": network.net6}
        write_json(INVENTORY, {"all": {"vars": said}})
    return network


def _existing(kind: str) -> Network | None:
    subnets = "{{range .IPAM.Config}}{{.Subnet}} {{end}}"
    number = number_of(read(["docker", "network", "inspect", "--format", subnets, name(kind)]))
    if number is None:
        return None
    refuse_foreign(kind, checkout.things())
    return Network(name(kind), number)


def refuse_foreign(kind: str, found: list[checkout.Thing], own: str = str(ROOT)) -> None:
    """Refuse a network that another checkout's hosts are in."""
    for thing in found:
        if name(kind) in (thing.name, *thing.networks) and thing.checkout not in ("", own):
            raise LabError(
                f"the {kind} of {thing.checkout} runs on this machine, and there is one set of addresses for it",
                f"make -C {thing.checkout} {kind}-down; then run this again",
            )


def _made(kind: str, create: Callable[[Network], str]) -> Network:
    """Take the first network that the engine agrees to: it refuses what overlaps, whoever asks at the same time."""
    said = ""
    for number in [FIXED[kind]] if kind in FIXED else order(checkout.identity()):
        network = Network(name(kind), number)
        said = create(network)
        if not said:
            return network
        if "overlaps" not in said:
            break
    raise LabError(
        f"the network {name(kind)} cannot be made: {said}", "look for what is in its place: docker network ls"
    )


def _create(console: Console, kind: str, network: Network) -> str:
    """Make a network; return what the engine has against it."""
    said: list[str] = []
    argv = ["docker", "network", "create", "--ipv6", *checkout.labels(kind), network.name]
    argv += [f"--subnet={network.net4}.0/24", f"--subnet={network.net6}::/64"]
    failed = follow(console, argv, on_line=said.append)
    return (said[-1].strip() if said else "no reason given") if failed else ""


def _ensure_cache(console: Console, network: Network) -> None:
    image = read_json(BED)["lab_cache_image"]
    cache = checkout.cache_name(image)
    if not passes(["docker", "start", cache]):
        label = f"--label={checkout.KIND}={checkout.CACHE_KIND}"
        run(console, ["docker", "volume", "create", label, cache])
        place = f"--volume={cache}:/var/cache/apt-cacher-ng"
        run(console, ["docker", "run", "--detach", "--pull=never", f"--name={cache}", label, place, image])
    caches = [thing for thing in checkout.things() if thing.kind == checkout.CACHE_KIND]
    attached = [thing.name for thing in caches if network.name in thing.networks]
    for other in set(attached) - {cache}:  # of an older image
        run(console, ["docker", "network", "disconnect", "--force", network.name, other])
    if cache not in attached:
        run(console, ["docker", "network", "connect", f"--ip={network.cache}", network.name, cache])
