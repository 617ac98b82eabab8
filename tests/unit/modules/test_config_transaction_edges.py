"""The config transaction where it is rarely looked at: leftovers of a kill, owners, units that die later, secrets."""

from __future__ import annotations

import json
import multiprocessing
import os
import pwd
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.holdfast.platform.plugins.plugin_utils import pack

UNIT = "sample.service"
OTHER = "second.service"
STARTED = [{"name": UNIT, "enabled": True, "state": "started"}]
KILL = "kill -9 $PPID; sleep 5"
SYSTEMD_RUN = "#!/bin/sh\nexit 0\n"


def refused(host: Any, call: Callable[[], Any]) -> str:
    with pytest.raises(host.module.Refused) as caught:
        call()
    return str(caught.value)


def killed(call: Callable[[], Any]) -> None:
    process = multiprocessing.get_context("fork").Process(target=call)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


# ---------------------------------------------------------------- what a kill inside of one write leaves


def test_a_file_that_a_killed_run_had_half_written_does_not_stop_the_next(host: Any) -> None:
    host.path(".a.holdfast").write_text("half")
    host.path(".l.holdfast").symlink_to("/half")
    assert host.transaction(host.file("a", content="x"), host.file("l", state="link", target="/y"))["changed"]
    assert (host.path("a").read_text(), str(host.path("l").readlink())) == ("x", "/y")
    assert sorted(path.name for path in host.path("").iterdir()) == ["a", "l"]


def test_neither_does_a_journal_or_a_copy_that_was_half_written(host: Any) -> None:
    host.path("a").write_text("old")
    killed(lambda: host.transaction(host.file("a", content="bad"), test=[["sh", "-c", KILL]]))
    folder = host.module.STATE / "test"
    for name in (".journal.json.holdfast", ".original-0.holdfast", ".original-1.holdfast"):
        (folder / name).write_text("half")
    result = host.transaction(host.file("a", content="new"))
    assert (result["pending_before"], result["diff"][0]["before"], host.path("a").read_text()) == (True, "old", "new")
    assert not folder.exists()


def test_what_was_put_back_once_is_not_put_back_over_what_somebody_wrote_since(host: Any) -> None:
    host.path("a").write_text("old")
    killed(lambda: host.transaction(host.file("a", content="bad"), test=[["sh", "-c", KILL]]))
    refused(host, lambda: host.transaction(host.file("a", content="worse", check=["false"])))
    assert host.path("a").read_text() == "old"
    host.path("a").write_text("by hand")
    assert (host.transaction()["pending_before"], host.path("a").read_text()) == (False, "by hand")


# ---------------------------------------------------------------- owners and modes


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, int, int]]:
    """Return who becomes the owner of what, in the order in which it happens; also where the tests are not root."""
    seen: list[tuple[str, str, int, int]] = []
    fchmod = os.fchmod

    def name(handle: int) -> str:
        return Path(f"/proc/self/fd/{handle}").readlink().name

    monkeypatch.setattr(os, "fchown", lambda handle, uid, gid: seen.append(("owner", name(handle), uid, gid)))
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: seen.append(("owner", Path(path).name, uid, gid)))

    def note_mode(handle: int, mode: int) -> None:
        seen.append(("mode", name(handle), mode, Path(f"/proc/self/fd/{handle}").stat().st_size))
        fchmod(handle, mode)

    monkeypatch.setattr(os, "fchmod", note_mode)
    return seen


def test_a_file_belongs_to_its_owner_before_it_has_its_mode_and_its_contents(
    host: Any, owners: list[tuple[str, str, int, int]]
) -> None:
    daemon = pwd.getpwnam("daemon")
    host.transaction(host.file("a", content="x", owner="daemon", group="daemon", mode="4750"))
    assert [each for each in owners if each[1] == ".a.holdfast"] == [
        ("owner", ".a.holdfast", daemon.pw_uid, daemon.pw_gid),
        ("mode", ".a.holdfast", 0o4750, 0),
    ]


