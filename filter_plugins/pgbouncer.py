"""Divides the connections of PostgreSQL servers between the pools of pgbouncer."""

import re
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module, findings_of
from ansible_collections.holdfast.platform.plugins.plugin_utils.numbers import whole

SERVER_KEYS = {"address", "port", "max_connections"}
DATABASE_KEYS = {"name", "database", "server", "pool_mode", "pool_size", "users"}
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
MODES = ("transaction", "session")
LOGIN = 1  # connection of the role that looks up users: without one of its own it would wait for the others
RESERVE_FLOOR = 10
CLIENTS_PER_CONNECTION = 10
FILES_FLOOR = 4096
KB_PER_CONNECTION = 64
PROGRAM_MB = 16


def _entries(entries: object, what: str, keys: set[str]) -> list[dict[str, Any]]:
    """Return a checked, non-empty list of mappings."""
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{what} must be a list with at least one entry, got {entries!r}")
    for entry in entries:
        if not isinstance(entry, dict) or not set(entry) <= keys:
            raise ValueError(f"an entry of {what} has the keys {', '.join(sorted(keys))}, got {entry!r}")
    return entries


def _servers(servers: object) -> dict[str, dict[str, Any]]:
    """Return the servers by address, in the order given."""
    read: dict[str, dict[str, Any]] = {}
    for entry in _entries(servers, "pgbouncer_servers", SERVER_KEYS):
        address = str(entry.get("address", ""))
        if not re.fullmatch(r"[A-Za-z0-9.:_-]+", address) or address in read:
            raise ValueError(f"pgbouncer_servers has the address {address!r}; give every server one of its own")
        read[address] = {
            "port": whole(entry.get("port", 5432), f"port of {address}", 1),
            "max_connections": whole(entry.get("max_connections"), f"max_connections of {address}", 1),
        }
    return read


