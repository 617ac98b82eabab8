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
            "has the path /ws { return 200; } #; begin with / and use letters, digits and . _ ~ -",
        ),
        (
            {"closed_paths": ["/ws"], "restricted_paths": {"/ws": ["192.0.2.1"]}},
            "closes the path /ws and names it once more; a closed path answers nobody, so say only that",
        ),
        (
            {"restricted_paths": {"/admin": ["office"]}},
            "lets office reach /admin; write an address or a network such as 192.0.2.0/24",
        ),
        (
            {"restricted_paths": {"/admin": []}},
            "lets nobody reach /admin; name addresses or networks, or move it to closed_paths",
        ),
        ({"cached_paths": {"/static": True}}, "lets clients keep /static for True seconds; give a whole number from 1"),
    ],
)
def test_one_finding_each(filters: Filters, paths: dict[str, Any], finding: str) -> None:
    """Site, value and cure."""
    assert filters["nginx_path_findings"]([{"name": "api", **paths}]) == [f"nginx_sites: api {finding}"]


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
        '~* "^/internal/logo"': (True, False, one, 5),
        '~* "^/static/v1\\.2/"': (False, False, one, 60),
        '~* "^/admin/logo"': (False, False, two, 5),
        '~* "^/internal"': (True, False, one, 0),
        '~* "^/static/"': (False, False, one, 3600),
        '~* "^/metrics"': (True, False, one, 0),
        '~* "^/Admin"': (False, False, two, 0),
        '~* "^/ws"': (False, True, one, 0),
        "/": (False, False, one, 0),
    }
    assert [len(match) for match in locations] == sorted((len(match) for match in locations), reverse=True)


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
        assert taken["closed"] == any(asked.lower().startswith(path) for path in closed)
        assert taken["websocket"] == any(asked.lower().startswith(path) for path in others)
