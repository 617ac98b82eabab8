"""Settings of Docker, and hosts that had Docker before."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]


def settings_said(filters: Filters, settings: dict[str, Any]) -> Any:
    return filters["docker_findings"]({"docker_settings": settings}, {}, {}, "h1")


def daemon_said(filters: Filters, wanted: dict[str, Any], seen: dict[str, Any]) -> Any:
    return filters["docker_findings"]({}, wanted, {"docker": seen}, "h1")


OWN = {
    "icc": False,
    "live-restore": True,
    "log-driver": "local",
    "log-opts": {"max-file": "3", "max-size": "10m"},
    "no-new-privileges": True,
    "userland-proxy": False,
}
PAST = {
    "data-root": "/srv/docker",
    "registry-mirrors": ["https://mirror.example.org"],
    "default-address-pools": [{"base": "10.201.0.0/16", "size": 24}],
}


def test_the_operators_settings_go_over_those_of_the_role(filters: Filters) -> None:
    assert filters["daemon_settings"]({}, OWN) == OWN
    assert filters["daemon_settings"]({"icc": True, "mtu": 1450}, OWN) == {**OWN, "icc": True, "mtu": 1450}


@pytest.mark.parametrize(
    ("settings", "options"),
    [
        ({"log-driver": "journald"}, None),
        ({"log-driver": "json-file"}, OWN["log-opts"]),
        ({"log-driver": "journald", "log-opts": {"tag": "x"}}, {"tag": "x"}),
        ({"log-opts": {"max-size": "1m"}}, {"max-size": "1m"}),
    ],
)
def test_options_of_a_log_go_with_its_driver(filters: Filters, settings: dict[str, Any], options: object) -> None:
    """Docker: unknown log opt 'max-size' for journald log driver, and it does not start."""
    assert filters["daemon_settings"](settings, OWN).get("log-opts") == options


def test_the_default_proxy_is_not_said(filters: Filters) -> None:
    assert "userland-proxy" not in filters["daemon_settings"]({"userland-proxy": True}, OWN)
    assert filters["daemon_settings"]({"userland-proxy": False}, OWN)["userland-proxy"] is False


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"hosts": ["x"]},
            'docker_settings.hosts is ["x"]; take it out, docker.service names the socket',
        ),
        (
            {"iptables": False},
            "docker_settings.iptables is false; take it out, without its rules Docker publishes no port",
        ),
        ({"live-restore": "yes"}, 'docker_settings.live-restore is "yes"; give true or false'),
        ({"mtu": True}, "docker_settings.mtu is true; give a whole number"),
        ({"dns": "192.0.2.1"}, 'docker_settings.dns is "192.0.2.1"; give a list'),
        ({"log-opts": ["x"]}, 'docker_settings.log-opts is ["x"]; give a mapping'),
        (
            {"log-opts": {"max-file": 3}},
            "docker_settings.log-opts.max-file is 3; Docker takes text, put it into quotes",
        ),
        ({"bip": None}, "docker_settings.bip is empty (null); give it a value, or take it out"),
        ({"data-root": "srv"}, "docker_settings.data-root is srv; give an absolute path"),
    ],
)
def test_settings_that_docker_does_not_start_with(filters: Filters, settings: dict[str, Any], said: str) -> None:
    (sentence,) = settings_said(filters, settings)
    assert sentence.startswith(said)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        PAST,
        {"iptables": True},
        {"mtu": 1450},
        {"ip6tables": False},
        {"log-opts": {"max-file": "3"}},
        {"features": {}},
    ],
)
def test_settings_that_it_takes(filters: Filters, settings: dict[str, Any]) -> None:
    assert settings_said(filters, settings) == []


def test_a_file_of_somebody_else_is_not_replaced_as_long_as_it_says_more(filters: Filters) -> None:
    seen = {"daemon": PAST, "daemon_is_ours": False}
    (sentence,) = daemon_said(filters, OWN, seen)
    assert sentence == (
        "/etc/docker/daemon.json of h1 was not written by Holdfast and says "
        'data-root: "/srv/docker", default-address-pools: [{"base": "10.201.0.0/16", "size": 24}], '
        'registry-mirrors: ["https://mirror.example.org"]; '
        "take data-root, default-address-pools, registry-mirrors over into docker_settings, or out of the file"
    )
    # as it says, either way
    assert settings_said(filters, PAST) == []
    assert daemon_said(filters, filters["daemon_settings"](PAST, OWN), seen) == []
    assert daemon_said(filters, OWN, {**seen, "daemon": {}}) == []


@pytest.mark.parametrize("past", [{"icc": True}, {"log-driver": "json-file"}, {"labels": ["a=b"]}, {"log-opts": {}}])
def test_what_the_role_sets_too_is_no_less_worth(filters: Filters, past: dict[str, Any]) -> None:
    seen = {"daemon": past, "daemon_is_ours": False}
    assert len(daemon_said(filters, OWN, seen)) == 1
    assert daemon_said(filters, filters["daemon_settings"](past, OWN), seen) == []


def test_what_cannot_be_taken_over_is_not_offered(filters: Filters) -> None:
    seen = {"daemon": {"hosts": ["unix:///x"], "mtu": 1450}, "daemon_is_ours": False}
    (sentence,) = daemon_said(filters, OWN, seen)
    assert "take mtu over into docker_settings, or out of the file and take hosts out of the file" in sentence


def test_our_own_file_may_change(filters: Filters) -> None:
    assert daemon_said(filters, OWN, {"daemon": PAST, "daemon_is_ours": True}) == []
    assert daemon_said(filters, OWN, {}) == []


def test_a_file_that_is_none(filters: Filters) -> None:
    (sentence,) = daemon_said(filters, OWN, {"daemon": "Expecting value", "daemon_is_ours": True})
    assert sentence == "/etc/docker/daemon.json of h1 cannot be read (Expecting value); correct it or remove it"


ENGINE = {
    "daemon": {},
    "daemon_is_ours": True,
    "containers": {"api": True, "blog": False},
    "root": "/var/lib/docker",
    "driver": "overlay2",
    "remapped": False,
}


@pytest.mark.parametrize(
    ("settings", "engine", "kept"),
    [
        ({"data-root": "/srv/docker"}, {}, "data-root: /var/lib/docker"),
        ({}, {"root": "/srv/docker"}, "data-root: /srv/docker"),
        ({"data-root": "/srv/x"}, {"root": "/data/docker", "told_root": "/data/docker"}, "data-root: /data/docker"),
        ({"storage-driver": "btrfs"}, {}, "storage-driver: overlay2"),
        ({"userns-remap": "default"}, {}, "no userns-remap"),
        ({}, {"remapped": True, "root": "/var/lib/docker/165536.165536"}, "a userns-remap"),
    ],
)
def test_docker_is_not_led_away_from_its_containers(
    filters: Filters, settings: dict[str, Any], engine: dict[str, Any], kept: str
) -> None:
    (sentence,) = daemon_said(filters, {**OWN, **settings}, {**ENGINE, **engine})
    assert sentence == (
        f"docker_settings would start Docker on h1 without the containers it has (api, blog), "
        f"which are kept with {kept}; "
        "let docker_settings say so, or remove these containers first"
    )
    assert daemon_said(filters, {**OWN, **settings}, {**ENGINE, **engine, "containers": {}}) == []


@pytest.mark.parametrize(
    ("settings", "engine"),
    [
        ({"data-root": "/var/lib/docker/"}, {}),
        ({"data-root": "/srv/docker"}, {"root": "/srv/docker"}),
        # A link to where the data is
        ({}, {"root": "/data/docker", "told_root": "/data/docker"}),
        (
            {"data-root": "/link"},
            {"daemon": {"data-root": "/link"}, "root": "/data/docker", "told_root": "/data/docker"},
        ),
        ({"storage-driver": "overlay2"}, {}),
        ({"userns-remap": "default"}, {"remapped": True, "root": "/var/lib/docker/165536.165536"}),
        ({"userns-remap": ""}, {}),
    ],
)
def test_docker_stays_where_it_is(filters: Filters, settings: dict[str, Any], engine: dict[str, Any]) -> None:
    assert daemon_said(filters, {**OWN, **settings}, {**ENGINE, **engine}) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"docker_log_max_size_mb": 0}, "docker_log_max_size_mb is 0; give at least 1"),
        ({"docker_log_files": 0}, "docker_log_files is 0; give at least 1"),
        ({"docker_users": ["bob", "Bob", "a b"]}, "docker_users has Bob, a b; give names of accounts"),
        ({"docker_users": ["bob\n"]}, "docker_users has bob\n; give names of accounts"),
    ],
)
def test_options_of_the_role(filters: Filters, options: dict[str, Any], sentence: str) -> None:
    assert filters["docker_findings"](options, {}, {}, "h1") == [sentence]


def test_options_that_are_right(filters: Filters) -> None:
    options = {"docker_log_max_size_mb": 1, "docker_log_files": 1, "docker_users": ["bob", "_a-1"]}
    assert filters["docker_findings"](options, OWN, {}, "h1") == []


def test_what_they_take(refusal: Callable[..., str]) -> None:
    assert "two mappings" in refusal("daemon_settings", [], {})
