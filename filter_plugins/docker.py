"""Settings of Docker, and what would be lost on a host that had Docker before."""

import json
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

BOUNDED = ("local", "json-file")  # logs that take max-size and max-file
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


def daemon_settings(settings: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Return the contents of daemon.json: the role's values, and over them those of the operator."""
    if not isinstance(settings, dict) or not isinstance(own, dict):
        raise TypeError("daemon_settings takes two mappings")
    merged = {**own, **settings}
    if merged.get("log-driver") not in BOUNDED and "log-opts" not in settings:
        merged.pop("log-opts", None)  # Docker does not start with options that a driver does not know
    if settings.get("userland-proxy") is True:
        del merged["userland-proxy"]  # its default; said in the file, it makes Docker 26 refuse every reload
    return merged


def setting_findings(settings: dict[str, Any]) -> list[str]:
    """Return one sentence for every setting that Docker would not start with."""
    if not isinstance(settings, dict):
        raise TypeError("setting_findings takes a mapping")
    found = []
    for name, value in sorted(settings.items()):
        kind, words = TYPES.get(name, (object, ""))
        number = kind is int and isinstance(value, bool)
        if name == "hosts" or (name == "iptables" and value is False):
            found.append(f"docker_settings.{name} is {json.dumps(value)}; take it out, {IMPOSSIBLE[name]}")
        elif value is None:
            found.append(f"docker_settings.{name} is empty (null); give it a value, or take it out")
        elif number or not isinstance(value, kind):
            found.append(f"docker_settings.{name} is {json.dumps(value)}; give {words}")
    root = settings.get("data-root", "/")
    if isinstance(root, str) and not root.startswith("/"):
        found.append(f"docker_settings.data-root is {root}; give an absolute path")
    options = settings.get("log-opts")
    for name, value in sorted(options.items()) if isinstance(options, dict) else []:
        if not isinstance(value, str):
            found.append(
                f"docker_settings.log-opts.{name} is {json.dumps(value)}; Docker takes text, put it into quotes"
            )
    return found


def daemon_findings(wanted: dict[str, Any], seen: dict[str, Any], host: str) -> list[str]:
    """Say what a daemon.json that was there means and the new one would not, and when Docker would lose containers."""
    if not isinstance(wanted, dict) or not isinstance(seen, dict):
        raise TypeError("daemon_findings takes the settings that are wanted and what is known of Docker on a host")
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


def container_findings(name: str, seen: dict[str, Any], host: str) -> list[str]:
    """Refuse to touch containers that have the application's name and are somebody else's."""
    if not isinstance(name, str) or not isinstance(seen, dict):
        raise TypeError("container_findings takes a name and what is known of Docker on a host")
    strangers = [
        one
        for one in (name, f"{name}-candidate", f"{name}-previous", f"{name}-migrate")
        if seen.get("containers", {}).get(one) is False
    ]
    return [
        f"container {one} of {host} was not made by Holdfast, and app_name is {name}; "
        f"rename it (`docker rename {one} other-{one}`), or choose another app_name"
        for one in strangers
    ]


FilterModule = filter_module(daemon_settings, setting_findings, daemon_findings, container_findings)
