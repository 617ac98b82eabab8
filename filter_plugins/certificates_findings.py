"""Find certificates that nobody could issue, providers that are none, and pairs of the vault that are no PEM."""

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
LIFETIME = (3, 398)  # days that CAs and browsers agree on at most
MOST_NAMES = 100  # what Let's Encrypt puts into one certificate
BODY = r"-----\s[A-Za-z0-9+/=\s]+-----END "
CHAIN = re.compile(rf"\s*(.*?-----BEGIN CERTIFICATE{BODY}CERTIFICATE-----\s*)+", re.DOTALL)
KEY = re.compile(rf".*-----BEGIN ((EC|RSA) )?PRIVATE KEY{BODY}((EC|RSA) )?PRIVATE KEY-----\s*", re.DOTALL)


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


def acme_findings(options: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with how the ACME server is reached."""
    for name in ("certificates_acme_directory", "certificates_acme_trial_directory"):
        if (url := options.get(name)) and not re.fullmatch(r"https://[^\s/]+/\S*", url):
            yield f"{name} is {url!r}; write the URL of a directory, it begins with https://"
    for name in ("certificates_acme_directory_ca", "certificates_acme_roots"):
        if (pem := options.get(name)) and not pem.lstrip().startswith("-----BEGIN CERTIFICATE-----"):
            yield f"{name} is not a certificate in PEM; it begins with -----BEGIN CERTIFICATE-----"
    if (email := options.get("certificates_acme_email")) and not re.fullmatch(EMAIL, email):
        yield f"certificates_acme_email is {email!r}; give the address that the account is made for"
    if (command := options.get("certificates_acme_dns_command")) and not re.fullmatch(r"/\S+", command):
        yield f"certificates_acme_dns_command is {command!r}; write the absolute path of a program, without arguments"


def acme_gaps(options: Mapping[str, Any]) -> Iterator[str]:
    """Say what is missing as soon as one certificate comes from an ACME server."""
    if not options.get("certificates_acme_email"):
        yield "certificates_acme_email is ''; give the address that the account is made for"
    if not options.get("certificates_acme_directory"):
        yield "certificates_acme_directory is ''; write the URL of a directory, it begins with https://"


def entry_findings(entry: Mapping[str, Any], of_acme: bool) -> Iterator[str]:
    """Say what no certificate can have, whoever issues it; names for ACME servers are examined more closely."""
    if not of_acme and not entry["names"]:
        yield "has no names; give at least one"
    for name in entry["names"]:
        named = _is_address(name) or re.fullmatch(HOST_NAME, name.removeprefix("DNS:"))
        if not of_acme and not named:
            yield f"has the name {name!r}; write a host name or an address"
    if not re.fullmatch(GROUP, group := entry.get("group", "root")):
        yield f"has the group {group!r}; write the name of a group of the host"
    for activation in entry.get("on_change", []):
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


def wanted_findings(options: Mapping[str, Any]) -> Iterator[str]:
    """Say which certificates cannot be had as they are written, or not from their provider."""
    wanted, providers = options.get("certificates_wanted", []), options.get("certificates_providers", {})
    names, dns_command = [entry["name"] for entry in wanted], options.get("certificates_acme_dns_command", "")
    provided, known = [*options.get("certificates_provided", {})], options.get("certificates_known", [])
    yield from provider_findings(names, providers, provided, known)
    for name in _twice(names):
        yield f"certificates_wanted has the name {name} twice; name each certificate once"
    for name in dict.fromkeys(names):
        if not re.fullmatch(FILE_NAME, name):
            yield (
                f"certificates_wanted has the name {name!r}; use up to 100 letters, digits and . _ -, "
                "and not ca, which is the CA"
            )
    acme = [entry for entry in wanted if providers.get(entry["name"]) == "acme"]
    for entry in wanted:
        found = entry_findings(entry, entry in acme)
        yield from (f"certificates_wanted: {entry['name']} {finding}" for finding in found)
    for entry in acme:
        found = name_findings(entry, dns_command, options.get("certificates_shared_names", []))
        yield from (f"certificates_wanted: {entry['name']} {finding}" for finding in found)
    yield from acme_findings(options)
    if acme:
        yield from acme_gaps(options)


def _unfit(pair: Mapping[str, Any]) -> list[str]:
    """Return the halves of a pair that are no PEM texts, or are missing."""
    return [
        half for half, form in (("certificate", CHAIN), ("key", KEY)) if not form.fullmatch(str(pair.get(half) or ""))
    ]


def pair_findings(options: Mapping[str, Any]) -> Iterator[str]:
    """Say which pairs of the vault are none, without what is there instead; whether they fit certificate_set sees."""
    authority = {half: options.get(f"certificates_ca_{half}") for half in ("certificate", "key")}
    for half in _unfit(authority) if all(authority.values()) else []:
        cure = "`make secrets INVENTORY=…` generates both halves once both lines are gone"
        yield f"certificates_ca_{half} is not PEM; {cure}"
    for name, pair in options.get("certificates_provided", {}).items():
        for half in _unfit(pair if isinstance(pair, Mapping) else {}):
            yield (
                f"certificates_provided.{name}.{half} is not PEM, or is not there; put the text into the vault, "
                "from -----BEGIN to END-----, a key without a passphrase"
            )


def certificates_findings(options: Mapping[str, Any]) -> list[str]:
    """Return one sentence for everything that cannot be had as it is written."""
    days = options.get("certificates_lifetime_days", LIFETIME[0])
    found = []
    if not LIFETIME[0] <= days <= LIFETIME[1]:
        found.append(f"certificates_lifetime_days is {days}; keep it within {LIFETIME[0]} to {LIFETIME[1]} days")
    return [*found, *wanted_findings(options), *pair_findings(options)]


FilterModule = filter_module(certificates_findings)
