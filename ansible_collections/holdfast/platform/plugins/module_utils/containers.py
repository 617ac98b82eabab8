# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A set of containers: one `docker inspect`, and a gated replacement of whatever differs."""

from __future__ import annotations

import shlex
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.container import LABEL, Container, names_a_registry
from ansible_collections.holdfast.platform.plugins.module_utils.docker import Seen, Silent, docker, run
from ansible_collections.holdfast.platform.plugins.module_utils.gate import LOG_LINES, gate, log_of
from ansible_collections.holdfast.platform.plugins.module_utils.ledger import (
    ledger_lines,
    outdated_images,
    tag_of,
    write_ledger,
)
from ansible_collections.holdfast.platform.plugins.module_utils.masking import Secrets
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused


class Stopped(Refused):
    """It cannot go on after something was tried: at which stage, and whether the container that was there serves."""

    def __init__(self, text: str, *, stage: str, healthy: bool | None) -> None:
        super().__init__(text)
        self.more = {"stage": stage, "healthy": healthy}


class ContainerSet:
    """One call of the module."""

    def __init__(self, arguments: dict[str, Any], check: bool, diff: bool) -> None:
        self.arguments, self.check, self.diff = arguments, check, diff
        self.containers = [Container(entry) for entry in arguments["containers"]]
        self.images: list[str] = []
        self.pruned: list[str] = []
        self.warnings: list[str] = []
        self.output = ""

    def act(self) -> dict[str, Any]:
        step = self.arguments["step"]
        self.look()
        lacking = self.lacking()
        archives = self.arguments["archives"]  # image -> path on this host, None while it is only offered
        wanted_archives = [image for image in lacking if image in archives and archives[image] is None]
        if wanted_archives and not self.check:
            return {"changed": False, "wanted_archives": wanted_archives}
        self.images = lacking
        if lacking:
            self.bring(lacking)
        absent = [name for name in self.arguments["absent"] if name in self.seen.containers]
        touched = bool(lacking) or step == "run"
        if step == "apply":
            touched = (
                touched or bool(absent) or any(container.action or container.leftovers for container in self.containers)
            )
        result = self.result(touched, absent)
        if not self.check and step != "prepare":
            self.commit(step, absent)
        return {**result, "pruned": self.pruned, **({"output": self.output} if step == "run" else {})}

    def look(self) -> None:
        wanted = self.arguments["containers"]
        names = [
            name for container in self.containers for name in (container.name, container.candidate, container.previous)
        ]
        images = [entry["image"] for entry in wanted if entry["image"] and not entry["keep_image"]]
        try:
            self.seen = Seen(names + self.arguments["absent"], images)
            for container in self.containers:
                container.look(self.seen)
            further = [
                one.image for one in self.containers if one.image and not one.image_id and one.wanted["keep_image"]
            ]
            if further:  # the first time, or a container that is gone
                self.seen.images += Seen([], further).images
        except Silent as problem:
            if not self.check:
                raise Refused(str(problem)) from problem
            self.seen = Seen([], [])
            self.warnings.append(f"{problem}; assumed that nothing runs yet")
        self.compare()

    def refuse_strangers(self) -> None:
        """A name is no ownership: what somebody else made under it is not ours to stop or remove."""
        for container in self.containers:
            for name in (container.name, container.candidate, container.previous):
                config = self.seen.containers.get(name, {}).get("Config")
                if config is not None and LABEL not in (config.get("Labels") or {}):
                    raise Refused(
                        f"container {name} of this host was not made by Holdfast; rename it "
                        f"(`docker rename {name} other-{name}`), or give {container.name} another name"
                    )

    def compare(self) -> None:
        self.refuse_strangers()
        for container in self.containers:
            container.look(self.seen)
            container.compare(self.check)
            if container.image_id and not container.wanted["keep_image"]:
                self.refuse_another_build(container)

    def refuse_another_build(self, container: Container) -> None:
        """A tag never moves: all hosts, and every way back, must mean the same build by it."""
        released = [
            line["image_id"]
            for line in ledger_lines()
            if line.get("result") == "released" and line.get("image") == container.image
        ][-1:]
        archived = self.arguments["archived_ids"].get(container.image, [])
        for known, where in ((archived, "in its archive"), (released, "that was released here")):
            if known and container.image_id not in known:
                raise Refused(
                    f"image {container.image} of this host ({container.image_id[:19]}) is another build than the one "
                    f"{where} ({known[0][:19]}); a version never changes, give the new build a new version"
                )

    def lacking(self) -> list[str]:
        """Return the images that must be brought; refuse those that nobody can bring."""
        needed = [
            one.image
            for one in self.containers
            if one.image
            and not one.image_id
            and (one.action in ("create", "replace") or self.arguments["step"] == "run")
        ]
        for image in needed:
            if not self.warnings and image not in self.arguments["archives"] and not names_a_registry(image):
                raise Refused(
                    f"image {image} is not on this host and its name holds no registry; give an archive of it, made by "
                    f"`docker save --output ARCHIVE {image}`, or call it registry.example.org/{image}"
                )
        return sorted(set(needed))

    def bring(self, images: list[str]) -> None:
        if self.check:
            return
        for image in images:
            path = self.arguments["archives"].get(image)
            docker("load", "-q", "-i", path) if path else docker("pull", "-q", image)
            if not Seen([], [image]).image_id(image):
                raise Refused(f"the archive does not hold image {image}; it must be made by `docker save {image}`")
        self.seen.images += Seen([], images).images
        self.compare()

    def result(self, changed: bool, absent: list[str]) -> dict[str, Any]:
        touched = [container for container in self.containers if container.action or container.leftovers]
        result: dict[str, Any] = {
            "changed": changed,
            "containers": [container.result() for container in self.containers],
            "due": [container.name for container in touched],
            "releases": [container.name for container in touched if container.releases],
            "images": self.images,
            "removed": absent,
        }
        if self.warnings:
            result["warnings"] = self.warnings
        if self.diff and changed and self.arguments["step"] != "run":
            result["diff"] = [container.difference() for container in touched]
            result["diff"] += [{"prepared": f"container {name}: remove\n"} for name in absent]
        return result

    def commit(self, step: str, absent: list[str]) -> None:
        if step == "run":
            self.output = "\n".join(self.run_once(container) for container in self.containers)
            return
        for name in absent:
            docker("stop", name)
            docker("rm", "-f", name)
        for container in self.containers:
            self.finish(container)
            if container.action == "start":
                self.start(container)
            elif container.action:
                self.replace(container)

    def finish(self, container: Container) -> None:
        """Clean up after a killed run."""
        if not container.leftovers:
            return
        retired = container.previous in container.leftovers
        if container.name not in self.seen.containers and retired:
            proven = container.candidate if container.candidate in container.leftovers else container.previous
            docker("rename", proven, container.name)
            container.leftovers.remove(proven)
        for name in container.leftovers:
            docker("rm", "-f", name)

    def start(self, container: Container) -> None:
        state = container.now["State"] if container.now else {}
        docker("unpause" if state.get("Paused") else "restart" if state.get("Restarting") else "start", container.name)
        reason = gate(container.name, container.wanted["health"])
        if reason:
            text = f"{container.name} did not run and does not get healthy: {reason}{log_of(container.name)}"
            raise Stopped(text, stage="start", healthy=False)

    def replace(self, container: Container) -> None:
        argv = ["--label", f"{LABEL}={container.specification(check=False)}", *container.options(), container.image]
        docker("create", "--name", container.candidate, *argv, *container.wanted["command"])
        try:
            if container.now:
                docker("stop", container.name)
            docker("start", container.candidate)
            reason = gate(container.candidate, container.wanted["health"])
            if reason:
                raise Refused(reason + log_of(container.candidate))
        except Refused as problem:
            self.put_back(container, problem)
        if container.now:
            docker("rename", container.name, container.previous)
        docker("rename", container.candidate, container.name)
        if container.now:
            docker("rm", "-f", container.previous)
        self.record(container, "released")
        self.prune(container)

    def prune(self, container: Container) -> None:
        """Remove images of versions nobody goes back to; Docker itself refuses to remove one that a container uses."""
        if self.arguments["record"] and container.releases:
            outdated = outdated_images()
            seen = Seen([], outdated)
            there = [image for image in outdated if seen.image_id(image)]
            self.pruned += [image for image in there if run(["docker", "image", "rm", image])[0] == 0]

    def put_back(self, container: Container, problem: Refused) -> None:
        docker("rm", "-f", container.candidate)
        text = f"{container.name} with image {container.image} did not become healthy: {problem}"
        after, healthy = "\nNothing else was changed; there was no older container to put back.", None
        if container.now:
            docker("start", container.name)
            reason = gate(container.name, container.wanted["health"])
            healthy = not reason
            after = f"\nThe old container ({container.image_before}) was started again and "
            after += f"is not healthy either: {reason}" if reason else "serves."
        self.record(container, "refused", str(problem))
        raise Stopped(text + after, stage="replace", healthy=healthy) from problem

    def record(self, container: Container, result: str, reason: str = "") -> None:
        if self.arguments["record"] and container.releases:
            line = {
                "name": container.name,
                "by": self.arguments["record"],
                "version": tag_of(container.image),
                "previous": tag_of(container.image_before),
                "image": container.image,
                "image_id": container.image_id,
                "result": result,
            }
            why = self.secrets.hide(reason)
            write_ledger(line | ({"reason": why.splitlines()[0]} if why else {}))

    def run_once(self, container: Container) -> str:
        if container.now:  # an earlier run was killed; what it began has to end first
            run(["docker", "wait", container.name], self.arguments["seconds"])
            docker("rm", "-f", container.name)
        mine = ["--label", f"{LABEL}=", *container.options(ports=False)]
        argv = ["docker", "run", "--rm", "--name", container.name, *mine, container.image]
        code, out, err = run([*argv, *container.wanted["command"]], self.arguments["seconds"])
        text = "\n".join([*out.splitlines(), *err.splitlines()][-LOG_LINES:])
        if code == 124:
            run(["docker", "rm", "-f", container.name])
        if code != 0:
            said = f"`{shlex.join(container.wanted['command'])}` in {container.image} failed, exit code {code}:\n{text}"
            raise Stopped(said, stage="run", healthy=None)
        return text

    @property
    def secrets(self) -> Secrets:
        return Secrets([entry["env_file"] for entry in self.arguments["containers"] if entry["env_file"]])
