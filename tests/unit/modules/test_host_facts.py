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

from ansible_collections.holdfast.platform.plugins.plugin_utils import pack

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
    facts = host_facts.facts(["localhost", "no-such-name.invalid"], ["/proc/self/fd", "/no/such"])
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


def test_the_connection_is_found_past_sudo_as_the_firewall_finds_it(tmp_path: Path) -> None:
    """The firewall's program on a host is one file."""
    program = tmp_path / "ssh-source"
    program.write_text(pack.program(ROOT / "roles/firewall/files/usr/local/lib/holdfast/ssh-source"))
    inner = "import runpy; print(*runpy.run_path({path!r})['connection']())"
    texts = []
    for path in (pack.ROOMS / "ssh_connection.py", program):
        argv = ["env", "-u", "SSH_CONNECTION", sys.executable, "-c", inner.format(path=str(path))]
        # The outer shell is the session of sshd, `env` hides it as sudo does
        shell = ["sh", "-c", f"{shlex.join(argv)}; true"]
        environment = {**os.environ, "SSH_CONNECTION": "192.0.2.7 51000 192.0.2.1 22"}
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(shell, env=environment, check=True, capture_output=True, text=True)
        texts.append(done.stdout.strip())
    assert texts == ["192.0.2.7 51000 192.0.2.1 22"] * 2


def test_facts_and_firewall_share_the_way_to_the_connection(host_facts: ModuleType) -> None:
    program = pack.program(ROOT / "roles/firewall/files/usr/local/lib/holdfast/ssh-source")
    assert inspect.getsource(host_facts.connection) in program


# ---------------------------------------------------------------- accounts, Docker, folders


@pytest.mark.parametrize(
    ("text", "daemon"),
    [
        (None, {}),
        ("", {}),
        ('{"data-root": "/srv/docker"}', {"data-root": "/srv/docker"}),
        ("[1]", "it holds no settings"),
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    ],
)
def test_what_docker_was_told(
    host_facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, daemon: object
) -> None:
    monkeypatch.setattr(host_facts, "DAEMON", tmp_path / "daemon.json")
    monkeypatch.setattr(host_facts, "DOCKER", str(tmp_path / "docker.sock"))
    monkeypatch.setattr(host_facts, "DOCKER_PROGRAM", tmp_path / "program")
    if text is not None:
        (tmp_path / "daemon.json").write_text(text)
    told = "/srv/docker" if isinstance(daemon, dict) and daemon else "/var/lib/docker"
    seen = {"containers": {}, "root": "", "told_root": told, "driver": "", "remapped": False}
    assert host_facts.docker() == {"daemon": daemon, "daemon_is_ours": False, **seen}
    (tmp_path / "program").write_text("")
    assert host_facts.docker()["daemon_is_ours"] is True


