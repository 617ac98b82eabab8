"""What earlier transactions have left in force, and that everything which is not so any more is noticed."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.loader import action_loader

from ansible_collections.holdfast.platform.plugins.plugin_utils import pack

ROOT = Path(__file__).parents[3]
UNIT, SECRET = "sample.service", "correct horse battery staple"
IN_FORCE = "test -e $HOST/etc/rules"


@pytest.fixture
def settled(host: Any, load_program: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A host on which a transaction of every kind of entry has run, by the half that also looks at it later."""
    host.module = load_program(pack.ROOMS / "settled.py")
    host.move(host.module, monkeypatch)
    host.runs(UNIT)
    host.path("rules").write_text("in force")
    apply(host)
    assert host.module.settled() == {"test": "d1"}
    return host


def apply(host: Any, digest: str = "d1", **more: Any) -> dict[str, Any]:
    unit = {"name": UNIT, "enabled": True, "state": "started", "in_force": ["sh", "-c", IN_FORCE]}
    files = [
        host.file("conf.d", state="directory"),
        host.file("conf.d/a.conf", content="a\n", mode="0640"),
        host.file("password", content=SECRET, mode="0600", secret=True),
        host.file("link", state="link", target="/usr/bin/true"),
        host.file("old.conf", state="absent"),
        host.file("seed", content="first", create_only=True),
    ]
    exclusive = [{"path": str(host.path("conf.d")), "pattern": "*.conf", "keep": ["kept.conf"]}]
    given = {"digest": digest, "exclusive": exclusive, "units": [unit], "on_change": [f"reload {UNIT}"], **more}
    result: dict[str, Any] = host.transaction(*files, **given)
    return result


LOST: dict[str, Callable[[Any], object]] = {
    "contents": lambda host: host.path("conf.d/a.conf").write_text("b\n"),
    "contents of a secret": lambda host: host.path("password").write_text("guessed"),
    "a mode": lambda host: host.path("conf.d/a.conf").chmod(0o644),
    "a file": lambda host: host.path("conf.d/a.conf").unlink(),
    "a folder's mode": lambda host: host.path("conf.d").chmod(0o700),
    "a link's target": lambda host: (host.path("link").unlink(), host.path("link").symlink_to("/usr/bin/false")),
    "a file that had gone": lambda host: host.path("old.conf").write_text("back"),
    "a file that was there from the first": lambda host: host.path("seed").unlink(),
    "a file beside ours": lambda host: host.path("conf.d/z.conf").write_text("stranger"),
    "a unit that runs": lambda host: host.unit(UNIT, ActiveState="inactive"),
    "a unit that starts at boot": lambda host: host.unit(UNIT, UnitFileState="disabled"),
    "a unit that can start": lambda host: host.unit(UNIT, UnitFileState="masked"),
    "what a unit put in force": lambda host: host.path("rules").unlink(),
    "the claim itself": lambda host: (host.module.claims() / "test.json").write_text('{"name": "te'),
    "the claim's parts": lambda host: (host.module.claims() / "test.json").write_text('{"name": "test", "units": []}'),
}


@pytest.mark.parametrize("what", LOST)
def test_whatever_is_lost_is_noticed_and_nothing_is_touched(settled: Any, what: str) -> None:
    LOST[what](settled)
    settled.said()
    before = settled.tree()
    assert settled.module.settled() == {}
    assert (settled.tree(), settled.said()) == (before, [])


def test_a_run_would_refuse_a_masked_unit_that_still_runs(settled: Any) -> None:
    units = [{"name": UNIT, "state": "started"}]
    apply(settled, units=units)
    settled.unit(UNIT, UnitFileState="masked")
    assert settled.module.settled() == {}
    with pytest.raises(settled.module.Refused):
        apply(settled, units=units)


def test_a_run_that_mends_it_settles_it_again(settled: Any) -> None:
    settled.path("conf.d/a.conf").write_text("b\n")
    assert apply(settled)["changed"]
    assert settled.module.settled() == {"test": "d1"}


def test_what_may_differ_does_not_count(settled: Any) -> None:
    settled.path("seed").write_text("grown")
    settled.path("conf.d/kept.conf").write_text("allowed")
    settled.path("conf.d/notes.txt").write_text("no configuration")
    assert settled.module.settled() == {"test": "d1"}


def test_a_killed_run_leaves_nothing_settled(settled: Any) -> None:
    journal = settled.module.STATE / "test" / "journal.json"
    settled.module.Journal(journal.parent, "activating", owed=[f"restart {UNIT}"]).save()
    assert settled.module.settled() == {}


def test_the_last_one_who_asked_is_known(settled: Any) -> None:
    assert not apply(settled, digest="d2")["changed"]
    assert settled.module.settled() == {"test": "d2"}


def test_no_contents_are_kept_and_only_root_reads_what_is(settled: Any) -> None:
    claim = settled.module.claims() / "test.json"
    assert SECRET not in claim.read_text()
    assert stat.S_IMODE(claim.stat().st_mode) == 0o600
    written = claim.stat().st_mtime_ns
    apply(settled)
    assert claim.stat().st_mtime_ns == written  # a run that finds nothing to do writes nothing


