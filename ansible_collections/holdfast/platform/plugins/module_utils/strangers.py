# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies of files that somebody else has written."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from ansible_collections.holdfast.platform.plugins.module_utils.durable import write_durably
from ansible_collections.holdfast.platform.plugins.module_utils.files import STATE, private_folder
from ansible_collections.holdfast.platform.plugins.module_utils.wanted import Wanted

MARK = b"Managed by Holdfast"
# What packages have brought, with the sums of their contents
SHIPPED = (Path("/var/lib/dpkg/status"), Path("/var/lib/ucf/hashfile"))


class Strangers:
    """Files that somebody else has written: a copy is kept of each before it is replaced or removed for the first time.

    Most of ours carry our mark. Those that cannot, such as JSON, are remembered by their names.
    """

    def __init__(self, name: str) -> None:
        self.memory = STATE.parent / "files" / f"{name}.json"
        self.store = STATE.parent / "originals"

    def known(self) -> set[str]:
        try:
            return set(json.loads(self.memory.read_text()))
        except (OSError, ValueError):
            return set()

    def among(self, files: list[Wanted]) -> dict[str, Path]:
        """Return those that are about to go, with the place of their copies."""
        found = {}
        known = self.known()
        for file in files:
            if file.before.kind != "file" or file.action not in ("update", "remove") or "holdfast" in file.dest:
                continue
            data = file.path.read_bytes()
            if MARK not in data and file.dest not in known and not self.shipped(file.dest, data):
                found[file.dest] = self.place(file.path, data)
        return found

    @staticmethod
    def shipped(dest: str, data: bytes) -> bool:
        """Tell whether a file is as its package has brought it, which brings it again."""
        digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
        lines = (f"\n {dest} {digest}", f"{digest}  {dest}\n")
        known = [path.read_text(errors="replace") for path in SHIPPED if path.exists()]
        return any(line in text for text in known for line in lines)

    def place(self, path: Path, data: bytes) -> Path:
        """Return a name that is free, or holds these contents already, as after a run that was refused."""
        first = self.store / str(path).lstrip("/")
        names = [first, *(first.with_name(f"{first.name}.{number}") for number in range(2, 100))]
        return next((name for name in names if not name.exists() or name.read_bytes() == data), names[-1])

    def keep(self, copies: dict[str, Path]) -> None:
        for dest, copy in copies.items():
            private_folder(STATE)
            copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.store.chmod(0o700)
            write_durably(copy, Path(dest).read_bytes(), 0o600, os.geteuid(), os.getegid())

    def remember(self, files: list[Wanted]) -> None:
        """Note which files are ours though they cannot say so."""
        known = self.known()
        unmarked = {
            file.dest for file in files if file.state == "file" and not file.create_only and MARK not in file.data
        }
        if not unmarked <= known:
            private_folder(self.memory.parent)
            data = json.dumps(sorted(known | unmarked)).encode()
            write_durably(self.memory, data, 0o600, os.geteuid(), os.getegid())
