"""Find what a Redis server would refuse, what it lacks memory for, and what of a redis.conf of others would be lost."""

import bisect
import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

NAME = re.compile(r"[A-Za-z0-9._-]+")
RESERVED = ("default", "holdfast")
# ACL CAT of 7.0.15 and of 8.0.2 without modules
CATEGORY_NAMES = """
    all admin bitmap blocking connection dangerous fast geo hash hyperloglog keyspace list pubsub read scripting set
    slow sortedset stream string transaction write
"""
CATEGORIES = frozenset(CATEGORY_NAMES.split())
COMMAND = re.compile(r"[+-](?P<category>@?)(?P<name>[A-Za-z0-9._-]+(\|[A-Za-z0-9._-]+)?)")
EVERYTHING = {4: ("*", "0.0.0.0"), 6: ("::*", "::")}  # noqa: S104 - to find them
MOST_ADDRESSES = 16  # CONFIG_BINDADDR_MAX
LARGEST = 2**31 - 1
LEAST_MB = 16
OVERHEAD_FLOOR_MB = 16
# What the role decides about, and what to do instead of setting it
CURES = {
    "bind": "use redis_bind",
    "port": "there is no port without TLS; use redis_port for the one with it",
    "tls-port": "use redis_port",
    "tls-protocols": "use redis_tls_min_version",
    "maxmemory": "use redis_maxmemory_mb",
    "maxmemory-policy": "use redis_maxmemory_policy",
    "appendonly": "use redis_persistence_enabled",
    "appendfsync": "use redis_append_sync",
    "save": "use redis_snapshots",
    "dir": "mount the disk that is to hold the data at /var/lib/redis",
    "requirepass": "give each client a user of its own in redis_users",
    "user": "use redis_users",
    "include": "give the directives of that file themselves",
    "rename-command": "take commands from users by commands in redis_users",
}
# What those before us may have said in redis.conf that would be lost without a word
PAST = {
    "dir": "stop Redis, move its data to /var/lib/redis (of user redis), or mount their disk there, and write "
    "`dir /var/lib/redis`",
    "dbfilename": "stop Redis, rename the snapshot to dump.rdb and take the line out",
    "appendfilename": "let Redis make a snapshot, stop it, move its log of writes away and take the line out",
    "appenddirname": "stop Redis, rename that folder to appendonlydir and take the line out",
    "requirepass": "give each client a user of its own in redis_users, for the password without a user ends, and take "
    "the line out",
    "user": "enter these users into redis_users and take the lines out",
    "aclfile": "enter the users of that file into redis_users and take the line out",
    "include": "enter what is to stay of that file into redis_settings and take the line out",
    "rename-command": "take commands from users by commands in redis_users instead, and take the line out",
    "replicaof": "enter it into redis_settings, or run `redis-cli replicaof no one` and take the line out",
    "slaveof": "enter replicaof into redis_settings, or run `redis-cli replicaof no one` and take the line out",
    "loadmodule": "enter it into redis_settings, or take the line out",
    "cluster-enabled": "enter it into redis_settings, or take the line out",
    "databases": "enter it into redis_settings, or take the line out",
}
DEBIAN = {"dir": "/var/lib/redis", "dbfilename": "dump.rdb", "appendfilename": "appendonly.aof", "databases": "16"}
DEBIAN |= {"appenddirname": "appendonlydir", "cluster-enabled": "no"}


