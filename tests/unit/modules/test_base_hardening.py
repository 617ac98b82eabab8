"""What base writes for which switch and host: audit and kernel settings too, which containers cannot prove (HRD-08)."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ROLE = ROOT / "roles/base"
OFF = {
    "base_audit_enabled": False,
    "base_ban_failures": 0,
    "base_core_dumps_enabled": True,
    "base_modules_blocked": [],
    "base_mount_options": {},
    "base_password_length": 0,
    "base_restart_mode": "none",
    "base_time_sync_enabled": False,
    "base_umask": "",
    "base_upgrades_enabled": False,
}


def variables(kind: str = "none", release: str = "trixie", **given: Any) -> dict[str, Any]:
    parts = [yaml.safe_load((ROLE / name).read_text()) for name in ("defaults/main.yml", "vars/main.yml")]
    facts = {"distribution_release": release, "virtualization_type": kind}
    place = {"ansible_search_path": [str(ROLE)], "inventory_hostname": "alpha", "ansible_facts": facts}
    return {**parts[0], **parts[1], **place, **given}


def asked(expression: str, **given: Any) -> Any:
    request = {"filters": str(ROOT / "filter_plugins"), "examples": [[expression, variables(**given)]]}
    argv = [sys.executable, "-m", "tests.contract.contracts.evaluate"]
    done = subprocess.run(argv, input=json.dumps(request), capture_output=True, text=True, check=True, cwd=ROOT)
    answer = json.loads(done.stdout)[0]
    assert "error" not in answer, answer["error"]
    return answer["value"]


@pytest.mark.parametrize(("kind", "audited"), [("none", True), ("kvm", True), ("docker", False), ("lxc", False)])
def test_a_container_is_not_audited_and_leaves_the_kernel_alone(kind: str, audited: bool) -> None:
    assert asked("{{ 'auditd' in base_packages }}", kind=kind) is audited
    assert asked("{{ 'auditd.service' in __base_units | map(attribute='name') }}", kind=kind) is audited
    states = {entry["dest"]: entry.get("state", "file") for entry in asked("{{ __base_hardening }}", kind=kind)}
    assert states["/etc/audit/rules.d/50-holdfast.rules"] == ("file" if audited else "absent")
    assert asked("{{ __base_sysctl_prefix }}", kind=kind) == ("" if audited else "net.")


def test_what_is_switched_off_is_removed_and_brings_no_package() -> None:
    entries = asked("{{ __base_hardening }}", **OFF)
    assert {entry["state"] for entry in entries} == {"absent"}
    assert len(entries) > 10
    assert asked("{{ base_packages }}", **OFF) == ["openssh-server", "python3", "sudo", "tzdata"]
    assert asked("{{ __base_units | map(attribute='name') }}", **OFF) == ["ssh.service"]
    assert asked("{{ base_findings }}", **OFF) == []


def test_everything_on_is_written() -> None:
    given = {"base_banner": "Members only", "base_integrity_paths": ["/etc"], "base_su_group": "adm"}
    assert "absent" not in {entry.get("state") for entry in asked("{{ __base_hardening }}", **given)}
    assert asked("{{ base_findings }}", **given) == []


def test_locks_are_settings_that_hold_until_the_next_start() -> None:
    locked = asked("{{ __base_sysctl }}", base_kernel_locks=["bpf", "kexec"])
    assert (locked["kernel.unprivileged_bpf_disabled"], locked["kernel.kexec_load_disabled"]) == (1, 1)
    assert not [name for name in asked("{{ __base_sysctl }}") if "disabled" in name or "forward" in name]


@pytest.mark.parametrize(
    ("given", "finding"),
    [
        ({"base_umask": "27"}, "base_umask is 27; write three octal digits"),
        ({"base_umask": "700"}, "base_umask is 700; write three octal digits"),
        ({"base_modules_blocked": ["br-netfilter"]}, "base_modules_blocked holds br_netfilter, which the firewall"),
        ({"base_modules_blocked": ["a b"]}, "base_modules_blocked holds a b; use names"),
        ({"base_mount_options": {"/tmp": ["ro"]}}, "base_mount_options is {'/tmp': ['ro']}; it takes absolute paths"),
        ({"base_mount_options": {"tmp": ["nodev"]}}, "base_mount_options is {'tmp': ['nodev']}; it takes"),
        ({"base_password_length": 6}, "base_password_length is 6; choose 8 to 128"),
        ({"base_ban_failures": 1}, "base_ban_failures is 1; choose 2 to 100"),
        ({"base_ban_minutes": 0}, "base_ban_minutes is 0; choose 1 to 1440"),
        ({"base_su_group": "Wheel!"}, "base_su_group is Wheel!; name a group"),
        ({"base_integrity_paths": ["etc"]}, "base_integrity_paths holds etc; use absolute paths"),
        ({"ansible_ssh_extra_args": "-o KexAlgorithms=curve25519-sha256"}, "The ssh of this controller offers none"),
        ({"ansible_connection": "paramiko_ssh"}, "The ssh of this controller offers none"),
        ({"ansible_ssh_executable": "/no such/ssh"}, "The ssh of this controller offers none"),
    ],
)
def test_one_sentence_for_what_cannot_be(given: dict[str, Any], finding: str) -> None:
    found = asked("{{ base_findings }}", **given)
    assert [sentence[: len(finding)] for sentence in found] == [finding]


def test_a_controller_that_needs_no_ssh_or_no_strictness_is_not_asked() -> None:
    old = {"ansible_ssh_extra_args": "-o KexAlgorithms=curve25519-sha256"}
    assert asked("{{ base_findings }}", base_ssh_strict_enabled=False, **old) == []
    assert asked("{{ base_findings }}", ansible_connection="local", **old) == []


@pytest.mark.parametrize("release", ["trixie", "bookworm"])
def test_this_controller_reaches_both_releases(release: str) -> None:
    assert asked("{{ base_findings }}", release=release) == []


@pytest.fixture
def sysctl(tmp_path: Path) -> ModuleType:
    loader = SourceFileLoader("sysctl_program", str(ROLE / "files/usr/local/lib/holdfast/sysctl"))
    spec = importlib.util.spec_from_loader("sysctl_program", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    kernel = tmp_path / "kernel"
    kernel.mkdir()
    for name, value in (("kexec_load_disabled", "0"), ("dmesg_restrict", "0")):
        (kernel / name).write_text(value)
    vars(module).update(ROOT=tmp_path, FILE=tmp_path / "file", MEMORY=tmp_path / "memory")
    vars(module)["ONE_WAY"] = {str(kernel / "kexec_load_disabled")}
    return module


def test_a_lock_that_leaves_stays_until_the_next_start(sysctl: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("-kernel.kexec_load_disabled = 1\n-kernel.dmesg_restrict = 1\n")
    sysctl.main()
    (tmp_path / "file").write_text("")
    sysctl.main()
    assert (tmp_path / "kernel/kexec_load_disabled").read_text() == "1"
    assert (tmp_path / "kernel/dmesg_restrict").read_text() == "0"
    assert json.loads((tmp_path / "memory").read_text()) == {}
