#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of container_set: one `docker inspect`, and a gated replacement of whatever differs.

Standard library and the docker command only. The action plugin of the same name validates the arguments and brings
image archives along when this half asks for them.

A container has its final name only after it proved itself. Until then it is called NAME-candidate, so a killed run can
be told from a finished one: a candidate alone is unproven and goes; NAME-previous exists only after the proof.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import shlex
import subprocess
import time
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ARGUMENTS = r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""
LEDGER = Path("/var/lib/holdfast/releases.jsonl")
LABEL = "holdfast.specification"
COMMAND_SECONDS = 600
PROBE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.1  # doubled after every attempt, up to the interval of the caller
SETTLE_SECONDS = 2.0
MOST_RESTARTS = 3
KEPT_VERSIONS = 4
LOG_LINES = 20
LARGEST_MOUNT = 2**20
TEMPORARY = "/tmp:mode=1777,nosuid,nodev"  # noqa: S108 - in the container


class Refused(Exception):
    """It cannot go on; the text is for the operator."""


class Silent(Exception):
    """Docker is not installed or does not answer."""


def run(argv: list[str], seconds: float = COMMAND_SECONDS) -> tuple[int, str, str]:
    """Run a command and return its exit code and what it said on both channels."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=seconds,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
    except FileNotFoundError as problem:
        raise Silent("docker is not installed on this host; apply the role docker first") from problem
    except subprocess.TimeoutExpired:
        return 124, "", f"no answer within {seconds:g} s"
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def docker(*argv: str) -> str:
    """Run a docker command that must succeed and return what it printed."""
    code, out, err = run(["docker", *argv])
    if code != 0:
        raise Refused(f"`docker {' '.join(argv[:2])}` failed: {err.strip() or out.strip() or f'exit code {code}'}")
    return out


def inspect(names: list[str]) -> list[dict[str, Any]]:
    """Return what Docker knows under these names, of any kind; unknown names are simply not there."""
    code, out, err = run(["docker", "inspect", *names])
    complaints = [
        line
        for line in err.splitlines()
        if line and "no such object" not in line.lower() and not line.startswith("WARNING")
    ]
    if code != 0 and complaints:
        raise Silent(f"docker does not answer: {complaints[0]}")
    found: list[dict[str, Any]] = json.loads(out or "[]")
    return found


class Seen:
    """One look at the host."""

    def __init__(self, names: list[str], images: list[str]) -> None:
        found = inspect([*names, *images]) if names or images else []
        self.containers = {
            entry["Name"].removeprefix("/"): entry for entry in found if "State" in entry and "Image" in entry
        }
        self.images = [entry for entry in found if "RepoTags" in entry]

    def image_id(self, reference: str) -> str:
        """Return the id of an image, nothing when the host lacks it."""
        short = reference.removeprefix("docker.io/library/").removeprefix("docker.io/")
        for image in self.images:
            names = [*(image.get("RepoTags") or []), *(image.get("RepoDigests") or [])]
            if reference in names or short in names or reference == image["Id"]:
                return str(image["Id"])
        return ""


def digest_of(path: str) -> str:
    """Return the hash of a small file, nothing for a folder, a large file or a missing one."""
    try:
        if not Path(path).is_file() or Path(path).stat().st_size > LARGEST_MOUNT:
            return ""
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def names_a_registry(image: str) -> bool:
    host = image.split("/", 1)[0]
    return "/" in image and ("." in host or ":" in host or host == "localhost")


class Container:
    """One entry of `containers`, compared with the host."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self.wanted = wanted
        self.name: str = wanted["name"]
        self.candidate, self.previous = f"{self.name}-candidate", f"{self.name}-previous"
        self.image: str = wanted["image"]
        self.image_id = ""
        self.now: dict[str, Any] | None = None
        self.leftovers: list[str] = []
        self.action = ""

    def look(self, seen: Seen) -> None:
        """Take over what was seen; in the middle of a killed run, as it will be after the clean-up."""
        self.leftovers = [name for name in (self.candidate, self.previous) if name in seen.containers]
        self.now = seen.containers.get(self.name)
        if self.now is None and self.previous in seen.containers:
            self.now = seen.containers.get(self.candidate, seen.containers[self.previous])
        if self.wanted["keep_image"]:
            self.image = self.image_before or recorded_image(self.name) or self.wanted["image"]
        kept = self.now if self.wanted["keep_image"] else None
        self.image_id = str(kept["Image"]) if kept else seen.image_id(self.image)

    @property
    def image_before(self) -> str:
        return str(self.now["Config"]["Image"]) if self.now else ""

    @property
    def running(self) -> bool:
        state = self.now["State"] if self.now else {}
        return bool(state.get("Running")) and not state.get("Restarting") and not state.get("Paused")

    def compare(self, check: bool) -> None:
        """Name what has to be done: create, replace, start, or nothing."""
        self.action = ""
        if not self.image:
            return  # nothing was released yet
        if self.now is None:
            self.action = "create"
        elif (self.now["Config"].get("Labels") or {}).get(LABEL) != self.specification(check):
            self.action = "replace"
        elif not self.running:
            self.action = "start"

    @property
    def releases(self) -> bool:
        return self.action in ("create", "replace") and self.image != self.image_before

    def options(self, ports: bool = True) -> list[str]:
        """Return the arguments of `docker create` behind name and label."""
        wanted = self.wanted
        argv = ["--init", "--network", wanted["network"], "--user", wanted["user"]]
        argv += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
        memory = f"{wanted['memory_mb']}m"  # with as much swap as memory there is no swap on top
        argv += ["--memory", memory, "--memory-swap", memory, "--cpus", f"{wanted['cpus']:g}"]
        argv += ["--pids-limit", str(wanted["pids"])]
        argv += ["--read-only", "--tmpfs", TEMPORARY] if wanted["read_only"] else []
        for capability in sorted(wanted["cap_add"]):
            argv += ["--cap-add", capability]
        for port in sorted(wanted["ports"]) if ports else []:
            argv += ["--publish", port]
        for mount in wanted["mounts"]:
            suffix = ",readonly" if mount["read_only"] else ""
            argv += ["--mount", f"type=bind,source={mount['source']},target={mount['target']}{suffix}"]
        for name, address in sorted(wanted["add_hosts"].items()):
            argv += ["--add-host", f"{name}:{address}"]
        for name, value in sorted(wanted["labels"].items()):
            argv += ["--label", f"{name}={value}"]
        if wanted["env_file"]:
            argv += ["--env-file", wanted["env_file"]]
        if ports:
            argv += ["--restart", "unless-stopped", "--stop-timeout", str(wanted["stop_seconds"])]
        return argv

    def specification(self, check: bool) -> str:
        """Return the hash of everything that makes this container what it is."""
        wanted = self.wanted
        environment = wanted["env_sha256"] if check and wanted["env_sha256"] else digest_of(wanted["env_file"] or "")
        files = [digest_of(mount["source"]) for mount in wanted["mounts"]]
        parts = [self.options(), self.image, self.image_id, wanted["command"], environment, files]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def result(self) -> dict[str, Any]:
        state = self.now["State"] if self.now else {}
        return {
            "name": self.name,
            "action": self.action,
            "image": self.image,
            "image_before": self.image_before,
            "running": self.running,
            "health": (state.get("Health") or {}).get("Status", ""),
        }

    def difference(self) -> dict[str, str]:
        def shown(image: str, label: str, running: object) -> str:
            return f"image: {image}\nspecification: {label[:12]}\nrunning: {'yes' if running else 'no'}\n"

        label = ((self.now or {}).get("Config", {}).get("Labels") or {}).get(LABEL, "")
        title = {"before_header": f"container {self.name}", "after_header": f"container {self.name}"}
        after = self.specification(check=True) if self.image_id else "to be seen"
        return {
            **title,
            "before": shown(self.image_before, label, self.running) if self.now else "",
            "after": shown(self.image, after, True),
        }