@pytest.mark.parametrize(("owner", "group"), [("daemon", None), (None, "daemon"), ("4711", "4712")])
def test_one_of_owner_and_group_is_enough_and_a_number_needs_no_account(
    host: Any, owners: list[tuple[str, str, int, int]], owner: str | None, group: str | None
) -> None:
    host.transaction(host.file("a", content="x", owner=owner or host.me, group=group or host.my_group))
    numbers = {None: 0, "daemon": pwd.getpwnam("daemon").pw_uid, "4711": 4711, "4712": 4712}
    uid = os.geteuid() if owner is None else numbers[owner]
    gid = os.getegid() if group is None else numbers[group]
    assert ("owner", ".a.holdfast", uid, gid) in owners


@pytest.mark.parametrize("state", ["file", "directory"])
@pytest.mark.parametrize("who", ["owner", "group"])
def test_an_account_that_is_not_there_is_refused_before_anything_is_made(host: Any, state: str, who: str) -> None:
    wanted = host.file("new", state=state, **{who: "nobody-we-know"})
    message = refused(host, lambda: host.transaction(host.file("a", content="x"), wanted))
    assert message.startswith(f"{who} nobody-we-know of {host.path('new')} does not exist on this host; create it")
    assert list(host.path("").iterdir()) == []


def test_a_link_and_what_is_removed_need_no_account(host: Any) -> None:
    host.path("gone").write_text("x")
    nobody = {"owner": "nobody-we-know", "group": "nobody-we-know"}
    link, gone = host.file("l", state="link", target="/x", **nobody), host.file("gone", state="absent", **nobody)
    assert host.transaction(link, gone)["changed"] is True
    assert [path.name for path in host.path("").iterdir()] == ["l"]


def test_what_is_there_already_gets_its_owner_in_place(host: Any, owners: list[tuple[str, str, int, int]]) -> None:
    daemon = pwd.getpwnam("daemon")
    host.path("a").write_text("x")
    host.path("d").mkdir()
    who = {"owner": "daemon", "group": "daemon"}
    result = host.transaction(host.file("a", content="x", **who), host.file("d", state="directory", **who))
    assert [change["action"] for change in result["changes"]] == ["attributes", "attributes"]
    assert [each for each in owners if each[1] in "ad"] == [
        ("owner", name, daemon.pw_uid, daemon.pw_gid) for name in "ad"
    ]
    mine = f"{os.geteuid()}:{os.getegid()}"
    assert (result["diff"][1]["before"].split()[1], result["diff"][1]["after"].split()) == (
        mine,
        ["0755", f"{daemon.pw_uid}:{daemon.pw_gid}"],
    )


def test_a_folder_that_is_put_back_is_as_it_was(host: Any) -> None:
    host.path("d").mkdir(mode=0o710)
    host.path("gone").mkdir(mode=0o701)
    message = refused(
        host,
        lambda: host.transaction(
            host.file("d", state="directory", mode="0755"), host.file("gone", state="absent"), test=[["false"]]
        ),
    )
    assert "`false` refuses the new configuration: exit code 1" in message
    modes = [stat.S_IMODE(host.path(name).stat().st_mode) for name in ("d", "gone")]
    assert modes == [0o710, 0o701]


def test_copies_of_originals_are_for_root_alone_whatever_their_modes(host: Any) -> None:
    host.path("a").write_text("old")
    host.path("a").chmod(0o644)
    killed(lambda: host.transaction(host.file("a", content="bad"), test=[["sh", "-c", KILL]]))
    folder = host.module.STATE / "test"
    assert (folder / "original-0").read_text() == "old"
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


# ---------------------------------------------------------------- links


