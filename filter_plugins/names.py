"""Shortens names that something else keeps only so many characters of, everywhere in the same way."""

import hashlib

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import IDENTIFIER

COMMON_NAME = 64  # of a certificate (X.520)
DIGEST = 8
SLOT = "holdfast_"


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


FilterModule = filter_module(short_name, replication_name, replication_slot)
