"""What role nginx refuses to print, and what a site is that says little."""

import functools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]

SITE: dict[str, Any] = {"name": "api", "server_names": ["api.example.org"], "upstream": {"servers": ["192.0.2.1:3000"]}}


def judged(
    filters: Filters, sites: list[dict[str, Any]], headers: dict[str, Any] | None = None, error_page: str = ""
) -> list[str]:
    options = {"nginx_sites": sites, "nginx_headers": headers or {}, "nginx_error_page": error_page}
    found: list[str] = filters["nginx_site_findings"](options)
    return found


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
    assert judged(filters, [site], {"X-A": "b"}) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (
            {"name": "Api"},
            "nginx_sites has the name Api; use every name once, with up to 100 lower-case letters, digits and dashes",
        ),
        ({"server_names": []}, "nginx_sites: api has no server_names; give at least one"),
        (
            {"server_names": ["https://a.example"]},
            "nginx_sites has the server name https://a.example; give every host name to one site and once, "
            "whatever its case, as DNS spells it, without scheme or port",
        ),
        (
            {"waf": "detection", "waf_excluded_rules": [2**31]},
            f"nginx_sites: api has {2**31} in waf_excluded_rules; write the number of a rule, such as 942100",
        ),
        ({"read_timeout_seconds": 0}, "nginx_sites: api has read_timeout_seconds 0; give 1 to 31536000"),
        ({"body_limit_mb": 0}, "nginx_sites: api has body_limit_mb 0; give 1 to 1048576"),
        ({"connection_limit": -1}, "nginx_sites: api has connection_limit -1; give 0 to 65535"),
        (
            {"certificate": "x; return 200"},
            "nginx_sites: api has the certificate x; return 200; write a file name of /etc/holdfast/tls "
            "without its suffix, not ca",
        ),
        (
            {"server_names": ["api.example.org", "API.example.org"]},
            "nginx_sites has the server name api.example.org; give every host name to one site and once, "
            "whatever its case, as DNS spells it, without scheme or port",
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
            "nginx_sites: api has the origin *; write scheme and name once, such as https://www.example.org, never *",
        ),
        (
            {"cors_origins": ["https://a.example", "https://A.example"]},  # nginx: conflicting parameter
            "nginx_sites: api has the origin https://a.example; write scheme and name once, "
            "such as https://www.example.org, never *",
        ),
        (
            {"name": "a" * 101},
            f"nginx_sites has the name {'a' * 101}; use every name once, "
            "with up to 100 lower-case letters, digits and dashes",
        ),
        (
            {"server_names": ["a..example"]},
            "nginx_sites has the server name a..example; give every host name to one site and once, "
            "whatever its case, as DNS spells it, without scheme or port",
        ),
        (
            {"server_names": ["a" * 64 + ".example"]},
            f"nginx_sites has the server name {'a' * 64}.example; give every host name to one site and once, "
            "whatever its case, as DNS spells it, without scheme or port",
        ),
        ({"connection_limit": 65536}, "nginx_sites: api has connection_limit 65536; give 0 to 65535"),
        (
            {"certificate": "shop.crt"},
            "nginx_sites: api has the certificate shop.crt; write a file name of /etc/holdfast/tls without its suffix, "
            "not ca",
        ),
        (
            {"certificate": "ca"},
            "nginx_sites: api has the certificate ca; write a file name of /etc/holdfast/tls without its suffix, "
            "not ca",
        ),
        ({"body_limit_mb": 1048577}, "nginx_sites: api has body_limit_mb 1048577; give 1 to 1048576"),
        (
            {"headers": {"X-A": "a" * 4001}},
            "nginx_sites: api has the header X-A of 4001 bytes; give it 4000 at most",
        ),
        (
            {"headers": {"X-A": "a" * 3983 + "$"}},  # a dollar sign is a variable of 18 bytes
            "nginx_sites: api has the header X-A of 3984 bytes; give it 4000 at most",
        ),
        (
            {"headers": {"X A": "a"}},
            "nginx_sites: api has the header X A; its name is of letters, digits and dashes, 100 at most",
        ),
        (
            {"headers": {"X-A": "a\x00b"}},
            "nginx_sites: api has the header X-A; its value is one line of text without backslashes",
        ),
        (
            {"headers": {"X-A": "C:\\"}},
            "nginx_sites: api has the header X-A; its value is one line of text without backslashes",
        ),
        (
            {"waf": "blocking", "waf_excluded_rules": [-5]},
            "nginx_sites: api has -5 in waf_excluded_rules; write the number of a rule, such as 942100",
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
    assert judged(filters, [{**SITE, **change}]) == [finding]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a" * 100},
        {
            "server_names": [
                "API.Example.org",
                "*.example.org",
                ".".join(["a" * 61] * 4),
                "192.0.2.1",
                "xn--bcher-kva.example",
            ]
        },
        {
            "read_timeout_seconds": 1,
            "websocket_timeout_seconds": 31536000,
            "body_limit_mb": 1,
            "connection_limit": 65535,
        },
        {"read_timeout_seconds": 31536000, "body_limit_mb": 1048576, "rate_limit_per_second": 1, "rate_limit_burst": 1},
        {"rate_limit_per_second": 1000000, "rate_limit_burst": 1000000, "connection_limit": 0},
        {"headers": {"X-A": "a" * 4000, "X-B": "a" * 3982 + "$", "X-Costs": 'costs 5$, "net"; {x}'}},
        {"waf": "detection", "waf_excluded_rules": [1, 942100]},
        {"waf": "detection", "waf_excluded_rules": [1, 2**31 - 1]},
        {"closed_paths": None, "headers": None, "body_limit_mb": None, "certificate": None},
    ],
)
def test_what_is_right_is_fine(filters: Filters, change: dict[str, Any]) -> None:
    """Both ends of each range are inside."""
    assert judged(filters, [{**SITE, **change}]) == []


