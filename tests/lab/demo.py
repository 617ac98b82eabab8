"""make demo: real hosts, provisioned over SSH, an application released on them, checked from outside."""

from __future__ import annotations

import http.client
import re
import secrets
import socket
import ssl
import time
from pathlib import Path

from . import bed, checkout
from .console import Console
from .paths import BED, CACHE, ROOT, LabError, locked, read_json, write_json
from .recap import Recap, parse
from .shell import environment, follow, passes, read, run

INVENTORY = ROOT / "inventories/demo"
STATE = CACHE / "demo"
VAULT = INVENTORY / "group_vars/all/vault.yml"
PASSWORD = STATE / "vault-password"
AUTHORITY = STATE / "ca.crt"
SERVER, EDGE = "api.fantasy.example", "edge1"
ANSWERS_WITHIN = 60


def up(console: Console) -> int:
    """Bring everything up, or find that everything is as it should be."""
    inventory = (INVENTORY / "hosts.yml").read_text()
    bed.ready(console, bed.releases_of(inventory), "demo")
    vault_password(console)
    with console.phase("Start the hosts"):
        hosts = playbook(console, "molecule/shared/create.yml")
    version = _value("app_version", INVENTORY / "group_vars/app/main.yml")
    with console.phase(f"Build sample-app:{version}"), locked("sample-app", shared_by_machine=True):
        _application(console, version)
    with console.phase("Generate the missing secrets"):
        secret = playbook(console, "playbooks/secrets.yml")
    served = passes(["docker", "exec", "holdfast-demo-app1", "test", "-s", "/var/lib/holdfast/releases.jsonl"])
    with console.phase("Provision all hosts (playbooks/site.yml)"):
        site = playbook(console, "playbooks/site.yml")
    steps = {"hosts": hosts, "secrets": secret, "site": site}
    if not served:  # later releases are the operator's
        with console.phase(f"Release version {version} (playbooks/deploy.yml)"):
            steps["deploy"] = playbook(console, "playbooks/deploy.yml", "-e", f"app_version={version}")
    address = _address_of(EDGE, inventory)
    with console.phase(f"Ask https://{SERVER}/health from outside"):
        AUTHORITY.write_text(read(["docker", "exec", f"holdfast-demo-{EDGE}", "cat", "/etc/holdfast/tls/ca.crt"]))
        _wait_until_healthy(address)
    console.box("The demo is up", _summary(console, steps, address))
    return 0


def playbook(console: Console, name: str, *arguments: str) -> Recap:
    """Run a playbook on the demo hosts; its failure names the hosts."""
    lines: list[str] = []
    argv = ["ansible-playbook", "-i", str(INVENTORY), name, *arguments]
    if follow(console, argv, environment(ANSIBLE_VAULT_PASSWORD_FILE=str(PASSWORD)), lines.append):
        failed = ", ".join(parse("".join(lines)).failed)
        raise LabError(
            f"{name} failed" + (f" on {failed}" if failed else ""),
            "read the last lines above; the same command continues, and `make demo-down` starts from nothing",
        )
    return parse("".join(lines))


def vault_password(console: Console) -> None:
    """Make the password of the demo's secrets; secrets nobody can read any more are made anew."""
    STATE.mkdir(parents=True, exist_ok=True)
    STATE.chmod(0o700)
    if not PASSWORD.exists():
        PASSWORD.touch(0o600)
        PASSWORD.write_text(secrets.token_urlsafe(32) + "\n")
    view = ["ansible-vault", "view", "--vault-password-file", PASSWORD, VAULT]
    env = environment()
    if VAULT.exists() and not passes(["env", f"PATH={env['PATH']}", *map(str, view)]):
        console.say("    the demo's secrets were made with another password; new ones are made")
        VAULT.unlink()


def _application(console: Console, version: str) -> None:
    """Build the image and lay it where app_image_archive points to, unless that is the same image already."""
    images = read_json(BED)
    argv = ["tests/sample_app/build", "--version", version, "--base", images["lab_runtime_image"]]
    address = "{{.NetworkSettings.Networks.bridge.IPAddress}}"
    cache = read(["docker", "inspect", "--format", address, checkout.cache_name(images["lab_cache_image"])])
    run(console, argv + (["--proxy", f"http://{cache}:3142"] if cache else []))
    archive = STATE / f"sample-app-{version}.tar"
    identity = {"image": read(["docker", "image", "inspect", "--format", "{{.Id}}", f"sample-app:{version}"])}
    stamp = archive.with_suffix(".json")
    if read_json(stamp) != identity or not archive.exists():
        staged = archive.with_suffix(".part")
        run(console, ["docker", "save", "--output", staged, f"sample-app:{version}"])
        staged.replace(archive)
        write_json(stamp, dict(identity))


def _value(name: str, path: Path) -> str:
    """Read one plain value of a YAML file (this package does without a YAML library)."""
    match = re.search(rf"^{name}:\s*[\"']?([^\s\"'#]+)", path.read_text(), re.MULTILINE)
    if match is None:
        raise LabError(f"{path} does not set {name}", f"add a line such as {name}: 1.0.0")
    return match[1]


def _address_of(host: str, inventory: str) -> str:
    match = re.search(rf"\b{host}:.*?ansible_host:\s*([\d.]+)", inventory, re.DOTALL)
    if match is None:
        raise LabError(f"the demo inventory has no address for {host}", f"set ansible_host of {host}")
    return match[1]


def health(address: str) -> int:
    """Return the status of /health over TLS, trusting the demo's authority alone."""
    context = ssl.create_default_context(cafile=str(AUTHORITY))
    with (
        socket.create_connection((address, 443), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=SERVER) as wrapped,
    ):
        connection = http.client.HTTPConnection(SERVER)
        connection.sock = wrapped
        connection.request("GET", "/health")
        return connection.getresponse().status


def _wait_until_healthy(address: str) -> None:
    deadline = time.monotonic() + ANSWERS_WITHIN
    answer = "nothing"
    while time.monotonic() < deadline:
        try:
            answer = str(health(address))
        except (OSError, http.client.HTTPException) as error:
            answer = str(error)
        if answer == "200":
            return
        time.sleep(1)
    raise LabError(f"https://{SERVER}/health at {address} answers {answer}, not 200", "playbooks/status.yml shows why")


def curl(address: str) -> str:
    """Return what to type; the name is resolved on the command line, /etc/hosts stays as it is."""
    return f"curl --cacert {AUTHORITY.relative_to(ROOT)} --resolve {SERVER}:443:{address} https://{SERVER}/health"


def _summary(console: Console, steps: dict[str, Recap], address: str) -> list[str]:
    changed = [f"{name}: {recap.sentence()}" for name, recap in steps.items() if any(recap.changed.values())]
    return [
        *(changed or ["nothing changed: everything was as it should be"]),
        f"{console.elapsed()}, log: {console.shown_path}",
        "",
        f"https://{SERVER}/health answers 200. See for yourself:",
        f"  {curl(address)}",
        "",
        *(["Next: make demo        a second time, and nothing changes"] if changed else []),
        f"{'      ' if changed else 'Next: '}make demo-down   removes all of it",
        "",
        "To look around as its operator:",
        f"  . .venv/bin/activate && export ANSIBLE_VAULT_PASSWORD_FILE={PASSWORD.relative_to(ROOT)}",
        "  ansible-playbook -i inventories/demo playbooks/status.yml",
        f"  ssh -i .cache/lab/id_ed25519 -o UserKnownHostsFile=.cache/lab/known_hosts.holdfast-demo operator@{address}",
    ]
