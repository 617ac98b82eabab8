"""The config transaction on a pretended host: what it writes, refuses, puts back, activates and finishes."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

UNIT = "sample.service"
STARTED = [{"name": UNIT, "enabled": True, "state": "started"}]


def refused(host: Any, call: Callable[[], Any]) -> str:
    with pytest.raises(host.module.Refused) as caught:
        call()
    return str(caught.value)


def killed(call: Callable[[], Any]) -> None:
    """Run a call in a process of its own that must end by SIGKILL."""
    process = multiprocessing.get_context("fork").Process(target=call)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


KILL = "kill -9 $PPID; sleep 5"


# ---------------------------------------------------------------- files


def test_a_missing_file_is_created_and_the_second_run_is_quiet(host: Any) -> None:
    wanted = host.file("a.conf", content="x\n", mode="0640")
    first = host.transaction(wanted)
    assert first["changed"] is True
    assert first["changes"] == [{"dest": str(host.path("a.conf")), "action": "create"}]
    assert host.path("a.conf").read_text() == "x\n"
    assert stat.S_IMODE(host.path("a.conf").stat().st_mode) == 0o640
    second = host.transaction(wanted)
    assert (second["changed"], second["changes"], second["diff"]) == (False, [], [])


def test_changed_contents_are_an_update_with_a_diff(host: Any) -> None:
    host.path("a.conf").write_text("old\n")
    host.path("a.conf").chmod(0o644)
    result = host.transaction(host.file("a.conf", content="new\n"))
    assert [change["action"] for change in result["changes"]] == ["update"]
    assert (result["diff"][0]["before"], result["diff"][0]["after"]) == ("old\n", "new\n")


def test_a_mode_alone_is_attributes_and_keeps_the_inode(host: Any) -> None:
    host.path("a.conf").write_text("x")
    host.path("a.conf").chmod(0o644)
    inode = host.path("a.conf").stat().st_ino
    result = host.transaction(host.file("a.conf", content="x", mode="0600"))
    assert [change["action"] for change in result["changes"]] == ["attributes"]
    assert (host.path("a.conf").stat().st_ino, stat.S_IMODE(host.path("a.conf").stat().st_mode)) == (inode, 0o600)


def test_folders_links_and_removal(host: Any) -> None:
    host.path("gone").write_text("x")
    host.path("link").symlink_to("/old")
    wanted = [
        host.file("d", state="directory", mode="0750"),
        host.file("d/inside", content="x"),
        host.file("link", state="link", target="/new"),
        host.file("gone", state="absent"),
    ]
    result = host.transaction(*wanted)
    assert [change["action"] for change in result["changes"]] == ["create", "create", "update", "remove"]
    assert str(host.path("link").readlink()) == "/new"
    assert not host.path("gone").exists()
    assert stat.S_IMODE(host.path("d").stat().st_mode) == 0o750
    assert host.transaction(*wanted)["changed"] is False


def test_a_file_replaces_a_link_and_not_what_it_points_to(host: Any) -> None:
    host.path("real").write_text("package's\n")
    host.path("a.conf").symlink_to(host.path("real"))
    host.transaction(host.file("a.conf", content="ours\n"))
    assert (host.path("real").read_text(), host.path("a.conf").read_text()) == ("package's\n", "ours\n")
    assert not host.path("a.conf").is_symlink()


def test_create_only_never_overwrites(host: Any) -> None:
    wanted = host.file("seed", content="first", create_only=True)
    host.transaction(wanted)
    host.path("seed").write_text("theirs")
    assert host.transaction(wanted)["changed"] is False
    assert host.path("seed").read_text() == "theirs"


def test_exclusive_removes_only_files_that_match_and_are_not_listed(host: Any) -> None:
    for name in ("a.conf", "b.conf", "c.txt"):
        host.path(name).write_text("x")
    host.path("folder.conf").mkdir()
    result = host.transaction(
        host.file("a.conf", content="x"),
        exclusive=[{"path": str(host.path("")), "pattern": "*.conf"}],
        on_change=["reload " + UNIT],
    )
    assert {change["dest"].rsplit("/", 1)[1]: change["action"] for change in result["changes"]}["b.conf"] == "remove"
    assert sorted(path.name for path in host.path("").iterdir()) == ["a.conf", "c.txt", "folder.conf"]


def test_exclusive_keeps_what_somebody_else_may_write(host: Any) -> None:
    """It is neither compared nor made; all else of the folder goes."""
    for name in ("a.conf", "b.conf"):
        host.path(name).write_text("x")
    host.transaction(exclusive=[{"path": str(host.path("")), "pattern": "*", "keep": ["a.conf", "none.conf"]}])
    assert sorted(path.name for path in host.path("").iterdir()) == ["a.conf"]


def test_exclusive_of_a_missing_folder_is_nothing(host: Any) -> None:
    assert host.transaction(exclusive=[{"path": str(host.path("none")), "pattern": "*"}])["changed"] is False


def test_a_missing_owner_is_refused_with_the_cure_and_tolerated_in_check_mode(host: Any) -> None:
    wanted = host.file("a", content="x", owner="nobody-we-know")
    assert host.transaction(wanted, check=True)["changed"] is True
    message = refused(host, lambda: host.transaction(wanted))
    assert "nobody-we-know" in message
    assert "install its package first" in message
    assert not host.path("a").exists()


@pytest.mark.parametrize(("state", "made"), [("file", "a folder, not a file"), ("directory", "a file, not a folder")])
def test_a_folder_is_never_replaced_by_a_file_nor_the_reverse(host: Any, state: str, made: str) -> None:
    if state == "file":
        host.path("x").mkdir()
    else:
        host.path("x").write_text("")
    entry = host.file("x", state=state, content="x" if state == "file" else None)
    assert made in refused(host, lambda: host.transaction(entry))


def test_a_folder_that_holds_files_is_not_removed(host: Any) -> None:
    host.path("d").mkdir()
    host.path("d/theirs").write_text("x")
    assert "not empty" in refused(host, lambda: host.transaction(host.file("d", state="absent"))).lower()
    assert host.path("d/theirs").exists()


# ---------------------------------------------------------------- check mode and secrets


def test_check_mode_says_exactly_what_the_run_then_does_and_changes_nothing(host: Any) -> None:
    host.runs(UNIT)
    host.path("old.conf").write_text("x")
    wanted = [
        host.file("d", state="directory"),
        host.file("d/a.conf", content="new"),
        host.file("l", state="link", target="/x"),
    ]
    more: dict[str, Any] = {
        "exclusive": [{"path": str(host.path("")), "pattern": "*.conf"}],
        "on_change": ["reload " + UNIT, "restart other.service"],
        "units": [*STARTED, {"name": "second.service", "enabled": True, "state": "started"}],
    }
    before = host.tree()
    foretold = host.transaction(*wanted, check=True, **more)
    assert host.tree() == before
    assert host.said() == []
    assert not host.module.STATE.exists()
    done = host.transaction(*wanted, **more)
    assert foretold == done
    assert done["activated"] == ["reload " + UNIT]  # the other unit does not run
    assert done["units_changed"] == ["enable second.service", "start second.service"]


def test_a_secret_file_shows_nothing_in_diff_or_result(host: Any) -> None:
    host.path("s").write_text("old-hidden-value")
    result = host.transaction(host.file("s", content="new-hidden-value", secret=True))
    assert "hidden" not in json.dumps(result)
    assert "secret contents are not shown" in result["diff"][0]["prepared"]


@pytest.mark.parametrize(
    "secret", ["Zm9vYmFy/c2VjcmV0+x==", "/ZGF0YQmFyc2VjcmV0", "quoted,secret:with@marks", "#" + "ab12" * 16]
)
def test_words_of_a_secret_file_never_reach_a_message(host: Any, secret: str) -> None:
    text = host.module.without_secrets(
        f'line 3: password "{secret}" is bad, see {os.devnull}', [f'user x >{secret} "{secret}"']
    )
    assert secret not in text
    assert len(set(re.findall(r"[\w/+]{9,}", secret)) & set(re.findall(r"[\w/+]{9,}", text))) == 0
    assert os.devnull in text


def test_paths_of_a_secret_file_stay_readable(host: Any) -> None:
    assert "/usr/bin/env" in host.module.without_secrets("/usr/bin/env is bad", ["tool /usr/bin/env"])


# ---------------------------------------------------------------- refusals


def test_a_refused_test_puts_every_file_back_and_activates_nothing(host: Any) -> None:
    host.runs(UNIT)
    host.path("a").write_bytes(b"old \xff bytes")
    host.path("a").chmod(0o604)
    host.path("gone").write_text("still wanted?")
    host.path("l").symlink_to("/old")
    host.path("exclusive.conf").write_text("x")
    before, raw = (
        {name: mode for name, (_text, mode) in host_tree_without(host, "a").items()},
        host.path("a").read_bytes(),
    )
    mode = host.path("a").stat().st_mode
    message = refused(
        host,
        lambda: host.transaction(
            host.file("a", content="new"),
            host.file("d", state="directory"),
            host.file("d/b", content="x"),
            host.file("gone", state="absent"),
            host.file("l", state="link", target="/new"),
            exclusive=[{"path": str(host.path("")), "pattern": "*.conf"}],
            on_change=["restart " + UNIT],
            test=[["true"], ["sh", "-c", "echo unknown directive in line 1 >&2; exit 3"]],
        ),
    )
    assert "unknown directive in line 1" in message
    assert "Every file was put back" in message
    assert (host.path("a").read_bytes(), host.path("a").stat().st_mode) == (raw, mode)
    assert {name: mode for name, (_text, mode) in host_tree_without(host, "a").items()} == before
    assert host.said() == []
    assert not (host.module.STATE / "test").exists()


def host_tree_without(host: Any, name: str) -> dict[str, tuple[str, int]]:
    kept = host.path(name).read_bytes()
    host.path(name).unlink()
    tree: dict[str, tuple[str, int]] = host.tree()
    mode = 0o604
    host.path(name).write_bytes(kept)
    host.path(name).chmod(mode)
    return tree


def test_a_refused_staged_check_changes_nothing(host: Any) -> None:
    host.path("sudoers").write_text("good")
    message = refused(
        host,
        lambda: host.transaction(
            host.file("first", content="x"),
            host.file(
                "sudoers", content="bad", check=["sh", "-c", "grep -q good %s || { echo 'parse error'; exit 1; }"]
            ),
        ),
    )
    assert "parse error" in message
    assert "Nothing was changed" in message
    assert host.path("sudoers").read_text() == "good"
    assert not host.path("first").exists()
    assert not (host.module.STATE / "test").exists()


def test_a_missing_parent_folder_puts_back_what_was_written_before(host: Any) -> None:
    message = refused(host, lambda: host.transaction(host.file("a", content="x"), host.file("none/b", content="x")))
    assert "none" in message
    assert not host.path("a").exists()


def test_a_test_that_cannot_be_run_is_a_refusal(host: Any) -> None:
    assert "no-such-tool" in refused(
        host, lambda: host.transaction(host.file("a", content="x"), test=[["no-such-tool"]])
    )
    assert not host.path("a").exists()


def test_a_service_that_does_not_come_up_gets_its_old_files_back(host: Any) -> None:
    host.runs(UNIT)
    host.path("a").write_text("good")
    host.accept(f"grep -q good {host.path('a')}")
    message = refused(
        host, lambda: host.transaction(host.file("a", content="bad"), on_change=["restart " + UNIT], units=STARTED)
    )
    assert "bad directive at line 7" in message
    assert "in force again" in message
    assert host.path("a").read_text() == "good"
    assert host.said() == ["restart " + UNIT, "restart " + UNIT]
    assert host.property(UNIT, "ActiveState") == "active"
    assert not (host.module.STATE / "test").exists()


def test_a_first_installation_that_does_not_start_is_taken_back_whole(host: Any) -> None:
    host.accept("false")
    message = refused(
        host, lambda: host.transaction(host.file("a", content="bad"), on_change=["restart " + UNIT], units=STARTED)
    )
    assert "put back" in message
    assert not host.path("a").exists()
    assert (host.property(UNIT, "UnitFileState"), host.property(UNIT, "ActiveState")) == ("disabled", "inactive")


def test_when_the_old_files_do_not_start_either_both_failures_are_told_and_the_restart_stays_owed(host: Any) -> None:
    host.runs(UNIT)
    host.accept("false")
    message = refused(host, lambda: host.transaction(host.file("a", content="x"), on_change=["restart " + UNIT]))
    assert "does not start either" in message
    host.unit(UNIT, ActiveState="active")
    host.accept("true")
    host.said()
    assert host.transaction()["activated"] == ["restart " + UNIT]


@pytest.mark.parametrize(
    ("properties", "state"),
    [
        ({"Type": "simple", "ActiveState": "activating", "SubState": "auto-restart"}, "activating"),
        ({"Type": "simple", "NRestarts": "3"}, "dying again and again"),
        ({"ActiveState": "failed"}, "failed"),
        ({"Type": "oneshot", "ActiveState": "inactive", "Result": "exit-code"}, "inactive"),
    ],
)
def test_a_unit_that_keeps_dying_did_not_come_up(host: Any, properties: dict[str, str], state: str) -> None:
    host.runs(UNIT)
    host.path("a").write_text("old")
    host.fate(f"grep -q new {host.path('a')}", **properties)
    message = refused(host, lambda: host.transaction(host.file("a", content="new"), on_change=["restart " + UNIT]))
    assert message.startswith(f"{UNIT} is {state} after its start\nIts journal says:\nbad directive at line 7\n")
    assert host.path("a").read_text() == "old"


# ---------------------------------------------------------------- activation


def test_a_restart_supersedes_a_reload_and_commands_come_first(host: Any) -> None:
    host.runs(UNIT)
    result = host.transaction(
        host.file("a", content="x", on_change=["reload " + UNIT]),
        host.file("b", content="x", on_change=["restart " + UNIT]),
        host.file("c", content="x", on_change=["run true", "reload " + UNIT]),
    )
    assert result["activated"] == ["run true", "restart " + UNIT]
    assert host.said() == ["restart " + UNIT]


def test_a_unit_that_was_just_started_is_not_restarted(host: Any) -> None:
    result = host.transaction(host.file("a", content="x"), on_change=["restart " + UNIT], units=STARTED)
    assert (result["activated"], result["units_changed"]) == ([], ["enable " + UNIT, "start " + UNIT])
    assert host.said() == ["enable " + UNIT, "start " + UNIT]


def test_a_unit_file_makes_systemd_read_again(host: Any) -> None:
    host.path("systemd").mkdir()
    host.transaction(host.file("systemd/x.service", content="x"), units=STARTED)
    assert host.said()[0].startswith("daemon-reload")


def test_units_stopped_or_disabled_by_hand_are_put_right_without_any_file(host: Any) -> None:
    host.runs(UNIT)
    assert host.transaction(units=STARTED)["changed"] is False
    host.unit(UNIT, ActiveState="inactive", UnitFileState="disabled")
    result = host.transaction(units=STARTED)
    assert (result["changed"], result["units_changed"]) == (True, ["enable " + UNIT, "start " + UNIT])
    assert host.transaction(units=STARTED)["changed"] is False


def test_a_unit_that_must_be_stopped_is_not_restarted_by_its_files(host: Any) -> None:
    host.runs(UNIT)
    units = [{"name": UNIT, "enabled": False, "state": "stopped"}]
    result = host.transaction(host.file("a", content="x"), on_change=["restart " + UNIT], units=units)
    assert (result["activated"], result["units_changed"]) == ([], ["disable " + UNIT, "stop " + UNIT])
    assert host.property(UNIT, "ActiveState") == "inactive"


@pytest.mark.parametrize("unit_type", ["oneshot", "notify"])
def test_a_unit_never_tried_since_boot_is_started(host: Any, unit_type: str) -> None:
    host.unit(
        UNIT, Type=unit_type, UnitFileState="enabled"
    )  # its Result is success and its ConditionResult no, by default
    assert host.transaction(units=STARTED)["units_changed"] == ["start " + UNIT]


@pytest.mark.parametrize("properties", [{"ConditionResult": "no"}, {"Type": "oneshot", "ConditionResult": "yes"}])
def test_a_unit_excused_by_its_conditions_or_that_ran_well_is_left_alone(host: Any, properties: dict[str, str]) -> None:
    host.unit(UNIT, UnitFileState="enabled", ConditionTimestampMonotonic="9", **properties)
    assert host.transaction(units=STARTED)["changed"] is False


def test_a_failed_start_without_new_files_is_a_failure_that_owes_nothing(host: Any) -> None:
    host.accept("false")
    assert "bad directive" in refused(host, lambda: host.transaction(units=STARTED))
    host.accept("true")
    result = host.transaction(units=STARTED)
    assert (result["pending_before"], result["changed"]) == (False, True)


# ---------------------------------------------------------------- killed runs


def test_killed_between_swap_and_test_the_next_run_begins_from_the_old_files(host: Any) -> None:
    host.runs(UNIT)
    host.path("a").write_text("old")
    arguments: dict[str, Any] = {"on_change": ["restart " + UNIT]}
    killed(lambda: host.transaction(host.file("a", content="bad"), test=[["sh", "-c", KILL]], **arguments))
    assert host.path("a").read_text() == "bad"
    result = host.transaction(host.file("a", content="new"), test=[["true"]], **arguments)
    assert (result["pending_before"], result["diff"][0]["before"]) == (True, "old")
    assert host.said() == ["restart " + UNIT]
    assert host.transaction(host.file("a", content="new"), **arguments)["changed"] is False


def test_killed_between_swap_and_test_and_not_wanted_any_more(host: Any) -> None:
    host.path("a").write_text("old")
    killed(lambda: host.transaction(host.file("a", content="bad"), test=[["sh", "-c", KILL]]))
    result = host.transaction()
    assert (result["pending_before"], result["changed"], host.path("a").read_text()) == (True, True, "old")
    assert host.transaction()["changed"] is False


def test_killed_between_write_and_restart_the_next_run_restarts_then_is_quiet(host: Any) -> None:
    host.runs(UNIT)
    wanted = host.file("a", content="new", on_change=[f"run sh -c '{KILL}'", "restart " + UNIT])
    killed(lambda: host.transaction(wanted))
    assert host.said() == []
    calm = host.file("a", content="new", on_change=["restart " + UNIT])
    foretold = host.transaction(calm, check=True)
    assert (foretold["pending_before"], foretold["changed"]) == (True, True)
    journal = host.module.STATE / "test" / "journal.json"
    journal.write_text(journal.read_text().replace(KILL, "true"))  # the same command, which now lets us live
    result = host.transaction(calm)
    assert (result["pending_before"], result["changed"], result["activated"][-1]) == (True, True, "restart " + UNIT)
    assert host.said() == ["restart " + UNIT]
    assert host.transaction(calm)["changed"] is False
    assert host.said() == []


def test_killed_before_a_restart_that_then_fails_still_goes_back_to_the_last_good_files(host: Any) -> None:
    host.runs(UNIT)
    host.path("a").write_text("good")
    killed(
        lambda: host.transaction(host.file("a", content="bad", on_change=["restart " + UNIT, f"run sh -c '{KILL}'"]))
    )
    journal = host.module.STATE / "test" / "journal.json"
    journal.write_text(journal.read_text().replace(KILL, "true"))
    host.accept(f"grep -q good {host.path('a')}")
    message = refused(
        host, lambda: host.transaction(host.file("a", content="bad"), on_change=["restart " + UNIT], units=STARTED)
    )
    assert "in force again" in message
    assert (host.path("a").read_text(), host.property(UNIT, "ActiveState")) == ("good", "active")


def test_killed_after_the_service_went_down_it_comes_up_again_with_the_old_files(host: Any) -> None:
    host.runs(UNIT)
    host.path("a").write_text("good")
    down = f"echo inactive > $HOST/units/{UNIT}/ActiveState"
    host.accept(f"grep -q good {host.path('a')} || {{ {down}; kill -9 $(cat $HOST/pid); }}")

    def run() -> None:
        (host.folder / "pid").write_text(str(os.getpid()))
        host.transaction(host.file("a", content="bad"), on_change=["restart " + UNIT], units=STARTED)

    killed(run)
    host.accept(f"grep -q good {host.path('a')}")
    refused(host, lambda: host.transaction(host.file("a", content="bad"), on_change=["restart " + UNIT], units=STARTED))
    assert (host.path("a").read_text(), host.property(UNIT, "ActiveState")) == ("good", "active")


def test_killed_with_nothing_owed_the_mark_goes_with_the_next_run(host: Any) -> None:
    host.runs(UNIT)
    killed(lambda: host.transaction(host.file("a", content="x", on_change=[f"run sh -c '{KILL}'"])))
    journal = host.module.STATE / "test" / "journal.json"
    stored = json.loads(journal.read_text())
    journal.write_text(json.dumps({**stored, "owed": []}))
    assert host.transaction(host.file("a", content="x"))["pending_before"] is True
    assert host.transaction(host.file("a", content="x"))["changed"] is False


def test_a_power_cut_finds_the_journal_wherever_it_finds_a_new_file(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    durable: list[str] = []
    monkeypatch.setattr(
        host.module.os, "fsync", lambda handle: durable.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
    )
    state = host.module.STATE
    host.path("a").write_text("old")
    host.transaction(host.file("a", content="new"))
    begun = durable.index(str(host.path(".a.holdfast")))
    journal = [str(state.parent), str(state), str(state / "test" / ".journal.json.holdfast"), str(state / "test")]
    assert [name for name in durable[:begun] if name in journal][-2:] == journal[-2:]
    assert set(journal) <= set(durable[:begun])
    assert durable[begun + 1] == str(host.path(""))
    assert durable[-1] == str(state / "test")  # that it is over
    durable.clear()
    host.transaction(host.file("a", content="new"))
    assert durable == []


def test_copies_of_a_run_killed_before_the_swap_are_cleaned_away(host: Any) -> None:
    killed(lambda: host.transaction(host.file("a", content="x", secret=True, check=["sh", "-c", KILL])))
    assert any((host.module.STATE / "test").iterdir())
    host.transaction()
    assert not (host.module.STATE / "test").exists()


def test_a_refusal_keeps_what_an_earlier_run_owes(host: Any) -> None:
    host.runs(UNIT)
    killed(lambda: host.transaction(host.file("a", content="x", on_change=["restart " + UNIT, f"run sh -c '{KILL}'"])))
    journal = host.module.STATE / "test" / "journal.json"
    journal.write_text(journal.read_text().replace(KILL, "true"))
    refused(host, lambda: host.transaction(host.file("a", content="y"), test=[["false"]]))
    assert not host.path("a").exists()  # back to the last files that were in force
    assert "restart " + UNIT in host.transaction(host.file("a", content="z"))["activated"]


def test_two_runs_at_once_wait_for_each_other(host: Any) -> None:
    slow = multiprocessing.get_context("fork").Process(
        target=lambda: host.transaction(
            host.file("a", content="one"), test=[["sh", "-c", "touch $HOST/testing; sleep 0.5"]]
        )
    )
    slow.start()
    while not (host.folder / "testing").exists():
        pass
    result = host.transaction(host.file("a", content="two"))
    slow.join()
    assert (result["pending_before"], result["diff"][0]["before"]) == (False, "one")


def test_a_run_does_not_wait_for_another_transaction(host: Any) -> None:
    slow = multiprocessing.get_context("fork").Process(
        target=lambda: host.transaction(
            host.file("a", content="one"), test=[["sh", "-c", "touch $HOST/testing; sleep 9"]], name="slow"
        )
    )
    slow.start()
    while not (host.folder / "testing").exists():
        pass
    assert host.transaction(host.file("b", content="two"))["changed"] is True
    assert slow.is_alive()
    slow.kill()
    slow.join()


def test_state_is_for_root_alone(host: Any) -> None:
    killed(lambda: host.transaction(host.file("a", content="x"), test=[["sh", "-c", KILL]]))
    folders = [host.module.STATE.parent, host.module.STATE, host.module.STATE / "test"]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders[-1].iterdir()} == {0o600}


def test_check_mode_asks_the_programs_that_check_a_file_and_leaves_nothing(host: Any) -> None:
    host.path("a").write_text("good")
    before = host.tree()
    wanted = host.file("a", content="bad", check=["grep", "-q", "good", "%s"])
    assert "Nothing was changed" in refused(host, lambda: host.transaction(wanted, check=True))
    # On a fresh host the program may not be there yet
    fresh = host.file("b", content="bad", check=["/usr/sbin/not-installed", "%s"])
    assert host.transaction(fresh, check=True)["changed"] is True
    assert host.tree() == before


# ---------------------------------------------------------------- work that somebody undoes


def test_a_running_unit_is_reloaded_when_what_it_did_no_longer_stands(host: Any) -> None:
    host.runs(UNIT)
    stands = host.path("stands")
    wanted = [{**STARTED[0], "in_force": ["test", "-e", str(stands)]}]
    checked = host.transaction(units=wanted, check=True)
    assert (checked["changed"], checked["activated"], host.said()) == (True, [f"reload {UNIT}"], [])
    host.accept(f"touch {stands}")
    done = host.transaction(units=wanted)
    assert (done["changed"], done["activated"]) == (True, [f"reload {UNIT}"])
    assert f"reload-or-restart {UNIT}" in host.said()
    assert host.transaction(units=wanted)["changed"] is False


def test_a_unit_that_does_not_run_is_started_and_not_reloaded(host: Any) -> None:
    wanted = [{**STARTED[0], "in_force": ["false"]}]
    done = host.transaction(units=wanted)
    assert (done["units_changed"], done["activated"]) == ([f"enable {UNIT}", f"start {UNIT}"], [])


# ---------------------------------------------------------------- what somebody else has written


def original(host: Any, name: str) -> Path:
    store: Path = host.module.STATE.parent / "originals"
    return store / str(host.path(name)).lstrip("/")


@pytest.mark.parametrize(
    "more", [{"content": '{"icc": false}'}, {"content": "# Managed by Holdfast\n"}, {"state": "absent"}]
)
def test_the_first_replacement_of_somebody_elses_file_keeps_a_copy_and_says_so(host: Any, more: dict[str, Any]) -> None:
    host.path("daemon.json").write_text("theirs")
    foretold = host.transaction(host.file("daemon.json", **more), check=True)
    copy = original(host, "daemon.json")
    assert not copy.exists()
    done = host.transaction(host.file("daemon.json", **more))
    assert done["originals"] == foretold["originals"] == {str(host.path("daemon.json")): str(copy)}
    assert done["warnings"] == [
        f"{host.path('daemon.json')} was not written by Holdfast; what it said is kept in {copy}"
    ]
    assert copy.read_text() == "theirs"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert (host.module.STATE.parent / "originals").stat().st_mode & 0o777 == 0o700
    again = host.transaction(host.file("daemon.json", **more))
    assert again["changed"] is False
    assert "originals" not in again


@pytest.mark.parametrize("content", ["plain", "# Managed by Holdfast\n"])
def test_our_own_file_changes_without_a_word(host: Any, content: str) -> None:
    """Also one without our mark, and one that an older version wrote, which is remembered when nothing changes."""
    host.path("a").write_text(content)
    assert host.transaction(host.file("a", content=content))["changed"] is False
    done = host.transaction(host.file("a", content="other"))
    assert done["changed"] is True
    assert "originals" not in done
    assert "originals" not in host.transaction(host.file("a", content="third"))
    assert not original(host, "a").exists()


def test_who_replaces_our_file_by_another_finds_it_again(host: Any) -> None:
    ours = host.file("a.conf", content="# Managed by Holdfast\n")
    host.transaction(ours)
    for number, theirs in enumerate(("one", "two", "one")):
        host.path("a.conf").write_text(theirs)
        copy = host.transaction(ours)["originals"][str(host.path("a.conf"))]
        assert Path(copy).read_text() == theirs
        assert Path(copy).name == ("a.conf", "a.conf.2", "a.conf")[number]


@pytest.mark.parametrize("line", ["Conffiles:\n {path} {sum}\n", "{sum}  {path}\n"])
def test_a_file_as_its_package_brought_it_is_nobodys(host: Any, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """As dpkg's status and ucf's hashfile note it; the sum is that of `printf shipped | md5sum`."""
    told = host.folder / "status"
    told.write_text("Package: x\n" + line.format(path=host.path("a"), sum="8407efe4e76e884909955a5e7293661e"))
    monkeypatch.setattr(host.module, "SHIPPED", (told, host.folder / "none"))
    host.path("a").write_text("shipped")
    assert "originals" not in host.transaction(host.file("a", content="# Managed by Holdfast\n"))
    host.path("a").write_text("edited")
    assert "originals" in host.transaction(host.file("a", content="# Managed by Holdfast\n"))


def test_a_refused_replacement_tells_of_the_copy_when_it_succeeds(host: Any) -> None:
    host.path("a").write_text("theirs")
    with pytest.raises(host.module.Refused):
        host.transaction(host.file("a", content="ours"), test=[["false"]])
    assert host.path("a").read_text() == "theirs"
    done = host.transaction(host.file("a", content="ours"))
    assert done["originals"] == {str(host.path("a")): str(original(host, "a"))}


@pytest.mark.parametrize("name", ["holdfast.conf", "50-holdfast-x.conf"])
def test_files_of_our_name_are_ours(host: Any, name: str) -> None:
    host.path(name).write_text("older form of ours")
    assert "originals" not in host.transaction(host.file(name, content="{}"))


@pytest.mark.parametrize("state", ["masked", "masked-runtime"])
@pytest.mark.parametrize("wanted", [{"enabled": True}, {"state": "started"}, {"enabled": True, "state": "started"}])
@pytest.mark.parametrize("check", [True, False])
def test_a_masked_unit_is_refused_before_any_file_is_touched(
    host: Any, state: str, wanted: dict[str, Any], check: bool
) -> None:
    host.unit("sample.service", UnitFileState=state)
    before = host.tree()
    with pytest.raises(host.module.Refused) as caught:
        host.transaction(host.file("a", content="new\n"), units=[{"name": "sample.service", **wanted}], check=check)
    assert str(caught.value) == (
        "sample.service is masked; `systemctl unmask sample.service` on this host. Nothing was changed."
    )
    assert (host.tree(), host.said()) == (before, [])


@pytest.mark.parametrize("wanted", [{"enabled": False}, {"state": "stopped"}, {}])
def test_a_masked_unit_that_is_to_stay_off_is_as_wanted(host: Any, wanted: dict[str, Any]) -> None:
    host.unit("sample.service", UnitFileState="masked")
    assert host.transaction(units=[{"name": "sample.service", **wanted}])["changed"] is False


def test_a_file_of_ours_takes_the_place_of_a_mask(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host.module, "UNITS", host.path(""))
    host.path("sample.service").symlink_to("/dev/null")
    host.unit("sample.service", UnitFileState="masked")
    host.tool(
        "systemctl",
        (host.folder / "bin/systemctl")
        .read_text()
        .replace("daemon-reload)", "daemon-reload)")
        .replace(
            "case $verb in\n",
            '[ $verb != daemon-reload ] || rm -f "$HOST/units/sample.service/UnitFileState"\ncase $verb in\n',
            1,
        ),
    )
    unit = {"name": "sample.service", "enabled": True, "state": "started"}
    host.unit("sample.service", NeedDaemonReload="yes")
    result = host.transaction(host.file("sample.service", content="[Service]\n"), units=[unit])
    assert result["units_changed"] == ["enable sample.service", "start sample.service"]
    host.unit("sample.service", UnitFileState="masked")
    with pytest.raises(host.module.Refused, match="is masked"):
        host.transaction(host.file("sample.service", state="absent"), units=[unit])
