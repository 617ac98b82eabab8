#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of postgresql_standby: what one server of a cluster is, and the few moves that change it."""

from __future__ import annotations

import base64
import json
import os
import pwd
import shutil
import subprocess
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

ARGUMENTS = r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""
SOCKETS = "/var/run/postgresql"
CLUSTERS = Path("/var/lib/postgresql")
CONFIGURATIONS = Path("/etc/postgresql")
LOGS = Path("/var/log/postgresql")
STATE = Path("/var/lib/holdfast")
USER = "holdfast_replication"
PASSFILE = "/etc/holdfast/postgresql-replication.pass"
AUTHORITY = "/etc/holdfast/tls/ca.crt"
SLOT = "holdfast_"
# What pg_rewind reads its source with, besides the right to connect.
REWIND_FUNCTIONS = (
    "pg_ls_dir(text, boolean, boolean)",
    "pg_stat_file(text, boolean)",
    "pg_read_binary_file(text)",
    "pg_read_binary_file(text, bigint, bigint, boolean)",
)

LOOK_QUERY = """
select jsonb_build_object(
  'recovery', pg_is_in_recovery(),
  'system', (select system_identifier::text from pg_control_system()),
  'timeline', case when pg_is_in_recovery()
      then coalesce((select received_tli from pg_stat_wal_receiver), (select timeline_id from pg_control_checkpoint()))
      else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end,
  'lsn', case when pg_is_in_recovery() then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
      else pg_current_wal_lsn() end,
  'streaming', exists (select from pg_stat_wal_receiver where status = 'streaming'),
  'lag_seconds', case when not pg_is_in_recovery() or pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
      else extract(epoch from now() - pg_last_xact_replay_timestamp())::int end,
  'standbys', (select coalesce(jsonb_agg(jsonb_build_object(
      'name', application_name, 'state', state, 'sync', sync_state,
      'lag_bytes', pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn),
      'lag_seconds', coalesce(extract(epoch from replay_lag), 0)) order by application_name), '[]')
      from pg_stat_replication where usename = 'holdfast_replication' and not pg_is_in_recovery()
      and application_name not in ('pg_basebackup', 'pg_receivewal')),
  'slots', (select coalesce(jsonb_agg(jsonb_build_object('name', slot_name, 'active', active,
      'lost', coalesce(wal_status = 'lost', false)) order by slot_name), '[]')
      from pg_replication_slots where slot_type = 'physical'),
  'synchronous', current_setting('synchronous_standby_names'),
  'settings', (select jsonb_object_agg(name, setting::int) from pg_settings where name in ('max_connections',
      'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions', 'max_locks_per_transaction')),
  'bare', not exists (select from pg_database where datname not in ('postgres', 'template0', 'template1'))
      and not exists (select from pg_roles where rolname <> 'postgres' and rolname !~ '^pg_'));
"""
# Objects of users, and of extensions, are numbered from 16384 on.
BARE_QUERY = """
select not exists (
  select oid from pg_class where oid >= 16384 union all select oid from pg_proc where oid >= 16384
  union all select oid from pg_type where oid >= 16384 union all select oid from pg_namespace where oid >= 16384
  union all select oid from pg_extension where oid >= 16384 union all select oid from pg_largeobject_metadata);
"""
PENDING_QUERY = "select name from pg_settings where pending_restart order by name;"
STREAMING_QUERY = "select sender_host from pg_stat_wal_receiver where status = 'streaming';"
DROP_SLOTS_QUERY = """
select 'drop the slot ' || slot_name || pg_drop_replication_slot(slot_name)::text
from pg_replication_slots where slot_type = 'physical' and not active and starts_with(slot_name, 'holdfast_');
"""
MAY_REWIND_QUERY = """
select has_function_privilege(oid, 'pg_ls_dir(text, boolean, boolean)', 'execute') from pg_roles
where rolname = 'holdfast_replication';
"""


class Refused(Exception):
    """It cannot be done; the text is for the operator."""

    promoted: bool | None = False


