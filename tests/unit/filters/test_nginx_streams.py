"""Which TCP endpoints role nginx refuses, and where each leads; of PostgreSQL, that is where writes go (NGX-17)."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]

STREAM: dict[str, Any] = {"name": "mq", "port": 5672, "servers": ["192.0.2.1:5672"], "sources": ["public"]}
ROLE: dict[str, Any] = {"nginx_sites": [{"name": "api"}], "nginx_status_port": 8081}
CLUSTER: list[dict[str, Any]] = [
    {"address": "192.0.2.31", "port": 5432, "primary": False},
    {"address": "2001:db8::32", "port": 5432, "primary": True},
    {"address": "192.0.2.33", "port": 5433, "primary": False},
]


def judged(filters: Filters, streams: list[dict[str, Any]], databases: list[dict[str, Any]] | None = None) -> list[str]:
    found: list[str] = filters["nginx_stream_findings"]({**ROLE, "nginx_database_servers": databases or []}, streams)
    return found


def test_a_full_endpoint_is_fine(filters: Filters) -> None:
    """Everything that can be said, said well."""
    stream = {
        **STREAM,
        "listen_addresses": ["192.0.2.9", "2001:db8::9"],
        "sources": ["192.0.2.0/24"],
        "servers": ["mq-1.example:5672", "[2001:db8::1]:5672"],
        "backup_servers": ["192.0.2.3:5672"],
        "connect_timeout_seconds": 1,
        "idle_timeout_seconds": 31536000,
        "connection_limit": 65535,
    }
    reads = {"name": "reads", "port": 5433, "postgresql": "standbys", "sources": ["192.0.2.0/24"]}
    assert judged(filters, [stream, reads], CLUSTER) == []
    nothing = dict.fromkeys(("listen_addresses", "backup_servers", "postgresql", "connection_limit"))
    assert judged(filters, [{**STREAM, **nothing}]) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (
            {"name": "Mq"},
            "nginx_streams has the name Mq; use every name once, also among nginx_sites, "
            "with up to 24 lower-case letters, digits and dashes",
        ),
        (
            {"name": "api"},
            "nginx_streams has the name api; use every name once, also among nginx_sites, "
            "with up to 24 lower-case letters, digits and dashes",
        ),
        ({"port": 443}, "nginx_streams: mq has port 443, which nginx needs itself; choose another"),
        ({"port": 8081}, "nginx_streams: mq has port 8081, which nginx needs itself; choose another"),
        (
            {"servers": []},
            "nginx_streams: mq has 0 servers, 0 backup_servers and postgresql none; list servers, or let it follow "
            "postgresql",
        ),
        (
            {"postgresql": "primary"},
            "nginx_streams: mq has 1 servers, 0 backup_servers and postgresql primary; list servers, or let it follow "
            "postgresql",
        ),
        (
            {"servers": [], "postgresql": "standbys", "backup_servers": ["a:1"]},
            "nginx_streams: mq has 0 servers, 1 backup_servers and postgresql standbys; list servers, or let it follow "
            "postgresql",
        ),
        (
            {"servers": [], "postgresql": "standbys"},
            "nginx_streams: mq follows the standbys of PostgreSQL, but nginx_database_servers is empty; list servers",
        ),
        (
            {"backup_servers": ["192.0.2.1:5672"]},
            "nginx_streams: mq has 192.0.2.1:5672 as a server and as its own backup; name it once",
        ),
        (
            {"listen_addresses": ["eth0"]},
            "nginx_streams: mq listens on eth0; write an address of this host, and each once",
        ),
        (
            {"sources": []},
            "nginx_streams: mq has no sources; name groups, addresses or networks, or public for everybody",
        ),
        ({"idle_timeout_seconds": 0}, "nginx_streams: mq has idle_timeout_seconds 0; give 1 to 31536000"),
        ({"connect_timeout_seconds": 0}, "nginx_streams: mq has connect_timeout_seconds 0; give 1 to 86400"),
        (
            {"listen_addresses": ["2001:db8::9", "2001:DB8:0::9"]},
            "nginx_streams: mq listens on 2001:db8::9; write an address of this host, and each once",
        ),
        (
            {"listen_addresses": ["fe80::1%eth0"]},
            "nginx_streams: mq listens on fe80::1%eth0; write an address of this host, and each once",
        ),
        ({"connection_limit": 65536}, "nginx_streams: mq has connection_limit 65536; give 0 to 65535"),
        ({"idle_timeout_seconds": 31536001}, "nginx_streams: mq has idle_timeout_seconds 31536001; give 1 to 31536000"),
        ({"connection_limit": -1}, "nginx_streams: mq has connection_limit -1; give 0 to 65535"),
    ],
)
def test_what_is_refused(filters: Filters, change: dict[str, Any], finding: str) -> None:
    """One sentence each, with its fix."""
    assert judged(filters, [{**STREAM, **change}]) == [finding]


@pytest.mark.parametrize("address", ["192.0.2.1; }", "192.0.2.1:5432", "", "[2001:db8::1]"])
def test_a_database_server_has_an_address(filters: Filters, address: str) -> None:
    """Handed over by the play, or written by hand where the role is used alone."""
    server = {"port": 5432, "primary": True}
    good = [{**server, "address": each} for each in ("192.0.2.1", "2001:db8::1", "db1.example")]
    assert judged(filters, [STREAM], good) == []
    assert judged(filters, [STREAM], [{**server, "address": address}]) == [
        f"nginx_database_servers has the address {address!r}; write that of the server, without its port"
    ]


def test_two_endpoints_of_one_port(filters: Filters) -> None:
    """Only where they listen on addresses of their own."""
    first, second = {**STREAM, "listen_addresses": ["192.0.2.8"]}, {**STREAM, "name": "b"}
    clash = "nginx_streams: b and mq both have port 5672; give each a port, or listen_addresses, of its own"
    assert judged(filters, [first, second]) == [clash]
    assert judged(filters, [first, {**second, "listen_addresses": ["192.0.2.8"]}]) == [clash]
    assert judged(filters, [first, {**second, "listen_addresses": ["192.0.2.9"]}]) == []
    assert judged(filters, [STREAM, STREAM])[0].startswith("nginx_streams has the name mq;")


def test_what_an_endpoint_does_not_say(filters: Filters) -> None:
    """Everywhere, to the servers that are named, for an hour of silence."""
    plain = filters["nginx_streams_complete"]([{**STREAM, "name": "my-mq"}])[0]
    assert plain == {
        "name": "my-mq",
        "id": "my_mq",
        "port": 5672,
        "sources": ["public"],
        "listen_addresses": [],
        "listen": ["5672", "[::]:5672"],
        "access": [],
        "servers": ["192.0.2.1:5672"],
        "backup_servers": [],
        "postgresql": "none",
        "connect_timeout_seconds": 3,
        "idle_timeout_seconds": 3600,
        "connection_limit": 0,
    }
    assert filters["nginx_streams_complete"]([STREAM], [], False)[0]["listen"] == ["5672"]


def test_addresses_and_sources_in_the_words_of_nginx(filters: Filters) -> None:
    """Brackets around IPv6; who is not named is denied, and nobody named means everybody is."""
    stream = {**STREAM, "listen_addresses": ["192.0.2.9", "2001:db8::9"], "sources": ["192.0.2.0/24", "2001:db8::/32"]}
    complete = filters["nginx_streams_complete"]([stream])[0]
    assert complete["listen"] == ["192.0.2.9:5672", "[2001:db8::9]:5672"]
    assert complete["access"] == ["allow 192.0.2.0/24", "allow 2001:db8::/32", "deny all"]
    assert filters["nginx_streams_complete"]([{**STREAM, "sources": []}])[0]["access"] == ["deny all"]


@pytest.mark.parametrize(
    ("part", "cluster", "servers", "backup_servers"),
    [
        ("primary", CLUSTER, ["[2001:db8::32]:5432"], []),
        ("standbys", CLUSTER, ["192.0.2.31:5432", "192.0.2.33:5433"], ["[2001:db8::32]:5432"]),
        # No standby: who leads answers reads too, and not as the backup of nobody, which nginx refuses
        ("standbys", CLUSTER[1:2], ["[2001:db8::32]:5432"], []),
        ("primary", CLUSTER[1:2], ["[2001:db8::32]:5432"], []),
    ],
)
def test_where_endpoints_of_postgresql_lead(
    filters: Filters, part: str, cluster: list[dict[str, Any]], servers: list[str], backup_servers: list[str]
) -> None:
    """Writes reach who leads and nobody else; reads the others, and who leads when they are gone (NGX-17)."""
    stream = {"name": "db", "port": 6000, "postgresql": part, "sources": ["public"]}
    complete = filters["nginx_streams_complete"]([stream], cluster)[0]
    assert (complete["servers"], complete["backup_servers"]) == (servers, backup_servers)


@pytest.mark.parametrize(("primary", "count"), [(False, 0), (True, 3)])
def test_nobody_guesses_who_leads(refusal: Refusal, primary: bool, count: int) -> None:
    """Writes to a standby fail, writes to two primaries are worse."""
    stream = {"name": "db", "port": 6000, "postgresql": "primary", "sources": ["public"]}
    cluster = [{**server, "primary": primary} for server in CLUSTER]
    assert refusal("nginx_streams_complete", [stream], cluster) == (
        f"nginx_streams: db follows PostgreSQL, but {count} of its 3 servers are known to be the primary; "
        "run the playbook without --limit"
    )


def test_endpoints_must_be_a_list(refusal: Refusal) -> None:
    """A mapping is what people try first."""
    assert refusal("nginx_streams_complete", {"db": {}}) == "nginx_streams must be a list of mappings, got dict"
    assert refusal("nginx_stream_findings", ROLE, ["db"]) == "nginx_streams must be a list of mappings, got list"


@given(
    ports=st.lists(st.integers(1024, 2000), unique=True, max_size=6),
    leader=st.integers(0, 2),
)
def test_order_does_not_matter(filters: Filters, ports: list[int], leader: int) -> None:
    """The same files whatever the order, and the server that leads is in every pool of the cluster exactly once."""
    cluster = [{**server, "primary": at == leader} for at, server in enumerate(CLUSTER)]
    streams = [
        {"name": f"s{port}", "port": port, "postgresql": ("primary", "standbys")[port % 2], "sources": ["public"]}
        for port in ports
    ]
    complete = filters["nginx_streams_complete"](streams, cluster)
    assert complete == filters["nginx_streams_complete"](streams[::-1], cluster[::-1])
    for stream in complete:
        pool = [*stream["servers"], *stream["backup_servers"]]
        assert len(pool) == len(set(pool)) == {"primary": 1, "standbys": 3}[stream["postgresql"]]
