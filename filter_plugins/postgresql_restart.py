"""Tells which PostgreSQL settings need a restart, which a reload, and what a run would change of those in force."""

import re
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module, findings_of
from ansible_collections.holdfast.platform.plugins.plugin_utils.numbers import BYTES

# select name from pg_settings where context = 'postmaster', asked of 15.18 and 17.11. The union is exact for both,
# because no setting that both know has another context in one of them.
IN_BOTH = """
    archive_mode autovacuum_freeze_max_age autovacuum_max_workers autovacuum_multixact_freeze_max_age bonjour
    bonjour_name cluster_name config_file data_directory data_sync_retry dynamic_shared_memory_type event_source
    external_pid_file hba_file hot_standby huge_page_size huge_pages ident_file ignore_invalid_pages jit_provider
    listen_addresses logging_collector max_connections max_files_per_process max_locks_per_transaction
    max_logical_replication_workers max_pred_locks_per_transaction max_prepared_transactions max_replication_slots
    max_wal_senders max_worker_processes min_dynamic_shared_memory port recovery_target recovery_target_action
    recovery_target_inclusive recovery_target_lsn recovery_target_name recovery_target_time recovery_target_timeline
    recovery_target_xid shared_buffers shared_memory_type shared_preload_libraries superuser_reserved_connections
    track_activity_query_size track_commit_timestamp unix_socket_directories unix_socket_group unix_socket_permissions
    wal_buffers wal_decode_buffer_size wal_level wal_log_hints
"""
ONLY_15 = "old_snapshot_threshold"
ONLY_17 = """
    commit_timestamp_buffers debug_io_direct max_notify_queue_pages multixact_member_buffers multixact_offset_buffers
    notify_buffers reserved_connections serializable_buffers subtransaction_buffers trace_connection_negotiation
    transaction_buffers
"""
# Extensions that come with PostgreSQL; an unknown extension's setting counts as reload.
EXTENSIONS = "pg_prewarm.autoprewarm pg_stat_statements.max"
POSTMASTER_SETTINGS = frozenset(f"{IN_BOTH} {ONLY_15} {ONLY_17} {EXTENSIONS}".split())


# A standby must never have less of these than its primary: raise them there first, lower them there last.
STANDBY_SETTINGS = (
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_wal_senders",
    "max_worker_processes",
)
WORDS = {"true": "on", "yes": "on", "false": "off", "no": "off"}
TIMES = {"us": 1, "ms": 1000, "s": 10**6, "min": 60 * 10**6, "h": 3600 * 10**6, "d": 86400 * 10**6}
DAY = 24 * 60


def _activation(name: str, live: dict[str, Any]) -> str:
    """Return what brings a setting into force, by the server's word if it has one."""
    context = live.get(name, {}).get("context") or ("postmaster" if name.lower() in POSTMASTER_SETTINGS else "sighup")
    return "restart" if context == "postmaster" else "reload"


def _canonical(value: object, unit: str) -> float | str:
    """Return a value of postgresql.conf so that it can be compared: a number in the server's unit, or text."""
    text = str(value).strip()
    parts = re.fullmatch(r"(-?[0-9]+(?:\.[0-9]+)?) ?([A-Za-z]*)", text)
    if parts is None:
        return WORDS.get(text.lower(), text)
    base = re.fullmatch(r"([0-9]*)([A-Za-z]*)", unit)
    factors = BYTES if base and base[2] in BYTES else TIMES
    if not parts[2] or base is None or parts[2] not in factors or base[2] not in factors:
        return text if parts[2] else float(parts[1])
    return float(round(float(parts[1]) * factors[parts[2]] / (factors[base[2]] * int(base[1] or 1))))


def postgresql_restart_settings(settings: dict[str, object]) -> dict[str, dict[str, object]]:
    """Return the settings in two groups, sorted by name: those that need a restart and those that need a reload."""
    if not isinstance(settings, dict):
        raise TypeError(f"settings must be a dict, got {type(settings).__name__}")
    groups: dict[str, dict[str, object]] = {"restart": {}, "reload": {}}
    for name in sorted(settings, key=str):
        if not isinstance(name, str):
            raise TypeError(f"the name of a setting must be text, got {name!r}")
        groups[_activation(name, {})][str(name)] = settings[name]
    return groups


def postgresql_changes(settings: dict[str, object], live: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what of the settings in force would change, by what it takes; settings taken out return to a default."""
    groups: dict[str, list[str]] = {"restart": [], "reload": [], "raised": [], "lowered": []}
    taken_out = [name for name, known in live.items() if known.get("ours") and name not in settings]
    for name in sorted([*settings, *taken_out]):
        known = live.get(name, {"setting": None, "unit": ""})
        old = None if known["setting"] is None else _canonical(known["setting"], "")
        new = _canonical(settings[name], known["unit"] or "") if name in settings else None
        if old == new:
            continue
        groups[_activation(name, live)].append(str(name))
        if name in STANDBY_SETTINGS and isinstance(old, float) and isinstance(new, float):
            groups["raised" if new > old else "lowered"].append(str(name))
    names = f" ({', '.join(groups['restart'])})" if groups["restart"] else ""
    words = f"reload: {len(groups['reload'])}, restart: {len(groups['restart'])}{names}"
    return {**groups, "known": bool(live), "text": words if live else "the server is not there yet"}


def restart_allowed(policy: str, window: str, epoch: int) -> bool:
    """Return whether the policy lets a server restart at this moment; a window is in UTC and may span midnight."""
    if policy not in ("allowed", "forbidden", "window"):
        raise ValueError(f"postgresql_restart_policy must be allowed, forbidden or window, got {policy!r}")
    parts = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])", str(window))
    if parts is None and (policy == "window" or window):
        raise ValueError(f"postgresql_restart_window is {window!r}; write it as '02:00-04:00', in UTC")
    if policy != "window" or parts is None:
        return policy == "allowed"
    begin, end = int(parts[1]) * 60 + int(parts[2]), int(parts[3]) * 60 + int(parts[4])
    return (int(epoch) // 60 - begin) % DAY < ((end - begin) % DAY or DAY)


def postgresql_restart_findings(options: dict[str, Any]) -> list[str]:
    """Return what is wrong with the times at which the server may restart, in one sentence."""
    return findings_of(restart_allowed, options["postgresql_restart_policy"], options["postgresql_restart_window"], 0)


def postgresql_plan(reasons: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the explained settings with what activates them, as rows and as a table for people."""
    rows = [
        {"name": name, **reason, "activation": _activation(name, {}), "standby": name in STANDBY_SETTINGS}
        for name, reason in reasons.items()
    ]
    left = max((len(row["name"]) for row in rows), default=0)
    middle = max((len(str(row["value"])) for row in rows), default=0)
    lines = [
        f"{row['name']:<{left}}  {row['value']!s:<{middle}}  {row['activation']:<7}  {row['formula']}"
        + (f" [{row['inputs']}]" if row["inputs"] else "")
        for row in rows
    ]
    return {"settings": rows, "table": "\n".join(lines)}


FilterModule = filter_module(
    postgresql_restart_settings, postgresql_changes, restart_allowed, postgresql_restart_findings, postgresql_plan
)
