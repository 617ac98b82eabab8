"""host_facts on a pretended host: system, addresses, ports, disks and PostgreSQL; and the clock, on the controller."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.loader import action_loader

ROOT = Path(__file__).parents[3]


@pytest.fixture
def facts(load_module: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, whose absolute paths lie below a folder of the test."""
    module = load_module("host_facts")
    monkeypatch.setattr(module, "Path", lambda *parts: tmp_path / "/".join(map(str, parts)).lstrip("/"))
    return module


def write(root: Path, path: str, text: str) -> Path:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)
    return root / path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n',
            ["Debian", "bookworm", "12", "12", "Debian"],
        ),
        (
            'ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n\n',
            ["Ubuntu", "noble", "24", "24.04", "Debian"],
        ),
        ("ID=mint\nID_LIKE='ubuntu debian'\n".replace("'", '"'), ["Mint", "unknown", "", "", "Debian"]),
        ('ID=fedora\nVERSION_ID=42\nVERSION_CODENAME=""\n', ["Fedora", "", "42", "42", "Fedora"]),
        ("PRETTY_NAME=x\n", ["Unknown", "unknown", "", "", "Unknown"]),
    ],
)
def test_what_system_it_is(facts: ModuleType, tmp_path: Path, text: str, expected: list[str]) -> None:
    write(tmp_path, "etc/os-release", text)
    names = ("distribution", "distribution_release", "distribution_major_version", "distribution_version", "os_family")
    assert facts.operating_system() == dict(zip(names, expected, strict=True))


def test_memory_is_told_in_mib(facts: ModuleType, tmp_path: Path) -> None:
    write(tmp_path, "proc/meminfo", "MemFree:  1 kB\nMemTotal:       4015616 kB\nMemTotalish: 3 kB\n")
    assert facts.memory_mb() == 3921


