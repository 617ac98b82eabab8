"""What the controller's half of config_transaction accepts, refuses, completes and hands on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.loader import action_loader

from ansible_collections.holdfast.platform.plugins.plugin_utils import pack

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def action() -> ModuleType:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    return sys.modules[action_loader.get("config_transaction", class_only=True).__module__]


@pytest.fixture
def plugin(action: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The action, with what it hands to the host in `sent`."""
    made = action.ActionModule.__new__(action.ActionModule)
    made._task = SimpleNamespace(check_mode=False, args={}, action="config_transaction", delegate_to=None)
    made._connection = SimpleNamespace(transport="ssh")
    made.sent = []

    def call(module: str, arguments: dict[str, Any], _variables: dict[str, Any]) -> dict[str, Any]:
        made.sent.append((module, arguments))
        return {"changed": False}

    monkeypatch.setattr(made, "call", call, raising=False)
    return made


def sent(plugin: Any, **arguments: Any) -> dict[str, Any]:
    plugin._task.args = {"name": "sample", **arguments}
    plugin.act(plugin.arguments(), {})
    module, given = plugin.sent[-1]
    assert module == "config_transaction"
    return dict(given)


def refusal(action: ModuleType, plugin: Any, **arguments: Any) -> str:
    with pytest.raises(action.AnsibleActionFail) as caught:
        sent(plugin, **arguments)
    assert plugin.sent == []
    return str(caught.value)


@pytest.mark.parametrize("name", ["a", "nginx", "data-1", "9to5"])
def test_names_that_can_be_a_folder(plugin: Any, name: str) -> None:
    assert sent(plugin, name=name)["name"] == name


@pytest.mark.parametrize("name", ["", "-a", "Nginx", "a_b", "a/b", "../a", "a\n"])
def test_names_that_cannot(action: ModuleType, plugin: Any, name: str) -> None:
    said = refusal(action, plugin, name=name)
    assert said == f"name is {name!r}; use lower-case letters, digits and dashes"


GOOD = ["restart a.service", "reload a@b-1.socket", "run /bin/true", "run sh -c 'a b'"]


@pytest.mark.parametrize("entry", GOOD)
def test_what_may_follow_a_change(plugin: Any, entry: str) -> None:
    file = {"dest": "/etc/a", "content": "x", "on_change": [entry]}
    given = sent(plugin, on_change=[entry], files=[file])
    assert (given["on_change"], given["files"][0]["on_change"]) == ([entry], [entry])


@pytest.mark.parametrize("entry", ["restart a", "start a.service", "run ", "restart a.service b.service", "reload"])
@pytest.mark.parametrize("place", ["transaction", "file"])
def test_what_may_not(action: ModuleType, plugin: Any, entry: str, place: str) -> None:
    file = {"dest": "/etc/a", "content": "x", "on_change": [entry] if place == "file" else []}
    said = refusal(action, plugin, on_change=GOOD[:1] if place == "file" else [entry], files=[file])
    assert said == f"on_change says {entry!r}; use `restart UNIT`, `reload UNIT` or `run COMMAND`"


@pytest.mark.parametrize("paths", [["etc/a"], ["/etc/a", "/etc/b", "/etc/a"]])
def test_paths_are_absolute_and_listed_once(action: ModuleType, plugin: Any, paths: list[str]) -> None:
    said = refusal(action, plugin, files=[{"dest": path, "content": "x"} for path in paths])
    assert said == f"dest {paths[0]} must be absolute and listed once"


@pytest.mark.parametrize(
    ("entry", "mode"),
    [
        ({"content": "x"}, "0644"),
        ({"content": ""}, "0644"),
        ({"content": "x", "mode": "0600"}, "0600"),
        ({"content": "x", "mode": "04750"}, "04750"),
        ({"state": "directory"}, "0755"),
        ({"state": "directory", "mode": "0700"}, "0700"),
        ({"state": "link", "target": "/b"}, "0644"),
        ({"state": "absent"}, "0644"),
    ],
)
def test_a_whole_entry_is_completed(plugin: Any, entry: dict[str, str], mode: str) -> None:
    (given,) = sent(plugin, files=[{"dest": "/etc/a", **entry}])["files"]
    assert given == {
        "dest": "/etc/a",
        "state": entry.get("state", "file"),
        "content": entry.get("content"),
        "target": entry.get("target"),
        "mode": mode,
        "owner": "root",
        "group": "root",
        "secret": False,
        "create_only": False,
        "check": None,
        "on_change": None,
    }


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"target": "/b"},
        {"content": "x", "target": "/b"},
        {"state": "link"},
        {"state": "link", "content": "x"},
        {"state": "link", "content": "x", "target": "/b"},
        {"state": "directory", "content": "x"},
        {"state": "directory", "target": "/b"},
        {"state": "absent", "content": ""},
    ],
)
def test_an_entry_that_is_too_little_or_too_much(action: ModuleType, plugin: Any, entry: dict[str, str]) -> None:
    said = refusal(action, plugin, files=[{"dest": "/etc/a", **entry}])
    assert said == "/etc/a: a file has a template, content or program, a link a target, others none of them"


