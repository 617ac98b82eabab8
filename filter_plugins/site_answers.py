"""What the edge hosts said when they were asked for their sites."""

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module


def silent_sites(hosts: list[Mapping[str, Any]], register: str) -> dict[str, Any]:
    """Return the sites that do not answer as one line per host, and their URLs; who was not asked says nothing."""
    rows, urls = {}, []
    for host in hosts:
        said = host[register].get("stdout") if register in host else ""
        told = json.loads(said) if said else {"silent": {}, "urls": []}
        if told["silent"]:
            rows[host["inventory_hostname"]] = ", ".join(f"{site} {why}" for site, why in told["silent"].items())
        urls += told["urls"]
    return {"rows": rows, "urls": sorted(set(urls))}


FilterModule = filter_module(silent_sites)