class Unknown(Refused):
    """Nobody knows whether the server became primary."""

    promoted = None


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
        self.data = CLUSTERS / str(self.version) / "main"
        self.copy = self.data.with_name("main.holdfast-copy")
        self.old = self.data.with_name("main.holdfast-old")
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
        environment = {
            "PATH": os.defpath,
            "LC_ALL": "C.UTF-8",
            "PGCLIENTENCODING": "UTF8",
            "PGAPPNAME": "holdfast",
            "PGCONNECT_TIMEOUT": "10",
            # A lost synchronous standby must not hold up the repair.
            "PGOPTIONS": "-c synchronous_commit=local",
        }
        if name != "psql":
            environment.pop("PGOPTIONS")
        try:
            done = subprocess.run(
                [str(self.programs / name), *arguments],
                input=script.encode(),
                capture_output=True,
                check=False,
                timeout=seconds,
                cwd="/",
                env=environment,
                user="postgres",
                group="postgres",
                extra_groups=[],
            )
        except (FileNotFoundError, LookupError):
            return 127, f"{name} is not installed"
        except subprocess.TimeoutExpired:
            return 124, f"{name} did not end within {seconds} s"
        said = done.stdout if done.returncode == 0 else done.stderr + done.stdout
        return done.returncode, said.decode(errors="replace").strip()

    def psql(self, script: str, seconds: int = 60) -> str:
        options = ["-qAtX", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse", "-h", SOCKETS, "-p", str(self.own_port)]
        code, said = self.program("psql", *options, "-d", "postgres", "-f", "-", seconds=seconds, script=script)
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
        staged = path.with_name(f".{path.name}.holdfast")
        with staged.open("w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        staged.chmod(0o600 if path.parent == STATE else 0o640)
        if path.parent != STATE:
            account = pwd.getpwnam("postgres")
            os.chown(staged, account.pw_uid, account.pw_gid)
        staged.replace(path)
        directory = os.open(path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)

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


def position(text: str) -> int:
    """Return a position in the WAL as a number."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


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


def sentence(number: int) -> str:
    return f"wait for {number} standbys at every commit" if number else "wait for no standby at a commit"


def lead(server: Server, arguments: dict[str, Any], check: bool) -> dict[str, Any]:
    """Look after the slots, the synchronous mode and the right to rewind."""
    names, number = sorted(arguments["applications"]), arguments["synchronous"]
    seen = server.look()
    if check and (not seen["running"] or seen["recovery"]):
        return {"changes": [sentence(number)], "server": seen}
    if seen["recovery"] is not False:
        raise Refused(f"{server.name} is not the primary")
    changes, statements = [], []
    for slot in seen["slots"]:
        useless = slot["lost"] or slot["name"] not in arguments["slots"]  # one that is lost is not mended
        if slot["name"].startswith(SLOT) and useless and not slot["active"]:
            changes.append(f"drop the slot {slot['name']}")
            statements.append(f"select pg_drop_replication_slot({quoted(slot['name'])});")
    streaming = [each["name"] for each in seen["standbys"] if each["state"] == "streaming" and each["name"] in names]
    listed = ",".join(f'"{name}"' for name in names)
    setting = f"ANY {number} ({listed})" if number else ""
    warnings = []
    if number > len(streaming) and not check:
        warnings.append(
            f"{len(streaming)} of {number} standbys stream from {server.name}; "
            + ("commits wait for the others" if seen["synchronous"] else "commits do not wait for them until they do")
        )
        setting = seen["synchronous"]
    text = f"# Managed by Holdfast; changes made here are overwritten.\nsynchronous_standby_names = {quoted(setting)}\n"
    if not server.file.exists() or server.file.read_text() != text:
        changes.append(sentence(number if setting else 0))
        if not check:
            server.write(server.file, text)
        statements.append("select pg_reload_conf();")
    more, grants = rewind_steps(server, arguments["rewind"])
    changes, statements = changes + more, statements + grants
    if statements and not check:
        server.psql("\n".join(statements))
    if not check:
        server.handover.unlink(missing_ok=True)
    return {"changes": changes, "server": seen, "warnings": warnings}


def rewind_steps(server: Server, wanted: bool) -> tuple[list[str], list[str]]:
    """Let the standbys read the files that pg_rewind needs, or no longer."""
    said = server.psql(MAY_REWIND_QUERY)
    if not said or (said == "t") == wanted:
        return [], []
    verb, word, may = ("GRANT", "TO", "let") if wanted else ("REVOKE", "FROM", "no longer let")
    statements = [f"{verb} EXECUTE ON FUNCTION pg_catalog.{function} {word} {USER};" for function in REWIND_FUNCTIONS]
    return [f"{may} a former primary rewind itself"], [
        f"{verb} CONNECT ON DATABASE postgres {word} {USER};",
        *statements,
    ]


def retire(server: Server, arguments: dict[str, Any], check: bool) -> dict[str, Any]:
    """Stop the primary; from then on it starts as a standby only."""
    seen, forced = server.look(), arguments["forced"]
    changes = [f"stop {server.name} and keep it from being primary"]
    if check:
        return {"changes": changes, "lsn": ""}
    if seen["running"] and seen["recovery"]:
        raise Refused(f"{server.name} is a standby, not the primary")
    if seen["running"] and not forced:
        STATE.mkdir(mode=0o700, exist_ok=True)
        server.write(server.handover, arguments["to"])
    elif seen["running"]:
        server.program("pg_ctl", "stop", "-D", str(server.data), "-m", "immediate")
    began = time.monotonic()
    server.systemctl("stop")
    control = server.control()
    if not forced and control.get("Database cluster state") != "shut down":
        raise Refused(f"{server.name} did not end cleanly: {control.get('Database cluster state')}")
    server.write(server.signal, "")
    return {
        "changes": changes * (seen["running"] or not seen["signal"]),
        "lsn": control.get("Latest checkpoint location", ""),
        "milliseconds": round((time.monotonic() - began) * 1000),
    }


def reinstate(server: Server, check: bool) -> dict[str, Any]:
    """Start a server that was retired as primary again, because nobody took over."""
    if not check:
        server.signal.unlink(missing_ok=True)
        server.handover.unlink(missing_ok=True)
        server.systemctl("start")
    return {"changes": [f"start {server.name} as primary again"]}


def promote(server: Server, arguments: dict[str, Any], check: bool) -> dict[str, Any]:
    """Make a standby the primary once it has replayed all it has to."""
    changes = [f"make {server.name} the primary"]
    if check:
        return {"changes": changes, "promoted": False}
    seen = server.look()
    if seen["recovery"] is False:
        return {"changes": [], "promoted": True}
    began = time.monotonic()
    least = arguments["beyond"]
    # The position is that of the last record's first byte; without one, all that was received has to be replayed.
    replayed = f"pg_last_wal_replay_lsn() > {quoted(least)}" if least else "true"
    query = f"select {replayed} and pg_last_wal_replay_lsn() >= coalesce(pg_last_wal_receive_lsn(), '0/0');"
    if not server.wait(arguments["seconds"], lambda: server.psql(query) == "t"):
        raise Refused(f"{server.name} has not replayed everything up to {least} within {arguments['seconds']} s")
    try:
        done = server.psql("select pg_promote(true, 60);", seconds=90) == "t"
    except Refused as problem:
        raise Unknown(str(problem)) from problem
    if not done:
        raise Unknown(f"{server.name} did not become primary within 60 s{server.last_words()}")
    milliseconds = round((time.monotonic() - began) * 1000)
    with suppress(Refused):
        server.psql("checkpoint;", seconds=600)  # pg_rewind reads the new timeline from the control file
    return {"changes": changes, "promoted": True, "milliseconds": milliseconds}


def settle(server: Server, arguments: dict[str, Any], check: bool) -> dict[str, Any]:
    """Wait until the control file, which a start compares the settings with, allows the smaller ones."""
    names = {
        "max_connections": "max_connections",
        "max_worker_processes": "max_worker_processes",
        "max_wal_senders": "max_wal_senders",
        "max_prepared_transactions": "max_prepared_xacts",
        "max_locks_per_transaction": "max_locks_per_xact",
    }

    def larger() -> list[str]:
        control, wanted = server.control(), arguments["settings"]
        return [name for name, label in names.items() if int(control.get(f"{label} setting", "0")) > int(wanted[name])]

    if not check and not server.wait(arguments["seconds"], lambda: not larger()):
        raise Refused(f"the primary still has more {', '.join(larger())}; {server.name} cannot have less")
    return {"changes": []}


def act(arguments: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    server = Server(arguments)
    action = arguments["action"]
    if action == "look":
        result: dict[str, Any] = {"changes": [], "server": server.look()}
    elif action == "follow":
        changes = Standby(server, arguments).follow(check)
        pending = server.psql(PENDING_QUERY).splitlines() if server.answers() else []
        result = {"changes": changes, "pending_restart": pending}
    elif action == "prepare":
        server.psql("checkpoint;", seconds=600)
        result = {"changes": []}
    elif action == "reinstate":
        result = reinstate(server, check)
    else:
        result = {"lead": lead, "retire": retire, "promote": promote, "settle": settle}[action](
            server, arguments, check
        )
    result["changed"] = bool(result["changes"])
    if diff and result["changes"]:
        result["diff"] = {"prepared": "".join(f"+ {change}\n" for change in result["changes"])}
    return result


def main() -> None:
    outer = json.loads(ARGUMENTS)
    arguments = json.loads(zlib.decompress(base64.b64decode(outer["payload"])))
    try:
        result = act(arguments, outer["_ansible_check_mode"], outer["_ansible_diff"])
    except (Refused, OSError) as problem:
        promoted = getattr(problem, "promoted", False)
        result = {"failed": True, "changed": False, "promoted": promoted, "msg": str(problem)}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
