# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files that are replaced in one step and survive a power cut."""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(path: Path, data: bytes, mode: int, uid: int = 0, gid: int = 0) -> None:
    """Replace a file in one step: readers see the old or the new contents, also after a power cut."""
    staged = path.with_name(f".{path.name}.holdfast")
    staged.unlink(missing_ok=True)
    handle = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        if (uid, gid) != (os.geteuid(), os.getegid()):
            os.fchown(handle, uid, gid)
        os.fchmod(handle, mode)
        stream.write(data)
        stream.flush()
        os.fsync(handle)
    staged.replace(path)
    settle(path.parent)


def settle(folder: Path) -> None:
    """Make the names in a folder as durable as the contents of the files."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
