"""container_set on a pretended Docker: what it compares, replaces, puts back, finishes after a kill, and hides."""

from __future__ import annotations

import http.server
import io
import json
import multiprocessing
import signal
import socket
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Literal

import pytest
from ansible.plugins.loader import action_loader

# Keeps its containers in $DOCKER/state.json. `kill` in it names the call after which the caller dies by SIGKILL.
DOCKER = r"""#!/usr/bin/python3 -IS
import json, os, signal, sys, time
from pathlib import Path
store = Path(os.environ["DOCKER"], "state.json")
state = json.loads(store.read_text())
verb, *rest = sys.argv[1:]
containers, images = state["containers"], state["images"]
with open(os.environ["DOCKER"] + "/said", "a") as said:
    print(*([verb] + (rest if verb != "create" else [rest[rest.index("--name") + 1]])), file=said)

def end(code=0, out="", err=""):
    store.write_text(json.dumps(state))
    if state.get("kill") == " ".join(sys.argv[1:]) or (verb == "create" and state.get("kill") == "create"):
        os.kill(os.getppid(), signal.SIGKILL)
    print(out, end=""); print(err, end="", file=sys.stderr); sys.exit(code)

def parse():
    options, at = {"--label": [], "--publish": []}, 0
    while rest[at].startswith("-"):
        if rest[at] in ("--init", "--read-only", "--rm"):
            at += 1
            continue
        options.setdefault(rest[at], [])
        options[rest[at]] = [*options[rest[at]], rest[at + 1]] if isinstance(options[rest[at]], list) else rest[at + 1]
        at += 2
    return options, rest[at], rest[at + 1:]

if state.get("silent"):
    end(1, "[]\n", "Cannot connect to the Docker daemon\n")
if verb == "inspect":
    found = [containers[name] | {"Name": "/" + name} for name in rest if name in containers]
    found += [{"Id": id, "RepoTags": [name], "RepoDigests": []} for name, id in images.items() if name in rest]
    missing = [name for name in rest if name not in containers and name not in images]
    end(1 if missing else 0, json.dumps(found), "".join(f"Error: No such object: {name}\n" for name in missing))
if verb == "create":
    options, image, command = parse()
    name = options["--name"][0]
    if state.get("create_fails"):
        end(1, err="invalid mount config: bind source path does not exist\n")
    labels = dict(label.split("=", 1) for label in options["--label"])
    containers[name] = {"Image": images[image], "Config": {"Image": image, "Labels": labels}, "RestartCount": 0,
                        "State": {"Status": "created", "Running": False, "ExitCode": 0}, "argv": rest}
    end(out="id\n")
if verb == "rename":
    containers[rest[1]] = containers.pop(rest[0])
elif verb == "rm":
    containers.pop(rest[-1], None)
elif verb in ("start", "restart", "unpause"):
    one = containers[rest[0]]
    if state.get("start_fails") == one["Config"]["Image"]:
        end(1, err="driver failed: port is already allocated\n")
    one["State"] |= {"Running": True, "Status": "running", "Paused": False, "Restarting": False}
    one |= state.get("after_start", {}).get(one["Config"]["Image"], {})
elif verb == "stop":
    containers[rest[0]]["State"] |= {"Running": False, "Status": "exited"}
elif verb == "logs":
    end(out="listening\n", err="password is " + state.get("logged", "none") + "\n")
elif verb in ("load", "pull"):
    images.update(state.get("brings", {}))
elif verb == "image" and rest[0] == "rm":
    if any(one["Config"]["Image"] == rest[1] for one in containers.values()):
        end(1, err="conflict: unable to remove repository reference\n")
    del images[rest[1]]
elif verb == "run":
    options, image, command = parse()
    if state.get("run_hangs"):
        time.sleep(30)
    if state.get("run_fails"):
        end(1, out="step 1\n", err="relation is locked, " + state.get("logged", "") + "\n")
    end(out="applied 0001\n")
end()
"""
SPECIFICATION: dict[str, Any] = {
    "name": "shop",
    "image": "shop:1.0.0",
    "keep_image": False,
    "ports": ["127.0.0.1:3000:3000"],
    "env_file": None,
    "env_sha256": None,
    "mounts": [],
    "network": "bridge",
    "user": "1001:1001",
    "memory_mb": 64,
    "cpus": 0.5,
    "pids": 512,
    "read_only": True,
    "cap_add": [],
    "add_hosts": {},
    "labels": {},
    "command": [],
    "stop_seconds": 30,
    "health": {"url": "http://127.0.0.1:3000/health", "status": 200, "seconds": 0, "interval_seconds": 0.01},
}


