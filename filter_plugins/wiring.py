"""What hosts of an inventory need to know of each other: who leads, who stands behind whom, who keeps whose backups."""

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.clusters import POSTGRESQL, data_directory
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

Host = Mapping[str, Any]

# hostvars hold what the inventory says and the facts, but no defaults of roles. A contract holds these against them.
ASSUMED: dict[str, Any] = {
    "backup_port": 8432,
    "backup_rpo_minutes": 60,
    "backup_stanza": "main",
    "nginx_certificate": "nginx",
    "postgresql_max_connections": 100,
    "postgresql_port": 5432,
    "postgresql_initial_primary": "",
}


def _value(host: Host, name: str) -> Any:
    """Return a variable of a host, or what its role has instead."""
    return host[name] if name in host else ASSUMED[name]


def _address(name: str, host: Host) -> str:
    if "host_address" not in host:
        raise ValueError(f"host_address of {name} is not set; give the address that the other hosts reach it at")
    return str(host["host_address"])


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _addresses(hosts: Mapping[str, Host]) -> list[dict[str, str]]:
    """Return hosts with the address that the others reach them at."""
    return [{"name": name, "address": _address(name, host)} for name, host in hosts.items()]


def _entries(name: str, host: Host, variable: str) -> list[Mapping[str, Any]]:
    """Return the mappings that a variable lists; preflight says more where --limit does not leave the host out."""
    entries = host.get(variable, [])
    if entries is None:
        return []
    if not isinstance(entries, (list, tuple)) or not all(isinstance(entry, Mapping) for entry in entries):
        raise ValueError(
            f"{variable} of {name} is no list of mappings, or refers to what is not defined; correct it there"
        )
    return list(entries)


def _endpoint_names(edges: Mapping[str, Host]) -> list[str]:
    """Return what clients call PostgreSQL at the edge, where TLS goes through to the certificate of the server."""
    names: list[str] = []
    for name, host in edges.items():
        if any("postgresql" in stream for stream in _entries(name, host, "nginx_streams")):
            names += [name, _address(name, host), *(host.get("floating_address_addresses") or [])]
    return names


def _site_names(edges: Mapping[str, Host]) -> list[str]:
    sites = [site for name, host in edges.items() for site in _entries(name, host, "nginx_sites")]
    return _unique(name for site in sites for name in site.get("server_names") or [])


def _certificates(edges: Mapping[str, Host]) -> list[str]:
    """Return the certificates that the edges name."""
    names = [_value(host, "nginx_certificate") for host in edges.values()]
    sites = [site for name, host in edges.items() for site in _entries(name, host, "nginx_sites")]
    return _unique([*names, *filter(None, (site.get("certificate") for site in sites))])


def _servers(databases: Mapping[str, Host]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "address": _address(name, host),
            "port": _value(host, "postgresql_port"),
            "max_connections": _value(host, "postgresql_max_connections"),
        }
        for name, host in databases.items()
    ]


def _backup_clients(databases: Mapping[str, Host], played: list[str]) -> list[dict[str, Any]]:
    """Return the servers whose backups are kept; those that this run leaves out (``--limit``) are deferred."""
    found = []
    for name, host in databases.items():
        client = {
            "name": name,
            "address": _address(name, host),
            "stanza": _value(host, "backup_stanza"),
            "port": _value(host, "postgresql_port"),
        }
        more = {"replicated": bool(_value(host, "postgresql_initial_primary")), "deferred": name not in played}
        found.append({**client, **{key: True for key, said in more.items() if said}})
    return found


