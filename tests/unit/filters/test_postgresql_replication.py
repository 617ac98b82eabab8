"""Who leads, who follows, who takes over: decided from what the servers say (PGS-15, PGS-16)."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
Server = dict[str, Any]

BASE: Server = {"installed": True, "data": True, "interrupted": False, "handover": "", "standbys": [], "history": []}
KNOWN: Server = BASE | {"system": "7", "timeline": 1, "lsn": 1000, "clean": False, "running": True}
PRIMARY: Server = KNOWN | {"kind": "primary", "settings": {"max_connections": 100}}
STANDBY: Server = KNOWN | {"kind": "standby", "streaming": True, "settings": {}}
STOPPED: Server = KNOWN | {"kind": "stopped", "running": False}
NEW: Server = {**BASE, "kind": "new"}
FRESH: Server = KNOWN | {"kind": "fresh", "system": "8"}
REQUEST = {"primary": "data1", "rebuild": "", "rejoin": "", "settings": {"max_connections": 100}}


def plan(filters: Filters, *servers: Server, **request: Any) -> Any:
    seen = {f"data{number}": server for number, server in enumerate(servers, start=1)}
    return filters["postgresql_replication_plan"](seen, REQUEST | request)


def how(result: Any, host: str = "data2") -> tuple[str, str, str]:
    part = result["parts"][host]
    return part["part"], part["how"], part["when"]


@pytest.mark.parametrize("other", [NEW, FRESH])
def test_the_inventory_decides_while_there_is_nothing(filters: Filters, other: Server) -> None:
    result = plan(filters, FRESH, other)
    assert (result["primary"], result["problems"], result["notes"]) == ("data1", [], [])
    assert how(result) == ("standby", "seed", "after")


@pytest.mark.parametrize(
    ("server", "request_", "wanted"),
    [
        (NEW, {}, ("seed", "after")),
        (FRESH, {}, ("seed", "after")),
        (BASE | {"kind": "empty"}, {}, ("seed", "before")),
        (BASE | {"kind": "empty", "interrupted": True}, {}, ("seed", "before")),
        (STANDBY, {}, ("stream", "after")),
        (STANDBY | {"running": False}, {}, ("stream", "after")),
        (STANDBY | {"interrupted": True}, {}, ("erase", "before")),
        (STANDBY, {"rebuild": "data2"}, ("erase", "before")),
        (STANDBY | {"system": "9"}, {"rebuild": "data2"}, ("erase", "before")),
        (STANDBY, {"rejoin": "data2"}, ("stream", "after")),  # it follows already
        (STANDBY | {"streaming": False}, {"rejoin": "data2"}, ("rewind", "before")),
        (STOPPED, {"rejoin": "data2"}, ("rewind", "before")),
        (STANDBY | {"timeline": 2, "streaming": False}, {"rejoin": "data2"}, ("rewind", "before")),
        (STANDBY | {"timeline": 2, "interrupted": True}, {}, ("erase", "before")),
    ],
)
def test_what_a_follower_needs(filters: Filters, server: Server, request_: Any, wanted: tuple[str, str]) -> None:
    result = plan(filters, PRIMARY, server, **request_)
    assert result["problems"] == []
    assert how(result) == ("standby", *wanted)


@pytest.mark.parametrize(("lsn", "clean", "safe"), [(999, True, True), (1000, True, False), (999, False, False)])
def test_a_former_primary_follows_by_itself_only_when_all_it_wrote_was_taken_over(
    filters: Filters, lsn: int, clean: bool, safe: bool
) -> None:
    leader = PRIMARY | {"timeline": 2, "history": [[1, 1000]]}
    result = plan(filters, STOPPED | {"lsn": lsn, "clean": clean}, leader)
    assert result["primary"] == "data2"
    assert result["notes"] == ["data2 is primary, although the inventory says postgresql_initial_primary: data1"]
    if safe:
        assert (how(result, "data1"), result["problems"]) == (("standby", "stream", "before"), [])
    else:
        assert "-e postgresql_rejoin=data1 discards that" in result["problems"][0]


def test_a_primary_that_is_only_stopped_still_leads(filters: Filters) -> None:
    result = plan(filters, STOPPED, STANDBY)
    assert (result["primary"], how(result), result["problems"]) == ("data1", ("standby", "stream", "after"), [])


@pytest.mark.parametrize(
    ("servers", "said"),
    [
        ((PRIMARY, PRIMARY), "data1 and data2 are primary at the same time; playbooks/failover.yml"),
        ((STANDBY, STANDBY), "no host is primary; start the right one"),
        (({}, FRESH), "data1 does not answer; a cluster is begun with all its hosts"),
        (({}, STANDBY), "data1 does not answer; data2 is a standby (timeline 1, position 3E8)"),
        ((STOPPED | {"handover": "data2"}, STANDBY), "playbooks/failover.yml -e failover_to=data2"),
        ((PRIMARY, STANDBY | {"timeline": 2}), "data1 is an old primary: data2 followed a newer one"),
        ((PRIMARY, STANDBY | {"system": "9"}), "data2 holds the data of another cluster"),
        ((PRIMARY, STANDBY | {"system": "", "running": False}), "data2 has data that cannot be read"),
        ((PRIMARY, STOPPED), "data2 was primary and may hold"),
        ((STOPPED, STOPPED), "data1 is stopped (timeline 1, position 3E8); data2 is stopped"),
    ],
)
def test_what_is_refused(filters: Filters, servers: tuple[Server, ...], said: str) -> None:
    assert said in plan(filters, *servers)["problems"][0]


def test_wrong_names_are_refused(filters: Filters, refusal: Refusal) -> None:
    assert plan(filters, PRIMARY, STANDBY, rebuild="data9")["problems"] == [
        "postgresql_rebuild is 'data9'; name one of data1, data2"
    ]
    assert plan(filters, PRIMARY, STANDBY, rejoin="data1")["problems"][0].startswith("data1 is the primary")
    assert "postgresql_initial_primary is 'x'" in refusal(
        "postgresql_replication_plan", {"a": NEW}, REQUEST | {"primary": "x"}
    )
    assert "must be a dict" in refusal("postgresql_replication_plan", {}, REQUEST)


@pytest.mark.parametrize(
    ("settings", "first", "refused"),
    [
        ({"max_connections": 100}, "together", False),
        ({"max_connections": 200}, "standbys", False),
        ({"max_connections": 50}, "primary", False),
        ({}, "together", False),  # the default is 100
        ({"max_connections": 200, "max_wal_senders": 5}, "together", True),
    ],
)
def test_who_is_configured_first(filters: Filters, settings: Any, first: str, refused: bool) -> None:
    have = PRIMARY | {"settings": {"max_connections": 100, "max_wal_senders": 10}}
    result = plan(filters, have, STANDBY, settings=settings)
    assert (result["first"], bool(result["problems"])) == (first, refused)
    assert plan(filters, have, {}, settings={"max_connections": 50})["first"] == "together"


def failover(filters: Filters, *servers: Server, **request: Any) -> Any:
    seen = {f"data{number}": server for number, server in enumerate(servers, start=1)}
    asked = {"to": "data2", "mode": "planned", "lost": "", "lag_seconds": 10} | request
    return filters["postgresql_failover_plan"](seen, asked)


FORCED = {"mode": "forced", "lost": "data1"}
FOLLOWED = PRIMARY | {"standbys": [{"name": "data2", "state": "streaming", "lag_seconds": 1.5}]}


@pytest.mark.parametrize(
    ("servers", "request_", "step", "old"),
    [
        ((FOLLOWED, STANDBY), {}, "switch", "data1"),
        (
            (
                PRIMARY | {"standbys": [{"name": "data-0b365856", "state": "streaming", "lag_seconds": 1.5}]},
                STANDBY | {"application": "data-0b365856"},
            ),
            {},
            "switch",
            "data1",
        ),
        ((STANDBY | {"running": False, "clean": True, "handover": "data2"}, STANDBY), {}, "finish", "data1"),
        ((STANDBY, PRIMARY), {}, "none", ""),
        (({}, STANDBY), FORCED, "force", "data1"),
        ((PRIMARY, STANDBY), FORCED, "force", "data1"),
        ((PRIMARY, PRIMARY), FORCED, "fence", "data1"),
        ((STANDBY, PRIMARY), FORCED, "none", ""),
    ],
)
def test_how_a_standby_takes_over(
    filters: Filters, servers: tuple[Server, ...], request_: Any, step: str, old: str
) -> None:
    result = failover(filters, *servers, **request_)
    assert (result["step"], result["old"], result["problems"]) == (step, old, [])


@pytest.mark.parametrize(
    ("servers", "request_", "said"),
    [
        ((PRIMARY, STANDBY), {}, "data2 does not stream from data1"),
        ((FOLLOWED, STANDBY | {"application": "data-0b365856"}), {}, "data2 does not stream from data1"),
        ((FOLLOWED, STANDBY), {"lag_seconds": 1}, "data2 is 2 s behind data1, more than 1"),
        ((FOLLOWED, STANDBY, {}), {}, "data3 does not answer"),
        (({}, STANDBY), {}, "failover_mode=forced"),
        # Neither a server that did not end cleanly nor one that hands over to nobody has given up its role
        ((STOPPED | {"clean": False, "handover": "data2"}, STANDBY), {}, "not exactly one host is primary"),
        ((STOPPED | {"clean": True, "handover": ""}, STANDBY), {}, "not exactly one host is primary"),
        ((STOPPED | {"clean": True, "handover": "data3"}, STANDBY), {}, "not exactly one host is primary"),
        ((PRIMARY, NEW), {}, "data2 is no running standby. data1: primary, data2: new"),
        ((PRIMARY, PRIMARY), {}, "data2 is no running standby"),
        (({}, STANDBY), {"mode": "forced", "lost": "data2"}, "confirm the loss by the name"),
        ((PRIMARY, STANDBY, STANDBY), {"mode": "forced", "lost": "data3"}, "data1 is primary and not given up"),
        (({}, STANDBY, STANDBY | {"lsn": 1001}), FORCED, "data3 has got more than data2"),
        (({}, STANDBY, STANDBY | {"timeline": 2, "lsn": 1}), FORCED, "data3 has got more than data2"),
    ],
)
def test_who_may_not_take_over(filters: Filters, servers: tuple[Server, ...], request_: Any, said: str) -> None:
    assert said in " ".join(failover(filters, *servers, **request_)["problems"])


def test_what_a_forced_promotion_cannot_know(filters: Filters, refusal: Refusal) -> None:
    notes = failover(filters, {}, STANDBY, {}, **FORCED)["notes"]
    assert [note.split(" ")[0] for note in notes] == ["data3", "data1"]
    assert "failover_to is 'x'" in refusal("postgresql_failover_plan", {"a": NEW}, {"to": "x", "mode": "planned"})


SERVERS = st.sampled_from([{}, NEW, FRESH, PRIMARY, STANDBY, STOPPED, BASE | {"kind": "empty"}])


@given(servers=st.lists(SERVERS, min_size=1, max_size=4))
def test_a_plan_never_demotes_and_never_has_two_primaries(filters: Filters, servers: list[Server]) -> None:
    """Whatever is seen: one leads or it is refused, and data that may be alone is never replaced unasked."""
    result = plan(filters, *servers)
    kinds = {f"data{number}": server.get("kind", "away") for number, server in enumerate(servers, start=1)}
    leaders = [name for name, part in result["parts"].items() if part["part"] == "primary"]
    assert leaders == ([result["primary"]] if result["primary"] else [])
    assert result["problems"] or all(kinds[name] != "primary" or name in leaders for name in kinds)
    replaced = {name for name, part in result["parts"].items() if part["how"] in ("seed", "erase", "rewind")}
    assert all(kinds[name] in ("new", "fresh", "empty") for name in replaced)


def test_what_each_server_said(filters: Filters) -> None:
    """One that did not answer, or was not asked, said nothing."""
    variables = {
        "a": {"postgresql_look_result": {"server": NEW}},
        "b": {"postgresql_look_result": {"unreachable": True}},
        "c": {},
    }
    hosts = [{"name": name, "address": "10.0.0.1"} for name in variables]
    assert filters["postgresql_seen"](hosts, variables) == {"a": NEW, "b": {}, "c": {}}


@pytest.mark.parametrize(
    ("first", "part", "turn"),
    [
        ("together", "primary", 1),
        ("together", "standby", 1),
        ("primary", "primary", 1),
        ("primary", "standby", 2),
        ("standbys", "standby", 1),
        ("standbys", "primary", 2),
        ("standbys", "away", 1),
    ],
)
def test_who_is_configured_after_the_others(filters: Filters, first: str, part: str, turn: int) -> None:
    assert filters["postgresql_turn"]({"first": first, "parts": {"a": {"part": part}}}, "a") == turn


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ({"name": "r", "password": "Anker-und-Tau", "replication": True}, "Anker-und-Tau"),
        ({"name": "r", "password": "Anker-und-Tau", "replication": False}, ""),
        ({"name": "r", "password": "Anker-und-Tau"}, ""),
        ({"name": "s", "password": "Anker-und-Tau", "replication": True}, ""),
        ({"name": "r", "replication": True}, ""),
    ],
)
def test_the_password_of_the_standbys(filters: Filters, user: dict[str, Any], password: str) -> None:
    assert filters["postgresql_replication_password"]([{"name": "x"}, user], "r") == password
