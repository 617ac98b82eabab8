"""The controller's halves: which arguments they take, what they refuse, and what they send to the host."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible import context
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.collections import ImmutableDict
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import action_loader, filter_loader, module_loader

ROOT = Path(__file__).parents[3]
for loader, folder in (
    (action_loader, "action_plugins"),
    (filter_loader, "filter_plugins"),
    (module_loader, "library"),
):
    loader.add_directory(str(ROOT / folder))


class Action:
    """An action with what its task has, and a host that answers what a test says."""

    def __init__(self, name: str, given: dict[str, Any], **facts: Any) -> None:
        self.module: ModuleType = sys.modules[action_loader.get(name, class_only=True).__module__]
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answer: dict[str, Any] = {"changed": False}
        self.variables = {"ansible_facts": facts, "inventory_hostname": "h1"}
        self.action: Any = self.module.ActionModule.__new__(self.module.ActionModule)
        self.action._task = SimpleNamespace(args=given, action=name, check_mode=False, diff=False)
        self.action.call = self.call

    def call(self, module: str, arguments: dict[str, Any], _variables: object) -> dict[str, Any]:
        self.asked.append((module, arguments))
        return self.answer

    def act(self) -> dict[str, Any]:
        result: dict[str, Any] = self.action.act(self.action.arguments(), self.variables)
        return result


DATABASE = {"name": "shop", "owner": "shop"}
ROLE = {"name": "shop"}
# By action: what has to be given, and what the host is sent of it
LEAST: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "package_set": (
        {},
        {
            "packages": [], "absent": [], "seed_files": [], "cache_minutes": 720, "lock_seconds": 300, "hold": True,
            "release": False,
        },
    ),
    "tcp_probe": (
        {"targets": [{"address": "10.0.0.1", "port": "5432", "name": "not sent"}]},
        {"targets": [{"address": "10.0.0.1", "port": 5432}], "seconds": 4},
    ),
    "postgresql_standby": (
        {"action": "look", "version": 17, "name": "Data-1.x"},
        {
            "action": "look", "version": 17, "port": 5432, "data": "", "name": "Data-1.x", "primary": "",
            "how": "stream", "standbys": [], "synchronous": 0, "rewind": False, "forced": False, "to": "",
            "beyond": "", "settings": {}, "seconds": 60, "application": "Data-1.x", "slot": "holdfast_data_1_x",
            "applications": [], "slots": [],
        },
    ),
    "postgresql_state": (
        {"version": 17, "roles": [ROLE], "databases": [DATABASE]},
        {
            "version": 17, "port": 5432,
            "roles": [
                {
                    "name": "shop", "login": True, "password": None, "connection_limit": -1, "member_of": [],
                    "replication": False, "settings": {}, "database_settings": {}, "state": "present",
                }
            ],
            "databases": [
                {
                    "name": "shop", "owner": "shop", "settings": {}, "state": "present", "drop_data": False,
                    "extensions": [], "schemas": [], "grants": [],
                }
            ],
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LEAST)
def test_what_is_sent_of_the_least_that_has_to_be_given(name: str) -> None:
    given, sent = LEAST[name]
    action = Action(name, given)
    action.answer = {"changed": True, "answer": "of the host"}
    assert action.act() == action.answer
    assert action.asked == [(name, sent)]


@pytest.mark.parametrize(
    ("name", "given", "lacking"),
    [
        ("tcp_probe", {}, "targets"),
        ("package_set", {"seed_files": [{"content": ""}]}, "dest"),
        ("package_set", {"seed_files": [{"dest": "/etc/x"}]}, "content"),
        ("postgresql_standby", {"version": 17, "name": "a"}, "action"),
        ("postgresql_standby", {"action": "look", "name": "a"}, "version"),
        ("postgresql_standby", {"action": "look", "version": 17}, "name"),
        ("postgresql_state", {}, "version"),
        ("postgresql_state", {"version": 17, "roles": [{}]}, "name"),
        ("postgresql_state", {"version": 17, "databases": [{"name": "a"}]}, "owner"),
        ("postgresql_state", {"version": 17, "databases": [{"owner": "a"}]}, "name"),
        ("postgresql_state", {"version": 17, "databases": [{**DATABASE, "extensions": [{}]}]}, "name"),
        ("postgresql_state", {"version": 17, "databases": [{**DATABASE, "schemas": [{}]}]}, "name"),
        ("postgresql_state", {"version": 17, "databases": [{**DATABASE, "grants": [{}]}]}, "role"),
        ("config_transaction", {}, "name"),
        ("config_transaction", {"name": "a", "files": [{}]}, "dest"),
    ],
)
def test_what_has_to_be_given(name: str, given: dict[str, Any], lacking: str) -> None:
    with pytest.raises(AnsibleActionFail, match=rf"{name}: .*missing.*{lacking}"):
        Action(name, given).act()


INSTALLED = {"installed_packages": ["nginx", "redis"], "held_units": []}


@pytest.mark.parametrize(
    ("given", "facts", "asks"),
    [
        ({"packages": ["nginx"]}, INSTALLED, False),
        ({"packages": ["nginx", "curl"]}, INSTALLED, True),
        ({"packages": ["nginx"], "absent": ["redis"]}, INSTALLED, True),
        ({"packages": ["nginx"], "absent": ["ufw"]}, INSTALLED, False),
        ({"packages": ["nginx"]}, {}, True),  # nobody has looked
        ({}, {"installed_packages": []}, True),
        ({"release": True}, INSTALLED, False),
        ({"release": True}, {**INSTALLED, "held_units": ["nginx.service"]}, True),
        ({"release": True}, {"installed_packages": ["nginx"]}, True),  # unknown what is held back
        ({"packages": ["nginx"]}, {**INSTALLED, "held_units": ["nginx.service"]}, False),
    ],
)
def test_packages_are_asked_for_when_the_facts_do_not_tell(
    given: dict[str, Any], facts: dict[str, Any], asks: bool
) -> None:
    action = Action("package_set", given, **facts)
    action.answer = {"changed": True}
    known = {"changed": False, "installed": [], "removed": [], "started": []}
    assert action.act() == ({"changed": True} if asks else known)
    assert bool(action.asked) is asks


STANDBY = {"action": "follow", "version": 17, "name": "b", "primary": "10.0.0.1", "standbys": ["b", "c-2"]}


def test_a_standby_is_told_the_names_under_which_it_streams() -> None:
    action = Action("postgresql_standby", {**STANDBY, "beyond": "0/3000028"})
    action.act()
    ((_module, sent),) = action.asked
    assert (sent["applications"], sent["slots"]) == (["b", "c-2"], ["holdfast_b", "holdfast_c_2"])
    assert (sent["primary"], sent["beyond"]) == ("10.0.0.1", "0/3000028")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "a b"}, "host 'a b' cannot replicate; use letters, digits, dots and dashes"),
        ({"standbys": ["b", "c'"]}, 'host "c\'" cannot replicate'),
        ({"primary": ""}, "primary is ''; follow needs an address, the others none"),
        ({"primary": "10.0.0.1 user=x"}, "primary is '10.0.0.1 user=x'; follow needs an address"),
        ({"action": "look"}, "primary is '10.0.0.1'; follow needs an address, the others none"),
        ({"beyond": "latest"}, "beyond is 'latest', not a position such as 0/3000028"),
        ({"beyond": "0/3000028 "}, "beyond is '0/3000028 '"),
    ],
)
def test_what_could_not_be_written_safely_is_refused(change: dict[str, Any], said: str) -> None:
    action = Action("postgresql_standby", STANDBY | change)
    with pytest.raises(AnsibleActionFail) as caught:
        action.act()
    assert said in str(caught.value)
    assert action.asked == []


def test_settings_of_postgresql_are_texts() -> None:
    role = {"name": "a", "settings": {"work_mem": 64, "jit": False}, "database_settings": {"shop": {"jit": True}}}
    action = Action("postgresql_state", {"version": 17, "roles": [role]})
    action.act()
    ((_module, sent),) = action.asked
    assert sent["roles"][0]["settings"] == {"work_mem": "64", "jit": "off"}
    assert sent["roles"][0]["database_settings"] == {"shop": {"jit": "on"}}


def test_findings_of_postgresql_are_told_together() -> None:
    action = Action(
        "postgresql_state", {"version": 17, "databases": [{**DATABASE, "name": "a b\0"}, DATABASE, DATABASE]}
    )
    with pytest.raises(AnsibleActionFail) as caught:
        action.act()
    assert len(str(caught.value).splitlines()) > 1
    assert action.asked == []


# ---------------------------------------------------------------- what all of them share


def base(monkeypatch: pytest.MonkeyPatch, result: dict[str, Any], **options: Any) -> Any:
    """Return an action whose work is to return a result, in a run with these options of ansible-playbook."""
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {"invocation": {"password": "p"}, "core": True})
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(options))
    action = Action("package_set", {}).action
    action.act = lambda *_arguments: result
    return action


@pytest.mark.parametrize(
    ("result", "settled"),
    [
        ({"changed": False}, None),
        ({"changed": True}, {}),
        ({"changed": True, "ansible_facts": {"a": 1, "settled": {"run": "x"}}}, {}),
        ({"changed": False, "ansible_facts": {"settled": {"run": "x"}}}, {"run": "x"}),
    ],
)
def test_a_change_takes_back_what_was_found_in_force(
    monkeypatch: pytest.MonkeyPatch, result: dict[str, Any], settled: dict[str, Any] | None
) -> None:
    found = base(monkeypatch, result).run(None, {})
    assert (found["core"], found["changed"], "invocation" in found) == (True, result["changed"], False)
    assert found.get("ansible_facts", {}).get("settled") == settled


@pytest.mark.parametrize(("option", "shown"), [("start_at_task", "--start-at-task"), ("step", "--step")])
def test_a_run_of_some_tasks_is_refused(monkeypatch: pytest.MonkeyPatch, option: str, shown: str) -> None:
    with pytest.raises(AnsibleActionFail, match=f"{shown} leaves out what the tasks after it rely on"):
        base(monkeypatch, {}, **{option: True}).run(None, {})
    assert base(monkeypatch, {}, **{option: False}).run(None, {}) == {"core": True}


def test_the_base_itself_does_nothing() -> None:
    action = Action("remote_call", {})
    with pytest.raises(AnsibleActionFail, match="remote_call is the base of other actions"):
        action.act()
    assert action.action._supports_check_mode is True


def test_what_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Action("package_set", {}).action
    monkeypatch.setattr(module_loader, "find_plugin", lambda *_arguments: None)
    monkeypatch.setattr(filter_loader, "get", lambda *_arguments: None)
    with pytest.raises(AnsibleActionFail, match=r"there is no module nothing_set; use the ansible\.cfg of the project"):
        action.code("nothing_set")
    with pytest.raises(AnsibleActionFail, match=r"there is no filter nothing; use the ansible\.cfg of the project"):
        action.filter_named("nothing")


def test_the_answer_of_a_host_has_no_echo() -> None:
    action = Action("package_set", {}).action
    del action.call
    asked: list[Any] = []

    def execute(name: str, **given: Any) -> dict[str, Any]:
        asked.append((name, set(given["module_args"]), given["task_vars"]))
        return {"changed": True, "invocation": {"module_args": "all of it"}}

    action._execute_module = execute
    assert action.call("package_set", {"packages": ["a"]}, {"x": 1}) == {"changed": True}
    assert asked == [("remote_call", {"code", "payload"}, {"x": 1})]


def test_without_the_folder_of_the_project_it_says_which_setting_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ansible_collections.holdfast.platform.plugins.plugin_utils.pack", None)
    text = (ROOT / "action_plugins/remote_call.py").read_text()
    with pytest.raises(AnsibleError, match=r"collections_path lacks the folder of the project; use its ansible\.cfg"):
        exec(compile(text, "remote_call.py", "exec"), {"__name__": "remote_call"})  # noqa: S102 - our own file
