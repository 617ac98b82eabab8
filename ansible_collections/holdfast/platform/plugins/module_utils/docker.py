# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The docker command, and one look at what it knows."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused

COMMAND_SECONDS = 600


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
