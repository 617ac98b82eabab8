"""What pgBackRest would refuse of the backup role's variables, and which of its stanzas can be asked now."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import is_address
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.numbers import SLACK_SECONDS

STANZA = re.compile(r"(?!global$)[A-Za-z0-9_][A-Za-z0-9._-]{0,62}")
NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?")
DATABASE = re.compile(r"[^\x00-\x1f]{1,63}")
LONGEST_NAME = 253  # of a host
MOST_PROCESSES = 999  # process-max
MOST_DAYS = 9999999  # repo-retention-full


def _is_place(text: str) -> bool:
    return is_address(text) or (len(text) <= LONGEST_NAME and bool(NAME.fullmatch(text)))


def stanza_finding(host: str, stanza: str) -> list[str]:
    if STANZA.fullmatch(stanza):
        return []
    return [
        f"backup_stanza of {host} is {stanza!r}; name it with at most 63 letters, digits, _, - and dots, not global, "
        "and begin with none of the last two"
    ]


def number_findings(values: dict[str, Any]) -> Iterator[str]:
    """Compare numbers with the bounds of pgBackRest and PostgreSQL, and with each other."""
    for name, most in (("retention_days", MOST_DAYS), ("processes", MOST_PROCESSES)):
        if not 1 <= values[name] <= most:
            yield f"backup_{name} is {values[name]}; give 1 to {most}"
    wait, minutes = values["archive_timeout_seconds"], values["rpo_minutes"]
    if wait < 1:
        yield f"backup_archive_timeout_seconds is {wait}, and nothing would be archived in time; give 1 or more"
    elif wait + SLACK_SECONDS > minutes * 60:
        least = -(-(wait + SLACK_SECONDS) // 60)
        lower = f"lower backup_archive_timeout_seconds to {minutes * 60 - SLACK_SECONDS}, or " * (minutes > 1)
        yield (
            f"backup_rpo_minutes is {minutes}, but WAL is archived every {wait + SLACK_SECONDS} s at the latest; "
            f"{lower}raise backup_rpo_minutes to {least}"
        )


def place_findings(variable: str, place: dict[str, Any]) -> Iterator[str]:
    """Look at the name and the address of one end of a connection."""
    if not _is_place(place["name"]):
        yield f"{variable} has the name {place['name']!r}; use letters, digits, _, - and dots, as in a host name"
    if not _is_place(place["address"]):
        yield f"{variable} has the address {place['address']!r}; give an address or a host name"


def client_findings(clients: list[dict[str, Any]]) -> Iterator[str]:
    """Look at the database hosts: the servers of a replicated cluster share a stanza, others must not."""
    for client in clients:
        yield from place_findings("backup_clients", client)
        yield from stanza_finding(client["name"], client["stanza"])
    for name, times in Counter(client["name"] for client in clients).items():
        if times > 1:
            yield f"backup_clients has {name} twice; name each database host once"
    alone = [client["stanza"] for client in clients if not client.get("replicated")]
    shared = {client["stanza"] for client in clients if client.get("replicated")}
    for stanza in sorted({stanza for stanza in alone if alone.count(stanza) > 1 or stanza in shared}):
        hosts = " and ".join(client["name"] for client in clients if client["stanza"] == stanza)
        yield f"backup_clients uses a stanza twice, {stanza} of {hosts}; give every cluster its own backup_stanza"


def query_findings(queries: list[dict[str, Any]], stanzas: set[str]) -> Iterator[str]:
    for at, query in enumerate(queries):
        name = f"backup_restore_test_queries[{at}]"
        if query.get("stanza") is not None and query["stanza"] not in stanzas:
            known = ", ".join(sorted(stanzas))
            yield f"{name}.stanza is {query['stanza']!r}, the stanzas are {known}; name one of them, or none for all"
        if not DATABASE.fullmatch(query["database"]):
            yield f"{name}.database is {query['database']!r}; name a database"
        if not query["query"].strip() or "\0" in query["query"]:
            yield f"{name}.query is empty; write SQL that returns one whole number"
        if query["minimum"] < 0:
            yield f"{name}.minimum is {query['minimum']}; give 0 or more"


def backup_findings(values: dict[str, Any], host: str) -> list[str]:
    """Return what is wrong with the variables of role backup, given without their prefix."""
    if not isinstance(values, dict) or not isinstance(host, str):
        raise TypeError("backup_findings takes the variables of the role, a mapping, and the name of the host")
    sides, clients, repository = values["sides"], values["clients"], values["repository"]
    found = [] if sides else ["backup_roles is empty; say repository, client or both"]
    found += number_findings(values)
    if re.search(r"[\x00-\x1f\x7f]|^\s|\s$", values["passphrase"]):
        found.append(
            "backup_passphrase has a line break or a blank at one end, which pgBackRest cannot read; take it out"
        )
    if "client" in sides:
        found += stanza_finding(host, values["stanza"])
    if "client" in sides and "repository" not in sides:
        if not repository.get("name") or not repository.get("address"):
            found.append("backup_repository is incomplete; a client needs the name and address of the repository host")
        else:
            found += place_findings("backup_repository", repository)
    if "repository" in sides:
        if not clients:
            found.append(
                "backup_clients is empty; a repository needs the name, address and stanza of at least one database host"
            )
        found += client_findings(clients)
        found += query_findings(values["restore_test_queries"], {client["stanza"] for client in clients})
    return list(dict.fromkeys(found))


def backup_stanzas(clients: list[dict[str, Any]], present: list[str]) -> dict[str, list[str]]:
    """Tell the stanzas that can be asked now, all that are kept, and those that wait for a host of a later run."""
    if not isinstance(clients, list) or not isinstance(present, list):
        raise TypeError("backup_stanzas takes the clients and the stanzas of the repository, two lists")
    wanted = {client["stanza"] for client in clients}
    asked = {client["stanza"] for client in clients if not client.get("deferred")}
    kept = asked | wanted & set(present)
    return {"asked": sorted(asked), "kept": sorted(kept), "deferred": sorted(wanted - kept)}


FilterModule = filter_module(backup_findings, backup_stanzas)