def test_what_is_kept_of_a_file(settled: Any) -> None:
    """How it is checked and what a change of it would reload is no state of the host."""
    kept = json.loads((settled.module.claims() / "test.json").read_text())
    assert sorted(kept) == ["digest", "exclusive", "files", "name", "units"]
    entry = next(file for file in kept["files"] if file["dest"].endswith("/a.conf"))
    assert entry["sha256"] == "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"  # sha256 of "a\n"
    assert not {"content", "check", "on_change"} & set(entry)


def test_neither_a_check_run_nor_one_that_is_refused_claims_anything(host: Any) -> None:
    apply(host, check=True)
    with pytest.raises(host.module.Refused):
        apply(host, test=[["false"]])
    assert not host.module.claims().exists()


def test_where_systemd_does_not_answer_nothing_is_settled(settled: Any) -> None:
    """It is no reason to refuse a run: the transactions say it themselves."""
    settled.tool("systemctl", "#!/bin/sh\nexit 1\n")
    assert settled.module.settled() == {}


def test_all_units_are_asked_for_at_once(settled: Any) -> None:
    apply(settled, name="second", units=[{"name": "other.service"}])
    asked = settled.folder / "said"
    asked.unlink(missing_ok=True)
    assert sorted(settled.module.settled()) == ["second", "test"]
    assert len([line for line in asked.read_text().splitlines() if line.startswith("show ")]) == 1


# ---------------------------------------------------------------- the controller

FILES = [{"dest": "/etc/a", "content": "x"}]


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The action, with what it hands to the host in `sent`."""
    action_loader.add_directory(str(ROOT / "action_plugins"))
    made = sys.modules[action_loader.get("config_transaction", class_only=True).__module__]
    action = made.ActionModule.__new__(made.ActionModule)
    action._task = SimpleNamespace(check_mode=False, args={}, action="config_transaction", delegate_to=None)
    action._connection = SimpleNamespace(transport="ssh")
    action.sent = []

    def call(_module: str, arguments: dict[str, Any], _variables: dict[str, Any]) -> dict[str, Any]:
        action.sent.append(arguments)
        return {"changed": False, "asked": True}

    monkeypatch.setattr(action, "call", call, raising=False)
    return action


def ask(plugin: Any, found: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    plugin._task.args = {"name": "sample", "files": FILES, **arguments}
    result: dict[str, Any] = plugin.act(plugin.arguments(), {"ansible_facts": found})
    return result


def facts(plugin: Any, **more: Any) -> dict[str, Any]:
    """Return facts that say the same request is in force."""
    ask(plugin, {})
    return {"settled": {"run": plugin.RUN, "digests": {"sample": plugin.sent.pop()["digest"]}, **more}}


def test_what_is_settled_costs_no_call(plugin: Any, host: Any) -> None:
    quiet = ask(plugin, facts(plugin), confirm_seconds=30)
    assert plugin.sent == []
    asked = host.transaction()  # a run that finds nothing to do says the same
    assert quiet == {name: value for name, value in asked.items() if name != "diff"}


@pytest.mark.parametrize(
    "differs",
    [
        {"files": [{"dest": "/etc/a", "content": "y"}]},
        {"files": [{"dest": "/etc/a", "content": "x", "mode": "0600"}]},
        {"on_change": ["restart a.service"]},
        {"units": [{"name": "a.service", "state": "started"}]},
        {"test": [["true"]]},
        {"name": "other"},
    ],
)
def test_another_request_is_asked_for(plugin: Any, differs: dict[str, Any]) -> None:
    assert ask(plugin, facts(plugin), **differs)["asked"]


def test_facts_of_another_run_or_another_host_are_not_believed(plugin: Any) -> None:
    assert ask(plugin, facts(plugin, run="of a cache"))["asked"]
    assert ask(plugin, {"settled": {}})["asked"]
    found = facts(plugin)
    plugin._task.delegate_to = "another"
    assert ask(plugin, found)["asked"]


def test_other_code_is_asked(plugin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = facts(plugin)
    monkeypatch.setattr(plugin, "code", lambda _module: "a later version", raising=False)
    assert ask(plugin, found)["asked"]


def test_after_a_failure_that_was_rescued_nothing_is_believed(plugin: Any) -> None:
    """It may have changed something first, and core drops the facts of a failed result."""
    found = facts(plugin)
    plugin._task.args = {"name": "sample", "files": FILES}
    assert plugin.act(plugin.arguments(), {"ansible_facts": found, "ansible_failed_result": {"msg": "x"}})["asked"]


@pytest.mark.parametrize(
    ("said", "taken_back"),
    [
        ({"changed": True}, True),
        ({"changed": False}, False),
        ({}, False),
        ({"failed": True, "changed": False}, True),  # as failed_when may say that it is none
        ({"failed": False, "changed": False}, False),
    ],
)
def test_a_change_takes_back_what_was_found(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, bool], taken_back: bool
) -> None:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    base = action_loader.get("remote_call", class_only=True)
    action = base.__new__(base)
    monkeypatch.setattr(base, "arguments", lambda _self: {})
    monkeypatch.setattr(base, "act", lambda _self, _given, _variables: dict(said))
    monkeypatch.setattr(base.__mro__[1], "run", lambda _self, _tmp, _variables: {})
    result = action.run(None, {})
    assert json.loads(json.dumps(result)).get("ansible_facts") == ({"settled": {}} if taken_back else None)
