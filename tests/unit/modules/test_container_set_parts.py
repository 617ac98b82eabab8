"""What container_set takes from Docker's answers, and what it shows of a container."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.holdfast.platform.plugins.module_utils import docker
from ansible_collections.holdfast.platform.plugins.module_utils.container import Container, digest_of

IMAGE = {"Id": "sha256:aa", "RepoTags": ["shop:1.0.0"], "RepoDigests": ["registry.example/shop@sha256:bb"]}
CONTAINER = {"Name": "/shop", "State": {}, "Image": "sha256:aa"}


def answers(monkeypatch: pytest.MonkeyPatch, out: object, code: int = 0, err: str = "") -> None:
    monkeypatch.setattr(docker, "run", lambda _argv: (code, out if isinstance(out, str) else json.dumps(out), err))


def test_what_docker_prints_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "sha256:aa\n")
    assert docker.docker("load") == "sha256:aa\n"


def test_containers_images_and_others_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """A volume of the same name has no state, a plugin or a task may have either."""
    others = [{"Name": "shop", "Mountpoint": "/x"}, {"Name": "/a", "State": {}}, {"Name": "/b", "Image": "sha256:aa"}]
    answers(monkeypatch, [CONTAINER, IMAGE, *others])
    seen = docker.Seen(["shop"], ["shop:1.0.0"])
    assert seen.containers == {"shop": CONTAINER}
    assert seen.images == [IMAGE]


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("shop:1.0.0", "sha256:aa"),
        ("docker.io/library/shop:1.0.0", "sha256:aa"),
        ("docker.io/shop:1.0.0", "sha256:aa"),
        ("registry.example/shop@sha256:bb", "sha256:aa"),
        ("sha256:aa", "sha256:aa"),
        ("shop:1.0.1", ""),
        ("sha256:ab", ""),
        ("registry.example/shop:1.0.0", ""),
    ],
)
def test_an_image_is_found_by_tag_digest_and_id(monkeypatch: pytest.MonkeyPatch, reference: str, found: str) -> None:
    answers(monkeypatch, [IMAGE])
    assert docker.Seen([], [reference]).image_id(reference) == found


@pytest.mark.parametrize(("size", "counts"), [(0, True), (1024 * 1024, True), (1024 * 1024 + 1, False)])
def test_a_mounted_file_counts_up_to_one_mebibyte(tmp_path: Path, size: int, counts: bool) -> None:
    path = tmp_path / "mounted"
    path.write_bytes(b"x" * size)
    assert digest_of(str(path)) == (hashlib.sha256(b"x" * size).hexdigest() if counts else "")
    assert digest_of(str(tmp_path)) == digest_of(str(tmp_path / "missing")) == ""


@pytest.mark.parametrize(
    ("state", "running"),
    [({"Running": True}, "yes"), ({"Running": False}, "no"), ({"Running": True, "Restarting": True}, "no")],
)
def test_the_difference_tells_what_ran_and_what_will(state: dict[str, Any], running: str) -> None:
    container = Container({"name": "shop", "image": "shop:2.0.0", "keep_image": False})
    before = {"Image": "sha256:aa", "State": state, "Config": {"Image": "shop:1.0.0", "Labels": None}}
    container.look(SimpleNamespace(containers={"shop": before}, image_id=lambda _name: ""))  # type: ignore[arg-type]
    assert container.difference() == {
        "before_header": "container shop",
        "after_header": "container shop",
        "before": f"image: shop:1.0.0\nspecification: \nrunning: {running}\n",
        "after": "image: shop:2.0.0\nspecification: to be seen\nrunning: yes\n",
    }


def test_of_an_image_that_is_there_the_specification_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    container = Container({"name": "shop", "image": "shop:2.0.0", "keep_image": False})
    container.image_id = "sha256:aa"
    # As in check mode, in which the environment file may not be written yet
    monkeypatch.setattr(container, "specification", lambda check: {True: "0123456789abcdef"}[check])
    found = container.difference()
    assert (found["before"], found["after"]) == ("", "image: shop:2.0.0\nspecification: 0123456789ab\nrunning: yes\n")