class Engine:
    """The pretended Docker and the module that uses it."""

    def __init__(self, folder: Path, module: ModuleType) -> None:
        self.folder, self.module = folder, module
        self.unhealthy: set[str] = set()
        images = {f"shop:{version}.0.0": f"sha256:{version}" for version in (1, 2, 3)}
        containers: dict[str, Any] = {}
        self.state = {"containers": containers, "images": images}

    @property
    def state(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return loaded

    @state.setter
    def state(self, value: dict[str, Any]) -> None:
        (self.folder / "state.json").write_text(json.dumps(value))

    def set(self, **values: Any) -> None:
        self.state = {**self.state, **values}

    def said(self) -> list[str]:
        log = self.folder / "said"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def call(self, check: bool = False, **changes: Any) -> dict[str, Any]:
        outer: dict[str, Any] = {
            name: changes.pop(name)
            for name in ("step", "absent", "record", "seconds", "archives", "archived_ids")
            if name in changes
        }
        containers = [{**SPECIFICATION, **changes}] if changes.pop("name", "shop") else []
        arguments: dict[str, Any] = {
            "step": "apply",
            "absent": [],
            "record": "deploy",
            "seconds": 5,
            "archives": {},
            "archived_ids": {},
            "containers": containers,
            **outer,
        }
        result: dict[str, Any] = self.module.ContainerSet(arguments, check, True).act()
        return result

    def images(self) -> dict[str, tuple[str, bool]]:
        return {
            name: (one["Config"]["Image"], one["State"]["Running"]) for name, one in self.state["containers"].items()
        }

    def probe(self, _url: str, _status: int, _seconds: float) -> str:
        serving = [image for image, running in self.images().values() if running]
        return "" if serving and serving[0] not in self.unhealthy else "answered 503, not 200"

    def ledger(self) -> list[tuple[str, str, str]]:
        return [(line["version"], line["previous"], line["result"]) for line in self.module.ledger_lines()]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load_module: Callable[[str], ModuleType]) -> Engine:
    module = load_module("container_set")
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin/docker"
    tool.write_text(DOCKER)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("DOCKER", str(tmp_path))
    monkeypatch.setattr(module, "LEDGER", tmp_path / "holdfast/releases.jsonl")
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0)
    pretended = Engine(tmp_path, module)
    monkeypatch.setattr(module, "probe", pretended.probe)
    return pretended


def refused(engine: Engine, **changes: Any) -> str:
    with pytest.raises(engine.module.Refused) as caught:
        engine.call(**changes)
    return str(caught.value)


# ---------------------------------------------------------------- comparing


def test_a_missing_container_is_created_and_the_second_run_is_one_look(engine: Engine) -> None:
    first = engine.call()
    assert (first["changed"], first["due"], first["releases"]) == (True, ["shop"], ["shop"])
    assert engine.images() == {"shop": ("shop:1.0.0", True)}
    engine.said()
    second = engine.call()
    assert (second["changed"], second["due"], second["containers"][0]["action"]) == (False, [], "")
    assert engine.said() == ["inspect shop shop-candidate shop-previous shop:1.0.0"]
    assert "diff" not in second


@pytest.mark.parametrize(
    "change",
    [
        {"image": "shop:2.0.0"},
        {"ports": ["127.0.0.1:3001:3000"]},
        {"memory_mb": 128},
        {"cpus": 1},
        {"user": "1002:1002"},
        {"command": ["x"]},
        {"read_only": False},
        {"cap_add": ["NET_BIND_SERVICE"]},
        {"add_hosts": {"db": "10.0.0.1"}},
        {"labels": {"a": "b"}},
        {"pids": 9},
        {"stop_seconds": 5},
        {"network": "other"},
        {"mounts": [{"source": "/a", "target": "/a", "read_only": True}]},
    ],
)
def test_every_part_of_the_specification_counts(engine: Engine, change: dict[str, Any]) -> None:
    engine.call()
    assert engine.call(check=True, **change)["containers"][0]["action"] == "replace"
    assert engine.call(**change)["changed"] is True
    assert engine.call(**change)["changed"] is False