class Secrets:
    """Hides the values of environment files in every text that leaves the host."""

    def __init__(self, paths: list[str]) -> None:
        self.words: set[str] = set()
        for path in paths:
            try:
                lines = Path(path).read_text(errors="replace").splitlines()
            except OSError:
                continue
            for line in lines:
                self.learn(line.partition("=")[2])

    def learn(self, value: str) -> None:
        password = None
        if "://" in value:
            try:
                password = urlsplit(value).password
            except ValueError:
                password = value
        self.words |= {word for word in (password, unquote(password or "")) if word}
        if len(value) >= 8 and not value.startswith("/"):
            self.words.add(value)

    def hide(self, text: str) -> str:
        for word in sorted(self.words, key=len, reverse=True):
            text = text.replace(word, "********")
        return text


def ledger_lines() -> list[dict[str, Any]]:
    try:
        return [
            json.loads(line) for line in LEDGER.read_text().splitlines() if line.startswith("{") and line.endswith("}")
        ]
    except FileNotFoundError:
        return []


def recorded_image(name: str) -> str:
    """Return the image that was released last, for a container that is gone."""
    images = [line["image"] for line in ledger_lines() if line.get("name") == name and line.get("result") == "released"]
    return str(images[-1]) if images else ""


def outdated_images() -> list[str]:
    """Return the images that were released or refused here and that nobody goes back to."""
    recent: dict[str, list[str]] = {}
    for line in reversed(ledger_lines()):
        images = recent.setdefault(line["name"], [])
        if line["result"] == "released" and line["image"] not in images and len(images) < KEPT_VERSIONS:
            images.append(line["image"])
    kept = {image for images in recent.values() for image in images}
    return sorted({line["image"] for line in ledger_lines()} - kept)


