"""inventory_shown: what people and programs read of a difference."""

from __future__ import annotations

import pytest

from ansible_collections.holdfast.platform.plugins.plugin_utils.inventory_differences import Difference
from ansible_collections.holdfast.platform.plugins.plugin_utils.inventory_shown import counted, entry, sentence, table

LABELS = ("production", "staging")
HIDDEN = ["<secret>"]
EDGES = Difference("topology", "groups.edge", ["edge"], [2], [1])
BUFFERS = Difference("setting", "postgresql_settings.shared_buffers", ["database"], ["8GB"], ["2GB"])
SAME = Difference("secret", "redis_password", ["all"], HIDDEN, HIDDEN, hidden=True, same=True)


@pytest.mark.parametrize(
    ("difference", "told"),
    [
        (
            EDGES,
            "group edge has 2 hosts in production and 1 host in staging; add or remove hosts, or name groups.edge in "
            "compare_expected",
        ),
        (
            EDGES._replace(second=[0]),
            "group edge has 2 hosts in production and no host in staging; add or remove hosts, or name groups.edge in "
            "compare_expected",
        ),
        (
            BUFFERS,
            "postgresql_settings.shared_buffers of database is 8GB in production and 2GB in staging; make them equal, "
            "or name postgresql_settings.shared_buffers in compare_expected",
        ),
        (
            Difference("setting", "x", ["all"], ["a  b\n"], []),
            "x of all hosts is given in production alone, a b; give it in staging as well, or remove it, or name x in "
            "compare_expected",
        ),
        (
            Difference("setting", "x", ["app", "edge"], [], [5]),
            "x of app, edge is given in staging alone, 5; give it in production as well, or remove it, or name x in "
            "compare_expected",
        ),
        (
            Difference("secret", "x", ["all"], [], HIDDEN, hidden=True),
            "x of all hosts is given in staging alone; give it in production as well, or remove it, or name x in "
            "compare_expected",
        ),
        (
            SAME,
            "redis_password is the same secret in production and staging; give each its own, or name redis_password in "
            "compare_expected",
        ),
        (
            Difference("setting", "app_environment.LOG_LEVEL", ["app"], HIDDEN, HIDDEN, hidden=True),
            "app_environment.LOG_LEVEL of app is not the same in production and staging, its values are not shown; "
            "make them equal, or name app_environment.LOG_LEVEL in compare_expected",
        ),
    ],
)
def test_a_difference_is_a_sentence(difference: Difference, told: str) -> None:
    assert sentence(difference, LABELS) == told


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ([5], ["5"], '5 in production and "5" in staging'),
        ([True], ["true"], 'true in production and "true" in staging'),
        ([""], [None], '"" in production and null in staging'),
        (["1.4.0"], ["1.5.0"], "1.4.0 in production and 1.5.0 in staging"),
        (["1.4"], ["v2"], '"1.4" in production and v2 in staging'),
        ([1, 2], [3], "1 or 2 in production and 3 in staging"),
        # Of lists what one has and the other has not
        ([["a", "b"]], [["b", "c"]], '["a"] in production and ["c"] in staging'),
        ([["a", "b"]], [["b"]], '["a"] in production and [] in staging'),
        ([["a", "b"]], [["b", "a"]], '["a", "b"] in production and ["b", "a"] in staging'),
        ([["a"]], ["b"], '["a"] in production and b in staging'),
        ([["a"], ["c"]], [["b"]], '["a"] or ["c"] in production and ["b"] in staging'),
        (["x" * 200], ["y" * 201], f"{'x' * 200} in production and {'y' * 199}… in staging"),
    ],
)
def test_values_are_written_so_that_their_types_are_seen(first: list[object], second: list[object], told: str) -> None:
    difference = Difference("setting", "x", ["all"], first, second)
    assert sentence(difference, LABELS).startswith(f"x of all hosts is {told}; ")


def test_the_table_has_a_column_for_each_inventory_and_brackets_for_what_is_expected() -> None:
    long = Difference("setting", "x", ["all"], ["x" * 48], ["y" * 49])
    hidden = Difference("setting", "y", ["app"], HIDDEN, HIDDEN, hidden=True)
    alone = Difference("secret", "z", ["all"], HIDDEN, [], hidden=True)
    found = [(EDGES, True), (BUFFERS, False), (long, False), (hidden, False), (alone, False), (SAME, True)]
    assert table(found, LABELS).split("\n") == [
        f"{'':<49}production{'':<40}staging",
        "topology",
        f"  {'(edge)':<47}{'2 hosts':<50}1 host",
        "settings",
        f"  postgresql_settings.shared_buffers [database]  {'8GB':<50}2GB",
        f"  {'x [all hosts]':<47}{'x' * 48}  {'y' * 47}…",
        f"  {'y [app]':<47}{'not shown':<50}another",
        "secrets",
        f"  {'z [all hosts]':<47}{'given':<50}-",
        f"  {'(redis_password)':<47}{'the same':<50}the same",
    ]


def test_nothing_to_show_is_said() -> None:
    assert table([], LABELS) == "production and staging differ in nothing."


def test_programs_get_everything() -> None:
    assert entry(BUFFERS, LABELS, allowed=True) == {
        "kind": "setting",
        "name": "postgresql_settings.shared_buffers",
        "groups": ["database"],
        "first": ["8GB"],
        "second": ["2GB"],
        "hidden": False,
        "same": False,
        "expected": True,
        "text": "postgresql_settings.shared_buffers of database is 8GB in production and 2GB in staging; make them "
        "equal, or name postgresql_settings.shared_buffers in compare_expected",
    }


def test_differences_are_counted_by_kind() -> None:
    kinds = ["secret", "setting", "topology", "setting", "version"]
    assert counted([{"kind": kind} for kind in kinds]) == "1 in topology, 1 in versions, 2 in settings, 1 in secrets"
    assert counted([]) == ""
