"""Says where the data of PostgreSQL is, and what is in the way of our cluster."""

from collections.abc import Iterator
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.clusters import (
    POSTGRESQL,
    data_directory,
    main_cluster,
)
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

Facts = dict[str, Any]
Request = dict[str, Any]
Entries = list[dict[str, Any]]
# What Debian's packages write, before 14 with md5.
USUAL_RULES = {
    "local all postgres peer",
    "local all all peer",
    "local replication all peer",
    *(
        f"host {database} all {address} {method}"
        for database in ("all", "replication")
        for address in ("127.0.0.1/32", "::1/128")
        for method in ("scram-sha-256", "md5")
    ),
}
CLOSED = ("/home", "/root", "/run/user")  # which ProtectHome= hides from the service
SHOWN = 3
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
REPLICATION_USER = "holdfast_replication"


def _number(cluster: dict[str, Any]) -> list[int]:
    return [int(part) for part in str(cluster["version"]).split(".")]


def postgresql_release(release: str) -> int:
    """Return the version of PostgreSQL that a release of Debian has. Others preflight refuses in words of its own."""
    return POSTGRESQL[release]


def postgresql_data(facts: Facts, version: int) -> str:
    """Return the directory of the data of cluster main, existing or to come."""
    if not isinstance(facts, dict) or isinstance(version, bool) or not isinstance(version, int):
        raise TypeError(f"facts must be a dict and version a number, got {facts!r} and {version!r}")
    return data_directory(facts, version)


def _moved(cluster: str, port: int) -> str:
    """Return the commands that give a cluster another port than ours."""
    return f"pg_conftool {cluster} set port {port + 1}; pg_ctlcluster {cluster} restart"


def _of_versions(facts: Facts, request: Request) -> Iterator[str]:
    """Say which cluster holds the data that ours does not have."""
    host, version = request["host"], request["version"]
    mains = [each for each in facts.get("clusters", []) if each["name"] == "main"]
    newer = [each["version"] for each in mains if _number(each) > [version]]
    older = [each["version"] for each in mains if _number(each) < [version]]
    if newer:
        there = [each["port"] for each in mains if each["version"] == newer[-1]]
        move = _moved(f"{newer[-1]} other", request["port"]) if request["port"] in there else ""
        yield (
            f"{host} has a cluster {newer[-1]}/main, which is newer than the PostgreSQL {version} of its release; take "
            f"the host out of group database, or leave its data aside, which a new cluster {version}/main has nothing "
            f"of: pg_renamecluster {newer[-1]} main other{move and '; ' + move}"
        )
    elif older and not main_cluster(facts, version):
        yield (
            f"{host} has its data in cluster {older[-1]}/main, which the PostgreSQL {version} of its release cannot "
            "read; take a backup, stop what writes to it and run there as root: apt-get install "
            f"postgresql-{version} && pg_upgradecluster -v {version} {older[-1]} main; if nothing of it is needed: "
            f"pg_dropcluster --stop {older[-1]} main"
        )


def _of_others(facts: Facts, request: Request) -> Iterator[str]:
    """Say which other cluster has our port."""
    version, port = request["version"], request["port"]
    for each in facts.get("clusters", []):
        here = f"{each['version']} {each['name']}"
        if here != f"{version} main" and each["port"] == port and (each["start"] == "auto"):
            yield (
                f"cluster {each['version']}/{each['name']} of {request['host']} has port {port}, as has "
                f"postgresql_port; set another postgresql_port, or run there: {_moved(here, port)}"
            )


def _of_cluster(cluster: dict[str, Any], request: Request) -> Iterator[str]:
    """Say why our cluster could not run, or would not after a boot."""
    where = f"cluster {cluster['version']}/main of {request['host']}"
    if cluster["start"] != "auto":
        yield (
            f"{where} does not start by itself; write auto instead of {cluster['start']} into "
            f"/etc/postgresql/{cluster['version']}/main/start.conf"
        )
    if any(cluster["data"].startswith(f"{folder}/") for folder in CLOSED):
        yield (
            f"{where} has its data in {cluster['data']}, where services see nothing (ProtectHome); move it, for "
            "example to /srv, and set data_directory in its postgresql.conf"
        )


