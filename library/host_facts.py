#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of host_facts: what our roles and the preflight need, in one cheap call."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.facts_accounts import accounts
from ansible_collections.holdfast.platform.plugins.module_utils.facts_backup import backup, repository_paths
from ansible_collections.holdfast.platform.plugins.module_utils.facts_certificates import authority, certificate_clients
from ansible_collections.holdfast.platform.plugins.module_utils.facts_disk import folder, free_mb
from ansible_collections.holdfast.platform.plugins.module_utils.facts_docker import docker
from ansible_collections.holdfast.platform.plugins.module_utils.facts_firewall import firewall
from ansible_collections.holdfast.platform.plugins.module_utils.facts_network import (
    addresses,
    link_mbps,
    resolved,
    way_in,
)
from ansible_collections.holdfast.platform.plugins.module_utils.facts_nginx import nginx
from ansible_collections.holdfast.platform.plugins.module_utils.facts_ports import listening_ports
from ansible_collections.holdfast.platform.plugins.module_utils.facts_postgresql import postgresql
from ansible_collections.holdfast.platform.plugins.module_utils.facts_redis import redis
from ansible_collections.holdfast.platform.plugins.module_utils.facts_system import (
    algorithms,
    masked_units,
    memory_mb,
    operating_system,
    packages,
    system,
)
from ansible_collections.holdfast.platform.plugins.module_utils.held_units import held_units
from ansible_collections.holdfast.platform.plugins.module_utils.settled import settled


def answers(questions: dict[str, Callable[[], dict[str, Any]]]) -> dict[str, Any]:
    """Ask one question after the other. One that fails takes no other's answer away; it is told under its name."""
    found: dict[str, Any] = {}
    failed = {}
    for name, ask in questions.items():
        try:
            found |= ask()
        except Exception as problem:  # noqa: BLE001 - nobody knows what a host has in store
            failed[name] = " ".join(f"{type(problem).__name__}: {problem}".split()).rstrip(": ")
    return {**found, "facts_failed": failed}


def facts(resolve: list[str], folders: Iterable[str] = (), look: bool = False) -> dict[str, Any]:
    network: dict[str, Any] = {}

    def remembered() -> dict[str, Any]:
        network.update(addresses())
        return network

    return {
        "date_time": {"epoch": str(int(time.time()))},
        "user_id": os.geteuid(),
        **answers(
            {
                "operating system": operating_system,
                "addresses": remembered,
                "speed of the link": lambda: {
                    "link_mbps": link_mbps(network.get("default_ipv4", {}).get("interface", ""))
                },
                "connection": way_in,
                "system": system,
                "memory": lambda: {"memtotal_mb": memory_mb()},
                "packages": packages,
                "units": lambda: {"masked_units": masked_units(), "held_units": held_units()},
                "listening ports": lambda: {"listening_ports": listening_ports()},
                "free disk space": lambda: {"disk_free_mb": {path: free_mb(path) for path in ("/", "/var")}},
                "PostgreSQL": lambda: {"postgresql": postgresql()},
                "pgBackRest": lambda: {"backup_paths": repository_paths(), "backup": backup()},
                "nginx": lambda: {"nginx": nginx(), "certificate_clients": certificate_clients()},
                "private CA": lambda: {"authority": authority()},
                "Redis": lambda: {"redis": redis()},
                "firewall": lambda: {"firewall": firewall()},
                "names": lambda: {"resolved_names": {name: resolved(name) for name in resolve}},
                "accounts": lambda: {"accounts": accounts()},
                "Docker": lambda: {"docker": docker()},
                "folders": lambda: {"folders": {path: folder(path) for path in folders}},
                "OpenSSH": lambda: {"ssh_algorithms": algorithms()},
                "transactions": lambda: {"settled": settled() if look else {}},
            }
        ),
    }


def main(arguments: dict[str, Any], _check: bool, _diff: bool) -> dict[str, Any]:
    return {"changed": False, "ansible_facts": facts(arguments["resolve"], arguments["folders"], arguments["settled"])}