def test_the_gate_is_no_part_of_the_container(engine: Engine) -> None:
    engine.call()
    assert engine.call(health={**SPECIFICATION["health"], "seconds": 9})["changed"] is False


def test_contents_of_environment_and_mounted_files_count(engine: Engine, tmp_path: Path) -> None:
    environment, authority = tmp_path / "app.env", tmp_path / "ca.crt"
    environment.write_text("A=1\n")
    authority.write_text("one")
    wanted: dict[str, Any] = {
        "env_file": str(environment),
        "mounts": [{"source": str(authority), "target": "/ca", "read_only": True}],
    }
    engine.call(**wanted)
    assert engine.call(**wanted)["changed"] is False
    authority.write_text("two")
    assert engine.call(**wanted)["changed"] is True
    environment.write_text("A=2\n")
    assert engine.call(**wanted)["changed"] is True


def test_a_check_run_knows_an_environment_that_is_not_written_yet(engine: Engine, tmp_path: Path) -> None:
    environment = tmp_path / "app.env"
    environment.write_text("A=1\n")
    now, later = (engine.module.hashlib.sha256(text).hexdigest() for text in (b"A=1\n", b"A=2\n"))
    engine.call(env_file=str(environment), env_sha256=now)
    assert engine.call(check=True, env_file=str(environment), env_sha256=now)["changed"] is False
    assert engine.call(check=True, env_file=str(environment), env_sha256=later)["changed"] is True


def test_a_check_run_changes_nothing_and_shows_images(engine: Engine) -> None:
    engine.call()
    before = engine.state
    result = engine.call(check=True, image="shop:2.0.0")
    assert (result["changed"], result["releases"]) == (True, ["shop"])
    assert "image: shop:1.0.0" in result["diff"][0]["before"]
    assert "image: shop:2.0.0" in result["diff"][0]["after"]
    assert engine.state == before


def test_a_check_run_works_before_docker_is_there(engine: Engine) -> None:
    (engine.folder / "bin/docker").unlink()
    result = engine.call(check=True)
    assert (result["changed"], result["due"]) == (True, ["shop"])
    assert "docker is not installed" in result["warnings"][0]
    assert "docker is not installed" in refused(engine)


def test_a_docker_that_does_not_answer_is_not_an_empty_docker(engine: Engine) -> None:
    engine.set(silent=True)
    assert "Cannot connect" in refused(engine)


def test_the_container_is_locked_in(engine: Engine) -> None:
    engine.call()
    argv = " ".join(engine.state["containers"]["shop"]["argv"])
    for part in (
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--read-only",
        "--user 1001:1001",
        "--memory 64m --memory-swap 64m",
        "--cpus 0.5",
        "--pids-limit 512",
        "--restart unless-stopped",
        "--publish 127.0.0.1:3000:3000",
    ):
        assert part in argv


# ---------------------------------------------------------------- replacing


def test_a_new_image_replaces_and_is_remembered(engine: Engine) -> None:
    engine.call()
    engine.call(image="shop:2.0.0")
    assert engine.images() == {"shop": ("shop:2.0.0", True)}
    assert engine.ledger() == [("1.0.0", "", "released"), ("2.0.0", "1.0.0", "released")]


def test_settings_alone_are_no_release(engine: Engine) -> None:
    engine.call()
    result = engine.call(memory_mb=99)
    assert (result["due"], result["releases"]) == (["shop"], [])
    assert len(engine.ledger()) == 1


def test_the_old_container_is_put_back_when_the_new_one_is_unhealthy(engine: Engine) -> None:
    engine.call()
    old = engine.state["containers"]["shop"]["Config"]
    engine.unhealthy = {"shop:2.0.0"}
    message = refused(engine, image="shop:2.0.0")
    assert "answered 503, not 200" in message
    assert "listening" in message
    assert "The old container (shop:1.0.0) was started again and serves" in message
    assert engine.images() == {"shop": ("shop:1.0.0", True)}
    assert engine.state["containers"]["shop"]["Config"] == old
    assert engine.ledger()[-1] == ("2.0.0", "1.0.0", "refused")
    assert engine.call()["changed"] is False


def test_it_says_when_the_old_one_is_unhealthy_too(engine: Engine) -> None:
    engine.call()
    engine.unhealthy = {"shop:1.0.0", "shop:2.0.0"}
    assert "is not healthy either" in refused(engine, image="shop:2.0.0")


