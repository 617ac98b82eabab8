"""inventory_differences: where values are held against each other, and what of it is a difference."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.holdfast.platform.plugins.plugin_utils.inventory_differences import (
    Difference,
    Side,
    differences,
    expected,
)
from ansible_collections.holdfast.platform.plugins.plugin_utils.inventory_values import HIDDEN, SECRET, Leaf

ROLES = {"edge": ["nginx"], "database": ["postgresql"], "cache": ["redis"]}
GROUPS = {"edge": ["edge1", "edge2"], "database": ["data1"]}
OWNERS = {"nginx_sites": "nginx", "redis_port": "redis", "redis_password": "redis", "base_users": "base"}


def side(label: str, groups: dict[str, list[str]], values: dict[str, dict[str, Any]], kind: str = "") -> Side:
    """An inventory; a value is given by its path as text, its leaf is of one kind."""
    hosts = sorted({host for members in groups.values() for host in members})
    found: dict[str, dict[str, dict[tuple[str, ...], Leaf]]] = {host: {} for host in hosts}
    for host in hosts:
        for name, value in values.get(host, values.get("all", {})).items():
            path = tuple(name.split("."))
            found[host].setdefault(path[0], {})[path] = Leaf(value, kind)
    return Side(label, {"all": hosts, **groups}, ROLES, found)


def compared(
    one: dict[str, dict[str, Any]],
    other: dict[str, dict[str, Any]],
    kind: str = "",
    groups: tuple[dict[str, list[str]], dict[str, list[str]]] = (GROUPS, GROUPS),
) -> list[tuple[Any, ...]]:
    found = differences(side("a", groups[0], one, kind), side("b", groups[1], other, kind), OWNERS)
    return [(each.name, each.groups, each.first, each.second) for each in found]


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ({}, {}, []),
        ({"all": {"x": 1}}, {"all": {"x": 1}}, []),
        ({"all": {"x": 1}}, {"all": {"x": 2}}, [("x", ["all"], [1], [2])]),
        ({"all": {"x": 1}}, {"all": {"x": True}}, [("x", ["all"], [1], [True])]),
        ({"all": {"x": 1}}, {}, [("x", ["all"], [1], [])]),
        ({}, {"all": {"x": None}}, [("x", ["all"], [], [None])]),
        # Nested: the beginning that only one has, and what is below it
        ({"all": {"x.a": 1, "x.b": 2}}, {"all": {"x.a": 1, "x.b": 3}}, [("x.b", ["all"], [2], [3])]),
        ({"all": {"x.a": 1, "x.b.c": 2}}, {"all": {"x.a": 1}}, [("x.b", ["all"], [{"c": 2}], [])]),
        ({"all": {"x.a": 1, "x.b": 2}}, {}, [("x", ["all"], [{"a": 1, "b": 2}], [])]),
        ({"all": {"x": {}}}, {"all": {"x.a": 1}}, [("x.a", ["all"], [], [1])]),
        ({"all": {"x.a": 1}}, {"all": {"x": {}}}, [("x.a", ["all"], [1], [])]),
        # By group, unless each inventory has one value for all
        ({"all": {"x": 1}}, {"all": {"x": 1}, "data1": {"x": 2}}, [("x", ["database"], [1], [2])]),
        ({"all": {"x": 1}, "data1": {"x": 3}}, {"all": {"x": 2}, "data1": {"x": 3}}, [("x", ["edge"], [1], [2])]),
        (
            {"all": {"x": 1}, "data1": {"x": 3}},
            {"all": {"x": 2}, "data1": {"x": 4}},
            [("x", ["database"], [3], [4]), ("x", ["edge"], [1], [2])],
        ),
        # Hosts of a group that have values of their own
        ({"edge1": {"x": 1}, "edge2": {"x": 2}}, {"edge1": {"x": 2}, "edge2": {"x": 1}}, []),
        ({"edge1": {"x": 1}, "edge2": {"x": 2}}, {"edge1": {"x": 1}, "edge2": {"x": 1}}, []),
        (
            {"edge1": {"x": 1}, "edge2": {"x": 2}},
            {"edge1": {"x": 1}, "edge2": {"x": 3}},
            [("x", ["edge"], [1, 2], [1, 3])],
        ),
        # Whatever group a variable is of, its hosts tell
        ({"data1": {"x": 1}}, {}, [("x", ["database"], [1], [])]),
        ({"data1": {"x": 1}}, {"data1": {"x": 2}}, [("x", ["database"], [1], [2])]),
        ({"edge1": {"x": 1}, "data1": {"x": 1}}, {}, [("x", ["all"], [1], [])]),
        # The hosts of a role
        ({"all": {"nginx_sites": 1}}, {"all": {"nginx_sites": 2}}, [("nginx_sites", ["edge"], [1], [2])]),
        ({"data1": {"nginx_sites": 1}}, {"data1": {"nginx_sites": 2}}, []),
        # Of a role that neither has
        ({"all": {"redis_port": 1}}, {"all": {"redis_port": 2}}, [("redis_port", ["cache"], [1], [2])]),
    ],
)
def test_a_difference_is_told_once_and_where_it_is(
    one: dict[str, Any], other: dict[str, Any], told: list[tuple[Any, ...]]
) -> None:
    assert compared(one, other) == told


WITH_CACHE = {**GROUPS, "cache": ["data1"]}


def test_groups_that_differ_alike_are_told_together() -> None:
    one, other = {"all": {"x": 0}, "data1": {"x": 1}}, {"all": {"x": 0}, "data1": {"x": 2}}
    assert compared(one, other, groups=(WITH_CACHE, WITH_CACHE)) == [("x", ["cache", "database"], [1], [2])]


def test_what_belongs_to_a_role_that_one_has_no_host_for_is_topology() -> None:
    one, other = {"all": {"redis_port": 1}}, {"all": {"redis_port": 2}}
    assert compared(one, other, groups=(WITH_CACHE, GROUPS)) == [("groups.cache", ["cache"], [1], [0])]


def test_hosts_that_are_in_more_groups_here_than_there_are_no_difference() -> None:
    together, apart = {"database": ["data1"], "cache": ["data1"]}, {"database": ["one"], "cache": ["two"]}
    one, other = {"data1": {"x": 1, "redis_port": 1}}, {"two": {"x": 1, "redis_port": 1}}
    assert compared(one, other, groups=(together, apart)) == [("groups.all", ["all"], [1], [2])]


def test_hosts_are_counted_by_group() -> None:
    small = {"edge": ["one"], "database": ["one"]}
    assert compared({}, {}, groups=(GROUPS, small)) == [("groups.edge", ["edge"], [2], [1])]
    shared, apart = {"edge": ["one"], "database": ["one"]}, {"edge": ["one"], "database": ["two"]}
    assert compared({}, {}, groups=(shared, apart)) == [("groups.all", ["all"], [1], [2])]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"all": {"x": "p"}}, {"all": {"x": "q"}}, []),
        ({"all": {"x": "p"}}, {"all": {"x": "p"}}, [("x", True)]),
        ({"all": {"x": "p"}, "data1": {"x": "q"}}, {"all": {"x": "r"}, "data1": {"x": "q"}}, [("x", True)]),
        ({"all": {"x": "p"}}, {}, [("x", False)]),
        ({"edge1": {"x.a": "p"}}, {"edge1": {"x.a": "q", "x.b": "r"}}, [("x.b", False)]),
        ({"all": {"redis_password": "p"}}, {"all": {"redis_password": "p"}}, [("redis_password", True)]),
    ],
)
def test_each_inventory_must_have_secrets_of_its_own(
    one: dict[str, Any], other: dict[str, Any], same: list[tuple[str, bool]]
) -> None:
    found = differences(side("a", GROUPS, one, SECRET), side("b", GROUPS, other, SECRET), OWNERS)
    assert [(each.name, each.same) for each in found] == same
    assert all(each.kind == "secret" and each.hidden for each in found)
    assert {str(value) for each in found for value in (*each.first, *each.second)} <= {"<secret>"}


def test_a_secret_that_both_have_is_told_although_only_one_has_the_role() -> None:
    values = {"all": {"redis_password": "p", "redis_port": 1}}
    sides = side("a", WITH_CACHE, values, SECRET), side("b", GROUPS, values, SECRET)
    assert [(each.name, each.same) for each in differences(*sides, OWNERS)] == [
        *[("groups.cache", False), ("redis_password", True), ("redis_port", True)],
    ]
    without = side("b", GROUPS, {}, SECRET)
    assert [each.name for each in differences(sides[0], without, OWNERS)] == ["groups.cache"]


def test_a_hidden_value_may_differ_and_is_not_shown() -> None:
    sides = side("a", GROUPS, {"all": {"x.a": 1}}, HIDDEN), side("b", GROUPS, {"all": {"x.a": 2}}, HIDDEN)
    assert differences(*sides, {}) == [
        Difference("setting", "x.a", ["all"], ["<secret>"], ["<secret>"], hidden=True, same=False)
    ]
    assert differences(sides[0], side("b", GROUPS, {}), {}) == [
        Difference("setting", "x", ["all"], ["<secret>"], [], hidden=True, same=False)
    ]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("app_version", "version"),
        ("app_image", "version"),
        ("services.web.tag", "version"),
        ("version", "version"),
        ("conversion", "setting"),
        ("app_image_archive", "setting"),
        ("version.of", "setting"),
    ],
)
def test_versions_are_told_apart(name: str, kind: str) -> None:
    sides = side("a", GROUPS, {"all": {name: "1"}}), side("b", GROUPS, {"all": {name: "2"}})
    assert [each.kind for each in differences(*sides, {})] == [kind]


def test_topology_comes_first_then_versions_settings_and_secrets() -> None:
    values: dict[str, dict[tuple[str, ...], Leaf]] = {
        "z_version": {("z_version",): Leaf(1)},
        "b": {("b",): Leaf("p", SECRET)},
        "a_setting": {("a_setting",): Leaf(1)},
    }
    one = Side("a", {"all": ["edge1"], "edge": ["edge1"]}, ROLES, {"edge1": values})
    other = Side("b", {"all": ["edge1"], "cache": ["edge1"]}, ROLES, {"edge1": {}})
    assert [each.name for each in differences(one, other, {})] == [
        *["groups.cache", "groups.edge", "z_version", "a_setting", "b"],
    ]


@pytest.mark.parametrize(
    ("name", "patterns", "allowed"),
    [
        ("app_version", [], False),
        ("app_version", ["app_version"], True),
        ("app_version", ["app"], False),
        ("app_version", ["app_*"], True),
        ("app_version", ["*"], True),
        ("nginx_sites.api.server_names", ["nginx_sites"], True),
        ("nginx_sites.api.server_names", ["nginx_sites.*.server_names"], True),
        ("nginx_sites.api.server_names", ["nginx_sites.shop", "nginx_sites.api"], True),
        ("nginx_sites.api", ["nginx_sites.api.server_names"], False),
        ("App_version", ["app_version"], False),
    ],
)
def test_a_name_stands_for_what_is_below_it(name: str, patterns: list[str], allowed: bool) -> None:
    assert expected(name, patterns) is allowed
