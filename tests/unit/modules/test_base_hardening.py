"""What base and hardening write for which switch and host; also what containers cannot prove (HRD-08)."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ROLES = ("base", "hardening")
OFF = {
    "base_restart_mode": "none",
    "base_time_sync_enabled": False,
    "base_upgrades_enabled": False,
    "hardening_audit_enabled": False,
    "hardening_ban_failures": 0,
    "hardening_core_dumps_enabled": True,
    "hardening_modules_blocked": [],
    "hardening_mount_options": {},
    "hardening_password_length": 0,
    "hardening_umask": "",
}


def place(name: str) -> Path:
    """Return where a file of one of the two roles is."""
    return next(path for role in ROLES if (path := ROOT / "roles" / role / name).exists())


def variables(kind: str = "none", release: str = "trixie", **given: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for path in (ROOT / "roles" / role for role in ROLES):
        for name in ("defaults/main.yml", "vars/main.yml"):
            parts |= yaml.safe_load((path / name).read_text())
        parts |= yaml.safe_load((path / "tasks/apply.yml").read_text())[0]["vars"]
    facts = {"distribution_release": release, "virtualization_type": kind}
    folders = {"ansible_search_path": [str(ROOT / "roles" / role) for role in ROLES]}
    options = {name: value for name, value in {**parts, **given}.items() if name.startswith("base_")}
    host = {"inventory_hostname": "alpha", "ansible_facts": facts, "role_options": options}
    return {**parts, **folders, **host, **given}


def asked(expression: str, **given: Any) -> Any:
    request = {"filters": str(ROOT / "filter_plugins"), "examples": [[expression, variables(**given)]]}
    argv = [sys.executable, "-m", "tests.contract.contracts.evaluate"]
    done = subprocess.run(argv, input=json.dumps(request), capture_output=True, text=True, check=True, cwd=ROOT)
    answer = json.loads(done.stdout)[0]
    assert "error" not in answer, answer["error"]
    return answer["value"]


FILES = "{{ (__base_parts + __hardening_parts) | switched_files }}"
PACKAGES = "{{ base_offer.packages + hardening_offer.packages }}"
UNITS = "{{ base_offer.units + hardening_offer.units }}"


@pytest.mark.parametrize(("kind", "audited"), [("none", True), ("kvm", True), ("docker", False), ("lxc", False)])
def test_a_container_is_not_audited_and_leaves_the_kernel_alone(kind: str, audited: bool) -> None:
    assert asked("{{ 'auditd' in hardening_offer.packages }}", kind=kind) is audited
    assert asked("{{ 'auditd.service' in hardening_offer.units }}", kind=kind) is audited
    states = {entry["dest"]: entry.get("state", "file") for entry in asked(FILES, kind=kind)}
    assert states["/etc/audit/rules.d/50-holdfast.rules"] == ("file" if audited else "absent")
    text = printed("etc/sysctl.d/60-holdfast.conf.j2", kind=kind)
    assert ("\n-kernel.dmesg_restrict = 1\n" in text) is audited
    assert "\n-net.ipv4.tcp_syncookies = 1\n" in text


def test_what_is_switched_off_is_removed_and_brings_no_package() -> None:
    entries = asked(FILES, **OFF)
    gone = {entry["dest"] for entry in entries if entry.get("state") == "absent"}
    assert len(gone) > 10
    assert {"/etc/fail2ban/jail.d/holdfast.local", "/etc/needrestart/conf.d/holdfast.conf"} <= gone
    assert asked(PACKAGES, **OFF) == ["openssh-server", "python3", "sudo", "tzdata"]
    assert asked(UNITS, **OFF) == ["ssh.service"]


def test_everything_on_is_written() -> None:
    given = {"base_banner": "Members only", "hardening_integrity_paths": ["/etc"], "hardening_su_group": "adm"}
    assert "absent" not in {entry.get("state") for entry in asked(FILES, **given)}


@pytest.mark.parametrize(
    ("given", "covers"),
    [({}, True), ({"hardening_umask": ""}, False), ({"hardening_umask": "077"}, True)],
)
def test_sudo_has_the_usual_umask_where_sessions_have_another(given: dict[str, Any], covers: bool) -> None:
    assert ("umask=0022" in printed("etc/sudoers.d/holdfast.j2", **given)) is covers


@pytest.mark.parametrize(
    ("options", "moved"), [({}, False), ({"/tmp": ["nodev"]}, False), ({"/tmp": ["nodev", "noexec"]}, True)]
)
def test_apt_executes_nothing_in_a_tmp_without_programs(options: dict[str, Any], moved: bool) -> None:
    text = printed("etc/apt/apt.conf.d/60holdfast.j2", hardening_mount_options=options)
    assert ("ExtractTemplates::TempDir" in text) is moved


@pytest.mark.parametrize(
    "given",
    [
        {"ansible_ssh_extra_args": "-o KexAlgorithms=curve25519-sha256"},
        {"ansible_connection": "paramiko_ssh"},
        {"ansible_ssh_executable": "/no such/ssh"},
    ],
)
def test_a_controller_that_could_not_come_back_is_refused(given: dict[str, Any]) -> None:
    (sentence,) = asked("{{ base_findings }}", **given)
    assert sentence.startswith("The ssh of this controller offers none")


def printed(template: str, **given: Any) -> str:
    return str(asked(place(f"templates/{template}").read_text(), **given))


def test_names_of_services_are_no_patterns_of_perl() -> None:
    """In a pattern Perl replaces @17 by the elements of an array of that name, and @office is an error."""
    text = printed(
        "etc/needrestart/conf.d/holdfast.conf.j2", base_restart_excluded=["postgresql@17-main", "openvpn@office"]
    )
    script = (
        text
        + r"""
        my @names = qw(postgresql@17-main.service openvpn@office.service openvpn@officex.service openvpn.service);
        for my $name (@names) { print grep({ $name =~ /$_/ } keys %{$nrconf{override_rc}}) ? 1 : 0 }
    """
    )
    done = subprocess.run(
        ["perl", "-e", f"use strict; our %nrconf; {script}"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("1100", "")


def test_mounts_are_recorded_by_the_calls_of_new_programs() -> None:
    """mount(8) of Debian 13 calls fsmount or open_tree, then move_mount; and mount_setattr to change options."""
    text = printed("etc/audit/rules.d/50-holdfast.rules.j2")
    lines = [line for line in text.splitlines() if line.endswith("key=mounts")]
    calls = {"mount", "umount2", "fsmount", "move_mount", "open_tree", "mount_setattr"}
    assert [set(line.split(" -S ")[1].split()[0].split(",")) for line in lines] == [calls, calls]


@pytest.mark.parametrize(
    ("facts", "given", "exempt"),
    [
        ({}, [], []),
        ({"ssh_client_address": ""}, [], []),
        ({"ssh_client_address": "192.0.2.7"}, [], ["192.0.2.7"]),
        ({"ssh_client_address": "fe80::7%eth0"}, [], ["fe80::7"]),
        ({"ssh_client_address": "192.0.2.7"}, ["198.51.100.0/24"], ["198.51.100.0/24"]),
    ],
)
def test_the_address_of_this_run_is_not_banned(facts: dict[str, str], given: list[str], exempt: list[str]) -> None:
    """Unless the operator has said whom to spare; a list is the same for every controller."""
    host = {"distribution_release": "trixie", "virtualization_type": "none", **facts}
    known = {"ansible_facts": host, "base_ssh_penalty_exempt": given}
    line = f"PerSourcePenaltyExemptList {','.join(exempt)}"
    assert (line in printed("etc/ssh/sshd_config.d/10-holdfast.conf.j2", **known).splitlines()) is bool(exempt)
    assert f"ignoreip = {' '.join(['127.0.0.0/8', '::1', *exempt])}\n" in printed(
        "etc/fail2ban/jail.d/holdfast.local.j2", **known
    )


def test_a_jump_host_takes_all_forks_of_a_controller_at_once() -> None:
    forks = int(re.search(r"(?m)^forks *= *(\d+)", (ROOT / "ansible.cfg").read_text())[1])  # type: ignore[index]
    for forwards in (False, True):
        text = printed("etc/ssh/sshd_config.d/10-holdfast.conf.j2", base_ssh_forwarding_enabled=forwards)
        found = [int(one) for one in re.findall(r"(?m)^(?:PerSource)?MaxStartups (\d+)", text)]
        assert len(found) == 2
        assert (min(found) > forks) is forwards


def test_what_others_set_in_the_kernel_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = program("sysctl-in-force")
    paths = {name: tmp_path / f"net/ipv4/conf/{name}/rp_filter" for name in ("all", "eth0")}
    for path in paths.values():
        path.parent.mkdir(parents=True)
        path.write_text("1\n")
    monkeypatch.setattr(module, "MEMORY", tmp_path / "memory")
    module.main()
    (tmp_path / "memory").write_text(json.dumps({str(path): {"before": "0", "set": "1"} for path in paths.values()}))
    paths["eth0"].write_text("2\n")
    module.main()
    paths["all"].write_text("0\n")
    with pytest.raises(SystemExit, match=f"{paths['all']} is 0, not 1; look for what sets it"):
        module.main()


MATCH = "Match Address 10.0.0.0/8"


@pytest.mark.parametrize(
    ("files", "answers", "refusal"),
    [
        ({}, {"": "no"}, ""),
        ({"05-a.conf": "PasswordAuthentication yes"}, {"": "yes"}, "'passwordauthentication yes'; another file"),
        ({"99-a.conf": MATCH}, {"": "no", "user=root,host=10.0.0.1": "no"}, ""),
        ({"99-a.conf": MATCH}, {"user=root,host=10.0.0.1": "yes"}, "yes' for user=root,host=10.0.0.1,"),
        ({"99-a.conf": MATCH}, {"user=root,host=192.0.2.1": "yes"}, "yes' for user=root,host=192.0.2.1,"),
    ],
)
def test_passwords_that_others_let_in_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], answers: dict[str, str], refusal: str
) -> None:
    """HRD-01: by a file that comes first, or for some callers alone."""
    module = program("sshd-in-force")
    folder = tmp_path / "sshd_config.d"
    folder.mkdir()
    (tmp_path / "sshd_config").write_text("Include /etc/ssh/sshd_config.d/*.conf\n")
    (folder / "10-holdfast.conf").write_text("Port 22\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n")
    for name, text in files.items():
        (folder / name).write_text(text)

    def sshd(argv: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        who = argv[3].rpartition(",addr=")[0] if argv[2:] else ""
        said = f"port 22\npasswordauthentication {answers.get(who, 'no')}\npermitrootlogin without-password\n"
        return subprocess.CompletedProcess(argv, 0, said, "")

    monkeypatch.setattr(module, "FOLDER", tmp_path)
    monkeypatch.setattr(module.subprocess, "run", sshd)
    monkeypatch.setattr(module.sys, "argv", ["sshd-in-force", "10.0.0.1"])
    if refusal:
        with pytest.raises(SystemExit, match=re.escape(refusal)):
            module.main()
    else:
        module.main()


def test_a_controller_that_needs_no_ssh_or_no_strictness_is_not_asked() -> None:
    old = {"ansible_ssh_extra_args": "-o KexAlgorithms=curve25519-sha256"}
    assert asked("{{ base_findings }}", base_ssh_strict_enabled=False, **old) == []
    assert asked("{{ base_findings }}", ansible_connection="local", **old) == []


@pytest.mark.parametrize("release", ["trixie", "bookworm"])
def test_this_controller_reaches_both_releases(release: str) -> None:
    assert asked("{{ base_findings }}", release=release) == []


def program(name: str) -> ModuleType:
    loader = SourceFileLoader(name.replace("-", "_"), str(place(f"files/usr/local/lib/holdfast/{name}")))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def sysctl(tmp_path: Path) -> ModuleType:
    module = program("sysctl")
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


def test_accounts_and_algorithms_of_the_host_are_asked_before_any_change() -> None:
    facts = {
        "distribution_release": "trixie",
        "virtualization_type": "none",
        "accounts": {"users": {"bob": 1001, "carl": 1002}, "groups": {"bob": 1001, "carl": 1002}, "made": ["bob"]},
        "ssh_algorithms": {"cipher": ["aes256-ctr"]},
    }
    given = {"ansible_facts": facts, "ansible_user": "bob", "ansible_connection": "local"}
    users = [{"name": "alice", "uid": 1002}]
    wrong = asked("{{ base_findings }}", **given, base_users=users, base_ssh_settings={"Ciphers": "rot13"})
    assert [sentence.split(",")[0] for sentence in wrong] == [
        "base_users does not name bob any more",
        "base_users gives alice the uid 1002",
        "base_ssh_settings.Ciphers has rot13",
    ]
    users = [{"name": "alice"}, {"name": "bob"}]
    assert asked("{{ base_findings }}", **given, base_users=users, base_ssh_settings={"Ciphers": "aes256-ctr"}) == []


def test_the_list_of_accounts_is_json_with_the_numbers_of_containers() -> None:
    text = place("templates/etc/holdfast/accounts.json.j2").read_text()
    users = [{"name": "carl", "uid": 3001}, {"name": "alice"}]
    told = json.loads(json.dumps(asked(text, base_users=users, base_uids_reserved=[10001])))
    told = json.loads(told) if isinstance(told, str) else told
    assert told["reserved"] == [10001]
    assert [(entry["name"], entry["uid"]) for entry in told["accounts"]] == [("alice", None), ("carl", 3001)]
