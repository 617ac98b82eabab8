"""The files below /etc/nginx, those of all hosts and those of sites and endpoints, as entries of a transaction."""

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

FOLDER = "/etc/nginx/"
ALWAYS = (
    "nginx.conf",
    "conf.d/holdfast-proxy.conf",
    "conf.d/holdfast-log.conf",
    "snippets/holdfast-acme.conf",
    "snippets/holdfast-proxy.conf",
    "sites-enabled/holdfast-0-default.conf",
)
FOLDERS = ("pools", "streams", "maintenance", "errors", "waf")
# What a file is called before the name of its site, and its template
SITE = {
    "conf.d/holdfast-site-": "conf.d/holdfast-site.conf.j2",
    "snippets/holdfast-headers-": "snippets/holdfast-headers.conf.j2",
    "snippets/holdfast-errors-": "snippets/holdfast-errors.conf.j2",
    "sites-enabled/holdfast-site-": "sites-enabled/holdfast-site.conf.j2",
    "holdfast-pools/": "holdfast-pools/pool.conf.j2",
}
GUARD = {"holdfast-waf/": "holdfast-waf/site.conf.j2"}
STREAM = {"holdfast-streams/": "holdfast-streams/stream.conf.j2", "holdfast-pools/": "holdfast-pools/stream.conf.j2"}
CLOSED = {"holdfast-maintenance/": "holdfast-maintenance/site.conf.j2"}

Entry = dict[str, Any]


def _printed(templates: Mapping[str, str], name: str, **given: object) -> Iterator[Entry]:
    for place, template in templates.items():
        yield {"dest": f"{FOLDER}{place}{name}.conf", "template": f"etc/nginx/{template}", "vars": given}


def _of_site(site: Mapping[str, Any]) -> Iterator[Entry]:
    yield from _printed(SITE, site["name"], __nginx_site=site)
    if site["error_page"]:
        page = f"{FOLDER}holdfast-errors/{site['name']}.html"
        yield {"dest": page, "content": site["error_page"], "on_change": []}
    if site["waf"] != "none":
        yield from _printed(GUARD, site["name"], __nginx_site=site)


def _of_all() -> Iterator[Entry]:
    yield from ({"dest": f"{FOLDER}{path}", "template": f"etc/nginx/{path}.j2"} for path in ALWAYS)
    yield {"dest": f"{FOLDER}sites-enabled/default", "state": "absent"}
    yield from ({"dest": f"{FOLDER}holdfast-{name}", "state": "directory"} for name in FOLDERS)
    yield {"dest": f"{FOLDER}holdfast-streams/_log.conf", "template": "etc/nginx/holdfast-streams/_log.conf.j2"}


def nginx_files(sites: list[dict[str, Any]], streams: list[dict[str, Any]]) -> list[Entry]:
    """Return the files of all hosts, and those of sites and endpoints, both with every key."""
    of_sites = (entry for site in sites for entry in _of_site(site))
    of_streams = (entry for stream in streams for entry in _printed(STREAM, stream["name"], __nginx_stream=stream))
    return [*_of_all(), *of_sites, *of_streams]


def nginx_maintenance_files(maintenance: Mapping[str, Any]) -> list[Entry]:
    """Return the files that close sites, or that have to go so that the sites are open again."""
    found = []
    for name in maintenance["sites"]:
        (entry,) = _printed(CLOSED, name, __nginx_site={"name": name})
        if not maintenance["message"]:
            del entry["template"]
        found.append({**entry, "state": "file" if maintenance["message"] else "absent"})
    return found


FilterModule = filter_module(nginx_files, nginx_maintenance_files)
