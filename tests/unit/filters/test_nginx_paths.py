"""What role nginx refuses to say of paths, and the locations they become (NGX-18)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]

NOTHING: dict[str, Any] = {"websocket_paths": [], "closed_paths": [], "restricted_paths": {}, "cached_paths": {}}


@pytest.mark.parametrize(
    ("paths", "finding"),
    [
        (
            {"websocket_paths": ["/ws { return 200; } #"]},
            "has the path /ws { return 200; } #; begin with / and use up to 500 letters, digits and . _ ~ -",
        ),
        (
            {"closed_paths": ["/ws"], "restricted_paths": {"/ws": ["192.0.2.1"]}},
            "closes the path /ws and names it once more; a closed path answers nobody, so say only that",
        ),
        (
            {"restricted_paths": {"/admin": ["office"]}},
            "restricted_paths /admin has office, which is neither an address nor a network; "
            "write one such as 192.0.2.0/24",
        ),
        (
            {"restricted_paths": {"/admin": []}},
            "lets nobody reach /admin; name addresses or networks, or move it to closed_paths",
        ),
        (
            {"restricted_paths": {"/admin": ["10.0.0.300", "192.0.2.1"]}},
            "restricted_paths /admin has 10.0.0.300, which is neither an address nor a network; "
            "write one such as 192.0.2.0/24",
        ),
        (
            {"restricted_paths": {"/admin": ["fe80::1%eth0"]}},
            "restricted_paths /admin has fe80::1%eth0, which is neither an address nor a network; "
            "write one such as 192.0.2.0/24",
        ),
        (
            {"restricted_paths": {"/admin": "192.0.2.1"}},
            "has restricted_paths with /admin: '192.0.2.1'; write a list, such as [192.0.2.0/24]",
        ),
        (
            {"closed_paths": ["//metrics"]},
            "has the path //metrics, which no request has: // and dots are resolved before; write what remains",
        ),
        (
            {"closed_paths": ["/a/../metrics"]},
            "has the path /a/../metrics, which no request has: // and dots are resolved before; write what remains",
        ),
        (
            {"closed_paths": ["/" + "a" * 500]},
            f"has the path /{'a' * 500}; begin with / and use up to 500 letters, digits and . _ ~ -",
        ),
        (
            {"cached_paths": {"/static": True}},
            "lets clients keep /static for True seconds; give a whole number from 1 to 315360000",
        ),
        (
            {"cached_paths": {"/static": 0}},
            "lets clients keep /static for 0 seconds; give a whole number from 1 to 315360000",
        ),
        (
            {"cached_paths": {"/static": -1}},
            "lets clients keep /static for -1 seconds; give a whole number from 1 to 315360000",
        ),
        (
            {"cached_paths": {"/static": 315360001}},
            "lets clients keep /static for 315360001 seconds; give a whole number from 1 to 315360000",
        ),
        (
            {"cached_paths": {"/static": "60"}},
            "lets clients keep /static for '60' seconds; give a whole number from 1 to 315360000",
        ),
    ],
)
def test_one_finding_each(filters: Filters, paths: dict[str, Any], finding: str) -> None:
    """Site, value and cure."""
    assert filters["nginx_path_findings"]({"nginx_sites": [{"name": "api", **paths}]}) == [
        f"nginx_sites: api {finding}"
    ]


@pytest.mark.parametrize(
    "paths",
    [
        {},
        dict.fromkeys(NOTHING),
        {"closed_paths": ["/metrics"], "cached_paths": {"/a": 1, "/b": 315360000}},
        {"closed_paths": ["/metrics", "/.env", "/a..b", "/..a", "/a/", "/" + "a" * 499], "websocket_paths": ["/ws"]},
        {"restricted_paths": {"/admin": ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"], "/ws": ["192.0.2.9"]}},
        # More than one thing is said of a path that is open, and one alone of a closed path
        {"websocket_paths": ["/ws"], "restricted_paths": {"/ws": ["192.0.2.9"]}, "cached_paths": {"/ws": 1}},
        {"closed_paths": ["/"], "websocket_paths": ["/ws"]},
    ],
)
def test_what_is_right_is_fine(filters: Filters, paths: dict[str, Any]) -> None:
    """What can be said well."""
    assert filters["nginx_path_findings"]({"nginx_sites": [{"name": "api", **paths}]}) == []


def test_sources_of_the_role(filters: Filters) -> None:
    """Lists that nginx takes as they are."""
    say, name = filters["nginx_path_findings"], "nginx_maintenance_sources"
    assert say({name: ["192.0.2.1", "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0"]}) == []
    assert say({name: ["192.0.2.1/24"]}) == [
        "nginx_maintenance_sources has 192.0.2.1/24, which is neither an address nor a network; "
        "write one such as 192.0.2.0/24"
    ]


def test_not_everybody_is_a_proxy(filters: Filters) -> None:
    """Whoever is one names the client, and so gets past limits and restricted paths."""
    say, few = filters["nginx_path_findings"], ["192.0.2.1", "10.0.0.0/8", "64.0.0.0/2", "2001:db8::/32", "fc00::/7"]
    assert say({"nginx_trusted_proxies": [*few, "2000::/5", "::1"]}) == []
    everybody = ["0.0.0.0/0", "128.0.0.0/1", "::/0", "2000::/3", "2000::/4"]
    assert say({"nginx_trusted_proxies": everybody}) == [
        f"nginx_trusted_proxies has {source}, with which any client could claim the address of another; "
        "name only your load balancers"
        for source in everybody
    ]
    assert say({"nginx_trusted_proxies": ["10.0.0.300", "10.0.0.1/8"]}) == [
        f"nginx_trusted_proxies has {source}, which is neither an address nor a network; write one such as 192.0.2.0/24"
        for source in ("10.0.0.300", "10.0.0.1/8")
    ]


@pytest.mark.parametrize(
    ("asked", "taken"),
    [
        ("/metrics", True),
        ("/metrics/", True),
        ("/Metrics/x", True),
        ("/metrics;a=b", True),  # servers of Java take it for /metrics
        ("/metricsx", False),
        ("/metrics.json", False),
        ("/metrics-of-march", False),
        ("/a/metrics", False),
        ("/administrators", False),
        ("/admin", True),
        ("/wsdl", False),
        ("/ws", True),
        ("/statistics-of-user", False),
        ("/static/x", True),
        ("/static", False),
        ("/v1.2", True),
        ("/v1x2", False),
    ],
)
def test_a_path_is_a_segment_and_no_prefix(filters: Filters, asked: str, taken: bool) -> None:
    """Whatever is said of it: closed, restricted, cached or upgraded."""
    paths = ["/metrics", "/admin", "/ws", "/static/", "/v1.2"]
    for key, value in (
        ("closed_paths", paths),
        ("websocket_paths", paths),
        ("restricted_paths", {path: ["192.0.2.1"] for path in paths}),
        ("cached_paths", dict.fromkeys(paths, 60)),
    ):
        patterns = [
            each["match"][4:-1] for each in filters["nginx_locations"]({**NOTHING, key: value}) if each["match"] != "/"
        ]
        assert any(re.match(pattern, asked, re.IGNORECASE) for pattern in patterns) == taken


def test_a_neighbor_inherits_nothing(filters: Filters) -> None:
    """What is said of /ws is not said of /wsdl."""
    locations = found(
        filters,
        websocket_paths=["/ws"],
        closed_paths=["/wsdl", "/admin"],
        restricted_paths={"/adm": ["192.0.2.1"]},
        cached_paths={"/w": 5, "/adm/x": 6},
    )
    assert locations == {
        '~* "^/adm/x([/;]|$)"': (False, False, ["allow 192.0.2.1", "deny all"], 6),
        '~* "^/admin([/;]|$)"': (True, False, [], 0),
        '~* "^/wsdl([/;]|$)"': (True, False, [], 0),
        '~* "^/adm([/;]|$)"': (False, False, ["allow 192.0.2.1", "deny all"], 0),
        '~* "^/ws([/;]|$)"': (False, True, [], 0),
        '~* "^/w([/;]|$)"': (False, False, [], 5),
        "/": (False, False, [], 0),
    }


def found(filters: Filters, **said: Any) -> dict[str, tuple[Any, ...]]:
    return {
        location.pop("match"): tuple(location.values()) for location in filters["nginx_locations"]({**NOTHING, **said})
    }


def test_a_site_that_says_nothing_has_one_location(filters: Filters) -> None:
    assert found(filters) == {"/": (False, False, [], 0)}


def test_what_is_said_of_a_path_holds_below_it(filters: Filters) -> None:
    """Nobody gets round what is said of / by asking for a longer path; a longer one may say something else."""
    one, two = ["allow 192.0.2.1", "deny all"], ["allow 198.51.100.0/24", "allow 203.0.113.1", "deny all"]
    locations = found(
        filters,
        websocket_paths=["/ws"],
        closed_paths=["/metrics", "/internal"],
        restricted_paths={"/": ["192.0.2.1"], "/Admin": ["203.0.113.1", "198.51.100.0/24"]},
        cached_paths={"/static/v1.2/": 60, "/static/": 3600, "/admin/logo": 5, "/internal/logo": 5},
    )
    assert locations == {
        '~* "^/internal/logo([/;]|$)"': (True, False, one, 5),
        '~* "^/static/v1\\.2/"': (False, False, one, 60),
        '~* "^/admin/logo([/;]|$)"': (False, False, two, 5),
        '~* "^/internal([/;]|$)"': (True, False, one, 0),
        '~* "^/static/"': (False, False, one, 3600),
        '~* "^/metrics([/;]|$)"': (True, False, one, 0),
        '~* "^/Admin([/;]|$)"': (False, False, two, 0),
        '~* "^/ws([/;]|$)"': (False, True, one, 0),
        "/": (False, False, one, 0),
    }


@given(
    closed=st.lists(st.from_regex(r"/[a-c./]{0,4}", fullmatch=True), max_size=3),
    others=st.lists(st.from_regex(r"/[a-c./]{0,4}", fullmatch=True), max_size=3),
    asked=st.from_regex(r"/[A-Ca-c./]{0,6}", fullmatch=True),
)
def test_the_location_that_nginx_takes_is_closed_below_closed_paths_alone(
    filters: Filters, closed: list[str], others: list[str], asked: str
) -> None:
    """As nginx chooses: the first pattern that matches, else the prefix /."""
    for locations in (
        filters["nginx_locations"]({**NOTHING, "closed_paths": closed, "websocket_paths": others}),
        filters["nginx_locations"]({**NOTHING, "closed_paths": closed[::-1], "websocket_paths": others[::-1]}),
    ):
        patterns = [
            (re.compile(each["match"][4:-1], re.IGNORECASE), each) for each in locations if each["match"] != "/"
        ]
        rest = next(each for each in locations if each["match"] == "/")
        taken = next((each for pattern, each in patterns if pattern.match(asked)), rest)
        assert taken["closed"] == any(below(asked.lower(), path) for path in closed)
        assert taken["websocket"] == any(below(asked.lower(), path) for path in others)


def below(asked: str, path: str) -> bool:
    return asked == path or asked.startswith(path if path.endswith("/") else f"{path}/")
