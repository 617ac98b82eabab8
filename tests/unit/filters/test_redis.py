"""The size of a Redis server with everything it needs."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]


@pytest.mark.parametrize(
    ("memory", "persistence", "wanted", "sizes"),
    [
        (512, True, 0, (320, 160, 32, 512)),  # 320 + 160 + 32
        (512, True, 100, (100, 50, 16, 166)),
        (512, True, 101, (101, 51, 16, 168)),
        (512, False, 0, (465, 0, 47, 512)),  # 465 + 46.5 rounded up
        (40, True, 0, (16, 8, 16, 40)),
    ],
)
def test_sizes(filters: Filters, memory: int, persistence: bool, wanted: int, sizes: tuple[int, ...]) -> None:
    """Half of the data for the fork, a tenth but at least 16 MB beside it."""
    result = filters["redis_memory"](memory, persistence, wanted)
    assert tuple(result[name] for name in ("maxmemory_mb", "fork_headroom_mb", "overhead_mb", "total_mb")) == sizes


def test_what_cannot_fit_is_refused(refusal: Refusal) -> None:
    """Variable, value and fix."""
    assert refusal("redis_memory", 512, True, 321).endswith(
        "lower redis_maxmemory_mb to 320, or give the host 515 MB for it"
    )
    assert refusal("redis_memory", 39, True) == (
        "Redis may take 39 MB of this host, the smallest server needs 40; raise redis_host_percent, "
        "or give the host more memory"
    )
    assert refusal("redis_memory", 156, True, 0, 25) == refusal("redis_memory", 39, True)  # a quarter of the host
    assert "maxmemory_mb is 15, the least is 16" in refusal("redis_memory", 512, True, 15)
    assert "host_mb must be whole megabytes, got '512'" in refusal("redis_memory", "512", True)
    assert "maxmemory_mb must be whole megabytes, got -1" in refusal("redis_memory", 512, True, -1)
    assert "host_mb must be whole megabytes, got True" in refusal("redis_memory", True, True)
    assert "persistence must be true or false, got 'yes'" in refusal("redis_memory", 512, "yes")


@given(memory=st.integers(40, 2**20), persistence=st.booleans())
def test_the_largest_fits_and_one_more_does_not(
    filters: Filters, refusal: Refusal, memory: int, persistence: bool
) -> None:
    """The parts add up, stay within the memory, and nothing is left unused."""
    result = filters["redis_memory"](memory, persistence)
    assert result["total_mb"] == sum(result[name] for name in ("maxmemory_mb", "fork_headroom_mb", "overhead_mb"))
    assert result["total_mb"] <= memory
    assert "lower redis_maxmemory_mb to" in refusal("redis_memory", memory, persistence, result["maxmemory_mb"] + 1)


GOOD: dict[str, Any] = {
    "redis_users": [
        {"name": "shop", "keys": ["shop:*"], "channels": [], "commands": ["+@all", "-@admin", "+config|get", "-get"]}
    ],
    "redis_bind": ["127.0.0.1", "-::1"],
    "redis_host_percent": 25,
    "redis_snapshots": [{"seconds": 1, "changes": 1}, {"seconds": 2147483647, "changes": 2147483647}],
    "redis_settings": {
        "timeout": 300,
        "activedefrag": True,
        "notify-keyspace-events": '""',
        "Hz": 20,
        "a-b": 'x "y z"',
    },
}
OWN = ["bind", "maxmemory", "pidfile"]


def said(filters: Filters, change: dict[str, Any], host_mb: int = 1000, facts: dict[str, Any] | None = None) -> Any:
    options = GOOD | {f"redis_{name}": value for name, value in change.items()}
    return filters["redis_findings"](options, facts or {}, "cache1", OWN, host_mb)


def test_good_input_has_no_findings(filters: Filters) -> None:
    """Acceptance beside the refusals, on the bounds."""
    for percent, host_mb in ((1, 4000), (100, 40)):
        assert said(filters, {"host_percent": percent}, host_mb) == []
    for bind in (["*"], ["*", "::*"], ["0.0.0.0", "::1"], [f"192.0.2.{last}" for last in range(16)], ["fe80::1%eth0"]):
        assert said(filters, {"bind": bind}) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"host_percent": 0}, "redis_host_percent is 0; give a number from 1 to 100"),
        ({"host_percent": 101}, "redis_host_percent is 101; give a number from 1 to 100"),
        (
            {"snapshots": [{"seconds": 0, "changes": 1}]},
            "redis_snapshots[0].seconds is 0; give a number from 1 to 2147483647",
        ),
        (
            {"snapshots": [{"seconds": 9, "changes": 2147483648}]},
            "redis_snapshots[0].changes is 2147483648; give a number from 1 to 2147483647",
        ),
        ({"bind": []}, "redis_bind has 0 addresses; give 1 to 16, for example 127.0.0.1"),
        (
            {"bind": [f"192.0.2.{last}" for last in range(17)]},
            "redis_bind has 17 addresses; give 1 to 16, for example 127.0.0.1",
        ),
        ({"bind": ["localhost"]}, "redis_bind has localhost; give addresses of this host"),
        ({"bind": ["10.0.0.300"]}, "redis_bind has 10.0.0.300; give addresses of this host"),
        ({"bind": ["::1", "-::1"]}, "redis_bind has ::1 twice; give it once"),
        ({"bind": ["127.0.0.1", "*"]}, "redis_bind has 127.0.0.1 beside *, which holds it already; remove one of them"),
        ({"bind": ["::", "::1"]}, "redis_bind has ::1 beside ::, which holds it already; remove one of them"),
        ({"users": [{"name": "shop", "keys": ["a b"]}]}, "redis_users has 'a b' for shop; patterns have no spaces, "),
        ({"users": [{"name": "shop", "channels": [""]}]}, "redis_users has '' for shop; patterns have no spaces, "),
        ({"users": [{"name": "shop\n"}]}, "redis_users has the name shop\n; use every name once"),
        ({"users": [{"name": "holdfast"}]}, "redis_users has the name holdfast; use every name once"),
        ({"users": [{"name": "a"}, {"name": "a"}]}, "redis_users has the name a; use every name once"),
        ({"users": [{"name": "shop", "commands": ["get"]}]}, "redis_users has the command 'get' for shop; write +NAME"),
        ({"users": [{"name": "shop", "commands": ["nopass"]}]}, "redis_users has the command 'nopass' for shop; write"),
        ({"users": [{"name": "shop", "commands": ["+@nosuch"]}]}, "redis_users has the command '+@nosuch' for shop; w"),
        ({"settings": {"maxmemory": 1}}, "redis_settings has maxmemory, which this role sets itself; use redis_maxmem"),
        ({"settings": {"MaxMemory": 1}}, "redis_settings has MaxMemory, which this role sets itself; use redis_maxmem"),
        (
            {"settings": {"pidfile": "/x"}},
            "redis_settings has pidfile, which this role sets itself; other parts of this role rely on it, so leave it",
        ),
        (
            {"settings": {"requirepass": "x"}},
            "redis_settings has requirepass, which this role sets itself; give each client a user of its own in r",
        ),
        (
            {"settings": {"two words": 1}},
            "redis_settings has 'two words', which is not the name of a directive; write ",
        ),
        ({"settings": {"hz": 1, "HZ": 2}}, "redis_settings has hz in two spellings; keep one"),
        (
            {"settings": {"hz": None}},
            "redis_settings.hz is None; give text of one line, a number, true, false or a l",
        ),
        ({"settings": {"hz": [{"a": 1}]}}, "redis_settings.hz is {'a': 1}; give text of one line, a number, true, f"),
        (
            {"settings": {"hz": "1\nuser x"}},
            "redis_settings.hz is '1\\nuser x'; give text of one line, a number, tru",
        ),
        ({"settings": {"hz": " "}}, "redis_settings.hz is empty; write '\"\"' for an empty value, or remove it"),
        (
            {"settings": {"hz": 'a "b'}},
            "redis_settings.hz is 'a \"b', with a quote that does not end; close it, or wri",
        ),
    ],
)
def test_what_redis_would_refuse_is_one_sentence(filters: Filters, change: dict[str, Any], sentence: str) -> None:
    """Both sides of each bound; each names variable, value and what to do."""
    found = said(filters, change)
    assert found
    assert all(one.startswith(sentence) for one in found)


def test_memory_is_looked_at_with_everything_else(filters: Filters) -> None:
    """Of the host for what is set, of a share of it otherwise; and not where the share itself is wrong."""
    change = {"maxmemory_mb": 48, "persistence_enabled": True, "users": [{"name": "default"}]}
    found = said(filters, change, 64)
    assert [one.split(";")[0] for one in found] == [
        "redis_users has the name default",
        "redis_maxmemory_mb is 48, which needs 88 MB with its headroom, but Redis may take 64 MB of this host",
    ]
    assert found[1].endswith("lower redis_maxmemory_mb to 32, or give the host 88 MB for it")
    assert said(filters, {"maxmemory_mb": 48, "persistence_enabled": True}, 88) == []
    (share,) = said(filters, {"host_percent": 25, "persistence_enabled": True}, 156)
    assert share.startswith("Redis may take 39 MB of this host, the smallest server needs 40; raise redis_host_percent")
    assert said(filters, {"host_percent": 0}, 64) == ["redis_host_percent is 0; give a number from 1 to 100"]


def test_a_redis_conf_of_somebody_else_is_not_replaced_unseen(filters: Filters) -> None:
    """What is where Debian has it is no past; what is entered into redis_settings is not lost."""

    def past(fact: dict[str, list[str]], _host: str, settings: dict[str, Any]) -> Any:
        return said(filters, {"settings": settings}, facts={"redis": fact})

    debian = {"dir": ["/var/lib/redis"], "databases": ["16"], "dbfilename": ["dump.rdb"], "port": ["6379"]}
    assert past({}, "cache1", {}) == past(debian, "cache1", {}) == []
    found = past({**debian, "dir": ["/srv/redis"], "requirepass": ["hidden"], "include": ["/etc/a.conf"]}, "cache1", {})
    assert len(found) == 3
    begins = "/etc/redis/redis.conf of cache1, which Holdfast did not write, has `"
    assert [one.removeprefix(begins).split("`")[0] for one in found] == [
        "dir /srv/redis",
        "requirepass",
        "include /etc/a.conf",
    ]
    assert "move its data to /var/lib/redis" in found[0]
    assert "a user of its own in redis_users" in found[1]
    assert past({"slaveof": ["192.0.2.1 6379"]}, "cache1", {"ReplicaOf": "192.0.2.1 6379"}) == []
    assert len(past({"slaveof": ["192.0.2.1 6379"]}, "cache1", {})) == 1
    assert past({"dir": ["/var/lib/redis", "/srv/late"]}, "cache1", {})[0].count("`dir /srv/late`") == 1


def test_directives_that_a_running_server_takes_over(filters: Filters) -> None:
    """By the answers of CONFIG SET of 7.0 and 8.0; settings win over the role, lists are lines."""
    split = filters["redis_directives"](
        {"maxmemory": "64mb", "dir": "/var/lib/redis", "tls-auth-clients": "no"},
        {"TIMEOUT": 0, "databases": 4, "lazyfree-lazy-eviction": True, "tls-auth-clients": "yes",
         "client-output-buffer-limit": ["normal 1mb 1mb 60", "pubsub 2mb 1mb 60"], "bf.initial-size": 9},
    )  # fmt: skip
    assert split == {
        "restart": {"bf.initial-size": ["9"], "databases": ["4"], "dir": ["/var/lib/redis"]},
        "runtime": {
            "client-output-buffer-limit": ["normal 1mb 1mb 60", "pubsub 2mb 1mb 60"],
            "lazyfree-lazy-eviction": ["yes"],
            "maxmemory": ["64mb"],
            "timeout": ["0"],
            "tls-auth-clients": ["yes"],
        },
        "secret": False,
    }
    assert filters["redis_directives"]({}, {"masterauth": "x"})["secret"] is True


def test_directives_refuse_what_are_no_dicts(refusal: Refusal) -> None:
    assert "takes two dicts" in refusal("redis_directives", [], {})
    assert "takes two dicts" in refusal("redis_directives", {}, [])
