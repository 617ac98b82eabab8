"""Feed preflight's own findings with one bad value after the other, and print what it says about each.

    python judge.py ROOT < cases.json

A case is [role, variable, value, bad, without]. The answer to each is the sentence that names the variable, or nothing.
Of a variable that the playbooks hand over, one that quotes the bad texts will do: it names what the inventory says.
Everything is Ansible's own but the host, whose facts are in bad_values/facts.yml. A variable in the list `without` is
treated as if it held no findings. What does not follow from the variable of a case is computed once, for all cases.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[1] / "bad_values"
TASK = "Collect findings about the host, its variables and what they mean together"
SAID = {"tags": ["all"], "skip_tags": [], "extra_vars": (), "start_at_task": None, "subset": None, "verbosity": 0}


def load_yaml(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))


class Judge:
    """The good host as preflight.yml sees it, and what input_check says once a variable is replaced."""

    def __init__(self, root: Path) -> None:
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
        # As hostvars have them: what the inventory says, and nothing of plays or roles
        self.hosts = {host.name: self.manager.get_vars(host=host) for host in self.inventory.get_hosts()}
        good = self.inventory.get_host("good1")
        self.raw = self.manager.get_vars(play=self.play, host=good, task=self.task)
        self.raw |= {"ansible_play_hosts_all": list(self.hosts), "ansible_play_hosts": list(self.hosts)}
        self.raw = self.action(self.raw).with_roles(self.raw)
        self.arguments = self.action(self.variables({}, {}))._templar.template(self.task.args)
        self.kept = {part: value for name in self.arguments["keep"] for part, value in self.raw[name].items()}
        self.words = {name: set(words(value)) for name, value in (self.raw | self.kept).items()}
        for name, said in self.words.items():
            if "role_options" in said:
                said.update(self.option_names(name.lstrip("_").split("_findings")[0]))
        offers = {f"{role}_offer" for role in self.arguments["offers"]}
        self.words |= {"host_offers": offers, "known_offers": offers}
        self.settled = self.settle()

    def option_names(self, name: str) -> set[str]:
        """Return the options of the role that has a variable of this name."""
        action = self.action({})
        role = next((role for role in self.arguments["roles"] if f"{name}_".startswith(f"{role}_")), "")
        return set(action.files.options(role) or {}) if role else set()

    def settle(self) -> dict[str, Any]:
        """Return what the templates of the good host come to."""
        from ansible.errors import AnsibleError  # noqa: PLC0415

        variables = self.variables({}, {})
        action = self.action(variables)
        found = dict(action.kept(self.arguments, variables)[0])
        for name in self.raw.keys() & self.words.keys() - self.kept.keys():
            with contextlib.suppress(AnsibleError):  # what nobody here asks for
                if self.words[name]:
                    found[name] = variables[name] = action._templar.template(self.raw[name])
        return found

    @functools.cache  # noqa: B019  there is one judge
    def follows(self, name: str) -> set[str]:
        """Return the variables that refer to one, also through others, or by the end of its name."""
        found, reached = {name}, {name}
        while reached:
            ends = {end for one in reached for end in (one, *(one[at:] for at, sign in enumerate(one) if sign == "_"))}
            reached = {other for other, said in self.words.items() if said & ends} - found
            found |= reached
        return found

    @functools.cache  # noqa: B019  there is one judge
    def options_of(self, role: str) -> dict[str, Any]:
        """Return the options of a role as its findings read them on the good host."""
        variables = self.variables({}, self.settled)
        action = self.action(variables)
        action.option_findings(action.files.options(role), variables, role)
        return dict(action.given.get(role, {}))

    def variables(self, given: dict[str, Any], settled: dict[str, Any]) -> dict[str, Any]:
        """Return the variables of the host with some replaced, as those given with -e are: for all hosts."""
        from ansible.vars.hostvars import HostVars  # noqa: PLC0415

        manager = SimpleNamespace(get_vars=lambda host, **_: {**self.hosts[host.name], **given})
        return {**self.raw, **settled, **given, "hostvars": HostVars(self.inventory, manager, self.loader)}

    def action(self, variables: dict[str, Any]) -> Any:
        """Return input_check as the task of preflight.yml has it."""
        from ansible.template import Templar  # noqa: PLC0415

        found = self.plugin.__new__(self.plugin)
        found._templar = Templar(loader=self.loader, variables=variables)
        found._loader, found._task = self.loader, self.task
        found.not_computable, found.lacking, found.blanks, found.parts, found.refused = [], {}, {}, set(), {}
        found.unasked = []
        found.elsewhere, found.given = set(), {}
        return found

    def whole(self) -> list[str]:
        """Return what the task says of the good host."""
        variables = self.variables({}, {})
        found: list[str] = self.action(variables).act({"collected": None} | self.arguments, variables)["findings"]
        return found

    def sentences(self, role: str, name: str, value: Any, without: list[str]) -> Iterator[str]:
        """Yield what is said, the cheapest first: about the variable itself, its role, then all that preflight sees."""
        follows = self.follows(name)
        settled = {other: kept for other, kept in self.settled.items() if other not in follows}
        variables = self.variables({name: value, **{other: [] for other in without}}, settled)
        action = self.action(variables)
        yield from action.option_findings({name: action.files.options(role)[name]}, variables, role)
        self.give(action, role, variables, follows)
        yield from itertools.chain(*action.computed([f"{role}_findings"], variables))
        yield from self.refusals(action, variables, follows)
        more = [found for found in self.arguments["findings"] if found in follows and found not in without]
        for found in more:
            self.give(action, found.removesuffix("_findings"), variables, follows)
        yield from itertools.chain(*action.computed(more, variables))

    def give(self, action: Any, role: str, variables: dict[str, Any], follows: set[str]) -> None:
        """Let findings of a role read its options: the good host's, but for those that follow from the variable."""
        if role in self.arguments["roles"]:
            kept = {name: value for name, value in self.options_of(role).items() if name not in follows}
            action.given[role] = kept | action.given.get(role, {})
            rest = {
                name: option for name, option in action.files.options(role).items() if name not in action.given[role]
            }
            action.option_findings(rest, variables, role)

    def refusals(self, action: Any, variables: dict[str, Any], follows: set[str]) -> list[str]:
        """Compute what is kept of a host once more, as far as it follows from the variable of the case."""
        found: list[str] = []
        for number, name in enumerate(self.arguments["keep"]):
            variables["__kept"] = {part: value for part, value in self.raw[name].items() if part in follows}
            action.keep(["__kept"], {}, variables, found)
            if number == 0 and "host_offers" in follows:
                roles = [role for role in self.arguments["offers"] if f"{role}_offer" in follows]
                changed = action.offers(roles, variables)
                variables["host_offers"] = self.settled["host_offers"] | changed["host_offers"]
                variables["known_offers"] = changed["known_offers"]
                found += itertools.chain(*action.refused.values())
        return found

    def verdict(self, role: str, name: str, value: Any, bad: list[str], without: list[str]) -> str:
        marks = [name, *map(repr, bad if name in self.raw["contract_handed"] else ())]
        said = self.sentences(role, name, value, without)
        return next((text for text in said if any(mark in text for mark in marks)), "")


def words(value: Any) -> Iterator[str]:
    """Yield the words of the templates in a value."""
    if isinstance(value, str):
        yield from re.findall(r"\w+", value) if "{{" in value or "{%" in value else ()
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from words(item)


def compile_once() -> None:
    """Let Jinja keep what it compiles: every case has the same templates."""
    import jinja2  # noqa: PLC0415

    compiled: Any = jinja2.Environment.compile
    keep: dict[Any, Any] = {}

    def compile_kept(self: Any, source: Any, *arguments: Any, **options: Any) -> Any:
        key = (type(self), str(source), *arguments, *options.items())
        if key not in keep:
            keep[key] = compiled(self, source, *arguments, **options)
        return keep[key]

    jinja2.Environment.compile = compile_kept  # type: ignore[method-assign]


def main() -> None:
    compile_once()
    judge = Judge(Path(sys.argv[1]))
    verdicts = [judge.verdict(*case) for case in json.load(sys.stdin)]
    json.dump({"good": judge.whole(), "verdicts": verdicts}, sys.stdout)


if __name__ == "__main__":
    main()
