"""Changes that have to be confirmed over a new connection: what the host does alone, and what the controller says."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.loader import action_loader

ROOT = Path(__file__).parents[3]
UNIT = "sample.service"
STARTED = [{"name": UNIT, "enabled": True, "state": "started"}]
KILL = "kill -9 $PPID; sleep 5"
SYSTEMD_RUN = """#!/bin/sh
echo "$@" >> "$HOST/timers"
for argument; do
    case $argument in --unit=*)
        mkdir -p "$HOST/units/${argument#*=}.timer"; echo active > "$HOST/units/${argument#*=}.timer/ActiveState";;
    esac
done
"""


@pytest.fixture
def guarded(host: Any) -> Any:
    """A host with a running service, its old file and timers."""
    host.tool("systemd-run", SYSTEMD_RUN)
    host.runs(UNIT)
    host.path("a").write_text("old")
    return host


def change(host: Any, content: str = "new", **more: Any) -> dict[str, Any]:
    given = {"on_change": ["reload " + UNIT], "confirm_seconds": 30, "revert": "a program", "token": "mine", **more}
    result: dict[str, Any] = host.transaction(host.file("a", content=content), **given)
    return result


def ask(host: Any, action: str, by: str = "mine") -> Any:
    """Call the remote half with one of the actions that change nothing new."""
    return host.module.Transaction({"name": "test", "action": action, "token": by}, False, False).run()


def reverted(host: Any) -> Any:
    return ask(host, "revert")


def killed(call: Callable[[], Any]) -> None:
    process = multiprocessing.get_context("fork").Process(target=call)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def stage(host: Any) -> str:
    path = host.module.STATE / "test" / "journal.json"
    return str(json.loads(path.read_text())["stage"]) if path.exists() else ""


def armed(host: Any) -> list[bool]:
    """Say for unit, link and mark whether they are there; they come and go together."""
    name = "holdfast-revert-test"
    unit = host.module.UNITS / f"{name}-boot.service"
    link = host.module.UNITS / "sysinit.target.wants" / unit.name
    return [unit.exists(), link.is_symlink(), (host.module.RUN / name).exists()]


def timers(host: Any) -> list[str]:
    log = host.folder / "timers"
    return log.read_text().splitlines() if log.exists() else []


def running(host: Any) -> list[str]:
    """Return the timers that have not been stopped."""
    folders = sorted((host.folder / "units").glob("holdfast-revert-test_*.timer"))
    return [folder.name for folder in folders if host.property(folder.name, "ActiveState") == "active"]


# ---------------------------------------------------------------- the host


def test_a_change_stays_open_until_it_is_confirmed(guarded: Any) -> None:
    result = change(guarded)
    assert (result["unconfirmed"], result["changed"], result["activated"]) == (True, True, ["reload " + UNIT])
    assert (stage(guarded), armed(guarded)) == ("unconfirmed", [True, True, True])
    for timer in timers(guarded):
        assert {"--on-active=30", "--timer-property=AccuracySec=100ms"} <= set(timer.split())
    (timer,) = running(guarded)
    assert "reload-or-restart " + UNIT in guarded.said()
    assert ask(guarded, "confirm") == {"changed": False, "stage": "confirmed"}
    assert guarded.said() == [f"stop {timer}"]
    assert running(guarded) == []
    assert (stage(guarded), armed(guarded)) == ("", [False, False, False])
    assert not (guarded.module.STATE / "test").exists()
    assert guarded.path("a").read_text() == "new"


def test_an_unchanged_run_arms_nothing(guarded: Any) -> None:
    change(guarded)
    ask(guarded, "confirm")
    guarded.said()
    before = timers(guarded)
    result = change(guarded)
    assert (result["changed"], "unconfirmed" in result) == (False, False)
    assert (guarded.said(), timers(guarded), armed(guarded)) == ([], before, [False, False, False])


def test_a_file_that_activates_nothing_is_in_force_and_has_to_be_confirmed(guarded: Any) -> None:
    """As sudoers and authorized keys are: sudo and sshd read them at each login."""
    guarded.path("removed").write_text("key")
    result = change(guarded, on_change=[], exclusive=[{"path": str(guarded.path("")), "pattern": "*"}])
    assert (result["unconfirmed"], result["activated"], stage(guarded)) == (True, [], "unconfirmed")
    assert armed(guarded) == [True, True, True]
    assert len(running(guarded)) == 1
    assert reverted(guarded) == {"changed": True}
    assert (guarded.path("a").read_text(), guarded.path("removed").read_text()) == ("old", "key")
    assert guarded.said()[-1].startswith("stop holdfast-revert-test_")


def test_the_timer_runs_before_the_first_file_is_new(guarded: Any) -> None:
    guarded.tool("systemd-run", SYSTEMD_RUN + f"cat {guarded.path('a')} >> $HOST/seen\n")
    change(guarded)
    assert (guarded.folder / "seen").read_text() == "oldnew"


def test_killed_between_the_files_the_timer_goes_back(guarded: Any) -> None:
    killed(lambda: change(guarded, on_change=[], test=[["sh", "-c", KILL]]))
    assert (stage(guarded), len(running(guarded)), guarded.path("a").read_text()) == ("swapping", 1, "new")
    reverted(guarded)
    assert (guarded.path("a").read_text(), stage(guarded)) == ("old", "reverted")


def test_the_time_to_confirm_begins_after_an_activation_however_long(guarded: Any) -> None:
    """The timer of before may have gone off meanwhile; what it started waits for the lock and is stopped."""
    goes_off = (
        "for folder in $HOST/units/holdfast-revert-test_*.timer; do echo inactive > $folder/ActiveState; "
        "name=${folder%.timer}.service; mkdir -p $name; echo active > $name/ActiveState; done"
    )
    change(guarded, on_change=[f"run sh -c '{goes_off}'"])
    services = sorted((guarded.folder / "units").glob("holdfast-revert-test_*.service"))
    assert [guarded.property(unit.name, "ActiveState") for unit in services] == ["inactive"]
    assert len(running(guarded)) == 1
    assert stage(guarded) == "unconfirmed"


def test_killed_while_it_is_activated_a_change_cannot_be_confirmed(guarded: Any) -> None:
    """What is owed would be forgotten."""
    killed(lambda: change(guarded, on_change=["reload " + UNIT, f"run sh -c '{KILL}'"]))
    assert ask(guarded, "confirm")["stage"] == "activating"
    assert (stage(guarded), armed(guarded)) == ("activating", [True, True, True])


def test_the_timers_of_a_transaction_are_not_those_of_one_with_a_longer_name(guarded: Any) -> None:
    change(guarded, name="test-2")
    change(guarded, content="newer")
    ask(guarded, "confirm")
    others = [unit.name for unit in (guarded.folder / "units").glob("holdfast-revert-test-2*.timer")]
    assert [guarded.property(name, "ActiveState") for name in others].count("active") == 1


def test_a_second_timer_does_not_outlive_the_program_that_it_starts(guarded: Any) -> None:
    change(guarded)
    guarded.unit("holdfast-revert-test_2.timer", ActiveState="active")  # left by a killed run
    reverted(guarded)
    change(guarded, content="old")
    assert running(guarded) == []


def test_check_mode_foretells_the_same_and_touches_nothing(guarded: Any) -> None:
    foretold = change(guarded, check=True)
    assert not guarded.module.STATE.exists()
    assert armed(guarded) == [False, False, False]
    done = change(guarded)
    assert done.pop("unconfirmed")
    assert foretold == done


def test_without_a_confirmation_files_and_service_go_back(guarded: Any) -> None:
    change(guarded)
    guarded.said()
    assert reverted(guarded) == {"changed": True}
    assert guarded.path("a").read_text() == "old"
    assert guarded.said() == ["reload-or-restart " + UNIT]
    assert (stage(guarded), armed(guarded)) == ("reverted", [False, False, False])
    assert ask(guarded, "confirm") == {"changed": False, "stage": "reverted"}
    assert not (guarded.module.STATE / "test").exists()


def test_after_a_revert_that_nobody_asked_about_the_next_run_starts_afresh(guarded: Any) -> None:
    change(guarded)
    reverted(guarded)
    assert change(guarded, content="old", check=True)["changed"] is False
    result = change(guarded, content="better")
    assert (result["pending_before"], result["diff"][0]["before"]) == (False, "old")


def test_the_first_apply_is_taken_back_whole(host: Any) -> None:
    host.tool("systemd-run", SYSTEMD_RUN)
    host.path("systemd").mkdir()
    unit = host.file("systemd/sample.service", content="[Service]\n")
    given: dict[str, Any] = {"on_change": ["reload " + UNIT], "units": STARTED, "confirm_seconds": 30, "revert": "x"}
    result = host.transaction(unit, **given)
    assert result["units_changed"] == ["enable " + UNIT, "start " + UNIT]
    boot_unit = (host.module.UNITS / "holdfast-revert-test-boot.service").read_text()
    assert f"Before=sysinit.target network-pre.target {UNIT}\n" in boot_unit
    host.said()
    reverted(host)
    assert [line.partition("/")[0] for line in host.said()] == ["stop " + UNIT, "disable " + UNIT, "daemon-reload "]
    assert not host.path("systemd/sample.service").exists()
    assert (host.property(UNIT, "ActiveState"), host.property(UNIT, "UnitFileState")) == ("inactive", "disabled")


def test_a_boot_puts_files_back_and_waits_for_nothing(guarded: Any) -> None:
    change(guarded, units=[*STARTED, {"name": "second.service", "enabled": True, "state": "started"}])
    guarded.said()
    (guarded.module.RUN / "holdfast-revert-test").unlink()  # as everything in /run
    reverted(guarded)
    assert guarded.path("a").read_text() == "old"
    assert guarded.said() == ["stop second.service", "disable second.service"]
    assert (stage(guarded), armed(guarded)) == ("reverted", [False, False, False])


def test_the_unit_of_the_boot_is_one_that_systemd_accepts(guarded: Any) -> None:
    tool = "/usr/bin/systemd-analyze"
    if not Path(tool).exists():
        pytest.skip("no systemd here")
    change(guarded)
    (guarded.module.UNITS / UNIT).write_text("[Service]\nExecStart=/bin/true\n")
    argv = [tool, "verify", "--man=no", str(guarded.module.UNITS / "holdfast-revert-test-boot.service")]
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert "holdfast-revert-test" not in done.stderr


@pytest.mark.parametrize("first", ["confirm", "revert"])
def test_of_confirm_and_revert_the_first_decides(guarded: Any, first: str) -> None:
    change(guarded)
    if first == "confirm":
        ask(guarded, "confirm")
        assert reverted(guarded) == {"changed": False}
        assert guarded.path("a").read_text() == "new"
    else:
        reverted(guarded)
        assert ask(guarded, "confirm")["stage"] == "reverted"
        assert guarded.path("a").read_text() == "old"


def test_a_host_that_cannot_set_a_timer_changes_nothing(guarded: Any) -> None:
    guarded.tool("systemd-run", f"#!/bin/sh\ncat {guarded.path('a')}; echo ': no timers here'; exit 1\n")
    with pytest.raises(guarded.module.Refused, match="old: no timers here"):
        change(guarded)
    assert (guarded.path("a").read_text(), stage(guarded), armed(guarded)) == ("old", "", [False, False, False])


def test_a_refused_test_leaves_nothing_behind(guarded: Any) -> None:
    with pytest.raises(guarded.module.Refused):
        change(guarded, test=[["false"]])
    assert (guarded.path("a").read_text(), stage(guarded), armed(guarded)) == ("old", "", [False, False, False])


def test_a_service_that_does_not_come_up_is_put_back_at_once(guarded: Any) -> None:
    guarded.accept(f"grep -q old {guarded.path('a')}")
    with pytest.raises(guarded.module.Refused, match="in force again"):
        change(guarded)
    assert (guarded.path("a").read_text(), stage(guarded), armed(guarded)) == ("old", "", [False, False, False])


def test_killed_before_the_test_a_boot_goes_back_too(guarded: Any) -> None:
    killed(lambda: change(guarded, test=[["sh", "-c", KILL]]))
    assert (stage(guarded), armed(guarded), guarded.path("a").read_text()) == ("swapping", [True, True, True], "new")
    (guarded.module.RUN / "holdfast-revert-test").unlink()
    reverted(guarded)
    assert (guarded.path("a").read_text(), armed(guarded)) == ("old", [False, False, False])


def test_killed_while_activating_the_timer_goes_back(guarded: Any) -> None:
    killed(lambda: change(guarded, on_change=["reload " + UNIT, f"run sh -c '{KILL}'"]))
    assert (stage(guarded), len(running(guarded))) == ("activating", 1)
    journal = guarded.module.STATE / "test" / "journal.json"
    journal.write_text(journal.read_text().replace(KILL, "true"))
    reverted(guarded)
    assert (guarded.path("a").read_text(), guarded.said()[-1]) == ("old", "reload-or-restart " + UNIT)


def test_killed_on_the_controller_the_second_run_confirms_the_same(guarded: Any) -> None:
    change(guarded)
    (first,) = running(guarded)
    foretold = change(guarded, check=True)
    second = change(guarded)
    assert (second["changed"], second["pending_before"], second["unconfirmed"]) == (True, True, True)
    assert (foretold["changed"], foretold["activated"]) == (True, second["activated"])
    assert f"stop {first}" in guarded.said()  # it cannot go off in between
    assert len(running(guarded)) == 1
    ask(guarded, "confirm")
    assert running(guarded) == []
    assert change(guarded)["changed"] is False


@pytest.mark.parametrize(("tool", "when"), [("systemd-run", "before"), ("systemctl", "after")])
def test_whenever_the_second_run_is_killed_a_timer_is_left(guarded: Any, tool: str, when: str) -> None:
    """Before its own timer is set that of the first run, and after that either."""
    change(guarded)
    program = guarded.folder / "bin" / tool
    usual = program.read_text()
    guarded.tool(tool, usual.replace("\n", f'\n[ {tool} = systemctl ] && [ "$1" != stop ] || {{ {KILL}; }}\n', 1))
    killed(lambda: change(guarded, content="other"))
    assert len(running(guarded)) == (1 if when == "before" else 2)
    guarded.tool(tool, usual)
    change(guarded, content="other")
    assert len(running(guarded)) == 1


@pytest.mark.parametrize("content", ["new", "other"])
def test_not_confirmed_by_the_second_run_either_the_oldest_comes_back(guarded: Any, content: str) -> None:
    change(guarded)
    change(guarded, content=content)
    reverted(guarded)
    assert guarded.path("a").read_text() == "old"


def test_a_started_unit_is_still_confirmed_by_the_second_run_and_stopped_without(host: Any) -> None:
    host.tool("systemd-run", SYSTEMD_RUN)
    given: dict[str, Any] = {"units": STARTED, "confirm_seconds": 30, "revert": "x", "token": "mine"}
    host.transaction(host.file("a", content="x"), **given)
    second = host.transaction(host.file("a", content="x"), **given)
    assert (second["unconfirmed"], second["units_changed"]) == (True, [])
    reverted(host)
    assert (host.property(UNIT, "ActiveState"), host.property(UNIT, "UnitFileState")) == ("inactive", "disabled")
    assert not host.path("a").exists()


def test_a_second_run_that_asks_for_no_confirmation_finishes(guarded: Any) -> None:
    change(guarded)
    result = change(guarded, confirm_seconds=0)
    assert (result["pending_before"], "unconfirmed" in result) == (True, False)
    assert (stage(guarded), armed(guarded), guarded.path("a").read_text()) == ("", [False, False, False], "new")


def test_a_second_run_that_is_refused_leaves_the_first_to_its_timer(guarded: Any) -> None:
    change(guarded)
    with pytest.raises(guarded.module.Refused):
        change(guarded, content="odd", test=[["false"]])
    assert (guarded.path("a").read_text(), armed(guarded), len(running(guarded))) == ("old", [True, True, True], 1)
    guarded.said()
    reverted(guarded)
    assert (guarded.said(), guarded.path("a").read_text()) == (["reload-or-restart " + UNIT], "old")


def test_a_revert_that_fails_is_no_confirmation_and_is_tried_again(guarded: Any) -> None:
    change(guarded)
    guarded.accept("false")
    with pytest.raises(guarded.module.Refused, match="bad directive"):
        reverted(guarded)
    assert (stage(guarded), armed(guarded)) == ("reverting", [True, True, True])
    assert ask(guarded, "confirm")["stage"] == "reverting"
    guarded.accept("true")
    reverted(guarded)
    assert (stage(guarded), guarded.path("a").read_text()) == ("reverted", "old")


def test_who_asks_confirms_nothing(guarded: Any) -> None:
    """The connection may have come about before the change was whole."""
    assert ask(guarded, "ask")["stage"] == ""
    change(guarded)
    assert (ask(guarded, "ask")["stage"], stage(guarded), len(running(guarded))) == ("unconfirmed", "unconfirmed", 1)
    reverted(guarded)
    assert (ask(guarded, "ask")["stage"], stage(guarded)) == ("reverted", "")


def test_who_asks_waits_until_the_change_is_whole(guarded: Any) -> None:
    slow = multiprocessing.get_context("fork").Process(
        target=lambda: change(guarded, on_change=["run sh -c 'touch $HOST/acting; sleep 0.5'"])
    )
    slow.start()
    while not (guarded.folder / "acting").exists():
        pass
    assert ask(guarded, "ask")["stage"] == "unconfirmed"
    slow.join()


@pytest.mark.parametrize("action", ["ask", "confirm"])
def test_one_run_cannot_confirm_the_change_of_another(guarded: Any, action: str) -> None:
    change(guarded)
    change(guarded, content="theirs", token="theirs")
    assert ask(guarded, action) == {"changed": False, "stage": "superseded"}
    assert (stage(guarded), armed(guarded), len(running(guarded))) == ("unconfirmed", [True, True, True], 1)
    assert ask(guarded, "confirm", "theirs")["stage"] == "confirmed"
    assert guarded.path("a").read_text() == "theirs"


def test_what_became_of_its_change_a_run_learns_also_when_another_one_asks_before(guarded: Any) -> None:
    change(guarded)
    reverted(guarded)
    assert ask(guarded, "confirm", "theirs")["stage"] == "superseded"
    assert ask(guarded, "confirm")["stage"] == "reverted"


def test_a_run_finishes_what_a_killed_revert_left(guarded: Any) -> None:
    change(guarded)
    guarded.path("a").unlink()
    guarded.accept("kill -9 $(cat $HOST/pid)")

    def run() -> None:
        (guarded.folder / "pid").write_text(str(os.getpid()))
        reverted(guarded)

    killed(run)
    assert (stage(guarded), guarded.path("a").read_text()) == ("reverting", "old")
    guarded.accept("true")
    result = change(guarded, content="better")
    assert (result["pending_before"], result["diff"][0]["before"], result["unconfirmed"]) == (True, "old", True)
    ask(guarded, "confirm")
    assert change(guarded, content="better")["changed"] is False


# ---------------------------------------------------------------- what an earlier version has left on a host


def left(host: Any, stage: str) -> None:
    """Write a journal as version 1.0 does, of a file that was being replaced when the run died."""
    folder = host.module.STATE / "test"
    folder.mkdir(parents=True)
    (folder / "original-0").write_text("old")
    status = host.path("a").stat()
    original = {"dest": str(host.path("a")), "kind": "file", "mode": 0o644, "uid": status.st_uid, "gid": status.st_gid,
                "target": "", "backup": "original-0"}  # fmt: skip
    said = {
        "stage": stage,
        "originals": [original],
        "owed": [f"reload {UNIT}"],
        "undo": [f"reload {UNIT}"],
        "token": "theirs",
    }
    (folder / "journal.json").write_text(json.dumps(said))
    host.path("a").write_text("half")


def test_what_an_earlier_version_had_half_swapped_is_put_back_and_what_it_owes_is_done(guarded: Any) -> None:
    left(guarded, "swapping")
    with pytest.raises(guarded.module.Refused, match="refuses the new"):
        guarded.transaction(guarded.file("b", content="x", check=["false", "%s"]))
    assert guarded.path("a").read_text() == "old"
    assert guarded.transaction()["activated"] == [f"reload {UNIT}"]
    assert not (guarded.module.STATE / "test").exists()


@pytest.mark.parametrize(("call", "text"), [("revert", "old"), ("confirm", "half")])
def test_what_an_earlier_version_has_left_unconfirmed_is_taken_back_or_kept(guarded: Any, call: str, text: str) -> None:
    left(guarded, "unconfirmed")
    assert ask(guarded, call, by="theirs")["changed"] is (call == "revert")
    assert guarded.path("a").read_text() == text


# ---------------------------------------------------------------- the program that stays on the host


@pytest.fixture(scope="module")
def action() -> ModuleType:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    return sys.modules[action_loader.get("config_transaction", class_only=True).__module__]


def test_the_program_left_behind_takes_the_change_back_by_itself(guarded: Any, action: ModuleType) -> None:
    text = action.REVERT
    for name in ("STATE", "UNITS", "RUN"):  # as this test has moved them
        line = next(line for line in text.splitlines() if line.startswith(f"{name} = "))
        text = text.replace(line, f"{name} = Path({str(getattr(guarded.module, name))!r})")
    change(guarded, revert=text)
    program = guarded.module.STATE / "test" / "revert"
    argv = timers(guarded)[0].split()[-2:]
    assert argv == [sys.executable, str(program)]
    guarded.accept("false")
    assert subprocess.run(argv, check=False, capture_output=True).returncode == 1  # systemd tries again
    guarded.accept("true")
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert (done.returncode, json.loads(done.stdout)) == (0, {"changed": True})
    assert guarded.path("a").read_text() == "old"


# ---------------------------------------------------------------- the controller


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def controller(action: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A controller whose host gives the answers in `answers`, the last one for ever."""
    clock = Clock()
    monkeypatch.setattr(action, "time", clock)
    plugin = action.ActionModule.__new__(action.ActionModule)
    made = SimpleNamespace(plugin=plugin, clock=clock, asked=[], resets=0, answers=[], seconds_per_call=0)

    class Connection:
        transport = "ssh"

        def reset(self) -> None:
            made.resets += 1

    def call(_module: str, arguments: dict[str, Any], _variables: dict[str, Any]) -> dict[str, Any]:
        made.asked.append(arguments)
        clock.sleep(made.seconds_per_call if arguments.get("action") else 0)
        answer = made.answers.pop(0) if len(made.answers) > 1 else made.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    plugin._connection = Connection()
    plugin._task = SimpleNamespace(check_mode=False, args={}, action="config_transaction", delegate_to=None)
    monkeypatch.setattr(plugin, "call", call, raising=False)
    arguments = {
        "name": "firewall",
        "files": [
            {"dest": "/etc/x.nft", "content": "x", "on_change": ["reload x.service"]},
            {"dest": "/etc/same.nft", "content": "x", "on_change": ["reload x.service"]},
            {"dest": "/etc/y", "content": ""},
        ],
        "confirm_seconds": 30,
    }

    def run(**more: Any) -> dict[str, Any]:
        plugin._task.args = {**arguments, **more}
        result: dict[str, Any] = plugin.act(plugin.arguments(), {})
        return result

    made.run = run
    return made


