"""What role nginx refuses to print, and what a site is that says little."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]

SITE: dict[str, Any] = {"name": "api", "server_names": ["api.example.org"], "upstream": {"servers": ["192.0.2.1:3000"]}}


def test_a_full_site_is_fine(filters: Filters) -> None:
    """Everything that can be said, said well."""
    site = {
        **SITE,
        "server_names": ["example.org", "*.example.org"],
        "upstream": {
            "servers": ["app-1.example:3000", "[2001:db8::1]:3000"],
            "weights": {"app-1.example:3000": 0},
            "sticky_by": "cookie",
            "sticky_cookie": "s_id",
        },
        "websocket_paths": ["/ws"],
        "restricted_paths": {"/admin": ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"], "/ws": ["192.0.2.9"]},
        "cached_paths": {"/static/": 86400},
        "cors_origins": ["https://www.example.org", "http://localhost:5173"],
        "rate_limit_per_second": 10,
        "rate_limit_burst": 20,
        "headers": {"X-Frame-Options": "", "Content-Security-Policy": "default-src 'self'; img-src *"},
    }
    assert filters["nginx_site_findings"]([site], {"X-A": "b"}) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (
            {"name": "Api"},
            "nginx_sites has the name Api; use every name once, with lower-case letters, digits and dashes",
        ),
        ({"server_names": []}, "nginx_sites: api has no server_names; give at least one"),
        (
            {"server_names": ["https://a.example"]},
            "nginx_sites has the server name https://a.example; give every host name to one site, "
            "without scheme or port",
        ),
        ({"upstream": {"servers": []}}, "nginx_sites: api has no upstream.servers; give at least one"),
        (
            {"upstream": {"servers": ["http://a:1"]}},
            "nginx_sites: api has the upstream server http://a:1; write address:port, the port from 1 to 65535",
        ),
        (
            {"upstream": {"servers": ["a:99999"]}},
            "nginx_sites: api has the upstream server a:99999; write address:port, the port from 1 to 65535",
        ),
        (
            {"upstream": {"servers": ["a:1"], "keepalive": 0}},
            "nginx_sites: api has upstream.keepalive 0; give at least 1",
        ),
        ({"read_timeout_seconds": 0}, "nginx_sites: api has read_timeout_seconds 0; give at least 1"),
        ({"body_limit_mb": 0}, "nginx_sites: api has body_limit_mb 0; give at least 1"),
        ({"connection_limit": -1}, "nginx_sites: api has connection_limit -1; give at least 0"),
        (
            {"certificate": "x; return 200"},
            "nginx_sites: api has the certificate x; return 200; write a file name of /etc/holdfast/tls "
            "without its suffix",
        ),
        (
            {"server_names": ["api.example.org", "API.example.org"]},
            "nginx_sites has the server name api.example.org; give every host name to one site, without scheme or port",
        ),
        (
            {"upstream": {"servers": ["a:1"], "sticky_by": "cookie"}},
            "nginx_sites: api has upstream.sticky_by cookie and upstream.sticky_cookie ''; a cookie is named, "
            "with letters, digits and _, when clients are kept by it and only then",
        ),
        (
            {"upstream": {"servers": ["a:1"], "sticky_cookie": "s"}},
            "nginx_sites: api has upstream.sticky_by none and upstream.sticky_cookie 's'; a cookie is named, "
            "with letters, digits and _, when clients are kept by it and only then",
        ),
        (
            {"upstream": {"servers": ["a:1"], "weights": {"b:1": 2}}},
            "nginx_sites: api has upstream.weights for b:1, which is not one of its servers; take it out",
        ),
        (
            {"upstream": {"servers": ["a:1", "b:1"], "weights": {"b:1": 0.5}}},
            "nginx_sites: api gives b:1 the weight 0.5; give a whole number, 0 drains it",
        ),
        (
            {"upstream": {"servers": ["a:1", "b:1"], "weights": {"b:1": True}}},
            "nginx_sites: api gives b:1 the weight True; give a whole number, 0 drains it",
        ),
        (
            {"upstream": {"servers": ["a:1", "b:1"], "weights": {"b:1": -1}}},
            "nginx_sites: api gives b:1 the weight -1; give a whole number, 0 drains it",
        ),
        (
            {"upstream": {"servers": ["a:1", "b:1"], "weights": {"b:1": 2}, "sticky_by": "address"}},
            "nginx_sites: api gives b:1 the weight 2 and has upstream.sticky_by address; a weight would move clients "
            "from the instance that keeps them, so give 0 to drain it, or nothing",
        ),
        (
            {"upstream": {"servers": ["a:1", "b:1"], "weights": {"a:1": 0, "b:1": 0}}},
            "nginx_sites: api drains all of its servers; leave one, or close the site with playbooks/maintenance.yml",
        ),
        (
            {"error_page": "é" * 32768},
            "nginx_sites: api has an error page of 65536 bytes; "
            "give error_page, or nginx_error_page, as text of less than 65536 bytes without NUL",
        ),
        (
            {"error_page": "a\0b"},
            "nginx_sites: api has an error page of 3 bytes with NUL; "
            "give error_page, or nginx_error_page, as text of less than 65536 bytes without NUL",
        ),
        (
            {"cors_origins": ["*"]},
            "nginx_sites: api has the origin *; write scheme and name, such as https://www.example.org, never *",
        ),
        (
            {"headers": {"X-A": 'a";\nreturn 200'}},
            "nginx_sites: api has the header X-A; its value is one line of text without backslashes",
        ),
        (
            {"rate_limit_burst": 5},
            "nginx_sites: api has rate_limit_burst 5 and no rate_limit_per_second; say how many are usual",
        ),
        (
            {"waf_excluded_rules": [942100]},
            "nginx_sites: api has waf_excluded_rules and no waf; set waf to detection or blocking",
        ),
    ],
)
def test_one_finding_each(filters: Filters, change: dict[str, Any], finding: str) -> None:
    """Site, value and cure."""
    assert filters["nginx_site_findings"]([{**SITE, **change}]) == [finding]


def test_two_sites_share_nothing(filters: Filters) -> None:
    """Each name is reported once."""
    assert [sentence.split(";")[0] for sentence in filters["nginx_site_findings"]([SITE, SITE])] == [
        "nginx_sites has the name api",
        "nginx_sites has the server name api.example.org",
    ]


def test_headers_of_all_sites_are_looked_at(filters: Filters) -> None:
    """They stand in every site; a site may replace one."""
    assert len(filters["nginx_site_findings"]([SITE], {"X A": "b", "X-B": 1})) == 2
    assert filters["nginx_site_findings"]([{**SITE, "headers": {"X-B": "b"}}], {"X-B": 1}) == []


def test_the_error_page_of_all_sites_is_looked_at(filters: Filters) -> None:
    """A site may replace it, or bring back nginx's own."""
    assert len(filters["nginx_site_findings"]([SITE], {}, "\0")) == 1
    assert filters["nginx_site_findings"]([{**SITE, "error_page": ""}], {}, "\0") == []
    assert filters["nginx_site_findings"]([SITE], {}, "x" * 65535) == []


