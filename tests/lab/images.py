"""Images of the test hosts: made by mmdebstrap from the machine's own Debian mirror, tagged by a hash of the recipe."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from .console import Console
from .paths import CACHE, LabError
from .recipes import RELEASES, Recipe, cache_recipe, host_recipe, runtime_recipe
from .shell import passes, read, run


def machine_mirror() -> tuple[str, str]:
    """Return the archive and the security archive this machine's apt uses, else Debian's own address."""
    archive, security = "http://deb.debian.org/debian", "http://deb.debian.org/debian-security"
    if not passes(["grep", "-q", "^ID=debian", "/etc/os-release"]):
        return archive, security
    shown = read(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"])
    uris = [uri.rstrip("/") for uri in shown.splitlines() if uri.startswith("http")]
    return (
        next((uri for uri in uris if uri.endswith("/debian")), archive),
        next((uri for uri in uris if uri.endswith("/debian-security")), security),
    )


def machine_apt_options() -> tuple[str, ...]:
    """Return the settings about the age of a mirror that this machine needs; its test hosts need them too."""
    names = ("Acquire::Check-Valid-Until", "Acquire::Check-Date")
    shown = read(["apt-config", "dump"]).splitlines()
    return tuple(line.rstrip(";") for line in shown if line.startswith(names))


def recipes(releases: Iterable[str]) -> dict[str, Recipe]:
    """Return what a bed needs: one host image per release, the runtime image and the package cache."""
    mirror, options = machine_mirror(), machine_apt_options()
    made = {release: host_recipe(release, mirror, options) for release in releases}
    made["runtime"] = runtime_recipe(RELEASES[0], mirror, options)
    made["cache"] = cache_recipe(RELEASES[0], mirror, options)
    return made


def exists(tag: str) -> bool:
    return passes(["docker", "image", "inspect", tag])


def ensure(console: Console, releases: Iterable[str], in_use: set[str]) -> dict[str, str]:
    """Make what is missing; return the tags by name. What other checkouts use is not replaced."""
    wanted = recipes(releases)
    absent = [recipe for recipe in wanted.values() if not exists(recipe.tag)]
    if absent:
        with (
            console.phase(f"Make images: {', '.join(recipe.tag for recipe in absent)}"),
            ThreadPoolExecutor(2) as pool,
        ):
            list(pool.map(lambda recipe: _bootstrap(console, recipe), absent))
        _remove_older(absent, in_use)
    for recipe in wanted.values():
        run(console, ["docker", "tag", recipe.tag, recipe.alias])
    return {name: recipe.tag for name, recipe in wanted.items()}


def _bootstrap(console: Console, recipe: Recipe) -> None:
    """Feed mmdebstrap's archive straight into the engine."""
    (CACHE / "recipes").mkdir(parents=True, exist_ok=True)
    sources = CACHE / "recipes" / f"{recipe.tag.rpartition(':')[2]}.sources"
    sources.write_text(recipe.sources)
    argv = recipe.bootstrap_argv(str(sources))
    console.record(f"$ {' '.join(argv)}")
    maker = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    taker = subprocess.Popen(
        ["docker", "import", f"--change={recipe.change}", "-", recipe.tag],
        stdin=maker.stdout,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if maker.stdout:
        maker.stdout.close()
    for line in maker.stderr or ():
        console.record(line)
    made = maker.wait()
    console.record(taker.communicate()[0])
    if made or taker.returncode:
        if taker.returncode == 0:  # an archive cut short may have been taken for a whole one
            subprocess.run(["docker", "image", "rm", "-f", recipe.tag], capture_output=True, check=False)
        raise LabError(
            f"the image {recipe.tag} could not be made",
            f"read the lines above; the usual reason is that {recipe.mirror[0]} does not answer",
        )


def _remove_older(recipes: list[Recipe], in_use: set[str]) -> None:
    """Remove what these replace, unless a host still runs on it or another checkout uses it."""
    for recipe in recipes:
        listing = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", f"holdfast/{recipe.name}"]
        for tag in read(listing).split():
            if tag.startswith(f"{recipe.alias}-") and tag != recipe.tag and tag not in in_use:
                passes(["docker", "image", "rm", tag])


def remove_all(console: Console, in_use: set[str]) -> None:
    """Remove every image of ours, also those of older recipes, but none that another checkout uses."""
    shown = read(
        [
            "docker",
            "images",
            "--format",
            "{{.Repository}}:{{.Tag}}",
            "--filter",
            "reference=holdfast/*",
            "--filter",
            "reference=sample-app",
        ]
    )
    chosen = removable(shown.split(), in_use)
    if chosen:
        run(console, ["docker", "image", "rm", "--force", *chosen])


def removable(tags: Iterable[str], in_use: set[str]) -> list[str]:
    """Return the images to remove: names without a hash are nobody's, except while others use images at all."""
    kept = in_use | {f"{tag.rpartition('-')[0]}" for tag in in_use}
    return [tag for tag in tags if tag not in kept and not (in_use and tag.startswith("sample-app:"))]