def _headroom(maxmemory_mb: int, persistence: bool) -> int:
    """Return the memory that the child of a save may copy: half of the data, rounded up."""
    return -(-maxmemory_mb // 2) if persistence else 0


def _overhead(maxmemory_mb: int) -> int:
    """Return the memory beside the data: fragmentation, client buffers and the program."""
    return max(OVERHEAD_FLOOR_MB, -(-maxmemory_mb // 10))


def _total(maxmemory_mb: int, persistence: bool) -> int:
    """Return what a Redis server of this size needs in all."""
    return maxmemory_mb + _headroom(maxmemory_mb, persistence) + _overhead(maxmemory_mb)


def redis_memory(host_mb: int, persistence: bool, maxmemory_mb: int = 0, percent: int = 100) -> dict[str, int]:
    """Return maxmemory and what else the server needs, within the memory of the host, or within its share of that."""
    for name, value in (("host_mb", host_mb), ("maxmemory_mb", maxmemory_mb)):
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ValueError(f"{name} must be whole megabytes, got {value!r}")
    if not isinstance(persistence, bool):
        raise TypeError(f"persistence must be true or false, got {persistence!r}")
    memory_mb = host_mb if maxmemory_mb else host_mb * percent // 100
    largest = bisect.bisect_right(range(memory_mb + 1), memory_mb, key=lambda size: _total(size, persistence)) - 1
    if largest < LEAST_MB:
        needed = _total(LEAST_MB, persistence)
        raise ValueError(
            f"Redis may take {memory_mb} MB of this host, the smallest server needs {needed}; "
            "raise redis_host_percent, or give the host more memory"
        )
    chosen = int(maxmemory_mb or largest)
    if chosen < LEAST_MB:
        raise ValueError(f"redis_maxmemory_mb is {chosen}, the least is {LEAST_MB}; raise it, or set 0 for the most")
    if chosen > largest:
        needed = _total(chosen, persistence)
        raise ValueError(
            f"redis_maxmemory_mb is {chosen}, which needs {needed} MB with its headroom, but Redis may take "
            f"{memory_mb} MB of this host; lower redis_maxmemory_mb to {largest}, or give the host {needed} MB for it"
        )
    return {
        "maxmemory_mb": chosen,
        "fork_headroom_mb": _headroom(chosen, persistence),
        "overhead_mb": _overhead(chosen),
        "total_mb": _total(chosen, persistence),
    }


def _users(users: list[dict[str, Any]]) -> Iterator[str]:
    """Yield what is wrong with names, patterns and commands."""
    names = [user["name"] for user in users]
    for name in dict.fromkeys(names):
        if not NAME.fullmatch(name) or name in RESERVED or names.count(name) > 1:
            yield (
                f"redis_users has the name {name}; use every name once, with letters, digits, dots, dashes and "
                "underscores, and neither default nor holdfast"
            )
    for user in users:
        for word in [*user.get("keys", []), *user.get("channels", [])]:
            if not word or re.search(r"[\s\0]", word):
                yield f"redis_users has {word!r} for {user['name']}; patterns have no spaces, list them one by one"
        for word in user.get("commands", []):
            parts = COMMAND.fullmatch(word)
            if not parts or (parts["category"] and parts["name"].lower() not in CATEGORIES):
                yield (
                    f"redis_users has the command {word!r} for {user['name']}; write +NAME, -NAME, +NAME|SUBCOMMAND, "
                    f"+@CATEGORY or -@CATEGORY, of the categories {', '.join(sorted(CATEGORIES))}"
                )


def _addresses(bind: list[str]) -> Iterator[str]:
    """Yield what is wrong with the addresses to listen on."""
    if not 1 <= len(bind) <= MOST_ADDRESSES:
        yield f"redis_bind has {len(bind)} addresses; give 1 to {MOST_ADDRESSES}, for example 127.0.0.1"
    plain = [address.removeprefix("-") for address in bind]
    for address in dict.fromkeys(plain):
        if plain.count(address) > 1:
            yield f"redis_bind has {address} twice; give it once"
        if address in ("*", "::*"):
            continue
        try:
            found = ipaddress.ip_address(address.split("%")[0])
        except ValueError:
            yield f"redis_bind has {address}; give addresses of this host"
            continue
        everything = EVERYTHING[found.version]
        wider = next((one for one in everything if one in plain and one != address), "")
        if wider:
            yield f"redis_bind has {address} beside {wider}, which holds it already; remove one of them"


def _numbers(options: Mapping[str, Any]) -> Iterator[str]:
    """Yield numbers that are out of their range."""
    bounds = [("redis_host_percent", options.get("redis_host_percent", 1), 1, 100)]
    for at, rule in enumerate(options.get("redis_snapshots", [])):
        bounds += [(f"redis_snapshots[{at}].{name}", rule[name], 1, LARGEST) for name in ("seconds", "changes")]
    for name, value, least, most in bounds:
        if not least <= value <= most:
            yield f"{name} is {value}; give a number from {least} to {most}"


def _setting(name: object, item: object) -> Iterator[str]:
    """Yield what makes a line of redis.conf unreadable."""
    text = str(item)
    if item is None or isinstance(item, (dict, list)) or re.search(r"[\r\n\0]", text):
        yield f"redis_settings.{name} is {item!r}; give text of one line, a number, true, false or a list of them"
    elif not text.strip():
        yield f"redis_settings.{name} is empty; write '\"\"' for an empty value, or remove it"
    elif len(re.sub(r"\\.", "", text).split('"')) % 2 == 0:
        yield f'redis_settings.{name} is {text!r}, with a quote that does not end; close it, or write it as \\"'


def _settings(settings: dict[str, Any], own: list[str]) -> Iterator[str]:
    """Yield settings that the role makes itself, or that Redis could not read."""
    lower = [str(name).lower() for name in settings]
    for name, value in settings.items():
        key = str(name).lower()
        if key in CURES or key in own:
            cure = CURES.get(key, "other parts of this role rely on it, so leave it out")
            yield f"redis_settings has {name}, which this role sets itself; {cure}"
        elif not re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*", str(name)):
            yield f"redis_settings has {name!r}, which is not the name of a directive; write one word"
        elif lower.count(key) > 1:
            yield f"redis_settings has {key} in two spellings; keep one"
        else:
            for item in value if isinstance(value, list) else [value]:
                yield from _setting(name, item)


def _past(past: Mapping[str, list[str]], host: str, settings: dict[str, Any]) -> Iterator[str]:
    """Yield what a redis.conf of somebody else has that would be lost."""
    kept = {str(name).lower() for name in settings}
    for name, cure in PAST.items():
        values = [value for value in past.get(name, []) if value not in ("", DEBIAN.get(name))]
        if values and name not in kept and not (name == "slaveof" and "replicaof" in kept):
            what = name if name in ("requirepass", "user") else " ".join([name, values[-1]])
            yield (
                f"/etc/redis/redis.conf of {host}, which Holdfast did not write, has `{what}` and would be replaced; "
                f"{cure}"
            )


def _memory(options: Mapping[str, Any], host_mb: int) -> Iterator[str]:
    """Yield what keeps the server from its memory."""
    maxmemory_mb, percent = options.get("redis_maxmemory_mb", 0), options.get("redis_host_percent", 100)
    try:
        redis_memory(host_mb, options.get("redis_persistence_enabled", False), maxmemory_mb, percent)
    except ValueError as problem:
        yield str(problem)


def redis_findings(
    options: Mapping[str, Any], facts: Mapping[str, Any], host: str, own: list[str], host_mb: int
) -> list[str]:
    """Return a sentence for everything that a server would refuse or lose; ``own`` are the directives of the role."""
    settings = options.get("redis_settings", {})
    found = [*_users(options.get("redis_users", [])), *([*_numbers(options)] or _memory(options, host_mb))]
    if "redis_bind" in options:
        found += _addresses(options["redis_bind"])
    found += [*_settings(settings, own), *_past(facts.get("redis", {}), host, settings)]
    return found


FilterModule = filter_module(redis_findings, redis_memory)
