"""IP addresses and networks, and the words that stand for some of them in rules of the firewall."""

import functools
import ipaddress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PUBLIC = "public"  # everybody
CONTAINERS = "containers"  # those of the host itself
BRIDGES = ("docker", "br-")  # how the names of Docker's interfaces begin

# There may be ten thousands, and many of them again and again
network_of = functools.lru_cache(maxsize=65536)(ipaddress.ip_network)


def version_of(text: object) -> int:
    """Return 4 or 6, and 0 for what is no address."""
    try:
        return ipaddress.ip_address(str(text)).version
    except ValueError:
        return 0


def is_address(text: object) -> bool:
    return version_of(text) != 0
