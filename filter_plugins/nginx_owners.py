"""Who else has a hand in nginx: files and certificates of somebody else that ours would meet."""

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

CURES = {
    "/etc/nginx/nginx.conf": "replaces it; move what is needed into nginx_settings, nginx_sites or nginx_streams, "
    "then the file aside, as in `mv /etc/nginx/nginx.conf /root/`",
    "/etc/nginx/sites-enabled/default": "removes it; describe the site in nginx_sites, then remove it",
}


def _served(sites: Any) -> dict[str, str]:
    """Return which site has each server name; what is no site is somebody else's finding."""
    fit = (site for site in (sites if isinstance(sites, list) else []) if isinstance(site, Mapping))
    named = ((str(site.get("name")), site.get("server_names")) for site in fit)
    return {str(name).lower(): site for site, names in named if isinstance(names, list) for name in names}


def file_findings(file: Mapping[str, Any], names: Mapping[str, str], directives: set[str]) -> Iterator[str]:
    """Say what a file that nginx goes on to load claims, and we do too."""
    for port in file["default_ports"]:
        yield f"is the default_server of port {port}, which role nginx is; remove the word there"
    for name in file["names"]:
        if name in names:
            yield f"has the server name {name}, as {names[name]} of nginx_sites has; remove it from one"
    for name in sorted(directives.intersection(file["directives"])):
        yield f"sets {name}, which role nginx sets too; move it into nginx_settings and remove it there"


def nginx_file_findings(
    found: Mapping[str, Any], host: str, sites: list[Mapping[str, Any]], claims: list[str]
) -> list[str]:
    """Return one sentence, with its fix, for every file of somebody else that ours would meet."""
    names = _served(sites)
    ours = set(claims) - {"log_format", "access_log", "error_log", "include"}
    return [
        f"{path} of {host} was written by somebody else, and role nginx {CURES[path]}"
        for path in found.get("changed", [])
    ] + [
        f"{file['path']} of {host} {finding}"
        for file in found.get("foreign", [])
        for finding in file_findings(file, names, ours)
    ]


def certificate_client_findings(
    clients: list[Mapping[str, Any]], host: str, sites: list[Mapping[str, Any]]
) -> list[str]:
    """Return one sentence, with its fix, for every name of a site that another client proves by our web server.

    It would rewrite our files, or need a port that is taken. One that proves by DNS is in nobody's way.
    """
    ours = set(_served(sites))
    findings = []
    for client in clients:
        common = sorted(ours.intersection(name.lower() for name in client["names"]))
        ways = [way for way in client["ways"] if not way.startswith(("dns", "manual"))]
        if common and ways:
            findings.append(
                f"{client['client']} of {host} renews {', '.join(common)} too, by {' and '.join(ways)}, "
                f"which meets role nginx; move {client['path']} out of its folder, the certificate itself stays"
            )
    return findings


FilterModule = filter_module(nginx_file_findings, certificate_client_findings)