def test_the_diff_of_a_link_is_what_it_points_to(host: Any) -> None:
    host.path("link").symlink_to("/old")
    host.path("file").write_text("x")
    result = host.transaction(*[host.file(name, state="link", target="/new") for name in ("link", "file", "fresh")])
    assert [(each["before"], each["after"]) for each in result["diff"]] == [
        ("-> /old\n", "-> /new\n"),
        ("", "-> /new\n"),
        ("", "-> /new\n"),
    ]
    assert host.transaction(host.file("link", state="link", target="/new"))["changed"] is False


# ---------------------------------------------------------------- units


def oneshot(host: Any, remains: str) -> None:
    host.unit(UNIT, Type="oneshot", RemainAfterExit=remains, UnitFileState="enabled", ActiveState="inactive")
    host.unit(UNIT, ConditionTimestampMonotonic="9", ConditionResult="yes", Result="success")


@pytest.mark.parametrize(("remains", "moves"), [("yes", ["start " + UNIT]), ("no", [])])
def test_a_oneshot_unit_that_should_have_remained_was_stopped_by_hand(
    host: Any, remains: str, moves: list[str]
) -> None:
    oneshot(host, remains)
    assert host.transaction(units=STARTED)["units_changed"] == moves


def test_one_that_remains_but_was_excused_by_its_conditions_was_not_stopped(host: Any) -> None:
    oneshot(host, "yes")
    host.unit(UNIT, ConditionResult="no")
    assert host.transaction(units=STARTED)["changed"] is False


@pytest.mark.parametrize(("kind", "told"), [("simple", True), ("exec", True), ("notify", False)])
def test_a_service_that_dies_soon_after_its_start_did_not_come_up(host: Any, kind: str, told: bool) -> None:
    """Of a notify service systemd says that it is up only when it is."""
    host.runs(UNIT)
    host.unit(UNIT, Type=kind)
    host.path("a").write_text("old")
    host.fate(f"grep -q new {host.path('a')}", later=True, ActiveState="failed", Result="exit-code")
    change = host.file("a", content="new", on_change=["restart " + UNIT])
    if told:
        assert f"{UNIT} is failed after its start" in refused(host, lambda: host.transaction(change))
        assert (host.path("a").read_text(), host.property(UNIT, "ActiveState")) == ("old", "active")
    else:
        assert host.transaction(change)["activated"] == ["restart " + UNIT]


@pytest.mark.parametrize(
    ("stale", "said"), [("yes", ["daemon-reload", "restart " + UNIT]), ("no", ["restart " + UNIT])]
)
def test_a_unit_that_a_package_changed_is_read_again_before_it_is_restarted(
    host: Any, stale: str, said: list[str]
) -> None:
    host.runs(UNIT)
    host.unit(UNIT, NeedDaemonReload=stale)
    host.transaction(host.file("a", content="x", on_change=["restart " + UNIT]))
    assert [
        " ".join(line.split()[:2]) if line.startswith("restart") else line.split()[0] for line in host.said()
    ] == said


def test_systemd_that_does_not_answer_is_a_refusal_and_changes_nothing(host: Any) -> None:
    host.tool("systemctl", "#!/bin/sh\necho Failed to connect to bus; exit 1\n")
    message = refused(host, lambda: host.transaction(host.file("a", content="x"), units=STARTED))
    assert message == "systemd does not answer: Failed to connect to bus"
    assert not host.path("a").exists()


@pytest.mark.parametrize("state", ["static", "generated", "transient"])
def test_a_unit_that_nobody_can_disable_is_left_as_it_is(host: Any, state: str) -> None:
    host.runs(UNIT)
    host.unit(UNIT, UnitFileState=state)
    assert host.transaction(units=[{"name": UNIT, "enabled": False, "state": "started"}])["changed"] is False


# ---------------------------------------------------------------- what is taken back


def open_change(host: Any, **more: Any) -> dict[str, Any]:
    """Make a change that has to be confirmed."""
    host.tool("systemd-run", SYSTEMD_RUN)
    given = {"on_change": ["restart " + UNIT], "units": STARTED, "confirm_seconds": 30, "revert": "x", "token": "mine"}
    result: dict[str, Any] = host.transaction(host.file("a", content="new"), **{**given, **more})
    return result


