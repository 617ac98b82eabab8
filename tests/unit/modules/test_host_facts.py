"""host_facts: what it reads from the kernel, and that its facts have the names and values of setup."""

from __future__ import annotations

import inspect
import json
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.loader import action_loader

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def host_facts(load_module: Callable[[str], ModuleType]) -> ModuleType:
    return load_module("host_facts")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0100007F", "127.0.0.1"),
        ("00000000", "0.0.0.0"),
        ("0114A8C0", "192.168.20.1"),
        ("00000000000000000000000001000000", "::1"),
        ("B80D0120000000000000000001000000", "2001:db8::1"),
    ],
)
def test_addresses_of_the_kernel(host_facts: ModuleType, text: str, address: str) -> None:
    assert host_facts.kernel_address(text) == address


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_listening_port_is_found_with_its_process(
    host_facts: ModuleType, family: socket.AddressFamily, address: str
) -> None:
    with socket.socket(family) as listener:
        try:
            listener.bind((address, 0))
        except OSError:
            pytest.skip(f"this machine has no {address}")
        listener.listen()
        port = listener.getsockname()[1]
        found = [entry for entry in host_facts.listening_ports() if entry["port"] == port]
    me = Path("/proc/self/comm").read_text().strip()
    assert found == [{"protocol": "tcp", "address": address, "port": port, "process": me}]
    assert not [entry for entry in host_facts.listening_ports() if entry["port"] == port]