def test_a_program_is_one_that_roles_share_or_one_of_the_role(
    action: ModuleType, plugin: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A name without a folder is that of shared code, unless there is none; a role keeps its own in folders."""
    asked = []

    def find(folder: str, name: str) -> str:
        asked.append((folder, name))
        if name == "none":
            raise action.AnsibleError("no")
        path = tmp_path / name.replace("/", "-")
        path.write_text(f'"""Mine."""\nNAME = "{name}"\n')
        return str(path)

    monkeypatch.setattr(plugin, "_find_needle", find, raising=False)
    (given,) = sent(plugin, files=[{"dest": "/usr/local/lib/holdfast/run-job", "program": "run_job"}])["files"]
    assert given["content"].startswith(
        "#!/usr/bin/python3\n# Managed by Holdfast; changes made here are overwritten.\n"
    )
    assert (given["mode"], asked) == ("0755", [])
    for name in ("usr/run_job", "own"):
        (given,) = sent(plugin, files=[{"dest": "/usr/a", "program": name}])["files"]
        assert given["content"].endswith(f'NAME = "{name}"\n')
    assert asked == [("files", "usr/run_job"), ("files", "own")]
    plugin.sent.clear()
    said = refusal(action, plugin, files=[{"dest": "/usr/a", "program": "none"}])
    assert said.startswith("program none was not found")


def test_what_job_files_returns_is_accepted_as_it_is(plugin: Any) -> None:
    job = {"name": "clean", "schedule": "0 3 * * *", "argv": ["true"], "timeout_seconds": 60}
    given = sent(plugin, **plugin.filter_named("job_files")([job], "app", "web1"))
    assert [file["dest"] for file in given["files"] if file["state"] == "file"] == [
        "/usr/local/lib/holdfast/run-job",
        "/etc/holdfast/jobs/app-clean.json",
        "/etc/cron.d/holdfast-jobs-app",
        "/etc/logrotate.d/holdfast-jobs-app",
    ]
    assert [folder["path"] for folder in given["exclusive"]] == ["/etc/holdfast/jobs", "/var/lib/holdfast/jobs"]
    given = sent(plugin, **plugin.filter_named("job_files")([], "app", "web1"))
    assert [file["state"] for file in given["files"]] == ["absent", "absent"]


@pytest.mark.parametrize("mode", ["640", "0888", "00", "rw-r--r--", "0644 ", "007777"])
def test_a_mode_that_is_none(action: ModuleType, plugin: Any, mode: str) -> None:
    said = refusal(action, plugin, files=[{"dest": "/etc/a", "content": "x", "mode": mode}])
    assert said == f"/etc/a: mode is {mode!r}; quote it as octal, like '0640'"


@pytest.mark.parametrize("seconds", [0, 15, 300])
def test_times_to_confirm_at_their_bounds(plugin: Any, seconds: int) -> None:
    given = sent(plugin, confirm_seconds=seconds)
    assert (given["confirm_seconds"], "revert" in given, "token" in given) == (seconds, seconds > 0, seconds > 0)


def test_commands_are_text_and_what_is_not_said_has_its_default(plugin: Any) -> None:
    given = sent(plugin, test=[["sshd", "-p", 22]], exclusive=[{"path": "/etc/a.d"}], units=[{"name": "a.service"}])
    assert given["test"] == [["sshd", "-p", "22"]]
    assert (given["exclusive"][0]["path"], given["exclusive"][0]["pattern"]) == ("/etc/a.d", "*")
    assert given["units"] == [{"name": "a.service", "enabled": None, "state": None, "in_force": None, "redo": "reload"}]


def test_arguments_that_are_wrong_are_named_without_their_values(action: ModuleType, plugin: Any) -> None:
    file = {"dest": "/etc/a", "content": "hidden-value", "sekret": True}
    said = refusal(action, plugin, files=[file])
    assert "sekret" in said
    assert "hidden-value" not in said


def test_the_program_that_takes_back_knows_its_transaction_by_its_folder(
    load_program: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The names of the program's files are the same for all transactions."""
    revert = load_program(pack.ROOMS / "revert.py")
    given: list[Any] = []

    def transaction(arguments: dict[str, Any], check: bool, diff: bool) -> Any:
        given.append((arguments, check, diff))
        return SimpleNamespace(run=lambda: {"changed": True})

    monkeypatch.setattr(revert, "Transaction", transaction)
    monkeypatch.setattr("sys.argv", ["/var/lib/holdfast/transactions/sample/revert"])
    assert revert.main() == 0
    assert given == [({"name": "sample", "action": "revert"}, False, False)]
    assert json.loads(capsys.readouterr().out) == {"changed": True}
