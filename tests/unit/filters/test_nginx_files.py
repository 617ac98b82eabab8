"""Which files sites and endpoints become, and those that close a site."""

from collections.abc import Callable
from typing import Any

Filters = dict[str, Callable[..., Any]]

SITE: dict[str, Any] = {"name": "api", "error_page": "", "waf": "none"}


def test_a_host_without_sites_has_the_files_of_all(filters: Filters) -> None:
    """Folders before what lies in them, and the site of Debian goes."""
    found = filters["nginx_files"]([], [])
    paths = [entry["dest"].removeprefix("/etc/nginx/") for entry in found]
    assert paths[0] == "nginx.conf"
    assert paths.index("holdfast-streams") < paths.index("holdfast-streams/_log.conf")
    assert {"dest": "/etc/nginx/sites-enabled/default", "state": "absent"} in found
    assert [entry["dest"] for entry in found if entry.get("state") == "directory"] == [
        f"/etc/nginx/holdfast-{name}" for name in ("pools", "streams", "maintenance", "errors", "waf")
    ]
    assert all(entry["template"] == f"{entry['dest'][1:]}.j2" for entry in found if "template" in entry)


def test_each_site_has_its_files(filters: Filters) -> None:
    """With what the templates print; a page and a firewall only where there is one."""
    files, ours = filters["nginx_files"], len(filters["nginx_files"]([], []))
    plain = files([SITE], [])[ours:]
    assert [entry["dest"] for entry in plain] == [
        "/etc/nginx/conf.d/holdfast-site-api.conf",
        "/etc/nginx/snippets/holdfast-headers-api.conf",
        "/etc/nginx/snippets/holdfast-errors-api.conf",
        "/etc/nginx/sites-enabled/holdfast-site-api.conf",
        "/etc/nginx/holdfast-pools/api.conf",
    ]
    assert all(entry["vars"] == {"__nginx_site": SITE} for entry in plain)
    assert plain[-1]["template"] == "etc/nginx/holdfast-pools/pool.conf.j2"
    full = {**SITE, "error_page": "<p>Sorry", "waf": "detection"}
    assert files([full], [])[ours + 5 :] == [
        {"dest": "/etc/nginx/holdfast-errors/api.html", "content": "<p>Sorry", "on_change": []},
        {
            "dest": "/etc/nginx/holdfast-waf/api.conf",
            "template": "etc/nginx/holdfast-waf/site.conf.j2",
            "vars": {"__nginx_site": full},
        },
    ]


def test_each_endpoint_has_its_files(filters: Filters) -> None:
    files = filters["nginx_files"]
    assert files([], [{"name": "mq"}])[-2:] == [
        {
            "dest": f"/etc/nginx/holdfast-{folder}/mq.conf",
            "template": f"etc/nginx/holdfast-{folder}/stream.conf.j2",
            "vars": {"__nginx_stream": {"name": "mq"}},
        }
        for folder in ("streams", "pools")
    ]


def test_a_message_closes_sites_and_none_opens_them(filters: Filters) -> None:
    close = filters["nginx_maintenance_files"]
    entry = {"dest": "/etc/nginx/holdfast-maintenance/api.conf", "vars": {"__nginx_site": {"name": "api"}}}
    template = "etc/nginx/holdfast-maintenance/site.conf.j2"
    assert close({"sites": ["api"], "message": "Back soon", "ends": ""}) == [
        {**entry, "template": template, "state": "file"}
    ]
    assert close({"sites": ["api"], "message": "", "ends": ""}) == [{**entry, "state": "absent"}]
    assert close({"sites": [], "message": "Back soon", "ends": ""}) == []