def taken_back(host: Any, boot: bool = False) -> list[str]:
    """Take it back, after a boot or without, and return what systemctl was told."""
    host.said()
    if boot:
        (host.module.RUN / "holdfast-revert-test").unlink()
    host.module.Transaction({"name": "test", "action": "revert", "token": "mine"}, False, False).run()
    return [line for line in host.said() if not line.startswith("stop holdfast-revert")]


def test_a_unit_that_a_killed_restart_left_stopped_did_run_and_is_not_stopped_by_the_way_back(host: Any) -> None:
    host.runs(UNIT)
    host.path("a").write_text("old")
    host.accept(f"echo inactive > $HOST/units/{UNIT}/ActiveState; kill -9 $(cat $HOST/pid)")

    def run() -> None:
        (host.folder / "pid").write_text(str(os.getpid()))
        open_change(host)

    killed(run)
    host.accept("true")
    assert open_change(host)["unconfirmed"] is True
    assert taken_back(host) == ["restart " + UNIT]
    assert (host.path("a").read_text(), host.property(UNIT, "ActiveState")) == ("old", "active")


def test_a_unit_that_ran_without_being_enabled_is_disabled_again_and_runs_on(host: Any) -> None:
    host.runs(UNIT)
    host.unit(UNIT, UnitFileState="disabled")
    host.path("a").write_text("old")
    open_change(host)
    assert taken_back(host) == ["disable " + UNIT, "restart " + UNIT]
    assert (host.property(UNIT, "ActiveState"), host.property(UNIT, "UnitFileState")) == ("active", "disabled")


@pytest.mark.parametrize(
    ("boot", "said"), [(True, ["enable " + UNIT]), (False, ["start " + UNIT, "enable " + UNIT])], ids=["boot", "timer"]
)
def test_a_unit_that_was_stopped_and_disabled_comes_back_with_the_boot_or_at_once(
    host: Any, boot: bool, said: list[str]
) -> None:
    host.runs(UNIT)
    open_change(host, on_change=[], units=[{"name": UNIT, "enabled": False, "state": "stopped"}])
    assert (host.property(UNIT, "ActiveState"), host.property(UNIT, "UnitFileState")) == ("inactive", "disabled")
    assert taken_back(host, boot) == said
    assert host.property(UNIT, "UnitFileState") == "enabled"


def test_a_command_is_no_unit_on_the_way_back(host: Any) -> None:
    host.path("a").write_text("old")
    open_change(host, on_change=["run true"], units=[])
    log = host.folder / "said"
    log.unlink(missing_ok=True)
    host.module.Transaction({"name": "test", "action": "revert", "token": "mine"}, False, False).run()
    assert "show true" not in (log.read_text() if log.exists() else "")
    assert host.path("a").read_text() == "old"


def test_check_mode_asks_about_all_that_can_be_asked_about(host: Any) -> None:
    host.path("a").write_text("good")
    fresh = host.file("b", content="x", check=["/usr/sbin/not-installed", "%s"])
    bad = host.file("a", content="bad", check=["grep", "-q", "good", "%s"])
    assert "refuses the new" in refused(host, lambda: host.transaction(fresh, bad, check=True))


# ---------------------------------------------------------------- commands


def test_a_command_that_does_not_end_is_killed_and_told(host: Any) -> None:
    assert host.module.run(["sleep", "9"], 0) == (124, "sleep 9: no answer within 0 s")


def test_a_command_that_is_missing_is_told(host: Any) -> None:
    assert host.module.run(["no-such-tool", "x"]) == (127, "no-such-tool: No such file or directory")


