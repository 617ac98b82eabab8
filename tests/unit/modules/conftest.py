"""The remote halves are files that only core can ship: load them by path, and give them a pretended host."""

from __future__ import annotations

import grp
import importlib.util
import json
import os
import pwd
import sys
import time
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.loader import filter_loader

from ansible_collections.holdfast.platform.plugins.plugin_utils import pack

ROOT = Path(__file__).parents[3]
filter_loader.add_directory(str(ROOT / "filter_plugins"))  # actions refuse by the filters that preflight asks

# Keeps one folder per unit with files named as the properties; `start` and the like succeed while $HOST/accept does,
# and leave the unit in the state that $HOST/fate gives it.
SYSTEMCTL = """#!/bin/sh
verb=$1; shift
unit=$(eval echo "\\${$#}")
echo "$verb $unit" >> "$HOST/said"
at() { cat "$HOST/units/$1/$2" 2>/dev/null || echo "$3"; }
put() { mkdir -p "$HOST/units/$unit"; echo "$2" > "$HOST/units/$unit/$1"; }
case $verb in
show)
    while [ "$1" != -- ]; do shift; done; shift
    first=yes
    for name; do
        [ $first = yes ] || echo; first=no
        for property in ActiveState=inactive SubState=dead UnitFileState=disabled NeedDaemonReload=no \\
            ConditionResult=no ConditionTimestampMonotonic=0 Type=notify RemainAfterExit=no Result=success \\
            NRestarts=0; do
            echo "${property%%=*}=$(at "$name" "${property%%=*}" "${property#*=}")"
        done
    done;;
start|restart|reload|reload-or-restart)
    put ConditionTimestampMonotonic 1; put ConditionResult yes
    if [ -x "$HOST/accept" ] && ! "$HOST/accept"; then
        [ "$verb" = reload ] || put ActiveState failed
        echo "Job for $unit failed." >&2; exit 1
    fi
    put ActiveState active
    [ ! -x "$HOST/fate" ] || (cd "$HOST/units/$unit" && "$HOST/fate");;
stop) for unit; do put ActiveState inactive; done;;
daemon-reload) rm -f "$HOST"/units/*/NeedDaemonReload;;
list-units)
    for folder in "$HOST"/units/*; do
        case ${folder##*/} in $unit)
            [ "$(at "${folder##*/}" ActiveState inactive)" = inactive ] || echo "${folder##*/} loaded active waiting";;
        esac
    done;;
enable) put UnitFileState enabled;;
disable) put UnitFileState disabled;;
esac
"""


class Half:
    """A remote half with its rooms, freshly loaded: a name stands for what it is in all files that have it.

    So a test that sets a name reaches the file that defines it and those that import it from there.
    """

    __slots__ = ("_files",)
    _files: list[ModuleType]

    def __init__(self, path: Path) -> None:
        for name in [name for name in sys.modules if name.startswith(f"{pack.PACKAGE}.")]:
            del sys.modules[name]  # what a test has changed of another one's rooms ends there
        loader = SourceFileLoader(f"holdfast_{path.stem.replace('-', '_')}", str(path))
        spec = importlib.util.spec_from_loader(loader.name, loader)
        assert spec is not None
        entry = sys.modules[loader.name] = importlib.util.module_from_spec(spec)
        loader.exec_module(entry)
        rooms = [module for name, module in sys.modules.items() if name.startswith(f"{pack.PACKAGE}.")]
        object.__setattr__(self, "_files", [entry, *rooms])

    def __getattr__(self, name: str) -> Any:
        for file in [] if name.startswith("__") else self._files:
            if name in vars(file):
                return vars(file)[name]
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        having = [file for file in self._files if name in vars(file)]
        if not having:
            raise AttributeError(name)
        for file in having:
            setattr(file, name, value)

    def called(self, arguments: dict[str, Any], check: bool = False, diff: bool = False) -> Any:
        """Return what the controller would be told."""
        return json.loads(json.dumps(self.main(json.loads(json.dumps(arguments)), check, diff)))


def load(name: str) -> Half:
    return Half(ROOT / "library" / f"{name}.py")


