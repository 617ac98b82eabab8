"""What hosts are told of each other, on an inventory of five hosts."""

from __future__ import annotations

from typing import Any

import pytest

from filter_plugins.wiring import (
    backup_release_findings,
    database_leaders,
    endpoint_servers,
    host_wiring,
    leader_findings,
    pooled_servers,
    server_data_paths,
)

GROUPS = {
    "all": ["edge1", "edge2", "data1", "data2", "backup1"],
    "edge": ["edge1", "edge2"],
    "database": ["data1", "data2"],
    "backup": ["backup1"],
    "pooler": ["data1", "data2"],
}
HOSTS: dict[str, dict[str, Any]] = {
    "edge1": {
        "host_address": "10.0.0.11",
        "nginx_sites": [
            {"server_names": ["a.example", "b.example"]},
            {"server_names": ["c.example"], "certificate": "c"},
        ],
        "nginx_streams": [{"name": "db", "postgresql": "primary"}],
        "floating_address_addresses": ["10.0.0.10/24"],
    },
    "edge2": {
        "host_address": "10.0.0.12",
        "nginx_certificate": "other",
        "nginx_sites": [{"server_names": ["a.example", "d.example"]}],
        "nginx_streams": [{"name": "mail"}],
    },
    "data1": {"host_address": "10.0.0.31", "postgresql_port": 5433, "backup_stanza": "first"},
    "data2": {"host_address": "10.0.0.32", "postgresql_max_connections": 300},
    "backup1": {"host_address": "10.0.0.41", "backup_port": 8433},
}
EVERYBODY = GROUPS["all"]


def wired(host: str, played: list[str] = EVERYBODY, **groups: list[str]) -> dict[str, Any]:
    return host_wiring({**GROUPS, **groups}, HOSTS, host, played)


def with_primary() -> dict[str, dict[str, Any]]:
    return {**HOSTS, **{name: {**HOSTS[name], "postgresql_initial_primary": "data1"} for name in ("data1", "data2")}}


def test_addresses_of_groups() -> None:
    found = wired("edge1")
    assert found["edge_hosts"] == [
        {"name": "edge1", "address": "10.0.0.11"},
        {"name": "edge2", "address": "10.0.0.12"},
    ]
    assert found["database_hosts"] == [
        {"name": "data1", "address": "10.0.0.31"},
        {"name": "data2", "address": "10.0.0.32"},
    ]


def test_what_the_edges_have() -> None:
    assert wired("edge1")["edge_certificates"] == ["nginx", "other", "c"]
    assert wired("edge1")["endpoint_names"] == ["edge1", "10.0.0.11", "10.0.0.10/24"]


def test_names_of_the_other_edges() -> None:
    assert wired("edge1")["other_site_names"] == ["a.example", "d.example"]
    assert wired("edge2")["other_site_names"] == ["a.example", "b.example", "c.example"]
    assert wired("data1")["other_site_names"] == ["a.example", "b.example", "c.example", "d.example"]


def test_servers_have_what_they_say_and_otherwise_the_defaults() -> None:
    assert wired("edge1")["servers"] == [
        {"name": "data1", "address": "10.0.0.31", "port": 5433, "max_connections": 100},
        {"name": "data2", "address": "10.0.0.32", "port": 5432, "max_connections": 300},
    ]


def test_poolers_share_and_nobody_divides_by_none() -> None:
    assert wired("edge1")["poolers"] == 2
    assert wired("edge1", pooler=[])["poolers"] == 1


def test_the_first_backup_host_keeps_the_backups() -> None:
    found = wired("data2", backup=["backup1", "edge1"])
    assert found["repository"] == {"name": "backup1", "address": "10.0.0.41"}
    assert found["repository_port"] == 8433
    assert found["repository_rpo_minutes"] == 60


def test_nobody_keeps_backups() -> None:
    found = wired("data2", backup=[])
    assert found["repository"] == {}
    assert found["repository_port"] == 8432


@pytest.mark.parametrize(
    ("host", "sides"),
    [("backup1", ["repository"]), ("data1", ["client"]), ("edge1", [])],
)
def test_sides(host: str, sides: list[str]) -> None:
    assert wired(host)["backup_roles"] == sides


def test_a_database_host_may_keep_backups_too() -> None:
    assert wired("data1", backup=["data1"])["backup_roles"] == ["repository", "client"]


def test_clients_of_this_run_and_those_that_wait() -> None:
    assert wired("backup1", ["backup1", "data2"])["backup_clients"] == [
        {"name": "data1", "address": "10.0.0.31", "stanza": "first", "port": 5433, "deferred": True},
        {"name": "data2", "address": "10.0.0.32", "stanza": "main", "port": 5432},
    ]


def test_clients_of_a_cluster() -> None:
    found = host_wiring(GROUPS, with_primary(), "backup1", EVERYBODY)["backup_clients"]
    assert [client.get("replicated") for client in found] == [True, True]


def test_a_cluster_has_a_primary_and_more_than_one_host() -> None:
    assert wired("edge1")["replicated"] is False
    assert host_wiring(GROUPS, with_primary(), "edge1", EVERYBODY)["replicated"] is True
    assert host_wiring({**GROUPS, "database": ["data1"]}, with_primary(), "edge1", EVERYBODY)["replicated"] is False


def test_each_host_is_looked_at_once() -> None:
    looked: list[str] = []

    class Counting(dict[str, dict[str, Any]]):
        def __getitem__(self, name: str) -> dict[str, Any]:
            looked.append(name)
            return super().__getitem__(name)

    host_wiring({**GROUPS, "database": ["data1", "data2", "edge1"]}, Counting(HOSTS), "edge1", EVERYBODY)
    assert sorted(looked) == sorted([*EVERYBODY])


