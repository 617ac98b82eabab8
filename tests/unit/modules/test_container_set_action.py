"""The controller's half of container_set: what it refuses, what it sends, and when it brings an archive along."""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader

ROOT = Path(__file__).parents[3]
action_loader.add_directory(str(ROOT / "action_plugins"))
SHOP: dict[str, Any] = {"name": "shop", "image": "shop:1.0.0", "user": "1001:1001", "memory_mb": 64, "cpus": 0.5}
MOUNT = {"source": "/srv/a", "target": "/a"}
DIGEST = "sha256:" + "a" * 64


class Controller:
    """The action with a pretended host and a pretended connection."""

    def __init__(self, *containers: dict[str, Any], **more: Any) -> None:
        module: ModuleType = sys.modules[action_loader.get("container_set", class_only=True).__module__]
        self.asked: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        self.sent: list[tuple[str, str]] = []
        self.removed: list[str] = []
        self.action: Any = module.ActionModule.__new__(module.ActionModule)
        self.action._task = SimpleNamespace(args={"containers": list(containers), **more}, action="container_set")
        self.action.call = self.call
        shell = SimpleNamespace(tmpdir=None, join_path=lambda *parts: "/".join(parts))
        self.action._connection = SimpleNamespace(_shell=shell)
        self.action._make_tmp_path = self.make
        self.action._transfer_file = lambda source, target: self.sent.append((source, target))
        self.action._remove_tmp_path = self.removed.append

    def make(self) -> str:
        self.action._connection._shell.tmpdir = "/tmp/x"
        return "/tmp/x"

    def call(self, _module: str, arguments: dict[str, Any], _variables: object) -> dict[str, Any]:
        self.asked.append(json.loads(json.dumps(arguments)))
        return self.answers.pop(0) if self.answers else {"changed": False}

    def act(self) -> dict[str, Any]:
        result: dict[str, Any] = self.action.act(self.action.arguments(), {})
        return result


def refusal(*containers: dict[str, Any], **more: Any) -> str:
    controller = Controller(*containers, **more)
    with pytest.raises(AnsibleActionFail) as caught:
        controller.act()
    assert controller.asked == []
    return str(caught.value)


def test_what_is_sent_of_the_least_that_has_to_be_given() -> None:
    controller = Controller(SHOP)
    controller.act()
    assert controller.asked == [
        {
            "step": "apply", "absent": [], "record": None, "seconds": 600, "archives": {}, "archived_ids": {},
            "containers": [
                {
                    **SHOP, "keep_image": False, "ports": [], "env_file": None, "env_sha256": None, "mounts": [],
                    "network": "bridge", "pids": 512, "read_only": True, "cap_add": [], "add_hosts": {}, "labels": {},
                    "command": [], "stop_seconds": 30, "health": None,
                }
            ],
        }
    ]  # fmt: skip


def test_what_a_mount_and_a_gate_are_by_default() -> None:
    controller = Controller({**SHOP, "mounts": [MOUNT], "health": {"url": "http://127.0.0.1:3000/health"}})
    controller.act()
    (container,) = controller.asked[0]["containers"]
    assert container["mounts"] == [{**MOUNT, "read_only": True}]
    gate = {"url": "http://127.0.0.1:3000/health", "status": 200, "seconds": 60, "interval_seconds": 1.0}
    assert container["health"] == gate


@pytest.mark.parametrize("lacking", SHOP)
def test_what_a_container_has_to_have(lacking: str) -> None:
    given = {name: value for name, value in SHOP.items() if name != lacking}
    assert f"missing required arguments: {lacking}" in refusal(given)


@pytest.mark.parametrize(
    ("change", "lacking"),
    [({"mounts": [{"source": "/a"}]}, "target"), ({"mounts": [{"target": "/a"}]}, "source"), ({"health": {}}, "url")],
)
def test_what_its_parts_have_to_have(change: dict[str, Any], lacking: str) -> None:
    assert f"missing required arguments: {lacking}" in refusal({**SHOP, **change})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "Shop"}, "name is 'Shop'; use lower-case letters"),
        ({"name": "shop-candidate"}, "name is 'shop-candidate'"),
        ({"name": "shop-previous"}, "name is 'shop-previous'"),
        ({"image": "shop"}, "image is 'shop'; it needs a tag that never moves, as in shop:1.4.2"),
        ({"image": "shop:latest"}, "image is 'shop:latest'; it needs a tag"),
        ({"image": ""}, "image is ''; it needs a tag"),
        ({"image": "shop:-x", "keep_image": True}, "image is 'shop:-x'"),
        ({"ports": ["3000:3000"]}, "port '3000:3000' must be written address:host port:container port"),
        ({"ports": ["127.0.0.1:3000:3000/sctp"]}, "port '127.0.0.1:3000:3000/sctp' must be written"),
        ({"env_file": "etc/x"}, "path 'etc/x' must be absolute and hold no comma"),
        ({"mounts": [{**MOUNT, "source": "/a,b"}]}, "path '/a,b' must be absolute and hold no comma"),
        ({"mounts": [{**MOUNT, "target": "a"}]}, "path 'a' must be absolute"),
        ({"memory_mb": 0}, "memory_mb is 0; every container needs a limit above 0"),
        ({"cpus": 0}, "cpus is 0.0; every container needs a limit above 0"),
        ({"pids": -1}, "pids is -1; every container needs a limit above 0"),
        ({"user": "0:0"}, "user is '0:0'; a container does not run as root here"),
        ({"user": "root"}, "user is 'root'"),
        ({"user": "00"}, "user is '00'"),
        ({"health": {"url": "https://127.0.0.1/"}}, "health.url is 'https://127.0.0.1/'; the gate asks plain http://"),
    ],
)
def test_what_no_container_can_be(change: dict[str, Any], said: str) -> None:
    name = change.get("name", "shop")
    assert refusal({**SHOP, **change}).startswith(f"container {name}: {said}")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    assert refusal({**SHOP, "user": "root", "pids": 0}).count("; ") == 3


