# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controller half of container_set: validate, and bring image archives along when the host asks for them."""

from __future__ import annotations

import json
import os
import re
import shlex
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader

RemoteCall: Any = action_loader.get("remote_call", class_only=True)

MOUNT = {
    "source": {"type": "path", "required": True},
    "target": {"type": "path", "required": True},
    "read_only": {"type": "bool", "default": True},
}
HEALTH = {
    "url": {"type": "str", "required": True},
    "status": {"type": "int", "default": 200},
    "seconds": {"type": "int", "default": 60},
    "interval_seconds": {"type": "float", "default": 1.0},
}
CONTAINER = {
    "name": {"type": "str", "required": True},
    "image": {"type": "str", "required": True},
    "keep_image": {"type": "bool", "default": False},
    "archive": {"type": "path"},
    "ports": {"type": "list", "elements": "str", "default": []},
    "env_file": {"type": "path"},
    "env_sha256": {"type": "str"},
    "mounts": {"type": "list", "elements": "dict", "default": [], "options": MOUNT},
    "network": {"type": "str", "default": "bridge"},
    "user": {"type": "str", "required": True},
    "memory_mb": {"type": "int", "required": True},
    "cpus": {"type": "float", "required": True},
    "pids": {"type": "int", "default": 512},
    "read_only": {"type": "bool", "default": True},
    "cap_add": {"type": "list", "elements": "str", "default": []},
    "add_hosts": {"type": "dict", "default": {}},
    "labels": {"type": "dict", "default": {}},
    "command": {"type": "list", "elements": "str", "default": []},
    "stop_seconds": {"type": "int", "default": 30},
    "health": {"type": "dict", "options": HEALTH},
}
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
IMAGE = re.compile(r"[a-z0-9][a-z0-9._:/-]*?(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?")
PORT = re.compile(r"[0-9.]+:[0-9]{1,5}:[0-9]{1,5}(/tcp|/udp)?")


def image_finding(container: dict[str, Any]) -> str:
    image = container["image"]
    if not image and container["keep_image"]:
        return ""
    match = IMAGE.fullmatch(image)
    if not match or not (match[1] or match[2]) or match[1] == ":latest":
        return f"image is {image!r}; it needs a tag that never moves, as in shop:1.4.2"
    return ""


def findings(container: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with an entry."""
    name, paths = container["name"], [container["env_file"] or "/"]
    paths += [mount[end] for mount in container["mounts"] for end in ("source", "target")]
    if not NAME.fullmatch(name) or name.endswith(("-candidate", "-previous")):
        yield f"name is {name!r}; use lower-case letters, digits, dots, dashes and no ending -candidate or -previous"
    yield image_finding(container)
    for port in container["ports"]:
        if not PORT.fullmatch(port):
            yield f"port {port!r} must be written address:host port:container port"
    for path in paths:
        if not path.startswith("/") or "," in path:
            yield f"path {path!r} must be absolute and hold no comma"
    for limit in ("memory_mb", "cpus", "pids"):
        if container[limit] <= 0:
            yield f"{limit} is {container[limit]}; every container needs a limit above 0"
    if re.fullmatch(r"(0+|root)(:.*)?", container["user"]):
        yield f"user is {container['user']!r}; a container does not run as root here"
    if container["health"] and urlsplit(container["health"]["url"]).scheme != "http":
        yield f"health.url is {container['health']['url']!r}; the gate asks plain http:// on the host"


def save_command(path: str, image: str) -> str:
    """Return the command that makes the archive."""
    return f"`{shlex.join(['docker', 'save', '--output', path, image])}`"


def archived_ids(path: str, image: str) -> list[str]:
    """Return the ids a host may know the image of an archive by; none when it cannot be told (absent, compressed)."""
    try:
        with tarfile.open(path, "r:") as archive:
            members = {
                name: archive.extractfile(name)
                for name in ("manifest.json", "index.json")
                if name in archive.getnames()
            }
            content = {name: json.load(member) for name, member in members.items() if member}
        found = [entry for entry in content["manifest.json"] if image in (entry["RepoTags"] or [])]
        # The hash of its configuration; to an engine with containerd's image store, that of its manifest.
        ids = ["sha256:" + Path(entry["Config"]).name.removesuffix(".json") for entry in found]
        more = content.get("index.json", {}).get("manifests", []) if ids else []
        return ids + [entry["digest"] for entry in more]
    except (OSError, KeyError, ValueError, tarfile.TarError):
        return []


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Call the host once; a second time only when it lacks an image that we have an archive of."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "step": {"type": "str", "choices": ["apply", "prepare", "run"], "default": "apply"},
        "containers": {"type": "list", "elements": "dict", "default": [], "options": CONTAINER},
        "absent": {"type": "list", "elements": "str", "default": []},
        "record": {"type": "str"},
        "seconds": {"type": "int", "default": 600},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        names = [container["name"] for container in arguments["containers"]]
        for container in arguments["containers"]:
            problems = list(filter(None, findings(container)))
            if names.count(container["name"]) > 1 or container["name"] in arguments["absent"]:
                problems.append("it is listed twice")
            if problems:
                raise AnsibleActionFail(f"container {container['name']}: {'; '.join(problems)}")
        archives = {
            container["image"]: os.path.normpath(path)
            for container in arguments["containers"]
            if (path := container.pop("archive"))
        }
        arguments["archives"] = dict.fromkeys(archives)
        arguments["archived_ids"] = {image: archived_ids(path, image) for image, path in archives.items()}
        result: dict[str, Any] = self.call("container_set", arguments, task_vars)
        if result.get("wanted_archives"):
            result = self.call_with(result["wanted_archives"], archives, arguments, task_vars)
        return result

    def call_with(
        self, images: list[str], archives: dict[str, str], arguments: dict[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """Send the archives to a temporary folder and call the host again."""
        for image in images:
            if not Path(archives[image]).is_file():
                raise AnsibleActionFail(
                    f"the host lacks image {image}, and its archive {archives[image]} is not on this controller; "
                    f"make it with {save_command(archives[image], image)}"
                )
        created = self._make_tmp_path() if self._connection._shell.tmpdir is None else None
        folder = self._connection._shell.tmpdir
        for at, image in enumerate(images):
            path = self._connection._shell.join_path(folder, f"image-{at}")
            self._transfer_file(archives[image], path)
            arguments["archives"][image] = path
        try:
            result: dict[str, Any] = self.call("container_set", arguments, task_vars)
        finally:
            if created:
                self._remove_tmp_path(created)
        return result
