"""Addresses that a group of hosts shares, held by one of them at a time."""

import ipaddress
import re
from collections import Counter
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import version_of
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

HIGHEST_PRIORITY = 200  # of 254; the first host of the group has it
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


def address_findings(addresses: list[str], own: dict[str, str]) -> list[str]:
    """Say what is wrong with single addresses."""
    findings = [
        f"floating_address_addresses has {text}; write each address once, without a prefix, such as 192.0.2.10"
        for text, times in Counter(_usable(text) or str(text) for text in addresses).items()
        if times > 1 or not _usable(text)
    ]
    return findings + [
        f"floating_address_addresses has {address}, the address of {name} itself; choose one that belongs to no host"
        for name, address in own.items()
        if _usable(address) in map(_usable, addresses) and _usable(address)
    ]


def group_findings(addresses: list[str], own: dict[str, str], host: str) -> list[str]:
    """Say why these hosts cannot share these addresses."""
    findings = []
    if not LEAST_HOSTS <= len(own) <= MOST_HOSTS or host not in own:
        findings.append(
            f"floating_address_hosts has {', '.join(own) or 'nobody'}; name {LEAST_HOSTS} to {MOST_HOSTS} hosts, "
            f"{host} among them"
        )
    findings += [
        f"floating_address_hosts has {name} with {address!r}; give its address, hosts look no names up for this"
        for name, address in own.items()
        if not _usable(address)
    ]
    versions = {version_of(address) for address in own.values()} - {0}
    if len(versions) > 1:
        findings.append("floating_address_hosts has addresses of both families; give all hosts one of the same family")
    elif versions and versions.isdisjoint(map(version_of, addresses)):
        findings.append(
            f"floating_address_addresses has none of the family of {', '.join(own.values())}; add one, "
            "hosts speak to each other about that"
        )
    return findings


def vrrp_findings(addresses: list[str], hosts: list[dict[str, Any]], host: str) -> list[str]:
    """Return one sentence, with its cure, for everything that keeps hosts from sharing addresses."""
    if not isinstance(addresses, list) or not isinstance(hosts, list):
        raise TypeError("vrrp_findings takes addresses and hosts, two lists")
    own = {each["name"]: str(each["address"]) for each in hosts}
    return [*address_findings(addresses, own), *group_findings(addresses, own, host)] if addresses else []


def vrrp_plan(addresses: list[str], hosts: list[dict[str, Any]], host: str) -> dict[str, Any]:
    """Return what a host says to the others, and which addresses it may take."""
    findings = vrrp_findings(addresses, hosts, host)
    if findings or not addresses:
        raise ValueError("; ".join(findings) or "floating_address_addresses is empty; there is nothing to plan")
    names = [each["name"] for each in hosts]
    own = {each["name"]: str(each["address"]) for each in hosts}
    ordered = sorted(addresses, key=lambda text: (version_of(text), int(ipaddress.ip_address(text))))
    return {
        "address": own[host],
        "peers": [own[name] for name in names if name != host],
        "priority": HIGHEST_PRIORITY - names.index(host),
        # An advertisement holds addresses of its own family; others follow along
        "announced": [text for text in ordered if version_of(text) == version_of(own[host])],
        "others": [text for text in ordered if version_of(text) != version_of(own[host])],
    }


def vrrp_option_findings(interface: str, router_id: int) -> list[str]:
    """Return one sentence, with its cure, for every option that keepalived could not take."""
    findings = []
    if interface and not INTERFACE.fullmatch(interface):
        findings.append(f"floating_address_interface is {interface!r}; write the name of an interface, such as eth0")
    if not 1 <= router_id <= MOST_ROUTERS:
        findings.append(f"floating_address_router_id is {router_id}; choose 1 to {MOST_ROUTERS}")
    return findings


FilterModule = filter_module(vrrp_findings, vrrp_option_findings, vrrp_plan)
