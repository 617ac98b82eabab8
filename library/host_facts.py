#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts our roles and the preflight need, in one cheap call."""

from __future__ import annotations

import base64
import contextlib
import grp
import hashlib
import ipaddress
import json
import os
import platform
import re
import socket
import stat
import subprocess
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

DOCKER = "/run/docker.sock"
DOCKER_PROGRAM = Path("/usr/local/lib/holdfast/docker-keep-containers")  # of role docker, which writes daemon.json too
DAEMON = Path("/etc/docker/daemon.json")
DOCKER_DATA = "/var/lib/docker"
CONTAINER_LABEL = "holdfast.specification"
ETC = Path("/etc")
ACCOUNTS_MADE = Path("/var/lib/holdfast/accounts.json")
AUTHORITY = Path("/etc/holdfast/tls/ca.crt")
PGBACKREST = Path("/etc/pgbackrest")
REPOSITORY = Path("/var/lib/pgbackrest")
HELD = Path("/var/lib/holdfast/held-services")
UNIT_FOLDERS = (Path("/etc/systemd/system"), Path("/run/systemd/system"))
MASKED_BY_DEBIAN = Path("/var/lib/systemd/deb-systemd-helper-masked")
VERSIONS = ("nginx", "pgbackrest", "redis-server")
DOCKER_HOLDERS = {"docker-proxy", "dockerd"}
CLUSTERS = Path("/etc/postgresql")
EXTENSIONS = Path("/usr/share/postgresql")
NGINX = Path("/etc/nginx")
NGINX_TOKEN = re.compile(r"""#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{};]|(?:[^\s;{}"'\\]|\\.)+""")
OURS = "Managed by Holdfast"
CERTBOT = Path("/etc/letsencrypt/renewal")
ACME_SH = Path("/root/.acme.sh")
OWNERS = ("ufw", "firewalld", "netfilter-persistent", "nftables", "shorewall", "shorewall6", "ferm")
IPTABLES = Path("/usr/sbin/iptables")
OUR_TABLE = ("inet", "holdfast")
HOOKS = ("prerouting", "input", "forward", "output")
CLOSING = {"drop", "reject", "xt REJECT"}
COMMENT = r"""-m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)"""
LEGACY = {  # what its rules are asked with, and where the kernel says that there are some
    "iptables-legacy": Path("/proc/net/ip_tables_names"),
    "ip6tables-legacy": Path("/proc/net/ip6_tables_names"),
}
REDIS = Path("/etc/redis/redis.conf")
REDIS_SECRETS = ("requirepass", "masterauth", "user", "tls-key-file-pass", "tls-client-key-file-pass")
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