def host_wiring(
    groups: Mapping[str, list[str]], hostvars: Mapping[str, Host], host: str, played: list[str]
) -> dict[str, Any]:
    """Return what a host has to know of the others, who leads apart: that is known when the servers have been asked."""
    if not isinstance(groups, Mapping) or host not in groups.get("all", []):
        raise TypeError(f"host_wiring takes the groups of an inventory and one of its hosts, got {host!r}")
    edge, database = list(groups.get("edge") or []), list(groups.get("database") or [])
    keeper = next(iter(groups.get("backup") or []), "")
    # A look into hostvars gathers all variables of a host, so that each is looked at once
    seen: dict[str, Host] = {name: hostvars[name] for name in _unique([*edge, *database, keeper]) if name}
    edges, databases = {name: seen[name] for name in edge}, {name: seen[name] for name in database}
    kept: Host = seen.get(keeper, {})
    first: Host = next(iter(databases.values()), {})
    return {
        "backup_clients": _backup_clients(databases, played),
        "backup_roles": ["repository"] * (host == keeper) + ["client"] * (host in databases),
        "database_hosts": _addresses(databases),
        "edge_certificates": _certificates(edges),
        "edge_hosts": _addresses(edges),
        "endpoint_names": _endpoint_names(edges),
        "other_site_names": _site_names({name: edge for name, edge in edges.items() if name != host}),
        "poolers": len(groups.get("pooler") or []) or 1,
        "replicated": len(databases) > 1 and bool(_value(first, "postgresql_initial_primary")),
        # Who keeps the backups of every database, and what it promises
        "repository": {"name": keeper, "address": _address(keeper, kept)} if keeper else {},
        "repository_port": _value(kept, "backup_port"),
        "repository_rpo_minutes": _value(kept, "backup_rpo_minutes"),
        "servers": _servers(databases),
    }


def server_data_paths(groups: Mapping[str, list[str]], hostvars: Mapping[str, Host]) -> dict[str, str]:
    """Return by address where the database hosts have their data, as each says itself, if it was asked."""
    paths = {}
    for name in groups.get("database") or []:
        facts = hostvars[name].get("ansible_facts") or {}
        if "postgresql" in facts:
            version = POSTGRESQL[facts["distribution_release"]]
            paths[_address(name, hostvars[name])] = data_directory(facts["postgresql"], version)
    return paths


def leader_findings(groups: Mapping[str, list[str]], host: str, played: list[str]) -> list[str]:
    """Return a sentence when a run leaves out every server that could tell a host which of them leads."""
    if set(groups.get("database") or []) & set(played):
        return []
    return [
        f"--limit leaves out every host of group database, and only they know which of them leads now; {host} follows "
        f"it, so add them: --limit {host},database"
    ]


def backup_release_findings(groups: Mapping[str, list[str]], hostvars: Mapping[str, Host], host: str) -> list[str]:
    """Return a sentence when a database host and the one that keeps its backups have different releases of Debian."""
    keeper = next(iter(groups.get("backup") or []), "")
    if not keeper or host not in (groups.get("database") or []):
        return []
    facts = [hostvars[name].get("ansible_facts") or {} for name in (host, keeper)]
    own, other = (each.get("distribution_release") or "" for each in facts)
    if not own or not other or own == other:
        return []
    return [
        f"{host} runs {own}, and {keeper}, which keeps its backups, {other}; their pgBackRest do not understand each "
        "other, so give both hosts the same release"
    ]


def database_leaders(groups: Mapping[str, list[str]], hostvars: Mapping[str, Host]) -> list[str]:
    """Return who leads, as far as the servers have been asked already."""
    clusters = [hostvars[name].get("postgresql_cluster_result") or {} for name in groups.get("database") or []]
    return _unique(cluster["primary"] for cluster in clusters if cluster.get("primary"))


def pooled_servers(wired: Mapping[str, Any], leaders: list[str]) -> list[dict[str, Any]]:
    """Return the servers behind poolers, who leads first: there a database is unless it says otherwise."""
    by_name = {server["name"]: server for server in wired["servers"]}
    names = _unique([*(name for name in leaders if name in by_name), *by_name])
    return [{key: value for key, value in by_name[name].items() if key != "name"} for name in names]


def endpoint_servers(wired: Mapping[str, Any], leaders: list[str]) -> list[dict[str, Any]]:
    """Return the servers behind endpoints of nginx. Without replication each is on its own, and the first is meant."""
    together = wired["replicated"]
    return [
        {
            "address": server["address"],
            "port": server["port"],
            "primary": not together or server["name"] in leaders,
        }
        for server in wired["servers"][: None if together else 1]
    ]


FilterModule = filter_module(
    backup_release_findings,
    database_leaders,
    endpoint_servers,
    host_wiring,
    leader_findings,
    pooled_servers,
    server_data_paths,
)
