# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files that are replaced in one step and survive a power cut, and what stood in their places."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

STATE = Path("/var/lib/holdfast/transactions")


def private_folder(path: Path) -> None:
    """Create a folder below STATE; it and its parents are root's alone."""
    for folder in (STATE.parent, STATE, path):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            settle(folder.parent)


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


@dataclass
class Original:
    """What stood at a path before the transaction, enough to put it back."""

    dest: str
    kind: str  # absent, file, directory or link
    mode: int = 0
    uid: int = 0
    gid: int = 0
    target: str = ""
    backup: str = ""

    @classmethod
    def of(cls, path: Path) -> Original:
        try:
            status = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return cls(str(path), "absent")
        if stat.S_ISLNK(status.st_mode):
            return cls(str(path), "link", target=str(path.readlink()))
        kind = "directory" if stat.S_ISDIR(status.st_mode) else "file"
        return cls(str(path), kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)

    def put_back(self, store: Path) -> None:
        path = Path(self.dest)
        if self.kind == "file":
            write_durably(path, (store / self.backup).read_bytes(), self.mode, self.uid, self.gid)
        elif self.kind == "link":
            remove(path)
            path.symlink_to(self.target)
        elif self.kind == "directory":
            path.mkdir(exist_ok=True)
            os.chown(path, self.uid, self.gid)
            path.chmod(self.mode)
        elif not (path.is_dir() and any(path.iterdir())):  # a folder that is in use by now stays
            remove(path)
        if self.kind != "file" and path.parent.exists():
            settle(path.parent)


def remove(path: Path) -> None:
    """Remove what stands at a path; a folder only when it is empty, for its contents are not ours."""
    kind = Original.of(path).kind
    if kind == "directory":
        path.rmdir()
    elif kind != "absent":
        path.unlink()