@pytest.mark.parametrize(("unhealthy", "healthy"), [({"shop:2.0.0"}, True), ({"shop:1.0.0", "shop:2.0.0"}, False)])
def test_a_failed_replacement_says_as_data_what_serves(engine: Engine, unhealthy: set[str], healthy: bool) -> None:
    engine.call()
    engine.unhealthy = unhealthy
    with pytest.raises(engine.module.Refused) as caught:
        engine.call(image="shop:2.0.0")
    assert caught.value.more == {"stage": "replace", "healthy": healthy}


def test_without_an_older_container_nothing_serves(engine: Engine) -> None:
    engine.unhealthy = {"shop:1.0.0"}
    with pytest.raises(engine.module.Refused) as caught:
        engine.call()
    assert caught.value.more == {"stage": "replace", "healthy": None}


def test_a_first_container_that_fails_leaves_nothing(engine: Engine) -> None:
    engine.unhealthy = {"shop:1.0.0"}
    assert "no older container" in refused(engine)
    assert engine.images() == {}


def test_a_container_that_cannot_be_created_does_not_stop_the_old_one(engine: Engine) -> None:
    engine.call()
    engine.said()
    engine.set(create_fails=True)
    assert "bind source path does not exist" in refused(engine, image="shop:2.0.0")
    assert "stop shop" not in engine.said()


def test_a_container_that_cannot_be_started_is_replaced_by_the_old_one(engine: Engine) -> None:
    engine.call()
    engine.set(start_fails="shop:2.0.0")
    assert "port is already allocated" in refused(engine, image="shop:2.0.0")
    assert engine.images() == {"shop": ("shop:1.0.0", True)}


def test_a_crash_loop_is_not_waited_for(engine: Engine) -> None:
    engine.unhealthy = {"shop:1.0.0"}
    dying = {
        "RestartCount": 3,
        "State": {"Running": False, "Restarting": True, "Status": "restarting", "ExitCode": 137, "OOMKilled": True},
    }
    engine.set(after_start={"shop:1.0.0": dying})
    message = refused(engine, health={**SPECIFICATION["health"], "seconds": 600})
    assert "restarting with exit code 137 after 3 restarts, killed for lack of memory" in message


def test_without_a_url_it_has_to_stay_up(engine: Engine) -> None:
    engine.call(health=None)
    engine.set(after_start={"shop:2.0.0": {"State": {"Running": False, "Status": "exited", "ExitCode": 3}}})
    assert "it is exited with exit code 3" in refused(engine, image="shop:2.0.0", health=None)


# ---------------------------------------------------------------- starting, keeping, removing


@pytest.mark.parametrize(
    ("state", "verb"), [({"Running": False}, "start"), ({"Restarting": True}, "restart"), ({"Paused": True}, "unpause")]
)
def test_a_container_that_does_not_run_is_started(engine: Engine, state: dict[str, bool], verb: str) -> None:
    engine.call()
    changed = engine.state
    changed["containers"]["shop"]["State"] |= state
    engine.state = changed
    assert engine.call(check=True)["containers"][0]["action"] == "start"
    engine.said()
    assert engine.call()["changed"] is True
    assert f"{verb} shop" in engine.said()
    assert engine.call()["changed"] is False


def test_a_started_container_that_stays_unhealthy_fails(engine: Engine) -> None:
    engine.call()
    engine.module.docker("stop", "shop")
    engine.unhealthy = {"shop:1.0.0"}
    assert "does not get healthy" in refused(engine)


def test_keeping_means_the_running_image_in_one_look(engine: Engine) -> None:
    engine.call(image="shop:2.0.0")
    engine.said()
    result = engine.call(image="shop:1.0.0", keep_image=True)
    assert (result["changed"], result["containers"][0]["image"]) == (False, "shop:2.0.0")
    assert engine.said() == ["inspect shop shop-candidate shop-previous"]
    engine.call(image="shop:1.0.0", keep_image=True, memory_mb=99)
    assert engine.images() == {"shop": ("shop:2.0.0", True)}


