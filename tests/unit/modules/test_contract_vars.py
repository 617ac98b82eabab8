"""The variables of playbooks/roles/contract on an inventory of its own: what reaches roles, and what is set in vain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
INVENTORY: dict[str, Any] = {
    "all": {
        "vars": {"ansible_connection": "local", "host_address": "192.0.2.1", "certificates_ca_certificate": "none"},
        "children": {
            "database": {
                "hosts": {
                    "data1": {"postgresql_port": 5433, "host_address": "192.0.2.31"},
                    "data2": {"backup_stanza": "second", "host_address": "192.0.2.32"},
                }
            },
            "backup": {"hosts": {"backup1": {"host_address": "192.0.2.41", "backup_port": 8433}}},
            "app": {"hosts": {"app1": {"app_data_directories": [{"path": "/srv/uploads"}]}}},
            "pooler": {"hosts": {"data1": None}},
        },
    }
}
WANTED = (
    "backup_clients",
    "backup_roles",
    "contract_backup",
    "pgbouncer_servers",
    "postgresql_archive_command",
    "postgresql_archive_timeout_seconds",
)
# As preflight.yml has it
HANDED = "{{ contract_handed | list | select('in', hostvars[inventory_hostname]) }}"


def seen(folder: Path, inventory: dict[str, Any], *more: str) -> dict[str, dict[str, Any]]:
    """Return what each host of a run sees."""
    (folder / "hosts.json").write_text(json.dumps(inventory))
    values = ", ".join(f"'{name}': {name}" for name in WANTED)
    play = [
        {
            "hosts": "all",
            "gather_facts": False,
            "vars_files": [str(ROOT / "playbooks/roles/contract/vars/main.yml")],
            "vars": {"handed": HANDED, "wanted": f"{{{{ {{{values}, 'handed': handed}} | to_json }}}}"},
            "tasks": [
                {
                    "ansible.builtin.copy": {
                        "dest": f"{folder}/{{{{ inventory_hostname }}}}.out",
                        "content": "{{ wanted }}",
                    }
                }
            ],
        }
    ]
    (folder / "play.json").write_text(json.dumps(play))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_FILTER_PLUGINS": str(ROOT / "filter_plugins"),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(folder / "hosts.json"), *more]
    done = subprocess.run(
        [*command, str(folder / "play.json")], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.out")}


@pytest.fixture(scope="module")
def all_hosts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return seen(tmp_path_factory.mktemp("all"), INVENTORY)


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return a run that leaves out data2, on an inventory without backups of ours and with some of its own."""
    inventory = json.loads(json.dumps(INVENTORY))
    inventory["all"]["children"].pop("backup")
    inventory["all"]["vars"] |= {
        "postgresql_archive_command": "wal-g wal-push %p",
        "postgresql_archive_timeout_seconds": 60,
        "pgbouncer_servers": [],
    }
    return seen(tmp_path_factory.mktemp("limited"), inventory, "--limit", "!data2")


def test_a_port_of_postgresql_reaches_backups_and_poolers(all_hosts: dict[str, dict[str, Any]]) -> None:
    assert all_hosts["backup1"]["backup_clients"] == [
        {"name": "data1", "address": "192.0.2.31", "stanza": "main", "port": 5433},
        {"name": "data2", "address": "192.0.2.32", "stanza": "second", "port": 5432},
    ]
    assert [server["port"] for server in all_hosts["data1"]["pgbouncer_servers"]] == [5433, 5432]
    assert all_hosts["data2"]["postgresql_archive_command"] == "pgbackrest --stanza=second archive-push %p"
    assert all_hosts["data2"]["postgresql_archive_timeout_seconds"] == 300


def test_both_sides_are_compared(all_hosts: dict[str, dict[str, Any]]) -> None:
    known = all_hosts["data1"]["contract_backup"]
    assert (known["port"], known["repository_port"]) == (8432, 8433)
    assert (known["repository"], known["repository_address"], known["repository_in_run"]) == (
        "backup1",
        "192.0.2.41",
        True,
    )
    assert (known["stanzas"], known["deferred"], known["keeps"]) == (["main", "second"], [], False)
    assert all_hosts["backup1"]["contract_backup"]["keeps"] is True
    assert all_hosts["app1"]["contract_backup"]["directories"] == ["/srv/uploads"]
    assert all_hosts["app1"]["contract_backup"]["database"] is False


