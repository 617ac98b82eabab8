# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Disks and folders."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import Any


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


def folder_bytes(path: Path) -> int:
    sizes = 0
    for file in path.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a segment may go at any moment
            sizes += file.stat().st_size
    return sizes


def free_mb(path: str) -> int:
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize // 2**20
