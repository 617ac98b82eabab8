# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs of PostgreSQL, run as its user; psql speaks to the server through the local socket."""

from __future__ import annotations

import os
import subprocess

SOCKETS = "/var/run/postgresql"
ENVIRONMENT = {
    "PATH": os.defpath,
    "LC_ALL": "C.UTF-8",
    "PGCLIENTENCODING": "UTF8",
    "PGAPPNAME": "holdfast",
    "PGCONNECT_TIMEOUT": "10",
}


def as_postgres(
    argv: list[str], script: str, seconds: int | None, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        argv,
        input=script.encode(),
        capture_output=True,
        check=False,
        timeout=seconds,
        cwd="/",
        env={**ENVIRONMENT, **environment},
        user="postgres",
        group="postgres",
        extra_groups=[],
    )


def options(port: int) -> list[str]:
    """Return what psql is called with to take a script; what an error says never includes the statement."""
    strict = ["-qAtX", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse"]
    return [*strict, "-h", SOCKETS, "-p", str(port), "-d", "postgres", "-f", "-"]
