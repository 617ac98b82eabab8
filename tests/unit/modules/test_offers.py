"""A host planned from the offers of its roles, as preflight.yml does it; one of the roles has nothing but an offer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
FACTS = {
    "distribution_release": "trixie",
    "memtotal_mb": 4096,
    "processor_vcpus": 2,
    "virtualization_type": "docker",
    "default_ipv4": {"interface": "eth0"},
    "masked_units": ["mail.service"],
    "listening_ports": [{"port": 25, "protocol": "tcp", "address": "*", "process": "exim4", "container": ""}],
}
INVENTORY: dict[str, Any] = {
    "all": {
        "vars": {
            "ansible_connection": "local",
            "summer_offer": 10,  # somebody's own, and no role's
            "host_memory_mb": 4096,
            "app_name": "{{ shop }}",  # known where the application is
            "base_users": [],
            "redis_password": "x" * 20,
            "redis_bind": ["10.0.0.3"],
        },
        "children": {
            "cache": {"hosts": {"one": {"host_address": "10.0.0.3"}}},
            "app": {"hosts": {"two": {"host_address": "10.0.0.4", "shop": "shop"}}},
            "edge": {"hosts": {"three": {"host_address": "10.0.0.5", "nginx_certificate": "edge", "nginx_sites": []}}},
        },
    }
}
OWN = "{'one': ['redis'], 'two': ['docker', 'app'], 'three': ['nginx']}[inventory_hostname]"
ROLES = f"{{{{ ['base', 'certificates'] + {OWN} + ['mail'] }}}}"
MAIL = """---
mail_offer:
  packages: [postfix]
  memory: {mb: 48, set_by: mail_workers}
  ports: [{name: mail, port: 25, set_by: mail_port, addresses: ["*"], sources: [public]}]
  held_by: [master]
  certificates: [{name: mail, names: [mail.example], on_change: [reload mail.service]}]
  egress: [{name: relay, port: 587, destinations: [198.51.100.25], destinations_by: mail_relays}]
  units: [mail.service]
  unit_switches: {mail.service: "mail_enabled: false"}
  secrets: [mail_password]
  authorities: [mail]
