"""What an application in a container cannot be given."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
ONE = [{"path": "/srv/shop", "target": "/data"}]


def said(filters: Filters, **options: Any) -> Any:
    return filters["app_findings"]({f"app_{name}": value for name, value in options.items()}, {}, "h1", "192.0.2.1")


def said_of(filters: Filters, folders: list[dict[str, str]], seen: dict[str, Any], uid: int) -> Any:
    return filters["app_findings"]({"app_data_directories": folders, "app_uid": uid}, seen, "h1", "192.0.2.1")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        *[
            (
                {"name": name},
                f"app_name is {name}; use lower-case letters, digits and dashes, "
                "and no ending -candidate, -previous or -migrate",
            )
            for name in ("Shop", "-shop", "", "a_b", "shop-candidate", "shop-previous", "shop-migrate")
        ],
        ({"image": "tiny:1"}, "app_image is tiny:1; give the name only, the tag is app_version"),
        ({"image": "Tiny"}, "app_image is Tiny; give the name only, the tag is app_version"),
        *[
            (
                {"version": version},
                f"app_version is {version}; give a tag with a semantic version, like 1.4.2 or production-v1.4.2",
            )
            for version in ("latest", "1.4", "1.4.2 ", "1.4.2+x")
        ],
        ({"health_path": "up"}, "app_health_path is up; begin it with a slash, without spaces"),
        ({"health_path": "/a b"}, "app_health_path is /a b; begin it with a slash, without spaces"),
    ],
)
def test_names_that_docker_does_not_take(filters: Filters, options: dict[str, Any], sentence: str) -> None:
    assert said(filters, **options) == [sentence]


@pytest.mark.parametrize(
    "options",
    [
        {"name": "shop-1", "image": "registry.example:5000/team/shop", "version": "", "health_path": "/"},
        {"name": "candidate", "version": "production-v1.4.2", "health_path": "/up?x=%20"},
        {"version": "1.4.2-rc.1_b"},
    ],
)
def test_names_that_it_takes(filters: Filters, options: dict[str, Any]) -> None:
    assert said(filters, **options) == []


@pytest.mark.parametrize(
    ("address", "fine"), [("127.0.0.1", True), ("2001:db8::1", False), ("db1", False), ("", False)]
)
def test_the_port_is_published_on_an_address_of_ipv4(filters: Filters, address: str, fine: bool) -> None:
    sentence = f"host_address is {address}; Docker publishes ports on IPv4 addresses, give one"
    assert filters["app_findings"]({}, {}, "h1", address) == ([] if fine else [sentence])


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "is empty (null); give it a value, '' for an empty text, or take it out"),
        (True, "is true; put it into quotes, as the application is to read it"),
        (False, "is false; put it into quotes, as the application is to read it"),
        ([1], "is not text; write it as the application reads it, for example with `| to_json`"),
        ({"a": 1}, "is not text; write it as the application reads it, for example with `| to_json`"),
        (
            "-----BEGIN\nKEY",
            "has more than one line, which Docker cannot read from an environment file; give it as one",
        ),
        ("one\r", "has more than one line"),
        ("x" * 60001, "is longer than 60000 bytes, more than Docker reads"),
        ("ä" * 30001, "is longer than 60000 bytes, more than Docker reads"),
    ],
)
def test_values_that_an_environment_file_cannot_hold(filters: Filters, value: object, sentence: str) -> None:
    (found,) = said(filters, environment={"FINE": "x", "TLS_KEY": value})
    assert found.startswith(f"app_environment.TLS_KEY {sentence}")


@pytest.mark.parametrize(
    "value", ["", "x", 0, 3000, 1.5, "a # b = 'c' \"d\" $HOME", "x" * 60000, "LS0tLS1CRUdJTgpLRVk="]
)
def test_values_that_it_holds(filters: Filters, value: object) -> None:
    assert said(filters, environment={"TLS_KEY": value}) == []


def test_names_of_the_environment(filters: Filters) -> None:
    assert said(filters, environment={"A-B": 1, "1A": 2, "_a1": 3}) == [
        "app_environment has the name 1A, A-B; use letters, digits and underscores"
    ]


@pytest.mark.parametrize(
    ("memory", "cpus", "sentences"),
    [
        (512, 0, ["app_cpus is 0; give at least 0.01 of a CPU"]),
        (15, 1.0, ["app_memory_limit_mb is 15; give at least 16"]),
        (0, -1, ["app_memory_limit_mb is 0; give at least 16", "app_cpus is -1; give at least 0.01 of a CPU"]),
        (16, 0.01, []),
    ],
)
def test_each_limit_has_its_own_sentence(filters: Filters, memory: int, cpus: float, sentences: list[str]) -> None:
    assert said(filters, memory_limit_mb=memory, cpus=cpus) == sentences


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
    (sentence,) = said_of(filters, ONE, facts(**seen), 10001)
    assert sentence == (
        f"app_data_directories has /srv/shop, which is in use on h1 and belongs to {seen['uid']}, "
        f"while app_uid is 10001; stop what writes there and hand it over (`chown -R 10001:10001 /srv/shop`){other}"
    )
    assert said_of(filters, ONE, facts(**{**seen, "uid": 10001, "gid": 10001}), 10001) == []
    if other:
        assert said_of(filters, ONE, facts(**seen), 1002) == []


@pytest.mark.parametrize(
    "seen",
    [
        {"kind": "absent"},
        {"kind": "directory", "uid": 0, "gid": 0, "used": False},
        {"kind": "directory", "uid": 10001, "gid": 5, "used": True},
    ],
)
def test_a_folder_that_is_new_empty_or_its_own_is_fine(filters: Filters, seen: dict[str, Any]) -> None:
    assert said_of(filters, ONE, facts(**seen), 10001) == []
    assert said_of(filters, ONE, {}, 10001) == []


def test_a_file_is_no_folder(filters: Filters) -> None:
    (sentence,) = said_of(filters, ONE, facts(kind="file"), 10001)
    assert (
        sentence
        == "app_data_directories has /srv/shop, which is not a folder on h1; name another, or move that file away"
    )


@pytest.mark.parametrize(
    "path",
    ["/", "/etc", "/etc/shop", "/usr/share/x", "/home", "/opt", "/srv/", "/var/lib", "/var/lib/docker/volumes", "/tmp"],
)
def test_folders_of_the_system_stay_the_systems(filters: Filters, path: str) -> None:
    (sentence,) = said_of(filters, [{"path": path, "target": "/data"}], {}, 10001)
    assert "give" in sentence


@pytest.mark.parametrize("path", ["/opt/x/uploads", "/srv/shop/", "/var/lib/shop", "/data", "/var/lib/dockers"])
def test_folders_of_its_own(filters: Filters, path: str) -> None:
    assert said_of(filters, [{"path": path, "target": "/data"}], {}, 10001) == []


@pytest.mark.parametrize("path", ["srv", "/srv/../etc", "/srv/a,b", "/srv/./x"])
def test_paths_that_are_none(filters: Filters, path: str) -> None:
    for folder in ({"path": path, "target": "/d"}, {"path": "/srv/x", "target": path}):
        (sentence,) = said_of(filters, [folder], {}, 10001)
        assert path in sentence


def test_two_folders_at_one_place_in_the_container(filters: Filters) -> None:
    two = [*ONE, {"path": "/srv/more", "target": "/data"}]
    assert said_of(filters, two, {}, 10001) == [
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


def test_folders_are_mounts_that_the_container_writes_to(filters: Filters) -> None:
    assert filters["folder_mounts"](ONE) == [{"source": "/srv/shop", "target": "/data", "read_only": False}]
    assert filters["folder_mounts"]([]) == []


@pytest.mark.parametrize("name", ["api", "api-candidate", "api-previous", "api-migrate"])
def test_a_name_is_no_ownership(filters: Filters, name: str) -> None:
    def of(containers: dict[str, bool]) -> Any:
        return filters["app_findings"]({"app_name": "api"}, {"docker": {"containers": containers}}, "h1", "192.0.2.1")

    (sentence,) = of({name: False, "other": True})
    assert sentence == (
        f"container {name} of h1 was not made by Holdfast, and app_name is api; "
        f"rename it (`docker rename {name} other-{name}`), or choose another app_name"
    )
    assert of({f"other-{name}": False}) == []
    assert of({name: True}) == []


def test_what_they_take(refusal: Callable[..., str]) -> None:
    assert "takes a list" in refusal("folder_entries", {}, 1)
