"""What has a switch: packages and units that are wanted, files that are written when they are and removed when not."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

Entry = dict[str, Any]


def _wanted(entry: Entry) -> bool:
    wanted = entry.get("wanted", True)
    if not isinstance(wanted, bool):
        raise TypeError(f"wanted is {wanted!r}; it must be true or false")
    return wanted


def switched_on(entries: list[Entry]) -> list[Entry]:
    """Return the entries that are wanted, without the switch."""
    return [{key: value for key, value in entry.items() if key != "wanted"} for entry in entries if _wanted(entry)]


def _removed(file: Entry) -> Entry:
    """Return the entry that takes a file away; what is switched off may stop in another way than it restarts."""
    change = file.get("on_removal", file.get("on_change"))
    return {"dest": file["dest"], "state": "absent"} | ({} if change is None else {"on_change": change})


def switched_files(parts: list[Entry]) -> list[Entry]:
    """Return the files of all parts: as they are where the part is wanted, else as absent; folders stay."""
    found = []
    for part in parts:
        for file in part["files"]:
            if _wanted(part):
                found.append({key: value for key, value in file.items() if key != "on_removal"})
            elif file.get("state") != "directory":
                found.append(_removed(file))
    return found


FilterModule = filter_module(switched_on, switched_files)
