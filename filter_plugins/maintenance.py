"""What is wrong with a request to close sites."""

from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

LONGEST = 800


def maintenance_findings(asked: Mapping[str, Any], known: list[str]) -> list[str]:
    """Return a sentence for each extra variable of maintenance.yml that cannot be used; ``known`` are the sites."""
    if not isinstance(asked, Mapping) or not {"maintenance", "sites", "message"} <= set(asked):
        raise TypeError("maintenance_findings takes a mapping with maintenance, sites and message")
    found = []
    if asked["maintenance"] not in ("on", "off"):
        given = asked["maintenance"] or "not set"
        found.append(f"maintenance is {given}; say on or off, as in -e maintenance=on")
    unknown = [str(site) for site in asked["sites"] if site not in known]
    if unknown:
        found.append(f"maintenance_sites has {', '.join(unknown)}; this inventory has {', '.join(known)}")
    if not isinstance(asked["message"], str) or len(asked["message"]) > LONGEST:
        found.append(f"maintenance_message is not a text of up to {LONGEST} characters; give one line")
    return found


FilterModule = filter_module(maintenance_findings)
