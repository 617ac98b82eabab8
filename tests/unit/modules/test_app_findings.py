"""That roles app and docker ask what their filters know, before any change."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
FACTS = {
    "distribution_release": "trixie",
    "accounts": {"users": {"bob": 1001}, "groups": {}, "made": []},
    "docker": {"daemon": {"mtu": 1450}, "daemon_is_ours": False, "containers": {"api": False}},
    "folders": {"/srv/x": {"kind": "directory", "uid": 1001, "gid": 1001, "used": True}},
}


def asked(role: str, expression: str, **given: Any) -> Any:
    parts = [
        yaml.safe_load((ROOT / "roles" / role / name).read_text()) for name in ("defaults/main.yml", "vars/main.yml")
    ]
    # As input_check has them before it computes findings
    options = {"role_options": {**parts[0], **given}}
    variables = {**parts[0], **parts[1], **options, "inventory_hostname": "h1", "ansible_facts": FACTS, **given}
    request = {"filters": str(ROOT / "filter_plugins"), "examples": [[expression, variables]]}
    argv = [sys.executable, "-m", "tests.contract.contracts.evaluate"]
    done = subprocess.run(argv, input=json.dumps(request), capture_output=True, text=True, check=True, cwd=ROOT)
    answer = json.loads(done.stdout)[0]
    assert "error" not in answer, answer["error"]
    return answer["value"]


def test_the_application_is_compared_with_the_host() -> None:
    wrong = asked(
        "app",
        "{{ app_findings }}",
        app_image="shop",
        app_name="api",
        app_uid=1001,
        app_cpus=0,
        app_environment={"KEY": None},
        app_data_directories=[{"path": "/srv/x", "target": "/x"}, {"path": "/etc", "target": "/y"}],
    )
    beginnings = [" ".join(sentence.split()[:3]) for sentence in wrong]
    assert beginnings == [
        "app_cpus is 0;",
        "app_environment.KEY is empty",
        "app_data_directories has /etc,",
        "container api of",
        "app_uid is 1001,",
    ]
    fine = {"app_image": "shop", "app_data_directories": [{"path": "/srv/new/x", "target": "/x"}]}
    assert asked("app", "{{ app_findings }}", **fine) == []
    assert asked("app", "{{ app_findings }}", **fine, ansible_facts={}) == []


def test_the_default_number_is_far_from_people() -> None:
    assert asked("app", "{{ app_uid }}") == 10001


def test_docker_is_compared_with_the_host() -> None:
    wrong = asked("docker", "{{ docker_findings }}", docker_settings={"iptables": False})
    assert [sentence.split(";")[0] for sentence in wrong] == [
        "docker_settings.iptables is false",
        "/etc/docker/daemon.json of h1 was not written by Holdfast and says mtu: 1450",
    ]
    assert asked("docker", "{{ docker_findings }}", docker_settings={"mtu": 1450}) == []


def test_what_is_written_for_docker() -> None:
    own = {
        "icc": False,
        "live-restore": True,
        "log-driver": "local",
        "log-opts": {"max-file": "3", "max-size": "10m"},
        "no-new-privileges": True,
    }
    assert asked("docker", "{{ __docker_wanted }}") == {**own, "userland-proxy": False}
    assert asked("docker", "{{ __docker_wanted }}", docker_userland_proxy_enabled=True) == own
