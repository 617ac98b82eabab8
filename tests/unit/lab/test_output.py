"""What the commands read and say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import demo, molecule, recap, shell, suite
from tests.lab.console import ACTIVITY, duration
from tests.lab.paths import LabError, read_json, write_json
from tests.lab.python_env import fingerprint

UNCHANGED = """
PLAY RECAP *********************************************************************
app1                       : ok=31   changed=0    unreachable=0    failed=0    skipped=4    rescued=0    ignored=0
edge1                      : ok=12   changed=0    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0
"""
CHANGED = """
edge1                      : ok=12   changed=3    unreachable=0    failed=0    skipped=1    rescued=0    ignored=0
data1                      : ok=2    changed=0    unreachable=1    failed=0    skipped=0    rescued=0    ignored=0
backup1                    : ok=2    changed=1    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0
"""


def test_an_unchanged_run_says_so() -> None:
    assert recap.parse(UNCHANGED).sentence() == "nothing changed"
    assert recap.parse(UNCHANGED).failed == ()


def test_changes_and_failures_are_named_by_host() -> None:
    read = recap.parse(UNCHANGED + CHANGED)
    assert read.changed == {"app1": 0, "edge1": 3, "data1": 0, "backup1": 1}
    assert read.sentence() == "changed: edge1 3, backup1 1"
    assert read.failed == ("data1", "backup1")


def test_output_without_a_recap_changed_nothing() -> None:
    assert recap.parse("ERROR! no such file\n").changed == {}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s"), (3600, "60 min 00 s")],
)
def test_durations_read_naturally(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("line", ["TASK [redis : Write] ***", "I: running apt-get update...", "Get:1 http://x y [1 B]"])
def test_the_waiting_line_shows_what_programs_are_at(line: str) -> None:
    assert ACTIVITY.match(line)


def test_a_folder_with_a_molecule_file_is_a_scenario(tmp_path: Path) -> None:
    for name in ("redis", "app"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "molecule.yml").touch()
    (tmp_path / "shared").mkdir()
    assert molecule.scenarios(tmp_path) == ["app", "redis"]


@pytest.mark.parametrize(
    ("only", "kind", "names"),
    [
        ("", "hosts", ["lab", "redis"]),
        ("", "rest", ["redis_slow", "lab +", "redis +", "redis_slow +"]),
        ("", "all", ["lab", "redis", "redis_slow", "lab +", "redis +", "redis_slow +"]),
        ("redis_slow, lab", "hosts", ["lab", "redis_slow"]),
        ("redis", "rest", ["redis +"]),
    ],
)
def test_slow_scenarios_and_swapped_releases_wait_to_be_asked(
    monkeypatch: pytest.MonkeyPatch, only: str, kind: str, names: list[str]
) -> None:
    monkeypatch.setattr(molecule, "scenarios", lambda: ["lab", "redis", "redis_slow"])
    found = [step.title.removeprefix("molecule ") for step in suite.host_steps(only, kind)]
    assert [title.replace("(swapped, hardened)", "+") for title in found] == names


def test_a_scenario_has_its_own_ssh_masters_and_a_swapped_one_hardened_hosts() -> None:
    names = ("ANSIBLE_SSH_CONTROL_PATH_DIR", "HOLDFAST_SWAP_RELEASES", "HOLDFAST_HARDENED")

    def chosen(scenario: str, swap: bool) -> list[str | None]:
        environment = molecule.environment_of(scenario, swap)
        return [environment.get(name) for name in names]

    assert chosen("redis", swap=False)[1:] == [None, None]
    assert chosen("redis", swap=True)[1:] == ["1", "1"]
    assert chosen("base", swap=True)[1:] == ["1", ""]  # hardens its hosts itself
    assert len({chosen(name, swap=False)[0] for name in ("redis", "base")}) == 2


def test_the_hosts_of_a_scenario_alone_are_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(molecule, "CACHE", tmp_path)
    monkeypatch.setattr(molecule, "LAB", tmp_path)

    def answered(argv: list[str], **_: float) -> str:
        asked.append(argv)
        return "a1\nb2"

    monkeypatch.setattr(molecule, "read", answered)
    monkeypatch.setattr(molecule, "passes", answered)
    known, other = tmp_path / "ansible/tmp/molecule.1.redis", tmp_path / "ansible/tmp/molecule.1.base"
    known.mkdir(parents=True)
    other.mkdir()
    molecule.remove_hosts("redis")
    assert f"--filter=label=holdfast.owner={molecule.FOLDER}/redis/inventory" in asked[0]
    assert asked[1] == ["docker", "rm", "--force", "--volumes", "a1", "b2"]
    assert [known.exists(), other.exists()] == [False, True]


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(LabError, match="ONLY names no scenario: rediss"):
        molecule.chosen(["lab", "redis"], "rediss")


def test_ssh_sockets_of_a_deep_checkout_stay_below_the_limit_of_108_bytes() -> None:
    assert shell.control_path_dir(Path("/srv/holdfast/.cache")) == "/srv/holdfast/.cache/cp"
    # ssh adds a slash, ten characters of hash and seventeen of its own
    assert len(shell.control_path_dir(Path("/" + "x" * 90))) + 28 < 108


def test_the_environment_changes_with_lock_python_and_place() -> None:
    base = fingerprint(b"a==1", "3.11", "/usr")
    assert len({base, fingerprint(b"a==2", "3.11", "/usr"), fingerprint(b"a==1", "3.12", "/usr")}) == 3


def test_state_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "state" / "bed.json"
    write_json(path, {"a": 1})
    assert read_json(path) == {"a": 1}
    assert [entry.name for entry in path.parent.iterdir()] == ["bed.json"]
    path.write_text('{"a"')
    assert read_json(path) == {}


def test_addresses_and_versions_are_read_from_the_inventory(tmp_path: Path) -> None:
    path = tmp_path / "main.yml"
    path.write_text("app_version: 1.4.2  # first\n")
    assert demo._value("app_version", path) == "1.4.2"
    inventory = "edge1: {lab_release: trixie, ansible_host: 172.30.10.11}\napp1: {ansible_host: 172.30.10.21}\n"
    assert demo._address_of("app1", inventory) == "172.30.10.21"
    with pytest.raises(LabError, match="no address for cache1"):
        demo._address_of("cache1", inventory)
