"""Sites of nginx as data: what cannot be served, and what every site is with all it does not say."""

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
SERVER_NAME = re.compile(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
INSTANCE = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
CERTIFICATE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
HEADER = re.compile(r"[A-Za-z0-9-]+")
ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")
COOKIE = re.compile(r"[A-Za-z0-9_]+")
DEFAULTS: dict[str, Any] = {
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
UPSTREAM_DEFAULTS: dict[str, Any] = {"weights": {}, "keepalive": 32, "sticky_by": "none", "sticky_cookie": ""}
PAGE_BYTES = 64 * 1024
LEAST = {
    "read_timeout_seconds": 1,
    "websocket_timeout_seconds": 1,
    "body_limit_mb": 1,
    "rate_limit_per_second": 0,
    "rate_limit_burst": 0,
    "connection_limit": 0,
}


def _doubtful(values: list[str], pattern: re.Pattern[str]) -> list[str]:
    """Return what does not fit, and what stands there twice, each once."""
    return [value for value, times in Counter(values).items() if times > 1 or not pattern.fullmatch(value)]


def names_findings(sites: list[dict[str, Any]]) -> Iterator[str]:
    for name in _doubtful([site["name"] for site in sites], NAME):
        yield (f"nginx_sites has the name {name}; use every name once, with lower-case letters, digits and dashes")
    for name in _doubtful([name.lower() for site in sites for name in site["server_names"]], SERVER_NAME):
        yield (f"nginx_sites has the server name {name}; give every host name to one site, without scheme or port")


def upstream_findings(upstream: Mapping[str, Any]) -> Iterator[str]:
    if not upstream["servers"]:
        yield "has no upstream.servers; give at least one"
    for server in upstream["servers"]:
        found = INSTANCE.fullmatch(server)
        if not found or not 1 <= int(found[1]) <= 65535:
            yield f"has the upstream server {server}; write address:port, the port from 1 to 65535"
    if upstream["keepalive"] < 1:
        yield f"has upstream.keepalive {upstream['keepalive']}; give at least 1"
    yield from weight_findings(upstream)
    wanted = upstream["sticky_by"] == "cookie"
    if wanted != bool(upstream["sticky_cookie"]) or (wanted and not COOKIE.fullmatch(upstream["sticky_cookie"])):
        yield (
            f"has upstream.sticky_by {upstream['sticky_by']} and upstream.sticky_cookie {upstream['sticky_cookie']!r}; "
            "a cookie is named, with letters, digits and _, when clients are kept by it and only then"
        )


def weight_findings(upstream: Mapping[str, Any]) -> Iterator[str]:
    servers, weights = upstream["servers"], upstream["weights"]
    for server, weight in weights.items():
        if server not in servers:
            yield f"has upstream.weights for {server}, which is not one of its servers; take it out"
        elif isinstance(weight, bool) or not isinstance(weight, int) or weight < 0:
            yield f"gives {server} the weight {weight!r}; give a whole number, 0 drains it"
        elif weight > 1 and upstream["sticky_by"] != "none":
            yield (
                f"gives {server} the weight {weight} and has upstream.sticky_by {upstream['sticky_by']}; "
                "a weight would move clients from the instance that keeps them, so give 0 to drain it, or nothing"
            )
    if servers and all(weights.get(server, 1) == 0 for server in servers):
        yield "drains all of its servers; leave one, or close the site with playbooks/maintenance.yml"


def number_findings(site: Mapping[str, Any]) -> Iterator[str]:
    for key, least in LEAST.items():
        if site.get(key, least) < least:
            yield f"has {key} {site[key]}; give at least {least}"


def client_findings(site: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with what clients may do and are told."""
    for origin in site["cors_origins"]:
        if not ORIGIN.fullmatch(origin):
            yield f"has the origin {origin}; write scheme and name, such as https://www.example.org, never *"
    for header, value in site["headers"].items():
        # What a template prints into a configuration must not be able to end its directive.
        if not HEADER.fullmatch(header) or not isinstance(value, str) or re.search(r"[\r\n\\]", value):
            yield f"has the header {header}; its value is one line of text without backslashes"
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


def certificate_findings(name: str) -> Iterator[str]:
    if not CERTIFICATE.fullmatch(name):
        yield f"has the certificate {name}; write a file name of /etc/holdfast/tls without its suffix"


def nginx_site_findings(
    sites: list[dict[str, Any]], headers: dict[str, Any] | None = None, error_page: str = ""
) -> list[str]:
    """Return one sentence, with its cure, for everything that cannot be served as it is written."""
    complete = nginx_sites_complete(sites, {"error_page": error_page}, [headers or {}])
    findings = [*names_findings(complete)]
    for site in complete:
        of_site = [
            *(["has no server_names; give at least one"] if not site["server_names"] else []),
            *(certificate_findings(site["certificate"]) if "certificate" in site else []),
            *upstream_findings(site["upstream"]),
            *number_findings(site),
            *client_findings(site),
        ]
        findings += [f"nginx_sites: {site['name']} {finding}" for finding in of_site]
    return findings


def _headers(layers: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the headers of all layers; a later one counts, however it spells the name."""
    merged: dict[str, tuple[str, Any]] = {}
    for layer in layers:
        merged |= {name.lower(): (name, value) for name, value in layer.items()}
    return dict(merged.values())


def nginx_sites_complete(
    sites: list[dict[str, Any]], defaults: dict[str, Any], headers: list[dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """Return the sites in order of their names, each with every key, and with the headers of all layers."""
    if not isinstance(sites, list) or not all(isinstance(site, Mapping) for site in sites):
        raise TypeError(f"nginx_sites must be a list of mappings, got {type(sites).__name__}")
    complete = []
    for given in sites:
        site = {**DEFAULTS, **defaults, **given, "upstream": {**UPSTREAM_DEFAULTS, **given["upstream"]}}
        site["headers"] = _headers([*(headers or []), given.get("headers", {})])
        complete.append({**site, "id": str(site["name"]).replace("-", "_")})
    return sorted(complete, key=lambda site: str(site["name"]))


FILTERS = (nginx_site_findings, nginx_sites_complete)


def _reported(core: Callable[..., object]) -> Callable[..., object]:
    """Let Ansible show a refusal of ``core`` as one sentence."""

    @functools.wraps(core)
    def run(*arguments: object, **options: object) -> object:
        try:
            return core(*arguments, **options)
        except (TypeError, ValueError) as error:
            raise AnsibleFilterError(str(error)) from None

    return run


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        """Return the filters by name."""
        return {core.__name__: _reported(core) for core in FILTERS}
