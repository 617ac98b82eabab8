# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster main of one major version on this host."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.cluster_queries import BARE_QUERY, LOOK_QUERY
from ansible_collections.holdfast.platform.plugins.module_utils.durable import write_durably
from ansible_collections.holdfast.platform.plugins.module_utils.psql import SOCKETS, as_postgres, options
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused
from ansible_collections.holdfast.platform.plugins.module_utils.wal import position

CLUSTERS = Path("/var/lib/postgresql")
CONFIGURATIONS = Path("/etc/postgresql")
LOGS = Path("/var/log/postgresql")
STATE = Path("/var/lib/holdfast")


class Server:
    """The cluster main of one major version on this host."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self.version: int = arguments["version"]
        self.port: int = arguments["port"]
        self.name: str = arguments["name"]
        self.application: str = arguments["application"]  # its name as PostgreSQL keeps it
        self.slot: str = arguments["slot"]
        self.unit = f"postgresql@{self.version}-main.service"
        self.programs = Path(f"/usr/lib/postgresql/{self.version}/bin")
        self.data = Path(arguments["data"] or CLUSTERS / str(self.version) / "main")
        self.copy = self.data.with_name(f"{self.data.name}.holdfast-copy")
        self.old = self.data.with_name(f"{self.data.name}.holdfast-old")
        self.configuration = CONFIGURATIONS / str(self.version) / "main"
        self.file = self.configuration / "conf.d/60-holdfast-replication.conf"
        self.signal = self.data / "standby.signal"
        self.own_port = self.port_in_use() or self.port
        self.handover = STATE / "postgresql-handover"
        self.rewinding = STATE / "postgresql-rewinding"

    def port_in_use(self) -> int:
        """Return where the server listens now: it may not have been restarted since the port was changed."""
        try:
            return int((self.data / "postmaster.pid").read_text().splitlines()[3])
        except (OSError, IndexError, ValueError):
            return 0

    def program(self, name: str, *arguments: str, seconds: int | None = 60, script: str = "") -> tuple[int, str]:
        """Run one of PostgreSQL's programs as its user; return its exit code and what it said."""
        # A lost synchronous standby must not hold up the repair.
        more = {"PGOPTIONS": "-c synchronous_commit=local"} if name == "psql" else {}
        try:
            done = as_postgres([str(self.programs / name), *arguments], script, seconds, **more)
        except (FileNotFoundError, LookupError):
            return 127, f"{name} is not installed"
        except subprocess.TimeoutExpired:
            return 124, f"{name} did not end within {seconds} s"
        said = done.stdout if done.returncode == 0 else done.stderr + done.stdout
        return done.returncode, said.decode(errors="replace").strip()

    def psql(self, script: str, seconds: int = 60) -> str:
        code, said = self.program("psql", *options(self.own_port), seconds=seconds, script=script)
        if code != 0:
            raise Refused(f"PostgreSQL on {self.name} refuses: {said}")
        return said

    def answers(self) -> bool:
        self.own_port = self.port_in_use() or self.port
        return self.program("pg_isready", "-q", "-h", SOCKETS, "-p", str(self.own_port))[0] == 0

    def systemctl(self, verb: str) -> None:
        done = subprocess.run(["systemctl", verb, self.unit], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Refused(f"{self.unit} does not {verb}: {done.stderr.strip()}{self.last_words()}")

    def last_words(self) -> str:
        """Return what the server last complained about in its logs; the first lines of a start are not JSON yet."""
        logs = [*LOGS.glob("postgresql-*.json"), *LOGS.glob(f"postgresql-{self.version}-main.log")]
        lines = [
            line
            for log in sorted(logs, key=lambda path: path.stat().st_mtime)
            for line in log.read_text(errors="replace").splitlines()[-200:]
        ]
        reasons = [line for line in lines if "forked off" in line or "requested" in line]
        said = reasons or [line for line in lines if "FATAL" in line or "ERROR" in line]
        if not said:
            return ""
        with suppress(ValueError, TypeError):
            return f"; its log says: {json.loads(said[-1])['message']}"
        return f"; its log says: {said[-1]}"

    def control(self) -> dict[str, str]:
        code, said = self.program("pg_controldata", "-D", str(self.data))
        if code != 0:
            return {}
        pairs = (line.split(":", 1) for line in said.splitlines() if ":" in line)
        return {name.strip(): value.strip() for name, value in pairs}

    def look(self) -> dict[str, Any]:
        """Return what the server is, running or not."""
        seen: dict[str, Any] = {
            "application": self.application,
            "installed": (self.programs / "postgres").exists(),
            "data": self.data.exists(),
            "signal": self.signal.exists(),
            "running": False,
            "fresh": False,
            "interrupted": self.rewinding.exists() or (not self.data.exists() and self.copy.exists()),
            "handover": self.handover.read_text().strip() if self.handover.exists() else "",
            "standbys": [],
            "history": [],
        }
        if seen["installed"] and seen["data"]:
            seen |= self.ask() if self.answers() else self.read()
        return seen | {"kind": kind_of(seen)}

    def ask(self) -> dict[str, Any]:
        """Return what the running server says."""
        about = json.loads(self.psql(LOOK_QUERY))
        fresh = about["bare"] and not about["recovery"] and not about["slots"] and self.holds_nothing()
        return {
            **about,
            "running": True,
            "clean": False,
            "fresh": fresh,
            "lsn": position(about["lsn"] or "0/0"),
            "history": self.history(about["timeline"]),
        }

    def read(self) -> dict[str, Any]:
        """Return what the files of the stopped server say."""
        control = self.control()
        return {
            "system": control.get("Database system identifier", ""),
            "timeline": int(control.get("Latest checkpoint's TimeLineID", "0")),
            "lsn": position(control.get("Latest checkpoint location", "0/0")),
            "clean": control.get("Database cluster state") == "shut down",
            "recovery": None,
        }

    def history(self, timeline: int) -> list[list[int]]:
        """Return when each earlier timeline ended, as pairs of its number and a position."""
        try:
            text = (self.data / f"pg_wal/{timeline:08X}.history").read_text()
        except OSError:
            return []
        rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
        return [[int(row[0]), position(row[1])] for row in rows if len(row) > 1]

    def holds_nothing(self) -> bool:
        answers = self.psql(f"{BARE_QUERY}\n\\connect template1\n{BARE_QUERY}")
        return answers.split() == ["t", "t"]

    def write(self, path: Path, text: str) -> None:
        """Replace a file of PostgreSQL in one step that a power cut cannot take back: some of them are fences."""
        if path.parent == STATE:
            write_durably(path, text.encode(), 0o600, os.geteuid(), os.getegid())
        else:
            account = pwd.getpwnam("postgres")
            write_durably(path, text.encode(), 0o640, account.pw_uid, account.pw_gid)

    def make(self, folder: Path) -> None:
        """Have an empty folder of PostgreSQL: on a disk of its own the parent may belong to root."""
        account = pwd.getpwnam("postgres")
        folder.mkdir(mode=0o700, parents=True)
        os.chown(folder, account.pw_uid, account.pw_gid)

    def wait(self, seconds: int, done: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def kind_of(seen: dict[str, Any]) -> str:
    """Name what a server is; one that is stopped would start as primary."""
    if not seen["installed"]:
        return "new"
    if not seen["data"]:
        return "empty"
    if seen["running"] and not seen["recovery"]:
        return "fresh" if seen["fresh"] else "primary"
    return "standby" if seen["signal"] or seen["running"] else "stopped"
