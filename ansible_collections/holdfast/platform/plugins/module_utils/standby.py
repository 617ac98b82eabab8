# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A server that has to follow the primary."""

from __future__ import annotations

import shutil
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.cluster import Server
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused

USER = "holdfast_replication"
PASSFILE = "/etc/holdfast/postgresql-replication.pass"
AUTHORITY = "/etc/holdfast/tls/ca.crt"
# A receiver whose WAL the primary no longer has streams for a moment, every few seconds, before it is told so
STREAMING_QUERY = """
select sender_host from pg_stat_wal_receiver join pg_stat_activity using (pid)
where status = 'streaming' and now() - backend_start > interval '3 s';
"""
DROP_SLOTS_QUERY = """
select 'drop the slot ' || slot_name || pg_drop_replication_slot(slot_name)::text
from pg_replication_slots where slot_type = 'physical' and not active and starts_with(slot_name, 'holdfast_');
"""


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


class Standby:
    """A server that has to follow the primary."""

    def __init__(self, server: Server, arguments: dict[str, Any]) -> None:
        self.server, self.how, self.seconds = server, arguments["how"], arguments["seconds"]
        self.primary = arguments["primary"]
        self.connection = (
            f"host={self.primary} port={server.port} user={USER} passfile={PASSFILE} sslmode=verify-full "
            f"sslrootcert={AUTHORITY} channel_binding=require connect_timeout=5 "
            f"keepalives_idle=10 keepalives_interval=5 keepalives_count=3"
        )
        self.wanted = (
            "# Managed by Holdfast; changes made here are overwritten.\n"
            f"primary_conninfo = {quoted(f'{self.connection} application_name={server.application}')}\n"
            f"primary_slot_name = {quoted(server.slot)}\n"
        )

    def follow(self, check: bool) -> list[str]:
        seen = self.server.look()
        how = self.how
        if how == "seed" and seen["signal"]:
            how = "stream"  # an earlier run had finished the copy
        changes = {
            "seed": [f"copy the cluster from {self.primary}"],
            "erase": [f"replace the data with a copy of the cluster from {self.primary}"],
            "rewind": [f"rewind the server to {self.primary} and follow it"],
            "stream": [],
        }[how]
        if how == "stream" and self.differs(seen):
            changes = [f"follow {self.primary}"]
        if check:
            return changes
        if how == "rewind":
            self.rewind()
        elif how != "stream":
            self.copy(seen)
        else:
            self.stream(seen)
        if not self.server.wait(self.seconds, self.streams):
            raise Refused(
                f"{self.server.name} does not stream from {self.primary} within {self.seconds} s"
                f"{self.server.last_words()}. A standby that the primary no longer has the WAL for is copied anew with "
                f"-e postgresql_rebuild={self.server.name}, a former primary rejoins with "
                f"-e postgresql_rejoin={self.server.name}"
            )
        for leftover in (self.server.old, self.server.copy):
            shutil.rmtree(leftover, ignore_errors=True)
        for mark in (self.server.rewinding, self.server.handover):
            mark.unlink(missing_ok=True)
        return changes + self.drop_own_slots()

    def differs(self, seen: dict[str, Any]) -> bool:
        return not (seen["signal"] and seen["running"] and self.is_written())

    def is_written(self) -> bool:
        return self.server.file.exists() and self.server.file.read_text() == self.wanted

    def streams(self) -> bool:
        if not self.server.answers():
            return False
        return bool(self.server.psql(STREAMING_QUERY) == self.primary)

    def have_slot(self) -> None:
        """Have the own slot on the primary; proves address, certificate and password as well."""
        options = ["--no-password", f"--slot={self.server.slot}", "-d", self.connection]
        code, said = self.server.program("pg_receivewal", *options, "--create-slot", "--if-not-exists")
        if code != 0:
            raise Refused(f"{self.server.name} cannot reach the primary {self.primary}: {said}")

    def stream(self, seen: dict[str, Any]) -> None:
        written = self.is_written()
        if not written or not seen.get("streaming"):
            self.have_slot()
        if not written:
            self.server.write(self.server.file, self.wanted)
        if not seen["signal"]:
            if seen["running"]:
                raise Refused(f"{self.server.name} runs as primary; only a stopped server can follow")
            self.server.write(self.server.signal, "")
        if not seen["running"]:
            self.server.systemctl("start")
        elif not written:
            self.server.psql("select pg_reload_conf();")

    def copy(self, seen: dict[str, Any]) -> None:
        """Copy the primary beside the data, then let the copy take the place of the data."""
        server = self.server
        if server.data.is_mount() or server.data.is_symlink():
            raise Refused(f"{server.data} is a mount point or a link and cannot be replaced; mount its parent instead")
        if self.how == "seed" and seen["data"] and not seen["fresh"]:
            raise Refused(
                f"{server.name} holds data or does not run, so it is not replaced; "
                f"-e postgresql_rebuild={server.name} erases it"
            )
        self.have_slot()
        if self.how == "erase":  # two copies may not fit, and the old one is worth nothing
            server.systemctl("stop")
            shutil.rmtree(server.data, ignore_errors=True)
        shutil.rmtree(server.old, ignore_errors=True)
        if not (server.copy / "standby.signal").exists():
            shutil.rmtree(server.copy, ignore_errors=True)
            server.make(server.copy)
            options = ["--no-password", "--checkpoint=fast", "--wal-method=stream", f"--slot={server.slot}"]
            target = ["-D", str(server.copy), "-d", self.connection]
            code, said = server.program("pg_basebackup", *options, *target, seconds=None)
            if code != 0:
                raise Refused(f"{server.name} cannot copy the cluster from {self.primary}: {said}")
            server.write(server.copy / "standby.signal", "")
        server.write(server.file, self.wanted)
        server.systemctl("stop")
        if server.data.exists():
            server.data.rename(server.old)
        server.copy.rename(server.data)
        server.systemctl("start")

    def rewind(self) -> None:
        """Take back what this server wrote and the primary never got."""
        server = self.server
        self.have_slot()
        server.systemctl("stop")
        server.write(server.rewinding, "")
        server.signal.unlink(
            missing_ok=True
        )  # a server that crashed recovers on its own first, which that would forbid
        options = [f"--target-pgdata={server.data}", f"--config-file={server.configuration}/postgresql.conf"]
        source = f"--source-server={self.connection} dbname=postgres"
        code, said = server.program("pg_rewind", *options, source, seconds=None)
        server.write(server.signal, "")
        if code != 0:
            why = "; ".join(line for line in said.splitlines() if "error:" in line) or said
            raise Refused(f"{server.name} cannot be rewound, the next run copies the whole cluster: {why}")
        server.write(server.file, self.wanted)
        server.systemctl("start")

    def drop_own_slots(self) -> list[str]:
        """Drop the slots from the time as primary: they would keep WAL for ever."""
        return self.server.psql(DROP_SLOTS_QUERY).splitlines()
