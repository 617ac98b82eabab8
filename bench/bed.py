"""The hosts that are measured: each is edge, application, database, cache and backup at once."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path

from tests.lab import networks
from tests.lab.console import Console
from tests.lab.paths import CACHE, KEY, ROOT, LabError
from tests.lab.shell import control_path_dir, environment, read

STATE = CACHE / "bench"
INVENTORY = STATE / "inventory"
INPUTS = CACHE / "platform"
KNOWN_HOSTS = CACHE / "lab" / "known_hosts.bench"
GROUPS = ("edge", "app", "database", "cache", "backup")
SHARED = {
    "all/main.yml": ROOT / "inventories/demo/group_vars/all/main.yml",
    "all/secrets.yml": ROOT / "molecule/platform/inventory/group_vars/all/secrets.yml",
    "app": ROOT / "inventories/demo/group_vars/app",
    "cache": ROOT / "inventories/demo/group_vars/cache",
    "database": ROOT / "inventories/demo/group_vars/database",
    "measured.yml": ROOT / "bench/own_services.yml",
}


@cache
def network() -> networks.Network:
    """Return the network of this checkout's benchmarks, so that two commits can be measured in turns."""
    return networks.ensure(Console("bench-network"), "bench")


def name(number: int) -> str:
    return f"bench{number}"


def address(number: int) -> str:
    return f"{network().net4}.{10 + number}"


def container(number: int) -> str:
    return f"{network().name}-{name(number)}"


def tools(**extra: str) -> dict[str, str]:
    """Return the environment for our tools, with SSH masters of our own that a run may end."""
    sockets = Path(control_path_dir(STATE))
    sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    own = {"ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets), "PYTHONPYCACHEPREFIX": str(STATE / "pycache")}
    return environment(**own, **extra)


def inventory(count: int, **more: str | int) -> None:
    """Write an inventory of so many hosts; variables are those of the demo, except what keeps the hosts apart."""
    hosts = {
        name(number): {
            "ansible_host": address(number),
            "host_address6": f"{network().net6}::{10 + number}",
            "lab_address6": f"{network().net6}::{10 + number}",
        }
        for number in range(1, count + 1)
    }
    variables = {
        "ansible_user": "operator",
        "ansible_become": True,
        "ansible_ssh_private_key_file": str(KEY),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={KNOWN_HOSTS}",
        "demo_images": str(INPUTS),
        "lab_known_hosts": "bench",
        "lab_network": network().name,
        "lab_net4": network().net4,
        "lab_net6": network().net6,
        **more,
    }
    members: dict[str, dict[str, str]] = {host: {} for host in hosts}
    measured = {"hosts": hosts, "vars": {**variables, "ansible_group_priority": 10}}
    for relative, target in SHARED.items():
        link = INVENTORY / "group_vars" / relative
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    content = {"all": {"children": {**{group: {"hosts": members} for group in GROUPS}, "measured": measured}}}
    (INVENTORY / "hosts.yml").write_text(json.dumps(content, indent=1))


def site(*arguments: str) -> list[str]:
    return ["ansible-playbook", "-i", str(INVENTORY / "hosts.yml"), "playbooks/site.yml", *arguments]


def play(*argv: str, log: str) -> None:
    """Run a playbook that is not measured; its output goes to a file."""
    path = STATE / f"{log}.log"
    command = ["ansible-playbook", "-i", str(INVENTORY / "hosts.yml"), *argv]
    with path.open("w") as out:
        code = subprocess.run(command, cwd=ROOT, env=tools(), stdout=out, stderr=out, check=False).returncode
    if code:
        raise LabError(f"{argv[0]} ended with {code}", f"its output is in {path}")


def up(count: int, **more: str | int) -> None:
    """Have exactly these hosts, running but not configured unless they were before."""
    inventory(count, **more)
    play("molecule/shared/create.yml", log="create")


def anew(number: int) -> None:
    """Replace one host by a fresh one with the same address."""
    forget_connections()
    read(["docker", "rm", "--force", "--volumes", container(number)])
    play("molecule/shared/create.yml", log="create")


def down() -> None:
    forget_connections()
    play("molecule/shared/destroy.yml", log="destroy")
    network.cache_clear()


def forget_connections() -> None:
    """End the SSH masters that earlier runs left, so that the next one pays for its connection."""
    for path in Path(control_path_dir(STATE)).glob("*"):
        subprocess.run(["ssh", "-O", "exit", "-o", f"ControlPath={path}", "-"], capture_output=True, check=False)


def ssh(number: int) -> list[str]:
    """Return a command that makes a connection of its own, as the peer does."""
    settings = (f"UserKnownHostsFile={KNOWN_HOSTS}", "ControlMaster=no", "BatchMode=yes")
    return ["ssh", "-i", str(KEY), *(f"-o{setting}" for setting in settings), f"operator@{address(number)}"]


def inside(number: int, script: str, data: str = "") -> str:
    """Run a script as root on a host, past SSH; only for what is not measured."""
    done = subprocess.run(
        ["docker", "exec", "-i", container(number), "sh", "-euc", script],
        input=data,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LabError(f"a question to {name(number)} failed: {done.stderr.strip()}", "look at the script in bench/")
    return done.stdout
