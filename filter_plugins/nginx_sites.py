"""Sites of nginx as data: what cannot be served, and what every site is with all it does not say."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import CERTIFICATE
from ansible_collections.holdfast.platform.plugins.plugin_utils.numbers import WORD_BYTES

NAME = r"[a-z0-9][a-z0-9-]{0,99}"  # beside what files are called that have it in their name
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
SERVER_NAME = rf"(?=.{{1,253}}$)(\*\.)?{LABEL}(\.{LABEL})*"
HEADER = r"[A-Za-z0-9-]{1,100}"
CONTROL = r"[\x00-\x08\x0a-\x1f\x7f\\]"
ORIGIN = r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?"
DOLLAR = "${holdfast_dollar}"  # nginx knows no other way to write one
DEFAULTS: dict[str, Any] = {  # of nginx_sites[]
    "websocket_paths": [],
    "closed_paths": ["/metrics"],
    "restricted_paths": {},
    "cached_paths": {},
    "cors_origins": [],
    "read_timeout_seconds": 60,
    "websocket_timeout_seconds": 3600,
    "rate_limit_per_second": 0,
    "rate_limit_burst": 0,
    "connection_limit": 0,
    "waf": "none",
    "waf_excluded_rules": [],
    "headers": {},
    "error_page": "",
}
UPSTREAM_DEFAULTS: dict[str, Any] = {  # of nginx_sites[].upstream
    "weights": {},
    "keepalive": 32,
    "sticky_by": "none",
    "sticky_cookie": "",
}
PAGE_BYTES = 64 * 1024
YEAR = 365 * 86400
RANGES = {
    "read_timeout_seconds": (1, YEAR),
    "websocket_timeout_seconds": (1, YEAR),
    "body_limit_mb": (1, 2**20),
    "rate_limit_per_second": (0, 10**6),
    "rate_limit_burst": (0, 10**6),
    "connection_limit": (0, 65535),
}


def _doubtful(values: list[str], pattern: str) -> list[str]:
    """Return what does not fit, and what stands there twice, each once."""
    return [value for value, times in Counter(values).items() if times > 1 or not re.fullmatch(pattern, value)]


def names_findings(sites: list[dict[str, Any]]) -> Iterator[str]:
    for name in _doubtful([site["name"] for site in sites], NAME):
        yield (
            f"nginx_sites has the name {name}; use every name once, "
            "with up to 100 lower-case letters, digits and dashes"
        )
    for name in _doubtful([name.lower() for site in sites for name in site["server_names"]], SERVER_NAME):
        yield (
            f"nginx_sites has the server name {name}; give every host name to one site and once, whatever its case, "
            "as DNS spells it, without scheme or port"
        )


def number_findings(site: Mapping[str, Any]) -> Iterator[str]:
    for key, (least, most) in RANGES.items():
        if not least <= site.get(key, least) <= most:
            yield f"has {key} {site[key]}; give {least} to {most}"


def _quoted(value: str) -> str:
    """Return a text as it stands between quotes in nginx's configuration."""
    return value.replace('"', '\\"').replace("$", DOLLAR)


def header_findings(headers: Mapping[str, Any]) -> Iterator[str]:
    """Say which headers would end the directive they are printed into, or be more than nginx reads."""
    for header, value in headers.items():
        if not re.fullmatch(HEADER, str(header)):
            yield f"has the header {header}; its name is of letters, digits and dashes, 100 at most"
        elif not isinstance(value, str) or re.search(CONTROL, value):
            yield f"has the header {header}; its value is one line of text without backslashes"
        elif len(_quoted(value).encode()) > WORD_BYTES:
            yield f"has the header {header} of {len(value.encode())} bytes; give it {WORD_BYTES} at most"


def client_findings(site: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with what clients may do and are told."""
    for origin in _doubtful([origin.lower() for origin in site["cors_origins"]], ORIGIN):
        yield f"has the origin {origin}; write scheme and name once, such as https://www.example.org, never *"
    yield from header_findings(site["headers"])
    if site["rate_limit_burst"] and not site["rate_limit_per_second"]:
        yield (f"has rate_limit_burst {site['rate_limit_burst']} and no rate_limit_per_second; say how many are usual")
    size = len(site["error_page"].encode())
    if size >= PAGE_BYTES or "\0" in site["error_page"]:
        yield (
            f"has an error page of {size} bytes{' with NUL' if size < PAGE_BYTES else ''}; "
            f"give error_page, or nginx_error_page, as text of less than {PAGE_BYTES} bytes without NUL"
        )
    if site["waf_excluded_rules"] and site["waf"] == "none":
        yield "has waf_excluded_rules and no waf; set waf to detection or blocking"
    for rule in site["waf_excluded_rules"]:
        if not 1 <= rule < 2**31:
            yield f"has {rule} in waf_excluded_rules; write the number of a rule, such as 942100"


def certificate_findings(name: str) -> Iterator[str]:
    if not re.fullmatch(CERTIFICATE, name):
        yield f"has the certificate {name}; write a file name of /etc/holdfast/tls without its suffix, not ca"


def nginx_site_findings(options: Mapping[str, Any]) -> list[str]:
    """Return one sentence for everything in nginx_sites that cannot be served as it is written."""
    headers = options.get("nginx_headers", {})
    defaults = {"error_page": options.get("nginx_error_page", "")}
    complete = nginx_sites_complete(options.get("nginx_sites", []), defaults, [headers])
    findings, shared = [*names_findings(complete)], {*header_findings(headers)}
    for site in complete:
        of_site = [
            *(["has no server_names; give at least one"] if not site["server_names"] else []),
            *(certificate_findings(site["certificate"]) if "certificate" in site else []),
            *number_findings(site),
            *client_findings(site),
        ]
        where = f"nginx_sites: {site['name']}"
        findings += [f"{'nginx_headers' if finding in shared else where} {finding}" for finding in of_site]
    return list(dict.fromkeys(findings))


def _headers(layers: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the headers of all layers; a later one counts, however it spells the name."""
    merged: dict[str, tuple[str, Any]] = {}
    for layer in layers:
        merged |= {str(name).lower(): (name, value) for name, value in layer.items()}
    return dict(merged.values())


def _upstream(given: Mapping[str, Any]) -> dict[str, Any]:
    return {**UPSTREAM_DEFAULTS, **{key: value for key, value in given.items() if value is not None}}


def nginx_sites_complete(
    sites: list[dict[str, Any]], defaults: dict[str, Any], headers: list[dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """Return the sites in order of their names, each with every key, and with the headers of all layers."""
    if not isinstance(sites, list) or not all(isinstance(site, Mapping) for site in sites):
        raise TypeError(f"nginx_sites must be a list of mappings, got {type(sites).__name__}")
    complete = []
    for given in ({key: value for key, value in site.items() if value is not None} for site in sites):
        site = {**DEFAULTS, **defaults, **given, "upstream": _upstream(given["upstream"])}
        site["headers"] = _headers([*(headers or []), given.get("headers", {})])
        site["server_names"] = [str(name).lower() for name in given["server_names"]]
        site["quoted_headers"] = {name: _quoted(str(value)) for name, value in site["headers"].items()}
        complete.append({**site, "id": str(site["name"]).replace("-", "_")})
    return sorted(complete, key=lambda site: str(site["name"]))


FilterModule = filter_module(nginx_site_findings, nginx_sites_complete)