def test_an_inventory_without_our_groups() -> None:
    found = host_wiring({"all": ["a"]}, {"a": {}}, "a", ["a"])
    assert found["servers"] == []
    assert found["repository"] == {}


def test_a_host_without_address_is_named() -> None:
    with pytest.raises(ValueError, match="host_address of data2 is not set; give the address"):
        host_wiring(GROUPS, {**HOSTS, "data2": {}}, "edge1", EVERYBODY)


@pytest.mark.parametrize("variable", ["nginx_sites", "nginx_streams"])
@pytest.mark.parametrize("odd", [5, "shop", ["shop"]])
def test_a_host_whose_list_is_none_is_named(variable: str, odd: object) -> None:
    """Python's own words were said on every host."""
    with pytest.raises(ValueError, match=f"{variable} of edge2 is no list of mappings"):
        host_wiring(GROUPS, {**HOSTS, "edge2": {**HOSTS["edge2"], variable: odd}}, "edge1", EVERYBODY)


def test_a_host_of_another_inventory() -> None:
    with pytest.raises(TypeError, match="one of its hosts, got 'mail1'"):
        wired("mail1")


def test_leaders_as_the_servers_said() -> None:
    asked = {
        "data1": {"postgresql_cluster_result": {"primary": "data2"}},
        "data2": {"postgresql_cluster_result": {"primary": "data2"}},
    }
    assert database_leaders(GROUPS, asked) == ["data2"]
    assert database_leaders(GROUPS, HOSTS) == []
    assert database_leaders({"all": []}, {}) == []
    assert database_leaders(GROUPS, {"data1": {"postgresql_cluster_result": {"primary": ""}}, "data2": {}}) == []


def test_poolers_begin_with_who_leads() -> None:
    first, second = (
        {"address": "10.0.0.31", "port": 5433, "max_connections": 100},
        {"address": "10.0.0.32", "port": 5432, "max_connections": 300},
    )
    assert pooled_servers(wired("edge1"), []) == [first, second]
    assert pooled_servers(wired("edge1"), ["data2"]) == [second, first]
    assert pooled_servers(wired("edge1"), ["gone"]) == [first, second]


def test_endpoints_of_servers_on_their_own_lead_to_the_first() -> None:
    assert endpoint_servers(wired("edge1"), []) == [{"address": "10.0.0.31", "port": 5433, "primary": True}]


def test_endpoints_of_a_cluster_know_who_leads() -> None:
    found = endpoint_servers(host_wiring(GROUPS, with_primary(), "edge1", EVERYBODY), ["data2"])
    assert found == [
        {"address": "10.0.0.31", "port": 5433, "primary": False},
        {"address": "10.0.0.32", "port": 5432, "primary": True},
    ]


def released(**releases: str) -> dict[str, dict[str, Any]]:
    return {
        name: {
            **HOSTS.get(name, {}),
            "ansible_facts": {"distribution_release": release, "postgresql": {"clusters": []}},
        }
        for name, release in releases.items()
    }


def test_where_the_servers_have_their_data() -> None:
    hosts = {**HOSTS, **released(data1="bookworm", data2="trixie")}
    cluster = {"name": "main", "version": "17", "data": "/srv/postgresql"}
    hosts["data2"]["ansible_facts"]["postgresql"]["clusters"] = [cluster]
    assert server_data_paths(GROUPS, hosts) == {
        "10.0.0.31": "/var/lib/postgresql/15/main",
        "10.0.0.32": "/srv/postgresql",
    }


def test_servers_that_were_not_asked_say_nothing() -> None:
    hosts = {**HOSTS, **released(data2="trixie"), "data1": {"ansible_facts": {"distribution_release": "trixie"}}}
    assert list(server_data_paths(GROUPS, hosts)) == ["10.0.0.32"]
    assert server_data_paths(GROUPS, HOSTS) == {}
    assert server_data_paths({}, {}) == {}


def test_a_run_has_to_know_who_leads() -> None:
    assert leader_findings(GROUPS, "edge1", ["edge1", "data2"]) == []
    (sentence,) = leader_findings(GROUPS, "edge1", ["edge1"])
    assert sentence.startswith("--limit leaves out every host of group database")
    assert sentence.endswith("edge1 follows it, so add them: --limit edge1,database")


@pytest.mark.parametrize(
    ("releases", "host", "groups", "found"),
    [
        ({"data1": "trixie", "backup1": "trixie"}, "data1", GROUPS, 0),
        ({"data1": "trixie", "backup1": "bookworm"}, "data1", GROUPS, 1),
        ({"data1": "trixie", "backup1": ""}, "data1", GROUPS, 0),
        ({"data1": "", "backup1": "trixie"}, "data1", GROUPS, 0),
        ({"edge1": "trixie", "backup1": "bookworm"}, "edge1", GROUPS, 0),
        ({"data1": "trixie"}, "data1", {**GROUPS, "backup": []}, 0),
        ({"data1": "trixie"}, "data1", {**GROUPS, "backup": ["data1"]}, 0),
    ],
)
def test_releases_of_both_ends_of_a_backup(
    releases: dict[str, str], host: str, groups: dict[str, list[str]], found: int
) -> None:
    sentences = backup_release_findings(groups, {**HOSTS, **released(**releases)}, host)
    assert len(sentences) == found
    if found:
        assert sentences[0].startswith("data1 runs trixie, and backup1, which keeps its backups, bookworm; ")
        assert sentences[0].endswith("give both hosts the same release")
