"""Tells the PostgreSQL settings that need a restart from those that a reload brings into force."""

import functools
from collections.abc import Callable

from ansible.errors import AnsibleFilterError

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


def postgresql_restart_settings(settings: dict[str, object]) -> dict[str, dict[str, object]]:
    """Return the settings in two groups, sorted by name: those that need a restart and those that need a reload."""
    if not isinstance(settings, dict):
        raise TypeError(f"settings must be a dict, got {type(settings).__name__}")
    groups: dict[str, dict[str, object]] = {"restart": {}, "reload": {}}
    for name in sorted(settings, key=str):
        if not isinstance(name, str):
            raise TypeError(f"the name of a setting must be text, got {name!r}")
        groups["restart" if name.lower() in POSTMASTER_SETTINGS else "reload"][str(name)] = settings[name]
    return groups


FILTERS = (postgresql_restart_settings,)


def _reported(core: Callable[..., object]) -> Callable[..., object]:
    """Let Ansible show a refusal of ``core`` as one sentence."""

    @functools.wraps(core)
    def run(*arguments: object, **options: object) -> object:
        try:
            return core(*arguments, **options)
        except (TypeError, ValueError) as error:
            raise AnsibleFilterError(str(error)) from error

    return run


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by name."""
        return {core.__name__: _reported(core) for core in FILTERS}
