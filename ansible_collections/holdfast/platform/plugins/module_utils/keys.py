# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Private keys, which never leave the host, and what stands beside them."""

from __future__ import annotations

import grp
import os
import stat
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.durable import write_durably
from ansible_collections.holdfast.platform.plugins.module_utils.openssl import openssl, public_key
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused

KEY_MODE, PUBLIC_MODE = 0o640, 0o644


def make_key(key: Path, group: int) -> None:
    key.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    text = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    write_durably(key, text.encode(), KEY_MODE, 0, group)


def is_as(path: Path, mode: int, group: int) -> bool:
    status = path.stat()
    return (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (mode, 0, group)


def read(path: Path) -> str:
    """Return what a file says; what is no text, such as a certificate in DER, fits nothing and is replaced."""
    return path.read_text(errors="replace") if path.exists() else ""


def look_at(directory: Path, entry: dict[str, Any], check: bool) -> dict[str, Any]:
    """Return one certificate's state; outside check mode its key exists afterwards, with the right owner."""
    name, group_name = entry["name"], entry["group"]
    key, certificate = directory / f"{name}.key", directory / f"{name}.crt"
    try:
        group = grp.getgrnam(group_name).gr_gid
    except KeyError:
        if check:
            return {"public_key": "", "certificate": "", "key_changed": True, "drift": True}
        raise Refused(f"group {group_name} of certificate {name} does not exist; install its service first") from None
    public, changed = public_key(key), False
    if not public or not is_as(key, KEY_MODE, group):
        changed = True
        if entry["provider"] == "provided":
            pass  # the controller has the key
        elif not check and not public:
            make_key(key, group)
            public = public_key(key)
        elif not check:
            os.chown(key, 0, group)
            key.chmod(KEY_MODE)
    drift = not certificate.exists() or not is_as(certificate, PUBLIC_MODE, 0)
    return {"public_key": public, "certificate": read(certificate), "key_changed": changed, "drift": drift}
