# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What our action plugins share: strict arguments, and one call of a remote half that needs no module library."""

from __future__ import annotations

import datetime
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible import context
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import filter_loader, module_loader

try:
    from ansible_collections.holdfast.platform.plugins.plugin_utils.pack import packed, wire
except ModuleNotFoundError as problem:
    raise AnsibleError(
        "collections_path lacks the folder of the project; use its ansible.cfg, or set ANSIBLE_COLLECTIONS_PATH to it"
    ) from problem


# How core finds our plugins: by their names alone in the checkout, by their full names where they are installed
OURS = "holdfast.platform." if __name__.startswith("ansible_collections.") else ""


def plain(value: Any) -> Any:
    """Return a value without core's marks, for libraries that know the types of Python and no kinds of them."""
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (str, datetime.date)):  # a date of YAML is meant as it is written
        return str(value)
    return next((kind(value) for kind in (bool, int, float) if isinstance(value, kind)), value)


# What a session may bring along that changes what python3, apt, systemctl, psql, docker or redis-cli do. Proxies stay.
UNSET = (
    *("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PYTHONPATH", "PYTHONHOME", "PYTHONOPTIMIZE", "PYTHONWARNINGS"),
    *("TMPDIR", "TMP", "TEMP", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "DBUS_SESSION_BUS_ADDRESS", "NOTIFY_SOCKET"),
    *("BASH_ENV", "ENV", "CDPATH", "GREP_OPTIONS", "POSIXLY_CORRECT", "LANGUAGE", "SYSTEMD_OFFLINE", "APT_CONFIG"),
    *("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "REDISCLI_AUTH"),
    *("PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGDATABASE", "PGSERVICE", "PGSERVICEFILE", "PGPASSFILE"),
    *("PGOPTIONS", "PGSSLMODE", "PGTZ", "PGDATA", "PGCLUSTER"),
)
KNOWN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
# su and doas keep the PATH of whoever called them, which lacks sbin. Sets what is known, and leaves the rest as it is.
CLEAN = " ".join(
    ["umask 022; env", *(f"-u {name}" for name in UNSET), *(f"{name}={value}" for name, value in KNOWN.items())]
)


def remote_half(name: str) -> Path | None:
    """Return the file of a module that runs on hosts."""
    found = module_loader.find_plugin(f"{OURS}{name}", ".py")
    return Path(found) if found else None


class ActionModule(ActionBase):  # type: ignore[misc]
    """Base of our actions; not meant to be called as a task."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {}
    RUN: ClassVar[str] = secrets.token_hex(8)  # made in the process that starts the workers, so it is the same in all
    _supports_check_mode = True
    plain = staticmethod(plain)

    def __init_subclass__(cls) -> None:
        """Pack the remote half here: in the process that starts the workers, which thus have it already."""
        if half := remote_half(cls.__module__.rpartition(".")[2]):
            packed(half)

    def run(self, tmp: object = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        for option in ("start_at_task", "step"):
            if context.CLIARGS.get(option):
                raise AnsibleActionFail(
                    f"--{option.replace('_', '-')} leaves out what the tasks after it rely on; run the playbook as a "
                    "whole, what is in place already takes it seconds"
                )
        result: dict[str, Any] = super().run(tmp, task_vars)
        result.pop("invocation", None)  # holds what the task was given, secrets included
        result.update(self.act(self.arguments(), task_vars or {}))
        # What was found in force before may be so no longer; who fails may have changed something and not say so
        if result.get("changed") or result.get("failed"):
            result["ansible_facts"] = {**result.get("ansible_facts", {}), "settled": {}}
        return result

    def act(self, _arguments: dict[str, Any], _task_vars: dict[str, Any]) -> dict[str, Any]:
        raise AnsibleActionFail(f"{self._task.action} is the base of other actions; call one of those")

    def arguments(self) -> dict[str, Any]:
        """Return the task's arguments, validated and with defaults; the error names the argument, not its value."""
        outcome = ArgumentSpecValidator(self.ARGUMENTS).validate(dict(self._task.args))
        if outcome.error_messages:
            raise AnsibleActionFail(f"{self._task.action}: {'; '.join(outcome.error_messages)}")
        validated: dict[str, Any] = outcome.validated_parameters
        return validated

    @staticmethod
    def filter_named(name: str) -> Callable[..., Any]:
        """Return one of our filters: what preflight finds and what an action refuses is computed in one place."""
        found = filter_loader.get(f"{OURS}{name}")
        if found is None:
            raise AnsibleActionFail(f"there is no filter {name}; use the ansible.cfg of the project")
        function: Callable[..., Any] = found.j2_function
        return function

    def _compute_environment_string(self, raw_environment_out: dict[str, Any] | None = None) -> str:
        """Start the remote half in an environment that is the same everywhere; `environment` of a task comes on top."""
        given: str = super()._compute_environment_string(raw_environment_out)
        return f"{CLEAN} {given}"

    def code(self, module: str) -> str:
        """Return what runs on the host."""
        half = remote_half(module)
        if half is None:
            raise AnsibleActionFail(f"there is no module {module}; use the ansible.cfg of the project")
        return packed(half)

    def call(self, module: str, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Run one of our modules on the host and return its result, without an echo of what it was given."""
        given = {"code": self.code(module), "payload": wire(plain(arguments))}
        result: dict[str, Any] = self._execute_module(f"{OURS}remote_call", module_args=given, task_vars=task_vars)
        result.pop("invocation", None)
        return result
