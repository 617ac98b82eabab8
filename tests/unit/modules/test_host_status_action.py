"""`status` as a whole, with a host that answers as told: what roles offer is asked, and what is ill is found."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.loader import action_loader

ROOT = Path(__file__).parents[3]
UNIT = "postgresql@17-main.service"
OFFERS: dict[str, Any] = {
    "nginx": {"units": ["nginx.service"], "probes": [{"kind": "sites"}]},
    "postgresql": {
        "units": ["cron.service", UNIT],
        "probes": [{"kind": "postgresql", "lag_seconds": 60, "standbys": 0}],
    },
    "backup": {
        "units": ["cron.service"],
        "probes": [{"kind": "backups", "schedules": ["0 */6 * * *"], "test_schedule": "30 4 * * 1"}],
    },
    "floating_address": {"units": ["holdfast-floating-address.service"]},
    "pgbouncer": {"units": ["pgbouncer.service"]},
    "mail": {"units": ["mail.service"]},  # somebody's own, which has nothing but an offer
}
RUNS = {"load": "loaded", "active": "active", "sub": "running", "file": "enabled", "running": True, "well": True}
STOPPED = RUNS | {"active": "inactive", "sub": "dead", "running": False, "well": False}
NAMES = [
    "nginx.service",
    "cron.service",
    UNIT,
    "holdfast-floating-address.service",
    "pgbouncer.service",
    "mail.service",
]


@pytest.fixture(scope="module")
def action() -> ModuleType:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    return sys.modules[action_loader.get("host_status", class_only=True).__module__]


def told(action: ModuleType, call: Callable[..., dict[str, Any]], **given: Any) -> dict[str, Any]:
    half = object.__new__(action.ActionModule)
    half.call = call
    arguments = {name: option.get("default") for name, option in action.ActionModule.ARGUMENTS.items()}
    return dict(half.act({**arguments, "offers": OFFERS, **given}, {"inventory_hostname": "one"}))


def answered(stopped: list[str], hours: float, test_ok: bool, part: str, server: dict[str, Any]) -> dict[str, Any]:
    """Return what the remote half would say, in the order of the probes."""
    test = {"ok": test_ok, "finished": "2026-11-30T04:31:00Z", "hours": 20, "failed": {} if test_ok else {"main": "no"}}
    stanza = {"hours": hours, "code": 0, "message": "ok", "running": False}
    sites = {"closed": {}, "drained": {}, "silent": {"shop": "answers nothing"} if "nginx.service" in stopped else {}}
    host = {
        "broken": {},
        "units": {name: STOPPED if name in stopped else RUNS for name in NAMES},
        "failed_units": ["exim4.service"],
        "disks": [{"path": "/", "percent": 41, "files_percent": 3}],
        "memory": {"total_mb": 4096, "available_mb": 2048},
        "restart_wanted_by": [],
        "unfinished": {},
        "held_units": [],
    }
    return {
        "host": host,
        "answers": [sites, {"part": part, **server}, {"stanzas": {"main": stanza}, "restore_test": test}],
    }


SERVER: dict[str, Any] = {
    "sizes": {"shop": "12 MB"},
    "pending_restart": [],
    "altered": [],
    "checksums": True,
    "streaming": 0,
}


def test_every_unit_and_every_probe_of_every_role_is_asked_for(action: ModuleType) -> None:
    asked: list[Any] = []

    def call(module: str, given: dict[str, Any], _variables: object) -> dict[str, Any]:
        asked.append((module, given))
        return answered([], 5, True, "primary", SERVER)

    result = told(action, call)
    ((module, given),) = asked
    assert (module, set(given["units"])) == ("host_status", set(NAMES))
    assert [probe["kind"] for probe in given["probes"]] == ["sites", "postgresql", "backups"]
    assert result["attention"] == result["status"]["attention"] == []
    assert result["remarks"][0].startswith("one: exim4.service has failed")
    assert result["status"]["units"]["holdfast-floating-address.service"] == "active running"
    assert result["status"]["backups"] == {"main": "5.0 hours old", "restore test": "passed at 2026-11-30T04:31:00Z"}
    assert "  postgresql    size of shop: 12 MB\n" in result["table"]


def test_a_platform_that_is_ill_everywhere_is_no_quiet_one(action: ModuleType) -> None:
    """Stopped services, a backup that is 400 hours old, a failed restore test and replication that is down."""
    ill = answered(["nginx.service", UNIT], 400, False, "down", {"silent": "it does not run"})
    found = [entry["text"] for entry in told(action, lambda *_: ill)["attention"]]
    # What sites and server would say follows from their units
    begins = [
        "one: nginx.service is inactive (dead); run site.yml",
        f"one: {UNIT} is inactive (dead); run site.yml",
        "one: the newest backup of stanza main is 400.0 hours old (limit 9.0 hours)",
        "one: the restore test failed at 2026-11-30T04:31:00Z, main: no; ",
    ]
    assert [text[: len(begin)] for text, begin in zip(found, begins, strict=True)] == begins
    down = answered([], 5, True, "standby unknown", SERVER)
    (entry,) = told(action, lambda *_: down)["attention"]
    assert (entry["host"], entry["what"], entry["limit"]) == ("one", "replication", "60 s")
    assert entry["value"] == "down, nothing arrives from the leading server"


def test_a_unit_of_two_roles_is_told_once(action: ModuleType) -> None:
    ill = answered(["cron.service"], 5, True, "primary", SERVER)
    assert [entry["what"] for entry in told(action, lambda *_: ill)["attention"]] == ["cron.service"]


def test_limits_are_those_of_the_operator(action: ModuleType) -> None:
    well = answered([], 5, True, "primary", SERVER)
    (entry,) = told(action, lambda *_: well, disk_percent=41)["attention"]
    assert (entry["what"], entry["limit"]) == ("disk /", "41 %")
    assert told(action, lambda *_: well, disk_percent=42)["attention"] == []


def test_offers_that_cannot_be_computed_are_told(action: ModuleType) -> None:
    well = answered([], 5, True, "primary", SERVER)
    refused = ["redis_offer.units cannot be computed: x", "redis_offer.memory cannot be computed: y"]
    (entry,) = told(action, lambda *_: well, refused=refused)["attention"]
    assert entry["value"] == refused[0]


def test_a_kind_of_probe_that_nobody_knows_is_refused(action: ModuleType) -> None:
    with pytest.raises(AnsibleError, match="has the kind moon; choose one of application, archive"):
        told(action, lambda *_: {}, offers={"mail": {"probes": [{"kind": "moon"}]}})


def test_a_host_that_cannot_be_asked_is_a_finding(action: ModuleType) -> None:
    def call(*_: object) -> dict[str, Any]:
        raise AnsibleConnectionFailure("no route")

    def never(*_: object) -> dict[str, Any]:
        raise AssertionError

    known = {"unreachable": True, "msg": "no route"}
    broken = {"failed": True, "msg": "", "module_stderr": "python3: not found", "rc": 127}
    for result in (told(action, call), told(action, never, contact=known), told(action, lambda *_: broken)):
        (entry,) = result["attention"]
        assert (entry["host"], entry["what"]) == ("one", "the host")
        assert result["status"]["unreachable"] is True
        assert result["status"]["reason"] == result["table"] == entry["text"]
        assert "one" in entry["text"]


def test_limits_of_the_module_are_those_that_are_documented(action: ModuleType) -> None:
    limits = SimpleNamespace(
        **{name: option["default"] for name, option in action.ActionModule.ARGUMENTS.items() if "default" in option}
    )
    assert (limits.disk_percent, limits.memory_percent, limits.certificate_days) == (90, 95, 21)
    assert action.DEFAULT_LIMITS.items() <= vars(limits).items()