UNREACHABLE = AnsibleConnectionFailure(
    "Failed to connect to the host via ssh: ssh: connect to host h port 22: timed out"
)
CHANGES = [{"dest": "/etc/x.nft", "action": "update"}, {"dest": "/etc/y", "action": "remove"}]
OPEN = {"changed": True, "changes": CHANGES, "unconfirmed": True}


def test_nothing_to_confirm_is_one_call(controller: Any) -> None:
    controller.answers = [{"changed": False}]
    assert controller.run() == {"changed": False}
    assert (len(controller.asked), controller.resets) == (1, 0)
    assert "class Transaction" in controller.asked[0]["revert"]


def test_a_change_is_confirmed_over_a_new_connection(controller: Any) -> None:
    controller.answers = [OPEN, {"stage": "confirmed"}]
    assert controller.run() == {"changed": True, "changes": CHANGES}
    token = controller.asked[0]["token"]
    assert controller.asked[1:] == [{"name": "firewall", "action": "confirm", "token": token}]
    assert controller.resets == 1
    controller.answers = [OPEN, {"stage": "confirmed"}]
    controller.run()
    assert controller.asked[2]["token"] != token


def test_a_slow_connection_is_tried_again(controller: Any) -> None:
    controller.answers = [OPEN, UNREACHABLE, {"failed": True, "msg": "sudo: sorry"}, {"stage": "confirmed"}]
    assert controller.run()["changed"] is True
    assert controller.resets == 3


