"""input_check computes parts and offers once and in order, so that each may refer to what stands before it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
OFFER = {"packages": ["{{ first_part }}-server"], "memory": {"mb": "{{ sample_mb }}", "set_by": "sample_mb"}}


def run(folder: Path, check: dict[str, Any], variables: dict[str, Any], *arguments: str) -> dict[str, Any]:
    """Run the action on one host, whose role offers something, and return its result."""
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars": {"ansible_connection": "local", **variables},
        "tasks": [
            {"input_check": {"refuse": False, **check}, "register": "found"},
            {"copy": {"content": "{{ found | to_json }}", "dest": str(folder / "found.json")}},
        ],
    }
    (folder / "play.yml").write_text(json.dumps([play]))
    (folder / "ansible.cfg").touch()
    for name in ("meta", "vars", "defaults"):
        (folder / "roles/sample" / name).mkdir(parents=True)
    specification = {"argument_specs": {"main": {"options": {"sample_mb": {"type": "int", "default": 64}}}}}
    (folder / "roles/sample/meta/argument_specs.yml").write_text(json.dumps(specification))
    (folder / "roles/sample/vars/main.yml").write_text(json.dumps({"sample_offer": OFFER}))
    (folder / "roles/sample/defaults/main.yml").write_text(json.dumps({"sample_mb": 64}))
    environment = {
        **os.environ,
        "ANSIBLE_LIBRARY": str(ROOT / "library"),
        "ANSIBLE_ACTION_PLUGINS": str(ROOT / "action_plugins"),
        "ANSIBLE_FILTER_PLUGINS": str(ROOT / "filter_plugins"),
        "ANSIBLE_ROLES_PATH": str(folder / "roles"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT),
        "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "play.yml", "-i", "here,", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads((folder / "found.json").read_text())
    return found


def test_offers_stand_behind_the_first_mapping_and_before_the_others(tmp_path: Path) -> None:
    variables = {
        "first": {"first_part": "{{ 'mail' }}", "second_part": "{{ first_part ~ 'er' }}"},
        "later": {"later_part": "{{ host_offers.sample.packages[0] ~ '/' ~ host_offers.sample.memory.mb }}"},
    }
    check = {"roles": ["sample"], "offers": ["sample"], "keep": ["first", "later"]}
    found = run(tmp_path, check, variables)
    assert found["findings"] == []
    assert found["kept"] == {
        "first_part": "mail",
        "second_part": "mailer",
        "host_offers": {"sample": {"packages": ["mail-server"], "memory": {"mb": 64, "set_by": "sample_mb"}}},
        "known_offers": {"held_by": {"sample": []}, "certificates": [], "secrets": [], "authorities": []},
        "later_part": "mail-server/64",
    }


@pytest.mark.parametrize(
    ("groups", "arguments", "said"),
    [
        ([], [], False),
        ([], ["-e", "sampel_mb=1"], True),
        # In the preflight of an inventory also what its files say
        (["ungrouped"], [], True),
    ],
)
def test_who_is_told_of_a_misspelt_name(tmp_path: Path, groups: list[str], arguments: list[str], said: bool) -> None:
    found = run(tmp_path, {"roles": ["sample"], "groups": groups}, {"sampel_mb": 1}, *arguments)
    assert [text for text in found["findings"] if "sampel_mb" in text and "sample_mb" in text] != [] or not said
    assert bool(found["findings"]) is said
