"""Find what would stop a run on a host, before anything is changed there."""

import ipaddress
import re
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

OLDEST_PYTHON = (3, 9)
LARGEST_SKEW_SECONDS = 30
WITHOUT_PYTHON = re.compile(r"python[\d.]*\W{0,3} ?(was |command )?(not found|No such file or directory)")


def unreachable_findings(host: str, probe: dict[str, Any]) -> list[str]:
    """Turn a failed first contact into a sentence with a fix."""
    said = " ".join(str(probe.get("msg") or "no answer").split())
    said = said.removeprefix("Task failed: ").removeprefix("Failed to connect to the host via ssh: ")
    complaint = str(probe.get("module_stderr") or probe.get("stderr") or "").strip().split("\n")[-1].strip()
    if complaint and not probe.get("unreachable"):  # a program that failed says more than whoever called it
        said = complaint
    if probe.get("unreachable"):
        return [f"{host} does not answer over SSH ({said}); check ansible_host, ansible_port, ansible_user and the key"]
    if "password" in said or "privilege" in said.lower() or "sudo" in said:
        return [
            f"{host} does not let the SSH user become root ({said}); allow it in sudoers, or give --ask-become-pass"
        ]
    if WITHOUT_PYTHON.search(said):
        return [f"{host} could not be examined ({said}); Python 3 must be installed there"]
    return [f"{host} could not be examined ({said}); the same run with -vvv shows all that it answered"]


def system_findings(host: str, facts: dict[str, Any], releases: list[str]) -> list[str]:
    """Compare operating system, interpreter, init, privilege and clock."""
    if "distribution" not in facts or "service_mgr" not in facts:  # could not be found out, which is said
        return []
    found = []
    system = (
        f"{facts.get('distribution')} {facts.get('distribution_major_version')} ({facts.get('distribution_release')})"
    )
    if facts.get("distribution") != "Debian" or facts.get("distribution_release") not in releases:
        found.append(
            f"{host} runs {system}; Holdfast supports Debian {' and '.join(releases)}: upgrade it, or use another host"
        )
    if tuple(int(part) for part in str(facts.get("python_version", "0")).split(".")[:2]) < OLDEST_PYTHON:
        found.append(
            f"{host} has Python {facts.get('python_version')}; point ansible_python_interpreter to 3.9 or newer"
        )
    if facts.get("service_mgr") != "systemd":
        found.append(f"{host} is run by {facts.get('service_mgr')}; process 1 must be systemd")
    if facts["user_id"] != 0:
        found.append(f"{host} is reached without root rights; set ansible_become: true")
    if facts.get("clock_skew_seconds", 0) > LARGEST_SKEW_SECONDS:
        found.append(
            f"clock of {host} is {facts['clock_skew_seconds']} s off the controller's; "
            "run `timedatectl set-ntp true` there"
        )
    return found


def resource_findings(host: str, facts: dict[str, Any], disk_mb: int) -> list[str]:
    """Compare disk space."""
    found = []
    for path, free in sorted(facts.get("disk_free_mb", {}).items()):
        if free < disk_mb:
            found.append(
                f"{host} has {free} MB free on {path}, preflight_disk_mb asks for {disk_mb}; make room or lower it"
            )
    return found


def name_findings(host: str, facts: dict[str, Any], expected: dict[str, str]) -> list[str]:
    """Compare what names resolve to with what they must."""
    found = []
    unknown = [name for name, addresses in facts.get("resolved_names", {}).items() if not addresses]
    flushed = bool(unknown) and facts.get("firewall", {}).get("flushed", False)
    if flushed:
        found.append(
            f"the firewall rules of {host} were flushed, those of other programs with them, and it cannot resolve "
            f"{', '.join(unknown)} since; restart the host, which loads the rules of all again"
        )
    for name, addresses in facts.get("resolved_names", {}).items():
        if not addresses and flushed:
            continue
        if not addresses:
            found.append(f"{host} cannot resolve {name}; check /etc/resolv.conf there, or preflight_names")
        elif expected.get(name, addresses[0]) not in addresses:
            found.append(
                f"{host} finds {name} at {', '.join(addresses)}, preflight_addresses says {expected[name]}; "
                "correct the DNS record, or the variable"
            )
    return found


def missing_address(text: object, present: set[str]) -> str:
    """Return an address that none of those present is; names, wildcards and loopback are nobody's."""
    try:
        address = ipaddress.ip_address(str(text).split("%")[0])
    except ValueError:
        return ""
    found = address.is_unspecified or address.is_loopback or str(address) in present
    return "" if found else str(address)


def listen_findings(host: str, facts: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Name addresses and interfaces that services are told to use and the host does not have, each once."""
    interfaces = facts.get("interfaces", [])
    if not interfaces:  # nobody has looked: even the barest host has lo
        return []
    all_of = [*facts["all_ipv4_addresses"], *facts["all_ipv6_addresses"]]
    present = {*all_of, *expected.get("later", [])}
    shown = ", ".join(text for text in all_of if not ipaddress.ip_address(text).is_link_local)
    missing: dict[str, list[str]] = {}
    for name, addresses in expected.get("listen", {}).items() if not facts["foreign_addresses"] else ():
        for address in filter(None, (missing_address(text, present) for text in addresses)):
            missing.setdefault(address, []).append(name)
    return [
        f"{' and '.join(dict.fromkeys(names))}: {host} does not have the address {address}, it has {shown or 'none'}; "
        "name one of its own"
        for address, names in missing.items()
    ] + [
        f"{name}: {host} does not have the interface {interface}, it has {', '.join(interfaces)}; name one of those"
        for name, interface in expected.get("interfaces", {}).items()
        if interface not in interfaces
    ]


def preflight_findings(facts: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return one sentence for everything that stands in the way of a run; empty when the host is fit."""
    if not isinstance(facts, dict) or not isinstance(expected, dict):
        raise TypeError("preflight_findings takes the facts and what is expected, two mappings")
    host = expected["host"]
    if "user_id" not in facts:
        return unreachable_findings(host, expected.get("probe") or {})
    return [
        *system_findings(host, facts, expected["releases"]),
        *resource_findings(host, facts, expected["disk_mb"]),
        *name_findings(host, facts, expected.get("addresses", {})),
        *listen_findings(host, facts, expected),
    ]


FilterModule = filter_module(preflight_findings)
