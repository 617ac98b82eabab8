"""Certificates as data: whose they are, and which an ACME server could not issue."""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import is_address
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import ACTIVATION, LABEL

PROVIDERS = ("private_ca", "acme", "provided")
DNS_NAME = rf"(\*\.)?{LABEL}(\.{LABEL})*"
FILE_NAME = r"(?!ca$)[A-Za-z0-9_][A-Za-z0-9._-]{0,99}"
HOST_NAME = r"(?=.{1,253}$)(\*\.)?[A-Za-z0-9_][A-Za-z0-9_.-]*"  # names of inventories too
GROUP = r"[a-z_][a-z0-9_-]{0,31}"
EMAIL = r"[^@\s]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}"
MOST_NAMES = 100  # what Let's Encrypt puts into one certificate


def _is_address(name: str) -> bool:
    return is_address(name.removeprefix("DNS:"))


def _twice(values: list[str]) -> list[str]:
    return [value for value, times in Counter(values).items() if times > 1]


def name_findings(entry: Mapping[str, Any], dns_command: str, shared: list[str]) -> Iterator[str]:
    """Say which names an ACME server cannot put into a certificate."""
    names, of_others = entry["names"], {name.lower() for name in shared}
    if not 1 <= len(names) <= MOST_NAMES:
        yield f"has {len(names)} names; give one to {MOST_NAMES} to a certificate of an ACME server"
    for name in _twice([name.lower() for name in names]):
        yield f"has the name {name} twice; name it once"
    for name in names:
        if _is_address(name):
            cure = f"take it out, or leave certificates_providers.{entry['name']} at private_ca"
            yield f"has the address {name}, which ACME servers do not prove; {cure}"
        elif not re.fullmatch(DNS_NAME, name) or len(name) > 253:
            yield f"has the name {name}; write it as DNS does, without scheme, port or underscore"
        elif name.startswith("*.") and not dns_command:
            yield f"has the name {name}, which port 80 cannot prove; set certificates_acme_dns_command"
    common = [name for name in names if name.lower() in of_others and not name.startswith("*.")]
    if common and not dns_command:
        yield (
            f"has names of other edge hosts ({', '.join(common)}), and port 80 proves them to one host only; "
            f"set certificates_acme_dns_command, or certificates_providers.{entry['name']} to provided"
        )


def acme_findings(acme: Mapping[str, str]) -> Iterator[str]:
    """Say what is wrong with how the ACME server is reached."""
    for name, url in acme.items():
        if name.endswith("directory") and url and not re.fullmatch(r"https://[^\s/]+/\S*", url):
            yield f"certificates_acme_{name} is {url!r}; write the URL of a directory, it begins with https://"
    for name in ("directory_ca", "roots"):
        if acme.get(name) and not acme[name].lstrip().startswith("-----BEGIN CERTIFICATE-----"):
            yield f"certificates_acme_{name} is no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----"
    if acme.get("email") and not re.fullmatch(EMAIL, acme["email"]):
        yield f"certificates_acme_email is {acme['email']!r}; give the address that the account is made for"
    if acme.get("dns_command") and not re.fullmatch(r"/\S+", acme["dns_command"]):
        yield (
            f"certificates_acme_dns_command is {acme['dns_command']!r}; write the absolute path of a program, "
            "without arguments"
        )


def acme_gaps(acme: Mapping[str, str]) -> Iterator[str]:
    """Say what is missing as soon as one certificate comes from an ACME server."""
    if not acme["email"]:
        yield "certificates_acme_email is ''; give the address that the account is made for"
    if not acme["directory"]:
        yield "certificates_acme_directory is ''; write the URL of a directory, it begins with https://"


def entry_findings(entry: Mapping[str, Any]) -> Iterator[str]:
    """Say what no certificate can have, whoever issues it."""
    if entry["provider"] != "acme" and not entry["names"]:
        yield "has no names; give at least one"
    for name in entry["names"]:
        named = _is_address(name) or re.fullmatch(HOST_NAME, name.removeprefix("DNS:"))
        if entry["provider"] != "acme" and not named:
            yield f"has the name {name!r}; write a host name or an address"
    if not re.fullmatch(GROUP, entry["group"]):
        yield f"has the group {entry['group']!r}; write the name of a group of the host"
    for activation in entry["on_change"]:
        if not re.fullmatch(ACTIVATION, activation):
            yield f"has {activation!r} in on_change; write `reload UNIT.service`, `restart …` or `run COMMAND`"


def provider_findings(
    wanted: list[str], providers: dict[str, str], provided: list[str], known: list[str]
) -> Iterator[str]:
    """Say which providers are none, or are not the provider of anything."""
    for name, provider in providers.items():
        if provider not in PROVIDERS:
            yield f"certificates_providers has {name}: {provider}; write {', '.join(PROVIDERS[:-1])} or {PROVIDERS[-1]}"
        elif known and name not in (*known, *wanted):
            yield (
                f"certificates_providers has {name}: {provider}, and no host wants a certificate of that name; "
                f"write one of {', '.join(sorted(known))}"
            )
        elif provider == "provided" and name in wanted and name not in provided:
            yield (
                f"certificates_providers has {name}: provided; put its certificate and key into "
                f"certificates_provided.{name}"
            )


def certificate_findings(
    wanted: list[dict[str, Any]],
    providers: dict[str, str],
    acme: dict[str, str],
    provided: list[str] | None = None,
    elsewhere: Mapping[str, list[str]] | None = None,
) -> list[str]:
    """Return one sentence, with its cure, for everything that cannot be had as it is written."""
    names, others = [entry["name"] for entry in wanted], elsewhere or {}
    findings = [*provider_findings(names, providers, provided or [], others.get("certificates", []))]
    findings += [f"certificates_wanted has the name {name} twice; name each certificate once" for name in _twice(names)]
    findings += [
        f"certificates_wanted has the name {name!r}; use up to 100 letters, digits and . _ -, "
        "and not ca, which is the authority"
        for name in dict.fromkeys(names)
        if not re.fullmatch(FILE_NAME, name)
    ]
    complete = certificates_complete(wanted, providers)
    own = [entry for entry in complete if entry["provider"] == "acme"]
    findings += [
        f"certificates_wanted: {each['name']} {finding}" for each in complete for finding in entry_findings(each)
    ]
    for entry in own:
        found = name_findings(entry, acme["dns_command"], others.get("names", []))
        findings += [f"certificates_wanted: {entry['name']} {finding}" for finding in found]
    return [*findings, *acme_findings(acme), *(acme_gaps(acme) if own else ())]


def certificates_complete(wanted: list[dict[str, Any]], providers: dict[str, str]) -> list[dict[str, Any]]:
    """Return the certificates with every key, and with their provider."""
    if not isinstance(wanted, list) or not all(isinstance(entry, Mapping) for entry in wanted):
        raise TypeError(f"certificates_wanted must be a list of mappings, got {type(wanted).__name__}")
    return [
        {"group": "root", "on_change": [], **entry, "provider": providers.get(entry["name"], PROVIDERS[0])}
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
    if providers.get(certificate, PROVIDERS[0]) == PROVIDERS[0]:
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


FilterModule = filter_module(authority_changes, certificate_findings, certificates_complete, site_certificates)