def test_a_command_reads_nothing_says_both_streams_and_finds_the_programs_of_root(host: Any) -> None:
    code, said = host.module.run(["sh", "-c", "cat; echo out; echo err >&2; echo $LC_ALL $PATH; exit 3"])
    lines = said.splitlines()
    assert (code, lines[:2]) == (3, ["out", "err"])
    assert lines[2].startswith("C.UTF-8 ")
    assert "/usr/sbin" in lines[2].split(":")


# ---------------------------------------------------------------- the program as it is called


SECRET = "correct-horse-battery-staple"


def called(host: Any, **arguments: Any) -> Any:
    """Call the remote half as the controller does and return what it answers."""
    whole = {"name": "test", "files": [], "exclusive": [], "on_change": [], "test": [], "units": [], **arguments}
    return host.module.called(whole, arguments.pop("check", False), diff=True)


def test_a_call_prints_its_result(host: Any) -> None:
    wanted = [host.file("a", content="x")]
    foretold = called(host, files=wanted, check=True)
    assert (foretold["changed"], host.path("a").exists()) == (True, False)
    assert called(host, files=wanted) == foretold
    assert host.path("a").read_text() == "x"


def test_a_refusal_that_quotes_a_secret_file_does_not_show_it(host: Any) -> None:
    check = ["sh", "-c", "echo bad line in $0: $(cat $0); exit 1", "%s"]
    secret = host.file("s", content=f"requirepass {SECRET}\n", secret=True, check=check)
    plain = host.file("a", content="not-a-secret-at-all\n", check=check)
    shown = called(host, files=[secret])
    assert (shown["failed"], shown["changed"]) == (True, False)
    assert "requirepass ********" in shown["msg"]
    assert SECRET not in shown["msg"]
    assert "not-a-secret-at-all" in called(host, files=[plain, host.file("d", state="absent")])["msg"]


def test_a_secret_file_that_is_removed_has_no_words_to_hide(host: Any) -> None:
    host.path("s").mkdir()
    gone = host.file("s", state="absent", secret=True)
    host.path("s/theirs").write_text("x")
    assert "not empty" in called(host, files=[gone])["msg"].lower()


@pytest.mark.parametrize(("secret", "shown"), [("abcdefghijk", True), ("abcdefghijkl", False)])
def test_the_shortest_secret_that_is_allowed_is_hidden(host: Any, secret: str, shown: bool) -> None:
    """Of 12 characters; shorter words are those of every configuration."""
    text = host.module.without_secrets(f"bad value {secret} here", [f"password={secret}"])
    assert text == f"bad value {secret if shown else '********'} here"


def test_a_revert_that_fails_is_tried_again_by_systemd_and_any_other_failure_is_not(
    host: Any,
    load_program: Callable[[Path], Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    host.runs(UNIT)
    host.path("a").write_text("old")
    open_change(host)
    host.accept("false")
    revert = load_program(pack.ROOMS / "revert.py")
    host.move(revert, monkeypatch)
    monkeypatch.setattr("sys.argv", [str(host.module.STATE / "test" / "revert")])
    assert revert.main() == 1
    assert json.loads(capsys.readouterr().out)["failed"] is True
    host.accept("true")
    assert revert.main() == 0
    assert json.loads(capsys.readouterr().out) == {"changed": True}
    assert called(host, files=[host.file("b", content="x")], test=[["false"]])["failed"] is True


def test_the_last_words_of_a_unit_are_those_since_its_start(host: Any) -> None:
    host.tool("journalctl", '#!/bin/sh\necho "$@" >> "$HOST/asked"; echo last words\n')
    host.accept("false")
    began = int(time.time())
    assert "Its journal says:\nlast words" in refused(host, lambda: host.transaction(units=STARTED))
    synced, asked = (host.folder / "asked").read_text().splitlines()
    assert synced == "--sync"
    since = int(asked.partition("--since=@")[2].split()[0])
    assert began <= since <= began + 30
    assert asked.endswith(f"-u {UNIT}")