def rows(path: Path, colons: int = 2) -> list[list[str]]:
    """Return the fields of the lines of a file such as /etc/passwd that have so many colons at least."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return []
    return [line.split(":") for line in lines if line.count(":") >= colons and not line.startswith(("#", "+", "-"))]


def has_directory() -> bool:
    """Tell whether groups may come from somewhere else than this host, such as LDAP, where none can be listed."""
    sources = {word for row in rows(ETC / "nsswitch.conf", 1) if row[0] == "group" for word in row[1].split()}
    return any(word.isalnum() for word in sources - {"files", "compat", "systemd"})


def accounts() -> dict[str, Any]:
    """Return accounts and groups of this host by name, those that base made, and numbers that people may give away."""
    groups = {row[0]: int(row[2]) for row in rows(ETC / "group") if row[2].isdecimal()}
    made: list[str] = []
    with contextlib.suppress(OSError, ValueError):
        made = sorted(map(str, json.loads(ACCOUNTS_MADE.read_text())))
    elsewhere = {}
    with contextlib.suppress(KeyError):
        elsewhere = {} if "docker" in groups else {"docker": grp.getgrnam("docker").gr_gid}
    return {
        "users": {row[0]: int(row[2]) for row in rows(ETC / "passwd") if row[2].isdecimal()},
        "groups": groups,
        "groups_elsewhere": elsewhere,
        "directory": has_directory(),
        "made": made,
        "subordinate": {
            name: [[int(row[1]), int(row[2])] for row in rows(ETC / name) if row[1].isdecimal() and row[2].isdecimal()]
            for name in ("subuid", "subgid")
        },
    }


def folder(path: str) -> dict[str, Any]:
    """Return what stands at a path, whose it is, and whether something is in it; a fresh disk has its lost+found."""
    try:
        status = Path(path).stat()
        if not stat.S_ISDIR(status.st_mode):
            return {"kind": "file"}
        used = any(entry.name != "lost+found" for entry in Path(path).iterdir())
    except NotADirectoryError:
        return {"kind": "file"}
    except OSError:
        return {"kind": "absent"}
    return {"kind": "directory", "uid": status.st_uid, "gid": status.st_gid, "used": used}


def algorithms() -> dict[str, list[str]]:
    """Return what the OpenSSH of this host knows."""
    return {kind: output("ssh", "-Q", kind).split() for kind in ("cipher", "mac", "kex", "key-sig")}


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


def as_postgres(cluster: Path, question: str) -> dict[str, Any]:
    """Ask a running server for an object."""
    try:
        port = (cluster / "postmaster.pid").read_text().splitlines()[3]
    except (OSError, IndexError):
        return {}
    psql = ("psql", "-qAtX", "-h", "/var/run/postgresql", "-p", port, "-d", "postgres", "-c", question)
    answer = output("runuser", "-u", "postgres", "--", "env", "-C", "/", "PGCONNECT_TIMEOUT=5", *psql)
    return dict(json.loads(answer)) if answer.startswith("{") else {}


def server_says(cluster: Path) -> dict[str, Any]:
    """Ask for the settings that need a restart and those of our files, for roles and who owns which database."""
    return as_postgres(
        cluster,
        "select jsonb_build_object('settings', (select jsonb_object_agg(name, jsonb_build_object('setting', setting,"
        " 'unit', unit, 'context', context, 'ours', coalesce(sourcefile, '') like '%/50-holdfast-%'))"
        " from pg_settings where context = 'postmaster' or sourcefile like '%/50-holdfast-%'),"
        " 'owners', (select jsonb_object_agg(datname, pg_get_userbyid(datdba)) from pg_database"
        " where not datistemplate), 'roles', (select jsonb_agg(rolname) from pg_roles))",
    )


def configured(file: Path) -> dict[str, str]:
    """Return the settings of a cluster that say where it is; the last one wins, and conf.d comes after the file."""
    found = {}
    line = re.compile(r"\s*(data_directory|port)(?:\s*=\s*|\s+)(?:'((?:[^']|'')*)'|([^\s#']+))")
    for path in (file, *sorted((file.parent / "conf.d").glob("*.conf"))):
        for text in path.read_text(errors="replace").splitlines():
            if said := line.match(text):
                found[said[1]] = (said[2] or said[3] or "").replace("''", "'")
    return found


def clusters() -> list[dict[str, Any]]:
    """Return what pg_lsclusters lists, oldest version first; without data it is a leftover and no cluster."""
    found = []
    for file in CLUSTERS.glob("*/*/postgresql.conf"):
        version, name = file.parts[-3:-1]
        with contextlib.suppress(OSError, ValueError):
            settings = configured(file)
            data = Path(settings.get("data_directory") or f"/var/lib/postgresql/{version}/{name}")
            start = file.with_name("start.conf")
            words = re.findall(r"^\s*([a-z]+)", start.read_text() if start.exists() else "auto", re.MULTILINE)
            if (data / "PG_VERSION").exists():
                number = [int(part) for part in version.split(".")]
                entry = {"version": version, "name": name, "data": str(data), "port": int(settings.get("port", 5432))}
                found.append((number, name, {**entry, "start": words[0] if words else "auto"}))
    return [entry for _number, _name, entry in sorted(found, key=lambda each: each[:2])]


def access_rules(folder: Path) -> dict[str, Any]:
    """Return the rules of a pg_hba.conf that is not ours, and whether somebody has kept a copy of just these."""
    file, kept = folder / "pg_hba.conf", folder / "pg_hba.conf.before-holdfast"
    text = file.read_text(errors="replace") if file.exists() else ""
    if "Managed by Holdfast" in text:
        return {}
    lines = [" ".join(line.split("#")[0].split()) for line in text.splitlines()]
    return {
        "rules": [line for line in lines if line],
        "kept": kept.exists() and kept.read_text(errors="replace") == text,
    }


def folder_bytes(path: Path) -> int:
    sizes = 0
    for file in path.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a segment may go at any moment
            sizes += file.stat().st_size
    return sizes


def postgresql() -> dict[str, Any]:
    """Return what is known of the newest cluster called main, and of the disk that its data is or will be on."""
    known = clusters() if os.geteuid() == 0 else []
    mains = [cluster for cluster in known if cluster["name"] == "main"]
    data = Path(mains[-1]["data"]) if mains else Path("/var/lib")
    wal = data / "pg_wal" if (data / "pg_wal").is_dir() else data
    disk = os.statvfs(wal)
    used = folder_bytes(wal) if wal != data else 0
    said = server_says(data) if mains else {}
    return {
        "storage": kind_of_disk(block_device(data)),
        "encrypted": encrypted(block_device(data)),
        "wal_disk_mb": disk.f_blocks * disk.f_frsize // 2**20,
        "wal_room_mb": (disk.f_bavail * disk.f_frsize + used) // 2**20,
        "settings": said.get("settings") or {},
        "owners": said.get("owners") or {},
        "roles": sorted(said.get("roles") or []),
        "extensions": sorted({file.stem for file in EXTENSIONS.glob("*/extension/*.control")}),
        "clusters": known,
        "access": access_rules(CLUSTERS / mains[-1]["version"] / "main") if mains else {},
    }


def repository_paths() -> dict[str, str]:
    """Return where the data of each database host is as the configuration of pgBackRest here has it, by address."""
    found, hosts = {}, {}
    line = re.compile(r"pg([0-9]+)-(host|path)=(.+)")
    for file in sorted(PGBACKREST.glob("conf.d/*.conf")) if os.geteuid() == 0 else []:
        for said in map(line.fullmatch, file.read_text(errors="replace").splitlines()):
            if said and said[2] == "host":
                hosts[said[1]] = said[3]
            elif said and said[1] in hosts:
                found[hosts[said[1]]] = said[3]
        hosts = {}
    return found


def nginx_directives(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the directives of a configuration as words, each with the number of blocks it stands in."""
    depth, words = 0, list[str]()
    for part in NGINX_TOKEN.findall(text):
        if part == "}":
            depth -= 1
        elif part in ("{", ";"):
            yield depth, words
            depth, words = depth + (part == "{"), []
        elif not part.startswith("#"):
            words.append(part.strip("\"'"))