def test_keeping_a_container_that_is_gone_means_the_recorded_image(engine: Engine) -> None:
    engine.call(image="shop:2.0.0")
    engine.unhealthy = {"shop:3.0.0"}
    refused(engine, image="shop:3.0.0")
    engine.module.docker("rm", "-f", "shop")
    engine.call(image="shop:1.0.0", keep_image=True)
    assert engine.images() == {"shop": ("shop:2.0.0", True)}


def test_keeping_where_nothing_was_ever_released(engine: Engine) -> None:
    assert engine.call(image="", keep_image=True)["changed"] is False
    assert engine.images() == {}
    assert engine.call(image="shop:1.0.0", keep_image=True)["releases"] == ["shop"]


def test_unwanted_containers_go(engine: Engine) -> None:
    engine.call()
    assert engine.call(name="", absent=["shop", "never"], check=True)["removed"] == ["shop"]
    assert engine.call(name="", absent=["shop", "never"])["changed"] is True
    assert engine.images() == {}
    assert engine.call(name="", absent=["shop", "never"])["changed"] is False


# ---------------------------------------------------------------- images


def test_an_image_without_a_way_here_is_refused(engine: Engine) -> None:
    engine.call()
    message = refused(engine, image="shop:9.0.0")
    assert "`docker save --output ARCHIVE shop:9.0.0`, or call it registry.example.org/shop:9.0.0" in message
    assert engine.images() == {"shop": ("shop:1.0.0", True)}


def test_an_image_of_a_registry_is_pulled(engine: Engine) -> None:
    image = "registry.example.org:5000/shop:9.0.0"
    engine.set(brings={image: "sha256:9"})
    assert engine.call(check=True, image=image)["images"] == [image]
    assert engine.call(image=image)["images"] == [image]
    assert f"pull -q {image}" in engine.said()
    assert engine.images() == {"shop": (image, True)}


def test_an_archive_is_asked_for_only_when_the_image_is_missing(engine: Engine) -> None:
    assert "wanted_archives" not in engine.call(archives={"shop:1.0.0": None})
    assert engine.call(image="shop:9.0.0", archives={"shop:9.0.0": None})["wanted_archives"] == ["shop:9.0.0"]
    assert engine.images() == {"shop": ("shop:1.0.0", True)}
    assert "does not hold image shop:9.0.0" in refused(engine, image="shop:9.0.0", archives={"shop:9.0.0": "/tmp/x"})
    engine.set(brings={"shop:9.0.0": "sha256:9"})
    assert engine.call(image="shop:9.0.0", archives={"shop:9.0.0": "/tmp/x"})["images"] == ["shop:9.0.0"]
    assert "load -q -i /tmp/x" in engine.said()


def test_another_build_under_the_same_tag_is_refused(engine: Engine) -> None:
    engine.call()
    engine.said()
    ids: dict[str, Any] = {"archived_ids": {"shop:2.0.0": ["sha256:77"]}}
    for step in ("prepare", "apply", "run"):
        message = refused(engine, step=step, image="shop:2.0.0", **ids)
        assert "shop:2.0.0 of this host (sha256:2) is another build than the one in its archive (sha256:77)" in message
        assert "give the new build a new version" in message
    assert [line for line in engine.said() if not line.startswith("inspect")] == []
    # Who keeps the running version is not concerned, nor is an archive that cannot be read
    assert engine.call(image="shop:2.0.0", keep_image=True, **ids)["changed"] is False
    assert engine.call(image="shop:2.0.0", archived_ids={"shop:2.0.0": ["sha256:77", "sha256:2"]})["changed"] is True
    assert engine.call(image="shop:2.0.0", archived_ids={"shop:2.0.0": []})["changed"] is False


def test_a_version_comes_back_as_what_was_released_or_not_at_all(engine: Engine) -> None:
    engine.call(image="shop:1.0.0")
    engine.call(image="shop:2.0.0")
    engine.set(images={"shop:2.0.0": "sha256:2"}, brings={"shop:1.0.0": "sha256:rebuilt"})
    message = refused(engine, image="shop:1.0.0", archives={"shop:1.0.0": "/tmp/x"})
    assert "(sha256:rebuilt) is another build than the one that was released here (sha256:1)" in message
    assert engine.images() == {"shop": ("shop:2.0.0", True)}


