"""What an application in a container cannot be given."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
ONE = [{"path": "/srv/shop", "target": "/data"}]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "is empty (null); give it a value, '' for an empty text, or take it out"),
        (True, "is true; put it into quotes, as the application is to read it"),
        (False, "is false; put it into quotes, as the application is to read it"),
        ([1], "is no text; write it as the application reads it, for example with `| to_json`"),
        ({"a": 1}, "is no text; write it as the application reads it, for example with `| to_json`"),
        (
            "-----BEGIN\nKEY",
            "has more than one line, which Docker cannot read from an environment file; give it as one",
        ),
        ("one\r", "has more than one line"),
        ("x" * 60001, "is longer than 60000 bytes, more than Docker reads"),
        ("ä" * 30001, "is longer than 60000 bytes, more than Docker reads"),
    ],
)
def test_values_that_an_environment_file_cannot_hold(filters: Filters, value: object, said: str) -> None:
    (sentence,) = filters["environment_findings"]({"FINE": "x", "TLS_KEY": value})
    assert sentence.startswith(f"app_environment.TLS_KEY {said}")


@pytest.mark.parametrize(
    "value", ["", "x", 0, 3000, 1.5, "a # b = 'c' \"d\" $HOME", "x" * 60000, "LS0tLS1CRUdJTgpLRVk="]
)
def test_values_that_it_holds(filters: Filters, value: object) -> None:
    assert filters["environment_findings"]({"TLS_KEY": value}) == []


def test_names_of_the_environment(filters: Filters) -> None:
    assert filters["environment_findings"]({"A-B": 1, "1A": 2, "_a1": 3}) == [
        "app_environment has the name 1A, A-B; use letters, digits and underscores"
    ]


@pytest.mark.parametrize(
    ("memory", "cpus", "said"),
    [
        (512, 0, ["app_cpus is 0; give at least 0.01 of a CPU"]),
        (15, 1.0, ["app_memory_limit_mb is 15; give at least 16"]),
        (0, -1, ["app_memory_limit_mb is 0; give at least 16", "app_cpus is -1; give at least 0.01 of a CPU"]),
        (16, 0.01, []),
    ],
)
def test_each_limit_has_its_own_sentence(filters: Filters, memory: int, cpus: float, said: list[str]) -> None:
    assert filters["limit_findings"](memory, cpus) == said


def facts(**seen: Any) -> dict[str, Any]:
    return {"folders": {"/srv/shop": seen}, "accounts": {"users": {"root": 0, "bob": 1001}}}


@pytest.mark.parametrize(
    ("seen", "other"),
    [
        ({"kind": "directory", "uid": 1002, "gid": 1002, "used": True}, ", or set app_uid to 1002"),
        ({"kind": "directory", "uid": 1001, "gid": 1001, "used": True}, ""),  # bob's: that would be refused
        ({"kind": "directory", "uid": 0, "gid": 0, "used": True}, ""),
    ],
)
def test_a_folder_in_use_does_not_change_its_owner_unseen(filters: Filters, seen: dict[str, Any], other: str) -> None:
    (sentence,) = filters["folder_findings"](ONE, facts(**seen), 10001, "h1")
    assert sentence == (
        f"app_data_directories has /srv/shop, which is in use on h1 and belongs to {seen['uid']}, "
        f"while app_uid is 10001; stop what writes there and hand it over (`chown -R 10001:10001 /srv/shop`){other}"
    )
    assert filters["folder_findings"](ONE, facts(**{**seen, "uid": 10001, "gid": 10001}), 10001, "h1") == []
    if other:
        assert filters["folder_findings"](ONE, facts(**seen), 1002, "h1") == []


@pytest.mark.parametrize(
    "seen",
    [
        {"kind": "absent"},
        {"kind": "directory", "uid": 0, "gid": 0, "used": False},
        {"kind": "directory", "uid": 10001, "gid": 5, "used": True},
    ],
)
def test_a_folder_that_is_new_empty_or_its_own_is_fine(filters: Filters, seen: dict[str, Any]) -> None:
    assert filters["folder_findings"](ONE, facts(**seen), 10001, "h1") == []
    assert filters["folder_findings"](ONE, {}, 10001, "h1") == []


def test_a_file_is_no_folder(filters: Filters) -> None:
    (sentence,) = filters["folder_findings"](ONE, facts(kind="file"), 10001, "h1")
    assert (
        sentence == "app_data_directories has /srv/shop, which is no folder on h1; name another, or move that file away"
    )


@pytest.mark.parametrize(
    "path",
    ["/", "/etc", "/etc/shop", "/usr/share/x", "/home", "/opt", "/srv/", "/var/lib", "/var/lib/docker/volumes", "/tmp"],
)
def test_folders_of_the_system_stay_the_systems(filters: Filters, path: str) -> None:
    (sentence,) = filters["folder_findings"]([{"path": path, "target": "/data"}], {}, 10001, "h1")
    assert "give" in sentence


@pytest.mark.parametrize("path", ["/opt/x/uploads", "/srv/shop/", "/var/lib/shop", "/data", "/var/lib/dockers"])
def test_folders_of_its_own(filters: Filters, path: str) -> None:
    assert filters["folder_findings"]([{"path": path, "target": "/data"}], {}, 10001, "h1") == []


@pytest.mark.parametrize("path", ["srv", "/srv/../etc", "/srv/a,b", "/srv/./x"])
def test_paths_that_are_none(filters: Filters, path: str) -> None:
    for folder in ({"path": path, "target": "/d"}, {"path": "/srv/x", "target": path}):
        (sentence,) = filters["folder_findings"]([folder], {}, 10001, "h1")
        assert path in sentence


def test_two_folders_at_one_place_in_the_container(filters: Filters) -> None:
    two = [*ONE, {"path": "/srv/more", "target": "/data"}]
    assert filters["folder_findings"](two, {}, 10001, "h1") == [
        "app_data_directories has the target /data; give each folder an absolute one of its own"
    ]


def test_parents_are_made_and_nobody_elses_are_touched(filters: Filters) -> None:
    two = [{"path": "/opt/x/uploads", "target": "/a"}, {"path": "/opt/x/", "target": "/b"}]
    own = {"owner": "10001", "group": "10001", "mode": "0750"}
    assert filters["folder_entries"](two, 10001) == [
        {"dest": "/opt", "state": "directory", "create_only": True},
        {"dest": "/opt/x", "state": "directory", **own},
        {"dest": "/opt/x/uploads", "state": "directory", **own},
    ]
    assert filters["folder_entries"]([], 10001) == []


def test_what_they_take(refusal: Callable[..., str]) -> None:
    assert "takes a mapping" in refusal("environment_findings", [])
    assert "takes MiB" in refusal("limit_findings", "512", 1)
    assert "takes folders" in refusal("folder_findings", {}, {}, 1, "h1")
    assert "takes a list" in refusal("folder_entries", {}, 1)