def test_a_change_that_cuts_off_is_told_in_one_sentence_once_the_host_went_back(controller: Any) -> None:
    controller.seconds_per_call = 10
    penalty = AnsibleConnectionFailure("Failed to connect to the host via ssh: Connection reset by peer")
    controller.answers = [OPEN, UNREACHABLE, penalty, penalty, {"stage": "reverting"}, {"stage": "reverted"}]
    result = controller.run()
    assert (result["failed"], result["changed"]) == (True, False)
    assert "would have been cut off (ssh: connect to host h port 22: timed out)" in result["msg"]
    assert "54 s after the change" in result["msg"]
    assert "Check /etc/x.nft, /etc/y against" in result["msg"]  # sudoers and keys have no activation either
    assert "/etc/same.nft" not in result["msg"]


def test_a_host_that_stays_silent_is_not_waited_for_for_ever(controller: Any) -> None:
    controller.seconds_per_call = 10
    controller.answers = [OPEN, UNREACHABLE]
    result = controller.run()
    assert result["failed"]
    assert "look at the host's console" in result["msg"]
    assert controller.clock.now <= 30 + 30 + 11


def test_a_connection_lost_in_the_middle_is_followed_up(controller: Any) -> None:
    controller.answers = [UNREACHABLE, UNREACHABLE, {"stage": "reverted"}]
    assert "would have been cut off" in controller.run()["msg"]


