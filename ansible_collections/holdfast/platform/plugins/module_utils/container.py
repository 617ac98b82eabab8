# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One container as it shall be, compared with the host."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.docker import Seen
from ansible_collections.holdfast.platform.plugins.module_utils.ledger import recorded_image

LABEL = "holdfast.specification"
LARGEST_MOUNT = 2**20
TEMPORARY = "/tmp:mode=1777,nosuid,nodev"  # noqa: S108 - in the container


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
