"""The box at the end of a playbook, and the command lines in it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.plugins.loader import action_loader

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def summary() -> ModuleType:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    return sys.modules[action_loader.get("run_summary", class_only=True).__module__]


def rows(summary: ModuleType, check: bool = False, **arguments: Any) -> dict[str, str]:
    given = {"rows": {}, "answers": [], "next": {}, **arguments}
    result = {
        "check_mode": check,
        "hosts": ["a", "b"],
        "changed": given.pop("changed", {}),
        "seconds": 61,
        "answers": [],
    }
    return dict(summary.ActionModule.rows(None, given, result))


def test_only_steps_that_changed_something_are_named(summary: ModuleType) -> None:
    variables = {
        "__redis_config_result": {"changed": True},
        "__nginx_config_result": {"changed": False},
        "__docker_result": {"skipped": True},
        "redis_port": 6379,
        "other_result": {"changed": True},
        "app_switch_result": {"changed": True},
        "app_prepare_result": {"changed": False},
        "ansible_failed_result": {"changed": True},
    }
    assert summary.changed_steps(variables) == ["app_switch", "redis_config"]


class Undefined(dict[str, Any]):
    """Variables of a host, of which one of the inventory cannot be computed where the summary is."""

    def __getitem__(self, name: str) -> Any:
        if name == "probe_check_result":
            raise AnsibleError("'nowhere' is undefined")
        return super().__getitem__(name)


def test_a_variable_of_somebody_else_does_not_break_the_summary(summary: ModuleType) -> None:
    """It has the name of a result that a role publishes; the run ended with an error in place of its box."""
    done = {"changed": True, "redone": ["nftables.service"]}
    variables = Undefined({"probe_check_result": "{{ nowhere }}", "__firewall_config_result": done})
    assert summary.changed_steps(variables) == ["firewall_config"]
    assert summary.redone_units(variables) == ["nftables.service"]


def test_the_box_keeps_every_line(summary: ModuleType) -> None:
    assert summary.box("Holdfast site", [("changed", "a: x\nb: y"), ("took", "3 s")]).splitlines() == [
        "┌─ Holdfast site",
        "│ changed      a: x",
        "│              b: y",
        "│ took         3 s",
        "└─",
    ]


def test_hosts_with_the_same_value_share_a_line(summary: ModuleType) -> None:
    shown = rows(summary, rows={"version": {"app1": "1.0.0", "app2": "2.0.0", "app3": "1.0.0"}, "lost": ""})
    assert shown["version"] == "1.0.0 on app1, app3\n2.0.0 on app2"
    assert "lost" not in shown


def test_a_run_says_what_changed_and_where_it_answers(summary: ModuleType) -> None:
    assert rows(summary, changed={"a": ["nginx"]}, answers=["https://x"]) == {
        "changed": "a: nginx",
        "answers at": "https://x",
        "took": "1 min 1 s on 2 hosts",
    }


def test_a_check_says_what_would_change_and_nothing_answers_yet(summary: ModuleType) -> None:
    shown = rows(summary, check=True, changed={"a": ["nginx"]}, answers=["https://x"], next={"status.yml": "tells"})
    assert shown["would change"] == "a: nginx"
    assert "answers at" not in shown
    assert shown["next"] == "the same without --check"
    assert "next" not in rows(summary, check=True)


def test_a_command_repeats_what_the_operator_gave(summary: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    said = {
        "inventory": [str(ROOT / "inventories/demo"), "one,two"],
        "subset": "app1",
        "vault_password_files": ["/root/my vault"],
        "become_ask_pass": True,
        "remote_user": None,
        "ask_vault_pass": False,
    }
    line = summary.command("deploy.yml -e app_version=…", said)
    assert shlex.split(line) == [
        *["ansible-playbook", "-i", "inventories/demo", "-i", "one,two", "--limit", "app1"],
        *[
            "--vault-password-file",
            "/root/my vault",
            "--ask-become-pass",
            "playbooks/deploy.yml",
            "-e",
            "app_version=…",
        ],
    ]


def test_a_command_leaves_out_what_the_configuration_says(
    summary: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    said = {"inventory": summary.constants.DEFAULT_HOST_LIST, "private_key_file": None}
    assert summary.command("status.yml", said) == f"ansible-playbook {ROOT}/playbooks/status.yml"


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (125, "2 min 5 s")])
def test_a_duration_is_told_in_minutes_and_seconds(summary: ModuleType, seconds: int, text: str) -> None:
    assert summary.duration(seconds) == text


def test_a_run_is_summed_up(summary: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    printed: list[str] = []
    monkeypatch.setattr(summary, "Display", lambda: SimpleNamespace(display=printed.append))
    monkeypatch.setattr(summary.time, "time", lambda: 1125.9)
    action = summary.ActionModule.__new__(summary.ActionModule)
    action._task = SimpleNamespace(check_mode=False)
    hosts = {"a": {"__redis_result": {"changed": True}}, "b": {}}
    given = {"playbook": "site", "started": 1000, "rows": {}, "answers": ["https://x"], "next": {}, "data": {"more": 1}}
    found = action.act(given, {"ansible_play_hosts_all": ["a", "b"], "hostvars": hosts})
    result = {
        "playbook": "site",
        "check_mode": False,
        "hosts": ["a", "b"],
        "changed": {"a": ["redis"]},
        "redone": {},
        "seconds": 125,
        "answers": ["https://x"],
        "more": 1,
    }
    statistics = {"data": {"holdfast": result}, "per_host": False, "aggregate": False}
    assert found == {"changed": False, "result": result, "ansible_stats": statistics}
    assert printed == [
        "\n┌─ Holdfast site\n│ changed      a: redis\n│ answers at   https://x\n"
        "│ took         2 min 5 s on 2 hosts\n└─\n"
    ]
