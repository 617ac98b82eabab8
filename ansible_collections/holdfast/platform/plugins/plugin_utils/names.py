"""Names: what they may look like, and lists of entries that have one."""

from collections.abc import Iterable
from typing import Any

LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"  # a part of a name in DNS
HOST = r"(?=.*[A-Za-z])[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
# Of a file in /etc/holdfast/tls, without suffix
CERTIFICATE = r"(?!ca$|.*\.(?:crt|key|pem)$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}"
IDENTIFIER = 63  # bytes that PostgreSQL keeps of a name


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def present(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the entries that shall be there."""
    return [entry for entry in entries if entry.get("state", "present") == "present"]


def kind_of(host: dict[str, Any]) -> str:
    """Return what a server of a cluster has said it is."""
    return str(host.get("kind", "away"))
