"""Refuses options of role floating_address with which hosts could not share addresses."""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import version_of
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

LEAST_HOSTS = 2
MOST_HOSTS = 32
MOST_ROUTERS = 255
INTERFACE = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.:@-]{1,15}")


def _usable(text: object) -> str:
    """Return an address as everybody spells it when hosts can have it beside their own, or nothing."""
    try:
        address = ipaddress.ip_address(str(text))
    except ValueError:
        return ""
    odd = address.is_loopback or address.is_unspecified or address.is_multicast or "%" in str(text)
    return "" if odd else str(address)


def _addresses(addresses: list[str], own: dict[str, str]) -> Iterator[str]:
    """Say what is wrong with single addresses."""
    for text, times in Counter(_usable(text) or str(text) for text in addresses).items():
        if times > 1 or not _usable(text):
            yield (
                f"floating_address_addresses has {text}; write each address once, without a prefix, such as 192.0.2.10"
            )
    for name, address in own.items():
        if _usable(address) and _usable(address) in map(_usable, addresses):
            yield (
                f"floating_address_addresses has {address}, the address of {name} itself; choose one that belongs to "
                "no host"
            )


def _group(addresses: list[str], own: dict[str, str], host: str) -> Iterator[str]:
    """Say why these hosts cannot share these addresses."""
    if not LEAST_HOSTS <= len(own) <= MOST_HOSTS or host not in own:
        yield (
            f"floating_address_hosts has {', '.join(own) or 'nobody'}; name {LEAST_HOSTS} to {MOST_HOSTS} hosts, "
            f"{host} among them"
        )
    for name, address in own.items():
        if not _usable(address):
            yield f"floating_address_hosts has {name} with {address!r}; give its address, keepalived looks up no names"
    versions = {version_of(address) for address in own.values()} - {0}
    if len(versions) > 1:
        yield "floating_address_hosts has addresses of both families; give all hosts one of the same family"
    elif versions and versions.isdisjoint(map(version_of, addresses)):
        yield (
            f"floating_address_addresses has none of the family of {', '.join(own.values())}; add one, "
            "because VRRP announces addresses of that family only"
        )


def _options(options: dict[str, Any]) -> Iterator[str]:
    interface, router_id = options["floating_address_interface"], options["floating_address_router_id"]
    if interface and not INTERFACE.fullmatch(interface):
        yield f"floating_address_interface is {interface!r}; write the name of an interface, such as eth0"
    if not 1 <= router_id <= MOST_ROUTERS:
        yield f"floating_address_router_id is {router_id}; choose 1 to {MOST_ROUTERS}"


def floating_address_findings(options: dict[str, Any], host: str) -> list[str]:
    """Return one sentence, with the fix, for everything that keeps hosts from sharing addresses."""
    if not isinstance(options, dict):
        raise TypeError(f"options must be a dict, got {type(options).__name__}")
    addresses = options["floating_address_addresses"]
    own = {each["name"]: str(each["address"]) for each in options["floating_address_hosts"]}
    shared = [*_addresses(addresses, own), *_group(addresses, own, host)] if addresses else []
    return [*shared, *_options(options)]


FilterModule = filter_module(floating_address_findings)
