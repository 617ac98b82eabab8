#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts our roles and the preflight need, in one cheap call."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import os
import platform
import socket
import subprocess
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

DOCKER = "/run/docker.sock"
HELD = Path("/var/lib/holdfast/held-services")
UNIT_FOLDERS = (Path("/etc/systemd/system"), Path("/run/systemd/system"))
MASKED_BY_DEBIAN = Path("/var/lib/systemd/deb-systemd-helper-masked")
VERSIONS = ("nginx", "pgbackrest", "redis-server")
DOCKER_HOLDERS = {"docker-proxy", "dockerd"}
ARGUMENTS = r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""


def output(*argv: str) -> str:
    try:
        return subprocess.run(
            argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, encoding="utf-8", errors="replace"
        ).stdout
    except FileNotFoundError:
        return ""


def operating_system() -> dict[str, str]:
    values = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    release = {name: value.strip("\"'") for name, value in values.items()}
    family = (
        "Debian"
        if "debian" in (release.get("ID"), *release.get("ID_LIKE", "").split())
        else release.get("ID", "unknown").capitalize()
    )
    return {
        "distribution": release.get("ID", "unknown").capitalize(),
        "distribution_release": release.get("VERSION_CODENAME", "unknown"),
        "distribution_major_version": release.get("VERSION_ID", "").split(".")[0],
        "distribution_version": release.get("VERSION_ID", ""),
        "os_family": family,
    }


def memory_mb() -> int:
    with Path("/proc/meminfo").open() as stream:
        return int(next(line for line in stream if line.startswith("MemTotal")).split()[1]) // 1024


def way_out(family: str, towards: str) -> dict[str, str]:
    """Return address and interface of the default route, which the way to an address of nobody shows."""
    routes = json.loads(output("ip", "-j", family, "route", "get", towards) or "[]")
    return {"address": routes[0].get("prefsrc", ""), "interface": routes[0]["dev"]} if routes else {}


def addresses() -> dict[str, Any]:
    interfaces = json.loads(output("ip", "-j", "address") or "[]")
    all_of = [
        address for interface in interfaces for address in interface.get("addr_info", []) if interface["ifname"] != "lo"
    ]
    return {
        "all_ipv4_addresses": [entry["local"] for entry in all_of if entry["family"] == "inet"],
        "all_ipv6_addresses": [entry["local"] for entry in all_of if entry["family"] == "inet6"],
        "default_ipv4": way_out("-4", "192.0.2.1"),
        "default_ipv6": way_out("-6", "2001:db8::1"),
        "interfaces": sorted(interface["ifname"] for interface in interfaces),
        "foreign_addresses": foreign_addresses(),
    }


def foreign_addresses() -> bool:
    """Tell whether the kernel lets services listen on addresses that the host does not have."""
    setting = Path("/proc/sys/net/ipv4/ip_nonlocal_bind")
    return setting.exists() and setting.read_text().strip() == "1"


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


def published_ports() -> dict[tuple[str, int], str]:
    """Ask Docker which container has which port; its command would take twenty times as long."""
    try:
        with socket.socket(socket.AF_UNIX) as engine:
            engine.settimeout(5)
            engine.connect(DOCKER)
            engine.sendall(b"GET /containers/json HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: engine.recv(65536), b""))
        containers = json.loads(answer.partition(b"\r\n\r\n")[2])
        return {
            (port["Type"], port["PublicPort"]): container["Names"][0].lstrip("/")
            for container in containers
            for port in container["Ports"]
            if "PublicPort" in port
        }
    except (OSError, ValueError, LookupError, TypeError):
        return {}


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


def connection() -> list[str]:
    """Return SSH_CONNECTION of the nearest ancestor that has one; sudo hides it from its children."""
    pid = os.getpid()
    while pid > 1:
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            status = Path(f"/proc/{pid}/status").read_text(errors="replace")
        except OSError:
            return []
        for entry in environment:
            if entry.startswith(b"SSH_CONNECTION="):
                return entry.decode().split("=", 1)[1].split()
        pid = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("PPid:"))
    return []


def way_in() -> dict[str, Any]:
    """Return who is at the other end of this ssh connection, and the port it came in by; without ssh, nobody."""
    found = connection()
    if len(found) != 4 or found[0] == "UNKNOWN":  # what sshd says when it is not asked over the network
        return {"ssh_client_address": "", "ssh_server_port": 0}
    address = ipaddress.ip_address(found[0].split("%")[0])
    return {
        "ssh_client_address": str(getattr(address, "ipv4_mapped", None) or address),
        "ssh_server_port": int(found[3]),
    }


