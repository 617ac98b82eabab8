"""All remote halves start in an environment that is known, whatever the session brings along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ODD = {
    "PATH": "/usr/bin:/bin",  # what su leaves to somebody without root rights: no sbin
    "PYTHONPATH": "/nowhere",
    "PYTHONHOME": "",
    "TMPDIR": "/not/there",
    "XDG_RUNTIME_DIR": "/run/user/1000",
    "LANG": "de_DE.UTF-8",
    "LC_ALL": "tr_TR.UTF-8",
    "LANGUAGE": "de",
    "PGHOST": "elsewhere.example.org",
    "PGSERVICE": "other",
    "DOCKER_HOST": "tcp://elsewhere.example.org:2375",
    "REDISCLI_AUTH": "x",
    "APT_CONFIG": "/not/there",
    "BASH_ENV": "/not/there",
    "http_proxy": "http://proxy.example.org:3128",
}
PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "%(interpreter)s"}
  tasks:
    - {name: Ask, host_facts: {}, register: plain}
    - {name: Ask with a path of one's own, host_facts: {}, register: given, environment: {PATH: /own, OURS: "a b"}}
    - ansible.builtin.copy:
        dest: "%(out)s"
        content: "{{ [plain.ansible_facts.seen, given.ansible_facts.seen] | to_json }}"
"""
HALF = """
\"\"\"Tells what it sees.\"\"\"
import os
# and fails when it is told so
def main(arguments, check, diff):
    umask = os.umask(0)
    if arguments["resolve"]:
        raise KeyError("no such word")
    facts = {"seen": {**os.environ, "umask": umask}, "date_time": {"epoch": "0"}, "facts_failed": {}}
    return {"changed": False, "ansible_facts": facts}
"""


def play(tmp_path: Path, text: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a play against this machine with a remote half of the test, by the real core."""
    (tmp_path / "library").mkdir()
    (tmp_path / "library/host_facts.py").write_text(HALF)
    (tmp_path / "play.yml").write_text(text)
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_LIBRARY": f"{tmp_path / 'library'}:{ROOT / 'library'}",
        "ANSIBLE_ACTION_PLUGINS": str(ROOT / "action_plugins"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        **more,
    }
    program = Path(sys.executable).with_name("ansible-playbook")
    argv: list[str | Path] = [program, "-i", "localhost,", tmp_path / "play.yml"]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


def test_a_remote_half_sees_a_known_environment(tmp_path: Path) -> None:
    """By the real core: how it starts a module is not ours to pretend."""
    out = tmp_path / "out.json"
    # The controller itself must run: what only a host has is given to the process it starts the module from
    wrapper = tmp_path / "sh"
    odd = " ".join(f"{name}={value!r}" for name, value in ODD.items())
    wrapper.write_text(f'#!/bin/sh\numask 077\nexport {odd}\nexec /bin/sh "$@"\n')
    wrapper.chmod(0o755)
    text = PLAYBOOK % {"interpreter": sys.executable, "out": out}
    done = play(tmp_path, text, ANSIBLE_EXECUTABLE=str(wrapper))
    assert done.returncode == 0, done.stdout + done.stderr
    plain, given = json.loads(out.read_text())
    assert plain["PATH"] == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert (plain["LANG"], plain["LC_ALL"], plain["umask"]) == ("C.UTF-8", "C.UTF-8", 0o022)
    assert plain["http_proxy"] == ODD["http_proxy"]
    assert set(ODD) & set(plain) == {"PATH", "LANG", "LC_ALL", "http_proxy"}
    assert (given["PATH"], given["OURS"]) == ("/own", "a b")  # who says so in a task has the last word


@pytest.mark.parametrize(
    ("argument", "answers"),
    [("--step", "n\ny\n"), ("--step", "n\nc\n"), ("--start-at-task=Ask", "")],
)
def test_no_task_of_ours_runs_when_others_are_left_out(tmp_path: Path, argument: str, answers: str) -> None:
    """Whoever says no to a task would have the rest of the run without it, and a green end (faults.md A9)."""
    tasks = "[{name: Meet, ansible.builtin.debug: }, {name: Ask, host_facts: }, {name: After, ansible.builtin.debug: }]"
    (tmp_path / "play.yml").write_text(f"- {{hosts: localhost, gather_facts: false, tasks: {tasks}}}\n")
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": "false"}
    program = Path(sys.executable).with_name("ansible-playbook")
    argv: list[str | Path] = [program, "-i", "localhost,", tmp_path / "play.yml", argument]
    done = subprocess.run(argv, env=environment, input=answers, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{argument.partition('=')[0]} leaves out what the tasks after it rely on; run the playbook" in done.stdout
    assert "TASK [After]" not in done.stdout


def test_a_fault_is_shown_with_the_file_and_the_line_of_its_source(tmp_path: Path) -> None:
    task = "{name: Ask, host_facts: {resolve: [a.example]}}"
    text = PLAYBOOK % {"interpreter": sys.executable, "out": tmp_path / "out"}
    done = play(tmp_path, f"{text.partition('    - {name')[0]}    - {task}\n", ANSIBLE_VERBOSITY="1")
    assert done.returncode == 2
    line = HALF.splitlines().index('        raise KeyError("no such word")') + 1
    said = " ".join((done.stdout + done.stderr).replace("\\", "").split())
    assert f'File "<holdfast>/library/host_facts.py", line {line}, in main raise KeyError("no such word")' in said
    assert "KeyError: 'no such word'" in said


def test_a_configuration_of_ones_own_that_lacks_the_folder_is_told(tmp_path: Path) -> None:
    text = PLAYBOOK % {"interpreter": sys.executable, "out": tmp_path / "out"}
    done = play(tmp_path, text, ANSIBLE_COLLECTIONS_PATH=str(tmp_path), PYTHONPATH="")
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "collections_path lacks the folder of the project; use its ansible.cfg" in said
