"""package_set with pretended dpkg and apt-get: one look, one transaction, lists refreshed only when they must be.

Packages whose names begin with `svc-` bring a service and ask the policy before they start it, as Debian's do.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.loader import action_loader

APT_GET = """#!/bin/sh
for word; do case $word in update|install|remove) verb=$word ;; esac; done
echo "$verb" >> "$HOST/said"
[ ! -s "$HOST/locked" ] || { head -1 "$HOST/locked"; sed -i 1d "$HOST/locked"; exit 100; }
configure() {
    unit=${1#svc-}
    if [ -x "$POLICY" ]; then DPKG_MAINTSCRIPT_PACKAGE=$1 "$POLICY" "$unit" "${2:-start}"; else true; fi
    echo "$1 $?" >> "$HOST/asked"
}
case $verb in
update) touch "$HOST/updated" ;;
install)
    [ -e "$HOST/updated" ] || [ ! -e "$HOST/outdated" ] || { echo "E: Unable to locate package ${word}"; exit 100; }
    [ "$word" != rival ] || [ "$*" = "${*%--no-remove*}" ] || {
        printf 'The following packages will be REMOVED:\n  base\n  old\n0 upgraded\nE: remove is disabled.\n'
        exit 100
    }
    [ "$word" != killed ] || kill -9 $PPID
    for name; do case $name in svc-*) configure "$name" ;; esac; done
    [ "$word" != upgrade ] || configure svc-old restart
    [ ! -e "$HOST/postinst" ] || { cat "$HOST/postinst"; exit 100; }
    [ "$word" != broken ] || { echo noise; echo "E: broken cannot be had"; exit 100; }
    echo "$@" | tr ' ' '\\n' | sed -n '/^--no-remove$/,$p' | sed 1d >> "$HOST/packages" ;;
remove) grep -vx "$word" "$HOST/packages" > "$HOST/kept"; mv "$HOST/kept" "$HOST/packages" ;;
esac
"""


ARGUMENTS: dict[str, Any] = {
    "packages": [],
    "absent": [],
    "seed_files": [],
    "cache_minutes": 60,
    "lock_seconds": 0,
    "hold": True,
    "release": False,
}
SYSTEMCTL = """#!/bin/sh
for unit; do :; done
echo "$*" >> "$HOST/systemctl"
case $1 in
is-system-running) head -1 "$HOST/boot"; [ "$(wc -l < "$HOST/boot")" -lt 2 ] || sed -i 1d "$HOST/boot" ;;
is-active) grep -qx "$unit" "$HOST/active" ;;
show) cat "$HOST/unit-$unit" 2>/dev/null || printf 'ActiveState=inactive\\nUnitFileState=enabled\\n' ;;
start) case "$*" in *bad.service*) echo "Job for bad.service failed because it cannot."; exit 1 ;; esac ;;
esac
"""
DPKG_QUERY = """#!/bin/sh
case $* in
-L*) printf '%s\\n' /. /usr /usr/lib/systemd/system "/usr/lib/systemd/system/${2#svc-}.service" \\
    "/usr/lib/systemd/system/${2#svc-}.socket" "/lib/systemd/system/${2#svc-}-check.timer" \\
    "/usr/lib/systemd/system/${2#svc-}@.service" /usr/lib/systemd/system/x.target.wants/y.service /usr/bin/x.service ;;