def tag_of(image: str) -> str:
    found = re.search(r":([^:/@]+)(@|$)", image)
    return found[1] if found else ""


def write_ledger(container: Container, by: str, result: str, reason: str = "") -> None:
    line = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "name": container.name,
        "by": by,
        "version": tag_of(container.image),
        "previous": tag_of(container.image_before),
        "image": container.image,
        "image_id": container.image_id,
        "result": result,
    }
    if reason:
        line["reason"] = reason.splitlines()[0]
    LEDGER.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(LEDGER, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "a") as stream:
        stream.write(json.dumps(line) + "\n")
        stream.flush()
        os.fsync(handle)


def probe(url: str, status: int, seconds: float) -> str:
    """Ask once; return what was wrong with the answer, nothing when it is the wanted one."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=seconds)
    try:
        connection.request("GET", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
        answer = connection.getresponse()
        text = answer.read(160).decode(errors="replace").strip()
    except TimeoutError:
        return f"did not answer within {seconds:g} s"
    except (OSError, http.client.HTTPException) as problem:
        return f"did not answer ({problem})"
    finally:
        connection.close()
    if answer.status == status:
        return ""
    where = answer.getheader("Location")
    return f"answered {answer.status}{f' (to {where})' if where else f' ({text})' if text else ''}, not {status}"


def state_of(name: str) -> tuple[str, bool]:
    """Describe how a container fares, and whether there is still hope."""
    found = [entry for entry in inspect([name]) if entry.get("Name") == f"/{name}"]
    if not found:
        return "it is gone", False
    state, restarts = found[0]["State"], found[0].get("RestartCount", 0)
    text = f"it is {state['Status']}"
    if restarts or not state["Running"] or state.get("Restarting"):
        text += f" with exit code {state['ExitCode']}"
    text += f" after {restarts} restarts" if restarts else ""
    text += ", killed for lack of memory (raise its memory limit)" if state.get("OOMKilled") else ""
    alive = (state["Running"] or state.get("Restarting")) and restarts < MOST_RESTARTS
    return text, bool(alive)


def gate(name: str, health: dict[str, Any] | None) -> str:
    """Wait until a container is healthy; return why it is not, nothing when it is."""
    if not health:
        time.sleep(SETTLE_SECONDS)
        text, alive = state_of(name)
        return "" if alive and "restarts" not in text else text
    began = time.monotonic()
    deadline = began + health["seconds"]
    pause = min(FIRST_PAUSE_SECONDS, health["interval_seconds"])
    while True:
        left = deadline - time.monotonic()
        answer = probe(health["url"], health["status"], max(0.5, min(PROBE_SECONDS, left)))
        if not answer:
            return ""
        text, alive = state_of(name)
        if not alive or time.monotonic() + pause > deadline:
            return f"{health['url']} {answer}; {text}; waited {time.monotonic() - began:.0f} of {health['seconds']} s"
        time.sleep(pause)
        pause = min(pause * 2, health["interval_seconds"])


def log_of(name: str) -> str:
    _code, out, err = run(["docker", "logs", "--tail", str(LOG_LINES), name])
    text = "\n".join(part.strip() for part in (out, err) if part.strip())
    return f"\nThe last lines of its log:\n{text}" if text else "\nIts log is empty."


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
            raise Refused(f"{container.name} did not run and does not get healthy: {reason}{log_of(container.name)}")

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
        after = "\nNothing else was changed; there was no older container to put back."
        if container.now:
            docker("start", container.name)
            reason = gate(container.name, container.wanted["health"])
            after = f"\nThe old container ({container.image_before}) was started again and "
            after += f"is not healthy either: {reason}" if reason else "serves."
        self.record(container, "refused", str(problem))
        raise Refused(text + after) from problem

    def record(self, container: Container, result: str, reason: str = "") -> None:
        if self.arguments["record"] and container.releases:
            write_ledger(container, self.arguments["record"], result, self.secrets.hide(reason))

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
            raise Refused(
                f"`{shlex.join(container.wanted['command'])}` in {container.image} failed, exit code {code}:\n{text}"
            )
        return text

    @property
    def secrets(self) -> Secrets:
        return Secrets([entry["env_file"] for entry in self.arguments["containers"] if entry["env_file"]])


def main() -> None:
    outer = json.loads(ARGUMENTS)
    arguments = json.loads(zlib.decompress(base64.b64decode(outer["payload"])))
    containers = ContainerSet(arguments, outer["_ansible_check_mode"], outer["_ansible_diff"])
    try:
        result = containers.act()
    except (Refused, Silent) as problem:
        result = {"failed": True, "changed": False, "msg": str(problem)}
    secrets = containers.secrets
    print(
        json.dumps(
            {name: secrets.hide(value) if name in ("msg", "output") else value for name, value in result.items()}
        )
    )


if __name__ == "__main__":
    main()
