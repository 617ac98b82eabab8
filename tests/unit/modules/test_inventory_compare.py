"""inventory_compare and its playbook: two inventories in a folder as core reads them, with a vault, without hosts."""

from __future__ import annotations

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
from ansible.plugins.loader import action_loader

ROOT = Path(__file__).parents[3]
HOSTS = {
    "production": {
        "edge": {"hosts": {"edge1": {"ansible_host": "192.0.2.11"}, "edge2": {"ansible_host": "192.0.2.12"}}},
        "app": {"hosts": {"app1": {"ansible_host": "192.0.2.21"}}},
        "database": {"hosts": {"data1": {"ansible_host": "192.0.2.31", "own_number": 1}}},
        "search": {"hosts": {"search1": {"ansible_host": "192.0.2.51"}}},
    },
    "staging": {
        "edge": {"hosts": {"edge1": {"ansible_host": "198.51.100.11"}}},
        "app": {"hosts": {"app1": {"ansible_host": "198.51.100.21"}}},
        "database": {"hosts": {"data1": {"ansible_host": "198.51.100.31", "own_number": 2}}},
    },
}
SHARED = {
    "host_address": "{{ ansible_host }}",
    "peers": "{{ groups['all'] | map('extract', hostvars, 'host_address') }}",
    "report": "{{ inventory_dir }}/report",
    "workers": "{{ ansible_facts['processor_vcpus'] * 2 }}",
    "database_url": "db://api:{{ database_password }}@{{ hostvars['data1'].host_address }}:{{ database_port }}/api",
    "database_port": 5432,
    "database_digest": "{{ database_password | hash('sha256') }}",
}
VARIABLES: dict[str, dict[str, dict[str, Any]]] = {
    "production": {
        "all": {**SHARED, "app_version": "1.4.0", "only_here": {"a": [1]}, "smtp_password": "clear-but-hidden"},
        "app": {
            "app_environment": {"LOG_LEVEL": "warn", "STRIPE_API_KEY": "of-both-of-them", "DB": "{{ database_url }}"}
        },
        "database": {
            "postgresql_settings": {"shared_buffers": "8GB", "work_mem": "4MB"},
            "postgresql_max_connections": 100,
        },
    },
    "staging": {
        "all": {**SHARED, "app_version": "1.5.0"},
        "app": {
            "app_environment": {"LOG_LEVEL": "debug", "STRIPE_API_KEY": "of-both-of-them", "DB": "{{ database_url }}"}
        },
        "database": {"postgresql_settings": {"shared_buffers": "2GB", "work_mem": "4MB"}},
    },
}
VAULT = {
    "production": {"database_password": "password-of-production", "redis_password": "password-of-both", "pin": 5},
    "staging": {"database_password": "password-of-staging", "redis_password": "password-of-both", "pin": 5},
}
TOLD = [
    ("topology", "groups.edge", [2], [1]),
    ("topology", "groups.search", [1], [0]),
    ("version", "app_version", ["1.4.0"], ["1.5.0"]),
    ("setting", "app_environment.LOG_LEVEL", ["<secret>"], ["<secret>"]),
    ("setting", "only_here", [{"a": [1]}], []),
    ("setting", "own_number", [1], [2]),
    ("setting", "postgresql_settings.shared_buffers", ["8GB"], ["2GB"]),
    ("secret", "app_environment.STRIPE_API_KEY", ["<secret>"], ["<secret>"]),
    ("secret", "api_token", ["<secret>"], ["<secret>"]),
    ("secret", "redis_password", ["<secret>"], ["<secret>"]),
    ("secret", "smtp_password", ["<secret>"], []),
]
SECRETS = re.compile(r"password-of|of-both-of-them|clear-but-hidden|vaulted-in-a-line")


def run(folder: Path, program: str, *more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_VAULT_PASSWORD_FILE": str(folder / "password"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_SHOW_CUSTOM_STATS": "true",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_FORCE_COLOR": "false",
    }
    command = [str(Path(sys.executable).with_name(program)), *more]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def compare(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "ansible-playbook", "-i", str(folder / "production"), "playbooks/compare.yml", *more)