*Config-Version*) sed 's/^/installed\\t\\t/' $HOST/packages; cat "$HOST/half" ;;
*) sed 's/^/installed /' $HOST/packages; sed 's/\\t.*\\t/ /' "$HOST/half" ;;
esac
"""


class Machine:
    def __init__(self, folder: Path, module: ModuleType) -> None:
        self.folder, self.module = folder, module

    def has(self, *names: str) -> None:
        (self.folder / "packages").write_text("".join(f"{name}\n" for name in names))

    def wants(self, *names: str, check: bool = False, **more: Any) -> dict[str, Any]:
        arguments = {**ARGUMENTS, "packages": list(names), **more}
        result: dict[str, Any] = self.module.act(arguments, check, True)
        return result

    def said(self) -> list[str]:
        log = self.folder / "said"
        return log.read_text().split() if log.exists() else []

    def asked(self) -> list[str]:
        """Return which services Debian wanted to start, each with what the policy said: 101 forbids."""
        log = self.folder / "asked"
        return log.read_text().splitlines() if log.exists() else []

    def systemctl(self) -> list[str]:
        return [
            line
            for line in (self.folder / "systemctl").read_text().splitlines()
            if not line.startswith(("is-", "show"))
        ]

    def put(self, name: str, text: str, mode: int = 0o644) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load_module: Callable[[str], ModuleType]) -> Machine:
    module = load_module("package_set")
    tools = {
        "apt-get": APT_GET,
        "dpkg": "#!/bin/sh\n[ ! -e $HOST/dpkg-says ] || { cat $HOST/dpkg-says; exit 1; }\n",
        "dpkg-query": DPKG_QUERY,
        "systemctl": SYSTEMCTL,
        "journalctl": '#!/bin/sh\nfor unit; do :; done; echo "$unit: address family not supported"\n',
    }
    for name, text in tools.items():
        tool = tmp_path / "bin" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(text)
        tool.chmod(0o755)
    (tmp_path / "lists/partial").mkdir(parents=True)
    (tmp_path / "lists/x_Release").touch()
    for name, path in (
        ("LISTS", "lists"),
        ("STATE", "state"),
        ("HELD", "state/held-services"),
        ("POLICY", "policy"),
        ("THEIRS", "policy.theirs"),
    ):
        monkeypatch.setattr(module, name, tmp_path / path)
    monkeypatch.setattr(module, "LOCKS", (tmp_path / "lock-frontend", tmp_path / "lists/lock"))
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.05)
    monkeypatch.setenv("POLICY", str(tmp_path / "policy"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("HOST", str(tmp_path))
    made = Machine(tmp_path, module)
    made.has("base", "old")
    made.put("half", "config-files\t1.0\tgone\n")
    made.put("boot", "running\n")
    made.put("active", "")
    return made


def test_nothing_missing_asks_apt_nothing(machine: Machine) -> None:
    result = machine.wants("base")
    assert (result["changed"], result["installed"], machine.said()) == (False, [], [])


def test_what_is_missing_comes_in_one_transaction_without_a_refresh(machine: Machine) -> None:
    result = machine.wants("base", "one", "two")
    assert (result["changed"], result["installed"]) == (True, ["one", "two"])
    assert machine.said() == ["install"]
    assert result["ansible_facts"]["installed_packages"] == ["base", "old", "one", "two"]
    assert result["diff"]["prepared"] == "+ one\n+ two\n"
    assert machine.wants("one", "two")["changed"] is False


def test_a_removed_package_whose_configuration_stayed_is_missing(machine: Machine) -> None:
    assert machine.wants("gone", check=True)["installed"] == ["gone"]


def test_old_lists_are_refreshed_first(machine: Machine) -> None:
    past = time.time() - 7200
    for path in (machine.folder / "lists").iterdir():
        os.utime(path, (past, past))
    machine.wants("one")
    assert machine.said() == ["update", "install"]


def test_lists_that_were_never_fetched_are_refreshed_although_their_folder_is_new(machine: Machine) -> None:
    (machine.folder / "lists/x_Release").unlink()
    machine.wants("one")
    assert machine.said() == ["update", "install"]


def test_lists_that_prove_outdated_are_refreshed_and_it_is_tried_again(machine: Machine) -> None:
    (machine.folder / "outdated").touch()
    assert machine.wants("one")["installed"] == ["one"]
    assert machine.said() == ["install", "update", "install"]


def test_a_refusal_says_apts_errors_alone(machine: Machine) -> None:
    with pytest.raises(machine.module.Refused) as caught:
        machine.wants("broken")
    assert "E: broken cannot be had" in str(caught.value)
    assert "noise" not in str(caught.value)


def test_nothing_is_removed_to_make_room(machine: Machine) -> None:
    with pytest.raises(machine.module.Refused, match=r"^rival cannot be installed beside base, old;"):
        machine.wants("rival")


def test_unwanted_packages_are_removed(machine: Machine) -> None:
    result = machine.wants(absent=["old", "never-there"])
    assert (result["removed"], result["diff"]["prepared"]) == (["old"], "- old\n")
    assert machine.wants(absent=["old"])["changed"] is False


def test_seed_files_are_written_before_the_first_installation_only(machine: Machine) -> None:
    theirs, ours = machine.folder / "theirs", machine.folder / "new/ours"
    theirs.write_text("kept")
    seeds = [{"dest": str(theirs), "content": "x"}, {"dest": str(ours), "content": "y"}]
    machine.wants("base", seed_files=seeds)
    assert not ours.exists()
    machine.wants("one", seed_files=seeds)
    assert (theirs.read_text(), ours.read_text()) == ("kept", "y")


def test_check_mode_changes_nothing(machine: Machine) -> None:
    result = machine.wants("one", check=True, absent=["old"], seed_files=[{"dest": "/nowhere", "content": ""}])
    assert (result["installed"], result["removed"], machine.said()) == (["one"], ["old"], [])


def test_services_of_new_packages_are_held_back_and_started_at_the_end(machine: Machine) -> None:
    result = machine.wants("svc-one", "svc-two", "plain")
    assert machine.asked() == ["svc-one 101", "svc-two 101"]
    assert result["ansible_facts"]["held_units"] == [
        *("one.service", "one.socket", "one-check.timer"),
        *("two.service", "two.socket", "two-check.timer"),
    ]
    for name in ("one.socket", "two.socket", "one-check.timer"):
        machine.put(f"unit-{name}", "ActiveState=inactive\nUnitFileState=disabled\n")
    assert not machine.module.POLICY.exists()
    machine.put("unit-two.service", "ActiveState=active\nUnitFileState=enabled\n")  # its role has started it
    released = machine.wants(release=True)
    assert (released["changed"], released["started"]) == (True, ["one.service", "two-check.timer"])
    assert released["diff"]["prepared"] == "start one.service\nstart two-check.timer\n"
    assert released["ansible_facts"]["held_units"] == []
    assert machine.systemctl() == ["start one.service two-check.timer"]
    assert machine.wants(release=True)["changed"] is False
    assert machine.systemctl() == ["start one.service two-check.timer"]


@pytest.mark.parametrize(
    ("state", "starts"),
    [
        ("ActiveState=inactive\nUnitFileState=enabled\n", True),
        ("ActiveState=inactive\nUnitFileState=generated\n", True),
        ("ActiveState=inactive\nUnitFileState=disabled\n", False),
        ("ActiveState=inactive\nUnitFileState=masked\n", False),
        ("ActiveState=inactive\nUnitFileState=\n", False),
        ("ActiveState=failed\nUnitFileState=enabled\n", False),
        ("ActiveState=active\nUnitFileState=enabled\n", False),
    ],
)
def test_only_what_debian_would_have_started_is_started(machine: Machine, state: str, starts: bool) -> None:
    machine.wants("svc-one")
    machine.put("unit-one.service", state)
    machine.module.HELD.write_text("one.service\n")
    assert machine.wants(release=True)["changed"] is starts
    assert machine.systemctl() == (["start one.service"] if starts else [])


def test_check_mode_tells_what_would_be_started(machine: Machine) -> None:
    machine.wants("svc-one")
    result = machine.wants(release=True, check=True)
    units = ["one.service", "one.socket", "one-check.timer"]
    assert (result["started"], machine.systemctl()) == (units, [])
    assert result["ansible_facts"]["held_units"] == units


def test_one_that_does_not_start_is_told_and_the_others_start(machine: Machine) -> None:
    machine.wants("svc-bad", "svc-good")
    machine.module.HELD.write_text("bad.service\ngood.service\n")
    result = machine.wants(release=True)
    assert result["started"] == ["bad.service", "good.service"]
    assert result["warnings"][0].splitlines() == [
        "`systemctl start bad.service good.service` failed: Job for bad.service failed because it cannot.",
        "the journal of bad.service says:",
        "bad.service: address family not supported",
    ]
    assert machine.module.held_units() == []


def test_services_that_are_known_or_run_are_restarted(machine: Machine) -> None:
    """An upgrade in the same transaction: neither may stay down for our sake, nor run with its old program."""
    machine.has("base", "svc-old")
    machine.put("active", "running.service\n")
    machine.wants("svc-running", "svc-new", "upgrade")
    assert machine.asked() == ["svc-new 101", "svc-running 0", "svc-old 0"]


def test_what_others_need_meanwhile_and_what_listens_nowhere_starts(machine: Machine) -> None:
    machine.wants("svc-dbus", "svc-systemd-x", "svc-cron", "svc-log.timer", "svc-docker.socket")
    assert machine.asked() == [
        "svc-cron 0",
        "svc-dbus 0",
        "svc-docker.socket 101",
        "svc-log.timer 0",
        "svc-systemd-x 0",
    ]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("half-configured\t\tsvc-x", 101),  # never in service
        ("unpacked\t\tsvc-x", 101),
        ("half-configured\t1.0\tsvc-x", 0),  # an upgrade that died in the middle
        ("unpacked\t1.0\tsvc-x", 0),
        ("half-installed\t1.0\tsvc-x", 0),
        ("triggers-pending\t\tsvc-x", 0),
        ("triggers-awaited\t\tsvc-x", 0),
        ("config-files\t1.0\tsvc-x", 101),  # removed long ago
    ],
)
def test_what_a_killed_dpkg_left_is_new_when_it_never_was_in_service(machine: Machine, row: str, code: int) -> None:
    machine.put("half", f"{row}\n")
    machine.wants("svc-x")
    assert machine.asked() == [f"svc-x {code}"]


def test_services_can_be_let_start(machine: Machine) -> None:
    result = machine.wants("svc-one", hold=False)
    assert (machine.asked(), result["ansible_facts"]["held_units"]) == (["svc-one 0"], [])


def test_the_policy_of_the_operator_stays_in_force(machine: Machine) -> None:
    text = '#!/bin/sh\ncase "$*" in *theirs*) exit 101 ;; *known*) exit 42 ;; esac\n'
    policy = machine.put("policy", text, 0o755)
    machine.has("base", "svc-theirs", "svc-known")
    machine.wants("svc-new", "upgrade")
    assert machine.asked()[0] == "svc-new 101"
    assert policy.read_text() == text
    assert not machine.module.THEIRS.exists()
    with machine.module.services_held_back() as variables:
        for name, code in (("theirs", 101), ("known", 42)):
            more = {**os.environ, **variables, "DPKG_MAINTSCRIPT_PACKAGE": f"svc-{name}"}
            assert subprocess.run([policy, "--quiet", name, "start"], check=False, env=more).returncode == code
        assert subprocess.run([policy, "theirs", "start"], check=False).returncode == 101
    assert policy.read_text() == text


def test_a_link_to_a_policy_comes_back_as_a_link(machine: Machine) -> None:
    machine.put("elsewhere", "#!/bin/sh\nexit 0\n", 0o755)
    machine.module.POLICY.symlink_to(machine.folder / "elsewhere")
    machine.wants("svc-new")
    assert machine.asked() == ["svc-new 101"]
    assert machine.module.POLICY.readlink() == machine.folder / "elsewhere"


@pytest.mark.parametrize("theirs", [None, "#!/bin/sh\nexit 101\n"])
def test_what_a_killed_run_leaves_blocks_nothing_and_is_cleared_away(machine: Machine, theirs: str | None) -> None:
    policy: Path = machine.module.POLICY
    if theirs:
        machine.put("policy", theirs, 0o755)
    killed = machine.module.services_held_back()
    killed.__enter__()  # and never left
    assert "Managed by Holdfast" in policy.read_text()
    left = subprocess.run([policy, "nginx", "start"], check=False, env={"PATH": os.environ["PATH"]})
    assert left.returncode == (101 if theirs else 0)
    machine.wants("svc-one")
    assert machine.asked() == ["svc-one 101"]
    assert (policy.read_text() if policy.exists() else None) == theirs


def test_the_policy_is_asked_to_stop_and_to_list(machine: Machine) -> None:
    with machine.module.services_held_back() as variables:
        for words, code in ((["nginx", "stop"], 0), (["nginx", "restart"], 101), (["--list", "nginx"], 0)):
            more = {**os.environ, **variables, "DPKG_MAINTSCRIPT_PACKAGE": "nginx"}
            assert subprocess.run([machine.module.POLICY, *words], check=False, env=more).returncode == code


@contextmanager
def lock_held(path: Path, seconds: float) -> Iterator[int]:
    """Hold a lock as dpkg does, in a process of its own, and yield its number."""
    program = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print(); "
        "sys.stdout.flush(); time.sleep(float(sys.argv[2]))"
    )
    argv = [sys.executable, "-c", program, str(path), str(seconds)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        try:
            yield holder.pid
        finally:
            holder.kill()


@pytest.mark.parametrize("name", ["lock-frontend", "lists/lock"])
def test_who_works_on_packages_is_waited_for_and_named(machine: Machine, name: str) -> None:
    with lock_held(machine.folder / name, 0.4) as pid:
        result = machine.wants("one", lock_seconds=30)
    assert result["installed"] == ["one"]
    comm = Path("/proc/self/comm").read_text().strip()[:6]
    [warning] = result["warnings"]
    assert warning.startswith(f"waited 0 s for {comm}")
    assert f"(pid {pid}), which had {machine.folder / name}" in warning


def test_who_never_ends_is_named_and_nothing_is_tried(machine: Machine) -> None:
    with lock_held(machine.folder / "lock-frontend", 60) as pid, pytest.raises(machine.module.Refused) as caught:
        machine.wants("one", lock_seconds=0)
    assert f"(pid {pid}) has had {machine.folder / 'lock-frontend'} for the 0 s" in str(caught.value)
    assert "let it end, or stop it, then run this again" in str(caught.value)
    assert machine.said() == []


def test_locks_that_nobody_has_are_not_waited_for(machine: Machine) -> None:
    (machine.folder / "lock-frontend").touch()
    with (machine.folder / "lists/lock").open("w") as mine:
        fcntl.lockf(mine, fcntl.LOCK_EX)  # one's own is none to wait for
        assert "warnings" not in machine.wants("one")


@pytest.mark.parametrize(
    "words",
    [
        "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 812 (apt-get)",
        "E: Unable to lock directory /var/lib/apt/lists/",
        "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
        "dpkg: error: dpkg frontend lock was locked by another process with pid 812",
    ],
)
def test_somebody_who_came_first_is_waited_for(machine: Machine, words: str) -> None:
    machine.put("locked", f"{words}\n{words}\n")
    result = machine.wants("one", lock_seconds=30)
    assert machine.said() == ["install", "install", "install"]
    assert result["warnings"] == ["waited 0 s for a process that came first"]
    machine.put("locked", f"{words}\n" * 99)
    with pytest.raises(machine.module.Refused, match="failed: "):
        machine.wants("two", lock_seconds=0)


def test_a_host_that_is_still_starting_is_waited_for(machine: Machine) -> None:
    machine.put("boot", "initializing\nstarting\ndegraded\n")
    [warning] = machine.wants("one", lock_seconds=30)["warnings"]
    assert warning.startswith("waited 0 s for the host, which is still starting")
    assert machine.said() == ["install"]


def test_a_boot_that_never_ends_stops_nothing(machine: Machine) -> None:
    machine.put("boot", "starting\n")
    result = machine.wants("one", lock_seconds=1)
    assert (result["installed"], len(result["warnings"])) == (["one"], 1)


def test_who_comes_after_a_boot_that_never_ends_has_the_whole_time_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(machine.module, "boots", lambda: True)

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(machine.module, "time", SimpleNamespace(monotonic=lambda: clock[0], sleep=sleep))
    patience = machine.module.Patience(10)
    patience.wait_for_boot()
    assert 10 <= clock[0] < 10.1
    clock[0] += 9.8
    assert not patience.over()
    clock[0] += 0.2
    assert patience.over()


def test_a_process_out_of_sight_has_its_number_alone(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.module, "Path", lambda _path: machine.folder / "nowhere")
    with lock_held(machine.folder / "lock-frontend", 60) as pid:
        assert machine.module.holder_of(machine.folder / "lock-frontend") == f"a process (pid {pid})"


FAILED = """\
Selecting previously unselected package nginx.
Setting up libssl3t64 (3.5.1-1) ...
Setting up nginx (1.26.3-3+deb13u1) ...
Job for nginx.service failed because the control process exited with error code.
nginx: [emerg] socket() [::]:80 failed (97: Address family not supported by protocol)

