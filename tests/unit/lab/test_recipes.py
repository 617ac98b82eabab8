"""The tag of an image changes exactly when what is in it changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.lab import bed
from tests.lab.recipes import RELEASES, Recipe, host_recipe, runtime_recipe, sources

MIRROR = ("http://mirror.example/debian", "http://mirror.example/debian-security")


def test_the_same_recipe_has_the_same_tag() -> None:
    assert host_recipe("trixie", MIRROR).tag == host_recipe("trixie", MIRROR).tag


@pytest.mark.parametrize(
    "change",
    [
        {"packages": ("python3",)},
        {"mirror": ("http://other.example/debian", MIRROR[1])},
        {"apt_options": ('Acquire::Check-Date "false"',)},
        {"hooks": ()},
        {"files": {"lab-init": "#!/bin/sh\n"}},
        {"command": ("/bin/true",)},
    ],
)
def test_every_ingredient_changes_the_tag(change: dict[str, object]) -> None:
    recipe = host_recipe("trixie", MIRROR)
    changed: Recipe = replace(recipe, **change)  # type: ignore[arg-type]
    assert changed.tag != recipe.tag
    assert changed.alias == recipe.alias == "holdfast/debian:trixie"


def test_the_place_of_the_checkout_is_no_ingredient() -> None:
    assert not any("tests/lab" in hook for hook in host_recipe("bookworm", MIRROR).hooks)


def test_the_runtime_image_holds_no_init_system() -> None:
    assert not {"systemd", "systemd-sysv", "openssh-server"} & set(runtime_recipe("trixie", MIRROR).packages)


def test_sources_are_those_of_an_ordinary_server() -> None:
    assert sources("bookworm", *MIRROR) == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
        "\n"
        "Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\nComponents: main\n"
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
    )


@pytest.mark.parametrize(
    ("inventory", "needed"),
    [
        ("all:\n  hosts:\n    a: {ansible_host: 172.30.20.11}\n", ["trixie"]),
        ("    a: {ansible_host: 172.30.20.11, lab_release: bookworm}\n", ["trixie", "bookworm"]),
        ("      lab_release: bookworm\n", ["trixie", "bookworm"]),
        ("# lab_release: bookworm would be Debian 12\n", ["trixie"]),
    ],
)
def test_only_the_releases_of_the_inventory_are_made(inventory: str, needed: list[str]) -> None:
    assert bed.releases_of(inventory) == needed


def test_trixie_is_the_default() -> None:
    assert RELEASES[0] == "trixie"