def test_headers_of_all_sites_are_said_once(filters: Filters) -> None:
    """By the variable that has them, and those of a site by its name."""
    findings = functools.partial(judged, filters)
    other = {**SITE, "name": "shop", "server_names": ["shop.example.org"]}
    wrong = "has the header X-A; its value is one line of text without backslashes"
    assert findings([SITE, other], {"X-A": 7}) == [f"nginx_headers {wrong}"]
    assert findings([SITE, {**other, "headers": {"X-A": "fine"}}], {"X-A": 7}) == [f"nginx_headers {wrong}"]
    assert findings([SITE, {**other, "headers": {"X-A": "a\\b"}}], {"X-A": "fine"}) == [f"nginx_sites: shop {wrong}"]
    assert findings([SITE, {**other, "headers": {"X-B": 7}}], {"X-A": 7}) == [
        f"nginx_headers {wrong}",
        f"nginx_sites: shop {wrong.replace('X-A', 'X-B')}",
    ]
    assert findings([SITE, other], {"X-A": "", "X-B": "7"}) == []


def test_what_is_printed_between_quotes(filters: Filters) -> None:
    """A dollar sign can be written; names of hosts have no case."""
    site = {**SITE, "server_names": ["API.Example.org"], "headers": {"X-Costs": '5$ "net" $host'}}
    complete = filters["nginx_sites_complete"]([site], {})[0]
    assert complete["quoted_headers"] == {"X-Costs": '5${holdfast_dollar} \\"net\\" ${holdfast_dollar}host'}
    assert complete["headers"] == {"X-Costs": '5$ "net" $host'}
    assert complete["server_names"] == ["api.example.org"]


def test_two_sites_share_nothing(filters: Filters) -> None:
    """Each name is reported once."""
    assert [sentence.split(";")[0] for sentence in judged(filters, [SITE, SITE])] == [
        "nginx_sites has the name api",
        "nginx_sites has the server name api.example.org",
    ]


def test_headers_of_all_sites_are_looked_at(filters: Filters) -> None:
    """They stand in every site; a site may replace one."""
    assert len(judged(filters, [SITE], {"X A": "b", "X-B": 1})) == 2
    assert judged(filters, [{**SITE, "headers": {"X-B": "b"}}], {"X-B": 1}) == []


def test_the_error_page_of_all_sites_is_looked_at(filters: Filters) -> None:
    """A site may replace it, or bring back nginx's own."""
    assert len(judged(filters, [SITE], {}, "\0")) == 1
    assert judged(filters, [{**SITE, "error_page": ""}], {}, "\0") == []
    assert judged(filters, [SITE], {}, "x" * 65535) == []


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
