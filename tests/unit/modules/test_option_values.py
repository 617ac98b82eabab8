"""option_values: every finding is a sentence with variable, value and fix; a secret's value is in none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.holdfast.platform.plugins.plugin_utils.option_values import (
    blanks,
    completed,
    range_finding,
    secret_finding,
    value_findings,
)

ROOT = Path(__file__).parents[3]
GOOD = "kTz0-9fWq_77Lm"


@pytest.mark.parametrize(
    ("value", "option", "finding"),
    [
        (3, {"type": "int"}, ""),
        (True, {"type": "int"}, "x is True, it must be a whole number"),
        (
            "3",
            {"type": "int"},
            'x is "3", it must be a whole number; write it without quotes, on the command line as -e "{x: 3}"',
        ),
        ("yes", {"type": "bool"}, 'x is "yes", it must be true or false; write it without quotes'),
        (3, {"type": "str"}, "x is 3, it must be text"),
        ({}, {"type": "list"}, "x is {}, it must be a list"),
        (1, {"type": "float"}, ""),
        (object(), {"type": "raw"}, ""),
        (None, {"type": "int"}, "x is empty; give it a value, or leave it out"),
        ([None], {"type": "list", "elements": "str"}, "x[0] is empty; give it a value"),
        (None, {"type": "raw"}, ""),
        (None, {"type": "int", "required": True}, "x is empty; give it a value"),
        ("c", {"choices": ["a", "b"]}, "x is 'c', it must be one of a, b"),
        (["a", "c"], {"type": "list", "elements": "str", "choices": ["a"]}, "x is 'c', it must be one of a"),
        ([1, "2"], {"type": "list", "elements": "int"}, 'x[1] is "2", it must be a whole number'),
        ({"a": 1}, {"type": "dict"}, ""),
        ({"nmae": 1}, {"type": "dict", "options": {"name": {}}}, "x.nmae is unknown; did you mean name?"),
        ({"q": 1}, {"type": "dict", "options": {"name": {}}}, "x.q is unknown; remove it"),
        ({}, {"type": "dict", "options": {"name": {"required": True}}}, "x.name is missing; add it, text"),
        (
            [{"port": 0}],
            {"type": "list", "elements": "dict", "options": {"port": {"type": "int"}}},
            "x[0].port is 0, a port is 1 to 65535",
        ),
        ("short", {"no_log": True}, "x is shorter than 12 characters; `make secrets INVENTORY=…` generates a good one"),
        (GOOD, {"no_log": True}, ""),
        (5, {"no_log": True}, "x is given, it must be text"),
        ("-----BEGIN ", {"no_log": True}, ""),  # shorter than any secret may be: PEM is not measured
    ],
)
def test_values(value: Any, option: dict[str, Any], finding: str) -> None:
    findings = list(value_findings("x", value, option))
    assert "\n".join(findings).startswith(finding) if finding else findings == []


def test_the_specification_completes_what_is_given() -> None:
    """Nested defaults at every depth, in every mapping of a list; what is given stays, as does what nobody knows."""
    inner = {"type": "dict", "options": {"days": {"default": 7}, "by": {}}}
    users = {"type": "list", "elements": "dict", "options": {"name": {}, "shell": {"default": "sh"}, "keep": inner}}
    given = [{"name": "a", "keep": {"by": "me"}}, {"name": "b", "shell": "", "more": 1}]
    assert completed(given, users) == [
        {"shell": "sh", "name": "a", "keep": {"days": 7, "by": "me"}},
        {"shell": "", "name": "b", "more": 1},
    ]
    assert given[0] == {"name": "a", "keep": {"by": "me"}}
    assert completed([1], {"type": "list", "elements": "int"}) == [1]
    assert completed(None, users) is None


@pytest.mark.parametrize(
    "value",
    [
        "changeme",
        "change_me!",
        "changeme-please-2026",
        "Password1",
        "secret",
        "<secret>",
        "xxxxxxxxxxxxxxxx",
        "{{ todo }}",
        "your-password",
        "............",
        "",
    ],
)
def test_placeholders_are_refused(value: str) -> None:
    assert "is a placeholder" in secret_finding("x", value)


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ("<your domain>", ["x"]),
        (["a", "CHANGE_ME"], ["x[1]"]),
        ({"a": {"b": ["{{ c }}", "TODO", 1]}}, ["x.a.b[1]"]),
        ("<b>bold</b>", []),
        ("change me later", []),
        ("<{{ c }}>", []),
        ("", []),
    ],
)
def test_placeholders_are_found_inside(value: Any, places: list[str]) -> None:
    assert [place for place, _ in blanks("x", value)] == places


def test_what_the_example_leaves_to_its_user_is_refused() -> None:
    example = ROOT / "inventories/example"
    values = {path.stem + path.parent.name: yaml.safe_load(path.read_text()) for path in example.rglob("*.yml")}
    found = [place for name in sorted(values) for place, _ in blanks(name, values[name])]
    hosts = [line.count("<") for line in (example / "hosts.yml").read_text().splitlines() if "ansible_host:" in line]
    assert set(hosts) == {1}
    assert len([name for name in found if name.endswith(".ansible_host")]) == len(hosts)
    assert [name for name in found if not name.endswith(".ansible_host")] == [
        "mainall.ansible_user",
        "mainapp.app_image",
        "mainedge.nginx_sites[0].server_names[0]",
    ]


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("a_port", 65535, False),
        ("a_port", 65536, True),
        ("port", 0, True),
        ("support", 0, False),
        ("a_percent", 100, False),
        ("a_percent", 101, True),
        ("a_percent", -1, True),
        ("a_mb", 0, False),
        ("a_mb", -1, True),
        ("a_days", -1, True),
        ("a_count", -1, False),
        ("a_confirm_seconds", 0, False),
        ("a_confirm_seconds", 14, True),
        ("a_confirm_seconds", 15, False),
        ("a_confirm_seconds", 300, False),
        ("a_confirm_seconds", 301, True),
    ],
)
def test_ranges_follow_from_names(name: str, value: int, wrong: bool) -> None:
    assert bool(range_finding(name, value)) is wrong
