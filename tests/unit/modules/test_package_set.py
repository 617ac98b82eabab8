"""package_set with pretended dpkg and apt-get: one look, one transaction, lists refreshed only when they must be."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

APT_GET = """#!/bin/sh
for word; do case $word in update|install|remove) verb=$word ;; esac; done
echo "$verb" >> "$HOST/said"
case $verb in
update) touch "$HOST/updated" ;;
install)
    [ -e "$HOST/updated" ] || [ ! -e "$HOST/outdated" ] || { echo "E: Unable to locate package ${word}"; exit 100; }
    [ "$word" != rival ] || [ "$*" = "${*%--no-remove*}" ] || {
        printf 'The following packages will be REMOVED:\n  base\n  old\n0 upgraded\nE: remove is disabled.\n'
        exit 100
    }
    [ "$word" != broken ] || { echo noise; echo "E: broken cannot be had"; exit 100; }
    echo "$@" | tr ' ' '\\n' | sed -n '/^--no-remove$/,$p' | sed 1d >> "$HOST/packages" ;;
remove) grep -vx "$word" "$HOST/packages" > "$HOST/kept"; mv "$HOST/kept" "$HOST/packages" ;;
esac
"""


class Machine:
    def __init__(self, folder: Path, module: ModuleType) -> None:
        self.folder, self.module = folder, module

    def has(self, *names: str) -> None:
        (self.folder / "packages").write_text("".join(f"{name}\n" for name in names))

    def wants(self, *names: str, check: bool = False, **more: Any) -> dict[str, Any]:
        arguments = {"packages": list(names), "absent": [], "preseed": [], "cache_minutes": 60, **more}
        result: dict[str, Any] = self.module.act(arguments, check, True)
        return result

    def said(self) -> list[str]:
        log = self.folder / "said"
        return log.read_text().split() if log.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, load_module: Callable[[str], ModuleType]) -> Machine:
    module = load_module("package_set")
    tools = {
        "apt-get": APT_GET,
        "dpkg": "#!/bin/sh\n",
        "dpkg-query": "#!/bin/sh\nsed 's/^/installed /' $HOST/packages; echo config-files gone\n",
    }
    for name, text in tools.items():
        tool = tmp_path / "bin" / name
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(text)
        tool.chmod(0o755)
    (tmp_path / "lists/partial").mkdir(parents=True)
    (tmp_path / "lists/x_Release").touch()
    monkeypatch.setattr(module, "LISTS", tmp_path / "lists")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("HOST", str(tmp_path))
    made = Machine(tmp_path, module)
    made.has("base", "old")
    return made


def test_nothing_missing_asks_apt_nothing(machine: Machine) -> None:
    result = machine.wants("base")
    assert (result["changed"], result["installed"], machine.said()) == (False, [], [])


def test_what_is_missing_comes_in_one_transaction_without_a_refresh(machine: Machine) -> None:
    result = machine.wants("base", "one", "two")
    assert (result["changed"], result["installed"]) == (True, ["one", "two"])
    assert machine.said() == ["install"]
    assert result["ansible_facts"]["installed_packages"] == ["base", "old", "one", "two"]
    assert result["diff"]["prepared"] == "+ one\n+ two\n"
    assert machine.wants("one", "two")["changed"] is False


def test_a_removed_package_whose_configuration_stayed_is_missing(machine: Machine) -> None:
    assert machine.wants("gone", check=True)["installed"] == ["gone"]


def test_old_lists_are_refreshed_first(machine: Machine) -> None:
    past = time.time() - 7200
    for path in (machine.folder / "lists").iterdir():
        os.utime(path, (past, past))
    machine.wants("one")
    assert machine.said() == ["update", "install"]


def test_lists_that_were_never_fetched_are_refreshed_although_their_folder_is_new(machine: Machine) -> None:
    (machine.folder / "lists/x_Release").unlink()
    machine.wants("one")
    assert machine.said() == ["update", "install"]


def test_lists_that_prove_outdated_are_refreshed_and_it_is_tried_again(machine: Machine) -> None:
    (machine.folder / "outdated").touch()
    assert machine.wants("one")["installed"] == ["one"]
    assert machine.said() == ["install", "update", "install"]


def test_a_refusal_says_apts_errors_alone(machine: Machine) -> None:
    with pytest.raises(machine.module.Refused) as caught:
        machine.wants("broken")
    assert "E: broken cannot be had" in str(caught.value)
    assert "noise" not in str(caught.value)


def test_nothing_is_removed_to_make_room(machine: Machine) -> None:
    with pytest.raises(machine.module.Refused, match=r"^rival cannot be installed beside base, old;"):
        machine.wants("rival")


def test_unwanted_packages_are_removed(machine: Machine) -> None:
    result = machine.wants(absent=["old", "never-there"])
    assert (result["removed"], result["diff"]["prepared"]) == (["old"], "- old\n")
    assert machine.wants(absent=["old"])["changed"] is False


def test_preseed_files_are_written_before_the_first_installation_only(machine: Machine) -> None:
    theirs, ours = machine.folder / "theirs", machine.folder / "new/ours"
    theirs.write_text("kept")
    seeds = [{"dest": str(theirs), "content": "x"}, {"dest": str(ours), "content": "y"}]
    machine.wants("base", preseed=seeds)
    assert not ours.exists()
    machine.wants("one", preseed=seeds)
    assert (theirs.read_text(), ours.read_text()) == ("kept", "y")


def test_check_mode_changes_nothing(machine: Machine) -> None:
    result = machine.wants("one", check=True, absent=["old"], preseed=[{"dest": "/nowhere", "content": ""}])
    assert (result["installed"], result["removed"], machine.said()) == (["one"], ["old"], [])
