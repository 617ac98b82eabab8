"""The settings that are given, not computed, and what is known of the server before the plan (PGS-05, PGS-10)."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
OPTIONS: dict[str, Any] = {
    "listen_addresses": ["localhost", "10.0.0.1"],
    "port": 5433,
    "tls_min_version": "TLSv1.2",
    "archive_command": "",
    "archive_timeout_seconds": 60,
    "replicated": False,
    "huge_pages": "auto",
    "machine_mb": 0,
    "max_connections": 100,
    "workload": "oltp",
    "storage": "auto",
    "wal_disk_mb": 0,
}


def given(filters: Filters, settings: dict[str, Any], **options: Any) -> dict[str, Any]:
    result: dict[str, Any] = filters["postgresql_given"](settings, OPTIONS | options)
    return result


def test_what_every_server_has(filters: Filters) -> None:
    settings = given(filters, {})
    assert settings["listen_addresses"] == "localhost,10.0.0.1"
    assert (settings["port"], settings["ssl"], settings["ssl_min_protocol_version"]) == (5433, "on", "TLSv1.2")
    assert (settings["password_encryption"], settings["log_destination"]) == ("scram-sha-256", "jsonlog")
    assert not {"archive_mode", "hot_standby_feedback", "huge_pages"} & set(settings)


@pytest.mark.parametrize(
    ("options", "more"),
    [
        (
            {"archive_command": "wal-g wal-push %p"},
            {"archive_mode": "on", "archive_command": "wal-g wal-push %p", "archive_timeout": "60s"},
        ),
        ({"replicated": True}, {"hot_standby_feedback": "on", "wal_keep_size": "256MB", "wal_log_hints": "on"}),
        ({"huge_pages": "reserve"}, {"huge_pages": "on"}),
        ({"huge_pages": "none"}, {"huge_pages": "off"}),
    ],
)
def test_what_options_add(filters: Filters, options: dict[str, Any], more: dict[str, Any]) -> None:
    assert given(filters, {}, **options) == given(filters, {}) | more


def test_the_operator_wins(filters: Filters, refusal: Refusal) -> None:
    settings = given(filters, {"wal_keep_size": "1GB", "log_temp_files": "0", "jit": False}, replicated=True)
    assert (settings["wal_keep_size"], settings["log_temp_files"], settings["jit"]) == ("1GB", "0", False)
    assert "must be dicts" in refusal("postgresql_given", [], OPTIONS)
    assert "must be dicts" in refusal("postgresql_given", {}, [])


FACTS: dict[str, Any] = {"processor_vcpus": 4, "virtualization_type": "kvm"}
KNOWN = {"postgresql": {"storage": "hdd", "wal_disk_mb": 9000, "wal_room_mb": 8000}}


@pytest.mark.parametrize(
    ("options", "facts", "said"),
    [
        ({}, {}, {"storage": "ssd", "wal_disk_mb": 0, "wal_room_mb": 0, "huge_pages": True}),
        ({}, KNOWN, {"storage": "hdd", "wal_disk_mb": 9000, "wal_room_mb": 8000}),
        ({"storage": "ssd", "wal_disk_mb": 500}, KNOWN, {"storage": "ssd", "wal_disk_mb": 500, "wal_room_mb": 8000}),
        ({}, {"virtualization_type": "docker"}, {"huge_pages": False}),
        ({}, {"virtualization_type": "systemd-nspawn"}, {"huge_pages": False}),
        (
            {"machine_mb": 4096, "max_connections": 7},
            {},
            {"machine_mb": 4096, "max_connections": 7, "workload": "oltp"},
        ),
    ],
)
def test_what_is_known_of_the_server(
    filters: Filters, options: dict[str, Any], facts: dict[str, Any], said: dict[str, Any]
) -> None:
    server = filters["postgresql_server"](OPTIONS | options, FACTS | facts, 15)
    assert {name: server[name] for name in said} == said
    assert (server["cpus"], server["version"], "memory_mb" in server) == (4, 15, False)


def test_a_server_needs_options_and_facts(filters: Filters, refusal: Refusal) -> None:
    assert "must be dicts" in refusal("postgresql_server", [], FACTS, 15)
    assert "must be dicts" in refusal("postgresql_server", OPTIONS, [], 15)
    assert filters["postgresql_server"](OPTIONS, {"processor_vcpus": 1}, 15)["huge_pages"] is True
