"""Find what would stop a run on a host, before anything is changed there."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleFilterError

OLDEST_PYTHON = (3, 9)
LARGEST_SKEW_SECONDS = 30


def unreachable_findings(host: str, probe: dict[str, Any]) -> list[str]:
    """Turn a failed first contact into a sentence with a cure."""
    said = " ".join(str(probe.get("msg", "no answer")).split())
    if probe.get("unreachable"):
        return [f"{host} does not answer over SSH ({said}); check ansible_host, ansible_port, ansible_user and the key"]
    if "password" in said or "privilege" in said.lower() or "sudo" in said:
        return [f"{host} does not let the SSH user become root ({said}); allow it in sudoers, or give --ask-become-pass"]
    return [f"{host} could not be examined ({said}); Python 3 must be installed there"]


def system_findings(host: str, facts: dict[str, Any], releases: list[str]) -> list[str]:
    """Compare operating system, interpreter, init, privilege and clock."""
    found = []
    system = f"{facts.get('distribution')} {facts.get('distribution_major_version')} ({facts.get('distribution_release')})"
    if facts.get("distribution") != "Debian" or facts.get("distribution_release") not in releases:
        found.append(f"{host} runs {system}; Holdfast supports Debian {' and '.join(releases)}: reinstall or upgrade the host")
    if tuple(int(part) for part in str(facts.get("python_version", "0")).split(".")[:2]) < OLDEST_PYTHON:
        found.append(f"{host} has Python {facts.get('python_version')}; point ansible_python_interpreter to 3.9 or newer")
    if facts.get("service_mgr") != "systemd":
        found.append(f"{host} is run by {facts.get('service_mgr')}; process 1 must be systemd")
    if facts.get("user_id", 0) != 0:
        found.append(f"{host} is reached without root rights; set ansible_become: true")
    if facts.get("clock_skew_seconds", 0) > LARGEST_SKEW_SECONDS:
        found.append(f"clock of {host} is {facts['clock_skew_seconds']} s off the controller's; run `timedatectl set-ntp true` there")
    return found


def resource_findings(host: str, facts: dict[str, Any], disk_mb: int) -> list[str]:
    """Compare disk space and name resolution."""
    found = []
    for path, free in sorted(facts.get("disk_free_mb", {}).items()):
        if free < disk_mb:
            found.append(f"{host} has {free} MB free on {path}, preflight_disk_mb asks for {disk_mb}; make room or lower it")
    for name in facts.get("unresolved_names", []):
        found.append(f"{host} cannot resolve {name}; check /etc/resolv.conf there")
    return found


def port_findings(host: str, facts: dict[str, Any], ports: list[dict[str, Any]]) -> list[str]:
    """Name what holds a port that one of the host's services needs."""
    found = []
    for wanted in ports:
        holders = {
            entry["process"] or "an unknown process"
            for entry in facts.get("listening_ports", [])
            if entry["port"] == wanted["port"] and entry["protocol"] == wanted.get("protocol", "tcp")
        }
        for holder in sorted(holders - set(wanted["processes"])):
            found.append(f"port {wanted['port']} of {host} is held by {holder}, {wanted['name']} needs it; stop and remove {holder}")
    return found


def findings(facts: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return one sentence for everything that stands in the way of a run; empty when the host is fit."""
    if not isinstance(facts, dict) or not isinstance(expected, dict):
        raise TypeError("facts and expected must be mappings")
    host, probe = expected["host"], expected.get("probe") or {}
    if probe.get("unreachable") or probe.get("failed"):
        return unreachable_findings(host, probe)
    return [
        *system_findings(host, facts, expected["releases"]),
        *resource_findings(host, facts, expected["disk_mb"]),
        *port_findings(host, facts, expected["ports"]),
    ]


def preflight_findings(facts: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    try:
        return findings(facts, expected)
    except (TypeError, ValueError, KeyError) as problem:
        raise AnsibleFilterError(f"preflight_findings: {problem}") from problem


class FilterModule:
    """What core loads."""

    def filters(self) -> dict[str, Any]:
        return {"preflight_findings": preflight_findings}
