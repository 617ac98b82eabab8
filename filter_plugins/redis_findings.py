"""Finds what a Redis server would refuse, and what a redis.conf that somebody else wrote has that would be lost."""

import ipaddress
import re
from collections.abc import Iterator
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


def _empty(given: dict[str, Any]) -> Iterator[str]:
    """Yield what is written without a value, which YAML takes for null."""
    names = {f"redis_{name}": value for name, value in given.items()}
    for name in ("users", "snapshots"):
        for at, entry in enumerate(given[name] or []):
            names |= {f"redis_{name}[{at}].{key}": value for key, value in entry.items()}
    for name, value in names.items():
        if value is None:
            yield f"{name} is empty; give it a value, or remove it"


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


def _numbers(given: dict[str, Any]) -> Iterator[str]:
    """Yield numbers that are out of their range."""
    bounds = [("redis_port", given["port"], 1, 65535), ("redis_host_percent", given["host_percent"], 1, 100)]
    for at, rule in enumerate(given["snapshots"]):
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


def redis_input_findings(given: dict[str, Any], own: list[str]) -> list[str]:
    """Return a sentence for everything that a server would refuse; ``own`` are the directives that the role sets."""
    if empty := [*_empty(given)]:
        return empty
    found = [*_users(given["users"]), *_addresses(given["bind"]), *_numbers(given)]
    lower = [str(name).lower() for name in given["settings"]]
    for name, value in given["settings"].items():
        key = str(name).lower()
        if key in CURES or key in own:
            cure = CURES.get(key, "other parts of this role rely on it, so leave it out")
            found.append(f"redis_settings has {name}, which this role sets itself; {cure}")
        elif not re.fullmatch(r"[A-Za-z][A-Za-z0-9._-]*", str(name)):
            found.append(f"redis_settings has {name!r}, which is not the name of a directive; write one word")
        elif lower.count(key) > 1:
            found.append(f"redis_settings has {key} in two spellings; keep one")
        else:
            for item in value if isinstance(value, list) else [value]:
                found += _setting(name, item)
    return found


def redis_past_findings(past: dict[str, list[str]], host: str, settings: dict[str, Any]) -> list[str]:
    """Return a sentence for everything in a redis.conf of somebody else that would be lost."""
    kept = {str(name).lower() for name in settings}
    found = []
    for name, cure in PAST.items():
        values = [value for value in past.get(name, []) if value not in ("", DEBIAN.get(name))]
        if values and name not in kept and not (name == "slaveof" and "replicaof" in kept):
            what = name if name in ("requirepass", "user") else " ".join([name, values[-1]])
            found.append(
                f"/etc/redis/redis.conf of {host}, which Holdfast did not write, has `{what}` and would be replaced; "
                f"{cure}"
            )
    return found


FilterModule = filter_module(redis_input_findings, redis_past_findings)
