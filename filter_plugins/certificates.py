"""Certificates as data: which a host wants, whose they are, and what another CA means."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

PRIVATE_CA = "private_ca"


def certificates_complete(wanted: list[dict[str, Any]], providers: dict[str, str]) -> list[dict[str, Any]]:
    """Return the certificates with every key, and with their provider."""
    if not isinstance(wanted, list) or not all(isinstance(entry, Mapping) for entry in wanted):
        raise TypeError(f"certificates_wanted must be a list of mappings, got {type(wanted).__name__}")
    return [
        {"group": "root", "on_change": [], **entry, "provider": providers.get(entry["name"], PRIVATE_CA)}
        for entry in wanted
    ]


def site_certificates(
    sites: list[dict[str, Any]], certificate: str, address: str, providers: dict[str, str]
) -> list[dict[str, Any]]:
    """Return one certificate for each that sites name, with the names of these sites."""
    names: dict[str, list[str]] = {certificate: []}
    for site in sites:
        if isinstance(site, Mapping):  # all else is a finding of role nginx
            of_site = [str(name).lower() for name in site.get("server_names") or []]
            names.setdefault(site.get("certificate") or certificate, []).extend(of_site)
    if providers.get(certificate, PRIVATE_CA) == PRIVATE_CA:
        names[certificate].append(address)  # other authorities do not prove addresses
    on_change = ["reload nginx.service"]
    return [
        {"name": name, "names": list(dict.fromkeys(found)), "on_change": on_change}
        for name, found in names.items()
        if found
    ]


def authority_changes(pem: str, before: str, host: str, left_out: list[str]) -> dict[str, list[str]]:
    """Say what it means that a host gets another private CA than it has, of which ``before`` is the fingerprint."""
    if not isinstance(pem, str) or not isinstance(before, str):
        raise TypeError("authority_changes takes a certificate and a fingerprint, two texts")
    lines = pem.strip().partition("\n-----END")[0].splitlines()[1:]
    try:
        now = hashlib.sha256(base64.b64decode("".join(lines))).hexdigest()
    except ValueError:
        now = before  # something else says what is wrong with it
    if not before or now == before:
        return {"findings": [], "events": []}
    if left_out:
        return {
            "events": [],
            "findings": [
                f"certificates_ca_certificate is another CA than that of {host}, and --limit leaves out "
                f"{', '.join(left_out)}: hosts of two CAs refuse each other; bring the old one back, or run without "
                "--limit"
            ],
        }
    event = (
        f"{host} gets another private CA, and new certificates; give /etc/holdfast/tls/ca.crt to every client outside "
        "of this inventory that trusts the old one"
    )
    return {"findings": [], "events": [event]}


FilterModule = filter_module(authority_changes, certificates_complete, site_certificates)