def test_ports_of_containers_have_their_names(
    host_facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Docker answers `GET /containers/json` (Docker Engine API, ContainerList)."""
    ports = [
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"PrivatePort": 443, "Type": "tcp"},
    ]
    body = json.dumps([{"Names": ["/blog"], "Ports": ports}, {"Names": ["/idle"], "Ports": []}]).encode()
    monkeypatch.setattr(host_facts, "DOCKER", str(tmp_path / "docker.sock"))
    assert host_facts.published_ports() == {}
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(host_facts.DOCKER)
        engine.listen()

        def answer() -> None:
            connection, _ = engine.accept()
            with connection:
                assert connection.recv(999).startswith(b"GET /containers/json HTTP/1.0\r\n")
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)

        server = threading.Thread(target=answer)
        server.start()
        assert host_facts.published_ports() == {("tcp", 8080): "blog"}
        server.join()


def test_facts_have_the_values_that_setup_would_find(host_facts: ModuleType) -> None:
    facts = host_facts.facts(["localhost", "no-such-name.invalid"])
    assert facts["hostname"] == socket.gethostname().split(".")[0]
    assert facts["kernel"] == os.uname().release
    assert facts["memtotal_mb"] == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    assert facts["processor_vcpus"] == len(os.sched_getaffinity(0))
    assert facts["resolved_names"]["no-such-name.invalid"] == []
    assert set(facts["disk_free_mb"]) == {"/", "/var"}
    assert facts["date_time"]["epoch"].isdigit()
    assert facts["interfaces"] in ([], sorted(name for _, name in socket.if_nameindex()))  # without iproute2 none
    assert facts["foreign_addresses"] in (True, False)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (
            '[{"dst":"2001:db8::1","from":"::","gateway":"fe80::1","dev":"br-lan","prefsrc":"fd00::2","metric":1024}]',
            {"address": "fd00::2", "interface": "br-lan"},
        ),
        ('[{"dst":"192.0.2.1","dev":"ppp0","flags":[],"uid":0,"cache":[]}]', {"address": "", "interface": "ppp0"}),
        ("", {}),
    ],
)
def test_the_default_route_is_the_way_to_nobody(
    host_facts: ModuleType, monkeypatch: pytest.MonkeyPatch, said: str, found: dict[str, str]
) -> None:
    """As iproute2 answers; without a route it says so on the other channel."""
    monkeypatch.setattr(host_facts, "output", lambda *_argv: said)
    assert host_facts.way_out("-6", "2001:db8::1") == found


@pytest.fixture
def devices(tmp_path: Path) -> Callable[[str, str, list[str]], Path]:
    """Return what makes a device as sysfs shows it: a name, its device-mapper UUID, and the devices it lies on."""

    def make(name: str, uuid: str, below: list[str]) -> Path:
        device = tmp_path / name
        (device / "slaves").mkdir(parents=True)
        for other in below:
            (device / "slaves" / other).symlink_to(tmp_path / other)
        if uuid:
            (device / "dm").mkdir()
            (device / "dm/uuid").write_text(f"{uuid}\n")
        return device

    return make


def test_a_disk_is_encrypted_where_all_below_it_is(
    host_facts: ModuleType, tmp_path: Path, devices: Callable[[str, str, list[str]], Path]
) -> None:
    """UUIDs as libcryptsetup and LVM give them: LVM on LUKS, LUKS on LVM, and a volume that grew onto a plain disk."""
    plain = devices("sda", "", [])
    crypt = devices("dm-0", "CRYPT-LUKS2-2f3e1d0c9b8a-sda3_crypt", ["sda"])
    on_crypt = devices("dm-1", "LVM-vgroot", ["dm-0"])
    on_plain = devices("dm-2", "LVM-vgdata", ["sda"])
    grown = devices("dm-3", "LVM-vggrown", ["dm-0", "sda"])
    above = devices("dm-4", "CRYPT-LUKS2-0a1b2c3d4e5f-data", ["dm-2"])
    found = {device.name: host_facts.encrypted(device) for device in (plain, crypt, on_crypt, on_plain, grown, above)}
    assert found == {"sda": False, "dm-0": True, "dm-1": True, "dm-2": False, "dm-3": False, "dm-4": True}
    assert host_facts.encrypted(tmp_path / "no-such-device") is False


def test_a_missing_tool_is_no_output(host_facts: ModuleType) -> None:
    assert host_facts.output("no-such-tool") == ""


@pytest.mark.parametrize(
    ("said", "address", "port"),
    [
        ("192.0.2.7 51000 192.0.2.1 2222", "192.0.2.7", 2222),
        ("::ffff:192.0.2.7 51000 ::ffff:192.0.2.1 22", "192.0.2.7", 22),
        ("fe80::7%eth0 51000 fe80::1%eth0 22", "fe80::7", 22),
        ("", "", 0),
    ],
)
def test_who_is_at_the_other_end_of_the_ssh_connection(
    host_facts: ModuleType, monkeypatch: pytest.MonkeyPatch, said: str, address: str, port: int
) -> None:
    monkeypatch.setattr(host_facts, "connection", said.split)
    assert host_facts.way_in() == {"ssh_client_address": address, "ssh_server_port": port}


def test_the_connection_is_found_past_sudo_as_the_firewall_finds_it() -> None:
    program = ROOT / "roles/firewall/files/usr/local/lib/holdfast/ssh-source"
    inner = "import runpy; print(*runpy.run_path({path!r})['connection']())"
    texts = []
    for path in (ROOT / "library/host_facts.py", program):
        argv = ["env", "-u", "SSH_CONNECTION", sys.executable, "-c", inner.format(path=str(path))]
        # The outer shell is the session of sshd, `env` hides it as sudo does
        shell = ["sh", "-c", f"{shlex.join(argv)}; true"]
        environment = {**os.environ, "SSH_CONNECTION": "192.0.2.7 51000 192.0.2.1 22"}
        done = subprocess.run(shell, env=environment, check=True, capture_output=True, text=True)
        texts.append(done.stdout.strip())
    assert texts == ["192.0.2.7 51000 192.0.2.1 22"] * 2


def test_facts_and_firewall_share_the_way_to_the_connection(host_facts: ModuleType) -> None:
    program = (ROOT / "roles/firewall/files/usr/local/lib/holdfast/ssh-source").read_text()
    assert inspect.getsource(host_facts.connection) in program


@pytest.fixture(scope="module")
def action() -> ModuleType:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    return sys.modules[action_loader.get("host_facts", class_only=True).__module__]


def asked(action: ModuleType, call: Callable[..., dict[str, object]], must_answer: bool = False) -> dict[str, object]:
    """Run the controller's half with an answer, or a failure, in place of the host."""
    arguments = {"resolve": [], "must_answer": must_answer}
    found: dict[str, object] = action.ActionModule.act(
        SimpleNamespace(call=call), arguments, {"inventory_hostname": "app1"}
    )
    return found


@pytest.mark.parametrize("said", ["Missing sudo password", "Incorrect su password"])
def test_a_password_that_is_missing_is_an_answer(action: ModuleType, said: str) -> None:
    """Core raises these past every module, and the findings of all other hosts would be lost."""

    def call(*_arguments: object) -> dict[str, object]:
        raise AnsibleError(said)

    assert asked(action, call) == {"changed": False, "contact": {"unreachable": False, "msg": said}}
    with pytest.raises(AnsibleError, match=said):
        asked(action, call, must_answer=True)


def test_a_host_that_is_silent_is_an_answer(action: ModuleType) -> None:
    def call(*_arguments: object) -> dict[str, object]:
        raise AnsibleConnectionFailure("no route")

    assert asked(action, call) == {"changed": False, "contact": {"unreachable": True, "msg": "no route"}}
    with pytest.raises(AnsibleConnectionFailure):
        asked(action, call, must_answer=True)


def test_facts_tell_whose_they_are_and_how_far_their_clock_is(action: ModuleType) -> None:
    def call(_module: object, _given: object, _variables: object) -> dict[str, object]:
        return {"ansible_facts": {"date_time": {"epoch": str(int(time.time()) - 100)}}}

    facts = asked(action, call)["ansible_facts"]
    assert isinstance(facts, dict)
    assert facts["inventory_name"] == "app1"
    assert 98 <= facts["clock_skew_seconds"] <= 100


def test_a_module_that_fails_says_why(action: ModuleType) -> None:
    failed: dict[str, object] = {"failed": True, "module_stderr": "no python"}
    assert asked(action, lambda *_: failed)["contact"] == {"unreachable": False, "msg": "no python"}
    assert asked(action, lambda *_: failed, must_answer=True) == failed