dpkg: error processing package nginx (--configure):
 installed nginx package post-installation script subprocess returned error exit status 1
Processing triggers for man-db (2.13.1-1) ...
Errors were encountered while processing:
 nginx
E: Sub-process /usr/bin/dpkg returned an error code (1)
"""
REASONS = [
    "Setting up nginx (1.26.3-3+deb13u1) ...",
    "Job for nginx.service failed because the control process exited with error code.",
    "nginx: [emerg] socket() [::]:80 failed (97: Address family not supported by protocol)",
    "dpkg: error processing package nginx (--configure):",
    " installed nginx package post-installation script subprocess returned error exit status 1",
    "E: Sub-process /usr/bin/dpkg returned an error code (1)",
    "the journal of nginx.service says:",
    "nginx.service: address family not supported",
]


def test_a_package_that_fails_to_configure_says_why(machine: Machine) -> None:
    machine.put("postinst", FAILED)
    with pytest.raises(machine.module.Refused) as caught:
        machine.wants("nginx")
    first, *more = str(caught.value).splitlines()
    assert first == f"`apt-get -y -q install --no-install-recommends --no-remove nginx` failed: {REASONS[0]}"
    assert more == REASONS[1:]
    assert machine.said() == ["install"]


def test_what_an_earlier_run_left_half_configured_says_why_too(machine: Machine) -> None:
    machine.put("dpkg-says", FAILED.split("man-db", maxsplit=1)[0])
    with pytest.raises(machine.module.Refused) as caught:
        machine.wants("one")
    first, *more = str(caught.value).splitlines()
    assert first == f"`dpkg --configure -a` failed: {REASONS[0]}"
    assert more == REASONS[1:5] + REASONS[6:]


def test_of_a_long_story_the_end_is_told(machine: Machine) -> None:
    lines = [
        "Setting up x (1) ...",
        *(f"step {n}" for n in range(40)),
        "dpkg: error processing package x (--configure):",
    ]
    assert machine.module.said_by("\n".join(lines)) == [*(f"step {n}" for n in range(25, 40)), lines[-1]]


def test_without_a_known_word_the_last_lines_are_told(machine: Machine) -> None:
    assert str(machine.module.refusal(["x"], "\n".join(map(str, range(20))))) == "`x` failed: " + "\n".join(
        map(str, range(5, 20))
    )


def test_dpkg_query_that_fails_is_told(machine: Machine) -> None:
    machine.put("bin/dpkg-query", "#!/bin/sh\necho no database; exit 2\n", 0o755)
    for ask in (machine.module.installed_packages, machine.module.known_packages):
        with pytest.raises(machine.module.Refused, match="dpkg-query failed: no database"):
            ask()


def test_seed_files_can_be_read_by_their_packages_whatever_the_umask_is(machine: Machine) -> None:
    before = os.umask(0o077)
    try:
        machine.wants("one", seed_files=[{"dest": str(machine.folder / "a/b/file"), "content": "y"}])
    finally:
        os.umask(before)
    modes = [(machine.folder / name).stat().st_mode & 0o777 for name in ("a", "a/b", "a/b/file")]
    assert modes == [0o755, 0o755, 0o644]


def test_seed_files_go_into_a_folder_that_exists_and_into_deep_new_ones(machine: Machine) -> None:
    (machine.folder / "there").mkdir()
    seeds = [{"dest": str(machine.folder / name), "content": name} for name in ("there/x", "a/b/c/y")]
    machine.wants("one", seed_files=seeds)
    assert [(machine.folder / name).read_text() for name in ("there/x", "a/b/c/y")] == ["there/x", "a/b/c/y"]


def test_a_failure_that_is_no_fault_of_the_lists_refreshes_nothing(machine: Machine) -> None:
    with pytest.raises(machine.module.Refused):
        machine.wants("broken")
    assert machine.said() == ["install"]


def test_lists_that_were_refreshed_are_not_refreshed_again(machine: Machine) -> None:
    (machine.folder / "lists/x_Release").unlink()
    machine.put(
        "bin/apt-get",
        '#!/bin/sh\nfor verb; do :; done; echo "$verb" >> $HOST/said\n'
        'case "$*" in *update*) ;; *) echo "E: Unable to locate package one"; exit 100 ;; esac\n',
        0o755,
    )
    with pytest.raises(machine.module.Refused, match="Unable to locate package one"):
        machine.wants("one")
    assert machine.said() == ["update", "one"]


@pytest.mark.parametrize(("age", "refreshed"), [(3500, False), (3700, True)])
def test_the_bound_of_the_age_of_lists(machine: Machine, age: int, refreshed: bool) -> None:
    past = time.time() - age
    for path in (machine.folder / "lists").iterdir():
        os.utime(path, (past, past))
    machine.wants("one", cache_minutes=60)
    assert ("update" in machine.said()) is refreshed


@pytest.mark.parametrize("diff", [True, False])
def test_a_diff_is_there_only_when_it_is_asked_for(machine: Machine, diff: bool) -> None:
    assert ("diff" in machine.module.act({**ARGUMENTS, "packages": ["one"]}, True, diff)) is diff
    assert "diff" not in machine.module.act({**ARGUMENTS, "packages": ["base"]}, True, diff)


def test_apt_and_dpkg_are_asked_without_questions_and_keep_edited_files(machine: Machine) -> None:
    machine.put("bin/apt-get", '#!/bin/sh\necho "$DEBIAN_FRONTEND $LC_ALL $NEEDRESTART_MODE $*" >> $HOST/call\n', 0o755)
    machine.wants("one")
    [call] = (machine.folder / "call").read_text().splitlines()
    assert call.startswith("noninteractive C.UTF-8 l -y -q -o DPkg::Lock::Timeout=5 -o Dpkg::Options::=--force-confold")
    assert call.endswith("install --no-install-recommends --no-remove one")


@pytest.fixture
def called(machine: Machine) -> Callable[..., Any]:
    """Call the remote half as the controller does."""

    def call(check: bool = False, diff: bool = False, **arguments: Any) -> Any:
        return machine.module.called({**ARGUMENTS, **arguments}, check, diff)

    return call


def test_main_installs_and_tells(machine: Machine, called: Callable[..., Any]) -> None:
    assert called(packages=["one"], check=True)["installed"] == ["one"]
    assert machine.said() == []
    done = called(packages=["one"])
    assert (done["changed"], done["installed"], "diff" in done) == (True, ["one"], False)
    assert called(packages=["one", "two"], diff=True)["diff"] == {"prepared": "+ two\n"}


def test_main_turns_a_refusal_into_a_failure(machine: Machine, called: Callable[..., Any]) -> None:
    failed = called(packages=["broken"])
    assert (failed["failed"], failed["changed"]) == (True, False)
    assert "E: broken cannot be had" in failed["msg"]
    (machine.folder / "lists/partial").rmdir()
    (machine.folder / "lists/x_Release").rename(machine.folder / "lists/y_Release")
    assert "lists/partial" in called(packages=["two"])["msg"]  # not a traceback


def test_a_policy_is_never_missing_while_another_takes_its_place(machine: Machine) -> None:
    """Somebody else's apt may ask at any moment."""
    policy = machine.put("policy", "#!/bin/sh\nexit 101\n", 0o755)
    gone: list[bool] = []
    end = threading.Event()

    def look() -> None:
        while not end.is_set():
            gone.append(not policy.exists())

    watcher = threading.Thread(target=look)
    watcher.start()
    for _time in range(50):
        with machine.module.services_held_back():
            pass
    end.set()
    watcher.join()
    assert not any(gone)


