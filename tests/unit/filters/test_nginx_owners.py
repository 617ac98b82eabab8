"""Hosts with a past: what somebody else has made of nginx is told before it is replaced or met."""

from collections.abc import Callable
from typing import Any

Filters = dict[str, Callable[..., Any]]

SITES = [
    {"name": "shop", "server_names": ["Shop.example", "www.shop.example"]},
    {"name": "api", "server_names": ["a.x"]},
]
CLAIMS = ["log_format", "access_log", "gzip", "sendfile"]
FILE: dict[str, Any] = {"path": "/etc/nginx/conf.d/mine.conf", "default_ports": [], "names": [], "directives": []}


def find(filters: Filters, **claims: Any) -> Any:
    return filters["nginx_file_findings"]({"changed": [], "foreign": [{**FILE, **claims}]}, "edge1", SITES, CLAIMS)


def test_a_file_that_is_in_nobodys_way(filters: Filters) -> None:
    """It stays and is loaded, and so does what may be said several times."""
    assert find(filters, names=["else.example", "_"], directives=["server", "log_format", "access_log", "map"]) == []
    assert filters["nginx_file_findings"]({}, "edge1", SITES, CLAIMS) == []


def test_what_is_no_site_is_somebody_elses_finding(filters: Filters) -> None:
    """Preflight said `string indices must be integers` beside the sentence about nginx_sites."""
    odd: list[Any] = [{"a": 1}, 5, ["x", {"name": "a"}, {"name": "b", "server_names": "c"}]]
    for sites in odd:
        assert filters["nginx_file_findings"]({"changed": [], "foreign": [FILE]}, "edge1", sites, []) == []
        assert filters["certificate_client_findings"]([], "edge1", sites) == []


def test_a_file_that_claims_what_is_ours(filters: Filters) -> None:
    """nginx accepts none of these, or takes the wrong one without a word."""
    mine = "/etc/nginx/conf.d/mine.conf of edge1"
    assert find(filters, default_ports=[80, 443], names=["shop.example", "x"], directives=["gzip", "server"]) == [
        f"{mine} is the default_server of port 80, which role nginx is; remove the word there",
        f"{mine} is the default_server of port 443, which role nginx is; remove the word there",
        f"{mine} has the server name shop.example, as shop of nginx_sites has; remove it from one",
        f"{mine} sets gzip, which role nginx sets too; move it into nginx_settings and remove it there",
    ]


def test_a_file_that_would_be_replaced(filters: Filters) -> None:
    """Streams and settings of somebody else are not lost unseen."""
    changed = ["/etc/nginx/nginx.conf", "/etc/nginx/sites-enabled/default"]
    assert filters["nginx_file_findings"]({"changed": changed, "foreign": []}, "edge1", [], []) == [
        "/etc/nginx/nginx.conf of edge1 was written by somebody else, and role nginx replaces it; move what is needed "
        "into nginx_settings, nginx_sites or nginx_streams, then the file aside, "
        "as in `mv /etc/nginx/nginx.conf /root/`",
        "/etc/nginx/sites-enabled/default of edge1 was written by somebody else, and role nginx removes it; "
        "describe the site in nginx_sites, then remove it",
    ]


def test_another_client_for_certificates(filters: Filters) -> None:
    """One that proves names by the web server, and only for names of ours."""
    client = {"client": "certbot", "path": "/etc/letsencrypt/renewal/a.conf", "names": ["WWW.shop.example", "b.x"]}
    find = filters["certificate_client_findings"]
    clients = [{**client, "ways": ["nginx"]}, {**client, "client": "acme.sh", "ways": ["standalone"]}]
    assert find(clients, "edge1", SITES) == [
        "certbot of edge1 renews www.shop.example too, by nginx, which meets role nginx; "
        "move /etc/letsencrypt/renewal/a.conf out of its folder, the certificate itself stays",
        "acme.sh of edge1 renews www.shop.example too, by standalone, which meets role nginx; "
        "move /etc/letsencrypt/renewal/a.conf out of its folder, the certificate itself stays",
    ]
    assert (
        find(
            [{**client, "ways": ["dns-cloudflare"]}, {**client, "ways": ["dns_cf"]}, {**client, "ways": ["manual"]}],
            "edge1",
            SITES,
        )
        == []
    )
    assert find([{**client, "names": ["mail.x"], "ways": ["nginx"]}], "edge1", SITES) == []