def _of_access(facts: Facts, request: Request) -> Iterator[str]:
    """Say which rules of others would be replaced."""
    access = facts.get("access", {})
    rules = [rule for rule in access.get("rules", []) if rule not in USUAL_RULES]
    if not rules or access.get("kept"):
        return
    more = f" and {len(rules) - SHOWN} more" if len(rules) > SHOWN else ""
    file = f"/etc/postgresql/{request['version']}/main/pg_hba.conf"
    yield (
        f"pg_hba.conf of {request['host']} has rules that this run would replace ({', '.join(rules[:SHOWN])}{more}); "
        "write those that are still needed into postgresql_access, and then run there: "
        f"cp -p {file} {file}.before-holdfast"
    )


def _of_owners(facts: Facts, host: str, users: Entries, databases: Entries) -> Iterator[str]:
    """Say which databases of our names belong to somebody the inventory does not know."""
    known = {"postgres", *(user["name"] for user in users)}
    for database in databases:
        name = database["name"]
        owner = facts.get("owners", {}).get(name)
        if owner and owner not in known and database.get("state", "present") == "present":
            yield (
                f"database {name} of {host} belongs to {owner}, which is not in postgresql_users; add "
                f"{owner} there, or give it away: ALTER DATABASE {name} OWNER TO postgres"
            )


def _of_replication(options: dict[str, Any], host: str) -> Iterator[str]:
    """Say why the servers of a cluster could not reach each other."""
    users = options.get("postgresql_users")
    replicating = [user for user in users or [] if user["name"] == REPLICATION_USER and user.get("replication")]
    if users is not None and not any(user.get("password") for user in replicating):
        yield (
            f"postgresql_users has no role the standbys can connect as; add {{name: {REPLICATION_USER}, "
            "password: …, replication: true}"
        )
    if set(options["postgresql_listen_addresses"]) <= LOOPBACK:
        yield f"postgresql_listen_addresses has only localhost; add an address of {host}, for the other servers"


def _of_standbys(options: Request, host: str) -> Iterator[str]:
    """Say what the servers of a cluster lack to replicate."""
    hosts = {each["name"] for each in options["postgresql_replication_hosts"]}
    replicated = bool(options["postgresql_initial_primary"]) and len(options["postgresql_replication_hosts"]) > 1
    if replicated:
        yield from _of_replication(options, host)
    # Without replication nobody confirms anything: commits would count as safe that are on one host
    wanted, standbys = options["postgresql_synchronous_standbys"], len(hosts) - 1 if replicated else 0
    if wanted > standbys:
        yield f"postgresql_synchronous_standbys is {wanted}, but there are {standbys} standbys; lower it"


def _of_past(options: Request, server: Facts, host: str, version: int) -> Iterator[str]:
    """Say what is on the host already that is in the way."""
    request = {"host": host, "version": version, "port": options["postgresql_port"]}
    if found := [*_of_versions(server, request)]:
        yield from found  # what else is there changes with that
        return
    yield from _of_others(server, request)
    if cluster := main_cluster(server, version):
        yield from _of_cluster(cluster, request)
        yield from _of_access(server, request)
        if {"postgresql_users", "postgresql_databases"} <= set(options):
            yield from _of_owners(server, host, options["postgresql_users"], options["postgresql_databases"])


def postgresql_cluster_findings(options: Request, facts: Facts, host: str, version: int) -> list[str]:
    """Return one sentence, with the fix, for everything on the host or between hosts that is in our cluster's way."""
    if not isinstance(options, dict) or not isinstance(facts, dict):
        raise TypeError("options and facts must be dicts")
    return [*_of_past(options, facts.get("postgresql", {}), host, version), *_of_standbys(options, host)]


FilterModule = filter_module(postgresql_release, postgresql_data, postgresql_cluster_findings)
