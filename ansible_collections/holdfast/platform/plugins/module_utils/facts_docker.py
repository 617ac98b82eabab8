# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Docker, its containers and their ports."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

DOCKER = "/run/docker.sock"
DOCKER_PROGRAM = Path("/usr/local/lib/holdfast/docker-keep-containers")  # of role docker, which writes daemon.json too
DAEMON = Path("/etc/docker/daemon.json")
DOCKER_DATA = "/var/lib/docker"
CONTAINER_LABEL = "holdfast.specification"


def engine(path: str) -> Any:
    """Ask Docker; its command would take twenty times as long. Nothing when it does not answer as it should."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(DOCKER)
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        return json.loads(answer.partition(b"\r\n\r\n")[2])
    except (OSError, ValueError):
        return None


def published_ports() -> dict[tuple[str, int], str]:
    """Tell which container has which port."""
    try:
        return {
            (port["Type"], port["PublicPort"]): container["Names"][0].lstrip("/")
            for container in engine("/containers/json")
            for port in container["Ports"]
            if "PublicPort" in port
        }
    except (LookupError, TypeError):
        return {}


def containers() -> dict[str, bool]:
    """Return the names of all containers, those that do not run included, and whether they are ours."""
    try:
        return {
            name.lstrip("/"): CONTAINER_LABEL in (container["Labels"] or {})
            for container in engine("/containers/json?all=1")
            for name in container["Names"]
            if name.count("/") == 1  # others are what somebody's links call it
        }
    except (LookupError, TypeError):
        return {}


def docker() -> dict[str, Any]:
    """Return what somebody has told Docker, and what it keeps; `daemon` is text when it cannot be read as settings."""
    daemon: Any = {}
    try:
        text = DAEMON.read_text() if DAEMON.exists() else ""
        daemon = json.loads(text) if text.strip() else {}
    except (OSError, ValueError) as problem:
        daemon = str(problem)
    told = engine("/info") if Path(DOCKER).exists() else None
    known = told if isinstance(told, dict) else {}
    return {
        "daemon": daemon if isinstance(daemon, (dict, str)) else "it holds no settings",
        "daemon_is_ours": DOCKER_PROGRAM.exists(),
        "containers": containers() if known else {},
        "root": str(known.get("DockerRootDir", "")),
        "told_root": os.path.realpath(
            str(daemon.get("data-root", DOCKER_DATA) if isinstance(daemon, dict) else DOCKER_DATA)
        ),
        "driver": str(known.get("Driver", "")),
        "remapped": any("userns" in str(option) for option in known.get("SecurityOptions") or []),
    }
