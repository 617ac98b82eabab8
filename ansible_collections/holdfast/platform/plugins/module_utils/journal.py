# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The durable mark of a transaction: what to put back, and what is owed."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ansible_collections.holdfast.platform.plugins.module_utils.durable import settle, write_durably
from ansible_collections.holdfast.platform.plugins.module_utils.files import Original, private_folder
from ansible_collections.holdfast.platform.plugins.module_utils.guard import Guard


@dataclass
class Journal:
    """The durable mark.

    Until the test has passed it holds the originals to put back, then the activations that are owed. What has to be
    confirmed keeps both, and how to take back what was done to units; of what was taken back only the stage is left.
    """

    folder: Path
    stage: str = "swapping"  # activating, unconfirmed, reverting, reverted
    originals: list[Original] = field(default_factory=list)
    owed: list[str] = field(default_factory=list)
    undo: list[str] = field(default_factory=list)
    token: str = ""  # of the run whose change it is

    @classmethod
    def load(cls, folder: Path) -> Journal | None:
        try:
            stored = json.loads((folder / "journal.json").read_text())
        except FileNotFoundError:
            return None
        originals = [Original(**entry) for entry in stored.pop("originals")]
        return cls(folder, originals=originals, **stored)

    def save(self) -> None:
        private_folder(self.folder)
        stored = {name: value for name, value in asdict(self).items() if name != "folder"}
        write_durably(self.folder / "journal.json", json.dumps(stored).encode(), 0o600, os.geteuid(), os.getegid())

    def keep(self, original: Original) -> None:
        """Remember an original, with a copy of its contents; of two the older, for that one was in force."""
        if any(original.dest == older.dest for older in self.originals):
            return
        if original.kind == "file":
            private_folder(self.folder)
            original.backup = f"original-{len(self.originals)}"
            data = Path(original.dest).read_bytes()
            write_durably(self.folder / original.backup, data, 0o600, os.geteuid(), os.getegid())
        self.originals.append(original)

    def put_back(self) -> None:
        for original in reversed(self.originals):
            original.put_back(self.folder)

    def recover(self) -> None:
        """Undo the untested half-swap of a killed run, and finish the half of a revert."""
        if self.stage in ("swapping", "reverting"):
            self.put_back()
            self.end()

    def end(self) -> None:
        """End a transaction whose files are as before; what an earlier run owes stays owed."""
        self.originals = []
        if self.owed or self.undo:
            self.stage = "activating"
            self.save()
        else:
            self.close()

    def close(self) -> None:
        # The mark goes first: without it the copies mean nothing, with it they must all be there.
        (self.folder / "journal.json").unlink(missing_ok=True)
        settle(self.folder)
        Guard(self.folder).call_off()
        shutil.rmtree(self.folder, ignore_errors=True)
