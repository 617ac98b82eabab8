"""Refuses what pgBackRest, or a repository that is there, could not work with in the options of role backup."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import is_address
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.numbers import SLACK_SECONDS

STANZA = re.compile(r"(?!global$)[A-Za-z0-9_][A-Za-z0-9._-]{0,62}")
NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?")
DATABASE = re.compile(r"[^\x00-\x1f]{1,63}")
LONGEST_NAME = 253  # of a host
MOST_PROCESSES = 999  # process-max
MOST_DAYS = 9999999  # repo-retention-full
MAGIC = b"Salted__"
CLEAR = b"[backrest]\n"  # how the first file of each stanza begins
KEY_BYTES, BLOCK_BYTES = 32, 16
# Below the repository, so that it works on a disk of its own too; pgBackRest looks at archive and backup alone
ASIDE = "cd /var/lib/pgbackrest && mkdir old && mv archive backup holdfast-stanzas old"


def _is_place(text: str) -> bool:
    return is_address(text) or (len(text) <= LONGEST_NAME and bool(NAME.fullmatch(text)))


def _stanza(host: str, stanza: str) -> Iterator[str]:
    if not STANZA.fullmatch(stanza):
        yield (
            f"backup_stanza of {host} is {stanza!r}; name it with at most 63 letters, digits, _, - and dots, not "
            "global, and begin with neither - nor a dot"
        )


def _numbers(options: dict[str, Any]) -> Iterator[str]:
    """Compare numbers with the bounds of pgBackRest and PostgreSQL, and with each other."""
    for name, most in (("backup_retention_days", MOST_DAYS), ("backup_processes", MOST_PROCESSES)):
        if not 1 <= options[name] <= most:
            yield f"{name} is {options[name]}; give 1 to {most}"
    wait, minutes = options["backup_archive_timeout_seconds"], options["backup_rpo_minutes"]
    if wait < 1:
        yield f"backup_archive_timeout_seconds is {wait}, and nothing would be archived in time; give 1 or more"
    elif wait + SLACK_SECONDS > minutes * 60:
        least = -(-(wait + SLACK_SECONDS) // 60)
        lower = f"lower backup_archive_timeout_seconds to {minutes * 60 - SLACK_SECONDS}, or " * (minutes > 1)
        yield (
            f"backup_rpo_minutes is {minutes}, but WAL is archived every {wait + SLACK_SECONDS} s at the latest; "
            f"{lower}raise backup_rpo_minutes to {least}"
        )


def _place(variable: str, place: dict[str, Any]) -> Iterator[str]:
    """Look at the name and the address of one end of a connection."""
    if not _is_place(place["name"]):
        yield f"{variable} has the name {place['name']!r}; use letters, digits, _, - and dots, as in a host name"
    if not _is_place(place["address"]):
        yield f"{variable} has the address {place['address']!r}; give an address or a host name"


def _clients(clients: list[dict[str, Any]]) -> Iterator[str]:
    """Look at the database hosts: the servers of a replicated cluster share a stanza, others must not."""
    for client in clients:
        yield from _place("backup_clients", client)
        yield from _stanza(client["name"], client["stanza"])
    for name, times in Counter(client["name"] for client in clients).items():
        if times > 1:
            yield f"backup_clients has {name} twice; name each database host once"
    alone = [client["stanza"] for client in clients if not client.get("replicated")]
    shared = {client["stanza"] for client in clients if client.get("replicated")}
    for stanza in sorted({stanza for stanza in alone if alone.count(stanza) > 1 or stanza in shared}):
        hosts = " and ".join(client["name"] for client in clients if client["stanza"] == stanza)
        yield f"backup_clients uses a stanza twice, {stanza} of {hosts}; give every cluster its own backup_stanza"


def _queries(queries: list[dict[str, Any]], stanzas: set[str]) -> Iterator[str]:
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


def key_of(passphrase: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """Return key and first block as OpenSSL derives them (EVP_BytesToKey with SHA-1, once), which pgBackRest uses."""
    found = digest = b""
    while len(found) < KEY_BYTES + BLOCK_BYTES:
        digest = hashlib.sha1(digest + passphrase + salt, usedforsecurity=False).digest()
        found += digest
    return found[:KEY_BYTES], found[KEY_BYTES : KEY_BYTES + BLOCK_BYTES]


def opens(head: bytes, passphrase: str) -> bool:
    """Tell whether a passphrase opens a file, by its first block."""
    key, start = key_of(passphrase.encode(), head[len(MAGIC) : BLOCK_BYTES])
    decryptor = Cipher(algorithms.AES(key), modes.CBC(start)).decryptor()
    return decryptor.update(head[BLOCK_BYTES : 2 * BLOCK_BYTES]).startswith(CLEAR)


def _passphrase(passphrase: str) -> Iterator[str]:
    if re.search(r"[\x00-\x1f\x7f]|^\s|\s$", passphrase):
        yield "backup_passphrase has a line break, or a space at one end, which pgBackRest cannot read; take it out"


def _of_client(options: dict[str, Any], host: str) -> Iterator[str]:
    """Look at what a database host needs."""
    yield from _stanza(host, options["backup_stanza"])
    repository = options["backup_repository"]
    if "repository" in options["backup_roles"]:
        return
    if not repository.get("name") or not repository.get("address"):
        yield "backup_repository is incomplete; a client needs the name and address of the repository host"
    else:
        yield from _place("backup_repository", repository)


def _of_repository(options: dict[str, Any]) -> Iterator[str]:
    """Look at what a repository host needs."""
    clients = options["backup_clients"]
    if not clients:
        yield "backup_clients is empty; a repository needs the name, address and stanza of at least one database host"
    yield from _clients(clients)
    yield from _queries(options["backup_restore_test_queries"], {client["stanza"] for client in clients})


def _there(repository: dict[str, str], passphrase: str, host: str) -> Iterator[str]:
    """Say why a repository that is there cannot be gone on with; ``repository`` is how its stanzas begin, in hex."""
    heads = {stanza: bytes.fromhex(head) for stanza, head in sorted(repository.items())}
    clear = [stanza for stanza, head in heads.items() if head.startswith(CLEAR)]
    closed = [
        stanza
        for stanza, head in heads.items()
        if len(head) == 2 * BLOCK_BYTES and head.startswith(MAGIC) and not opens(head, passphrase)
    ]
    aside = f"to keep those and begin a new repository, run as root on {host}: {ASIDE}"
    if closed:
        yield (
            f"backup_passphrase does not open the backups that {host} has ({', '.join(closed)}); bring back the one "
            f"they were made with, or, {aside}; they can be read with their own passphrase only, so keep that too"
        )
    if clear:
        yield (
            f"the backups that {host} has ({', '.join(clear)}) are not encrypted, and backup_passphrase wants them so; "
            f"{aside}"
        )


def backup_findings(options: dict[str, Any], facts: dict[str, Any], host: str) -> list[str]:
    """Return one sentence, with the fix, for everything in the options of the role that cannot work on this host."""
    if not isinstance(options, dict) or not isinstance(facts, dict):
        raise TypeError("backup_findings takes the options of the role and the facts of the host, two mappings")
    roles, passphrase = options["backup_roles"], options.get("backup_passphrase")
    found = [] if roles else ["backup_roles is empty; say repository, client or both"]
    found += _numbers(options)
    if passphrase is not None:  # a placeholder has been refused
        found += _passphrase(passphrase)
    if "client" in roles:
        found += _of_client(options, host)
    if "repository" in roles:
        found += _of_repository(options)
        there = facts.get("backup", {}).get("repository", {})
        found += _there(there, passphrase, host) if passphrase is not None else []
    return list(dict.fromkeys(found))


FilterModule = filter_module(backup_findings)
