"""given_names: what is called almost like something of ours is told what is meant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import split_host_pattern

from ansible_collections.holdfast.platform.plugins.plugin_utils.given_names import (
    files_beside,
    folder_findings,
    group_findings,
    limit_findings,
    misspelt,
    name_findings,
    owner_findings,
    strangers,
)


def test_misspelt_and_foreign_names() -> None:
    names = [
        "redis_switch_result",
        "redis_maxmemroy_mb",
        "redis_offer",
        "redis_port",
        "redis_zzz",
        "redistribute",
        "__redis_result",
    ]
    findings = list(name_findings("redis", {"redis_port": {}, "redis_maxmemory_mb": {}}, names, dict))
    assert findings == [
        "redis_maxmemroy_mb is not a variable of role redis; did you mean redis_maxmemory_mb?",
        "redis_zzz is not a variable of role redis; "
        "names that begin with redis_ belong to the role, call yours otherwise",
    ]


@pytest.mark.parametrize(
    ("role", "name", "meant"),
    [
        ("base", "base_audit_enabled", "hardening_audit_enabled"),  # moved with its noun
        ("base", "base_audit_enabld", ""),
        ("base", "base_mode", "base_modes"),  # two others have that noun
        ("postgresql", "postgresql_primary", "postgresql_initial_primary"),
        ("backup", "backup_sides", "backup_roles"),
        ("backup", "backup_http_port", "nginx_http_port"),
    ],
)
def test_renamed_variables_are_told_their_new_name(role: str, name: str, meant: str) -> None:
    roles = {
        "base": ["users", "modes"],
        "hardening": ["audit_enabled", "mode"],
        "redis": ["mode"],
        "postgresql": ["initial_primary", "port"],
        "backup": ["roles", "clients"],
        "nginx": ["http_port"],
    }
    owners = {f"{owner}_{noun}": owner for owner, nouns in roles.items() for noun in nouns}
    options: dict[str, Any] = {option: {} for option, owner in owners.items() if owner == role}
    (said,) = name_findings(role, options, [name], lambda: owners)
    start = f"{name} is not a variable of role {role}; "
    assert said == start + (
        f"did you mean {meant}?" if meant else f"names that begin with {role}_ belong to the role, call yours otherwise"
    )


def test_all_roles_are_only_looked_at_for_a_finding() -> None:
    def owners() -> dict[str, str]:
        raise AssertionError("nothing was found")

    assert list(name_findings("redis", {"redis_port": {}}, ["redis_port", "mine"], owners)) == []


def test_misspelt_extra_variables() -> None:
    known = {"nginx_worker_connections": "role nginx", "app_version": "role app", "preflight_disk_mb": "the playbooks"}
    given = [
        "ngnix_worker_connections",
        "app_vresion",
        "preflight_dsk_mb",
        "app_version",
        "vault_app_version",
        "target",
    ]
    assert list(misspelt(given, known).values()) == [
        "ngnix_worker_connections is not a variable of role nginx; did you mean nginx_worker_connections?",
        "app_vresion is not a variable of role app; did you mean app_version?",
        "preflight_dsk_mb is not a variable of the playbooks; did you mean preflight_disk_mb?",
    ]


def test_facts_are_those_of_the_host() -> None:
    assert list(owner_findings("app1", {"inventory_name": "app1"})) == []
    assert list(owner_findings("app1", {"hostname": "x"})) == []  # gathered by setup
    (said,) = owner_findings("app1", {"inventory_name": "app2"})
    assert said.startswith("the facts of app1 are those of app2; run with --limit app1")


def test_groups() -> None:
    known = ["database", "cache"]
    assert list(group_findings("h", ["cache", "eu-west"], known)) == []
    misspelt, nowhere = group_findings("h", ["databse"], known)
    assert misspelt == "group databse of host h is unknown; did you mean database?"
    assert "is in none of the groups database, cache" in nowhere
    assert list(group_findings("h", ["web"], [])) == []
    assert next(group_findings("h", ["redis"], known)) == ("group redis of host h is unknown; did you mean cache?")
    assert list(group_findings("h", ["redis", "cache"], known)) == []  # somebody's own name beside ours
    assert next(group_findings("h", ["web"], known)).startswith("host h is in none")  # no group edge here


def test_folders_of_variables_are_somebodys(tmp_path: Path) -> None:
    for name in ("group_vars/chache", "group_vars/cache", "group_vars/own", "host_vars/edge1", "group_vars/.git"):
        (tmp_path / name).mkdir(parents=True)
    theirs = ("host_vars/edge2.yml", "group_vars/database.yml~", "group_vars/database.yml.bak")
    for name in ("hosts.yml", "host_vars/edgee1.yml", "group_vars/databse.json", "group_vars/all.yml", *theirs):
        (tmp_path / name).touch()
    names = {"group_vars": ["all", "cache", "database"], "host_vars": ["edge1"]}
    found = [
        "group_vars/chache is of nobody in the inventory; did you mean cache? Rename it, or remove it",
        "group_vars/databse.json is of nobody in the inventory; did you mean database? Rename it, or remove it",
        "host_vars/edgee1.yml is of nobody in the inventory; did you mean edge1? Rename it, or remove it",
    ]
    assert list(folder_findings(files_beside([str(tmp_path / "hosts.yml")], names), names)) == found
    assert list(folder_findings(files_beside([str(tmp_path)], names), names)) == found
    assert list(files_beside(["one,two,"], names)) == []


def test_variables_almost_like_ours_are_no_strangers() -> None:
    known = {"firewall_ssh_sources": "role firewall", "preflight_disk_mb": "the playbooks"}
    given = ["firewal_ssh_sources", "firewall_zzz", "__x", "ansible_user", "contract_x", "preflight_disk_mb", "mine"]
    assert list(strangers(given, known, {"preflight_disk_mb": {}})) == ["firewal_ssh_sources", "mine"]
    assert list(misspelt(["firewal_ssh_sources", "mine"], known)) == ["firewal_ssh_sources"]


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("", []),
        ("all", []),
        ("app,!app1:&database", []),
        ("fd00::1", []),
        ("web*,~x.*,app[0],@hosts.retry", []),
        ("app,databse", ["--limit names databse, no group or host of the inventory; did you mean database?"]),
        ("!zz", ["--limit names zz, no group or host of the inventory; correct it"]),
    ],
)
def test_names_in_the_limit_are_known(limit: str, said: list[str]) -> None:
    assert list(limit_findings(split_host_pattern(limit), {"all", "app", "app1", "database"})) == said
