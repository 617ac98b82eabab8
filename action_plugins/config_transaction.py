# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controller half of the config transaction: validate, render, ship, confirm. The documentation is in library/."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible.plugins.connection import ConnectionBase
from ansible.plugins.loader import action_loader
from ansible.template import trust_as_template

from ansible_collections.holdfast.platform.plugins.plugin_utils.names import ACTIVATION
from ansible_collections.holdfast.platform.plugins.plugin_utils.pack import ROOMS, program

RemoteCall: Any = action_loader.get("remote_call", class_only=True)

REVERT = program(ROOMS / "revert.py")  # what takes a change back that nobody confirms
SHORTEST, LONGEST = 15, 300  # seconds to confirm in
GRACE_SECONDS = 30  # after them, until the host has gone back and answers again
PAUSE_SECONDS = 1
SUPERSEDED = (
    "another run has changed {name} on this host before this one had confirmed its change; the host keeps both changes "
    "or takes both back, as that run comes in again or not. Let it end, then run this one again"
)

FILE = {
    "dest": {"type": "path", "required": True},
    "template": {"type": "str"},
    "content": {"type": "str"},
    "program": {"type": "str"},
    "state": {"type": "str", "choices": ["file", "directory", "link", "absent"], "default": "file"},
    "target": {"type": "str"},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "root"},
    "mode": {"type": "str"},
    "secret": {"type": "bool", "default": False},
    "create_only": {"type": "bool", "default": False},
    "check": {"type": "list", "elements": "str"},
    "on_change": {"type": "list", "elements": "str"},
    "vars": {"type": "dict", "default": {}},
    "set_by": {"type": "list", "elements": "str", "default": []},
}
UNIT = {
    "name": {"type": "str", "required": True},
    "enabled": {"type": "bool"},
    "state": {"type": "str", "choices": ["started", "stopped"]},
    "in_force": {"type": "list", "elements": "str"},
    "redo": {"type": "str", "choices": ["reload", "restart"], "default": "reload"},
}
# Names of the loop over the files that share a template, and what ends each text; no configuration file holds a NUL
ROWS, ROW, END = "__config_transaction_rows", "__config_transaction_row", "\0"
# What a run that finds nothing to do returns
NOTHING = {"changes": [], "activated": [], "units_changed": [], "pending_before": False, "redone": []}
OURS_ALONE = ("template", "program", "vars", "rendered", "set_by")  # what the remote half is not told


