"""The folders of an application: as files of a transaction, and as mounts of its container."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module


def folder_entries(folders: list[dict[str, Any]], uid: int) -> list[dict[str, Any]]:
    """Return the folders as files of a transaction, after their parents, which are made where they lack."""
    if not isinstance(folders, list):
        raise TypeError("folder_entries takes a list of folders")
    own = sorted({str(folder["path"]).rstrip("/") or "/" for folder in folders})
    ends = [path.split("/") for path in own]
    above = {"/".join(parts[:depth]) for parts in ends for depth in range(2, len(parts))} - set(own)
    entries: dict[str, dict[str, Any]] = {path: {"create_only": True} for path in above}
    entries |= {path: {"owner": str(uid), "group": str(uid), "mode": "0750"} for path in own}
    return [{"dest": path, "state": "directory", **entries[path]} for path in sorted(entries)]


def folder_mounts(folders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the folders as mounts that the container writes to, each once."""
    targets = {folder["path"]: folder["target"] for folder in folders}
    return [{"source": path, "target": target, "read_only": False} for path, target in targets.items()]


FilterModule = filter_module(folder_entries, folder_mounts)
