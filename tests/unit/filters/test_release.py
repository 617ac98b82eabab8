"""What is said of a release, from what role app has published of each host."""

from __future__ import annotations

import json
from typing import Any

import pytest

from filter_plugins.release import release_state, version_before_deploy


def host(name: str, before: str = "shop:1.0.0", *, due: bool = True, **more: Any) -> dict[str, Any]:
    prepared = {"due": ["app"] * due, "containers": [{"image_before": before}]}
    return {"inventory_hostname": name, "app_prepare_result": prepared, **more}


SWITCHED: dict[str, Any] = {"app_switch_result": {"releases": ["app"]}}


def failed(msg: str = "it did not become healthy", **more: Any) -> dict[str, Any]:
    return {"ansible_failed_result": {"msg": msg, **more}}


def test_a_release_of_two_hosts() -> None:
    found = release_state([host("a", **SWITCHED), host("b", "", **SWITCHED)], "1.1.0")
    assert found == {
        "due": True,
        "before": {"a": "1.0.0", "b": "nothing"},
        "replaced": ["1.0.0"],
        "switched": ["a", "b"],
        "running": {"a": "1.1.0", "b": "1.1.0"},
        "stopped": {},
    }


def test_nothing_is_due() -> None:
    found = release_state([host("a", "registry.example.org:5000/shop:1.1.0", due=False)], "1.1.0")
    assert (found["due"], found["replaced"], found["before"]) == (False, [], {"a": "1.1.0"})


def test_a_host_that_did_not_get_to_be_prepared() -> None:
    found = release_state([{"inventory_hostname": "a"}], "1.1.0")
    assert (found["due"], found["before"], found["switched"]) == (False, {"a": "nothing"}, [])


@pytest.mark.parametrize(
    ("more", "state", "running"),
    [
        (failed(), "serving", "1.0.0"),
        (failed(healthy=True), "serving", "1.0.0"),
        (failed(healthy=None), "serving", "1.0.0"),
        (failed(healthy=False, stage="replace"), "unhealthy", "1.0.0, not healthy"),
        ({**failed(), "app_switch_result": {"unreachable": True}}, "unreachable", "1.0.0, if it still runs"),
        ({**failed(), "app_migrate_result": {"unreachable": True}}, "unreachable", "1.0.0, if it still runs"),
        # Words decide nothing
        (failed("is not healthy either; cannot be reached"), "serving", "1.0.0"),
    ],
)
def test_where_it_stopped(more: dict[str, Any], state: str, running: str) -> None:
    found = release_state([host("a", **SWITCHED), host("b", **more), host("c")], "1.1.0")
    assert (found["stopped"]["host"], found["stopped"]["state"]) == ("b", state)
    assert found["running"] == {"a": "1.1.0", "b": running, "c": "1.0.0"}


def test_a_first_release_that_stops_leaves_nothing_that_serves() -> None:
    found = release_state([host("a", "", **failed(healthy=None))], "1.1.0")
    assert (found["stopped"]["state"], found["running"]) == ("absent", {"a": "nothing"})


def test_of_several_hosts_that_stopped_the_first_is_the_cause() -> None:
    assert release_state([host("a"), host("b", **failed()), host("c", **failed())], "1.1.0")["stopped"]["host"] == "b"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("one line", "one line"),
        ("`migrate` failed:\nTraceback\nno such table\n", "`migrate` failed: no such table"),
        ("", "no reason given"),
    ],
)
def test_the_reason_is_one_line(message: str, reason: str) -> None:
    assert release_state([host("a", **failed(message))], "1.1.0")["stopped"]["reason"] == reason


def test_a_refusal_says_what_it_takes() -> None:
    with pytest.raises(TypeError, match="takes a list of hosts"):
        release_state({}, "1")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="takes a list of hosts"):
        release_state([], 1)  # type: ignore[arg-type]


def line(day: int, previous: str, by: str = "deploy", name: str = "shop") -> str:
    return json.dumps({"time": f"2026-01-0{day}T00:00:00Z", "name": name, "by": by, "previous": previous})


@pytest.mark.parametrize(
    ("lines", "version"),
    [
        ([line(2, "1.1.0"), line(1, "1.0.0")], "1.1.0"),
        ([line(1, "1.0.0"), line(2, "2.0.0", by="rollback"), line(3, "2.0.0", by="site")], "1.0.0"),
        ([line(1, "1.0.0"), line(2, "")], "1.0.0"),
        ([line(1, "1.0.0"), line(2, "3.0.0", name="other")], "1.0.0"),
        ([line(1, "")], ""),
        ([], ""),
    ],
)
def test_the_version_before_the_newest_deploy(lines: list[str], version: str) -> None:
    assert version_before_deploy(lines, "shop") == version
