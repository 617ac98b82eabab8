"""Find settings of Docker that it would not start with, and what would be lost on a host that had Docker before."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

DATA = "/var/lib/docker"
TYPES: dict[str, tuple[type, str]] = {
    **dict.fromkeys(("data-root", "bip", "storage-driver", "log-driver", "exec-root", "userns-remap"), (str, "text")),
    **dict.fromkeys(
        ("icc", "live-restore", "no-new-privileges", "userland-proxy", "ipv6", "debug"), (bool, "true or false")
    ),
    **dict.fromkeys(("registry-mirrors", "insecure-registries", "dns", "dns-search", "labels"), (list, "a list")),
    **dict.fromkeys(("default-address-pools", "storage-opts"), (list, "a list")),
    **dict.fromkeys(("log-opts", "default-ulimits"), (dict, "a mapping")),
    "mtu": (int, "a whole number"),
}
IMPOSSIBLE = {
    "hosts": "docker.service names the socket and Docker refuses both",
    "iptables": "without its rules Docker publishes no port, and does not start while containers are kept apart",
}


def _setting_findings(settings: dict[str, Any]) -> Iterator[str]:
    """Yield settings that Docker would not start with."""
    for name, value in sorted(settings.items()):
        kind, words = TYPES.get(name, (object, ""))
        number = kind is int and isinstance(value, bool)
        if name == "hosts" or (name == "iptables" and value is False):
            yield f"docker_settings.{name} is {json.dumps(value)}; take it out, {IMPOSSIBLE[name]}"
        elif value is None:
            yield f"docker_settings.{name} is empty (null); give it a value, or take it out"
        elif number or not isinstance(value, kind):
            yield f"docker_settings.{name} is {json.dumps(value)}; give {words}"
    root = settings.get("data-root", "/")
    if isinstance(root, str) and not root.startswith("/"):
        yield f"docker_settings.data-root is {root}; give an absolute path"
    options = settings.get("log-opts")
    for name, value in sorted(options.items()) if isinstance(options, dict) else []:
        if not isinstance(value, str):
            yield f"docker_settings.log-opts.{name} is {json.dumps(value)}; Docker takes text, put it into quotes"


def _daemon_findings(wanted: dict[str, Any], seen: dict[str, Any], host: str) -> list[str]:
    """Say what a daemon.json that was there means and the new one would not, and when Docker would lose containers."""
    daemon = seen.get("daemon", {})
    if isinstance(daemon, str):
        return [f"/etc/docker/daemon.json of {host} cannot be read ({daemon}); correct it or remove it"]
    if not seen.get("daemon_is_ours", True):
        lost = {name: value for name, value in sorted(daemon.items()) if wanted.get(name) != value}
        if lost:
            mine = ", ".join(f"{name}: {json.dumps(value)}" for name, value in lost.items())
            return [f"/etc/docker/daemon.json of {host} was not written by Holdfast and says {mine}; {_way_out(lost)}"]
    return _move_findings(wanted, seen, host)


def _way_out(lost: dict[str, Any]) -> str:
    """Name what can be done: what Docker was told may be taken over, unless it cannot be with this role."""
    kept = [name for name in lost if name not in IMPOSSIBLE]
    gone = [name for name in lost if name in IMPOSSIBLE]
    parts = [f"take {', '.join(kept)} over into docker_settings, or out of the file"] if kept else []
    return " and ".join(parts + ([f"take {', '.join(gone)} out of the file"] if gone else []))


def _stays(wanted: dict[str, Any], seen: dict[str, Any], root: str) -> bool:
    """Tell whether Docker would find its data again; it names the end of a link where it was told of the link."""
    daemon = seen.get("daemon", {})
    told = daemon.get("data-root", DATA) if isinstance(daemon, dict) else DATA
    new = wanted.get("data-root", DATA)
    return str(new).rstrip("/") == root or (new == told and seen.get("told_root") == root)


def _moves(wanted: dict[str, Any], seen: dict[str, Any]) -> list[str]:
    """Return what the new settings would have Docker leave behind, as settings that keep it."""
    remapped, root = seen.get("remapped", False), seen.get("root", "")
    found = []
    if bool(wanted.get("userns-remap")) != remapped:
        found.append(f"{'a' if remapped else 'no'} userns-remap")
    elif not remapped and root and not _stays(wanted, seen, root):
        found.append(f"data-root: {root}")
    if wanted.get("storage-driver", "") not in ("", seen.get("driver", "")) and seen.get("driver"):
        found.append(f"storage-driver: {seen['driver']}")
    return found


def _move_findings(wanted: dict[str, Any], seen: dict[str, Any], host: str) -> list[str]:
    names, moves = sorted(seen.get("containers", {})), _moves(wanted, seen)
    if not names or not moves:
        return []
    shown = ", ".join(names[:5]) + (" and others" if len(names) > 5 else "")
    return [
        f"docker_settings would start Docker on {host} without the containers it has ({shown}), which are kept with "
        f"{' and '.join(moves)}; let docker_settings say so, or remove these containers first"
    ]


def docker_findings(
    options: Mapping[str, Any], wanted: dict[str, Any], facts: Mapping[str, Any], host: str
) -> list[str]:
    """Return one sentence for everything Docker would not start with, or would lose; ``wanted`` is its daemon.json."""
    found = [
        f"{name} is {options[name]}; give at least 1"
        for name in ("docker_log_max_size_mb", "docker_log_files")
        if options.get(name, 1) < 1
    ]
    odd = [user for user in options.get("docker_users", []) if not re.fullmatch(r"[a-z_][a-z0-9_-]*", user)]
    if odd:
        found.append(f"docker_users has {', '.join(odd)}; give names of accounts")
    found += _setting_findings(options.get("docker_settings", {}))
    return found + _daemon_findings(wanted, facts.get("docker", {}), host)


FilterModule = filter_module(docker_findings)
