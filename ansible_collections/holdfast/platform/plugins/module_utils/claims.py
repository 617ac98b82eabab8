# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a transaction has brought about, noted for runs to come: its files by their hashes, its units."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.durable import write_durably
from ansible_collections.holdfast.platform.plugins.module_utils.files import STATE, private_folder

COMPARED = ("name", "exclusive", "units", "digest")


def claims() -> Path:
    return STATE.parent / "claims"


def claimed(file: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of `files` with the hash of its contents instead of them."""
    content = file.get("content")
    hashed = {} if content is None else {"sha256": hashlib.sha256(content.encode()).hexdigest()}
    return {name: value for name, value in file.items() if name not in ("content", "check", "on_change")} | hashed


def note(arguments: dict[str, Any]) -> None:
    """Write down what these arguments ask for: a claim, believed only where a look at the host bears it out."""
    if not arguments.get("digest"):
        return
    kept = {name: arguments[name] for name in COMPARED} | {"files": [claimed(file) for file in arguments["files"]]}
    path, data = claims() / f"{arguments['name']}.json", json.dumps(kept, sort_keys=True).encode()
    if not path.exists() or path.read_bytes() != data:
        private_folder(path.parent)
        write_durably(path, data, 0o600, os.geteuid(), os.getegid())
