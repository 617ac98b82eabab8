"""run-job as a real process: what its command does, what is kept of it, and what ends it."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.holdfast.platform.plugins.plugin_utils import pack

SECRET = "wrong-horse-battery"
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
# The folders that a test changes in the program
PLACES = {"/etc/holdfast/jobs": "etc", "/var/lib/holdfast/jobs": "lib", "/var/log/holdfast/jobs": "log"}


class Jobs:
    """The program, written as it is on hosts, with folders of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.program = folder, folder / "run-job"
        text = pack.program(pack.ROOMS / "run_job.py")
        self.program.write_text(text)
        for old, new in PLACES.items():
            self.change(old, f"{folder}/{new}")
        (folder / "etc").mkdir()

    def change(self, old: str, new: str) -> None:
        text = self.program.read_text()
        assert old in text
        self.program.write_text(text.replace(old, new))

    def define(self, *argv: str, name: str = "app-clean", **more: Any) -> None:
        said = {"argv": list(argv), "timeout_seconds": 20, "schedule": "0 3 * * *", "stop_argv": []}
        said |= {"environment_file": "", "hidden_files": [], **more}
        (self.folder / f"etc/{name}.json").write_text(json.dumps(said))

    def shell(self, script: str, **more: Any) -> None:
        self.define("sh", "-c", script, **more)

    def begin(self, name: str = "app-clean", **more: Any) -> subprocess.Popen[str]:
        argv = [sys.executable, str(self.program), name]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def run(self, name: str = "app-clean", **more: Any) -> tuple[int, str, str]:
        process = self.begin(name, **more)
        out, err = process.communicate(timeout=30)
        return process.returncode, out, err

    def record(self, name: str = "app-clean") -> dict[str, Any]:
        return dict(json.loads((self.folder / f"lib/{name}.json").read_text()))

    def log(self, name: str = "app-clean") -> str:
        return (self.folder / f"log/{name}.log").read_text()

    def wait_for(self, name: str) -> str:
        """Wait until the command has written a file."""
        path, ends = self.folder / name, time.monotonic() + 20
        while not path.exists() or not path.read_text().strip():
            assert time.monotonic() < ends
            time.sleep(0.02)
        return path.read_text().strip()


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return Jobs(tmp_path)


