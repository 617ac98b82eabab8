# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration and the repository of pgBackRest."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Any

PGBACKREST = Path("/etc/pgbackrest")
REPOSITORY = Path("/var/lib/pgbackrest")


def repository_paths() -> dict[str, str]:
    """Return where the data of each database host is as the configuration of pgBackRest here has it, by address."""
    found, hosts = {}, {}
    line = re.compile(r"pg([0-9]+)-(host|path)=(.+)")
    for file in sorted(PGBACKREST.glob("conf.d/*.conf")) if os.geteuid() == 0 else []:
        for said in map(line.fullmatch, file.read_text(errors="replace").splitlines()):
            if said and said[2] == "host":
                hosts[said[1]] = said[3]
            elif said and said[1] in hosts:
                found[hosts[said[1]]] = said[3]
        hosts = {}
    return found


def backup() -> dict[str, Any]:
    """Return the repository and stanzas that pgBackRest is told of, and how each stanza of a repository here begins.

    These bytes are the same for all in clear: they show whether a passphrase is the right one, and hold nothing else.
    """
    heads, servers = {}, [""]
    for path in (*REPOSITORY.glob("archive/*/archive.info"), *REPOSITORY.glob("backup/*/backup.info")):
        with contextlib.suppress(OSError), path.open("rb") as stream:
            heads[path.parent.name] = stream.read(32).hex()
    with contextlib.suppress(OSError):
        for line in (PGBACKREST / "pgbackrest.conf").read_text(errors="replace").splitlines():
            name, _equals, value = line.partition("=")
            servers += [value.strip()] if name.strip() == "repo1-host" else []
    return {
        "repository": heads,
        "server": servers[-1],
        "stanzas": sorted(path.stem for path in PGBACKREST.glob("conf.d/*.conf")),
    }
