"""Compares machines with what their environment asks for."""

from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

EXPECTED = {"cpus", "memory_mb", "link_mbps", "storage", "encrypted"}
KERNEL_LEAVES = 0.95  # of the memory that is sold
UNKNOWN = 2**31  # what could not be found out is a finding of its own, and no want


def capacity_findings(facts: dict[str, Any], host: str, least: dict[str, Any]) -> list[str]:
    """Compare the machine with what its environment asks for. What a virtual machine does not tell is not judged."""
    if not isinstance(facts, dict) or not isinstance(least, dict) or set(least) - EXPECTED:
        raise TypeError(f"capacity_findings takes the facts, a name and a dict of {', '.join(sorted(EXPECTED))}")
    if "user_id" not in facts:
        return []  # nobody could look
    cpus, memory_mb = facts.get("processor_vcpus", UNKNOWN), facts.get("memtotal_mb", UNKNOWN)
    link_mbps, storage = facts.get("link_mbps", 0), facts.get("postgresql", {}).get("storage", "")
    encrypted = "postgresql" not in facts or facts["postgresql"].get("encrypted", False)
    found = []
    if cpus < least.get("cpus", 0):
        found.append(f"{host} has {cpus} CPUs, preflight_cpus asks for {least['cpus']}; give it more, or lower it")
    if memory_mb < least.get("memory_mb", 0) * KERNEL_LEAVES:
        found.append(
            f"{host} has {memory_mb} MB of memory, preflight_memory_mb asks for {least['memory_mb']}; "
            "give it more, or lower it"
        )
    if 0 < link_mbps < least.get("link_mbps", 0):
        found.append(
            f"{host} is linked at {link_mbps} Mbit/s, preflight_link_mbps asks for {least['link_mbps']}; "
            "look at cable and switch, or lower it"
        )
    if least.get("storage") == "ssd" and storage == "hdd":
        found.append(f"{host} keeps data on a disk that turns, preflight_storage asks for ssd; move it or unset that")
    if least.get("encrypted") and not encrypted:
        found.append(
            f"{host} keeps data on a disk that dm-crypt does not encrypt, preflight_encrypted asks for it; "
            "move the data, or unset that where somebody else encrypts it"
        )
    return found


FilterModule = filter_module(capacity_findings)
