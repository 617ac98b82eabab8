"""Addresses that a group of hosts shares, held by one of them at a time."""

import ipaddress
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import version_of
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

HIGHEST_PRIORITY = 200  # of 254; the first host of the group has it


def vrrp_plan(addresses: list[str], hosts: list[dict[str, Any]], host: str) -> dict[str, Any]:
    """Return what a host says to the others, and which addresses it may take."""
    if not isinstance(addresses, list) or not isinstance(hosts, list):
        raise TypeError("vrrp_plan takes addresses and hosts, two lists")
    own = {each["name"]: str(each["address"]) for each in hosts}
    if host not in own:
        raise ValueError(f"floating_address_hosts has {', '.join(own) or 'nobody'}; add {host}")
    names = list(own)
    ordered = sorted(addresses, key=lambda text: (version_of(text), int(ipaddress.ip_address(text))))
    return {
        "address": own[host],
        "peers": [own[name] for name in names if name != host],
        "priority": HIGHEST_PRIORITY - names.index(host),
        # An advertisement holds addresses of its own family; others follow along
        "announced": [text for text in ordered if version_of(text) == version_of(own[host])],
        "others": [text for text in ordered if version_of(text) != version_of(own[host])],
    }


FilterModule = filter_module(vrrp_plan)
