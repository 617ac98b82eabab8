"""Shortens names that something else keeps only so many characters of, everywhere in the same way."""

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import IDENTIFIER, short_name

SLOT = "holdfast_"


def replication_name(host: str) -> str:
    """Return the application_name under which a standby streams: with the prefix of a slot it is an identifier."""
    return short_name(host, IDENTIFIER - len(SLOT))


def replication_slot(host: str) -> str:
    """Return the name of a standby's slot, which PostgreSQL wants in lower-case letters, digits and underscores."""
    name = replication_name(host).lower()
    return SLOT + "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)


FilterModule = filter_module(short_name, replication_name, replication_slot)
