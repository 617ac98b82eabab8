"""Which stanzas of pgBackRest can be asked now, and the files that describe their servers."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

Entry = dict[str, Any]


def backup_stanzas(clients: list[dict[str, Any]], present: list[str]) -> dict[str, list[str]]:
    """Tell the stanzas that can be asked now, all that are kept, and those that wait for a host of a later run."""
    if not isinstance(clients, list) or not isinstance(present, list):
        raise TypeError("backup_stanzas takes the clients and the stanzas of the repository, two lists")
    wanted = {client["stanza"] for client in clients}
    asked = {client["stanza"] for client in clients if not client.get("deferred")}
    kept = asked | wanted & set(present)
    return {"asked": sorted(asked), "kept": sorted(kept), "deferred": sorted(wanted - kept)}


def _clusters(clients: list[Entry], roles: list[str], own: Entry) -> dict[str, list[Entry]]:
    """Return the servers of each stanza that this host describes; a server without address is this host."""
    here = {"port": own["port"]}
    if "repository" not in roles:
        return {own["stanza"]: [here]}
    clusters: dict[str, list[Entry]] = {}
    for client in clients:
        clusters.setdefault(client["stanza"], []).append(client)
    if "client" in roles and own["stanza"] in clusters:
        servers = clusters[own["stanza"]]
        others = [server for server in servers if server["name"] != own["name"]] if len(servers) > 1 else []
        clusters[own["stanza"]] = [here, *others]
    return dict(sorted(clusters.items()))


def backup_cluster_files(clients: list[Entry], roles: list[str], own: Entry, file: Entry) -> list[Entry]:
    """Return a file per cluster: on a client its own, on the repository host those of all clients."""
    if not isinstance(clients, list) or not isinstance(own, dict):
        raise TypeError("backup_cluster_files takes the clients, a list, and name, stanza and port of this host")
    return [
        {
            **file,
            "dest": f"{file['dest']}/{stanza}.conf",
            "vars": {name: {"stanza": stanza, "servers": servers} for name in file["vars"]},
        }
        for stanza, servers in _clusters(clients, roles, own).items()
    ]


FilterModule = filter_module(backup_stanzas, backup_cluster_files)