def nginx_file(path: Path) -> dict[str, Any]:
    """Return what a file of somebody else claims: ports as default server, names, directives outside all blocks."""
    said = [(depth, words) for depth, words in nginx_directives(path.read_text(errors="replace")) if words]
    listens = [words[1:] for _depth, words in said if words[0] == "listen" and len(words) > 1]
    ports = [
        re.fullmatch(r"(?:\*:|0\.0\.0\.0:|\[::\]:)?(80|443)", words[0])
        for words in listens
        if "default_server" in words
    ]
    return {
        "path": str(path),
        "default_ports": sorted({int(port[1]) for port in ports if port}),
        "names": sorted({name.lower() for _depth, words in said if words[0] == "server_name" for name in words[1:]}),
        "directives": sorted({words[0] for depth, words in said if depth == 0}),
    }


def nginx() -> dict[str, Any]:
    """Return what somebody else has made of nginx: files that differ from the package's, and files beside them."""
    if not (NGINX / "nginx.conf").exists() and not (NGINX / "sites-enabled").exists():
        return {}
    conffiles = output("dpkg-query", "-W", "-f", "${Conffiles}\n", "nginx-common", "nginx")
    packaged = dict(re.findall(r"^ (\S+) ([0-9a-f]{32})", conffiles, re.MULTILINE))
    changed, foreign = [], []
    for path, original in (("nginx.conf", "nginx.conf"), ("sites-enabled/default", "sites-available/default")):
        with contextlib.suppress(OSError):
            content = (NGINX / path).read_bytes()
            known = packaged.get(f"/etc/nginx/{original}") == hashlib.md5(content, usedforsecurity=False).hexdigest()
            if not known and OURS.encode() not in content[:200]:
                changed.append(f"/etc/nginx/{path}")
    for file in sorted([*(NGINX / "conf.d").glob("*.conf"), *(NGINX / "sites-enabled").glob("*")]):
        if not file.name.startswith("holdfast-") and file != NGINX / "sites-enabled/default":
            with contextlib.suppress(OSError):
                foreign.append(nginx_file(file))
    return {"changed": changed, "foreign": foreign}


def certificate_clients() -> list[dict[str, Any]]:
    """Return the certificates that certbot and acme.sh renew here, with their names and the way they are proved."""
    found = []
    for file in sorted(CERTBOT.glob("*.conf")):
        with contextlib.suppress(OSError):
            said = dict(re.findall(r"^(\w+) = (.+?) *$", file.read_text(errors="replace"), re.MULTILINE))
            names = output("openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", said.get("cert", "/dev/null"))
            ways = {said.get("authenticator", "standalone"), said.get("installer", "None")} - {"None"}
            known = re.findall(r"DNS:([^,\s]+)", names) or [file.stem]
            found.append({"client": "certbot", "path": str(file), "names": known, "ways": sorted(ways)})
    for file in sorted(ACME_SH.glob("*/*.conf")):
        with contextlib.suppress(OSError):
            said = dict(re.findall(r"^(Le_\w+)='?(.*?)'?$", file.read_text(errors="replace"), re.MULTILINE))
            if "Le_Domain" in said:
                alias = [said["Le_Domain"], *(name for name in said.get("Le_Alt", "no").split(",") if name != "no")]
                way = "standalone" if said.get("Le_Webroot", "no") == "no" else said["Le_Webroot"]
                found.append({"client": "acme.sh", "path": str(file), "names": alias, "ways": [way]})
    return found


