"""`make role` writes a role that keeps the contracts as it stands, and needs three files beside its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.contract.contracts import text
from tests.contract.contracts.registry import PROJECT, ROLE
from tests.lab import role
from tests.lab.paths import LabError

ROOT = Path(__file__).resolve().parents[2]
# Of the contracts about the whole project those that a role can break
TOUCHED = (
    "example groups",
    "scenarios",
    "budgets",
    "duplication",
    "text",
    "sidecars",
    "sidecar contents",
    "filter code",
    "playbook tasks",
    "docs",
    "targets",
    "wiring",
)
NAME, UNIT = "sample_of_make_role", "sample-of-make-role"  # which nobody has
FACTS = {"distribution_release": "trixie", "memtotal_mb": 4096, "processor_vcpus": 2, "virtualization_type": "docker"}
INVENTORY: dict[str, Any] = {
    "all": {
        "vars": {
            "ansible_connection": "local",
            "ansible_facts": FACTS,
            "base_users": [],
            f"{NAME}_sources": ["public"],
        },
        "children": {NAME: {"hosts": {"one": {"host_address": "192.0.2.1"}}}},
    }
}
PLAY = f"""---
- name: Plan a host with the role
  hosts: {NAME}
  gather_facts: false
  vars_files: [playbooks/roles/contract/vars/main.yml]
  vars: {{ansible_facts: {json.dumps(FACTS)}}}
  tasks:
    - name: Plan
      input_check:
        offers: "{{{{ host_roles }}}}"
        keep: [contract_inventory, contract_host]
      register: planned

    - name: Ask how its unit fares
      host_status:
        offers: "{{{{ {{'{NAME}': planned.kept.host_offers.{NAME}}} }}}}"
      environment: {{PATH: "{{{{ playbook_dir }}}}/bin:/usr/bin:/bin"}}
      register: asked

    - name: Write it down
      ansible.builtin.copy:
        content: "{{{{ planned.kept | combine({{'attention': asked.attention}}) }}}}"
        dest: planned.json
        mode: "0600"
"""
# A host on which exactly the role's unit has failed
SYSTEMCTL = f"""#!/bin/sh
case "$1" in show) ;; *) exit 0;; esac
for unit; do
    case "$unit" in
    holdfast-{UNIT}.service) printf 'Id=%s\\nLoadState=loaded\\nActiveState=failed\\nSubState=failed\\n\\n' "$unit" ;;
    *.*) printf 'Id=%s\\nLoadState=loaded\\nActiveState=active\\nSubState=running\\n\\n' "$unit" ;;
    esac
done
"""
JUDGE = f"""
from pathlib import Path
from tests.contract.contracts import bad_values
role = Path.cwd() / "roles/{NAME}"
print(bad_values.unexplained(role), bad_values.accepted(Path.cwd(), [role], {{}})[0])
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the role, and the steps done that it says remain."""
    root = tmp_path_factory.mktemp("copy")
    for path in text.tracked(ROOT):
        target = root / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    role.write(root, NAME)
    for step in role.steps(NAME):
        path = root / step.file
        path.write_text(step.applied(path.read_text(encoding="utf-8")), encoding="utf-8")
    subprocess.run([sys.executable, "docs/generate.py"], cwd=root, check=True, capture_output=True)
    return root


@pytest.mark.parametrize("contract", sorted(ROLE))
def test_the_role_keeps_the_contract(project: Path, contract: str) -> None:
    assert ROLE[contract](project / "roles" / NAME) == []


@pytest.mark.parametrize("contract", TOUCHED)
def test_the_project_keeps_the_contract(project: Path, contract: str) -> None:
    assert PROJECT[contract](project) == []


def output(project: Path, *argv: str) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    done = subprocess.run(argv, cwd=project, env=env, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_own_tests_pass(project: Path) -> None:
    output(project, sys.executable, "-m", "pytest", "-q", f"tests/unit/filters/test_{NAME}_findings.py")


def test_every_option_has_bad_values_and_all_are_refused(project: Path) -> None:
    assert output(project, sys.executable, "-c", JUDGE) == "[] []\n"


def test_a_host_is_planned_with_it(project: Path) -> None:
    (project / "hosts.json").write_text(json.dumps(INVENTORY), encoding="utf-8")
    (project / "play.yml").write_text(PLAY, encoding="utf-8")
    (project / "bin").mkdir()
    (project / "bin/systemctl").write_text(SYSTEMCTL, encoding="utf-8")
    (project / "bin/systemctl").chmod(0o755)
    playbook = Path(sys.executable).parent / "ansible-playbook"
    output(project, str(playbook), "-i", "hosts.json", "play.yml")
    planned = json.loads((project / "planned.json").read_text(encoding="utf-8"))
    rules = [rule for rule in planned["host_firewall_rules"] if rule["name"] == UNIT]
    memory = [row["memory_mb"] for row in planned["host_memory_plan"]["services"] if row["name"] == NAME]
    assert "python3" in planned["host_packages"]
    assert [(rule["port"], rule["sources"]) for rule in rules] == [(8900, ["public"])]
    assert memory == [32]
    assert [each["names"] for each in planned["host_certificates"] if each["name"] == UNIT] == [["one", "192.0.2.1"]]
    assert planned["host_offers"][NAME]["units"] == [f"holdfast-{UNIT}.service"]
    assert f"{NAME}_password" in planned["known_offers"]["secrets"]
    failed = [each for each in planned["attention"] if each["what"] == f"holdfast-{UNIT}.service"]
    assert [(each["host"], each["value"]) for each in failed] == [("one", "failed")]


def test_what_remains_is_three_files(project: Path) -> None:
    own = {path.relative_to(project).as_posix() for path in project.rglob(f"*{NAME}*")}
    changed = {
        path.relative_to(ROOT).as_posix()
        for path in text.tracked(ROOT)
        if path.read_bytes() != (project / path.relative_to(ROOT)).read_bytes()
    }
    generated = {"README.md", "docs/architecture.md", "docs/filters.md"}
    assert changed - generated - own == {step.file for step in role.steps(NAME)}
    assert len(role.steps(NAME)) <= 3


def test_a_name_that_is_none_or_taken_is_refused() -> None:
    for name, sentence in {
        "": "NAME is ''",
        "Mail": "NAME is 'Mail'",
        "redis": "there is a role redis already",
    }.items():
        with pytest.raises(LabError, match=sentence):
            role.checked(ROOT, name)


def test_it_says_what_remains_with_the_lines() -> None:
    said = role.instructions("mail")
    assert "1. playbooks/roles/contract/vars/main.yml, above `  backup: [" in said
    assert "  mail: [mail]" in said
    assert "ansible.builtin.import_role: {name: mail, tasks_from: apply}" in said
    assert "4. git add --all, make docs, then make test-fast, then make test ONLY=mail" in said