def origin(path: str, set_by: dict[str, list[str]]) -> list[str]:
    """Return the variables that a file follows from, as those beside it do when it goes."""
    beside = [names for other, names in set_by.items() if Path(other).parent == Path(path).parent and names]
    return set_by.get(path) or (beside[0] if path not in set_by and beside else [])


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Render a role's files exactly as ansible.builtin.template does and hand them over in one call."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "name": {"type": "str", "required": True},
        "files": {"type": "list", "elements": "dict", "default": [], "options": FILE},
        "exclusive": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "path": {"type": "path", "required": True},
                "pattern": {"type": "str", "default": "*"},
                "keep": {"type": "list", "elements": "str", "default": []},
            },
        },
        "on_change": {"type": "list", "elements": "str", "default": []},
        "test": {"type": "list", "elements": "list", "default": []},
        "units": {"type": "list", "elements": "dict", "default": [], "options": UNIT},
        "confirm_seconds": {"type": "int", "default": 0},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", arguments["name"]):
            raise AnsibleActionFail(f"name is {arguments['name']!r}; use lower-case letters, digits and dashes")
        for entry in arguments["on_change"] + [e for file in arguments["files"] for e in file["on_change"] or []]:
            if not re.fullmatch(ACTIVATION, entry):
                raise AnsibleActionFail(f"on_change says {entry!r}; use `restart UNIT`, `reload UNIT` or `run COMMAND`")
        paths = [file["dest"] for file in arguments["files"]]
        for path in paths:
            if not Path(path).is_absolute() or paths.count(path) > 1:
                raise AnsibleActionFail(f"dest {path} must be absolute and listed once")
        set_by = {file["dest"]: file["set_by"] for file in arguments["files"]}
        self.render(arguments["files"], task_vars)
        arguments["files"] = [self.file(file) for file in arguments["files"]]
        arguments["test"] = [[str(part) for part in command] for command in arguments["test"]]
        seconds = arguments["confirm_seconds"]
        if seconds and not SHORTEST <= seconds <= LONGEST:
            raise AnsibleActionFail(
                f"confirm_seconds is {seconds}; use {SHORTEST} to {LONGEST}, or 0 to confirm nothing"
            )
        if self._task.check_mode or self._connection.transport == "local":
            seconds = 0  # no change can cut off who does not come over the network
        digest = self.digest(arguments)
        if self.is_settled(arguments["name"], digest, task_vars):
            return {"changed": False, **NOTHING}
        arguments |= {"confirm_seconds": seconds, "digest": digest}
        if not seconds:
            return self.call("config_transaction", arguments, task_vars)  # type: ignore[no-any-return]
        more = {"token": secrets.token_hex(8), "revert": REVERT}
        return self.confirmed({**arguments, **more}, task_vars, set_by)

    def digest(self, arguments: dict[str, Any]) -> str:
        """Return what tells this request, and the code that would carry it out, from any other."""
        asked = {name: value for name, value in arguments.items() if name != "confirm_seconds"}
        text = json.dumps(self.plain(asked), sort_keys=True) + self.code("config_transaction")
        return hashlib.sha256(text.encode()).hexdigest()

    def is_settled(self, name: str, digest: str, task_vars: dict[str, Any]) -> bool:
        """Whether facts of this very run say that an earlier one has asked for the same and that it is in force."""
        # The facts are of another host; or a task has failed since and was rescued, of which core keeps no facts
        if self._task.delegate_to or "ansible_failed_result" in task_vars:
            return False
        found = task_vars.get("ansible_facts", {}).get("settled", {})
        return bool(found.get("run") == self.RUN and found["digests"].get(name) == digest)

    def confirmed(
        self, arguments: dict[str, Any], task_vars: dict[str, Any], set_by: dict[str, list[str]]
    ) -> dict[str, Any]:
        """Make a change that the host takes back unless a new connection proves that it cuts nobody off."""
        result: dict[str, Any] = {}
        lost = None
        try:
            result = self.call("config_transaction", arguments, task_vars)
            if not result.pop("unconfirmed", False):
                return result
        except AnsibleConnectionFailure as problem:
            lost = problem
        began, reason, action = time.monotonic(), "", "ask" if lost else "confirm"
        given = {"name": arguments["name"], "token": arguments["token"]}
        while time.monotonic() - began < arguments["confirm_seconds"] + GRACE_SECONDS:
            answer = self.call_anew({**given, "action": action}, task_vars)
            # The first words are about the change; later ones may be about so many failed logins
            reason, stage = reason or answer.get("msg", ""), answer.get("stage", "reverting")
            if stage == "unconfirmed":  # this connection may be older than the change, the next one is not
                began, reason, action = time.monotonic(), "", "confirm"
                continue
            if stage == "reverted":
                return {"failed": True, "changed": False, "msg": self.cut_off(arguments, result, reason, began, set_by)}
            if lost and stage != "reverting":
                raise lost
            if stage == "superseded":
                return {"failed": True, "changed": True, "msg": SUPERSEDED.format(name=arguments["name"])}
            if stage != "reverting":
                return result
            time.sleep(PAUSE_SECONDS)
        text = (
            f"no new connection came about since this change ({reason}), nor after {arguments['confirm_seconds']} s, "
            "when the host was to take it back; look at the host's console"
        )
        return {"failed": True, "changed": True, "msg": text}

    def call_anew(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Call the remote half over a new connection; failures of any kind are an answer too."""
        try:
            if type(self._connection).reset is not ConnectionBase.reset:
                self._connection.reset()
            answer: dict[str, Any] = self.call("config_transaction", arguments, task_vars)
        except AnsibleError as problem:
            answer = {"msg": str(problem)}
        said = " ".join(str(answer.get("msg") or answer.get("module_stderr") or "").split())
        if said:
            answer["msg"] = said.rpartition("via ssh: ")[2]
        return answer

    @staticmethod
    def cut_off(
        arguments: dict[str, Any], result: dict[str, Any], reason: str, began: float, set_by: dict[str, list[str]]
    ) -> str:
        # Whoever lost the connection at once knows only what might have changed
        paths = [change["dest"] for change in result.get("changes", arguments["files"])]
        # What an operator can change about it; files that follow from no variable only where there is nothing else
        names = dict.fromkeys(name for path in paths for name in origin(path, set_by))
        what = ", ".join(names or paths) or "the change"
        return (
            f"new connections would have been cut off ({reason or 'none came about in time'}); the host has put every "
            f"file back and the previous state in force, {time.monotonic() - began:.0f} s after the change. Check "
            f"{what} against the address, the port and the user that this run comes with"
        )

    def file(self, file: dict[str, Any]) -> dict[str, Any]:
        """Check one entry and return it as the remote half wants it."""
        dest, state = file["dest"], file["state"]
        given = [name for name in ("template", "content", "program", "target") if file[name] is not None]
        wanted = {"file": 1, "link": 1, "directory": 0, "absent": 0}[state]
        if len(given) != wanted or (state == "link") != ("target" in given):
            raise AnsibleActionFail(
                f"{dest}: a file has a template, content or program, a link a target, others none of them"
            )
        mode = file["mode"] or ("0755" if state == "directory" or file["program"] else "0644")
        if not re.fullmatch(r"0[0-7]{3,4}", mode):
            raise AnsibleActionFail(f"{dest}: mode is {mode!r}; quote it as octal, like '0640'")
        content = program(self.found(file["program"])) if file["program"] else file.get("rendered", file["content"])
        kept = {name: value for name, value in file.items() if name not in OURS_ALONE}
        return {**kept, "mode": mode, "content": content}

    def found(self, name: str) -> Path:
        """Return where a program is: in our shared code if its name has no folder, else among the files of the role."""
        shared = ROOMS / f"{name}.py"
        if "/" not in name and shared.is_file():
            return shared
        try:
            return Path(self._find_needle("files", name))
        except AnsibleError as problem:
            raise AnsibleActionFail(f"program {name} was not found") from problem

    def render(self, files: list[dict[str, Any]], task_vars: dict[str, Any]) -> None:
        """Give each file with a template the text that ansible.builtin.template would write.

        Compiling a template takes longer than rendering it, so files that share one are rendered in one loop.
        """
        alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for file in files:
            if file["template"] is not None:
                alike.setdefault((file["template"], *sorted(file["vars"])), []).append(file)
        for (template, *names), group in alike.items():
            rows = [[file["vars"][name] for name in names] for file in group]
            texts = self.rendered(template, names, rows, group[0]["dest"], task_vars)
            for file, text in zip(group, texts, strict=True):
                file["rendered"] = text

    def rendered(
        self, template: str, names: list[str], rows: list[list[Any]], dest: str, task_vars: dict[str, Any]
    ) -> list[str]:
        """Return the text of a template for each row of values that the variables take."""
        try:
            source = self._find_needle("templates", template)
        except AnsibleError as problem:
            raise AnsibleActionFail(f"{dest}: template {template} was not found") from problem
        folders = [*task_vars.get("ansible_search_path", []), self._loader.get_basedir(), str(Path(source).parent)]
        templar = self._templar.copy_with_new_env(
            searchpath=[path for folder in folders for path in (f"{folder}/templates", folder)],
            available_variables={**task_vars, ROWS: rows},
        )
        values = "".join(f"{{% set {name} = {ROW}[{index}] %}}" for index, name in enumerate(names))
        body = self._loader.get_text_file_contents(source)
        text = trust_as_template(f"{{% for {ROW} in {ROWS} %}}{values}\n{body}{END}{{% endfor %}}")
        overrides = {"trim_blocks": True, "lstrip_blocks": False, "newline_sequence": "\n"}
        rendered: str = templar.template(text, escape_backslashes=False, overrides=overrides)
        return rendered.split(END)[:-1]