def test_old_images_go_and_the_way_back_stays(engine: Engine) -> None:
    mine = {f"shop:{number}.0.0": f"sha256:{number}" for number in range(1, 8)}
    engine.set(images=mine)
    for number in (1, 2, 3, 4):
        assert engine.call(image=f"shop:{number}.0.0")["pruned"] == []
    engine.unhealthy = {"shop:5.0.0"}
    refused(engine, image="shop:5.0.0")
    assert engine.call(image="shop:6.0.0", check=True)["pruned"] == []
    assert engine.state["images"] == mine  # neither a refused release nor a check removes anything
    assert engine.call(image="shop:6.0.0")["pruned"] == ["shop:1.0.0", "shop:5.0.0"]
    # 7 was brought by somebody else and never released
    assert sorted(engine.state["images"]) == [f"shop:{number}.0.0" for number in (2, 3, 4, 6, 7)]
    assert engine.call(image="shop:6.0.0")["pruned"] == []


def test_going_back_keeps_the_way_forward(engine: Engine) -> None:
    engine.set(images={f"shop:{number}.0.0": f"sha256:{number}" for number in range(1, 6)})
    for number in (1, 2, 3, 4, 5, 4, 3):
        engine.call(image=f"shop:{number}.0.0")
    assert sorted(engine.state["images"]) == [f"shop:{number}.0.0" for number in (2, 3, 4, 5)]


def test_an_image_that_a_container_uses_stays(engine: Engine) -> None:
    engine.set(images={f"shop:{number}.0.0": f"sha256:{number}" for number in range(1, 6)})
    engine.call()
    engine.set(containers={**engine.state["containers"], "by-hand": engine.state["containers"]["shop"]})
    for number in (2, 3, 4, 5):
        assert engine.call(image=f"shop:{number}.0.0")["pruned"] == []
    assert "shop:1.0.0" in engine.state["images"]


def test_settings_alone_prune_nothing(engine: Engine) -> None:
    engine.call()
    engine.said()
    engine.call(memory_mb=99)
    assert [line for line in engine.said() if line.startswith("image")] == []


def test_preparing_brings_the_image_and_leaves_the_container(engine: Engine) -> None:
    engine.call()
    engine.set(brings={"shop:9.0.0": "sha256:9"})
    result = engine.call(step="prepare", image="shop:9.0.0", archives={"shop:9.0.0": "/tmp/x"})
    assert (result["changed"], result["due"], result["releases"]) == (True, ["shop"], ["shop"])
    assert engine.images() == {"shop": ("shop:1.0.0", True)}
    assert engine.call(step="prepare", image="shop:9.0.0")["changed"] is False


# ---------------------------------------------------------------- archives on the controller


@pytest.fixture(scope="module")
def controller() -> ModuleType:
    action_loader.add_directory(str(Path(__file__).parents[3] / "action_plugins"))
    return sys.modules[action_loader.get("container_set", class_only=True).__module__]


def archive(path: Path, mode: Literal["w", "w:gz"] = "w", **files: Any) -> str:
    with tarfile.open(path, mode=mode) as tar:
        for name, content in files.items():
            data = json.dumps(content).encode()
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return str(path)


def test_the_ids_of_an_archive(controller: ModuleType, tmp_path: Path) -> None:
    old = [{"Config": "ab12.json", "RepoTags": ["shop:1.0.0"]}]  # as Docker 20.10 writes it
    new = [{"Config": "blobs/sha256/ab12", "RepoTags": ["shop:1.0.0"]}]  # as Docker 25 and newer
    index = {"manifests": [{"digest": "sha256:cd34"}]}
    path = tmp_path / "image.tar"
    assert controller.archived_ids(archive(path, manifest_json=old), "shop:1.0.0") == ["sha256:ab12"]
    both = archive(path, manifest_json=new, index_json=index)
    assert controller.archived_ids(both, "shop:1.0.0") == ["sha256:ab12", "sha256:cd34"]
    assert controller.archived_ids(both, "shop:2.0.0") == []
    assert controller.archived_ids(archive(path, "w:gz", manifest_json=old), "shop:1.0.0") == []
    assert controller.archived_ids(str(tmp_path / "none.tar"), "shop:1.0.0") == []


def test_the_command_that_makes_an_archive_can_be_pasted(controller: ModuleType) -> None:
    command = controller.save_command("/srv/my images/shop-1.0.0.tar", "shop:1.0.0")
    assert command == "`docker save --output '/srv/my images/shop-1.0.0.tar' shop:1.0.0`"