def test_addresses_of_interfaces_but_not_those_of_the_host_to_itself(
    facts: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    interfaces = [
        {"ifname": "lo", "addr_info": [{"family": "inet", "local": "127.0.0.1"}]},
        {
            "ifname": "eth0",
            "addr_info": [{"family": "inet", "local": "192.0.2.7"}, {"family": "inet6", "local": "::7"}],
        },
        {"ifname": "down0"},
    ]
    said = {"address": json.dumps(interfaces), "-4": '[{"dev": "eth0", "prefsrc": "192.0.2.7"}]'}
    monkeypatch.setattr(facts, "output", lambda *argv: said.get(argv[2], ""))
    assert facts.addresses() == {
        "all_ipv4_addresses": ["192.0.2.7"],
        "all_ipv6_addresses": ["::7"],
        "default_ipv4": {"address": "192.0.2.7", "interface": "eth0"},
        "default_ipv6": {},
        "interfaces": ["down0", "eth0", "lo"],
        "foreign_addresses": False,
    }


@pytest.mark.parametrize(("text", "foreign"), [("1\n", True), ("0\n", False), (None, False)])
def test_whether_services_may_listen_on_foreign_addresses(
    facts: ModuleType, tmp_path: Path, text: str | None, foreign: bool
) -> None:
    if text is not None:
        write(tmp_path, "proc/sys/net/ipv4/ip_nonlocal_bind", text)
    assert facts.foreign_addresses() is foreign


HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def row(address: str, state: str, inode: int) -> str:
    return f"   0: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 {inode} 1\n"


def test_only_what_listens_is_told_with_process_and_container(
    facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = {
        "tcp": row("00000000:1F90", "0A", 11) + row("0100007F:0050", "0A", 12) + row("0100007F:C350", "01", 13),
        "tcp6": row("00000000000000000000000000000000:1F91", "0A", 14),
        "udp": row("00000000:0035", "07", 15) + row("00000000:0036", "0A", 16),
    }
    for name, rows in tables.items():
        write(tmp_path, f"proc/net/{name}", HEAD + rows)
    holder = min(facts.DOCKER_HOLDERS)
    monkeypatch.setattr(facts, "sockets_of_processes", lambda: {"11": holder, "12": "nginx", "14": holder, "15": "dns"})
    monkeypatch.setattr(facts, "published_ports", lambda: {("tcp", 8080): "blog", ("tcp", 80): "other"})
    assert facts.listening_ports() == [
        {"protocol": "tcp", "address": "0.0.0.0", "port": 8080, "process": holder, "container": "blog"},
        {"protocol": "tcp", "address": "127.0.0.1", "port": 80, "process": "nginx"},
        {"protocol": "tcp", "address": "::", "port": 8081, "process": holder},
        {"protocol": "udp", "address": "0.0.0.0", "port": 53, "process": "dns"},
    ]


def test_docker_is_asked_only_where_it_holds_a_port(
    facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "proc/net/tcp", HEAD + row("00000000:1F90", "0A", 11))
    monkeypatch.setattr(facts, "sockets_of_processes", lambda: {"11": "nginx"})
    monkeypatch.setattr(facts, "published_ports", lambda: pytest.fail("was asked"))
    assert [entry["process"] for entry in facts.listening_ports()] == ["nginx"]


@pytest.mark.parametrize(("text", "speed"), [("10000\n", 10000), ("-1\n", 0), ("\n", 0), (None, 0)])
def test_the_speed_of_a_link_is_told_where_it_has_one(
    facts: ModuleType, tmp_path: Path, text: str | None, speed: int
) -> None:
    if text is not None:
        write(tmp_path, "sys/class/net/eth0/speed", text)
    assert facts.link_mbps("eth0") == speed


@pytest.mark.parametrize(
    ("name", "files", "kind"),
    [
        ("nvme0n1", {"nvme0n1/queue/rotational": "0\n"}, "ssd"),
        ("sda", {"sda/queue/rotational": "1\n"}, "hdd"),
        ("sda/sda1", {"sda/sda1/partition": "1\n", "sda/queue/rotational": "1\n"}, "hdd"),
        ("vda", {"vda/queue/rotational": "1\n"}, ""),
        ("xvda", {"xvda/queue/rotational": "0\n"}, ""),
        ("sda", {"sda/size": "1\n"}, ""),
        ("none", {}, ""),
    ],
)
def test_what_kind_a_disk_is(facts: ModuleType, tmp_path: Path, name: str, files: dict[str, str], kind: str) -> None:
    for path, text in files.items():
        write(tmp_path, path, text)
    assert facts.kind_of_disk(tmp_path / name) == kind


def test_names_are_resolved_ipv4_first(facts: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [(0, 0, 0, "", (address, 0)) for address in ("2001:db8::1", "192.0.2.9", "192.0.2.1", "192.0.2.9")]
    monkeypatch.setattr(facts.socket, "getaddrinfo", lambda *_: entries)
    assert facts.resolved("a.example") == ["192.0.2.1", "192.0.2.9", "2001:db8::1"]


def test_a_call_prints_the_facts(
    load_module: Callable[[str], ModuleType],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = load_module("host_facts")
    packages = "installed\tzlib1g\t1\ninstalled\tbash\t5\nconfig-files\tnano\t7\ninstalled\tbash\t5\n"
    for name, text in (("dpkg-query", packages), ("systemd-detect-virt", "kvm\n")):
        write(tmp_path, name, f"#!/bin/sh\ncat <<'X'\n{text}X\n").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(module.platform, "node", lambda: "web1.example.org")
    printed = module.called({"resolve": ["127.0.0.1"], "folders": [], "settled": False})
    told = printed["ansible_facts"]
    assert printed["changed"] is False
    assert told["installed_packages"] == ["bash", "zlib1g"]
    assert (told["hostname"], told["fqdn"], told["virtualization_type"]) == ("web1", "web1.example.org", "kvm")
    assert told["resolved_names"] == {"127.0.0.1": ["127.0.0.1"]}
    assert told["user_id"] == os.geteuid()
    room = os.statvfs("/")
    assert abs(told["disk_free_mb"]["/"] - room.f_bavail * room.f_frsize // 2**20) < 1024
    write(tmp_path, "systemd-detect-virt", "#!/bin/sh\nexit 1\n")
    again = module.called({"resolve": ["127.0.0.1"], "folders": [], "settled": False})
    assert again["ansible_facts"]["virtualization_type"] == "none"


# ---------------------------------------------------------------- the controller


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The action on a controller whose clock says 1000 when it asks and 1003 when it has its answer."""
    action_loader.add_directory(str(ROOT / "action_plugins"))
    module = sys.modules[action_loader.get("host_facts", class_only=True).__module__]
    clock = itertools.cycle([1000.0, 1003.0])
    monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: next(clock)))
    return module.ActionModule.__new__(module.ActionModule)


def asked(plugin: Any, answer: Any, must_answer: bool = True) -> Any:
    def call(_module: str, arguments: dict[str, Any], _variables: dict[str, Any]) -> Any:
        assert arguments["resolve"] == ["a"]
        if isinstance(answer, Exception):
            raise answer
        return answer

    plugin.call = call
    given = {name: spec.get("default") for name, spec in plugin.ARGUMENTS.items()}
    plugin._templar = SimpleNamespace(template=lambda value: value)
    return plugin.act({**given, "resolve": ["a"], "must_answer": must_answer}, {"inventory_hostname": "a"})


@pytest.mark.parametrize(
    ("epoch", "skew"), [(999, 0), (1000, 0), (1003, 0), (1004, 1.0), (1033, 30.0), (998, 1.0), (969, 30.0)]
)
def test_a_clock_is_wrong_by_what_the_time_of_the_call_does_not_explain(plugin: Any, epoch: int, skew: float) -> None:
    found = asked(plugin, {"ansible_facts": {"date_time": {"epoch": str(epoch)}}})
    assert found["ansible_facts"]["clock_skew_seconds"] == skew


def test_a_host_that_has_to_answer_and_does_not_is_a_failure(plugin: Any) -> None:
    failed = {"failed": True, "msg": "no python"}
    assert asked(plugin, failed) == failed
    with pytest.raises(AnsibleConnectionFailure):
        asked(plugin, AnsibleConnectionFailure("timed out"))


@pytest.mark.parametrize(
    ("answer", "unreachable", "said"),
    [
        (AnsibleConnectionFailure("timed out"), True, "timed out"),
        ({"failed": True, "msg": "sudo: sorry"}, False, "sudo: sorry"),
        ({"failed": True, "module_stderr": "not found"}, False, "not found"),
        ({"failed": True}, False, ""),
    ],
)
def test_one_that_need_not_is_told_about(plugin: Any, answer: Any, unreachable: bool, said: str) -> None:
    found = asked(plugin, answer, must_answer=False)
    assert (found["changed"], found["contact"]["unreachable"]) == (False, unreachable)
    assert said in found["contact"].values() or not said
