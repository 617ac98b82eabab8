"""A host for the runner's tests, and runs of our playbooks as another program would start them."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible_runner
import pytest

ROOT = Path(__file__).parents[2]
INVENTORY = Path(__file__).parent / "inventory"
SECRETS = ROOT / ".cache" / "platform"


@dataclass
class Run:
    """What a program learns of one run."""

    status: str
    code: int
    stats: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def result(self) -> dict[str, Any]:
        """The machine-readable result: the statistic of the last event."""
        last = [event for event in self.events if event["event"] == "playbook_on_stats"][-1]
        found: dict[str, Any] = last["event_data"]["artifact_data"]["holdfast"]
        return found

    def failures(self) -> list[str]:
        """The messages of failed tasks, as a program would show them."""
        failed = [event for event in self.events if event["event"] == "runner_on_failed"]
        return [event["event_data"]["res"]["msg"] for event in failed]


def playbook(path: str, inventory: Path = INVENTORY, **more: Any) -> Run:
    """Run a playbook through ansible-runner with a private folder of its own, and keep everything it left."""
    with tempfile.TemporaryDirectory() as private:
        events: list[dict[str, Any]] = []

        def keep(event: dict[str, Any]) -> bool:
            events.append(event)
            return True  # otherwise the runner forgets it

        runner = ansible_runner.run(
            private_data_dir=private,
            project_dir=str(ROOT),
            playbook=path,
            inventory=str(inventory),
            envvars={"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")},
            event_handler=keep,
            quiet=True,
            timeout=900,
            **more,
        )
        left = {
            str(file.relative_to(private)): file.read_bytes() for file in Path(private).rglob("*") if file.is_file()
        }
        return Run(runner.status, runner.rc, runner.stats or {}, events, left)


def prepare(*arguments: str) -> None:
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    subprocess.run(["ansible-playbook", "-i", str(INVENTORY), *arguments], cwd=ROOT, env=environment, check=True)


@pytest.fixture(scope="session")
def host() -> Iterator[None]:
    """A bare host on the network of the tests; one that a killed run has left is not."""
    prepare("molecule/shared/destroy.yml")
    prepare("molecule/shared/create.yml")
    prepare("molecule/shared/inputs.yml")
    yield
    prepare("molecule/shared/destroy.yml")


@pytest.fixture(scope="session")
def run_playbook(host: None) -> Callable[..., Run]:  # noqa: ARG001  the host must be there
    return playbook


@pytest.fixture(scope="session")
def site(run_playbook: Callable[..., Run]) -> Run:
    """The first run on the bare host."""
    return run_playbook("playbooks/site.yml")


@pytest.fixture(scope="session")
def secrets(site: Run) -> dict[str, bytes]:  # noqa: ARG001  the first run makes them
    names = ("backup_passphrase", "database_password", "redis_password", "session_secret")
    values = {name: (SECRETS / name).read_bytes().strip() for name in names}
    return values | {"certificates_ca_key": (SECRETS / "ca.key").read_bytes().splitlines()[1]}
