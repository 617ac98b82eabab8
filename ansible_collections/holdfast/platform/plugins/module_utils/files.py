# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a transaction keeps what stood in the places of its files, and how that is put back."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.holdfast.platform.plugins.module_utils.durable import settle, write_durably

STATE = Path("/var/lib/holdfast/transactions")


def private_folder(path: Path) -> None:
    """Create a folder below STATE; it and its parents are root's alone."""
    for folder in (STATE.parent, STATE, path):
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            settle(folder.parent)


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