def resolved(name: str) -> list[str]:
    """Return the addresses of a name, IPv4 first; none when nobody knows it."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(name, None)}
    except OSError:
        return []
    return sorted(found, key=lambda address: (":" in address, address))


def link_mbps(interface: str) -> int:
    """Return the speed of an interface, 0 where it does not tell, as those of virtual machines."""
    try:
        return max(0, int(Path("/sys/class/net", interface, "speed").read_text()))
    except (OSError, ValueError):
        return 0


def block_device(path: Path) -> Path:
    """Return what the kernel tells of the device below a path; a folder that is not there when it has none."""
    number = path.stat().st_dev
    return Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve()


def encrypted(block: Path) -> bool:
    """Tell whether a device is dm-crypt, or lies on some, as a logical volume or an array does."""
    with contextlib.suppress(OSError):
        if (block / "dm/uuid").read_text().startswith("CRYPT-"):
            return True
    below = [device.resolve() for device in (block / "slaves").glob("*")]
    return bool(below) and all(map(encrypted, below))


def kind_of_disk(block: Path) -> str:
    """Return ssd or hdd, or nothing: a virtual disk says that it turns whatever lies below."""
    if not block.exists() or block.name.startswith(("vd", "xvd")):
        return ""
    for folder in (block, block.parent):  # the queue belongs to the disk, not to its partitions
        turning = folder / "queue" / "rotational"
        if turning.exists():
            return "hdd" if turning.read_text().strip() == "1" else "ssd"
    return ""


def settings_in_force(cluster: Path) -> dict[str, Any]:
    """Ask a running server for the settings that need a restart and those of our files."""
    try:
        port = (cluster / "postmaster.pid").read_text().splitlines()[3]
    except (OSError, IndexError):
        return {}
    question = (
        "select jsonb_object_agg(name, jsonb_build_object('setting', setting, 'unit', unit, 'context', context,"
        " 'ours', coalesce(sourcefile, '') like '%/50-holdfast-%'))"
        " from pg_settings where context = 'postmaster' or sourcefile like '%/50-holdfast-%'"
    )
    psql = ("psql", "-qAtX", "-h", "/var/run/postgresql", "-p", port, "-d", "postgres", "-c", question)
    answer = output("runuser", "-u", "postgres", "--", "env", "-C", "/", "PGCONNECT_TIMEOUT=5", *psql)
    return json.loads(answer) if answer.startswith("{") else {}


def folder_bytes(path: Path) -> int:
    sizes = 0
    for file in path.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a segment may go at any moment
            sizes += file.stat().st_size
    return sizes


def postgresql() -> dict[str, Any]:
    clusters = sorted(Path("/var/lib/postgresql").glob("*/main")) if os.geteuid() == 0 else []
    data = clusters[-1] if clusters else Path("/var/lib")
    wal = data / "pg_wal" if clusters else data
    disk = os.statvfs(wal)
    used = folder_bytes(wal) if clusters else 0
    return {
        "storage": kind_of_disk(block_device(data)),
        "encrypted": encrypted(block_device(data)),
        "wal_disk_mb": disk.f_blocks * disk.f_frsize // 2**20,
        "wal_room_mb": (disk.f_bavail * disk.f_frsize + used) // 2**20,
        "settings": settings_in_force(data) if clusters else {},
    }


def packages() -> dict[str, Any]:
    """Return what is installed, and the versions of packages that others offer under Debian's names."""
    rows = [
        line.split("\t")
        for line in output("dpkg-query", "-W", "-f", "${db:Status-Status}\t${Package}\t${Version}\n").splitlines()
    ]
    versions = {row[1]: row[2] for row in rows if row[0] == "installed"}
    return {
        "installed_packages": sorted(versions),
        "package_versions": {name: versions[name] for name in VERSIONS if name in versions},
    }


def masked_units(folders: Iterable[Path] = UNIT_FOLDERS, removed: Path = MASKED_BY_DEBIAN) -> list[str]:
    """Return the units that somebody has masked. Debian masks those of removed packages, and takes that back itself."""
    masked = set()
    for folder in folders:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.is_symlink() and str(path.readlink()) == os.devnull and not (removed / path.name).exists():
                masked.add(path.name)
    return sorted(masked)


def held_units() -> list[str]:
    """Return the units that package_set keeps from starting until a run has ended."""
    try:
        return HELD.read_text().split()
    except OSError:
        return []


def system() -> dict[str, Any]:
    return {
        "hostname": platform.node().split(".")[0],
        "fqdn": platform.node(),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "python_version": platform.python_version(),
        "service_mgr": Path("/proc/1/comm").read_text().strip(),
        "virtualization_type": output("systemd-detect-virt").strip() or "none",
        "processor_vcpus": len(os.sched_getaffinity(0)),
    }


def free_mb(path: str) -> int:
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize // 2**20


def answers(questions: dict[str, Callable[[], dict[str, Any]]]) -> dict[str, Any]:
    """Ask one question after the other. One that fails takes no other's answer away; it is told under its name."""
    found: dict[str, Any] = {}
    failed = {}
    for name, ask in questions.items():
        try:
            found |= ask()
        except Exception as problem:  # noqa: BLE001 - nobody knows what a host has in store
            failed[name] = " ".join(f"{type(problem).__name__}: {problem}".split()).rstrip(": ")
    return {**found, "facts_failed": failed}


def facts(resolve: list[str]) -> dict[str, Any]:
    network: dict[str, Any] = {}

    def remembered() -> dict[str, Any]:
        network.update(addresses())
        return network

    return {
        "date_time": {"epoch": str(int(time.time()))},
        "user_id": os.geteuid(),
        **answers(
            {
                "operating system": operating_system,
                "addresses": remembered,
                "speed of the link": lambda: {
                    "link_mbps": link_mbps(network.get("default_ipv4", {}).get("interface", ""))
                },
                "connection": way_in,
                "system": system,
                "memory": lambda: {"memtotal_mb": memory_mb()},
                "packages": packages,
                "units": lambda: {"masked_units": masked_units(), "held_units": held_units()},
                "listening ports": lambda: {"listening_ports": listening_ports()},
                "free disk space": lambda: {"disk_free_mb": {path: free_mb(path) for path in ("/", "/var")}},
                "PostgreSQL": lambda: {"postgresql": postgresql()},
                "names": lambda: {"resolved_names": {name: resolved(name) for name in resolve}},
            }
        ),
    }


def main() -> None:
    arguments = json.loads(zlib.decompress(base64.b64decode(json.loads(ARGUMENTS)["payload"])))
    print(json.dumps({"changed": False, "ansible_facts": facts(arguments["resolve"])}))


if __name__ == "__main__":
    main()
