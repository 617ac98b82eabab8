"""TCP endpoints of nginx as data: what cannot be served, and what every endpoint is with all it does not say."""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,23}")  # with nginx- in front it names a rule of the firewall
HOST = re.compile(r"[A-Za-z0-9.-]{1,253}")
RANGES = {
    "connect_timeout_seconds": (1, 86400),
    "idle_timeout_seconds": (1, 365 * 86400),
    "connection_limit": (0, 65535),
}
DEFAULTS: dict[str, Any] = {  # of nginx_streams[]
    "listen_addresses": [],
    "servers": [],
    "backup_servers": [],
    "postgresql": "none",
    "connect_timeout_seconds": 3,
    "idle_timeout_seconds": 3600,
    "connection_limit": 0,
}


def _endpoint(address: str, port: int) -> str:
    """Return address and port as nginx spells them, IPv6 in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _address(text: object) -> str:
    """Return an address as everybody spells it, or nothing; one of an interface alone nginx does not take."""
    try:
        return "" if "%" in str(text) else str(ipaddress.ip_address(str(text)))
    except ValueError:
        return ""


def name_findings(streams: list[dict[str, Any]], taken: list[str]) -> Iterator[str]:
    for name, times in Counter(stream["name"] for stream in streams).items():
        if times > 1 or name in taken or not NAME.fullmatch(name):
            yield (
                f"nginx_streams has the name {name}; use every name once, also among nginx_sites, "
                "with up to 24 lower-case letters, digits and dashes"
            )


def port_findings(streams: list[dict[str, Any]], taken: list[Any]) -> Iterator[str]:
    for stream in streams:
        if stream["port"] in taken:
            yield f"nginx_streams: {stream['name']} has port {stream['port']}, which nginx needs itself; choose another"
    for one, other in combinations(streams, 2):
        mine, theirs = (set(map(_address, each["listen_addresses"])) for each in (one, other))
        if one["port"] == other["port"] and (not mine or not theirs or mine & theirs):
            yield (
                f"nginx_streams: {one['name']} and {other['name']} both have port {one['port']}; "
                "give each a port, or listen_addresses, of its own"
            )


def pool_findings(stream: Mapping[str, Any], databases: list[dict[str, Any]]) -> Iterator[str]:
    servers, backup_servers, follows = stream["servers"], stream["backup_servers"], stream["postgresql"] != "none"
    if follows == bool(servers) or (follows and backup_servers):
        yield (
            f"has {len(servers)} servers, {len(backup_servers)} backup_servers and postgresql {stream['postgresql']}; "
            "list servers, or let it follow postgresql"
        )
    elif follows and not databases:
        yield f"follows the {stream['postgresql']} of PostgreSQL, but nginx_database_servers is empty; list servers"
    for server in sorted(set(servers) & set(backup_servers)):
        yield f"has {server} as a server and as its own backup; name it once"


def client_findings(stream: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with where it listens, for whom and for how long."""
    for address, times in Counter(_address(text) or str(text) for text in stream["listen_addresses"]).items():
        if times > 1 or not _address(address):
            yield f"listens on {address}; write an address of this host, and each once"
    if not stream["sources"]:
        yield "has no sources; name groups, addresses or networks, or public for everybody"
    for key, (least, most) in RANGES.items():
        if not least <= stream[key] <= most:
            yield f"has {key} {stream[key]}; give {least} to {most}"


def nginx_stream_findings(options: Mapping[str, Any], streams: list[dict[str, Any]]) -> list[str]:
    """Return one sentence for every endpoint that cannot be served; ``streams`` have addresses in place of groups."""
    given, databases = _given(streams), options.get("nginx_database_servers", [])
    findings = [*name_findings(given, [site["name"] for site in options.get("nginx_sites", [])])]
    findings += port_findings(given, [80, 443, options.get("nginx_status_port")])
    findings += [
        f"nginx_database_servers has the address {server['address']!r}; write that of the server, without its port"
        for server in databases
        if not _address(server["address"]) and not HOST.fullmatch(server["address"])
    ]
    for stream in given:
        of_stream = [*pool_findings(stream, databases), *client_findings(stream)]
        findings += [f"nginx_streams: {stream['name']} {finding}" for finding in of_stream]
    return findings


def _given(streams: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the streams in order of their names, each with every key."""
    if not isinstance(streams, list) or not all(isinstance(stream, Mapping) for stream in streams):
        raise TypeError(f"nginx_streams must be a list of mappings, got {type(streams).__name__}")
    said = ({key: value for key, value in stream.items() if value is not None} for stream in streams)
    return sorted(({**DEFAULTS, **stream} for stream in said), key=lambda stream: str(stream["name"]))


def pool_of(stream: Mapping[str, Any], databases: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the servers of an endpoint, and those that stand in for them.

    Every server of PostgreSQL takes connections, whatever it is: only the primary may be in the pool for writes.
    """
    if stream["postgresql"] == "none":
        return sorted(stream["servers"]), sorted(stream["backup_servers"])
    primaries = [_endpoint(server["address"], server["port"]) for server in databases if server["primary"]]
    others = sorted(_endpoint(server["address"], server["port"]) for server in databases if not server["primary"])
    if len(primaries) != 1:
        raise ValueError(
            f"nginx_streams: {stream['name']} follows PostgreSQL, but {len(primaries)} of its {len(databases)} servers "
            "are known to be the primary; run the playbook without --limit"
        )
    return (others, primaries) if stream["postgresql"] == "standbys" and others else (primaries, [])


def nginx_streams_complete(
    streams: list[dict[str, Any]], databases: list[dict[str, Any]] | None = None, ipv6: bool = True
) -> list[dict[str, Any]]:
    """Return the endpoints in order of their names, each with every key, and with what follows from them."""
    complete = []
    for stream in _given(streams):
        servers, backup_servers = pool_of(stream, databases or [])
        everywhere = [str(stream["port"]), *([f"[::]:{stream['port']}"] if ipv6 else [])]
        chosen = [_endpoint(address, stream["port"]) for address in stream["listen_addresses"]]
        public = "public" in stream["sources"]
        rules = [] if public else [*(f"allow {source}" for source in stream["sources"]), "deny all"]
        added = {"servers": servers, "backup_servers": backup_servers, "listen": chosen or everywhere, "access": rules}
        complete.append({**stream, **added, "id": str(stream["name"]).replace("-", "_")})
    return complete


def stream_ports(streams: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the ports of endpoints as the role offers them; what is no endpoint is a finding of the role."""
    return [
        {
            "name": f"nginx-{stream['name']}",
            "port": stream["port"],
            "set_by": f"the port of {stream['name']} in nginx_streams",
            "addresses": stream.get("listen_addresses") or ["*"],
            "listen_by": "nginx_streams",
            "sources": stream.get("sources") or [],
            "sources_by": "nginx_streams",
        }
        for stream in streams
        if isinstance(stream, Mapping) and {"name", "port"} <= set(stream)
    ]


FilterModule = filter_module(stream_ports, nginx_stream_findings, nginx_streams_complete)