def lives(pid: str) -> bool:
    """Tell whether a process is there; one that nobody has buried is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


@pytest.fixture
def orphans() -> Iterator[list[str]]:
    """End what a test leaves behind on purpose."""
    pids: list[str] = []
    yield pids
    for pid in filter(lives, pids):
        os.kill(int(pid), signal.SIGKILL)


# ---------------------------------------------------------------- how it ends


def test_a_run_that_succeeds(jobs: Jobs) -> None:
    jobs.shell("echo one; echo two >&2; pwd")
    code, out, err = jobs.run()
    assert (code, err) == (0, "")
    said = r"succeeded with exit code 0 after \d+\.\d s"
    assert re.fullmatch(f"app-clean: {said}; {jobs.folder}/log/app-clean.log has what it said\n", out)
    lines = jobs.log().splitlines()
    assert [line.partition("Z] ")[2] or line for line in lines[:-1]] == ["begins", "one", "two", "/"]
    assert re.fullmatch(rf"\[{MOMENT}\] {said}", lines[-1])
    found = jobs.record()
    assert {name: found[name] for name in ("result", "exit_code", "counts")} == {
        "result": "succeeded",
        "exit_code": 0,
        "counts": {"succeeded": 1},
    }
    assert found["last_success"] == found["finished"] >= found["started"] >= found["since"][:10]
    assert 0 <= found["seconds"] < 15
    assert "last_lines" not in found
    modes = [(jobs.folder / path).stat().st_mode & 0o777 for path in ("lib", "lib/app-clean.json", "log/app-clean.log")]
    assert modes == [0o700, 0o600, 0o600]


@pytest.mark.parametrize(
    ("script", "code"), [("exit 3", 3), ("kill -9 $$", 137), ("kill -15 $$", 143), ("exit 124", 124), ("exit 255", 255)]
)
def test_a_run_that_fails_has_the_code_of_its_command_and_keeps_its_last_lines(
    jobs: Jobs, script: str, code: int
) -> None:
    jobs.shell(f"seq 30; {script}")
    assert jobs.run()[0] == code
    found = jobs.record()
    assert (found["result"], found["exit_code"], found["counts"]) == ("failed", code, {"failed": 1})
    assert found["last_lines"] == [str(number) for number in range(11, 31)]
    assert "last_success" not in found


def test_what_is_known_of_earlier_runs_stays(jobs: Jobs) -> None:
    jobs.shell("true")
    jobs.run()
    first = jobs.record()
    jobs.shell("echo no; false")
    code, out, _err = jobs.run()
    assert code == 1
    assert out.startswith("app-clean: no\napp-clean: failed with exit code 1 after ")
    second = jobs.record()
    assert (second["last_success"], second["since"]) == (first["last_success"], first["since"])
    assert second["counts"] == {"succeeded": 1, "failed": 1}
    jobs.shell("true")
    jobs.run()
    assert jobs.record()["counts"] == {"succeeded": 2, "failed": 1}
    assert "last_lines" not in jobs.record()


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (["no-such-program", "a"], 127, "no-such-program: No such file or directory"),
        (["/etc/passwd"], 126, "/etc/passwd: Permission denied"),
        (["echo", "a\0b"], 126, "echo: embedded null byte"),
    ],
)
def test_a_command_that_cannot_be_started_has_failed(jobs: Jobs, argv: list[str], code: int, said: str) -> None:
    jobs.define(*argv)
    assert jobs.run()[0] == code
    assert (jobs.record()["result"], jobs.record()["last_lines"]) == ("failed", [said])


def test_the_command_reads_nothing_and_has_the_same_environment_whoever_runs_it(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "an operator's")
    (jobs.folder / "env").write_text("# A=1\n\nURL=postgresql://shop@db/x?a=b\nEMPTY=\n")
    jobs.shell("cat; env | grep -v -e PWD -e SHLVL -e ^_= | sort", environment_file=f"{jobs.folder}/env")
    jobs.run(stdin=subprocess.PIPE)
    assert jobs.log().splitlines()[1:-1] == [
        "EMPTY=",
        "HOME=/root",
        "LC_ALL=C.UTF-8",
        "PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin",
        "URL=********",
    ]


# ---------------------------------------------------------------- time


def test_a_run_that_takes_too_long_is_ended_with_all_its_processes(jobs: Jobs) -> None:
    """One process of the group ignores SIGTERM; what is elsewhere is ended by the command that is there for it."""
    jobs.change("TERM_SECONDS = 10", "TERM_SECONDS = 0.5")
    stubborn = f"trap '' TERM; echo $$ > {jobs.folder}/stubborn; while :; do sleep 0.1; done"
    jobs.shell(
        f"""sh -c "{stubborn.replace("$$", chr(92) + "$$")}" & sleep 60 & echo $! > {jobs.folder}/mild; wait""",
        timeout_seconds=1,
        stop_argv=["sh", "-c", f"echo container removed; touch {jobs.folder}/stopped; exit 3"],
    )
    began = time.monotonic()
    code, out, _err = jobs.run()
    assert code == 124
    assert 1.5 <= time.monotonic() - began < 15
    assert "app-clean: timed out with exit code 124 after " in out
    assert not lives((jobs.folder / "stubborn").read_text().strip())
    assert not lives((jobs.folder / "mild").read_text().strip())
    assert (jobs.folder / "stopped").exists()
    assert "container removed\n" in jobs.log()
    assert "sh, which ends what is left, had exit code 3\n" in jobs.log()
    found = jobs.record()
    assert (found["result"], found["exit_code"], found["counts"]) == ("timed out", 124, {"timed out": 1})
    assert found["last_lines"] == ["container removed"]


def test_a_command_that_ends_when_it_is_asked_to_says_its_last_words(jobs: Jobs) -> None:
    jobs.shell("trap 'echo cleaned up; exit 0' TERM; while :; do sleep 0.1; done", timeout_seconds=1)
    assert jobs.run()[0] == 124
    assert "\ncleaned up\n" in jobs.log()


def test_what_a_command_leaves_in_its_group_ends_with_it(jobs: Jobs) -> None:
    jobs.shell(f"sleep 60 & echo $! > {jobs.folder}/left; stopped=no", stop_argv=["touch", f"{jobs.folder}/stopped"])
    assert jobs.run()[0] == 0
    assert not lives((jobs.folder / "left").read_text().strip())
    assert not (jobs.folder / "stopped").exists()  # it is for what was cut off


def test_a_daemon_that_a_command_leaves_keeps_neither_the_run_nor_the_lock(jobs: Jobs, orphans: list[str]) -> None:
    jobs.shell(f"setsid sh -c 'echo $$ > {jobs.folder}/daemon; exec sleep 60' & sleep 0.3; echo done")
    began = time.monotonic()
    assert jobs.run()[0] == 0
    orphans.append(jobs.wait_for("daemon"))
    assert time.monotonic() - began < 15
    assert lives(orphans[0])
    jobs.shell("true")
    assert jobs.run()[0] == 0


def test_a_command_that_closes_its_output_is_waited_for(jobs: Jobs) -> None:
    jobs.shell("exec >&- 2>&-; sleep 0.5; exit 7")
    assert jobs.run()[0] == 7
    assert jobs.record()["seconds"] >= 0.5


# ---------------------------------------------------------------- one at a time, and runs that are cut off


def test_a_run_is_skipped_while_the_one_before_goes(jobs: Jobs) -> None:
    jobs.shell(f"echo x > {jobs.folder}/begun; while [ ! -e {jobs.folder}/go ]; do sleep 0.05; done")
    first = jobs.begin()
    jobs.wait_for("begun")
    began = jobs.record()["started"]
    code, out, err = jobs.run()
    assert (code, out) == (75, "")
    assert err == f"app-clean: skipped, because the run of {began} still goes\n"
    found = jobs.record()
    assert (found["result"], found["counts"]) == ("running", {"skipped": 1})
    assert found["skipped"] >= began
    (jobs.folder / "go").touch()
    first.communicate(timeout=30)
    assert first.returncode == 0
    assert jobs.record()["counts"] == {"skipped": 1, "succeeded": 1}  # neither has forgotten the other's
    assert jobs.run()[0] == 0


def test_jobs_do_not_wait_for_each_other(jobs: Jobs) -> None:
    jobs.shell(f"echo x > {jobs.folder}/begun; while [ ! -e {jobs.folder}/go ]; do sleep 0.05; done")
    jobs.shell("true", name="app-other")
    first = jobs.begin()
    jobs.wait_for("begun")
    assert jobs.run("app-other")[0] == 0
    (jobs.folder / "go").touch()
    first.communicate(timeout=30)


def test_a_run_that_was_killed_is_told_by_the_next_one_which_ends_what_it_left(jobs: Jobs, orphans: list[str]) -> None:
    """The lock goes with the last process: of the run that was killed, the command goes on."""
    jobs.shell(f"echo $$ > {jobs.folder}/command; exec sleep 60", stop_argv=["echo", "removed what was left"])
    first = jobs.begin()
    orphans.append(jobs.wait_for("command"))
    first.kill()
    first.communicate(timeout=30)
    began = jobs.record()["started"]
    assert jobs.run()[0] == 75
    os.kill(int(orphans[0]), signal.SIGKILL)
    until(lambda: not lives(orphans[0]))
    jobs.shell("echo well", stop_argv=["echo", "removed what was left"])
    assert jobs.run()[0] == 0
    found = jobs.record()
    assert (found["interrupted"], found["result"]) == (began, "succeeded")
    assert found["counts"] == {"skipped": 1, "interrupted": 1, "succeeded": 1}
    said = [line.partition("Z] ")[2] or line for line in jobs.log().splitlines()]
    assert said[:-1] == [
        "begins",
        f"the run of {began} was interrupted",
        "removed what was left",
        "echo, which ends what is left, had exit code 0",
        "begins",
        "well",
    ]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_a_run_that_is_told_to_end_ends_its_command(jobs: Jobs, number: signal.Signals, code: int) -> None:
    jobs.shell(f"echo $$ > {jobs.folder}/command; exec sleep 60", stop_argv=["touch", f"{jobs.folder}/stopped"])
    # A shell that has put pytest into the background lets it ignore SIGINT, and what it starts as well.
    first = jobs.begin(preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    command = jobs.wait_for("command")
    first.send_signal(number)
    out, _err = first.communicate(timeout=30)
    assert first.returncode == code
    assert f"interrupted with exit code {code}" in out
    assert not lives(command)
    assert (jobs.folder / "stopped").exists()
    found = jobs.record()
    assert (found["result"], found["exit_code"], found["counts"]) == ("interrupted", code, {"interrupted": 1})
    jobs.shell("true")
    jobs.run()
    assert jobs.record()["counts"] == {"interrupted": 1, "succeeded": 1}  # it was told once


def test_a_run_that_shall_outlive_its_terminal_does(jobs: Jobs) -> None:
    jobs.shell(f"echo x > {jobs.folder}/begun; while [ ! -e {jobs.folder}/go ]; do sleep 0.05; done")
    first = jobs.begin(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    jobs.wait_for("begun")
    first.send_signal(signal.SIGHUP)
    time.sleep(0.2)
    (jobs.folder / "go").touch()
    first.communicate(timeout=30)
    assert first.returncode == 0


# ---------------------------------------------------------------- output


def test_the_log_of_a_run_is_bounded_and_its_last_lines_are_kept(jobs: Jobs) -> None:
    """A line of 1000 bytes 1100 times: 1 MiB has room for 1047 of them with their ends."""
    jobs.shell("awk 'BEGIN { for (i = 0; i < 1100; i++) printf \"%01000d\\n\", i }'; echo the end; false")
    jobs.run()
    lines = jobs.log().splitlines()
    assert len(lines) == 1 + 1047 + 1 + 1
    assert lines[1047] == f"{1046:01000d}"
    assert lines[1048].endswith("] the log has no room for more of this run")
    assert jobs.record()["last_lines"][-2:] == ["0" * 300, "the end"]


def test_a_log_that_nobody_takes_away_stays_bounded(jobs: Jobs) -> None:
    (jobs.folder / "log").mkdir()
    with (jobs.folder / "log/app-clean.log").open("wb") as stream:
        stream.truncate((8 << 20) - 5)
    jobs.shell("echo 1234; echo 5")
    jobs.run()
    assert jobs.log().lstrip("\0").partition("\n")[2].splitlines()[0] == "1234"
    assert "\n5\n" not in jobs.log()
    assert jobs.log().count("no room") == 1


def test_secrets_are_hidden_wherever_they_would_be_seen(jobs: Jobs) -> None:
    """Those of the environment of the command, and those that it reads itself, such as `docker run --env-file`."""
    (jobs.folder / "own").write_text(f"PASSWORD={SECRET}\n")
    (jobs.folder / "other").write_text("URL=redis://u:hunter2pw@cache/0\n")
    jobs.shell(
        "echo key $PASSWORD; echo redis://u:hunter2pw@cache/0; echo pw hunter2pw; printf 'end %s' $PASSWORD; false",
        environment_file=f"{jobs.folder}/own",
        hidden_files=[f"{jobs.folder}/other", f"{jobs.folder}/none"],
        stop_argv=["true"],
    )
    _code, out, err = jobs.run()
    assert jobs.record()["last_lines"] == ["key ********", "********", "pw ********", "end ********"]
    everything = jobs.log() + out + err + (jobs.folder / "lib/app-clean.json").read_text()
    assert SECRET not in everything
    assert "hunter2pw" not in everything


def test_a_secret_at_the_seam_of_an_endless_line_is_hidden(jobs: Jobs) -> None:
    (jobs.folder / "own").write_text(f"PASSWORD={SECRET}\n")
    for before in range(65530, 65570, 7):
        # The second part arrives later, so that the seam is within the secret
        jobs.shell(
            f"head -c {before} /dev/zero | tr '\\0' x; printf '{SECRET[:9]}'; sleep 0.1; printf '{SECRET[9:]}yz'",
            environment_file=f"{jobs.folder}/own",
        )
        jobs.run()
    text = jobs.log().replace("\n", "")
    assert SECRET not in text
    assert text.count("********yz") == 6


def test_what_is_no_text_can_be_written(jobs: Jobs) -> None:
    jobs.shell("printf 'a\\377b\\n'; printf '\\303'; sleep 0.1; printf '\\244\\303'; false")
    jobs.run()
    assert jobs.record()["last_lines"] == ["a\ufffdb", "ä\ufffd"]


# ---------------------------------------------------------------- what keeps it from beginning


@pytest.mark.parametrize("name", ["app-none", "../etc/app-clean", "", "app clean"])
def test_a_job_that_is_not_there_is_told_with_those_that_are(jobs: Jobs, name: str) -> None:
    jobs.shell("true")
    jobs.shell("true", name="app-a")
    folder = f"{jobs.folder}/etc"
    said = f"{name}: {folder} has no such job; the jobs of this host are: app-a, app-clean\n"
    assert jobs.run(name) == (125, "", said)


def test_a_host_without_jobs_says_so(jobs: Jobs) -> None:
    assert jobs.run("a")[2].endswith("the jobs of this host are: none\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [('{"argv": ["tr', "Unterminated string"), ("[]", "mapping"), ("{}", "missing"), ("\udcff", "utf-8")],
)
def test_a_definition_that_cannot_be_read(jobs: Jobs, text: str, why: str) -> None:
    (jobs.folder / "etc/app-clean.json").write_bytes(text.encode(errors="surrogateescape"))
    code, out, err = jobs.run()
    assert (code, out) == (125, "")
    assert err.startswith(f"app-clean: {jobs.folder}/etc/app-clean.json cannot be read (")
    assert why in err
    assert err.endswith("); run site.yml, which writes it\n")
    assert not (jobs.folder / "lib").exists()


def test_without_one_name_it_says_how_it_is_called(jobs: Jobs) -> None:
    for names in ([], ["a", "b"]):
        done = subprocess.run([sys.executable, jobs.program, *names], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (125, "usage: run-job NAME\n")


def test_without_its_environment_a_command_does_not_begin(jobs: Jobs) -> None:
    jobs.shell(f"touch {jobs.folder}/begun", environment_file=f"{jobs.folder}/none")
    code, _out, err = jobs.run()
    assert code == 125
    assert f"app-clean: the environment file {jobs.folder}/none cannot be read (" in err
    assert not (jobs.folder / "begun").exists()


def test_what_cannot_be_recorded_does_not_begin(jobs: Jobs) -> None:
    """A disk that takes nothing, as one that is full."""
    jobs.shell(f"touch {jobs.folder}/begun")
    code, out, err = jobs.run(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    assert (code, out) == (125, "")
    assert err.startswith("app-clean: its record cannot be written (")
    assert err.endswith("), and it did not begin; make room\n")
    assert not (jobs.folder / "begun").exists()
    assert not list((jobs.folder / "lib").glob("*.json"))


def test_a_log_that_cannot_be_written_keeps_no_job_from_running(jobs: Jobs) -> None:
    (jobs.folder / "log").mkdir()
    (jobs.folder / "log/app-clean.log").symlink_to("/dev/full")
    jobs.shell("echo no; exit 3")
    code, out, err = jobs.run()
    assert (code, jobs.record()["last_lines"]) == (3, ["no"])
    assert "app-clean: no\n" in out
    assert err == "app-clean: the log cannot be written ([Errno 28] No space left on device); make room\n"


def test_a_record_that_cannot_be_written_at_the_end_is_told(jobs: Jobs) -> None:
    jobs.shell(f"rm -r {jobs.folder}/lib; touch {jobs.folder}/lib; exit 4")
    code, _out, err = jobs.run()
    assert code == 4
    assert err.startswith("app-clean: its record cannot be written (")


@pytest.mark.parametrize("text", ["", '{"result": "run', "[]", "null"])
def test_a_record_that_a_power_cut_has_torn_begins_anew(jobs: Jobs, text: str) -> None:
    (jobs.folder / "lib").mkdir()
    (jobs.folder / "lib/app-clean.json").write_text(text)
    jobs.shell("true")
    assert jobs.run()[0] == 0
    assert jobs.record()["counts"] == {"succeeded": 1}
