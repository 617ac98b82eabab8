"""Feed preflight's own findings with one bad value after the other, and print what it says about each.

    python judge.py ROOT < cases.json

A case is [role, variable, value]. The answer to each is the sentence that names the variable, or nothing. Everything
is Ansible's own but the host, whose facts are in bad_values/facts.yml. A variable in the list `without` is treated as
if it held no findings.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[1] / "bad_values"
TASK = "Look at the host, at its variables and at what they mean together"
SAID = {"tags": ["all"], "skip_tags": [], "extra_vars": (), "start_at_task": None, "subset": None, "verbosity": 0}


def load_yaml(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))


class Judge:
    """The good host as preflight.yml sees it, and what input_check says once a variable is replaced."""

    def __init__(self, root: Path, without: list[str]) -> None:
        os.chdir(root)
        os.environ["ANSIBLE_CONFIG"] = str(root / "ansible.cfg")
        from ansible import context  # noqa: PLC0415  reads the configuration
        from ansible.inventory.manager import InventoryManager  # noqa: PLC0415
        from ansible.module_utils.common.collections import ImmutableDict  # noqa: PLC0415
        from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415
        from ansible.playbook import Playbook  # noqa: PLC0415
        from ansible.plugins.loader import action_loader, init_plugin_loader  # noqa: PLC0415
        from ansible.vars.manager import VariableManager  # noqa: PLC0415

        context.CLIARGS = ImmutableDict(SAID, inventory=(), check=False, diff=False, forks=1, basedir=None)
        init_plugin_loader()
        self.loader = DataLoader()
        self.inventory = InventoryManager(self.loader, sources=[str(FOLDER / "hosts.yml")])
        self.manager = VariableManager(self.loader, self.inventory)
        book = Playbook.load("playbooks/preflight.yml", variable_manager=self.manager, loader=self.loader)
        self.play = book.get_plays()[0]
        tasks = [entry for block in self.play.compile() for entry in block.block if entry.name == TASK]
        self.task = tasks[0]
        self.plugin = action_loader.get("input_check", class_only=True)
        self.manager.set_host_facts("good1", {**load_yaml("facts"), "inventory_name": "good1"})
        self.without: dict[str, Any] = {name: [] for name in without}
        self.base = self.variables({})

    def variables(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the variables of the host with some replaced, as those given with -e are."""
        from ansible.vars.hostvars import HostVars  # noqa: PLC0415

        self.manager._extra_vars = {**given, **self.without}
        found = self.manager.get_vars(play=self.play, host=self.inventory.get_host("good1"), task=self.task)
        hosts = ["good1", "good2"]
        more = {"ansible_play_hosts_all": hosts, "ansible_play_hosts": hosts}
        return {**found, **more, "hostvars": HostVars(self.inventory, self.manager, self.loader)}

    def action(self, variables: dict[str, Any]) -> Any:
        """Return input_check as the task of preflight.yml has it."""
        from ansible.template import Templar  # noqa: PLC0415

        found = self.plugin.__new__(self.plugin)
        found._templar = Templar(loader=self.loader, variables=variables)
        found._loader, found._task = self.loader, self.task
        found.not_computable, found.lacking, found.blanks, found.parts = [], {}, {}, set()
        return found

    def whole(self, given: dict[str, Any], chosen: dict[str, Any]) -> list[str]:
        """Return what is said of the host, by the arguments of that task but for those that are chosen."""
        variables = self.variables(given)
        action = self.action(variables)
        arguments: dict[str, Any] = {
            "roles": [],
            "groups": [],
            "variables": {},
            "findings": [],
            "keep": None,
            "collected": None,
        }
        arguments |= action._templar.template(self.task.args) | chosen
        found: list[str] = action.act(arguments, variables)["findings"]
        return found

    def sentences(self, role: str, name: str, value: Any) -> Iterator[str]:
        """Yield what is said, the cheapest first: about the variable itself, its role, then its role on this host."""
        action = self.action({**self.base, name: value})
        (path,) = action.paths([role]).values()
        yield from action.option_findings({name: action.options(path)[name]}, action._templar.available_variables, role)
        variables = self.variables({name: value})
        action = self.action(variables)
        yield from (sentence for found in action.computed([f"{role}_findings"], variables) for sentence in found)
        wider = [f"{role}_findings", "firewall_findings", "preflight_network_findings"]
        yield from self.whole({name: value}, {"roles": [role], "findings": wider})

    def verdict(self, role: str, name: str, value: Any) -> str:
        return next((text for text in self.sentences(role, name, value) if name in text), "")


def main() -> None:
    request = json.load(sys.stdin)
    judge = Judge(Path(sys.argv[1]), request.get("without", []))
    verdicts = [judge.verdict(*case) for case in request["cases"]]
    json.dump({"good": judge.whole({}, {}), "verdicts": verdicts}, sys.stdout)


if __name__ == "__main__":
    main()
