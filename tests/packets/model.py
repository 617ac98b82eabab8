"""What a firewall lets through, read from its variables alone; knows nothing of nftables and of the compiler."""

from __future__ import annotations

import ipaddress
from typing import Any

Firewall = dict[str, Any]
# Where the packets of bed.py come from and go to
HOST = ["10.77.0.1", "fd77::1"]
WORLD = ["10.77.1.1", "10.77.1.2", "10.77.2.1", "fd77:0:1::1", "fd77:0:1::2", "fd77:0:2::1"]
BOX = ["10.99.0.2", "fd99::2"]
OTHER_BOX = ["10.98.0.2", "fd98::2"]
PUBLISHED = (8081, 8082)  # lead to port 80 of BOX


def containers(firewall: Firewall) -> list[str]:
    """Return the addresses behind interfaces of Docker; one that is named as external is none of them."""
    return BOX + (OTHER_BOX if "br-two" not in firewall["external_interfaces"] else [])


def is_one_of(address: str, ends: list[str], firewall: Firewall) -> bool:
    """Tell whether an address is meant by sources or destinations."""
    for end in ends:
        if end == "public":
            return True
        for text in firewall["addresses"].get(end, [end]):
            if text == "containers":
                meant = address in containers(firewall)
            else:
                meant = ipaddress.ip_address(address) in ipaddress.ip_network(text)
            if meant:
                return True
    return False


def ports_of(rule: dict[str, Any]) -> list[int]:
    return list(rule.get("ports") or [rule["port"]])


def is_let_in(firewall: Firewall, source: str, protocol: str, port: int, published: bool) -> bool:
    """Tell whether a rule opens a port, of the host or published."""
    ssh = not published and (protocol, port) == ("tcp", firewall["ssh_port"])
    return (ssh and is_one_of(source, firewall["ssh_sources"], firewall)) or any(
        rule.get("protocol", "tcp") == protocol
        and port in ports_of(rule)
        and is_one_of(source, rule["sources"], firewall)
        and (rule.get("published", False) or not published)
        for rule in firewall["rules"]
    )


def may_leave(firewall: Firewall, source: str, destination: str, protocol: str, port: int) -> bool:
    """Tell whether the host, or one of its containers, may begin to talk to somebody."""
    container = source in containers(firewall)
    if firewall["egress_policy"] == "accept" or (firewall["egress_policy"] == "drop_containers" and not container):
        return True
    return any(
        rule.get("protocol", "tcp") == protocol
        and port in ports_of(rule)
        and is_one_of(destination, rule["destinations"], firewall)
        and ("sources" in rule) == container
        and is_one_of(source, rule.get("sources", ["public"]), firewall)
        for rule in firewall["egress_rules"]
    )


def arrives(firewall: Firewall, source: str, destination: str, protocol: str, port: int) -> bool:
    """Tell whether somebody who listens at the destination hears the first packet, and answers."""
    if source in HOST:
        # To its own containers the host always talks
        return destination in containers(firewall) or may_leave(firewall, source, destination, protocol, port)
    if destination in HOST:
        published = source in WORLD and port in PUBLISHED
        return is_let_in(firewall, source, protocol, port, published)
    if source not in containers(firewall):
        return False  # straight to a container or through the host: not even where a port is published
    return may_leave(firewall, source, destination, protocol, port)
