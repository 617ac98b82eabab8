"""Where sites and endpoints of nginx lead: what cannot be an instance, and what is not there."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import is_address
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import LABEL

INSTANCE = r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>[0-9]{1,5})"
HOST = re.compile(
    rf"(?=.{{1,253}}$)({LABEL}\.)*(?=[0-9-]*[A-Za-z]){LABEL}"
)  # not 10.0.0.300: the last label has a letter
COOKIE = r"[A-Za-z0-9_]{1,100}"
MOST = 65535  # of ports, weights and idle connections
STANDARD_PORT = 3000  # of role app


def _parts(instance: object) -> tuple[str, int]:
    """Return host and port of an instance; no host when it is none."""
    found = re.fullmatch(INSTANCE, str(instance))
    if not found or not 1 <= int(found["port"]) <= MOST:
        return "", 0
    host = found["six"] or found["host"]
    fits = is_address(host) or (not found["six"] and HOST.fullmatch(host))
    return (host, int(found["port"])) if fits else ("", 0)


def instance_findings(servers: list[str]) -> Iterator[str]:
    for server in servers:
        if not _parts(server)[0]:
            yield f"has the server {server}; write address:port, IPv6 in brackets, the port from 1 to {MOST}"


def upstream_findings(upstream: Mapping[str, Any]) -> Iterator[str]:
    servers, kept_by = upstream.get("servers") or [], upstream.get("sticky_by") or "none"
    if not servers:
        yield "has no upstream.servers; give at least one"
    yield from instance_findings(servers)
    if not 1 <= (keepalive := upstream.get("keepalive") or 0 if "keepalive" in upstream else 1) <= MOST:
        yield f"has upstream.keepalive {keepalive}; give 1 to {MOST}"
    yield from weight_findings(servers, upstream.get("weights") or {}, kept_by)
    cookie = upstream.get("sticky_cookie") or ""
    if kept_by != "cookie" and cookie:
        yield f"has upstream.sticky_cookie {cookie} and upstream.sticky_by {kept_by}; set sticky_by to cookie"
    if kept_by == "cookie" and not re.fullmatch(COOKIE, cookie):
        yield (
            f"has upstream.sticky_by cookie and upstream.sticky_cookie {cookie!r}; "
            "name a cookie of letters, digits and _ that the application sets"
        )


def weight_findings(servers: list[str], weights: Mapping[str, Any], kept_by: str) -> Iterator[str]:
    for server, weight in weights.items():
        if server not in servers:
            yield f"has upstream.weights for {server}, which is not one of its servers; take it out"
        elif isinstance(weight, bool) or not isinstance(weight, int) or not 0 <= weight <= MOST:
            yield f"gives {server} the weight {weight!r}; give a whole number to {MOST}, 0 drains it"
        elif weight > 1 and kept_by != "none":
            yield (
                f"gives {server} the weight {weight} and has upstream.sticky_by {kept_by}; "
                "a weight would move clients from the server that keeps them, so give 0 to drain it, or nothing"
            )
    if servers and all(weights.get(server, 1) == 0 for server in servers):
        yield "drains all of its servers; leave one, or close the site with playbooks/maintenance.yml"


def nginx_upstream_findings(options: Mapping[str, Any]) -> list[str]:
    """Return one sentence for every upstream of a site, and server of an endpoint, that cannot be as it is written."""
    return [
        f"nginx_sites: {site['name']} {finding}"
        for site in options.get("nginx_sites", [])
        for finding in upstream_findings(site["upstream"])
    ] + [
        f"nginx_streams: {stream['name']} {finding}"
        for stream in options.get("nginx_streams", [])
        for key in ("servers", "backup_servers")
        for finding in instance_findings(stream.get(key) or [])
    ]


def nginx_pool(upstream: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the servers of a site's upstream, and those asked when all of these are out, as nginx writes them.

    A client that is kept by one server alone is not taken from it by a few failures. The others would lose their site
    to the requests of one client that servers drop: so all are asked once more when none is left.
    """
    weights, keeps = upstream.get("weights") or {}, upstream.get("sticky_by", "none") != "none"
    servers, fails = sorted(upstream["servers"]), 10 if keeps else 3
    shares = {0: " down", 1: ""}
    return {
        "servers": [
            f"{server} max_fails={fails} fail_timeout=5s{shares.get(weight, f' weight={weight}')}"
            for server in servers
            for weight in [weights.get(server, 1)]
        ],
        "last": [
            f"{server} max_fails=0 backup"
            for server in servers
            if weights.get(server, 1) > 0 and len(servers) > 1 and not keeps
        ],
    }


def _instances(sites: object, streams: object) -> Iterator[tuple[str, str, str, int]]:
    """Yield variable, name, host and port of every instance; what is no site or endpoint is somebody else's finding."""
    for variable, entries in (("nginx_sites", sites), ("nginx_streams", streams)):
        for entry in entries if isinstance(entries, list) else []:
            pool: Any = entry.get("upstream", entry) if isinstance(entry, Mapping) else None
            for key in ("servers", "backup_servers") if isinstance(pool, Mapping) else ():
                for server in pool.get(key) or []:
                    host, port = _parts(server)
                    if host:
                        yield variable, str(entry.get("name")), host, port


def nginx_upstream_names(sites: Any, streams: Any = None) -> list[str]:
    """Return the names that instances are given by, for the host to resolve; of anything odd nothing."""
    found = (host for _variable, _name, host, _port in _instances(sites, streams) if not is_address(host))
    return sorted({host.lower() for host in found})


def _is_served(app: Mapping[str, Any], port: int) -> bool:
    """Tell whether something answers on a port of an application host, or that nobody has looked."""
    if port == app.get("app_port", STANDARD_PORT) or "listening_ports" not in app.get("ansible_facts", {}):
        return True
    name = app.get("app_name", "")
    ours = {f"{name}{suffix}" for suffix in ("", "-candidate", "-previous")}
    held = [each for each in app["ansible_facts"]["listening_ports"] if each["port"] == port]
    return any(each.get("container") not in ours for each in held)


def nginx_reach_findings(
    sites: Any, streams: Any, host: str, resolved: Mapping[str, list[str]], apps: list[Mapping[str, Any]]
) -> list[str]:
    """Return one sentence, with its cure, for everything that sites lead to and that is not there."""
    findings = []
    by_address = {app[key]: app for app in apps for key in ("host_address", "host_address6") if key in app}
    for variable, name, target, port in _instances(sites, streams):
        if resolved.get(target.lower()) == []:
            findings.append(
                f"{variable}: {name} leads to {target}, which {host} cannot resolve, "
                "and nginx does not start like this; write the address, or make the name known there"
            )
        app = by_address.get(target)
        if variable == "nginx_sites" and app and not _is_served(app, port):
            own, shown = app.get("app_port", STANDARD_PORT), f"[{target}]" if ":" in target else target
            findings.append(
                f"nginx_sites: {name} leads to {shown}:{port}, where nothing of {app['inventory_hostname']} listens, "
                f"its app_port is {own}; write {shown}:{own}"
            )
    return list(dict.fromkeys(findings))


FilterModule = filter_module(nginx_upstream_findings, nginx_pool, nginx_upstream_names, nginx_reach_findings)
