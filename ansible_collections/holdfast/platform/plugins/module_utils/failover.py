# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The moves by which another server becomes the primary, and what a primary looks after."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.cluster import STATE, Server
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused
from ansible_collections.holdfast.platform.plugins.module_utils.standby import USER, quoted

SLOT = "holdfast_"
# What pg_rewind reads its source with, besides the right to connect.
REWIND_FUNCTIONS = (
    "pg_ls_dir(text, boolean, boolean)",
    "pg_stat_file(text, boolean)",
    "pg_read_binary_file(text)",
    "pg_read_binary_file(text, bigint, bigint, boolean)",
)
MAY_REWIND_QUERY = """
select has_function_privilege(oid, 'pg_ls_dir(text, boolean, boolean)', 'execute') from pg_roles
where rolname = 'holdfast_replication';
"""


class Unknown(Refused):
    """Nobody knows whether the server became primary."""

    more: dict[str, Any] = {"promoted": None}  # noqa: RUF012


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


def await_smaller_settings(server: Server, arguments: dict[str, Any], check: bool) -> dict[str, Any]:
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
