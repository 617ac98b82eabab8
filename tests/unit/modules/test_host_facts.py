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
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

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


GROUPS = {
    "operating_system": "operating system",
    "addresses": "addresses",
    "way_in": "connection",
    "system": "system",
    "memory_mb": "memory",
    "packages": "packages",
    "masked_units": "units",
    "listening_ports": "listening ports",
    "free_mb": "free disk space",
    "postgresql": "PostgreSQL",
    "resolved": "names",
    "link_mbps": "speed of the link",
}


PROBLEMS = [
    (FileNotFoundError(2, "gone", "/x/pg_wal"), "FileNotFoundError: [Errno 2] gone: '/x/pg_wal'"),
    (KeyError("dev"), "KeyError: 'dev'"),
    (StopIteration(), "StopIteration"),
]


@pytest.fixture
def light(host_facts: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module without what takes long on a busy machine."""
    monkeypatch.setattr(host_facts, "listening_ports", list)
    monkeypatch.setattr(host_facts, "output", lambda *_argv: "")
    return host_facts


@pytest.mark.parametrize(("number", "function"), list(enumerate(GROUPS)))
def test_a_fact_that_raises_takes_no_other_away(
    light: ModuleType, monkeypatch: pytest.MonkeyPatch, number: int, function: str
) -> None:
    problem, words = PROBLEMS[number % 3]

    def fail(*_arguments: object) -> None:
        raise problem

    whole = set(light.facts(["localhost"]))
    monkeypatch.setattr(light, function, fail)
    facts = light.facts(["localhost"])
    assert facts["facts_failed"] == {GROUPS[function]: words}
    assert facts["user_id"] == os.geteuid()
    assert len(whole - set(facts)) in range(1, 10)  # what belongs to the group, and no more
    assert "date_time" in facts


def test_nothing_fails_on_this_machine(host_facts: ModuleType) -> None:
    assert host_facts.facts([])["facts_failed"] == {}


def test_masked_units_are_those_that_somebody_masked(host_facts: ModuleType, tmp_path: Path) -> None:
    etc, run, removed = tmp_path / "etc", tmp_path / "run", tmp_path / "deb-systemd-helper-masked"
    for folder in (etc, run, removed):
        folder.mkdir()
    (etc / "apt-daily.timer").symlink_to("/dev/null")
    (run / "nginx.service").symlink_to("/dev/null")
    (etc / "docker.service").symlink_to("/dev/null")
    (removed / "docker.service").touch()  # its package was removed, and unmasks it when it comes back
    (etc / "sshd.service").symlink_to("/usr/lib/systemd/system/ssh.service")
    (etc / "own.service").write_text("[Service]\n")
    assert host_facts.masked_units([etc, run, tmp_path / "none"], removed) == ["apt-daily.timer", "nginx.service"]


def test_packages_come_with_the_versions_that_others_offer_too(
    host_facts: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "installed\tzlib1g\t1:1.3\nconfig-files\tnginx\t1.28.0-1~trixie\ninstalled\tpgbackrest\t2.55.1-1\n"
    monkeypatch.setattr(host_facts, "output", lambda *_argv: said)
    assert host_facts.packages() == {
        "installed_packages": ["pgbackrest", "zlib1g"],
        "package_versions": {"pgbackrest": "2.55.1-1"},
    }


def test_held_units_are_read_where_package_set_writes_them(
    host_facts: ModuleType, load_module: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = load_module("package_set")
    assert host_facts.HELD == writer.STATE / writer.HELD
    monkeypatch.setattr(host_facts, "HELD", tmp_path / "held")
    assert host_facts.held_units() == []
    (tmp_path / "held").write_text("a.service\nb.socket\n")
    assert host_facts.held_units() == ["a.service", "b.socket"]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (["UNKNOWN", "65535", "UNKNOWN", "65535"], {"ssh_client_address": "", "ssh_server_port": 0}),
        (
            ["::ffff:192.0.2.1", "5", "::ffff:192.0.2.2", "22"],
            {"ssh_client_address": "192.0.2.1", "ssh_server_port": 22},
        ),
        (["fe80::1%eth0", "5", "fe80::2%eth0", "2222"], {"ssh_client_address": "fe80::1", "ssh_server_port": 2222}),
    ],
)
def test_odd_connections(
    host_facts: ModuleType, monkeypatch: pytest.MonkeyPatch, said: list[str], found: dict[str, object]
) -> None:
    monkeypatch.setattr(host_facts, "connection", lambda: said)
    assert host_facts.way_in() == found


def test_a_program_that_says_no_text_is_read(host_facts: ModuleType) -> None:
    assert host_facts.output("printf", "a\\377b") == "a\ufffdb"


def test_os_release_in_all_its_forms(host_facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quotes of either kind, comments, blank and odd lines (os-release(5))."""
    file = tmp_path / "os-release"
    file.write_text("# a=b\n\nID='debian'\nVERSION_ID=\"13\"\nVERSION_CODENAME=trixie\nodd\nX=a=b\n")
    monkeypatch.setattr(host_facts, "Path", lambda _name: file)
    assert host_facts.operating_system() == {
        "distribution": "Debian",
        "distribution_release": "trixie",
        "distribution_major_version": "13",
        "distribution_version": "13",
        "os_family": "Debian",
    }