def told(text: str) -> list[tuple[str, str, list[Any], list[Any]]]:
    """Return the differences of the statistic."""
    found, _end = json.JSONDecoder().raw_decode(text.partition("RUN: ")[2])
    entries = found["holdfast"]["differences"]
    return [(each["kind"], each["name"], each["first"], each["second"]) for each in entries]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Production and staging as folders, each with a vault file, and a token that is vaulted where it is written."""
    place = tmp_path_factory.mktemp("inventories")
    (place / "password").write_text("of-the-vault-alone\n")
    vaulted = run(place, "ansible-vault", "encrypt_string", "vaulted-in-a-line", "--name", "api_token").stdout
    for name, groups in HOSTS.items():
        for group, values in VARIABLES[name].items():
            (place / name / "group_vars" / group).mkdir(parents=True)
            (place / name / "group_vars" / group / "main.yml").write_text(yaml.safe_dump(values))
        (place / name / "hosts.yml").write_text(yaml.safe_dump({"all": {"children": groups}}))
        everybody = place / name / "group_vars/all"
        (everybody / "token.yml").write_text(vaulted)
        (everybody / "vault.yml").write_text(yaml.safe_dump(VAULT[name]))
        assert run(place, "ansible-vault", "encrypt", str(everybody / "vault.yml")).returncode == 0
    return place


@pytest.fixture(scope="module")
def module() -> ModuleType:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    return sys.modules[action_loader.get("inventory_compare", class_only=True).__module__]


def test_every_difference_is_named_and_no_secret_shown(folder: Path) -> None:
    done = compare(folder, "-e", f"compare_with={folder}/staging", "-vvv")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(told(done.stdout)) == sorted(TOLD)
    assert "│ compared     production with staging" in done.stdout
    assert "│ differs      2 in topology, 1 in versions, 4 in settings, 4 in secrets" in done.stdout
    assert "  postgresql_settings.shared_buffers [database]  8GB         2GB" in done.stdout
    assert not SECRETS.search(done.stdout + done.stderr)


def test_a_strict_comparison_fails_unless_everything_is_expected(folder: Path) -> None:
    """Staging differs from production in what the inventory lists, and in nothing else (ENV-07)."""
    strict = ["-e", f"compare_with={folder}/staging/hosts.yml", "-e", "compare_strict=true"]
    names = [name for _kind, name, _first, _second in TOLD if not name.startswith("postgresql_settings.")]
    some = compare(
        folder, *strict, "-e", yaml.safe_dump({"compare_expected": names}, default_flow_style=True, width=999)
    )
    assert some.returncode == 2
    sentence = "postgresql_settings.shared_buffers of database is 8GB in production and 2GB in staging; make them equal"
    failure = some.stdout.partition("TASK [Fail when")[2].partition("PLAY RECAP")[0]
    assert sentence in failure
    assert "only_here" not in failure
    # Also when the inventory itself says so
    (folder / "production/group_vars/all/expected.yml").write_text(
        yaml.safe_dump({"compare_expected": [*names, "postgresql_settings"]})
    )
    every = compare(folder, *strict)
    (folder / "production/group_vars/all/expected.yml").unlink()
    assert every.returncode == 0, every.stdout
    assert "│ result       nothing differs that is not expected" in every.stdout
    assert len(told(every.stdout)) == len(TOLD)


def test_inventories_of_several_sources_that_share_what_is_equal(folder: Path) -> None:
    """-i twice here, with a comma there; the other one is made by a program."""
    common = folder / "common"
    (common / "group_vars").mkdir(parents=True)
    (common / "hosts.yml").write_text("all: {children: {app: {}}}\n")
    (common / "group_vars/all.yml").write_text('setting: common\nurl: "http://{{ domain }}"\n')
    (folder / "one").mkdir()
    (folder / "one/hosts.yml").write_text("app: {hosts: {app1: {domain: one.example}}}\n")
    (folder / "two").mkdir()
    program = folder / "two/hosts"
    program.write_text(
        '#!/bin/sh\necho \'{"app": {"hosts": ["app1"]}, "_meta": {"hostvars": {"app1": {"domain": "two.example"}}}}\'\n'
    )
    program.chmod(0o755)
    sources = ["-i", str(common), "-i", str(folder / "one"), "playbooks/compare.yml"]
    done = run(folder, "ansible-playbook", *sources, "-e", f"compare_with={common},{program}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert told(done.stdout) == [
        ("setting", "domain", ["one.example"], ["two.example"]),
        ("setting", "url", ["http://one.example"], ["http://two.example"]),
    ]
    assert "│ compared     one with two" in done.stdout


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ([], "compare_with is not given"),
        (["compare_with=nowhere/at/all"], "compare_with is nowhere/at/all, which is not there; give the path"),
        (["compare_with={folder}/production"], "the inventory of this run; give the other one"),
        (["compare_with={folder}/staging", "compare_strict=perhaps"], "compare_strict perhaps"),
    ],
)
def test_what_cannot_be_compared_is_refused(folder: Path, given: list[str], refusal: str) -> None:
    done = compare(folder, *(word for each in given for word in ("-e", each.format(folder=folder))))
    assert done.returncode == 2
    assert refusal in " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("{}/production", "production"),
        ("{}/production/", "production"),
        ("{}/production/hosts.yml", "production"),
        ("hosts.yml", "hosts.yml"),
    ],
)
def test_an_inventory_is_called_as_its_folder(module: Any, folder: Path, source: str, name: str) -> None:
    assert module.label(["elsewhere", source.format(folder)]) == name
