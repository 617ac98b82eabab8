# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who listens where."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.facts_docker import published_ports

DOCKER_HOLDERS = {"docker-proxy", "dockerd"}


def kernel_address(text: str) -> str:
    """Turn the kernel's hexadecimal address (32-bit words in host order) into the usual text."""
    words = [int(text[at : at + 8], 16).to_bytes(4, "little") for at in range(0, len(text), 8)]
    return str(ipaddress.ip_address(b"".join(words)))


def sockets_of_processes() -> dict[str, str]:
    owners = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            for handle in (process / "fd").iterdir():
                link = str(handle.readlink())
                if link.startswith("socket:["):
                    owners[link[8:-1]] = (process / "comm").read_text(errors="replace").strip()
        except OSError:
            continue  # gone meanwhile, or not ours to see
    return owners


def listening_ports() -> list[dict[str, Any]]:
    owners = sockets_of_processes()
    containers = published_ports() if DOCKER_HOLDERS & set(owners.values()) else {}
    found = []
    for protocol, listening in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        table = Path(f"/proc/net/{protocol}")
        for line in table.read_text().splitlines()[1:] if table.exists() else []:
            columns = line.split()
            if columns[3] == listening:
                address, port = columns[1].split(":")
                entry: dict[str, Any] = {
                    "protocol": protocol.rstrip("6"),
                    "address": kernel_address(address),
                    "port": int(port, 16),
                    "process": owners.get(columns[9], ""),
                }
                container = containers.get((entry["protocol"], entry["port"]))
                if container and entry["process"] in DOCKER_HOLDERS:
                    entry["container"] = container
                found.append(entry)
    return found