def test_nothing_is_set_in_vain(all_hosts: dict[str, dict[str, Any]]) -> None:
    assert {host: values["handed"] for host, values in all_hosts.items()} == {
        "app1": [],
        "backup1": [],
        "data1": [],
        "data2": [],
    }


def test_archiving_of_the_inventory_is_respected_without_a_repository(limited: dict[str, dict[str, Any]]) -> None:
    """It was switched off without a word."""
    values = limited["data1"]
    assert values["postgresql_archive_command"] == "wal-g wal-push %p"
    assert values["postgresql_archive_timeout_seconds"] == 60
    assert values["contract_backup"]["archives"] is True


def test_a_role_is_applied_where_its_hosts_have_it() -> None:
    """A database without a repository got role backup, which died on it."""
    given = yaml.safe_load((ROOT / "playbooks/roles/contract/vars/main.yml").read_text())["contract_group_roles"]
    found = []
    for play in yaml.safe_load((ROOT / "playbooks/site.yml").read_text()):
        groups = [group for group in str(play.get("hosts", "")).split(":") if group in given]
        for task in play["tasks"] if groups else []:
            role = task.get("ansible.builtin.import_role", {}).get("name")
            always = all(isinstance(given[group], list) and role in given[group] for group in groups)
            if role and role != "contract" and not always:
                found.append((role, task.get("when")))
    assert found == [("postgresql", None), ("backup", "'backup' in host_roles")]  # the first is in the template, always


def evaluated(expression: str, variables: dict[str, Any]) -> Any:
    """Return what an expression of a playbook is without the defaults of any role."""
    request = {"filters": str(ROOT / "filter_plugins"), "examples": [[expression, variables]]}
    argv = [sys.executable, "-m", "tests.contract.contracts.evaluate"]
    done = subprocess.run(argv, cwd=ROOT, input=json.dumps(request), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)[0]["value"]


def test_names_of_instances_are_resolved_also_where_there_are_no_streams() -> None:
    """The host is asked before the defaults of roles are there, and no name was."""
    names = yaml.safe_load((ROOT / "playbooks/preflight.yml").read_text())[0]["vars"]["preflight_upstream_names"]
    sites = [{"name": "shop", "upstream": {"servers": ["app.example:3000"]}}]
    streams = [{"name": "mq", "servers": ["mq.example:5672"]}]
    edge = {"host_roles": ["nginx"]}
    assert evaluated(names, {**edge, "nginx_sites": sites}) == ["app.example"]
    assert evaluated(names, {**edge, "nginx_streams": streams}) == ["mq.example"]
    assert evaluated(names, edge) == []


@pytest.mark.parametrize(("playbook", "name"), [("status", "Note what nobody saves"), ("failover", "Plan the host")])
def test_an_edge_that_cannot_be_described_is_in_the_way_of_nobody(playbook: str, name: str) -> None:
    """The state is told and a failover comes to its end all the same."""
    play = yaml.safe_load((ROOT / f"playbooks/{playbook}.yml").read_text())[0]
    (task,) = [task for task in play["tasks"] if task["name"] == name]
    known = {
        "groups": {"all": ["web1", "data1"], "edge": ["web1"], "database": ["data1"]},
        "hostvars": {"web1": {"nginx_sites": 5}, "data1": {"host_address": "192.0.2.31"}},
        "inventory_hostname": "web1",
        "ansible_play_hosts_all": ["web1", "data1"],
    }
    contract = yaml.safe_load((ROOT / "playbooks/roles/contract/vars/main.yml").read_text())
    known |= {"contract_wiring_without_edges": contract["contract_wiring_without_edges"]}
    (client,) = evaluated(task["vars"]["host_wiring"], known)["backup_clients"]
    assert client["name"] == "data1"


def test_what_the_inventory_sets_in_vain_is_found(limited: dict[str, dict[str, Any]]) -> None:
    found = ["pgbouncer_servers", "postgresql_archive_command", "postgresql_archive_timeout_seconds"]
    assert limited["data1"]["handed"] == found


def test_a_host_that_a_run_leaves_out_is_deferred(limited: dict[str, dict[str, Any]]) -> None:
    assert [client.get("deferred", False) for client in limited["data1"]["backup_clients"]] == [False, True]
    assert limited["data1"]["contract_backup"]["deferred"] == ["second"]
