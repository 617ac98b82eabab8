"""What of a host's state deserves a look: both sides of every limit, certificates (TLS-03) and upgrades (HRD-07)."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.holdfast.platform.plugins.plugin_utils.status_findings import (
    DEFAULT_LIMITS,
    Finding,
    host_findings,
    remarks,
    unit_findings,
)
from ansible_collections.holdfast.platform.plugins.plugin_utils.status_probes import probe_findings, urgency
from ansible_collections.holdfast.platform.plugins.plugin_utils.status_schedule import (
    limit_hours,
    longest_pause_hours,
)

ROOM = {"total_mb": 4096, "available_mb": 2048}
RUNS = {"load": "loaded", "active": "active", "sub": "running", "file": "enabled", "running": True, "well": True}
WELL: dict[str, Any] = {"broken": {}, "units": {}, "failed_units": [], "disks": [], "memory": ROOM, "held_units": []}
FULL = {"full_schedule": "0 2 * * 0", "diff": "0 2 * * 1-6", "incr": "0 8,14,20 * * *"}  # defaults of role backup


def said(findings: Any) -> list[str]:
    return [finding.entry("db1")["text"].removeprefix("db1: ") for finding in findings]


def of_host(**more: Any) -> list[str]:
    return said(host_findings(WELL | more, {"nginx.service"}, DEFAULT_LIMITS))


def of_probe(answer: dict[str, Any], kind: str, limits: dict[str, int] = DEFAULT_LIMITS, **probe: Any) -> list[str]:
    return said(probe_findings({"kind": kind, **probe}, answer, limits))


def test_a_finding_is_a_sentence_and_its_parts() -> None:
    entry = Finding("disk /", "is", "96 % full", "make room", "90 %").entry("db1")
    parts = {"host": "db1", "what": "disk /", "value": "96 % full", "limit": "90 %", "fix": "make room"}
    assert entry == {**parts, "text": "db1: disk / is 96 % full (limit 90 %); make room"}


# ---------------------------------------------------------------- units
@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({}, ""),
        ({"active": "inactive", "sub": "dead", "running": False}, ""),  # excused by its conditions, or ran well
        ({"active": "inactive", "sub": "dead", "running": False, "well": False}, "is inactive (dead); run site.yml"),
        (
            {"active": "failed", "sub": "failed", "running": False, "well": False},
            "is failed; `journalctl -u a.service`",
        ),
        ({"load": "masked", "active": "inactive"}, "is masked; `systemctl unmask a.service`"),
        ({"file": "masked-runtime"}, "is masked; "),  # and still running
        ({"load": "not-found", "active": "inactive", "file": "", "well": False}, "is not there; run site.yml"),
        ({"active": "activating", "sub": "auto-restart", "running": False, "well": False}, "is ending again and again"),
    ],
)
def test_every_unit_of_a_role_has_to_run(state: dict[str, Any], words: str) -> None:
    found = said(unit_findings(["a.service", "unasked.service"], {"a.service": {**RUNS, **state}}))
    assert [text[: len(f"a.service {words}")] for text in found] == [f"a.service {words}"] * bool(words)


def test_failed_units_of_others_are_a_remark() -> None:
    failed = ["nginx.service", "holdfast-integrity.service", "exim4.service"]
    assert of_host(failed_units=failed) == [
        "holdfast-integrity.service has failed; `journalctl -u holdfast-integrity.service` there says why"
    ]
    assert remarks("db1", failed, {"nginx.service"}) == [
        "db1: exim4.service has failed, which is of no role; `systemctl status exim4.service` there says more"
    ]


# ---------------------------------------------------------------- the host
@pytest.mark.parametrize(("space", "files", "found"), [(89, 89, 0), (90, 89, 1), (89, 90, 1), (100, 100, 2)])
def test_disks_that_fill_up(space: int, files: int, found: int) -> None:
    told = of_host(disks=[{"path": "/var", "percent": space, "files_percent": files}])
    assert len(told) == found
    if space == 90:
        assert told[0].startswith("disk /var is 90 % full (limit 90 %); make room")


@pytest.mark.parametrize(("available", "found"), [(206, []), (200, ["memory is 95 % in use, 200 of 4096 MB are left"])])
def test_memory_that_is_in_use(available: int, found: list[str]) -> None:
    told = of_host(memory={"total_mb": 4096, "available_mb": available})
    assert [text.partition(" (limit 95 %)")[0] for text in told] == found


def test_what_waits_or_was_left_behind() -> None:
    told = of_host(
        unfinished={"firewall": "unconfirmed", "nginx": "swapping", "redis": "activating", "base": "reverted"},
        held_units=["nginx.service"],
        restart_wanted_by=["linux-image-6.12.57-amd64", "libc6"],
    )
    begins = [
        "change firewall is not confirmed;",
        "change nginx is left unfinished by a run that was killed; run site.yml",
        "change redis is left unfinished by a run that was killed; run site.yml",
        "change base is taken back, since nobody confirmed it;",
        "a run that was killed holds back nginx.service; run site.yml",
        "the host waits for a restart, wanted by linux-image-6.12.57-amd64, libc6; restart it when it suits",
    ]
    assert [text[: len(begin)] for text, begin in zip(told, begins, strict=True)] == begins
    assert of_host() == []


def test_what_could_not_be_found_out_is_said() -> None:
    assert said(host_findings({"broken": {"failed_units": "OSError: no"}}, set(), DEFAULT_LIMITS)) == [
        "failed units could not be found out: OSError: no; look there, and run this again"
    ]
    told = of_probe({"broken": "KeyError: a"}, "sites")
    assert told == ["the answer to probe sites could not be had: KeyError: a; look there, and run this again"]


# ---------------------------------------------------------------- certificates and upgrades
@pytest.mark.parametrize(
    ("days", "life", "word"),
    [
        (22, 90, ""),
        (21, 90, ""),
        (20.9, 90, "soon"),
        (14, 90, "soon"),
        (13.9, 90, "warning"),
        (7, 90, "warning"),
        (6.9, 90, "urgent"),
        (0, 90, "urgent"),
        (-0.1, 90, "ended"),
        (20.9, 398, "soon"),
        (20.9, 63, "soon"),  # the shortest life with whole days
        (20.9, 62, ""),
        (20.9, 45, ""),  # of 45 days the last 15 count as 21 do, the last 5 as 7
        (14.9, 45, "soon"),
        (9.9, 45, "warning"),
        (4.9, 45, "urgent"),
    ],
)
def test_the_end_of_a_certificate_is_told_in_steps(days: float, life: float, word: str) -> None:
    assert urgency(days, life) == word
    answer = {"certificates": {"shop": {"days": days, "life_days": life}}, "renewals": {}}
    told = of_probe(answer, "certificates")
    assert [f"({word})" in text for text in told] == [True] * bool(word)


def test_an_operator_may_want_to_know_of_certificates_earlier() -> None:
    answer = {"certificates": {"shop": {"days": 29.5, "life_days": 90}}, "renewals": {}}
    limits = DEFAULT_LIMITS | {"certificate_days": 30}
    assert of_probe(answer, "certificates", limits) == [
        "certificate shop has 29 days left (soon) (limit 30 days); run site.yml, which renews it"
    ]


def test_a_renewal_that_fails() -> None:
    renewals = {"shop": {"since": "2026-11-28T03:00:00Z", "message": "no answer from the CA"}}
    (told,) = of_probe({"certificates": {}, "renewals": renewals}, "certificates")
    assert told.startswith("renewal of certificate shop fails since 2026-11-28T03:00:00Z: no answer from the CA; ")


@pytest.mark.parametrize(
    ("upgraded", "configured", "days"),
    [
        (1.9, 90, 0),
        (2.1, 90, 2),
        (3.2, 90, 3),
        (None, 1.9, 0),  # its first night has yet to come
        (None, 5, 5),
    ],
)
def test_upgrades_that_do_not_succeed_are_told_after_two_days(
    upgraded: float | None, configured: float, days: int
) -> None:
    told = of_probe({"waiting": ["bash"], "days": configured if upgraded is None else upgraded}, "upgrades")
    wanted = f"security upgrades have not succeeded for {days} days (limit 2 days); "
    assert [text.startswith(wanted) for text in told] == [True] * bool(days)
    assert of_probe({"waiting": ["bash"], "days": None}, "upgrades") == []  # they are off


# ---------------------------------------------------------------- schedules
@pytest.mark.parametrize(
    ("schedules", "hours"),
    [
        (list(FULL.values()), 6),  # from 2 to 8, and so on
        (list(FULL.values())[:2], 24),
        (["30 4 * * 1"], 7 * 24),
        (["30 4 1 * *"], 31 * 24),
        (["0 0 29 2 *"], 0),  # once in these years
        (["0 */6 * * 5-7"], 102),  # from Sunday 18:00 to Friday 0:00
        (["0 2 * * 0", "0 2 * * 3"], 4 * 24),
        ([], 0),
    ],
)
def test_the_longest_pause_of_schedules(schedules: list[str], hours: float) -> None:
    assert longest_pause_hours(schedules) == hours
    assert limit_hours(schedules) == hours * 1.5


# ---------------------------------------------------------------- backups
TESTED = {"ok": True, "finished": "2026-11-30T04:31:00Z", "hours": 20, "failed": {}}
GOOD = {"hours": 3.0, "code": 0, "message": "ok", "running": False}


def of_backups(stanza: dict[str, Any] | None, test: dict[str, Any] = TESTED, **more: Any) -> list[str]:
    answer = {"stanzas": {"main": stanza}, "restore_test": test, **more}
    return of_probe(answer, "backups", schedules=list(FULL.values()), test_schedule="30 4 * * 1")


@pytest.mark.parametrize(
    ("stanza", "words"),
    [
        ({}, ""),
        ({"hours": 9.0}, ""),
        ({"hours": 9.1}, "the newest backup of stanza main is 9.1 hours old (limit 9.0 hours); "),
        ({"hours": 400.0}, "the newest backup of stanza main is 400.0 hours old (limit 9.0 hours); "),
        ({"hours": None, "code": 2, "running": True}, ""),  # the first is being made
        ({"hours": None, "code": 2}, "stanza main has no backup; site.yml starts the first; "),
        ({"code": 99, "message": "[FormatError] x"}, "stanza main is not usable: [FormatError] x; "),
        (None, "stanza main is not in the repository; run site.yml"),
    ],
)
def test_backups_that_are_missing_old_or_broken(stanza: dict[str, Any] | None, words: str) -> None:
    told = of_backups(None if stanza is None else {**GOOD, **stanza})
    assert [text[: len(words)] for text in told] == [words] * bool(words)


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ({"hours": 252}, ""),
        ({"hours": 253}, "the restore test has not passed for 10.5 days (limit 10.5 days); "),
        (
            {"ok": False, "failed": {"main": "no row"}},
            "the restore test failed at 2026-11-30T04:31:00Z, main: no row; ",
        ),
        ({"ok": None, "hours": 252}, ""),  # its first is yet to come
        ({"ok": None, "hours": 253}, "the restore test has never run in 10.5 days"),
    ],
)
def test_a_restore_test_that_failed_or_does_not_run(test: dict[str, Any], words: str) -> None:
    told = of_backups(GOOD, {**TESTED, **test})
    assert [text[: len(words)] for text in told] == [words] * bool(words)


def test_a_repository_that_does_not_answer_lacks_no_stanza() -> None:
    told = of_backups(None, silent="pgbackrest info ends with 1: no")
    assert [text.partition(";")[0] for text in told] == [
        "the backup repository does not answer: pgbackrest info ends with 1: no"
    ]
    assert len(of_probe({"silent": "it was not made yet"}, "backups", schedules=[], test_schedule="")) == 1


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"seconds": 3600, "failed": ""}, ""),
        ({"seconds": 3661, "failed": ""}, "the WAL archive has taken nothing for 61 minutes (limit 60 minutes); "),
        ({"seconds": 5, "failed": "2026-11-30T04:31:00Z"}, "the WAL archive takes nothing, it last failed at 2026-"),
        ({}, ""),  # a standby
        ({"seconds": None, "failed": ""}, ""),  # nobody knows since when
        ({"silent": "it does not run"}, ""),  # which the server's own probe says
    ],
)
def test_an_archive_that_takes_nothing(answer: dict[str, Any], words: str) -> None:
    told = of_probe(answer, "archive", limit_minutes=60)
    assert [text[: len(words)] for text in told] == [words] * bool(words)


# ---------------------------------------------------------------- PostgreSQL and pgbouncer
SERVER: dict[str, Any] = {"part": "primary", "pending_restart": [], "streaming": 2}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({}, ""),
        ({"streaming": 1}, "replication reaches 1 of 2 standbys (limit 2); "),
        ({"part": "standby 60"}, ""),
        ({"part": "standby 61"}, "replication is behind by 61 s (limit 60 s); "),
        ({"part": "standby unknown"}, "replication is down, nothing arrives from the leading server (limit 60 s); "),
        ({"pending_restart": ["max_connections"]}, "PostgreSQL waits for a restart to change max_connections; "),
        ({"silent": "it does not run", "part": "down"}, "PostgreSQL does not answer: it does not run; "),
    ],
)
def test_servers_that_wait_or_do_not_follow(answer: dict[str, Any], words: str) -> None:
    told = of_probe({**SERVER, **answer}, "postgresql", lag_seconds=60, standbys=2)
    assert [text[: len(words)] for text in told] == [words] * bool(words)


def test_a_server_alone_has_no_standbys() -> None:
    assert of_probe({**SERVER, "streaming": 0}, "postgresql", lag_seconds=60, standbys=0) == []
    assert of_probe({**SERVER, "streaming": 0}, "postgresql") == []


def test_pgbouncer_that_is_silent_or_pauses() -> None:
    assert of_probe({"paused": []}, "pooler") == []
    assert of_probe({"paused": ["shop"]}, "pooler")[0].startswith("pgbouncer lets clients wait that want shop; ")
    assert of_probe({"silent": "no"}, "pooler")[0].startswith("pgbouncer does not answer: no; ")


# ---------------------------------------------------------------- sites, containers, the application, what is in force
def test_sites_that_are_closed_drained_or_silent() -> None:
    closed = {"api": "", "shop": "Thu, 24 Dec 2026 18:00:00 GMT"}
    told = of_probe(
        {"closed": closed, "drained": {"api": ["10.0.0.4:80"]}, "silent": {"web": "answers 502 Bad Gateway"}}, "sites"
    )
    assert [text.partition(";")[0] for text in told] == [
        "site api is closed for maintenance",
        "site shop is closed for maintenance until Thu, 24 Dec 2026 18:00:00 GMT",
        "pool api sends nothing to 10.0.0.4:80",
        "site web has no page for visitors, it answers 502 Bad Gateway",
    ]
    assert of_probe({"closed": {}, "drained": {}, "silent": {}}, "sites") == []


def test_containers_that_are_sick_or_left_over() -> None:
    states = {
        "app": ("running", "Up 3 days"),
        "app-previous": ("exited", "Exited (0)"),
        "job": ("exited", "Exited (0) 2 hours ago"),  # somebody's, which has done its work
        "loop": ("restarting", "Restarting (1) 2 seconds ago"),
        "sick": ("running", "Up 3 hours (unhealthy)"),
    }
    found = {name: {"image": "x:1", "state": state, "status": status} for name, (state, status) in states.items()}
    assert [text.partition(";")[0] for text in of_probe({"containers": found, "problem": ""}, "containers")] == [
        "container app-previous is left of a release that was killed",
        "container loop is Restarting (1) 2 seconds ago",
        "container sick is Up 3 hours (unhealthy)",
    ]
    assert of_probe({"containers": {}, "problem": "no"}, "containers")[0].startswith("Docker does not answer: no; ")


@pytest.mark.parametrize(("health", "found"), [("200", 0), ("503", 1), ("Connection refused", 1)])
def test_an_application_that_does_not_answer(health: str, found: int) -> None:
    told = of_probe({"health": health}, "application", name="shop")
    assert [text.partition(";")[0] for text in told] == [f"application shop answers {health}"] * found


def test_what_others_have_made_different() -> None:
    assert of_probe({"differs": ""}, "in_force", what="firewall rules") == []
    (told,) = of_probe({"differs": "the table is missing"}, "in_force", what="firewall rules")
    assert told.startswith("firewall rules in force differ from our files: the table is missing; run site.yml")
