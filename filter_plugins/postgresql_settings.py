"""The settings that role postgresql gives its server beside those that it computes."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

BASE = {
    "password_encryption": "scram-sha-256",
    "ssl": "on",
    "ssl_ca_file": "/etc/holdfast/tls/ca.crt",
    "ssl_cert_file": "/etc/holdfast/tls/postgresql.crt",
    "ssl_key_file": "/etc/holdfast/tls/postgresql.key",
    "shared_preload_libraries": "pg_stat_statements",
    "checkpoint_completion_target": "0.9",
    "idle_in_transaction_session_timeout": "10min",
    # A week of JSON, each day in the file of its weekday
    "log_destination": "jsonlog",
    "logging_collector": "on",
    "log_directory": "/var/log/postgresql",
    "log_filename": "postgresql-%a.log",
    "log_file_mode": "0640",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_lock_waits": "on",
    "log_min_duration_statement": "100ms",
    "log_temp_files": "10MB",
    "track_io_timing": "on",
}
REPLICATION = {
    "hot_standby_feedback": "on",
    "wal_keep_size": "256MB",  # pg_rewind reads back to the checkpoint before the servers parted
    "wal_log_hints": "on",  # what pg_rewind needs where the cluster has no checksums; with them it costs nothing
}
CONTAINERS = ("container", "container-other", "docker", "lxc", "openvz", "podman", "systemd-nspawn")
HUGE_PAGES: dict[str, dict[str, str]] = {"auto": {}, "reserve": {"huge_pages": "on"}, "none": {"huge_pages": "off"}}


def postgresql_given(settings: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the role with those of the operator, which win."""
    if not isinstance(settings, dict) or not isinstance(options, dict):
        raise TypeError("settings and options must be dicts")
    archive = {
        "archive_mode": "on",
        "archive_command": options["archive_command"],
        "archive_timeout": f"{options['archive_timeout_seconds']}s",
    }
    return {
        "listen_addresses": ",".join(options["listen_addresses"]),
        "port": options["port"],
        "ssl_min_protocol_version": options["tls_min_version"],
        **BASE,
        **(archive if options["archive_command"] else {}),
        **(REPLICATION if options["replicated"] else {}),
        **HUGE_PAGES[options["huge_pages"]],
        **settings,
    }


def postgresql_server(options: dict[str, Any], facts: dict[str, Any], version: int) -> dict[str, Any]:
    """Return what the plan of the settings needs to know of the server, but for its memory."""
    if not isinstance(options, dict) or not isinstance(facts, dict):
        raise TypeError("options and facts must be dicts")
    known = facts.get("postgresql", {})  # only host_facts knows disks
    storage = options["storage"] if options["storage"] != "auto" else known.get("storage") or "ssd"
    return {
        "machine_mb": options["machine_mb"],
        "cpus": facts["processor_vcpus"],
        "max_connections": options["max_connections"],
        "workload": options["workload"],
        "storage": storage,
        "version": version,
        "wal_disk_mb": options["wal_disk_mb"] or known.get("wal_disk_mb", 0),
        "wal_room_mb": known.get("wal_room_mb", 0),
        # A container cannot promise huge pages: they are the host's
        "huge_pages": facts.get("virtualization_type", "") not in CONTAINERS,
    }


FilterModule = filter_module(postgresql_given, postgresql_server)
