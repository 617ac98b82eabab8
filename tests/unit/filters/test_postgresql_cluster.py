"""Clusters of a host's past: found, served where they are, or refused with a way out (PGS-01, PGS-05)."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
OPTIONS: dict[str, Any] = {
    "port": 5432,
    "users": [],
    "databases": [],
    "initial_primary": "",
    "replication_hosts": [],
    "synchronous_standbys": 0,
    "listen_addresses": ["localhost"],
}
CLOSED = "/".join(["", "home", "17"])


def cluster(version: str, name: str = "main", **more: Any) -> dict[str, Any]:
    return {
        "version": version,
        "name": name,
        "data": f"/var/lib/postgresql/{version}/{name}",
        "port": 5432,
        "start": "auto",
    } | more


def found(filters: Filters, *clusters: dict[str, Any], facts: Any = None, **request: Any) -> list[str]:
    options = {f"postgresql_{name}": value for name, value in {**OPTIONS, **request}.items()}
    known = {"postgresql": {"clusters": [*clusters], **(facts or {})}}
    answer: list[str] = filters["postgresql_cluster_findings"](options, known, "data1", 17)
    return answer


@pytest.mark.parametrize(("release", "version"), [("bookworm", 15), ("trixie", 17)])
def test_a_release_has_one_version(filters: Filters, release: str, version: int) -> None:
    assert filters["postgresql_release"](release) == version


def test_of_a_release_that_preflight_refuses_nothing_is_said(filters: Filters) -> None:
    """A sentence would stand beside that of preflight, about the same."""
    with pytest.raises(KeyError):
        filters["postgresql_release"]("buster")


@pytest.mark.parametrize(
    ("clusters", "data"),
    [
        ([], "/var/lib/postgresql/17/main"),
        ([cluster("17")], "/var/lib/postgresql/17/main"),
        ([cluster("17", data="/data/17/main")], "/data/17/main"),
        ([cluster("15", data="/old"), cluster("17", "test", data="/test")], "/var/lib/postgresql/17/main"),
        ([cluster("15", data="/old"), cluster("17", data="/new")], "/new"),
    ],
)
def test_the_data_is_where_the_cluster_says(filters: Filters, clusters: Any, data: str) -> None:
    assert filters["postgresql_data"]({"clusters": clusters}, 17) == data
    assert filters["postgresql_data"]({}, 15) == "/var/lib/postgresql/15/main"


def test_facts_that_are_none_are_refused(refusal: Refusal) -> None:
    assert "facts must be a dict" in refusal("postgresql_data", [], 17)
    assert "version a number" in refusal("postgresql_data", {}, "17")
    assert "must be dicts" in refusal("postgresql_cluster_findings", [], {}, "data1", 17)
    assert "must be dicts" in refusal("postgresql_cluster_findings", {}, [], "data1", 17)


@pytest.mark.parametrize(
    "clusters",
    [
        [],
        [cluster("17")],
        [cluster("17", data="/data/17/main")],
        [cluster("9.6", port=5433), cluster("15", port=5434), cluster("17")],
        [cluster("15", start="manual"), cluster("17")],  # as pg_upgradecluster leaves it
        [cluster("17"), cluster("17", "test", port=5433)],
        [cluster("17"), cluster("17", "test", start="disabled")],
        [cluster("17", "test", port=5433)],  # ours is made beside it
    ],
)
def test_what_is_in_nobodys_way(filters: Filters, clusters: Any) -> None:
    assert found(filters, *clusters) == []


def test_data_of_an_older_version_is_not_left_behind(filters: Filters) -> None:
    """9.6 is older than 15, whatever their texts say."""
    assert found(filters, cluster("9.6"), cluster("15")) == [
        "data1 has its data in cluster 15/main, which the PostgreSQL 17 of its release cannot read; take a backup, "
        "stop what writes to it and run there as root: apt-get install postgresql-17 && pg_upgradecluster -v 17 15 "
        "main; if nothing of it is needed: pg_dropcluster --stop 15 main"
    ]


def test_data_of_a_newer_version_is_not_replaced(filters: Filters) -> None:
    for clusters in ([cluster("18", port=5433)], [cluster("17"), cluster("18", port=5433)]):
        (sentence,) = found(filters, *clusters)
        assert sentence.startswith("data1 has a cluster 18/main, which is newer than the PostgreSQL 17 of its release;")
        assert sentence.endswith("which a new cluster 17/main has nothing of: pg_renamecluster 18 main other")
    assert found(filters, cluster("18", "other", port=5433)) == []


def test_a_newer_cluster_with_our_port_is_moved_in_the_same_round(filters: Filters) -> None:
    """As a host with PostgreSQL 18 of apt.postgresql.org has it; what the commands leave behind is accepted."""
    (sentence,) = found(filters, cluster("18", port=5432))
    assert sentence.endswith(
        "pg_renamecluster 18 main other; pg_conftool 18 other set port 5433; pg_ctlcluster 18 other restart"
    )
    assert found(filters, cluster("18", "other", port=5433)) == []


def test_two_clusters_cannot_have_one_port(filters: Filters) -> None:
    assert found(filters, cluster("17"), cluster("17", "test")) == [
        "cluster 17/test of data1 has port 5432, as has postgresql_port; set another postgresql_port, or run there: "
        "pg_conftool 17 test set port 5433; pg_ctlcluster 17 test restart"
    ]
    assert found(filters, cluster("17"), cluster("17", "test"), port=5433) == []


@pytest.mark.parametrize("start", ["manual", "disabled"])
def test_a_cluster_that_does_not_start_by_itself(filters: Filters, start: str) -> None:
    assert found(filters, cluster("17", start=start)) == [
        "cluster 17/main of data1 does not start by itself; write auto instead of "
        f"{start} into /etc/postgresql/17/main/start.conf"
    ]


@pytest.mark.parametrize(
    ("data", "number"), [(CLOSED, 1), ("/root/17", 1), ("/homes/17", 0), ("/srv/17", 0), ("/data/home/17", 0)]
)
def test_data_where_services_see_nothing(filters: Filters, data: str, number: int) -> None:
    sentences = found(filters, cluster("17", data=data))
    assert len(sentences) == number
    assert all(f"has its data in {data}, where services see nothing (ProtectHome)" in each for each in sentences)


USUAL = [  # pg_hba.conf of a new cluster of 17 on Debian 13, without its comments
    "local all postgres peer",
    "local all all peer",
    "host all all 127.0.0.1/32 scram-sha-256",
    "host all all ::1/128 scram-sha-256",
    "local replication all peer",
    "host replication all 127.0.0.1/32 scram-sha-256",
    "host replication all ::1/128 scram-sha-256",
]


def rules(*lines: str, kept: bool = False) -> dict[str, Any]:
    return {"access": {"rules": [*USUAL, *lines], "kept": kept}}


def test_rules_of_others_are_not_replaced_unseen(filters: Filters) -> None:
    mine = cluster("17")
    assert found(filters, mine, facts=rules()) == []
    assert found(filters, mine, facts={"access": {}}) == []
    assert found(filters, mine, facts=rules("host shop app 10.0.0.0/8 md5")) == [
        "pg_hba.conf of data1 has rules that this run would replace (host shop app 10.0.0.0/8 md5); write those that "
        "are still needed into postgresql_access, and then run there: cp -p /etc/postgresql/17/main/pg_hba.conf "
        "/etc/postgresql/17/main/pg_hba.conf.before-holdfast"
    ]
    assert found(filters, mine, facts=rules("host shop app 10.0.0.0/8 md5", kept=True)) == []
    assert "(a, b, c)" in found(filters, mine, facts=rules("a", "b", "c"))[0]
    assert "(a, b, c and 1 more)" in found(filters, mine, facts=rules("a", "b", "c", "d"))[0]


@pytest.mark.parametrize(
    ("owner", "users", "state", "number"),
    [
        ("legacy", [{"name": "shop"}], "present", 1),
        ("legacy", [{"name": "shop"}, {"name": "legacy"}], "present", 0),
        ("postgres", [{"name": "shop"}], "present", 0),
        ("shop", [{"name": "shop"}], "present", 0),
        ("legacy", [{"name": "shop"}], "absent", 0),  # drop_data protects it
    ],
)
def test_a_database_of_a_stranger(filters: Filters, owner: str, users: Any, state: str, number: int) -> None:
    databases = [{"name": "shop", "owner": "shop", "state": state}, {"name": "new", "owner": "shop"}]
    facts = {"owners": {"shop": owner, "postgres": "postgres"}}
    sentences = found(filters, cluster("17"), facts=facts, users=users, databases=databases)
    assert (
        sentences
        == [
            "database shop of data1 belongs to legacy, which is not in postgresql_users; add legacy there, or give it "
            "away: ALTER DATABASE shop OWNER TO postgres"
        ]
        * number
    )


def test_without_the_users_no_owner_is_a_stranger(filters: Filters) -> None:
    """A placeholder among the passwords has its own sentence."""
    options = {f"postgresql_{name}": value for name, value in OPTIONS.items() if name != "users"}
    options["postgresql_databases"] = [{"name": "shop", "owner": "shop"}]
    facts = {"postgresql": {"clusters": [cluster("17")], "owners": {"shop": "legacy"}}}
    assert filters["postgresql_cluster_findings"](options, facts, "data1", 17) == []


REPLICATING: dict[str, Any] = {
    "initial_primary": "data1",
    "replication_hosts": [{"name": "data1", "address": "10.0.0.1"}, {"name": "data2", "address": "10.0.0.2"}],
    "users": [{"name": "holdfast_replication", "password": "Anker-und-Tau", "replication": True}],
    "listen_addresses": ["localhost", "10.0.0.1"],
}
NO_ROLE = (
    "postgresql_users has no role the standbys can connect as; add {name: holdfast_replication, password: …, "
    "replication: true}"
)


@pytest.mark.parametrize(
    ("options", "findings"),
    [
        ({}, []),
        ({"synchronous_standbys": 1}, []),
        ({"listen_addresses": ["*"]}, []),
        ({"users": []}, [NO_ROLE]),
        ({"users": [{"name": "holdfast_replication", "password": "Anker-und-Tau"}]}, [NO_ROLE]),
        ({"users": [{"name": "holdfast_replication", "replication": True}]}, [NO_ROLE]),
        ({"users": [{"name": "another", "password": "Anker-und-Tau", "replication": True}]}, [NO_ROLE]),
        *[
            (
                {"listen_addresses": addresses},
                ["postgresql_listen_addresses has only localhost; add an address of data1, for the other servers"],
            )
            for addresses in (["localhost"], ["127.0.0.1", "::1"])
        ],
        (
            {"synchronous_standbys": 2},
            ["postgresql_synchronous_standbys is 2, but there are 1 standbys; lower it"],
        ),
        # Each on its own: nothing of this is needed, and nobody confirms
        ({"initial_primary": "", "users": [], "listen_addresses": ["localhost"]}, []),
        (
            {"initial_primary": "", "synchronous_standbys": 1},
            ["postgresql_synchronous_standbys is 1, but there are 0 standbys; lower it"],
        ),
        (
            {"replication_hosts": REPLICATING["replication_hosts"][:1], "users": [], "synchronous_standbys": 1},
            ["postgresql_synchronous_standbys is 1, but there are 0 standbys; lower it"],
        ),
    ],
)
def test_what_servers_of_a_cluster_need(filters: Filters, options: dict[str, Any], findings: list[str]) -> None:
    assert found(filters, **{**REPLICATING, **options}) == findings
