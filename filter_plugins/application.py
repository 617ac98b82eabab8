"""Find what an application in a container cannot be given: numbers, values and folders."""

import re
import shlex
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

LONGEST = 60000  # bytes of a line that Docker reads from an environment file
SYSTEM = (
    r"/((bin|boot|dev|etc|lib(32|64|x32)?|proc|run|sbin|sys|usr)(/.*)?|home|media|mnt|opt|root|srv|tmp"
    r"|var(/(backups|cache|lib|local|lock|log|mail|opt|run|spool|tmp|www)|/lib/(docker|containerd|holdfast|postgresql)(/.*)?)?)?"
)
PATH = re.compile(r"(/(?!\.{1,2}(/|$))[^/,\x00-\x1f]+)+")


def _value_finding(name: str, value: Any) -> str:
    what = f"app_environment.{name}"
    if value is None:
        return f"{what} is empty (null); give it a value, '' for an empty text, or take it out"
    if isinstance(value, bool):
        return f"{what} is {str(value).lower()}; put it into quotes, as the application is to read it"
    if isinstance(value, (dict, list)):
        return f"{what} is no text; write it as the application reads it, for example with `| to_json`"
    text = str(value)
    if re.search(r"[\n\r\0]", text):
        return (
            f"{what} has more than one line, which Docker cannot read from an environment file; "
            "give it as one, for example with `| b64encode`, and let the application decode it"
        )
    if len(text.encode()) > LONGEST:
        return (
            f"{what} is longer than {LONGEST} bytes, more than Docker reads from an environment file; give it as a file"
        )
    return ""


def environment_findings(environment: dict[str, Any]) -> list[str]:
    """Return one sentence for everything that cannot be in the environment of a container; values are not shown."""
    if not isinstance(environment, dict):
        raise TypeError("environment_findings takes a mapping")
    odd = sorted(str(name) for name in environment if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", str(name)))
    found = [f"app_environment has the name {', '.join(odd)}; use letters, digits and underscores"] if odd else []
    return found + [text for name, value in sorted(environment.items()) if (text := _value_finding(name, value))]


def limit_findings(memory_mb: int, cpus: float) -> list[str]:
    """Say which limit of a container Docker would refuse."""
    if isinstance(memory_mb, bool) or not isinstance(memory_mb, int) or not isinstance(cpus, (int, float)):
        raise TypeError("limit_findings takes MiB and a number of CPUs")
    found = [f"app_memory_limit_mb is {memory_mb}; give at least 16"] if memory_mb < 16 else []
    return found + ([f"app_cpus is {cpus:g}; give at least 0.01 of a CPU"] if cpus < 0.01 else [])


def _paths(folders: list[dict[str, Any]]) -> list[str]:
    return [str(folder["path"]).rstrip("/") or "/" for folder in folders]


def _owner_finding(path: str, seen: dict[str, Any], uid: int, host: str, taken: set[int]) -> str:
    if seen.get("kind") == "file":
        return f"app_data_directories has {path}, which is no folder on {host}; name another, or move that file away"
    if seen.get("kind") != "directory" or not seen["used"] or seen["uid"] == uid:
        return ""
    owner = seen["uid"]
    other = f", or set app_uid to {owner}" if owner and owner not in taken else ""
    return (
        f"app_data_directories has {path}, which is in use on {host} and belongs to {owner}, while app_uid is {uid}; "
        f"stop what writes there and hand it over (`chown -R {uid}:{uid} {shlex.quote(path)}`){other}"
    )


def folder_findings(folders: list[dict[str, Any]], facts: dict[str, Any], uid: int, host: str) -> list[str]:
    """Return one sentence for every folder that cannot be the application's; nothing changes its owner unseen."""
    if not isinstance(folders, list) or not isinstance(facts, dict):
        raise TypeError("folder_findings takes folders and the facts of a host")
    found = []
    seen, taken = facts.get("folders", {}), set(facts.get("accounts", {}).get("users", {}).values())
    targets = [str(folder["target"]) for folder in folders]
    for path, folder in zip(_paths(folders), folders, strict=True):
        target = str(folder["target"])
        if not PATH.fullmatch(path):
            found.append(f"app_data_directories has the path {path}; give an absolute one without comma, . and ..")
        elif re.fullmatch(SYSTEM, path):
            found.append(
                f"app_data_directories has {path}, which is the system's; give the application a folder of its own"
            )
        elif text := _owner_finding(path, seen.get(str(folder["path"]), {}), uid, host, taken):
            found.append(text)
        if not PATH.fullmatch(target) or targets.count(target) > 1:
            found.append(f"app_data_directories has the target {target}; give each folder an absolute one of its own")
    return list(dict.fromkeys(found))


def folder_entries(folders: list[dict[str, Any]], uid: int) -> list[dict[str, Any]]:
    """Return the folders as files of a transaction, after their parents, which are made where they lack."""
    if not isinstance(folders, list):
        raise TypeError("folder_entries takes a list of folders")
    own = sorted(set(_paths(folders)))
    ends = [path.split("/") for path in own]
    above = {"/".join(parts[:depth]) for parts in ends for depth in range(2, len(parts))} - set(own)
    entries: dict[str, dict[str, Any]] = {path: {"create_only": True} for path in above}
    entries |= {path: {"owner": str(uid), "group": str(uid), "mode": "0750"} for path in own}
    return [{"dest": path, "state": "directory", **entries[path]} for path in sorted(entries)]


FilterModule = filter_module(environment_findings, limit_findings, folder_findings, folder_entries)
