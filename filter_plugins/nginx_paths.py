"""Paths of nginx's sites: what cannot be said of them, and the locations they become."""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

PATH = re.compile(r"/[A-Za-z0-9._~/-]{0,499}")
NORMALIZED = re.compile(r"//|/\.{1,2}(/|$)")  # nginx resolves these in what clients ask for, and would never find them
MOST_SECONDS = 10 * 365 * 86400
KEYS = ("websocket_paths", "closed_paths", "restricted_paths", "cached_paths")


def _is_network(text: object) -> bool:
    try:
        ipaddress.ip_network(str(text))
    except ValueError:
        return False
    return "%" not in str(text)


def _unfit(sources: list[str]) -> Iterator[str]:
    for source in sources:
        if not _is_network(source):
            yield f"has {source}, which is neither an address nor a network; write one such as 192.0.2.0/24"


def list_findings(options: Mapping[str, Any]) -> Iterator[str]:
    """Say which lists of the role have something else than addresses and networks, or make everybody a proxy."""
    proxies = options.get("nginx_trusted_proxies", [])
    yield from (f"nginx_trusted_proxies {finding}" for finding in _unfit(proxies))
    for source in proxies:
        if _is_network(source) and _is_everybody(source):
            yield (
                f"nginx_trusted_proxies has {source}, with which any client could claim the address of another; "
                "name only your load balancers"
            )
    inside = options.get("nginx_maintenance_sources", [])
    yield from (f"nginx_maintenance_sources {finding}" for finding in _unfit(inside))


def _is_everybody(source: str) -> bool:
    """Tell whether a network is as large as half of all addresses; of those of IPv6 that are in use, 2000::/3."""
    network = ipaddress.ip_network(source)
    return network.prefixlen <= (1 if network.version == 4 else 4)


def source_findings(path: str, sources: object) -> Iterator[str]:
    if not isinstance(sources, list):
        yield f"has restricted_paths with {path}: {sources!r}; write a list, such as [192.0.2.0/24]"
    elif not sources:
        yield f"lets nobody reach {path}; name addresses or networks, or move it to closed_paths"
    else:
        yield from (f"restricted_paths {path} {finding}" for finding in _unfit(sources))


def path_findings(site: Mapping[str, Any]) -> Iterator[str]:
    paths = Counter(path for key in KEYS for path in site.get(key) or ())
    for path, times in paths.items():
        if not PATH.fullmatch(str(path)):
            yield f"has the path {path}; begin with / and use up to 500 letters, digits and . _ ~ -"
        elif NORMALIZED.search(path):
            yield f"has the path {path}, which no request has: // and dots are resolved before; write what remains"
        elif times > 1 and path in (site.get("closed_paths") or ()):
            yield f"closes the path {path} and names it once more; a closed path answers nobody, so say only that"
    for path, sources in (site.get("restricted_paths") or {}).items():
        yield from source_findings(path, sources)
    for path, seconds in (site.get("cached_paths") or {}).items():
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 1 <= seconds <= MOST_SECONDS:
            yield f"lets clients keep {path} for {seconds!r} seconds; give a whole number from 1 to {MOST_SECONDS}"


def nginx_path_findings(options: Mapping[str, Any]) -> list[str]:
    """Return one sentence for everything that cannot be said of a path, and of who reaches it."""
    sites = options.get("nginx_sites", [])
    of_sites = (f"nginx_sites: {site['name']} {finding}" for site in sites for finding in path_findings(site))
    return [*of_sites, *list_findings(options)]


def _pattern(path: str) -> str:
    """Return the pattern of a path and all below it: /admin is not /administrators.

    A semicolon ends a segment too: servers of Java take /admin;a=b for /admin.
    """
    return "^" + path.replace(".", r"\.") + ("" if path.endswith("/") else "([/;]|$)")


def _above(path: str, paths: Any) -> list[str]:
    """Return those of the paths below which a path lies, itself included, the longest last; case does not matter."""
    return sorted((each for each in paths if re.match(_pattern(each), path, re.IGNORECASE)), key=len)


def _access(sources: list[str]) -> list[str]:
    """Return the rules of a path in nginx's words."""
    return [*(f"allow {source}" for source in sorted(sources)), "deny all"]


def location_of(path: str, site: Mapping[str, Any]) -> dict[str, Any]:
    restricted, kept = _above(path, site["restricted_paths"]), _above(path, site["cached_paths"])
    return {
        "match": path if path == "/" else f'~* "{_pattern(path)}"',
        "closed": bool(_above(path, site["closed_paths"])),
        "websocket": bool(_above(path, site["websocket_paths"])),
        "access": _access(site["restricted_paths"][restricted[-1]]) if restricted else [],
        "kept_seconds": site["cached_paths"][kept[-1]] if kept else 0,
    }


def nginx_locations(site: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the locations of a site, the longest first, as nginx has to try them.

    What is said of a path holds for all below it; of sources and of the time to keep, a longer path may say something
    else. Case does not matter, because many applications do not mind it.
    """
    paths = {"/", *(path for key in KEYS for path in site[key])}
    return [location_of(path, site) for path in sorted(paths, key=lambda path: (-len(path), path))]


FilterModule = filter_module(nginx_path_findings, nginx_locations)
