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
import re
import socket
import subprocess
import time
import zlib
from pathlib import Path
from typing import Any

DOCKER = "/run/docker.sock"
DOCKER_HOLDERS = {"docker-proxy", "dockerd"}
ETC = Path("/etc")
OWNERS = ("ufw", "firewalld", "netfilter-persistent", "nftables", "shorewall", "shorewall6", "ferm")
IPTABLES = Path("/usr/sbin/iptables")
OURS = ("inet", "holdfast")
HOOKS = ("prerouting", "input", "forward", "output")
CLOSING = {"drop", "reject", "xt REJECT"}
LEGACY = {  # what its rules are asked with, and where the kernel says that there are some
    "iptables-legacy": Path("/proc/net/ip_tables_names"),
    "ip6tables-legacy": Path("/proc/net/ip6_tables_names"),
}
REDIS = Path("/etc/redis/redis.conf")
REDIS_SECRETS = ("requirepass", "masterauth", "user", "tls-key-file-pass", "tls-client-key-file-pass")
ARGUMENTS = r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""


def output(*argv: str) -> str:
    try:
        return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, text=True).stdout
    except FileNotFoundError:
        return ""


def operating_system() -> dict[str, str]:
    values = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    release = {name: value.strip('"') for name, value in values.items()}
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
                    owners[link[8:-1]] = (process / "comm").read_text().strip()
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
            status = Path(f"/proc/{pid}/status").read_text()
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
    if len(found) != 4:
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


def redis() -> dict[str, list[str]]:
    """Return what a redis.conf that is not ours says, by directive; of passwords only that they are there."""
    text = contents(REDIS)
    if "Managed by Holdfast" in text[:200]:
        return {}
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _blank, value = line.strip().partition(" ")
        if value and not name.startswith("#"):
            said = "hidden" if name.lower() in REDIS_SECRETS else value.strip().strip("\"'")
            found.setdefault(name.lower(), []).append(said)
    return found


def closes(expressions: list[dict[str, Any]]) -> bool:
    """Tell whether a rule drops or rejects whatever comes to it."""
    kinds = {"xt REJECT" if one.get("xt", {}).get("name") == "REJECT" else kind for one in expressions for kind in one}
    return bool(kinds & CLOSING) and kinds <= CLOSING | {"counter", "log"}


def closed_chains(ruleset: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the chains of others where a packet ends that no rule of theirs lets in: a drop in any table is final."""
    rules = [entry["rule"] for entry in ruleset if "rule" in entry]
    chains = [entry["chain"] for entry in ruleset if "chain" in entry]
    of_docker = {
        (chain["family"], chain["table"])
        for chain in chains
        if chain["name"].startswith("DOCKER") or chain["table"].startswith("docker-")
    }
    ends = {(rule["family"], rule["table"], rule["chain"]) for rule in rules if closes(rule.get("expr", []))}
    found = []
    for chain in chains:
        place = (chain["family"], chain["table"])
        hook = chain.get("hook", "")
        closed = chain.get("policy") == "drop" or (*place, chain["name"]) in ends
        if hook in HOOKS and closed and place != OURS and not (hook == "forward" and place in of_docker):
            found.append({"family": place[0], "table": place[1], "hook": hook})
    return found


def closed_text(text: str) -> bool:
    """Tell whether rules as iptables-save writes them let in only what they name."""
    return bool(re.search(r"^:(INPUT|OUTPUT) DROP|^-A (INPUT|OUTPUT) -j (DROP|REJECT)\b", text, re.MULTILINE))


def closed_by_iptables() -> list[dict[str, str]]:
    """Return the same for a host without nft, whose iptables writes tables that nft would show."""
    if not IPTABLES.resolve().name.startswith("xtables-nft"):
        return []
    programs = {"ip": "iptables-save", "ip6": "ip6tables-save"}
    closed = [family for family, program in programs.items() if closed_text(output(program, "-t", "filter"))]
    return [{"family": family, "table": "filter", "hook": "input"} for family in closed]


def contents(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def firewall_owners() -> list[str]:
    """Return what else loads a firewall at boot that lets in only what it knows."""
    on = {name for name in OWNERS if any((ETC / "systemd/system").glob(f"*.wants/{name}.service"))}
    saved = "".join(contents(ETC / f"iptables/rules.v{version}") for version in (4, 6))
    drops = r"hook\s+(prerouting|input|output)\b[^}]*?policy\s+drop"
    enabled = {
        "ufw": re.search(r"^ENABLED=[\"']?yes", contents(ETC / "ufw/ufw.conf"), re.MULTILINE),
        "netfilter-persistent": closed_text(saved),
        "nftables": re.search(drops, re.sub(r"(?m)#.*", "", contents(ETC / "nftables.conf"))),
    }
    return sorted(name for name in on if enabled.get(name, True))


def firewall() -> dict[str, Any]:
    """Return who else keeps packets out, and whether rules of ours that were loaded are gone."""
    answer = output("nft", "-t", "-j", "list", "ruleset") if os.geteuid() == 0 else ""
    ruleset = json.loads(answer)["nftables"] if answer.startswith("{") else []
    chains = closed_chains(ruleset) if answer else closed_by_iptables()
    tables = [(entry["table"]["family"], entry["table"]["name"]) for entry in ruleset if "table" in entry]
    return {
        "owners": firewall_owners(),
        "chains": chains,
        "legacy": [
            program
            for program, names in LEGACY.items()
            if "filter" in contents(names).split() and closed_text(output(f"{program}-save", "-t", "filter"))
        ],
        "flushed": bool(answer) and OURS not in tables and (ETC / "holdfast/firewall.nft").exists(),
    }


def facts(resolve: list[str]) -> dict[str, Any]:
    packages = output("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n")
    init = Path("/proc/1/comm").read_text().strip()
    network = addresses()
    return {
        **operating_system(),
        **network,
        "link_mbps": link_mbps(network["default_ipv4"].get("interface", "")),
        **way_in(),
        "hostname": platform.node().split(".")[0],
        "fqdn": platform.node(),
        "architecture": platform.machine(),
        "kernel": platform.release(),
        "python_version": platform.python_version(),
        "service_mgr": init,
        "virtualization_type": output("systemd-detect-virt").strip() or "none",
        "memtotal_mb": memory_mb(),
        "processor_vcpus": len(os.sched_getaffinity(0)),
        "date_time": {"epoch": str(int(time.time()))},
        "installed_packages": sorted(
            {line.split()[1] for line in packages.splitlines() if line.startswith("installed ")}
        ),
        "listening_ports": listening_ports(),
        "disk_free_mb": {
            path: os.statvfs(path).f_bavail * os.statvfs(path).f_frsize // 2**20 for path in ("/", "/var")
        },
        "user_id": os.geteuid(),
        "postgresql": postgresql(),
        "redis": redis(),
        "firewall": firewall(),
        "resolved_names": {name: resolved(name) for name in resolve},
    }


def main() -> None:
    arguments = json.loads(zlib.decompress(base64.b64decode(json.loads(ARGUMENTS)["payload"])))
    print(json.dumps({"changed": False, "ansible_facts": facts(arguments["resolve"])}))


if __name__ == "__main__":
    main()