def test_what_docker_keeps(host_facts: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the Docker Engine API answers SystemInfo and ContainerList."""
    (tmp_path / "docker.sock").write_text("")
    monkeypatch.setattr(host_facts, "DOCKER", str(tmp_path / "docker.sock"))
    answers: dict[str, object] = {
        "/info": {
            "DockerRootDir": "/srv/docker",
            "Driver": "overlay2",
            "SecurityOptions": ["name=seccomp,profile=default"],
        },
        "/containers/json?all=1": [
            {"Names": ["/api"], "Labels": {"holdfast.specification": "ab12"}},
            {"Names": ["/blog", "/web/db"], "Labels": {"other": "x"}},
            {"Names": ["/old"], "Labels": None},
        ],
    }
    monkeypatch.setattr(host_facts, "engine", answers.get)
    seen = host_facts.docker()
    assert (seen["root"], seen["driver"], seen["remapped"]) == ("/srv/docker", "overlay2", False)
    assert seen["containers"] == {"api": True, "blog": False, "old": False}
    answers["/info"] = {"SecurityOptions": ["name=userns"]}
    assert host_facts.docker()["remapped"] is True
    answers["/containers/json?all=1"] = {"message": "page not found"}
    assert host_facts.docker()["containers"] == {}


def test_who_has_which_number(host_facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "passwd").write_text(
        "root:x:0:0:root:/root:/bin/bash\n+::::::\nbob:x:1001:1001::/home:/bin/sh\nbroken\n"
    )
    (tmp_path / "group").write_text("root:x:0:\ndocker:x:990:bob\nodd:x::\n")
    (tmp_path / "subuid").write_text("bob:100000:65536\n")
    (tmp_path / "made.json").write_text('["bob"]')
    monkeypatch.setattr(host_facts, "ETC", tmp_path)
    monkeypatch.setattr(host_facts, "ACCOUNTS_MADE", tmp_path / "made.json")
    assert host_facts.accounts() == {
        "users": {"root": 0, "bob": 1001},
        "groups": {"root": 0, "docker": 990},
        "groups_elsewhere": {},
        "directory": False,
        "made": ["bob"],
        "subordinate": {"subuid": [[100000, 65536]], "subgid": []},
    }
    (tmp_path / "group").write_text("root:x:0:\n")
    monkeypatch.setattr(host_facts.grp, "getgrnam", lambda name: {"docker": SimpleNamespace(gr_gid=5000)}[name])
    (tmp_path / "made.json").write_text("torn [")
    found = host_facts.accounts()
    assert (found["groups_elsewhere"], found["made"]) == ({"docker": 5000}, [])


@pytest.mark.parametrize(
    ("line", "elsewhere"),
    [
        ("group: files systemd", False),
        ("group:\tcompat", False),
        ("group: files [NOTFOUND=return] systemd", False),
        ("passwd: files ldap\ngroup: files", False),
        ("# group: ldap", False),
        ("group: files sss", True),
        ("group:ldap [NOTFOUND=return] files", True),
        ("", False),
    ],
)
def test_groups_of_a_directory(
    host_facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, elsewhere: bool
) -> None:
    monkeypatch.setattr(host_facts, "ETC", tmp_path)
    assert host_facts.has_directory() is False
    (tmp_path / "nsswitch.conf").write_text(f"hosts: files dns\n{line}\n")
    assert host_facts.has_directory() is elsewhere


def test_whose_a_folder_is(host_facts: ModuleType, tmp_path: Path) -> None:
    mine = {"kind": "directory", "uid": os.geteuid(), "gid": os.getegid()}
    (tmp_path / "fresh/lost+found").mkdir(parents=True)
    (tmp_path / "used/x").mkdir(parents=True)
    (tmp_path / "file").write_text("")
    assert host_facts.folder(str(tmp_path / "fresh")) == {**mine, "used": False}
    assert host_facts.folder(str(tmp_path / "used")) == {**mine, "used": True}
    assert host_facts.folder(str(tmp_path / "file")) == {"kind": "file"}
    assert host_facts.folder(str(tmp_path / "file/below")) == {"kind": "file"}
    assert host_facts.folder(str(tmp_path / "none")) == {"kind": "absent"}


def test_paths_are_taken_from_a_variable_whatever_is_wrong_with_it() -> None:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    kind = action_loader.get("host_facts", class_only=True)
    plugin = kind.__new__(kind)
    plugin._templar = SimpleNamespace(template=lambda value: value)
    good = [{"path": "/srv/a", "target": "/a"}, {"path": "relative", "target": "/b"}]
    assert plugin.folders("folders", {"folders": good}) == ["/srv/a"]
    for bad in (5, [5], [{"target": "/a"}], None, "text"):
        assert plugin.folders("folders", {"folders": bad}) == []
    assert plugin.folders(None, {}) == []


@pytest.fixture
def etc(host_facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(host_facts, "CLUSTERS", tmp_path / "etc")
    monkeypatch.setattr(host_facts, "PGBACKREST", tmp_path / "pgbackrest")
    monkeypatch.setattr(host_facts, "EXTENSIONS", tmp_path / "share")
    return tmp_path


def lay_out(etc: Path, version: str, name: str, configuration: str, data: bool = True) -> Path:
    """A cluster with its data in PLACE, which the configuration may name."""
    folder, place = etc / "etc" / version / name, etc / "data" / version / name
    folder.mkdir(parents=True)
    (folder / "postgresql.conf").write_text(configuration.replace("PLACE", str(place)))
    if data:
        (place / "pg_wal").mkdir(parents=True)
        (place / "PG_VERSION").write_text(version)
    return place


def test_clusters_are_found_where_their_configuration_says(host_facts: ModuleType, etc: Path) -> None:
    usual = "#data_directory = 'ConfigDir'\ndata_directory = 'PLACE'\t\t# use data in another directory\nport = 5433\n"
    places = {version: lay_out(etc, version, "main", usual) for version in ("9.6", "17", "15")}
    places["test"] = lay_out(etc, "17", "test", "data_directory 'PLACE'\nport=5434 # free\nport = 5435\n")
    lay_out(etc, "14", "main", usual, data=False)  # a package that was removed and not purged
    lay_out(etc, "x", "main", usual)
    lay_out(etc, "13", "main", "data_directory = 'PLACE'\nport = many\n")
    (etc / "etc/15/main/start.conf").write_text("# Automatic startup configuration\n#   manual\nmanual\n")
    (etc / "etc/17/main/conf.d").mkdir()
    (etc / "etc/17/main/conf.d/50-holdfast-restart.conf").write_text("port = '5440'\nport_x = 1\n")
    assert host_facts.clusters() == [
        {"version": "9.6", "name": "main", "data": str(places["9.6"]), "port": 5433, "start": "auto"},
        {"version": "15", "name": "main", "data": str(places["15"]), "port": 5433, "start": "manual"},
        {"version": "17", "name": "main", "data": str(places["17"]), "port": 5440, "start": "auto"},
        {"version": "17", "name": "test", "data": str(places["test"]), "port": 5435, "start": "auto"},
    ]


def test_a_leftover_does_not_blind_the_facts(
    host_facts: ModuleType, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real data of 9.6 has pg_xlog and no pg_wal; an empty folder is nothing at all."""
    monkeypatch.setattr(host_facts.os, "geteuid", lambda: 0)
    assert host_facts.postgresql()["clusters"] == []
    place = lay_out(etc, "9.6", "main", "data_directory = 'PLACE'\n")
    (place / "pg_wal").rmdir()
    facts = host_facts.postgresql()
    assert [cluster["version"] for cluster in facts["clusters"]] == ["9.6"]
    assert (facts["settings"], facts["owners"], facts["roles"]) == ({}, {}, [])


def test_wal_has_the_room_that_is_free_and_what_it_takes_itself(
    host_facts: ModuleType, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100,000 blocks of 4 KiB are 390.6 MiB, half of them 195.3 MiB."""
    monkeypatch.setattr(host_facts.os, "geteuid", lambda: 0)
    wal = lay_out(etc, "17", "main", "data_directory = 'PLACE'\n") / "pg_wal"
    (wal / "000000010000000000000001").write_bytes(bytes(3 * 1024 * 1024))
    (wal / "000000010000000000000002").write_bytes(bytes(1024 * 1024))
    disk = SimpleNamespace(f_blocks=100_000, f_bavail=50_000, f_frsize=4096)
    monkeypatch.setattr(host_facts.os, "statvfs", {wal: disk}.__getitem__)
    facts = host_facts.postgresql()
    assert (facts["wal_disk_mb"], facts["wal_room_mb"]) == (390, 199)


def test_rules_of_others_are_told_until_somebody_has_kept_them(host_facts: ModuleType, tmp_path: Path) -> None:
    file, kept = tmp_path / "pg_hba.conf", tmp_path / "pg_hba.conf.before-holdfast"
    assert host_facts.access_rules(tmp_path) == {"rules": [], "kept": False}
    file.write_text("# TYPE  DATABASE\nlocal   all\tpostgres      peer # ours\n\nhost shop app 10.0.0.0/8 md5\n")
    rules = ["local all postgres peer", "host shop app 10.0.0.0/8 md5"]
    assert host_facts.access_rules(tmp_path) == {"rules": rules, "kept": False}
    kept.write_text(file.read_text())
    assert host_facts.access_rules(tmp_path) == {"rules": rules, "kept": True}
    file.write_text(file.read_text() + "host all all 0.0.0.0/0 trust\n")  # since then
    assert host_facts.access_rules(tmp_path)["kept"] is False
    file.write_text("# Managed by Holdfast; changes made here are overwritten.\nlocal all all peer\n")
    assert host_facts.access_rules(tmp_path) == {}


def test_a_repository_knows_where_the_data_of_its_clients_is(
    host_facts: ModuleType, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_facts.os, "geteuid", lambda: 0)
    assert host_facts.repository_paths() == {}
    (etc / "pgbackrest/conf.d").mkdir(parents=True)
    (etc / "pgbackrest/conf.d/main.conf").write_text(
        "[main]\npg1-path=/own\npg1-port=5432\npg2-host=10.0.0.32\npg2-host-port=8432\npg2-path=/data/17/main\n"
    )
    (etc / "pgbackrest/conf.d/other.conf").write_text(
        "[other]\npg1-host=10.0.0.33\npg1-path=/var/lib/postgresql/17/main\n"
    )
    assert host_facts.repository_paths() == {"10.0.0.32": "/data/17/main", "10.0.0.33": "/var/lib/postgresql/17/main"}


def test_a_server_is_asked_once(host_facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"settings": {}, "owners": {"shop": "app"}, "roles": ["app"]}
    asked: list[tuple[str, ...]] = []

    def output(*argv: str) -> str:
        asked.append(argv)
        return json.dumps(answer)

    monkeypatch.setattr(host_facts, "output", output)
    assert host_facts.server_says(tmp_path) == {}  # it does not run
    (tmp_path / "postmaster.pid").write_text(f"1\n{tmp_path}\n0\n5433\n")
    assert host_facts.server_says(tmp_path) == answer
    assert len(asked) == 1
    assert asked[0][asked[0].index("-p") + 1] == "5433"
    monkeypatch.setattr(host_facts, "output", lambda *_argv: "")
    assert host_facts.server_says(tmp_path) == {}


@pytest.fixture
def past(host_facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host on which somebody else has used nginx, whose package brought nginx.conf and a default site."""
    for name in ("conf.d", "sites-enabled", "sites-available"):
        (tmp_path / "nginx" / name).mkdir(parents=True)
    monkeypatch.setattr(host_facts, "NGINX", tmp_path / "nginx")
    monkeypatch.setattr(host_facts, "CERTBOT", tmp_path / "renewal")
    monkeypatch.setattr(host_facts, "ACME_SH", tmp_path / ".acme.sh")
    conffiles = (
        " /etc/nginx/nginx.conf 900150983cd24fb0d6963f7d28e17f72\n"  # of the text abc (RFC 1321)
        " /etc/nginx/sites-available/default 900150983cd24fb0d6963f7d28e17f72\n"
    )
    monkeypatch.setattr(
        host_facts, "output", lambda *argv: conffiles if argv[0] == "dpkg-query" else " DNS:shop.example, DNS:b.x\n"
    )
    return tmp_path


def test_an_nginx_as_its_package_brings_it(host_facts: ModuleType, past: Path) -> None:
    """Nobody has a hand in it; nor in files of ours."""
    nginx = past / "nginx"
    assert host_facts.nginx() == {"changed": [], "foreign": []}
    (nginx / "nginx.conf").write_text("abc")
    (nginx / "sites-available/default").write_text("abc")
    (nginx / "sites-enabled/default").symlink_to(nginx / "sites-available/default")
    (nginx / "conf.d/holdfast-log.conf").write_text("gzip on;")
    assert host_facts.nginx() == {"changed": [], "foreign": []}
    (nginx / "nginx.conf").write_text("# Managed by Holdfast; changes made here are overwritten.\nuser x;")
    assert host_facts.nginx() == {"changed": [], "foreign": []}
    assert host_facts.certificate_clients() == []


def test_no_nginx_is_no_past(host_facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_facts, "NGINX", tmp_path)
    assert host_facts.nginx() == {}


def test_what_somebody_else_has_made_of_nginx(host_facts: ModuleType, past: Path) -> None:
    """Changed files of the package, and what files beside them claim; a link to nothing is no reason to fail."""
    nginx = past / "nginx"
    (nginx / "nginx.conf").write_text("abcd\nstream { }\n")
    (nginx / "sites-enabled/default").write_text("server { }")
    (nginx / "sites-enabled/gone").symlink_to(nginx / "nowhere")
    (nginx / "sites-enabled/mine").write_text(
        "server {\n  listen 80 default_server; # listen 443 default_server;\n  listen [::]:443 ssl default_server;\n"
        "  listen 192.0.2.1:80 default_server;\n  listen 8080 default_server;\n"
        "  server_name Shop.example 'www.shop.example';\n"
        '  location / { return 200 "server_name x; }"; }\n  add_header X ${a}b;\n}\n'
    )
    (nginx / "conf.d/tuning.conf").write_text("gzip on;\nmap $a $b {\n default 1;\n}\nsendfile off; # tcp_nopush on;\n")
    (nginx / "conf.d/off.conf.bak").write_text("server_tokens off;")
    assert host_facts.nginx() == {
        "changed": ["/etc/nginx/nginx.conf", "/etc/nginx/sites-enabled/default"],
        "foreign": [
            {
                "path": str(nginx / "conf.d/tuning.conf"),
                "default_ports": [],
                "names": [],
                "directives": ["gzip", "map", "sendfile"],
            },
            {
                "path": str(nginx / "sites-enabled/mine"),
                "default_ports": [80, 443],
                "names": ["shop.example", "www.shop.example"],
                "directives": ["server"],
            },
        ],
    }


def test_who_else_renews_certificates(host_facts: ModuleType, past: Path) -> None:
    """As certbot (renewal/*.conf) and acme.sh (DOMAIN/DOMAIN.conf) note it."""
    (past / "renewal").mkdir()
    (past / "renewal/shop.example.conf").write_text(
        "version = 2.1.0\ncert = /etc/letsencrypt/live/shop.example/cert.pem\n[renewalparams]\n"
        "authenticator = nginx\ninstaller = nginx\n"
    )
    for name, text in {
        "a.x": "Le_Domain='a.x'\nLe_Alt='b.x,c.x'\nLe_Webroot='no'\n",
        "d.x": "Le_Domain='d.x'\nLe_Alt='no'\nLe_Webroot='dns_cf'\n",
        "ca": "CA_EMAIL='x'\n",
    }.items():
        (past / ".acme.sh" / name).mkdir(parents=True)
        (past / ".acme.sh" / name / f"{name}.conf").write_text(text)
    found = host_facts.certificate_clients()
    assert [(each["client"], each["names"], each["ways"]) for each in found] == [
        ("certbot", ["shop.example", "b.x"], ["nginx"]),
        ("acme.sh", ["a.x", "b.x", "c.x"], ["standalone"]),
        ("acme.sh", ["d.x"], ["dns_cf"]),
    ]


def test_backups_that_are_there_are_told_without_a_secret(
    host_facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """32 bytes of each stanza, and of the configuration the address of the repository alone."""
    monkeypatch.setattr(host_facts, "REPOSITORY", tmp_path / "repository")
    monkeypatch.setattr(host_facts, "PGBACKREST", tmp_path / "etc")
    assert host_facts.backup() == {"repository": {}, "server": "", "stanzas": []}
    files = {
        "repository/archive/main/archive.info": "Salted__01234567" + "x" * 400,
        "repository/backup/main/backup.info": "Salted__89abcdef" + "y" * 400,
        "repository/archive/shop/archive.info": "[backrest]",
        "repository/old/archive/lost/archive.info": "what was moved aside",
        "etc/pgbackrest.conf": "repo1-cipher-pass=quiet\n#repo1-host=192.0.2.9\nrepo1-host = 192.0.2.41\nbroken\n",
        "etc/conf.d/shop.conf": "",
        "etc/conf.d/main.conf": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = host_facts.backup()
    assert found == {
        # Both files of a stanza have the same passphrase; backup.info is the one that a backup cannot do without
        "repository": {"main": b"Salted__89abcdefyyyyyyyyyyyyyyyy".hex(), "shop": b"[backrest]".hex()},
        "server": "192.0.2.41",
        "stanzas": ["main", "shop"],
    }
    assert "quiet" not in json.dumps(found)


@pytest.mark.parametrize(
    ("text", "fingerprint"),
    [
        (None, ""),
        ("", ""),
        ("no PEM text", ""),
        # sha256 of "abc"
        (
            "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        ("-----BEGIN CERTIFICATE-----\nYWJ\n-----END CERTIFICATE-----\n", ""),
    ],
)
def test_the_private_ca_of_a_host_has_a_fingerprint(
    host_facts: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, fingerprint: str
) -> None:
    monkeypatch.setattr(host_facts, "AUTHORITY", tmp_path / "ca.crt")
    if text is not None:
        (tmp_path / "ca.crt").write_text(text)
    assert host_facts.authority() == fingerprint


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
    assert host_facts.HELD == writer.HELD == Path("/var/lib/holdfast/held-services")
    assert writer.HELD.parent == writer.STATE
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


@pytest.fixture(scope="module")
def action() -> ModuleType:
    action_loader.add_directory(str(ROOT / "action_plugins"))
    return sys.modules[action_loader.get("host_facts", class_only=True).__module__]


def asked(action: ModuleType, call: Callable[..., dict[str, object]], must_answer: bool = False) -> dict[str, object]:
    """Run the controller's half with an answer, or a failure, in place of the host."""
    given: dict[str, object] = {"resolve": [], "folders_in": None, "upstreams": None}
    arguments = {**given, "must_answer": must_answer, "settled": True}
    half = SimpleNamespace(call=call, names=lambda *_: [], folders=lambda *_: [], RUN="this")
    found: dict[str, object] = action.ActionModule.act(half, arguments, {"inventory_hostname": "app1"})
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


@pytest.mark.parametrize(("found", "told"), [({"nginx": "d1"}, {"run": "this", "digests": {"nginx": "d1"}}), ({}, {})])
def test_what_is_settled_is_for_this_run_alone(
    action: ModuleType, found: dict[str, str], told: dict[str, object]
) -> None:
    """Somebody may keep facts in a cache, and a later run would believe them."""
    sent: list[object] = []

    def call(_module: object, given: object, _variables: object) -> dict[str, object]:
        sent.append(given)
        return {"ansible_facts": {"date_time": {"epoch": str(int(time.time()))}, "settled": found}}

    facts = asked(action, call)["ansible_facts"]
    assert isinstance(facts, dict)
    assert facts["settled"] == told
    assert sent == [{"resolve": [], "folders": [], "settled": True}]


def test_what_is_settled_is_looked_at_when_it_is_asked_for(
    host_facts: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_facts, "settled", lambda: {"nginx": "d1"})
    given: dict[str, object] = {"resolve": [], "folders": []}
    answers = [host_facts.main({**given, "settled": asked}, False, False) for asked in (True, False)]
    assert [answer["ansible_facts"]["settled"] for answer in answers] == [{"nginx": "d1"}, {}]


def test_a_module_that_fails_says_why(action: ModuleType) -> None:
    failed: dict[str, object] = {"failed": True, "module_stderr": "no python"}
    said = {"msg": None, "module_stderr": "no python", "rc": None}
    assert asked(action, lambda *_: failed)["contact"] == {"unreachable": False, **said}
    assert asked(action, lambda *_: failed, must_answer=True) == failed


def test_what_a_host_is_called_and_knows(host_facts: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {
        ("ssh", "-Q", "cipher"): "aes256-ctr\naes256-gcm@openssh.com\n",
        ("ssh", "-Q", "mac"): "hmac-sha2-256\n",
        ("ssh", "-Q", "kex"): "sntrup761x25519-sha512\n",
        ("ssh", "-Q", "key-sig"): "",
        ("systemd-detect-virt",): "none\n",
    }
    monkeypatch.setattr(host_facts, "output", lambda *argv: said[argv])
    monkeypatch.setattr(host_facts.platform, "node", lambda: "app1.example.org")
    monkeypatch.setattr(host_facts.os, "sched_getaffinity", lambda _pid: {0, 3})
    found = host_facts.system()
    assert {key: found[key] for key in ("hostname", "fqdn", "virtualization_type", "processor_vcpus")} == {
        "hostname": "app1",
        "fqdn": "app1.example.org",
        "virtualization_type": "none",
        "processor_vcpus": 2,
    }
    assert host_facts.algorithms() == {
        "cipher": ["aes256-ctr", "aes256-gcm@openssh.com"],
        "mac": ["hmac-sha2-256"],
        "kex": ["sntrup761x25519-sha512"],
        "key-sig": [],
    }