def _databases(databases: object, servers: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the databases with everything filled in that is not computed."""
    read: list[dict[str, Any]] = []
    for entry in _entries(databases, "pgbouncer_databases", DATABASE_KEYS):
        name, server = str(entry.get("name", "")), str(entry.get("server") or next(iter(servers)))
        database, mode = str(entry.get("database") or name), str(entry.get("pool_mode") or "")
        if name == "pgbouncer" or name in [other["name"] for other in read] or not NAME.fullmatch(name):
            raise ValueError(
                f"pgbouncer_databases has the name {name!r}; use every name once, with letters, digits, dots, dashes "
                "and underscores, and not pgbouncer, which is the console"
            )
        if not NAME.fullmatch(database) or mode not in ("", *MODES):
            raise ValueError(
                f"pgbouncer_databases: {name} has database {database!r} and pool_mode {mode!r}; correct them"
            )
        if server not in servers:
            raise ValueError(
                f"pgbouncer_databases: {name} is on server {server}, pgbouncer_servers has {', '.join(servers)}; "
                "add it there"
            )
        users = whole(entry.get("users", 1), f"users of {name}", 1)
        size = whole(entry.get("pool_size", 0), f"pool_size of {name}", 0)
        read.append(
            {"name": name, "database": database, "server": server, "pool_mode": mode, "users": users, "size": size}
        )
    return read


def _reserve(reserve: int, max_connections: int) -> int:
    """Return what stays for administration, backups and superusers: 15 %, at least 10, unless it is given."""
    return reserve or max(RESERVE_FLOOR, -(-max_connections * 15 // 100))


def _cures(pools: list[dict[str, Any]], needed: int, limit: int, given: int, instances: int) -> str:
    """Return what makes the pools of a server fit: as far as it can be done, each of it alone."""
    over = needed - limit
    excess = -(-over // instances)
    cures = [f"raise postgresql_max_connections to {needed}"]
    if given > over:  # 0 would be 15 %
        cures.insert(0, f"lower pgbouncer_reserved_connections by {over}")
    if sum(pool["size"] - pool["users"] for pool in pools) >= excess:
        cures.insert(0, f"lower the sum of pool_size by {excess}")
    return ", or ".join(cures)


def _fill(pools: list[dict[str, Any]], address: str, limit: int, given_reserve: int, instances: int) -> str:
    """Give the pools of one server their sizes, and return the sum as a sentence; refuse what is too much."""
    reserve = _reserve(given_reserve, limit)
    unset = [pool for pool in pools if not pool["size"]]
    given = sum(pool["size"] for pool in pools)
    left = (limit - reserve) // instances - given - LOGIN * len(pools)
    for index, pool in enumerate(unset):
        share = left // len(unset) + (index < left % len(unset))
        pool["size"] = max(share, pool["users"])
    total = sum(pool["size"] + LOGIN for pool in pools)
    needed = instances * total + reserve
    terms = " + ".join(f"{pool['name']} {pool['size']} + {LOGIN}" for pool in pools)
    sentence = f"{address}: {instances} x ({terms}) + {reserve} reserved = {needed}"
    for pool in pools:
        if pool["size"] < pool["users"]:
            raise ValueError(
                f"pool_size of {pool['name']} is {pool['size']}, its {pool['users']} users need one connection each; "
                f"raise it to {pool['users']}"
            )
    if needed > limit:
        raise ValueError(
            f"pgbouncer_databases needs too many connections of {sentence}, max_connections is {limit}; "
            + _cures(pools, needed, limit, given_reserve, instances)
        )
    return f"{sentence} of {limit} connections"


def _entry(pool: dict[str, Any], server: dict[str, Any]) -> dict[str, Any]:
    """Return a database as pgbouncer counts: the pool of one user, and all connections."""
    return {
        "name": pool["name"],
        "database": pool["database"],
        "host": pool["server"],
        "port": server["port"],
        "pool_mode": pool["pool_mode"],
        "pool_size": pool["size"] // pool["users"],
        "max_db_connections": pool["size"] + LOGIN,
    }


def pgbouncer_budget(
    databases: list[dict[str, Any]],
    servers: list[dict[str, Any]],
    instances: int = 1,
    reserve: int = 0,
    max_clients: int = 0,
) -> dict[str, Any]:
    """Return the pools of one pooler, and what it needs; the sum over all poolers never exceeds a server."""
    known = _servers(servers)
    pools = sorted(_databases(databases, known), key=lambda pool: str(pool["name"]))
    instances = whole(instances, "pgbouncer_instances", 1)
    reserve = whole(reserve, "pgbouncer_reserved_connections", 0)
    limits = {pool["server"]: known[pool["server"]]["max_connections"] for pool in pools}
    reasons = []
    for address, limit in sorted(limits.items()):
        here = [pool for pool in pools if pool["server"] == address]
        reasons.append(_fill(here, address, limit, reserve, instances))
    connections = sum(pool["size"] + LOGIN for pool in pools)
    clients = whole(max_clients, "pgbouncer_max_clients", 0)
    clients = clients or max(2 * sum(limits.values()), CLIENTS_PER_CONNECTION * connections)
    return {
        "databases": [_entry(pool, known[pool["server"]]) for pool in pools],
        "max_client_conn": clients,
        "open_files": max(FILES_FLOOR, 1 << (2 * (clients + connections) - 1).bit_length()),
        "memory_mb": PROGRAM_MB + -(-(clients + connections) * KB_PER_CONNECTION // 1024),
        "reasons": [*reasons, f"max_client_conn {clients}: clients share {connections} connections"],
    }


def pgbouncer_budget_findings(options: dict[str, Any]) -> list[str]:
    """Return why the pools that the options of the role ask for do not fit, in one sentence."""
    if not isinstance(options, dict):
        raise TypeError(f"options must be a dict, got {type(options).__name__}")
    if not {"pgbouncer_databases", "pgbouncer_servers"} <= set(options):  # they are required, and missed elsewhere
        return []
    numbers = ("instances", "reserved_connections", "max_clients")
    return findings_of(
        pgbouncer_budget,
        options["pgbouncer_databases"],
        options["pgbouncer_servers"],
        *(options[f"pgbouncer_{name}"] for name in numbers),
    )


FilterModule = filter_module(pgbouncer_budget, pgbouncer_budget_findings)
