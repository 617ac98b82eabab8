"""secret_file: what is missing is generated, whoever names it, and nothing that is there changes."""

from __future__ import annotations

import datetime
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader

from ansible_collections.holdfast.platform.plugins.plugin_utils.finding_texts import cure_of
from ansible_collections.holdfast.platform.plugins.plugin_utils.role_files import generated

ROOT = Path(__file__).parents[3]
STANDARD = {
    "backup_passphrase",
    "certificates_ca_certificate",
    "certificates_ca_key",
    "database_password",
    "redis_password",
    "replication_password",
    "session_secret",
}


def action(name: str) -> ModuleType:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    return sys.modules[action_loader.get(name, class_only=True).__module__]


@pytest.fixture(scope="module")
def secret_file() -> ModuleType:
    return action("secret_file")


def playbook(folder: Path, program: str, *more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_VAULT_PASSWORD_FILE": str(folder / "password"),
        "ANSIBLE_HOME": str(folder / "home"),
    }
    command = [str(Path(sys.executable).with_name(program)), *more]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_further_secrets_are_named_in_the_inventory_or_on_the_command_line(tmp_path: Path) -> None:
    """As a list of group_vars, and as the documentation says it with -e: both reach the action as core marks them."""
    variables = tmp_path / "group_vars/all"
    variables.mkdir(parents=True)
    (tmp_path / "password").write_text("of-the-vault-alone\n")
    (tmp_path / "hosts.yml").write_text("all: {hosts: {one: {ansible_connection: local}}}\n")
    (variables / "main.yml").write_text('secrets_more: [smtp_password]\nunused: "{{ nowhere }}"\n')
    run = ["-i", str(tmp_path / "hosts.yml"), "playbooks/secrets.yml"]
    done = playbook(tmp_path, "ansible-playbook", *run)
    assert done.returncode == 0, done.stdout + done.stderr
    first = yaml.safe_load(playbook(tmp_path, "ansible-vault", "view", str(variables / "vault.yml")).stdout)
    assert set(first) == {*STANDARD, "smtp_password"}
    done = playbook(tmp_path, "ansible-playbook", *run, "-e", '{"secrets_more": ["secret_key"]}')
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Generated: secret_key" in done.stdout
    second = yaml.safe_load(playbook(tmp_path, "ansible-vault", "view", str(variables / "vault.yml")).stdout)
    assert {name: value for name, value in second.items() if name != "secret_key"} == first
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", second["secret_key"])


def test_what_is_stored_never_changes(secret_file: Any) -> None:
    stored = {"database_password": "stays-as-it-is", "number": 5}
    missing = secret_file.complete(stored, ["database_password", "smtp_password"], [])
    assert list(missing) == ["smtp_password"]
    assert stored == {"database_password": "stays-as-it-is", "number": 5}


def test_an_authority_is_made_whole(secret_file: Any) -> None:
    missing = secret_file.complete({}, [], ["certificates"])
    assert missing["certificates_ca_certificate"].startswith("-----BEGIN CERTIFICATE-----\n")
    assert missing["certificates_ca_key"].startswith("-----BEGIN PRIVATE KEY-----\n")
    assert secret_file.complete(missing, [], ["certificates"]) == {}
    with pytest.raises(AnsibleActionFail, match="only one is there; bring the other back from a copy"):
        secret_file.complete({"certificates_ca_key": "-----BEGIN"}, [], ["certificates"])


@pytest.mark.parametrize("name", ["smtp password", "smtp-password", "1st", "", "ä"])
def test_a_name_that_is_no_variable_is_refused(secret_file: Any, name: str) -> None:
    with pytest.raises(AnsibleActionFail, match="cannot be a variable; use letters"):
        secret_file.complete({}, [name], [])


@pytest.mark.parametrize("value", ["changeme", "<secret>", "", "xxx"])
def test_a_placeholder_is_refused_with_the_program_that_removes_it(secret_file: Any, value: str) -> None:
    with pytest.raises(AnsibleActionFail, match=r"holds a placeholder; remove the line .`ansible-vault edit`"):
        secret_file.complete({"database_password": value}, [], [])


def test_findings_know_which_secrets_are_generated_without_a_word() -> None:
    """Who is told `make secrets` gets it there; everything else has to be named in secrets_more first."""
    offers = [
        yaml.safe_load((role / "vars/main.yml").read_text())[f"{role.name}_offer"]
        for role in (ROOT / "roles").iterdir()
    ]
    made = generated(offers)
    assert set(made) == STANDARD
    assert cure_of("session_secret", made) == "`make secrets INVENTORY=…` generates it"
    assert "secrets_more of group_vars/all" in cure_of("smtp_password", made)


class Marked(str):
    """A text as core marks it: equal to the plain one, and of another type."""

    __slots__ = ()


class Number(int):
    """A number as core marks it."""


def test_values_lose_their_marks_for_libraries_that_know_plain_types_only() -> None:
    remote_call: Any = action("remote_call")
    given = {
        Marked("a"): [Marked("b"), Number(1), True, 1.5, None],
        "date": datetime.date(2026, 11, 30),
        "moment": datetime.datetime(2026, 11, 30, 10, 0, 0, tzinfo=datetime.UTC),
        "pair": (Marked("c"),),
    }
    found = remote_call.plain(given)
    assert found == {
        "a": ["b", 1, True, 1.5, None],
        "date": "2026-11-30",
        "moment": "2026-11-30 10:00:00+00:00",
        "pair": ["c"],
    }
    assert [type(item) for item in found["a"]] == [str, int, bool, float, type(None)]
    assert {type(key) for key in found} == {str}
    assert yaml.safe_load(yaml.safe_dump(found)) == found
    assert json.loads(json.dumps(found)) == found
    unquoted = datetime.date(2026, 11, 30)  # what YAML makes of a date without quotes
    assert remote_call.wire(remote_call.plain({"a": unquoted}))
