"""Where sites and endpoints may lead, and which of that is there (NGX-05, NGX-09)."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]

ADDRESS = "write address:port, IPv6 in brackets, the port from 1 to 65535"
COOKIE = "name a cookie of letters, digits and _ that the application sets"


@pytest.mark.parametrize(
    "upstream",
    [
        {"servers": ["192.0.2.1:1", "[2001:db8::1]:65535", "app-1.example:3000", "localhost:80", "1app:80"]},
        {"servers": ["a:1"], "weights": {}, "keepalive": 1},
        {"servers": ["a:1", "b:1"], "weights": {"a:1": 3, "b:1": 65535}, "keepalive": 65535},
        {"servers": ["a:1", "b:1"], "weights": {"a:1": 0}, "sticky_by": "address"},
        {"servers": ["a:1", "b:1"], "weights": {"a:1": 1, "b:1": 0}, "sticky_by": "cookie", "sticky_cookie": "s_Id1"},
        {"servers": ["a:1"], "weights": None, "sticky_by": None, "sticky_cookie": None},
    ],
)
def test_what_is_right_is_fine(filters: Filters, upstream: dict[str, Any]) -> None:
    """Everything that can be said, said well."""
    assert filters["nginx_upstream_findings"]({"nginx_sites": [{"name": "api", "upstream": upstream}]}) == []


@pytest.mark.parametrize(
    ("upstream", "finding"),
    [
        ({"servers": []}, "has no upstream.servers; give at least one"),
        ({"servers": ["http://a:1"]}, f"has the server http://a:1; {ADDRESS}"),
        ({"servers": ["a:65536"]}, f"has the server a:65536; {ADDRESS}"),
        ({"servers": ["a:0"]}, f"has the server a:0; {ADDRESS}"),
        ({"servers": ["192.0.2.1"]}, f"has the server 192.0.2.1; {ADDRESS}"),
        ({"servers": ["a:1; }"]}, f"has the server a:1; }}; {ADDRESS}"),
        ({"servers": ["10.0.0.300:80"]}, f"has the server 10.0.0.300:80; {ADDRESS}"),
        ({"servers": ["10.0.0:80"]}, f"has the server 10.0.0:80; {ADDRESS}"),
        ({"servers": ["a..b:80"]}, f"has the server a..b:80; {ADDRESS}"),
        ({"servers": ["2001:db8::1:80"]}, f"has the server 2001:db8::1:80; {ADDRESS}"),
        ({"servers": ["[2001:db8::g]:80"]}, f"has the server [2001:db8::g]:80; {ADDRESS}"),
        ({"servers": ["[192.0.2]:80"]}, f"has the server [192.0.2]:80; {ADDRESS}"),
        ({"servers": ["a" * 64 + ":80"]}, f"has the server {'a' * 64}:80; {ADDRESS}"),
        ({"servers": ["a:1"], "keepalive": 0}, "has upstream.keepalive 0; give 1 to 65535"),
        ({"servers": ["a:1"], "keepalive": 65536}, "has upstream.keepalive 65536; give 1 to 65535"),
        (
            {"servers": ["a:1"], "sticky_by": "cookie"},
            f"has upstream.sticky_by cookie and upstream.sticky_cookie ''; {COOKIE}",
        ),
        (
            {"servers": ["a:1"], "sticky_by": "cookie", "sticky_cookie": "a-b"},
            f"has upstream.sticky_by cookie and upstream.sticky_cookie 'a-b'; {COOKIE}",
        ),
        (
            {"servers": ["a:1"], "sticky_cookie": "s"},
            "has upstream.sticky_cookie s and upstream.sticky_by none; set sticky_by to cookie",
        ),
        (
            {"servers": ["a:1"], "weights": {"b:1": 2}},
            "has upstream.weights for b:1, which is not one of its servers; take it out",
        ),
        *[
            (
                {"servers": ["a:1", "b:1"], "weights": {"b:1": weight}},
                f"gives b:1 the weight {weight!r}; give a whole number to 65535, 0 drains it",
            )
            for weight in (0.5, True, -1, 65536, "2")
        ],
        (
            {"servers": ["a:1", "b:1"], "weights": {"b:1": 2}, "sticky_by": "address"},
            "gives b:1 the weight 2 and has upstream.sticky_by address; a weight would move clients "
            "from the server that keeps them, so give 0 to drain it, or nothing",
        ),
        (
            {"servers": ["a:1", "b:1"], "weights": {"a:1": 0, "b:1": 0}},
            "drains all of its servers; leave one, or close the site with playbooks/maintenance.yml",
        ),
    ],
)
def test_one_finding_each(filters: Filters, upstream: dict[str, Any], finding: str) -> None:
    """Site, value and cure."""
    assert filters["nginx_upstream_findings"]({"nginx_sites": [{"name": "api", "upstream": upstream}]}) == [
        f"nginx_sites: api {finding}"
    ]


def test_instances_of_endpoints(filters: Filters) -> None:
    """The same rules, for those that stand in too."""
    good = {"name": "mq", "servers": ["mq.example:5672"], "backup_servers": ["[2001:db8::1]:5672"]}
    assert filters["nginx_upstream_findings"]({"nginx_streams": [good, {"name": "db", "servers": None}]}) == []
    assert filters["nginx_upstream_findings"](
        {"nginx_streams": [{"name": "mq", "servers": ["a"], "backup_servers": ["10.0.0.300:1"]}]}
    ) == [
        f"nginx_streams: mq has the server a; {ADDRESS}",
        f"nginx_streams: mq has the server 10.0.0.300:1; {ADDRESS}",
    ]


@pytest.mark.parametrize(
    ("upstream", "servers", "last"),
    [
        ({"servers": ["a:1"]}, ["a:1 max_fails=3 fail_timeout=5s"], []),
        (
            {"servers": ["b:1", "a:1"]},
            ["a:1 max_fails=3 fail_timeout=5s", "b:1 max_fails=3 fail_timeout=5s"],
            ["a:1 max_fails=0 backup", "b:1 max_fails=0 backup"],
        ),
        (
            {"servers": ["a:1", "b:1", "c:1"], "weights": {"a:1": 5, "b:1": 0, "c:1": 1}, "sticky_by": "none"},
            [
                "a:1 max_fails=3 fail_timeout=5s weight=5",
                "b:1 max_fails=3 fail_timeout=5s down",
                "c:1 max_fails=3 fail_timeout=5s",
            ],
            ["a:1 max_fails=0 backup", "c:1 max_fails=0 backup"],  # what is drained stays so
        ),
        # Clients have one server that keeps them: it is not given up at once, and no other stands in
        (
            {"servers": ["a:1", "b:1"], "weights": {"b:1": 0}, "sticky_by": "cookie"},
            ["a:1 max_fails=10 fail_timeout=5s", "b:1 max_fails=10 fail_timeout=5s down"],
            [],
        ),
    ],
)
def test_lines_of_a_pool(filters: Filters, upstream: dict[str, Any], servers: list[str], last: list[str]) -> None:
    assert filters["nginx_pool"](upstream) == {"servers": servers, "last": last}


SITES = [
    {"name": "shop", "upstream": {"servers": ["App-1.example:3000", "192.0.2.11:3000", "no port"]}},
    {"name": "api", "upstream": {"servers": ["app-1.example:8000", "[2001:db8::11]:8000"]}},
]
STREAMS = [{"name": "mq", "servers": ["mq.example:5672"], "backup_servers": ["spare.example:5672"]}]


def test_names_to_resolve(filters: Filters) -> None:
    """Each once; addresses need no resolving, and what is odd is refused elsewhere."""
    assert filters["nginx_upstream_names"](SITES, STREAMS) == ["app-1.example", "mq.example", "spare.example"]
    pool = {"name": "a", "upstream": {"servers": None}}
    strange: list[Any] = [None, "shop", {"shop": {}}, ["shop"], [{"upstream": None}], [pool]]
    for odd in strange:
        assert filters["nginx_upstream_names"](odd, odd) == []


def reach(filters: Filters, sites: Any, resolved: Any = None, apps: Any = None) -> Any:
    return filters["nginx_reach_findings"](sites, STREAMS, "edge1", resolved or {}, apps or [])


def test_a_name_that_the_edge_cannot_resolve(filters: Filters) -> None:
    """nginx would not start with it; a name that was not asked for is not judged."""
    cure = "and nginx does not start like this; write the address, or make the name known there"
    known = {"app-1.example": ["192.0.2.11"], "mq.example": ["192.0.2.5"], "spare.example": ["192.0.2.6"]}
    assert reach(filters, SITES, known) == reach(filters, SITES) == []
    assert reach(filters, SITES, {**known, "app-1.example": [], "spare.example": []}) == [
        f"nginx_sites: shop leads to App-1.example, which edge1 cannot resolve, {cure}",
        f"nginx_sites: api leads to app-1.example, which edge1 cannot resolve, {cure}",
        f"nginx_streams: mq leads to spare.example, which edge1 cannot resolve, {cure}",
    ]


def app(port: int | None, *listening: dict[str, Any]) -> dict[str, Any]:
    said = {"app_port": port} if port else {}
    own = {
        "inventory_hostname": "app1",
        "host_address": "192.0.2.11",
        "host_address6": "2001:db8::11",
        "app_name": "api",
    }
    return {**own, **said, "ansible_facts": {"listening_ports": list(listening)}}


def test_a_port_where_nothing_listens(filters: Filters) -> None:
    """`:3000` left over while app_port is 8000, before and after the application has moved."""
    finding = (
        "nginx_sites: shop leads to 192.0.2.11:3000, where nothing of app1 listens, its app_port is 8000; "
        "write 192.0.2.11:8000"
    )
    ours = {"port": 3000, "process": "docker-proxy", "container": "api"}
    for listening in ([], [ours], [{**ours, "container": "api-previous"}], [{"port": 3001, "process": "x"}]):
        assert reach(filters, SITES[:1], {}, [app(8000, *listening)]) == [finding]


def test_a_port_where_something_listens(filters: Filters) -> None:
    """The application itself, something else on its host, or nobody knows."""
    assert reach(filters, SITES, {}, [app(3000, {"port": 8000, "process": "node"})]) == []
    assert reach(filters, SITES[:1], {}, [app(None)]) == []  # 3000 unless somebody says else
    for listening in (
        {"port": 3000, "process": "node"},
        {"port": 3000, "process": "docker-proxy", "container": "other"},
    ):
        assert reach(filters, SITES[:1], {}, [app(8000, listening)]) == []
    assert reach(filters, SITES[:1], {}, [{**app(8000), "ansible_facts": {}}]) == []
    assert reach(filters, SITES[:1], {}, [{**app(8000), "host_address": "192.0.2.12"}]) == []


def test_a_port_over_the_second_family(filters: Filters) -> None:
    """The same host by its other address."""
    assert reach(filters, SITES[1:], {}, [app(3000)]) == [
        "nginx_sites: api leads to [2001:db8::11]:8000, where nothing of app1 listens, its app_port is 3000; "
        "write [2001:db8::11]:3000"
    ]
