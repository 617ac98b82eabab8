"""role_files: what the files of roles say, whichever folder a role lies in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader

from ansible_collections.holdfast.platform.plugins.plugin_utils.role_files import (
    RoleFiles,
    generated,
    known_offers,
    role_folders,
)


def write(folder: Path, files: dict[str, Any]) -> RoleFiles:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return RoleFiles(DataLoader().load_from_file, [str(folder / "mine"), str(folder / "roles")])


def spec(*names: str) -> dict[str, Any]:
    return {"argument_specs": {"main": {"options": {name: {} for name in names}}}}


def test_of_two_roles_of_one_name_the_first_is_in_force(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    files = write(
        tmp_path,
        {
            "mine/redis/meta/argument_specs.yml": spec("redis_mine"),
            "roles/redis/meta/argument_specs.yml": spec("redis_port"),
            "roles/nginx/meta/argument_specs.yml": spec("nginx_port"),
        },
    )
    assert role_folders(files.paths) == {"redis": tmp_path / "mine/redis", "nginx": tmp_path / "roles/nginx"}
    assert role_folders([str(tmp_path / "nowhere")]) == {}
    assert files.options("redis") == {"redis_mine": {}}
    assert files.owners() == {"redis_mine": "redis", "nginx_port": "nginx"}


def test_files_that_are_missing_or_empty_say_nothing(tmp_path: Path) -> None:
    files = write(
        tmp_path,
        {
            "roles/redis/vars/main.yml": {"redis_offer": {"packages": []}, "__redis_unit": "x"},
            "roles/redis/meta/forms.yml": {"redis_port": "a port"},
            "roles/mine/vars/main.yml": "---\n# vars file\n",
            "roles/mine/defaults/main.yml": {"mine_a": 1},
        },
    )
    assert files.offering == {"redis": {"redis_offer": {"packages": []}, "__redis_unit": "x"}}
    assert files.variables("mine", "defaults") == {"mine_a": 1}
    assert files.variables("redis", "defaults") == {}
    assert files.forms("redis") == {"redis_port": "a port"}
    assert files.forms("mine") == files.forms("nobody") == {}
    assert files.options("redis") is None
    assert files.options("nobody") is None
    assert files.owners() == {}


def test_what_is_known_of_all_offers() -> None:
    def template(value: Any) -> Any:
        if value == ["{{ unknown }}"]:
            raise AnsibleError("unknown")
        return value

    offers: dict[str, dict[str, Any]] = {
        "redis": {"secrets": ["b", "a"], "held_by": ["redis-server"], "certificates": [{"name": "redis"}]},
        "app": {"authorities": ["own"], "held_by": ["{{ unknown }}"], "certificates": "{{ theirs }}"},
        "mail": {},
    }
    assert known_offers(offers, template) == {
        "held_by": {"redis": ["redis-server"], "mail": []},
        "certificates": ["redis"],
        "secrets": ["a", "b"],
        "authorities": ["own"],
    }
    assert generated(list(offers.values())) == ["a", "b", "own_ca_certificate", "own_ca_key"]