@pytest.mark.parametrize(
    ("image", "named"),
    [
        ("registry.example.org/shop:9.0.0", True),
        ("registry:5000/shop:9.0.0", True),
        ("localhost/shop:9.0.0", True),
        ("team/shop:9.0.0", False),
        ("shop:9.0.0", False),
    ],
)
def test_a_registry_has_a_dot_a_port_or_is_local(engine: Engine, image: str, named: bool) -> None:
    assert engine.module.names_a_registry(image) is named


# ---------------------------------------------------------------- strangers


@pytest.mark.parametrize("name", ["shop", "shop-candidate", "shop-previous"])
@pytest.mark.parametrize("step", ["apply", "prepare", "run"])
def test_what_somebody_else_made_under_the_name_is_left_alone(engine: Engine, name: str, step: str) -> None:
    one = {"Image": "sha256:1", "Config": {"Image": "shop:1.0.0", "Labels": None}, "State": {"Running": True}}
    engine.set(containers={name: one})
    message = refused(engine, step=step)
    assert f"container {name} of this host was not made by Holdfast" in message
    assert f"`docker rename {name} other-{name}`" in message
    assert [line for line in engine.said() if not line.startswith("inspect")] == []
    engine.module.docker("rename", name, f"other-{name}")  # as it says
    assert engine.call(step=step)["changed"] is (step != "prepare")
    assert engine.state["containers"][f"other-{name}"]["State"]["Running"] is True


def test_a_migration_carries_our_mark(engine: Engine) -> None:
    """A run that was killed leaves its container behind, which the next one may remove."""
    engine.call(step="run", name="shop", command=["migrate"])
    assert "--label holdfast.specification= " in next(line for line in engine.said() if line.startswith("run "))


# ---------------------------------------------------------------- once


def test_running_once(engine: Engine) -> None:
    result = engine.call(step="run", name="shop", command=["migrate"])
    assert (result["changed"], result["output"]) == (True, "applied 0001")
    said = next(line for line in engine.said() if line.startswith("run "))
    assert "--publish" not in said
    assert "--restart" not in said
    assert said.endswith("shop:1.0.0 migrate")
    assert engine.call(step="run", check=True, command=["migrate"])["output"] == ""


def test_a_command_that_fails_is_quoted(engine: Engine) -> None:
    engine.set(run_fails=True)
    assert "`migrate` in shop:1.0.0 failed, exit code 1:\nstep 1\nrelation is locked" in refused(
        engine, step="run", command=["migrate"]
    )


def test_a_command_that_hangs_is_ended_with_its_container(engine: Engine) -> None:
    engine.set(run_hangs=True)
    message = refused(engine, step="run", command=["migrate"], seconds=1)
    assert "`migrate` in shop:1.0.0 failed, exit code 124:\nno answer within 1 s" in message
    assert "rm -f shop" in engine.said()


def test_a_command_that_fails_leaves_nothing_to_remove(engine: Engine) -> None:
    engine.set(run_fails=True)
    refused(engine, step="run", command=["migrate"])
    assert "rm -f shop" not in engine.said()


# ---------------------------------------------------------------- killed runs

# Every call of `docker` in a replacement, after which the run may die
STEPS = [
    "create",
    "stop shop",
    "start shop-candidate",
    "rename shop shop-previous",
    "rename shop-candidate shop",
    "rm -f shop-previous",
]


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_run_is_finished_by_the_next(engine: Engine, step: str) -> None:
    engine.call()
    engine.set(kill=step)
    process = multiprocessing.get_context("fork").Process(target=lambda: engine.call(image="shop:2.0.0"))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    engine.set(kill="")
    expected = engine.call(check=True, image="shop:2.0.0")["changed"]
    assert expected is (step != "rm -f shop-previous")
    assert engine.call(image="shop:2.0.0")["changed"] is expected
    assert engine.images() == {"shop": ("shop:2.0.0", True)}
    assert engine.call(image="shop:2.0.0")["changed"] is False


@pytest.mark.parametrize("step", STEPS[:3])
def test_a_killed_run_is_forgotten_when_the_old_version_is_wanted(engine: Engine, step: str) -> None:
    engine.call()
    engine.set(kill=step)
    process = multiprocessing.get_context("fork").Process(target=lambda: engine.call(image="shop:2.0.0"))
    process.start()
    process.join()
    engine.set(kill="")
    assert engine.call()["changed"] is True
    assert engine.images() == {"shop": ("shop:1.0.0", True)}