def test_after_a_lost_connection_the_change_is_confirmed_by_one_that_is_newer_than_it(controller: Any) -> None:
    """The first answer says that the change is whole; the connection it came by may be older."""
    controller.seconds_per_call = 50  # an activation that takes its time, and the lock with it
    controller.answers = [UNREACHABLE, {"stage": "unconfirmed"}, UNREACHABLE, {"stage": "confirmed"}]
    with pytest.raises(AnsibleConnectionFailure):
        controller.run()
    assert [call.get("action") for call in controller.asked] == [None, "ask", "confirm", "confirm"]
    assert controller.resets == 3


def test_a_change_that_another_run_took_over_is_told(controller: Any) -> None:
    controller.answers = [OPEN, {"stage": "superseded"}]
    result = controller.run()
    assert (result["failed"], len(controller.asked)) == (True, 2)
    assert "another run has changed firewall on this host" in result["msg"]


@pytest.mark.parametrize("stage_found", ["", "confirmed", "activating", "superseded"])
def test_a_lost_connection_that_cut_nobody_off_is_told_as_what_it_is(controller: Any, stage_found: str) -> None:
    controller.answers = [UNREACHABLE, {"stage": stage_found}]
    with pytest.raises(AnsibleConnectionFailure):
        controller.run()


def test_what_another_run_has_confirmed_is_confirmed(controller: Any) -> None:
    controller.answers = [OPEN, {"stage": ""}]
    assert controller.run()["changed"] is True