def backup() -> dict[str, Any]:
    """Return the repository and stanzas that pgBackRest is told of, and how each stanza of a repository here begins.

    These bytes are the same for all in clear: they show whether a passphrase is the right one, and hold nothing else.
    """
    heads, servers = {}, [""]
    for path in (*REPOSITORY.glob("archive/*/archive.info"), *REPOSITORY.glob("backup/*/backup.info")):
        with contextlib.suppress(OSError), path.open("rb") as stream:
            heads[path.parent.name] = stream.read(32).hex()
    with contextlib.suppress(OSError):
        for line in (PGBACKREST / "pgbackrest.conf").read_text(errors="replace").splitlines():
            name, _equals, value = line.partition("=")
            servers += [value.strip()] if name.strip() == "repo1-host" else []
    return {
        "repository": heads,
        "server": servers[-1],
        "stanzas": sorted(path.stem for path in PGBACKREST.glob("conf.d/*.conf")),
    }


def authority() -> str:
    """Return the SHA-256 fingerprint of the private CA that this host trusts, or nothing."""
    try:
        lines = AUTHORITY.read_text().partition("-----END")[0].splitlines()[1:]
        return hashlib.sha256(base64.b64decode("".join(lines))).hexdigest() if lines else ""
    except (OSError, ValueError):
        return ""


def redis() -> dict[str, list[str]]:
    """Return what a redis.conf that is not ours says, by directive; of passwords only that they are there."""
    text = contents(REDIS)
    if OURS in text[:200]:
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
    kinds = {
        "xt REJECT" if (one.get("xt") or {}).get("name") == "REJECT" else kind
        for one in (
            each if isinstance(each, dict) else {str(each): None} for each in expressions
        )  # `notrack` is a word
        for kind in one
    }
    return bool(kinds & CLOSING) and kinds <= CLOSING | {"counter", "log"}


def leads(rule: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield the chain of a rule and the one that it sends every packet to."""
    parts: list[dict[str, Any]] = [
        each if isinstance(each, dict) else {str(each): None} for each in rule.get("expr", [])
    ]
    kinds = {kind for part in parts for kind in part}
    if kinds <= {"jump", "goto", "counter", "log"}:
        place = (rule["family"], rule["table"])
        for part in parts:
            for target in (part[kind]["target"] for kind in ("jump", "goto") if kind in part):
                yield (*place, rule["chain"]), (*place, target)


def led_to(ends: set[Any], jumps: list[tuple[Any, Any]]) -> set[Any]:
    """Return the ends with every chain that sends all its packets to one of them."""
    found = set(ends)
    while more := {chain for chain, target in jumps if target in found} - found:
        found |= more
    return found


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
    ends = led_to(ends, [pair for rule in rules for pair in leads(rule)])
    found = []
    for chain in chains:
        place = (chain["family"], chain["table"])
        hook = chain.get("hook", "")
        closed = chain.get("policy") == "drop" or (*place, chain["name"]) in ends
        if hook in HOOKS and closed and place != OUR_TABLE and not (hook == "forward" and place in of_docker):
            found.append({"family": place[0], "table": place[1], "hook": hook})
    return found


def closed_text(text: str) -> bool:
    """Tell whether rules as iptables-save writes them let in only what they name."""
    policies = re.findall(r"^:(\S+) DROP\b", text, re.MULTILINE)
    jumps = re.findall(rf"^-A (\S+) (?:{COMMENT} )?-[jg] (\S+)", text, re.MULTILINE)
    return bool({"INPUT", "OUTPUT"} & {*policies, *led_to({"DROP", "REJECT"}, jumps)})


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
        "flushed": bool(answer) and OUR_TABLE not in tables and (ETC / "holdfast/firewall.nft").exists(),
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


def facts(resolve: list[str], folders: Iterable[str] = ()) -> dict[str, Any]:
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
                "pgBackRest": lambda: {"backup_paths": repository_paths(), "backup": backup()},
                "nginx": lambda: {"nginx": nginx(), "certificate_clients": certificate_clients()},
                "private CA": lambda: {"authority": authority()},
                "Redis": lambda: {"redis": redis()},
                "firewall": lambda: {"firewall": firewall()},
                "names": lambda: {"resolved_names": {name: resolved(name) for name in resolve}},
                "accounts": lambda: {"accounts": accounts()},
                "Docker": lambda: {"docker": docker()},
                "folders": lambda: {"folders": {path: folder(path) for path in folders}},
                "OpenSSH": lambda: {"ssh_algorithms": algorithms()},
            }
        ),
    }


def main() -> None:
    arguments = json.loads(zlib.decompress(base64.b64decode(json.loads(ARGUMENTS)["payload"])))
    print(json.dumps({"changed": False, "ansible_facts": facts(arguments["resolve"], arguments["folders"])}))


if __name__ == "__main__":
    main()
