# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One file as it shall be, compared with the host."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.durable import write_durably
from ansible_collections.holdfast.platform.plugins.module_utils.files import Original, remove
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused
from ansible_collections.holdfast.platform.plugins.module_utils.units import UNITS

UNIT_NAME = re.compile(r".+(?<!@)\.(service|socket|timer|path|mount|target)")


@dataclass
class Wanted:
    """One entry of `files`, compared with the host."""

    dest: str
    state: str
    owner: str
    group: str
    mode: str
    content: str | None = None
    sha256: str = ""  # of contents that are not at hand; they can be compared, not written
    target: str | None = None
    secret: bool = False
    create_only: bool = False
    check: list[str] | None = None
    on_change: list[str] = field(default_factory=list)
    action: str = ""

    def __post_init__(self) -> None:
        self.path = Path(self.dest)
        self.data = (self.content or "").encode()
        self.before = Original.of(self.path)
        self.uid, self.gid = account(self.owner, pwd.getpwnam), account(self.group, grp.getgrnam)
        self.action = self.compare()

    def compare(self) -> str:
        """Name what has to be done: create, update, remove, attributes, or nothing."""
        if self.state == "absent":
            return "" if self.before.kind == "absent" else "remove"
        if self.before.kind == "absent":
            return "create"
        if self.create_only:
            return ""
        if self.state == "link":
            return "" if (self.before.kind, self.before.target) == ("link", self.target) else "update"
        if self.before.kind != self.state or (self.state == "file" and not self.is_there()):
            return "update"
        same = (self.before.mode, self.before.uid, self.before.gid) == (int(self.mode, 8), self.uid, self.gid)
        return "" if same else "attributes"

    def is_there(self) -> bool:
        """Whether the contents are those that stand there."""
        found = self.path.read_bytes()
        return hashlib.sha256(found).hexdigest() == self.sha256 if self.sha256 else found == self.data

    def goes_as_unit(self) -> bool:
        return self.action == "remove" and self.path.parent == UNITS and bool(UNIT_NAME.fullmatch(self.path.name))

    def refuse_what_cannot_be(self) -> None:
        if self.state == "directory" and self.before.kind not in ("absent", "directory"):
            raise Refused(f"{self.dest} is a {self.before.kind}, not a folder; move it away")
        if self.state in ("file", "link") and self.before.kind == "directory":
            raise Refused(f"{self.dest} is a folder, not a file; move it away")
        for name, number, what in ((self.owner, self.uid, "owner"), (self.group, self.gid, "group")):
            if number is None and self.state in ("file", "directory"):
                raise Refused(
                    f"{what} {name} of {self.dest} does not exist on this host; create it or install its package first"
                )

    def apply(self) -> None:
        if self.state == "absent":
            remove(self.path)
        elif self.state == "link":
            staged = self.path.with_name(f".{self.path.name}.holdfast")
            staged.unlink(missing_ok=True)
            staged.symlink_to(str(self.target))
            staged.replace(self.path)
        elif self.state == "directory":
            self.path.mkdir(exist_ok=True)
            self.set_attributes()
        elif self.action == "attributes":
            self.set_attributes()
        else:
            write_durably(self.path, self.data, int(self.mode, 8), self.uid or 0, self.gid or 0)

    def set_attributes(self) -> None:
        os.chown(self.path, self.uid or 0, self.gid or 0)
        self.path.chmod(int(self.mode, 8))

    def difference(self) -> dict[str, str]:
        """Return what `--diff` shows; never the contents of a secret file."""
        title = {"before_header": self.dest, "after_header": self.dest}
        if self.action == "attributes" or self.state == "directory":
            before = (
                "" if self.before.kind == "absent" else f"{self.before.mode:04o} {self.before.uid}:{self.before.gid}\n"
            )
            return {**title, "before": before, "after": f"{self.mode} {self.uid}:{self.gid}\n"}
        if self.state == "link":
            before = f"-> {self.before.target}\n" if self.before.kind == "link" else ""
            return {**title, "before": before, "after": f"-> {self.target}\n"}
        if self.secret:
            return {"prepared": f"{self.dest}: {self.action}; secret contents are not shown\n"}
        old = self.path.read_text(errors="replace") if self.before.kind == "file" else ""
        return {**title, "before": old, "after": self.content or ""}


def account(name: str, find: Any) -> int | None:
    """Return the number of a user or group, None while its package is not installed; a number stands for itself."""
    if name.isdecimal():
        return int(name)  # the user of a container need not exist on the host
    try:
        entry = find(name)
    except KeyError:
        return None
    return int(entry[2])
