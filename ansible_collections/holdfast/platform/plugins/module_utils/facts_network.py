# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses, names, and the connection of this run."""

from __future__ import annotations

import ipaddress
import json
import socket
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.facts_common import output
from ansible_collections.holdfast.platform.plugins.module_utils.ssh_connection import connection


def way_out(family: str, towards: str) -> dict[str, str]:
    """Return address and interface of the default route, which the way to an address of nobody shows."""
    routes = json.loads(output("ip", "-j", family, "route", "get", towards) or "[]")
    return {"address": routes[0].get("prefsrc", ""), "interface": routes[0]["dev"]} if routes else {}


def addresses() -> dict[str, Any]:
    interfaces = json.loads(output("ip", "-j", "address") or "[]")
    all_of = [
        address for interface in interfaces for address in interface.get("addr_info", []) if interface["ifname"] != "lo"
    ]
    return {
        "all_ipv4_addresses": [entry["local"] for entry in all_of if entry["family"] == "inet"],
        "all_ipv6_addresses": [entry["local"] for entry in all_of if entry["family"] == "inet6"],
        "default_ipv4": way_out("-4", "192.0.2.1"),
        "default_ipv6": way_out("-6", "2001:db8::1"),
        "interfaces": sorted(interface["ifname"] for interface in interfaces),
        "foreign_addresses": foreign_addresses(),
    }


def foreign_addresses() -> bool:
    """Tell whether the kernel lets services listen on addresses that the host does not have."""
    setting = Path("/proc/sys/net/ipv4/ip_nonlocal_bind")
    return setting.exists() and setting.read_text().strip() == "1"


def way_in() -> dict[str, Any]:
    """Return who is at the other end of this ssh connection, and the port it came in by; without ssh, nobody."""
    found = connection()
    if len(found) != 4 or found[0] == "UNKNOWN":  # what sshd says when it is not asked over the network
        return {"ssh_client_address": "", "ssh_server_port": 0}
    address = ipaddress.ip_address(found[0].split("%")[0])
    return {
        "ssh_client_address": str(getattr(address, "ipv4_mapped", None) or address),
        "ssh_server_port": int(found[3]),
    }


def resolved(name: str) -> list[str]:
    """Return the addresses of a name, IPv4 first; none when nobody knows it."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(name, None)}
    except OSError:
        return []
    return sorted(found, key=lambda address: (":" in address, address))


def link_mbps(interface: str) -> int:
    """Return the speed of an interface, 0 where it does not tell, as those of virtual machines."""
    try:
        return max(0, int(Path("/sys/class/net", interface, "speed").read_text()))
    except (OSError, ValueError):
        return 0