@pytest.fixture
def controller() -> Callable[..., Any]:
    """Ask the controller's half with facts; it answers itself, or says what it calls."""
    plugin = action_loader.get("package_set", class_only=True)
    assert plugin is not None
    action = plugin.__new__(plugin)
    action.call = lambda module, arguments, _vars: (module, arguments)

    def call(facts: dict[str, Any], **arguments: Any) -> Any:
        return action.act({**ARGUMENTS, **arguments}, {"ansible_facts": facts})

    return call


@pytest.mark.parametrize(
    ("facts", "arguments", "asks"),
    [
        ({"installed_packages": ["a", "b"]}, {"packages": ["a"]}, False),
        ({"installed_packages": ["a"]}, {"packages": ["a", "b"]}, True),
        ({"installed_packages": ["a"]}, {"absent": ["a"]}, True),
        ({"installed_packages": ["a"]}, {"absent": ["b"]}, False),
        ({}, {"packages": []}, True),
        ({"installed_packages": ["a"], "held_units": []}, {"release": True}, False),
        ({"installed_packages": ["a"], "held_units": ["x.service"]}, {"release": True}, True),
        ({"installed_packages": ["a"], "held_units": ["x.service"]}, {}, False),
        ({"installed_packages": ["a"]}, {"release": True}, True),  # facts of somebody else
    ],
)
def test_the_host_is_asked_only_for_what_the_facts_do_not_tell(
    controller: Callable[..., Any], facts: dict[str, Any], arguments: dict[str, Any], asks: bool
) -> None:
    answer = controller(facts, **arguments)
    assert answer == (
        ("package_set", {**ARGUMENTS, **arguments})
        if asks
        else {"changed": False, "installed": [], "removed": [], "started": []}
    )