class Host:
    """A pretended host: a folder for files, a fake systemctl, and the module run on it."""

    def __init__(self, folder: Path, module: Any) -> None:
        self.folder, self.module = folder, module
        self.me = pwd.getpwuid(os.geteuid()).pw_name
        self.my_group = grp.getgrgid(os.getegid()).gr_name

    def move(self, half: Half, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let a half that holds the transaction work here."""
        clock = SimpleNamespace(time=time.time, time_ns=time.time_ns, sleep=self.time_passes, monotonic=time.monotonic)
        moved = {"STATE": "holdfast/transactions", "UNITS": "systemd", "RUN": "run"}
        for name, path in moved.items():
            monkeypatch.setattr(half, name, self.folder / path)
        monkeypatch.setattr(half, "SETTLE_SECONDS", 0)
        monkeypatch.setattr(half, "time", clock)

    def path(self, name: str) -> Path:
        return self.folder / "etc" / name

    def tool(self, name: str, text: str) -> None:
        tool = self.folder / "bin" / name
        tool.write_text(text)
        tool.chmod(0o755)

    def unit(self, name: str, **properties: str) -> None:
        folder = self.folder / "units" / name
        folder.mkdir(parents=True, exist_ok=True)
        for key, value in properties.items():
            (folder / key).write_text(value + "\n")

    def runs(self, name: str) -> None:
        self.unit(
            name,
            ActiveState="active",
            SubState="running",
            UnitFileState="enabled",
            ConditionTimestampMonotonic="1",
            ConditionResult="yes",
        )

    def property(self, name: str, key: str) -> str:
        return (self.folder / "units" / name / key).read_text().strip()

    def accept(self, shell: str) -> None:
        """Let starts and reloads succeed only while this shell command does."""
        script = self.folder / "accept"
        script.write_text(f"#!/bin/sh\n{shell}\n")
        script.chmod(0o755)

    def fate(self, condition: str, later: bool = False, **properties: str) -> None:
        """Let units that start end in this state while a shell command succeeds; `later`, once somebody has waited."""
        folder = "later/" if later else ""
        words = "".join(f"echo {value} > {folder}{key}\n" for key, value in properties.items())
        script = self.folder / "fate"
        script.write_text(f"#!/bin/sh\nrm -rf later NRestarts SubState\n{condition} || exit 0\nmkdir later\n{words}")
        script.chmod(0o755)

    def time_passes(self, _seconds: float) -> None:
        """Let come true what was to happen later."""
        for path in (self.folder / "units").glob("*/later/*"):
            path.replace(path.parents[1] / path.name)

    def said(self) -> list[str]:
        """Return what systemctl was told to change since the last question."""
        log = self.folder / "said"
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line for line in lines if not line.startswith(("show ", "reset-failed ", "list-units "))]

    def file(self, dest: str, **entry: Any) -> dict[str, Any]:
        """Return one entry of `files` as the controller sends it."""
        state = entry.get("state", "file")
        full = {
            "state": state,
            "owner": self.me,
            "group": self.my_group,
            "mode": "0755" if state == "directory" else "0644",
            "content": None,
            "target": None,
            "secret": False,
            "create_only": False,
            "check": None,
            "on_change": None,
        }
        return {**full, **entry, "dest": str(self.path(dest))}

    def transaction(self, *files: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
        """Run the module in this process and return its result; a refusal raises."""
        arguments = {
            "name": "test",
            "files": list(files),
            "exclusive": [],
            "on_change": [],
            "test": [],
            "units": [],
            **more,
        }
        result: dict[str, Any] = self.module.Transaction(arguments, check, True).run()
        return result

    def tree(self) -> dict[str, tuple[str, int]]:
        """Return everything below etc, to compare before and after."""
        return {
            str(path.relative_to(self.folder)): (
                str(path.readlink()) if path.is_symlink() else path.read_text() if path.is_file() else "",
                path.lstat().st_mode,
            )
            for path in sorted(self.path("").rglob("*"))
        }


@pytest.fixture(scope="session")
def load_module() -> Callable[[str], Half]:
    return load


@pytest.fixture(scope="session")
def load_program() -> Callable[[Path], Half]:
    """Load a program that stays on hosts."""
    return Half


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    module = load("config_transaction")
    for name in ("bin", "etc", "units", "systemd", "run"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("HOST", str(tmp_path))
    pretended = Host(tmp_path, module)
    pretended.move(module, monkeypatch)
    pretended.tool("systemctl", SYSTEMCTL)
    pretended.tool("journalctl", "#!/bin/sh\necho bad directive at line 7\n")
    return pretended