"""
PLAN_HOST = str(ROOT / "playbooks/tasks/plan_host.yml")
PLAN = {"offers": "{{ host_roles }}", "keep": ["contract_inventory", "contract_host"]}
WANTED = (
    "host_certificates",
    "host_certificates_known",
    "host_container_uids",
    "host_firewall_egress_rules",
    "host_firewall_rules",
    "host_memory_plan",
    "host_packages",
    "host_pause_units",
    "units",
    "ports",
    "secrets",
)


def run(
    folder: Path, offer: str = MAIL, more: dict[str, Any] | None = None, roles: list[str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Plan three hosts, each with role mail beside its own."""
    for part, text in {"vars": offer, "defaults": "---\nmail_port: 25\n"}.items():
        (folder / "roles/mail" / part).mkdir(parents=True)
        (folder / "roles/mail" / part / "main.yml").write_text(text)
    for name, text in {"empty": "---\n# vars file\n", "other": "---\nhost_memory_mb: 1\n"}.items():
        (folder / f"roles/{name}/vars").mkdir(parents=True)
        (folder / f"roles/{name}/vars/main.yml").write_text(text)  # roles that offer nothing change nothing
    (folder / "hosts.json").write_text(json.dumps(INVENTORY))
    values = ", ".join(f"'{name}': {name}" for name in WANTED)
    offers, known = "__host_kept.kept.host_offers", "__host_kept.kept.known_offers"
    switches = f"({offers} | offered_by_role('unit_switches')).values() | combine"
    ports = f"held_port_findings({offers} | offered_ports, 'one', {known}.held_by)"
    play = {
        "hosts": "all",
        "gather_facts": False,
        "vars_files": [str(ROOT / "playbooks/roles/contract/vars/main.yml")],
        "vars": {
            "units": f"{{{{ ansible_facts | unit_findings({offers} | offered_by_role('units'), 'one', {switches}) }}}}",
            "secrets": f"{{{{ {known}.secrets + {known}.authorities }}}}",
            "ports": f"{{{{ ansible_facts['listening_ports'] | {ports} }}}}",
            "wanted": f"{{{{ {{{values}}} | to_json }}}}",
        },
        "tasks": [
            {"input_check": {"roles": roles, **PLAN}} if roles else {"import_tasks": PLAN_HOST},
            {"copy": {"dest": f"{folder}/{{{{ inventory_hostname }}}}.out", "content": "{{ wanted }}"}},
        ],
    }
    (folder / "play.json").write_text(json.dumps([play]))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_ROLES_PATH": f"{ROOT / 'roles'}:{folder / 'roles'}",
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(folder / "hosts.json")]
    argv += ["-e", json.dumps({"ansible_facts": FACTS, "host_roles": ROLES, **(more or {})}), str(folder / "play.json")]
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("offers")
    done = run(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.out")}


def test_packages_of_all_roles(planned: dict[str, dict[str, Any]]) -> None:
    assert {"openssh-server", "openssl", "redis-server", "postfix"} <= set(planned["one"]["host_packages"])
    assert "redis-server" not in planned["two"]["host_packages"]


def test_rules_of_all_roles(planned: dict[str, dict[str, Any]]) -> None:
    assert planned["one"]["host_firewall_rules"] == [
        {"name": "redis", "port": 6379, "sources": ["app"], "variable": "redis_sources"},
        {"name": "mail", "port": 25, "sources": ["public"]},
    ]
    relay = {"name": "relay", "port": 587, "destinations": ["198.51.100.25"], "variable": "mail_relays"}
    assert planned["one"]["host_firewall_egress_rules"] == [relay]
    web = {"name": "nginx", "ports": [80, 443], "sources": ["public"]}
    assert planned["three"]["host_firewall_rules"][0] == web


def test_memory_of_all_roles(planned: dict[str, dict[str, Any]]) -> None:
    sizes = {entry["name"]: entry["memory_mb"] for entry in planned["one"]["host_memory_plan"]["services"]}
    assert sizes["mail"] == 48
    assert sizes["redis"] + sizes["redis fork headroom"] <= 1024  # a quarter of the host
    assert "mail_workers" in planned["one"]["host_memory_plan"]["table"]


def test_certificates_of_a_host_and_of_all(planned: dict[str, dict[str, Any]]) -> None:
    assert [entry["name"] for entry in planned["one"]["host_certificates"]] == ["redis", "mail"]
    assert [entry["name"] for entry in planned["three"]["host_certificates"]] == ["edge", "mail"]
    assert sorted(planned["one"]["host_certificates_known"]) == [
        "edge",
        "mail",
        "pgbackrest",
        "pgbouncer",
        "postgresql",
        "redis",
    ]


def test_preflight_knows_unit_and_port(planned: dict[str, dict[str, Any]]) -> None:
    (unit,) = planned["one"]["units"]
    assert "mail.service of one is masked" in unit
    assert "set mail_enabled: false" in unit
    (port,) = planned["one"]["ports"]
    assert "port 25 of one is held by exim4, mail needs it; set mail_port to another port" in port


def test_secrets_of_all_roles(planned: dict[str, dict[str, Any]]) -> None:
    """Also of a role that the host does not have."""
    assert {"mail_password", "mail", "redis_password"} <= set(planned["two"]["secrets"])


def test_the_number_of_a_container_is_nobodys_on_its_host(planned: dict[str, dict[str, Any]]) -> None:
    """Also where the inventory leaves it to the role."""
    assert planned["two"]["host_container_uids"] == [10001]
    assert planned["one"]["host_container_uids"] == []


def test_of_a_role_with_a_wrong_variable_only_that_is_said(tmp_path: Path) -> None:
    """Neither Python's words about a sum nor a plan without the role; what others refuse is said beside it."""
    wrong = {"app_memory_limit_mb": "plenty", "redis_maxmemory_mb": 4000}
    done = run(tmp_path, more=wrong, roles=["app", "redis"])
    assert done.returncode != 0
    assert (
        done.stdout.count('app_memory_limit_mb is "plenty", it must be a whole number; give one') == 3
    )  # by each host
    assert "unsupported operand" not in done.stdout
    assert done.stdout.count("redis_maxmemory_mb is 4000, which needs") == 1


def test_an_offer_that_nobody_understands_stops_the_run(tmp_path: Path) -> None:
    done = run(tmp_path, MAIL.replace("packages:", "package:"))
    assert done.returncode != 0
    assert "mail_offer.package is no part of an offer" in done.stdout


def test_a_run_without_the_roles_of_the_library_is_refused(tmp_path: Path) -> None:
    """`make secrets` would generate nothing and be green."""
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"input_check": {"offers": []}}]}]
    (tmp_path / "play.json").write_text(json.dumps(play))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_ROLES_PATH": str(tmp_path),
        "ANSIBLE_HOME": str(tmp_path / "home"),
    }
    argv = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(tmp_path / "play.json")]
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "no role in roles_path offers anything" in done.stdout + done.stderr