# ---------------------------------------------------------------- secrets


def test_values_of_the_environment_are_hidden(engine: Engine, tmp_path: Path) -> None:
    environment = tmp_path / "app.env"
    environment.write_text("URL=postgresql://u:s3cr%25t@db/x\nKEY=averylongvalue\nCA=/etc/ssl/ca.crt\nLEVEL=info\n")
    engine.set(logged="s3cr%25t s3cr%t averylongvalue /etc/ssl/ca.crt info")
    engine.unhealthy = {"shop:1.0.0"}
    arguments = {
        "step": "apply",
        "absent": [],
        "record": "deploy",
        "seconds": 5,
        "archives": {},
        "archived_ids": {},
        "containers": [{**SPECIFICATION, "env_file": str(environment)}],
    }
    result = engine.module.called(arguments, diff=True)
    assert result["failed"] is True
    assert "password is ******** ******** ******** /etc/ssl/ca.crt info" in result["msg"]
    assert "s3cr" not in (tmp_path / "holdfast/releases.jsonl").read_text()


@pytest.mark.parametrize(
    ("value", "hidden"), [("8letters", True), ("7letter", False), ("/a/path/of/it", False), ("x://u:pw@h", True)]
)
def test_the_shortest_secret_has_eight_characters(engine: Engine, tmp_path: Path, value: str, hidden: bool) -> None:
    environment = tmp_path / "app.env"
    environment.write_text(f"KEY={value}\n")
    secrets = engine.module.Secrets([str(environment)])
    assert secrets.hide(f"it says {value} here") == ("it says ******** here" if hidden else f"it says {value} here")


def test_the_label_is_that_of_the_file_and_not_of_what_was_planned(engine: Engine, tmp_path: Path) -> None:
    environment = tmp_path / "app.env"
    environment.write_text("A=1\n")
    engine.call(env_file=str(environment), env_sha256="0" * 64)
    assert engine.call(env_file=str(environment))["changed"] is False


# ---------------------------------------------------------------- waiting


@pytest.mark.parametrize(
    ("interval", "refusals", "pauses"),
    [
        (1.0, 2, [0.1, 0.2]),
        (1.0, 6, [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]),
        (0.15, 3, [0.1, 0.15, 0.15]),
        (0.05, 2, [0.05, 0.05]),
    ],
)
def test_it_asks_again_at_growing_intervals(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, interval: float, refusals: int, pauses: list[float]
) -> None:
    answers = ["answered 503, not 200"] * refusals + [""]
    slept: list[float] = []
    monkeypatch.setattr(engine.module, "probe", lambda *_arguments: answers.pop(0))
    clock = {name: getattr(time, name) for name in ("monotonic", "strftime", "gmtime")}
    monkeypatch.setattr(engine.module, "time", SimpleNamespace(**clock, sleep=slept.append))
    engine.call(health={**SPECIFICATION["health"], "seconds": 60, "interval_seconds": interval})
    assert slept == pytest.approx(pauses)
    assert engine.images() == {"shop": ("shop:1.0.0", True)}


# ---------------------------------------------------------------- the probe itself


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path[1:4]))
        self.send_header("Location", "https://elsewhere/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_only_the_exact_status_passes(load_module: Callable[[str], ModuleType], address: str) -> None:
    probe = load_module("container_set").probe
    assert probe(f"{address}/200", 200, 2) == ""
    assert probe(f"{address}/301", 200, 2) == "answered 301 (to https://elsewhere/), not 200"
    assert probe(f"{address}/204?a=b", 200, 2).startswith("answered 204")
    assert "refused" in probe("http://127.0.0.1:1/", 200, 2)


def test_an_application_that_hangs_is_not_healthy(load_module: Callable[[str], ModuleType]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/health"
        assert load_module("container_set").probe(url, 200, 0.2) == "did not answer within 0.2 s"


def test_the_ledger_survives_a_torn_line(engine: Engine) -> None:
    engine.call()
    with engine.module.LEDGER.open("a") as stream:
        stream.write('{"name": "shop", "ima')
    assert engine.module.recorded_image("shop") == "shop:1.0.0"
    assert engine.module.LEDGER.stat().st_mode & 0o777 == 0o600