@pytest.mark.parametrize(
    "change",
    [
        {"name": "shop.2_x-candidates"},
        {"image": f"registry.example.org:5000/shop@{DIGEST}"},
        {"image": f"shop:1.0.0@{DIGEST}"},
        {"image": "", "keep_image": True},
        {"ports": ["127.0.0.1:3000:3000", "10.0.0.1:53:53/udp", "10.0.0.1:80:80/tcp"]},
        {"user": "10:0"},
        {"memory_mb": 1, "cpus": 0.01, "pids": 1},
    ],
)
def test_what_one_can_be(change: dict[str, Any]) -> None:
    assert Controller({**SHOP, **change}).act() == {"changed": False}


@pytest.mark.parametrize(("containers", "absent"), [([SHOP, SHOP], []), ([SHOP], ["shop"])])
def test_a_container_is_listed_once(containers: list[dict[str, Any]], absent: list[str]) -> None:
    assert refusal(*containers, absent=absent) == "container shop: it is listed twice"


def archive(path: Path, image: str) -> Path:
    with tarfile.open(path, mode="w") as tar:
        data = json.dumps([{"Config": "ab12.json", "RepoTags": [image]}]).encode()
        member = tarfile.TarInfo("manifest.json")
        member.size = len(data)
        tar.addfile(member, BytesIO(data))
    return path


def test_an_archive_is_offered_and_sent_when_it_is_asked_for(tmp_path: Path) -> None:
    path = archive(tmp_path / "shop.tar", "shop:1.0.0")
    controller = Controller({**SHOP, "archive": f"{tmp_path}/../{tmp_path.name}/shop.tar"})
    controller.answers = [{"changed": False, "wanted_archives": ["shop:1.0.0"]}, {"changed": True}]
    assert controller.act() == {"changed": True}
    first, second = controller.asked
    assert (first["archives"], first["archived_ids"]) == ({"shop:1.0.0": None}, {"shop:1.0.0": ["sha256:ab12"]})
    assert second["archives"] == {"shop:1.0.0": "/tmp/x/image-0"}
    assert (controller.sent, controller.removed) == ([(str(path), "/tmp/x/image-0")], ["/tmp/x"])
    assert "archive" not in second["containers"][0]


def test_nothing_is_sent_to_a_host_that_has_the_image(tmp_path: Path) -> None:
    controller = Controller({**SHOP, "archive": str(archive(tmp_path / "shop.tar", "shop:1.0.0"))})
    controller.act()
    assert (len(controller.asked), controller.sent, controller.removed) == (1, [], [])


def test_a_folder_that_was_there_stays(tmp_path: Path) -> None:
    controller = Controller({**SHOP, "archive": str(archive(tmp_path / "shop.tar", "shop:1.0.0"))})
    controller.make()
    controller.answers = [{"changed": False, "wanted_archives": ["shop:1.0.0"]}]
    controller.act()
    assert (len(controller.sent), controller.removed) == (1, [])


def test_an_archive_that_is_not_there_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    controller = Controller({**SHOP, "archive": f"{tmp_path}/none.tar"})
    controller.answers = [{"changed": False, "wanted_archives": ["shop:1.0.0"]}]
    with pytest.raises(AnsibleActionFail) as caught:
        controller.act()
    assert str(caught.value) == (
        f"the host lacks image shop:1.0.0, and its archive {tmp_path}/none.tar is not on this controller; "
        f"make it with `docker save --output {tmp_path}/none.tar shop:1.0.0`"
    )


# ---------------------------------------------------------------- the entry on the host


def test_a_silent_docker_is_a_refusal_and_secrets_are_hidden(
    load_module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module: Any = load_module("container_set")
    environment = tmp_path / "app.env"
    environment.write_text("KEY=averylongvalue\n")
    given = {"containers": [{**SHOP, "env_file": str(environment)}]}

    class Told:
        secrets = module.Secrets([str(environment)])

        def __init__(self, *_arguments: object) -> None: ...

        def act(self) -> dict[str, Any]:
            return {"changed": True, "output": "key averylongvalue", "images": ["averylongvalue"]}

    monkeypatch.setattr(module, "ContainerSet", Told)
    assert module.called(given) == {"changed": True, "output": "key ********", "images": ["averylongvalue"]}

    class Silent(Told):
        def act(self) -> dict[str, Any]:
            raise module.Silent("docker says averylongvalue")

    monkeypatch.setattr(module, "ContainerSet", Silent)
    answer = module.called(given)
    assert (answer["failed"], answer["msg"]) == (True, "docker says ********")
