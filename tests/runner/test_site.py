"""site.yml as another program runs it (AWX, Semaphore, scripts): events, result, refusals, and no secret anywhere."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab import networks

from .conftest import INVENTORY, Run

Playbook = Callable[..., Run]


def test_a_bare_host_becomes_a_platform(site: Run) -> None:
    assert (site.status, site.code, site.failures()) == ("successful", 0, [])
    assert site.stats["ok"]["runner1"] > 20  # an empty inventory would succeed too
    assert site.result["playbook"] == "site"
    assert site.result["hosts"] == ["runner1"]
    assert "host_packages" in site.result["changed"]["runner1"]
    assert site.result["answers"] == ["https://api.fantasy.example"]
    assert b"Could not match" not in b"".join(site.files.values())  # no group pooler here


def test_the_events_can_be_followed(site: Run) -> None:
    plays = [event["event_data"]["play"] for event in site.events if event["event"] == "playbook_on_play_start"]
    assert plays[0] == "Check before anything is changed"
    assert plays[-1] == "Report what happened"
    numbers = [event["counter"] for event in site.events]
    assert numbers == sorted(numbers)


def test_a_second_run_changes_nothing(site: Run, run_playbook: Playbook) -> None:
    assert site.status == "successful"
    second = run_playbook("playbooks/site.yml")
    assert (second.status, second.stats["changed"], second.result["changed"]) == ("successful", {}, {})


def test_check_mode_after_a_run_reports_nothing(site: Run, run_playbook: Playbook) -> None:
    assert site.status == "successful"
    check = run_playbook("playbooks/site.yml", cmdline="--check --diff")
    assert (check.status, check.stats["changed"], check.result["check_mode"]) == ("successful", {}, True)


def test_a_restart_that_is_not_allowed_is_said_to_be_due(site: Run, run_playbook: Playbook) -> None:
    assert site.result["restart_due"] == {}
    wanted = {"postgresql_max_connections": 190, "postgresql_restart_policy": "forbidden"}
    run = run_playbook("playbooks/site.yml", extravars=wanted)
    assert (run.status, run.result["restart_due"]) == ("successful", {"runner1": "max_connections"})
    said = b"".join(run.files.values()).decode()
    assert "restart due  max_connections on runner1" in said
    assert run_playbook("playbooks/site.yml").result["restart_due"] == {}  # taken out again, before any restart


def test_no_secret_is_in_events_or_artifacts(site: Run, secrets: dict[str, bytes], run_playbook: Playbook) -> None:
    verbose = run_playbook("playbooks/site.yml", verbosity=3, cmdline="--diff")
    for run in (site, verbose):
        leaks = {name: file for name, value in secrets.items() for file, data in run.files.items() if value in data}
        assert leaks == {}
        shown = repr(run.events).encode()
        assert [name for name, value in secrets.items() if value in shown] == []


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"redis_port": 70000}, "redis_port is 70000, a port is 1 to 65535"),
        ({"redis_port": "6379"}, 'redis_port is "6379", it must be a whole number; write it without quotes'),
        (
            {"postgresql_max_conections": 50},
            "postgresql_max_conections is not a variable of role postgresql; did you mean postgresql_max_connections?",
        ),
        ({"backup_passphrase": "changeme"}, "backup_passphrase is a placeholder, not a secret; `make secrets"),
        (
            {"nginx_sites": [{"name": "api", "sever_names": ["a.example"]}]},
            "nginx_sites[0].sever_names is unknown; did you",
        ),
        ({"host_memory_mb": 1024}, "host_memory_mb is 1024, but the services need"),
        (
            {"redis_bind": ["127.0.0.1", "198.51.100.7"]},
            "redis_bind: runner1 does not have the address 198.51.100.7, it has",
        ),
        ({"firewall_rules": [{"name": "x", "port": 9, "sources": ["edges"]}]}, "edges"),
        # HST-01, HST-03, HST-12, HRD-05
        ({"certificates_providers": {"ngnix": "acme"}}, "certificates_providers has ngnix: acme, and no host wants"),
        ({"preflight_cpus": 999}, "preflight_cpus asks for 999; give it more, or lower it"),
        ({"preflight_disk_mb": 999_999_999}, "preflight_disk_mb asks for 999999999; make room or lower it"),
        ({"preflight_encrypted": True}, "runner1 keeps data on a disk that dm-crypt does not encrypt"),
        ({"preflight_names": ["no-such-name.invalid"]}, "runner1 cannot resolve no-such-name.invalid"),
        ({"preflight_addresses": {"localhost": "198.51.100.7"}}, "preflight_addresses says 198.51.100.7; correct the"),
    ],
)
def test_bad_input_stops_before_any_change(
    site: Run, run_playbook: Playbook, variables: dict[str, Any], sentence: str
) -> None:
    assert site.status == "successful"
    run = run_playbook("playbooks/site.yml", extravars=variables)
    assert (run.status, run.code, run.stats["changed"]) == ("failed", 2, {})
    assert sentence in "\n".join(run.failures())


def test_everything_in_the_way_is_said_in_one_round(site: Run, run_playbook: Playbook) -> None:
    assert site.status == "successful"
    wrong = {
        "app_image": "<your image>",
        "host_memory_mb": 1024,
        "preflight_disk_mb": 999_999_999,
        "redis_bind": ["198.51.100.7"],
        "redis_password": "CHANGE_ME",
        "app_environment": {"TOKEN": "{{ token_of_nobody }}"},
    }
    run = run_playbook("playbooks/site.yml", extravars=wrong)
    assert (run.status, run.stats["changed"]) == ("failed", {})
    (said,) = run.failures()
    for sentence in (
        "app_image is a placeholder; give it a value of your own",
        "host_memory_mb is 1024, but the services need",
        "preflight_disk_mb asks for 999999999; make room or lower it",
        "redis_bind: runner1 does not have the address 198.51.100.7, it has",
        "redis_password is a placeholder, not a secret; `make secrets",
        "token_of_nobody is not defined, app_environment refers to it",
    ):
        assert sentence in said


def inventory_with(folder: Path, change: Callable[[str], str]) -> Path:
    """Copy the inventory with its hosts file changed."""
    changed = folder / "tests" / "runner" / "inventory"
    changed.mkdir(parents=True)
    (changed / "hosts.yml").write_text(change((INVENTORY / "hosts.yml").read_text()))
    (changed / "group_vars").symlink_to((INVENTORY / "group_vars").resolve())
    (folder / ".cache").symlink_to(INVENTORY.parents[2] / ".cache")
    return changed


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (('.95"', '.250"'), "runner1 does not answer over SSH"),
        (("    cache:", "    cahce:"), "group cahce of host runner1 is unknown; did you mean cache?"),
    ],
)
def test_a_bad_inventory_stops_before_any_change(
    site: Run, run_playbook: Playbook, tmp_path: Path, change: tuple[str, str], sentence: str
) -> None:
    assert site.status == "successful"
    run = run_playbook("playbooks/site.yml", inventory=inventory_with(tmp_path, lambda text: text.replace(*change)))
    assert (run.status, run.stats["changed"]) == ("failed", {})
    assert sentence in "\n".join(run.failures())


def test_a_misspelt_limit_stops_before_any_change(site: Run, run_playbook: Playbook) -> None:
    assert site.status == "successful"
    run = run_playbook("playbooks/site.yml", limit="runner1,cahce")
    assert (run.status, run.stats["changed"]) == ("failed", {})
    assert run.failures() == ["--limit names cahce, no group or host of the inventory; did you mean cache?"]


def test_a_missing_secret_is_named(site: Run, run_playbook: Playbook, tmp_path: Path) -> None:
    assert site.status == "successful"
    inventory = inventory_with(tmp_path, lambda text: text)
    (inventory / "group_vars").unlink()
    (inventory / "group_vars").mkdir()
    for folder in (INVENTORY / "group_vars").iterdir():
        (inventory / "group_vars" / folder.name).symlink_to(folder.resolve())
    (inventory / "group_vars" / "all").unlink()
    (inventory / "group_vars" / "all").mkdir()
    for file in (INVENTORY / "group_vars" / "all").iterdir():
        lines = file.read_text().splitlines(keepends=True)
        text = "".join(line for line in lines if not line.startswith("redis_password"))
        (inventory / "group_vars" / "all" / file.name).write_text(text)
    run = run_playbook("playbooks/site.yml", inventory=inventory)
    assert (run.status, run.stats["changed"]) == ("failed", {})
    assert "redis_password" in "\n".join(run.failures())
    assert "make secrets" in "\n".join(run.failures())


def test_another_operating_system_is_refused(site: Run, run_playbook: Playbook) -> None:
    assert site.status == "successful"
    release = "/usr/lib/os-release"
    on_host = ["docker", "exec", f"{networks.name('test')}-runner1"]
    subprocess.run([*on_host, "sed", "-i.kept", "s/VERSION_CODENAME=.*/VERSION_CODENAME=sid/", release], check=True)
    try:
        run = run_playbook("playbooks/site.yml")
    finally:
        subprocess.run([*on_host, "mv", f"{release}.kept", release], check=True)
    assert (run.status, run.stats["changed"]) == ("failed", {})
    assert "runner1 runs Debian 13 (sid); Holdfast supports Debian bookworm and trixie" in "\n".join(run.failures())
