"""Read addresses out of an inventory."""

import functools
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError


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


FILTERS = (group_addresses,)


def _reported(core: Callable[..., object]) -> Callable[..., object]:
    """Let Ansible show a refusal of ``core`` as one sentence."""

    @functools.wraps(core)
    def run(*arguments: object, **options: object) -> object:
        try:
            return core(*arguments, **options)
        except (TypeError, ValueError) as error:
            raise AnsibleFilterError(str(error)) from None

    return run


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by name."""
        return {core.__name__: _reported(core) for core in FILTERS}
