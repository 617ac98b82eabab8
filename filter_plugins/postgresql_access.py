"""Writes the lines of pg_hba.conf and refuses rows that would let somebody in without proof or in clear text."""

import ipaddress
import re
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import Network
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module, findings_of

KEYS = ("type", "database", "user", "address", "method", "options")
TYPES = ("local", "host", "hostssl", "hostnossl")
METHODS = ("scram-sha-256", "cert", "peer", "reject")
CURES = {
    "trust": "it lets everybody in; use peer on the local socket, scram-sha-256 otherwise",
    "md5": "it accepts weak hashes; use scram-sha-256",
    "password": "it sends the password in clear text; use scram-sha-256",
    "ident": "it believes the client's host; use cert or scram-sha-256",
}
UNCLEAR = ("sameuser", "samerole", "samegroup")  # what they mean depends on who connects; names can be proven
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PLAIN = re.compile(r"[A-Za-z0-9_.:/=-]+")


def _names(row: dict[str, Any], key: str, where: str) -> str:
    """Return the databases or users of a row, quoted where PostgreSQL needs it."""
    value = row.get(key)
    names = value if isinstance(value, list) else [value]
    if not names:
        raise ValueError(f"{where}: {key} is an empty list; name at least one")
    return ",".join(_name(name, key, where) for name in names)


def _name(name: object, key: str, where: str) -> str:
    """Return one name, quoted where PostgreSQL needs it."""
    if not isinstance(name, str) or not name or re.search(r'["\x00-\x1f]', name):
        raise ValueError(f"{where}: {key} must be a name without quotes or control characters, got {name!r}")
    if name[0] in "/@" or (key == "database" and name in UNCLEAR):
        raise ValueError(f"{where}: {key} {name!r} names a pattern, a keyword or a file; list the names")
    group = "+" if key == "user" and name.startswith("+") else ""
    bare = name.removeprefix(group)
    return group + (bare if NAME.fullmatch(bare) else f'"{bare}"')


def _address(row: dict[str, Any], where: str) -> str:
    """Return the address column: empty for the socket, otherwise a network or ``all``."""
    kind, address = row["type"], row.get("address")
    if kind == "local":
        if address is not None:
            raise ValueError(f"{where}: a local row has no address, got {address!r}; remove it")
        return ""
    network = None if address == "all" else _network(address, where)
    if kind == "host" and not (network and network.is_loopback) and row["method"] != "reject":
        raise ValueError(f"{where}: type host would accept {address} without TLS; use hostssl")
    return str(network or "all")


def _network(address: object, where: str) -> Network:
    """Return a network; names would be looked up at each connection, and an interface's network may change."""
    if not isinstance(address, str):
        raise TypeError(f"{where}: address must be a network as text, got {address!r}")
    try:
        return ipaddress.ip_network(address)
    except ValueError as error:
        raise ValueError(f"{where}: address {address!r} is not a network such as 10.0.0.0/24: {error}") from None


def _check_method(row: dict[str, Any], where: str) -> None:
    """Refuse an unsafe method and a method that does not go with the type."""
    kind, method = row.get("type"), row.get("method")
    if kind not in TYPES:
        raise ValueError(f"{where}: type must be one of {', '.join(TYPES)}, got {kind!r}")
    if method not in METHODS:
        cure = CURES.get(str(method), f"use one of {', '.join(METHODS)}")
        raise ValueError(f"{where}: method {method!r} is refused: {cure}")
    if method == "peer" and kind != "local":
        raise ValueError(f"{where}: method peer works on type local only, got {kind}; use scram-sha-256")
    if method == "cert" and kind != "hostssl":
        raise ValueError(f"{where}: method cert works on type hostssl only, got {kind}; use hostssl")
    if kind == "hostnossl" and method != "reject":
        raise ValueError(f"{where}: type hostnossl would accept clear text; use hostssl, or method reject")


def _options(row: dict[str, Any], where: str) -> list[str]:
    """Return the options as name=value, sorted."""
    options = row.get("options", {})
    if not isinstance(options, dict):
        raise TypeError(f"{where}: options must be a dict, got {type(options).__name__}")
    for name, value in options.items():
        if not isinstance(value, str) or not NAME.fullmatch(str(name)) or not PLAIN.fullmatch(value):
            raise ValueError(f"{where}: option {name} must be a name with plain text, got {value!r}")
    if "clientcert" in options and row["type"] != "hostssl":
        raise ValueError(f"{where}: option clientcert works on type hostssl only, got {row['type']}; use hostssl")
    return [f"{name}={options[name]}" for name in sorted(options)]


def postgresql_hba(rows: list[dict[str, Any]]) -> list[str]:
    """Return the checked rows of pg_hba.conf as lines, in the order given: the first that matches decides."""
    if not isinstance(rows, list):
        raise TypeError(f"rows must be a list, got {type(rows).__name__}")
    return [_line(row, f"row {number}") for number, row in enumerate(rows, start=1)]


def _line(row: dict[str, Any], where: str) -> str:
    """Return one row as a line."""
    if not isinstance(row, dict):
        raise TypeError(f"{where} must be a dict, got {type(row).__name__}")
    if unknown := sorted(map(str, set(row) - set(KEYS))):
        raise ValueError(f"{where}: {', '.join(unknown)} is not a key; use {', '.join(KEYS)}")
    _check_method(row, where)
    columns = [str(row["type"]), _names(row, "database", where), _names(row, "user", where), _address(row, where)]
    return " ".join([*filter(None, columns), str(row["method"]), *_options(row, where)])


def postgresql_access_rows(access: list[dict[str, Any]], groups: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Return a row per network of each entry, in order; a source is a network or the name of a group of them."""
    rows = []
    for number, entry in enumerate(access):
        where = f"postgresql_access[{number}]"
        if not isinstance(entry, dict):
            raise TypeError(f"{where} must be a dict, got {type(entry).__name__}")
        addresses = [address for source in entry["sources"] for address in groups.get(source, [source])]
        networks = list(dict.fromkeys(_network(address, where) for address in addresses))
        rows += [
            {
                "type": "hostssl",
                "database": list(entry["databases"]),
                "user": list(entry["users"]),
                "address": str(network),
                "method": str(entry.get("method") or "scram-sha-256"),
            }
            for network in networks
            if not any(_lies_in(network, other) for other in networks)
        ]
    return rows


def _lies_in(network: Network, other: Network) -> bool:
    """Tell whether a network is a part of another one, which then stands for it."""
    return network != other and network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]


def postgresql_access_findings(access: list[dict[str, Any]], groups: dict[str, list[str]]) -> list[str]:
    """Return why the entries cannot become rows of pg_hba.conf, in one sentence."""
    return findings_of(lambda: postgresql_hba(postgresql_access_rows(access, groups)))


FilterModule = filter_module(postgresql_hba, postgresql_access_rows, postgresql_access_findings)
