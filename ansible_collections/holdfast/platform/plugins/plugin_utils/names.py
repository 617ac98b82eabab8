"""Names: what they may look like, how long ones are shortened, and lists of entries that have one."""

import hashlib
from collections.abc import Iterable
from typing import Any

LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"  # a part of a name in DNS
HOST = r"(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
# Of a file in /etc/holdfast/tls, without suffix
CERTIFICATE = r"(?!ca$|.*\.(?:crt|key|pem)$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
# What is done to units, or run, once a file has changed
ACTIVATION = r"(restart|reload) \S+\.(service|socket|timer|mount|path|target)|run \S.*"
COMMON_NAME = 64  # characters of the common name of a certificate (X.520)
DIGEST = 8
IDENTIFIER = 63  # bytes that PostgreSQL keeps of a name
SLOT = "holdfast_"


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def present(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries that shall be there."""
    return [entry for entry in entries if entry.get("state", "present") == "present"]


def kind_of(host: dict[str, Any]) -> str:
    """Return what a server of a cluster has said it is."""
    return str(host.get("kind", "away"))


def short_name(name: str, most: int = COMMON_NAME) -> str:
    """Return a name as it is while it fits, otherwise its beginning and a digest of the whole: two never become one."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"a name must be a text that is not empty, got {name!r}")
    if isinstance(most, bool) or not isinstance(most, int) or most <= 2 * DIGEST:
        raise ValueError(f"most must be a whole number above {2 * DIGEST}, got {most!r}")
    if len(name.encode()) <= most:
        return str(name)
    start = name.encode()[: most - DIGEST - 1].decode(errors="ignore").rstrip(".-")
    return f"{start}-{hashlib.sha256(name.encode()).hexdigest()[:DIGEST]}"


def replication_name(host: str) -> str:
    """Return the application_name under which a standby streams: with the prefix of a slot it is an identifier."""
    return short_name(host, IDENTIFIER - len(SLOT))


def replication_slot(host: str) -> str:
    """Return the name of a standby's slot, which PostgreSQL wants in lower-case letters, digits and underscores."""
    name = replication_name(host).lower()
    return SLOT + "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)
