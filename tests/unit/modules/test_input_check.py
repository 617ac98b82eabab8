"""input_check: every finding is a sentence with variable, value and cure; a secret's value is in none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.plugins.loader import action_loader

ROOT = Path(__file__).parents[3]
GOOD = "kTz0-9fWq_77Lm"


@pytest.fixture(scope="module")
def input_check() -> ModuleType:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    return sys.modules[action_loader.get("input_check", class_only=True).__module__]


@pytest.mark.parametrize(
    ("value", "option", "finding"),
    [
        (3, {"type": "int"}, ""),
        (True, {"type": "int"}, "x is True, it must be a whole number"),
        ("3", {"type": "int"}, "x is '3', it must be a whole number; write it without quotes, on the command line as"),
        ("yes", {"type": "bool"}, "x is 'yes', it must be true or false; write it without quotes"),
        (3, {"type": "str"}, "x is 3, it must be text"),
        ({}, {"type": "list"}, "x is {}, it must be a list"),
        (1, {"type": "float"}, ""),
        (object(), {"type": "raw"}, ""),
        (None, {"type": "int"}, ""),
        (None, {"type": "int", "required": True}, "x is empty; give it a value"),
        ("c", {"choices": ["a", "b"]}, "x is 'c', it must be one of a, b"),
        (["a", "c"], {"type": "list", "elements": "str", "choices": ["a"]}, "x is 'c', it must be one of a"),
        ([1, "2"], {"type": "list", "elements": "int"}, "x[1] is '2', it must be a whole number"),
        ({"a": 1}, {"type": "dict"}, ""),
        ({"nmae": 1}, {"type": "dict", "options": {"name": {}}}, "x.nmae is unknown; did you mean name?"),
        ({"q": 1}, {"type": "dict", "options": {"name": {}}}, "x.q is unknown; remove it"),
        ({}, {"type": "dict", "options": {"name": {"required": True}}}, "x.name is missing; it is text"),
        (
            [{"port": 0}],
            {"type": "list", "elements": "dict", "options": {"port": {"type": "int"}}},
            "x[0].port is 0, a port is 1 to 65535",
        ),
        ("short", {"no_log": True}, "x is shorter than 12 characters; `make secrets INVENTORY=…` generates a good one"),
        (GOOD, {"no_log": True}, ""),
        (5, {"no_log": True}, "x is given, it must be text"),
        ("-----BEGIN PRIVATE KEY-----", {"no_log": True}, ""),
    ],
)
def test_values(input_check: ModuleType, value: Any, option: dict[str, Any], finding: str) -> None:
    findings = list(input_check.value_findings("x", value, option))
    assert "\n".join(findings).startswith(finding) if finding else findings == []


@pytest.mark.parametrize(
    "value",
    [
        "changeme",
        "change_me!",
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
def test_placeholders_are_refused(input_check: ModuleType, value: str) -> None:
    assert "is a placeholder" in input_check.secret_finding("x", value)


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
    ],
)
def test_ranges_follow_from_names(input_check: ModuleType, name: str, value: int, wrong: bool) -> None:
    assert bool(input_check.range_finding(name, value)) is wrong


def test_misspelt_and_foreign_names(input_check: ModuleType) -> None:
    names = ["redis_maxmemroy_mb", "redis_packages", "redis_port", "redis_zzz", "redistribute", "__redis_result"]
    findings = list(input_check.name_findings("redis", {"redis_port": {}, "redis_maxmemory_mb": {}}, names))
    assert findings == [
        "redis_maxmemroy_mb is not a variable of role redis; did you mean redis_maxmemory_mb?",
        "redis_zzz is not a variable of role redis; "
        "names that begin with redis_ belong to the role, call yours otherwise",
    ]


def test_groups(input_check: ModuleType) -> None:
    known = ["database", "cache"]
    assert list(input_check.group_findings("h", ["cache", "eu-west"], known)) == []
    misspelt, nowhere = input_check.group_findings("h", ["databse"], known)
    assert misspelt == "group databse of host h is unknown; did you mean database?"
    assert "is in none of the groups database, cache" in nowhere
    assert list(input_check.group_findings("h", ["web"], [])) == []


def test_both_halves_in_a_real_run(tmp_path: Path) -> None:
    """One run of ansible-playbook here: rendering like template, strict arguments, no echo of what was given."""
    play = [
        {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"inner": "{{ 'a' ~ 'b' }}", "state": str(tmp_path)},
            "tasks": [
                {"input_check": {"roles": ["sample"]}},
                {
                    "config_transaction": {
                        "name": "sample",
                        "files": [
                            {"dest": "{{ state }}/plain", "template": "plain.j2", "vars": {"extra": "{{ inner }}c"}},
                            {"dest": "{{ state }}/secret", "content": GOOD, "secret": True, "mode": "0600"},
                        ],
                    },
                    "check_mode": True,
                    "diff": True,
                    "register": "foretold",
                },
                {"copy": {"dest": "{{ state }}/result", "content": "{{ foretold | to_json }}", "mode": "0600"}},
                {
                    "config_transaction": {
                        "name": "x",
                        "files": [{"dest": "{{ state }}/y", "content": "z", "mode": "644"}],
                    },
                    "ignore_errors": True,
                },
            ],
        }
    ]
    (tmp_path / "play.yml").write_text(json.dumps(play))
    (tmp_path / "ansible.cfg").touch()
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/plain.j2").write_text("{% if true %}\nvalue {{ extra }}\n{% endif %}\nend\n")
    (tmp_path / "roles/sample/meta").mkdir(parents=True)
    spec = {"argument_specs": {"main": {"options": {"sample_port": {"type": "int"}}}}}
    (tmp_path / "roles/sample/meta/argument_specs.yml").write_text(json.dumps(spec))
    environment = {
        **os.environ,
        "ANSIBLE_LIBRARY": str(ROOT / "library"),
        "ANSIBLE_ACTION_PLUGINS": str(ROOT / "action_plugins"),
        "ANSIBLE_ROLES_PATH": str(tmp_path / "roles"),
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
        "ANSIBLE_HOME": str(tmp_path / "home"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    playbook = [str(Path(sys.executable).parent / "ansible-playbook"), "-vvv", "play.yml"]
    done = subprocess.run(playbook, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "mode is '644'; quote it as octal, like '0640'" in done.stdout
    assert GOOD not in done.stdout
    result = json.loads((tmp_path / "result").read_text())
    assert [change["action"] for change in result["changes"]] == ["create", "create"]
    assert result["diff"][0]["after"] == "value abc\nend\n"
    assert "invocation" not in result
    assert GOOD not in json.dumps(result)
    assert not (tmp_path / "plain").exists()
