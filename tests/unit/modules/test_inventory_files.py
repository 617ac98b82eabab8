"""What cannot be read in an inventory is told with its file, and its line, before anything runs (faults.md E)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import context
from ansible._internal._datatag._tags import TrustedAsTemplate
from ansible.errors import AnsibleError
from ansible.inventory.host import Host
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.plugins.loader import vars_loader

ROOT = Path(__file__).parents[3]
PLAY = "- {hosts: all, gather_facts: false, tasks: [{ansible.builtin.debug: }]}\n"
MINE, OTHER = (VaultSecret(word) for word in (b"one of mine", b"another one"))


def said(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    """Return what an operator reads, with the configuration of the project."""
    (tmp_path / "hosts.yml").write_text("edge: {hosts: {edge1: }}\n")
    (tmp_path / "play.yml").write_text(PLAY)
    argv: list[str | Path]
    argv = [Path(sys.executable).with_name("ansible-playbook"), "-i", tmp_path / "hosts.yml", tmp_path / "play.yml"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "COLUMNS": "300"}
    done = subprocess.run([*argv, *arguments], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_space_that_is_missing_is_told_with_its_line(tmp_path: Path) -> None:
    """Without the plugin: `YAML parsing failed: While scanning a simple key could not find expected ':'.`, no more."""
    (tmp_path / "group_vars/edge").mkdir(parents=True)
    path = tmp_path / "group_vars/edge/main.yml"
    path.write_text("nginx_sites:\n  - name: api\n    server_names:[x]\n    upstream: y\n")
    for arguments in ((), ("--syntax-check",)):
        code, text = said(tmp_path, *arguments)
        assert code != 0
        assert f"Origin: {path}:4:" in text
        assert "server_names:[x]" in text
    path.write_text("nginx_sites: []\n")
    assert said(tmp_path, "--syntax-check")[0] == 0


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> DataLoader:
    monkeypatch.setattr(context, "CLIARGS", {})
    found = DataLoader()
    found.set_vault_secrets([("default", MINE)])
    return found


def read(loader: DataLoader, path: Path, entity: Any) -> str:
    """Return what is said of the files of a host or a group."""
    vars_loader.add_directory(str(ROOT / "vars_plugins"))
    plugin = vars_loader.get("inventory_files")
    assert plugin.get_option("stage") == "inventory"
    try:
        assert plugin.get_vars(loader, str(path), [entity]) == {}
    except AnsibleError as problem:
        return f"{problem}\n{getattr(problem, '_formatted_source_context', '')}"
    return ""


def written(path: Path, text: str, secret: VaultSecret | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(VaultLib().encrypt(text, secret) if secret else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb:\n\t- c\n", "main.yml:3:"),
        ("a: 'b\n", "main.yml:2:"),
        ("a:1\n", "main.yml holds text and no variables; write `name: value`, with a blank after the colon"),
        ("- a\n", "main.yml holds a list and no variables"),
        ("$ANSIBLE_VAULT;1.1;AES256\nzz\n", "main.yml is encrypted and cannot be read"),
    ],
)
@pytest.mark.parametrize("of_host", [True, False])
def test_what_cannot_be_read(loader: DataLoader, tmp_path: Path, text: str, words: str, of_host: bool) -> None:
    entity = Host("one") if of_host else SimpleNamespace(name="one")
    path = written(tmp_path / ("host_vars" if of_host else "group_vars") / "one/main.yml", text)
    found = read(loader, tmp_path, entity)
    assert words in found
    assert str(path) in found
    assert read(loader, tmp_path, Host("two")) == ""


@pytest.mark.parametrize("text", ["", "---\n", "a: 1\n", "# nothing\n", '{"a": 1}\n'])
def test_what_can_be_read_is_read_once(loader: DataLoader, tmp_path: Path, text: str) -> None:
    path = written(tmp_path / "group_vars/all.yml", text)
    assert read(loader, tmp_path, SimpleNamespace(name="all")) == ""
    assert str(path) in loader._FILE_CACHE  # core finds it there


def test_templates_in_what_was_read_are_still_templates(loader: DataLoader, tmp_path: Path) -> None:
    """Core takes the file from where the plugin has put it, and evaluates only what is marked as trusted."""
    path = written(tmp_path / "group_vars/all.yml", "a: '{{ b }}'\n")
    assert read(loader, tmp_path, SimpleNamespace(name="all")) == ""
    found = loader.load_from_file(str(path), cache="all", unsafe=True, trusted_as_template=True)
    assert TrustedAsTemplate.is_tagged_on(found["a"])


def test_a_name_that_begins_with_a_slash_is_no_path(loader: DataLoader, tmp_path: Path) -> None:
    """As core has it: /srv/x is not the file of a group of that name."""
    written(tmp_path / "group_vars/all.yml", "a: 1\n")
    odd = written(tmp_path / "elsewhere.yml", "a:1\n")
    assert read(loader, tmp_path, SimpleNamespace(name=str(odd.with_suffix("")))) == ""


def test_a_vault_and_its_password(loader: DataLoader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "group_vars/all/vault.yml", "a: geheim\n", OTHER)
    group = SimpleNamespace(name="all")
    assert read(loader, tmp_path, group).startswith(f"{path} does not open with this vault password; use the one it")
    monkeypatch.setattr(context, "CLIARGS", {"syntax": True})
    assert "does not open" in read(loader, tmp_path, group)
    loader.set_vault_secrets([])
    assert read(loader, tmp_path, group) == ""  # who only looks at a playbook needs no secrets
    monkeypatch.setattr(context, "CLIARGS", {"syntax": False})
    found = read(loader, tmp_path, group)
    assert found.startswith(f"{path} is encrypted and there is no vault password; put it into a file of yours alone")
    loader.set_vault_secrets([("default", OTHER)])
    assert read(loader, tmp_path, group) == ""
    written(path, "a:\n  geheim\nb:geheim\n", OTHER)
    loader._FILE_CACHE.clear()
    found = read(loader, tmp_path, group)
    assert f"{path}:4:1" in found
    assert "geheim" not in found