def test_a_refusal_is_handed_on(controller: Any) -> None:
    controller.answers = [{"failed": True, "msg": "no"}]
    assert controller.run() == {"failed": True, "msg": "no"}


@pytest.mark.parametrize("reason", ["local", "check"])
def test_nothing_is_asked_for_without_a_network_or_in_check_mode(controller: Any, reason: str) -> None:
    controller.answers = [{"changed": True}]
    if reason == "local":
        controller.plugin._connection.transport = "local"
    else:
        controller.plugin._task.check_mode = True
    controller.run()
    assert (controller.asked[0]["confirm_seconds"], "revert" in controller.asked[0]) == (0, False)


@pytest.mark.parametrize("seconds", [-1, 14, 301])
def test_odd_times_are_refused(controller: Any, action: ModuleType, seconds: int) -> None:
    with pytest.raises(action.AnsibleActionFail, match=f"confirm_seconds is {seconds}; use 15 to 300"):
        controller.run(confirm_seconds=seconds)


def test_a_connection_without_reset_is_used_as_it_is(controller: Any, action: ModuleType) -> None:
    class Plain:
        transport = "other"
        reset = action.ConnectionBase.reset

    controller.plugin._connection = Plain()
    controller.answers = [OPEN, {"stage": "confirmed"}]
    assert controller.run()["changed"] is True


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ("/etc/sudoers.d/holdfast", "base_users[].sudo"),
        ("/etc/keys/alice", "base_users[].ssh_keys"),
        ("/etc/keys/gone", "base_users[].ssh_keys"),  # not listed any more
        ("/etc/other", "/etc/other"),
        ("/etc/other /etc/keys/alice", "base_users[].ssh_keys"),  # the other follows from nothing that can be set
    ],
)
def test_what_was_taken_back_names_variables(controller: Any, changed: str, named: str) -> None:
    files = [
        {"dest": "/etc/sudoers.d/holdfast", "content": "x", "set_by": ["base_users[].sudo"]},
        {"dest": "/etc/keys/alice", "content": "x", "set_by": ["base_users[].ssh_keys"]},
        {"dest": "/etc/other", "content": "x"},
    ]
    changes = [{"dest": dest, "action": "update"} for dest in changed.split()]
    update = {"changed": True, "changes": changes, "unconfirmed": True}
    controller.answers = [update, UNREACHABLE, {"stage": "reverted"}]
    assert f"Check {named} against the address" in controller.run(files=files)["msg"]
    assert "set_by" not in controller.asked[0]["files"][0]
