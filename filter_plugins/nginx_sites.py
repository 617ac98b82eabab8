"""Sites of nginx as data: what cannot be served, and what every site is with all it does not say."""

import functools
import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
SERVER_NAME = re.compile(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
INSTANCE = re.compile(r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")
PATH = re.compile(r"/[A-Za-z0-9._~/-]*")
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


def _is_network(text: object) -> bool:
    try:
        ipaddress.ip_network(str(text))
    except ValueError:
        return False
    return True


def _doubtful(values: list[str], pattern: re.Pattern[str]) -> list[str]:
    """Return what does not fit, and what stands there twice, each once."""
    return [value for value, times in Counter(values).items() if times > 1 or not pattern.fullmatch(value)]


def names_findings(sites: list[dict[str, Any]]) -> Iterator[str]:
    for name in _doubtful([site["name"] for site in sites], NAME):
        yield (f"nginx_sites has the name {name}; use every name once, with lower-case letters, digits and dashes")
    for name in _doubtful([name for site in sites for name in site["server_names"]], SERVER_NAME):
        yield (f"nginx_sites has the server name {name}; give every host name to one site, without scheme or port")


def upstream_findings(upstream: Mapping[str, Any]) -> Iterator[str]:
    if not upstream["servers"]:
        yield "has no upstream.servers; give at least one"
    for server in upstream["servers"]:
        if not INSTANCE.fullmatch(server):
            yield f"has the upstream server {server}; write address:port"
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


def path_findings(site: Mapping[str, Any]) -> Iterator[str]:
    paths = Counter(path for key in DEFAULTS if key.endswith("_paths") for path in site[key])
    for path, times in paths.items():
        if not PATH.fullmatch(path):
            yield f"has the path {path}; begin with / and use letters, digits and . _ ~ -"
        elif times > 1 and path in site["closed_paths"]:
            yield f"closes the path {path} and names it once more; a closed path answers nobody, so say only that"
    for path, sources in site["restricted_paths"].items():
        for source in sources:
            if not _is_network(source):
                yield f"lets {source} reach {path}; write an address or a network such as 192.0.2.0/24"
    for path, seconds in site["cached_paths"].items():
        if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds < 1:
            yield f"lets clients keep {path} for {seconds!r} seconds; give a whole number from 1"


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


def nginx_site_findings(
    sites: list[dict[str, Any]], headers: dict[str, Any] | None = None, error_page: str = ""
) -> list[str]:
    """Return one sentence, with its cure, for everything that cannot be served as it is written."""
    complete = nginx_sites_complete(sites, {"headers": headers or {}, "error_page": error_page})
    findings = [*names_findings(complete)]
    for site in complete:
        of_site = [
            *(["has no server_names; give at least one"] if not site["server_names"] else []),
            *upstream_findings(site["upstream"]),
            *path_findings(site),
            *client_findings(site),
        ]
        findings += [f"nginx_sites: {site['name']} {finding}" for finding in of_site]
    return findings


def _access(sources: list[str]) -> list[str]:
    """Return the rules of a path in nginx's words; none when everybody may reach it."""
    return [*(f"allow {source}" for source in sorted(sources)), *(["deny all"] if sources else [])]


def locations_of(site: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what is said about each path that reaches the instances; / always does."""
    paths = {"/", *site["websocket_paths"], *site["restricted_paths"], *site["cached_paths"]}
    return [
        {
            "path": path,
            "websocket": path in site["websocket_paths"],
            "access": _access(site["restricted_paths"].get(path, [])),
            "kept_seconds": site["cached_paths"].get(path, 0),
        }
        for path in sorted(paths)
    ]


def nginx_sites_complete(sites: list[dict[str, Any]], defaults: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the sites in order of their names, each with every key, and with what follows from them."""
    if not isinstance(sites, list) or not all(isinstance(site, Mapping) for site in sites):
        raise TypeError(f"nginx_sites must be a list of mappings, got {type(sites).__name__}")
    complete = []
    for given in sites:
        site = {**DEFAULTS, **defaults, **given, "upstream": {**UPSTREAM_DEFAULTS, **given["upstream"]}}
        site["headers"] = {**defaults.get("headers", {}), **given.get("headers", {})}
        complete.append({**site, "id": str(site["name"]).replace("-", "_"), "locations": locations_of(site)})
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