def test_what_a_site_does_not_say(filters: Filters) -> None:
    """The role's defaults, below what the inventory says for all sites, below the site."""
    plain = filters["nginx_sites_complete"](
        [{**SITE, "name": "my-api"}], {"body_limit_mb": 10, "certificate": "nginx"}
    )[0]
    assert plain["id"] == "my_api"
    assert (plain["body_limit_mb"], plain["certificate"], plain["read_timeout_seconds"]) == (10, "nginx", 60)
    assert plain["upstream"] == {
        "servers": ["192.0.2.1:3000"],
        "weights": {},
        "keepalive": 32,
        "sticky_by": "none",
        "sticky_cookie": "",
    }
    own = filters["nginx_sites_complete"]([{**SITE, "body_limit_mb": 50}], {"body_limit_mb": 10})[0]
    assert own["body_limit_mb"] == 50


def test_headers_of_a_later_layer_count_however_they_are_spelt(filters: Filters) -> None:
    """Names of headers have no case (RFC 9110, 5.1)."""
    site = {**SITE, "headers": {"X-B": "own", "x-frame-options": "SAMEORIGIN"}}
    layers = [{"X-A": "a", "X-B": "b", "X-Frame-Options": "DENY"}, {"x-a": ""}]
    complete = filters["nginx_sites_complete"]([site], {}, layers)[0]
    assert complete["headers"] == {"x-a": "", "X-B": "own", "x-frame-options": "SAMEORIGIN"}


def test_sites_must_be_a_list(refusal: Refusal) -> None:
    """A mapping is what people try first."""
    assert refusal("nginx_sites_complete", {"api": {}}, {}) == "nginx_sites must be a list of mappings, got dict"


@given(names=st.lists(st.from_regex(r"[a-z0-9][a-z0-9-]{0,9}", fullmatch=True), unique=True, max_size=6))
def test_order_does_not_matter(filters: Filters, names: list[str]) -> None:
    """The same files whatever the order; no two sites share a variable of nginx."""
    sites = [{**SITE, "name": name} for name in names]
    complete = filters["nginx_sites_complete"](sites, {})
    assert complete == filters["nginx_sites_complete"](sites[::-1], {})
    assert len({site["id"] for site in complete}) == len(names)
