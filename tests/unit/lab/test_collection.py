"""The collection is what the checkout is, under full names, and installs where nothing of the checkout is at hand."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from jinja2 import nodes

from tests.contract.contracts.repo import Loader
from tests.lab import collection
from tests.lab.console import Console
from tests.lab.paths import ROOT
from tests.lab.shell import environment

CONDITIONS = {"when", "that", "changed_when", "failed_when", "until"}
JINJA = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], autoescape=True)
PREFIX = "holdfast.platform."
PLAY = """---
- name: Use a role by its full name
  hosts: localhost
  gather_facts: false
  vars:
    ansible_facts: {memtotal_mb: 4000, virtualization_type: none}
    host_address: 192.0.2.1
  tasks:
    - name: Check its input
      ansible.builtin.import_role: {name: holdfast.platform.redis, tasks_from: check}

    - name: Render what it would write
      ansible.builtin.debug:
        msg: "{{ lookup('ansible.builtin.template', role ~ '/templates/etc/redis/redis.conf.j2') }}"
      vars:
        role: "{{ playbook_dir }}/collections/ansible_collections/holdfast/platform/roles/redis"
        __redis_part: runtime
        __redis_last_line: ""

    - name: Sum up
      holdfast.platform.run_summary: {playbook: site, started: 1, next: {status.yml: tells what runs where}}
"""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('"{{ 5 | redis_memory(true) }}"', '"{{ 5 | holdfast.platform.redis_memory(true) }}"'),
        ("  {{ rows\n     | redis_memory }}", "  {{ rows\n     | holdfast.platform.redis_memory }}"),
        ("x | map('short_name') | join", "x | map('holdfast.platform.short_name') | join"),
        ("x|short_name", "x|holdfast.platform.short_name"),
        ("x | short_names | my.short_name", "x | short_names | my.short_name"),
        ("short_name: |\n  short_name: 5", "short_name: |\n  short_name: 5"),
        ("x | select('eq', 'short_name')", "x | select('eq', 'short_name')"),
    ],
)
def test_filters_get_their_full_names(text: str, wanted: str) -> None:
    assert collection.with_full_names(text, ["redis_memory", "short_name"]) == wanted


def expressions(value: Any, key: str = "") -> Iterator[str]:
    """Yield every text of a document that core templates."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from expressions(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from expressions(item, key)
    elif isinstance(value, str):
        yield "{{ (" + value + ") }}" if key in CONDITIONS and "{" not in value else value


def filters(text: str) -> Iterator[str]:
    """Yield the filters that a template uses, those included that it hands to map."""
    for node in JINJA.parse(text.replace("\\", "/")).find_all(nodes.Filter):
        yield node.name
        if node.name == "map" and node.args and isinstance(node.args[0], nodes.Const):
            yield str(node.args[0].value)


def templates(root: Path) -> Iterator[str]:
    for path in sorted(path for folder in ("roles", "playbooks") for path in (root / folder).rglob("*")):
        if path.suffix == ".j2":
            yield path.read_text(encoding="utf-8")
        elif path.suffix == ".yml" and "meta" not in path.parts:
            yield from expressions(yaml.load(path.read_text(encoding="utf-8"), Loader))  # noqa: S506 - a safe one


def test_no_short_name_of_a_filter_is_left(tmp_path: Path) -> None:
    collection.lay_out(ROOT, tmp_path)
    ours = set(collection.filter_names(ROOT))
    written = [name for text in templates(tmp_path) for name in filters(text)]
    assert not ours & set(written)
    assert len([name for name in written if name.startswith(PREFIX)]) > 50
    for path in (path for folder in ("roles", "playbooks") for path in (tmp_path / folder).rglob("*")):
        if path.suffix in collection.TEMPLATED:  # and nothing else has changed
            source = (ROOT / path.relative_to(tmp_path)).read_text(encoding="utf-8")
            assert path.read_text(encoding="utf-8").replace(PREFIX, "") == source.replace(PREFIX, "")


def run(project: Path, *argv: str) -> str:
    env = environment(
        ANSIBLE_COLLECTIONS_PATH=str(project / "collections"),
        ANSIBLE_CONFIG=str(project / "ansible.cfg"),
        ANSIBLE_HOME=str(project / "home"),
    )
    done = subprocess.run(argv, cwd=project, env=env, text=True, capture_output=True, check=False)
    return done.stdout + done.stderr


def test_a_role_works_by_its_full_name_in_an_empty_project(tmp_path: Path, console: Console) -> None:
    archive = collection.build(console, tmp_path / "built")
    project = tmp_path / "project"
    project.mkdir()
    (project / "ansible.cfg").touch()  # nothing in it: as where nobody has one
    run(project, "ansible-galaxy", "collection", "install", "--offline", str(archive), "-p", "collections")
    (project / "play.yml").write_text(PLAY, encoding="utf-8")
    command = ["ansible-playbook", "-i", "localhost,", "-c", "local", "play.yml", "-e"]
    good = run(project, *command, "redis_password=correct-horse-battery")
    assert "tls-cert-file /etc/holdfast/tls/redis.crt" in good
    assert "failed=0" in good
    assert "ansible-playbook -i localhost, holdfast.platform.status  # tells what runs where" in good
    bad = run(project, *command, "redis_password=correct-horse-battery redis_prot=1")
    assert "redis_prot is not a variable of role redis; did you mean redis_port?" in bad
    assert "DEPRECATION" not in good + bad
