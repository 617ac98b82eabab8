"""Read addresses out of an inventory."""

import ipaddress
from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module


def host_addresses(host: str, variables: Mapping[str, Any], names: list[str]) -> list[str]:
    """Return the addresses that a host's variables hold, in the order of the names."""
    found = []
    for name in names:
        if name not in variables:
            continue
        try:
            found.append(str(ipaddress.ip_address(str(variables[name]))))
        except ValueError:
            raise ValueError(
                f"{name} of host {host} is {variables[name]!r}; it must be an IP address, names change under a firewall"
            ) from None
    return found


def group_addresses(
    groups: Mapping[str, list[str]], hostvars: Mapping[str, Any], names: list[str]
) -> dict[str, list[str]]:
    """Return the addresses of each group's hosts, both families, without repetition."""
    if not isinstance(groups, Mapping) or not isinstance(names, list):
        raise TypeError("group_addresses takes a mapping of groups and a list of variable names")
    result = {}
    for group, hosts in groups.items():
        found = [address for host in hosts for address in host_addresses(host, hostvars[host], names)]
        result[str(group)] = sorted(set(found))
    return result


FilterModule = filter_module(group_addresses)
