"""Shortens names that something else keeps only so many characters of, everywhere in the same way."""

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import (
    replication_name,
    replication_slot,
    short_name,
)

FilterModule = filter_module(short_name, replication_name, replication_slot)
