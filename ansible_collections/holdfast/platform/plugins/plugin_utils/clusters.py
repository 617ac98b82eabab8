"""Clusters of PostgreSQL as host_facts finds them."""

from collections.abc import Mapping
from typing import Any

POSTGRESQL = {"bookworm": 15, "trixie": 17}  # the version of each release of Debian


def main_cluster(facts: Mapping[str, Any], version: int) -> dict[str, Any]:
    """Return our cluster, or nothing."""
    found = [each for each in facts.get("clusters", []) if each["name"] == "main" and each["version"] == str(version)]
    return dict(found[0]) if found else {}


def data_directory(facts: Mapping[str, Any], version: int) -> str:
    """Return the directory of the data of cluster main, existing or to come."""
    return str(main_cluster(facts, version).get("data") or f"/var/lib/postgresql/{version}/main")
