"""Everything that must be there before a host can be created, in one call."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from . import checkout, engine, images, networks, packages, python_env
from .console import Console
from .paths import BED, KEY, LAB, ROOT, locked, read_json, write_json
from .recipes import RELEASES
from .shell import run

RELEASE = re.compile(r"^\s*lab_release:\s*[\"']?(\w+)", re.MULTILINE)
INLINE_RELEASE = re.compile(r"[{,]\s*lab_release:\s*[\"']?(\w+)")


def releases_of(inventory: str) -> list[str]:
    """Return the releases an inventory's hosts need, the default included, so that no other image is made."""
    named = {*RELEASE.findall(inventory), *INLINE_RELEASE.findall(inventory), RELEASES[0]}
    return [release for release in RELEASES if release in named]


def ready(console: Console, releases: Iterable[str] = RELEASES, kind: str = "test") -> networks.Network:
    """Python environment, engine, images, key, network: what is there already is not made again."""
    python_env.ensure(console)
    engine.ensure(console)
    packages.ensure_programs(console)
    _ensure_key(console)
    with locked("images", shared_by_machine=True):  # until the others can read which ones we use
        tags = images.ensure(console, releases, checkout.claimed_by_others())
        hosts = {name: tag for name, tag in tags.items() if name in RELEASES}
        known = read_json(BED).get("lab_images", {})
        bed = {
            "lab_checkout": str(ROOT),
            "lab_images": {release: hosts.get(release) or known.get(release) for release in RELEASES},
            "lab_runtime_image": tags["runtime"],
            "lab_cache_image": tags["cache"],
        }
        facts = engine.capabilities(tags["runtime"])
        write_json(BED, bed | {name: value for name, value in facts.items() if name.startswith("lab_")})
        checkout.claim()
    return networks.ensure(console, kind)


def _ensure_key(console: Console, key: Path = KEY) -> None:
    """Make the lab's own SSH key once."""
    if key.exists() and key.with_suffix(".pub").exists():
        return
    LAB.mkdir(parents=True, exist_ok=True)
    LAB.chmod(0o700)
    key.unlink(missing_ok=True)
    run(console, ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "holdfast test bed", "-f", key])
