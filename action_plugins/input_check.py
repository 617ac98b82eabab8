# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find what is wrong with the variables of a host, and refuse to go on. The documentation is in library/."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleAction, AnsibleActionFail, AnsibleError
from ansible.inventory.manager import split_host_pattern
from ansible.plugins.loader import action_loader
from ansible.utils.vars import load_extra_vars

from ansible_collections.holdfast.platform.plugins.plugin_utils.finding_texts import (
    cure_of,
    innermost,
    of_all_hosts,
    undefined_names,
    unquoting,
)
from ansible_collections.holdfast.platform.plugins.plugin_utils.given_names import (
    files_beside,
    folder_findings,
    group_findings,
    limit_findings,
    misspelt,
    name_findings,
    owner_findings,
    strangers,
)
from ansible_collections.holdfast.platform.plugins.plugin_utils.option_values import (
    Lacking,
    blanks,
    completed,
    value_findings,
)
from ansible_collections.holdfast.platform.plugins.plugin_utils.role_files import (
    SPECIFICATION,
    RoleFiles,
    generated,
    known_offers,
)

RemoteCall: Any = action_loader.get("remote_call", class_only=True)

WIRING = "host_wiring"  # what keeps it from being computed is wrong with hosts that are told so themselves
ASKED = ("units", "probes")  # the parts of offers without which status would ask too little


def refuse(findings: list[str]) -> None:
    """Fail with all findings; the error above them does not repeat them, so that people read each once."""
    text = f"refused for {len(findings)} reasons" if len(findings) > 1 else "refused"
    raise AnsibleAction(f"{text}, see msg", result={"failed": True, "changed": False, "msg": "\n".join(findings)})


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Collect the findings of a host, or of all hosts, then fail with all of them."""

    _requires_connection = False
    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "roles": {"type": "list", "elements": "str", "default": []},
        "groups": {"type": "list", "elements": "str", "default": []},
        "variables": {"type": "dict", "default": {}},
        "offers": {"type": "list", "elements": "str"},
        "keep": {"type": "list", "elements": "str", "default": []},
        "findings": {"type": "list", "elements": "str", "default": []},
        "refuse": {"type": "bool", "default": True},
        "collected": {"type": "str"},
    }

    @functools.cached_property
    def files(self) -> RoleFiles:
        return RoleFiles(self._loader.load_from_file, constants.config.get_config_value("DEFAULT_ROLES_PATH"))

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if arguments["collected"]:
            return self.of_the_play(arguments["collected"], task_vars)
        self.not_computable: list[str] = []
        self.elsewhere: set[str] = set()
        self.unasked: list[str] = []
        self.lacking: dict[str, str] = {}
        self.blanks: dict[str, str] = {}
        self.parts: set[str] = set()
        self.refused: dict[str, list[str]] = {}  # parts of offers, by role
        self.given: dict[str, dict[str, Any]] = {}  # the values of a role's options, by role
        if arguments["offers"] is not None:
            task_vars = self.with_roles(task_vars)
        kept, refusals = self.kept(arguments, task_vars)
        # What cannot be computed mostly follows from what is wrong
        own = [*map(str, self.host_findings(arguments, task_vars, refusals))]
        findings = own or list(dict.fromkeys(self.not_computable))
        if findings and arguments["refuse"]:
            refuse(findings)
        placeholders = sorted(set(self.blanks.values()))
        result = {"findings": findings, "follows": not own, "kept": kept, "placeholders": placeholders}
        return {"changed": False, **result, "unasked": self.unasked}

    def of_the_play(self, name: str, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Fail with the findings of all hosts, on the first host that has one: it is the one that people see marked.

        What cannot be computed here mostly follows from what is wrong, there too.
        """
        if task_vars[name]["findings"]:
            seen = {host: task_vars["hostvars"][host][name] for host in task_vars["ansible_play_hosts_all"]}
            wrong = any(each["findings"] and not each.get("follows") for each in seen.values())
            found = {host: [] if wrong and each.get("follows") else each["findings"] for host, each in seen.items()}
            # The host that has a placeholder says so itself
            texts = [text for each in seen.values() for text in each.get("placeholders", [])]
            found = {host: unquoting(sentences, texts) for host, sentences in found.items()}
            if task_vars["inventory_hostname"] == next(host for host, sentences in found.items() if sentences):
                refuse(of_all_hosts(found))
        return {"changed": False, "findings": []}

    def generated(self) -> list[str]:
        """Return what `make secrets` generates without being told so."""
        return generated([internal[f"{role}_offer"] for role, internal in self.files.offering.items()])

    def with_roles(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the variables of a host with those of all roles, also of those that the play does not enter."""
        defaults: dict[str, Any] = {}
        internal: dict[str, Any] = {}
        for role, found in self.files.offering.items():
            defaults |= self.files.variables(role, "defaults")
            internal |= found
        if not internal:  # nobody would need a secret, or a package
            raise AnsibleActionFail("no role in roles_path offers anything; use the ansible.cfg of the project")
        variables = {**defaults, **task_vars, **internal}
        templar: Any = self._templar  # type: ignore[has-type]
        self._templar = templar.copy_with_new_env(available_variables=variables)
        return variables

    def kept(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Compute the parts of mappings once, and let what is computed afterwards refer to them by their names.

        The offers of the host's roles are computed behind the first mapping, so that they may refer to it.
        """
        refusals: list[str] = []
        self.parts = {part for name in arguments["keep"] for part in task_vars[name]}
        kept: dict[str, Any] = {}
        names = arguments["keep"]
        if arguments["offers"] is not None:
            before, names = names[:1], names[1:]
            self.keep(before, kept, task_vars, refusals)
            kept |= self.offers(arguments["offers"], task_vars)
            task_vars |= kept
        self.keep(names, kept, task_vars, refusals)
        return kept, list(dict.fromkeys(refusals))

    def keep(self, names: list[str], kept: dict[str, Any], task_vars: dict[str, Any], refusals: list[str]) -> None:
        for part, expression in (item for name in names for item in task_vars[name].items()):
            self.compute(part, expression, kept, refusals)
            task_vars |= kept

    def offers(self, roles: list[str], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return what the roles of this host offer, and what is known of all roles."""
        found: dict[str, dict[str, Any]] = {role: {} for role in roles}
        for role, offer in found.items():
            said = self.refused.setdefault(role, [])
            for part, expression in task_vars.get(f"{role}_offer", {}).items():
                self.compute(part, expression, offer, said, f"{role}_offer.")
            said += self.filter_named("offer_findings")({role: offer})
        everybody = {role: task_vars[f"{role}_offer"] for role in self.files.offering}
        return {"host_offers": found, "known_offers": known_offers(everybody, self._templar.template)}

    def compute(self, part: str, expression: Any, into: dict[str, Any], refusals: list[str], whose: str = "") -> None:
        """Compute one value; when it cannot be computed the others still are."""
        try:
            into[part] = self._templar.template(expression)
        except AnsibleError as problem:
            text, refused = innermost(problem)
            sentence = f"{whose}{part} cannot be computed: {text.split(chr(10), 1)[0]}"
            asked = bool(whose) and part in ASKED
            self.unasked += [sentence] * asked
            if text in self.elsewhere:
                return
            if refused and part == WIRING:
                self.elsewhere.add(text)
                self.not_computable.append(text)
            elif refused and not asked:  # the role's findings name the variable
                refusals.append(text)
            else:
                self.not_computable.append(sentence)

    def host_findings(
        self, arguments: dict[str, Any], task_vars: dict[str, Any], refusals: Iterable[str]
    ) -> Iterator[str]:
        host, roles = task_vars["inventory_hostname"], arguments["roles"]
        specifications = self.specifications(roles)
        known = set(arguments["variables"]).union(*specifications.values())
        for name, value in task_vars.items():
            own = arguments["groups"] and isinstance(value, str) and not name.startswith(("ansible_", "__"))
            if name in known or own:
                self.blanks.update(blanks(name, value))
        extra = load_extra_vars(self._loader)
        everybody = self.known(arguments["variables"]) if roles and (extra or arguments["groups"]) else {}
        wrong_extra = misspelt(extra, everybody)
        if arguments["groups"]:  # the preflight of a whole inventory: here a name that is almost ours is meant to be
            wrong_extra |= misspelt(strangers(task_vars, everybody, arguments["variables"]), everybody)
        names = [name for name in task_vars if name not in wrong_extra]
        findings = [*wrong_extra.values(), *group_findings(host, task_vars.get("group_names", []), arguments["groups"])]
        if arguments["groups"]:
            inventory = task_vars["groups"]
            kept = {"group_vars": {*inventory, *arguments["groups"]}, "host_vars": set(inventory["all"])}
            beside = files_beside(task_vars.get("ansible_inventory_sources", []), kept)
            findings += folder_findings(beside, kept)
            limit = split_host_pattern(task_vars.get("ansible_limit", ""))
            findings += limit_findings(limit, {*inventory, *inventory["all"], "localhost"})
        findings += owner_findings(host, task_vars.get("ansible_facts", {}))
        findings += self.option_findings(arguments["variables"], task_vars)
        later = dict.fromkeys(arguments["findings"])
        for role, options in specifications.items():
            of_role = [*name_findings(role, options, names, self.files.owners)]
            of_role += self.option_findings(options, task_vars, role)
            findings += of_role
            if not all(isinstance(finding, Lacking) for finding in of_role):
                later.pop(f"{role}_findings", None)
                self.refused.pop(role, None)  # what follows from a wrong variable is not said beside it
        findings = unquoting(findings, self.blanks.values())
        yield from findings
        said = {finding.split(" ", 1)[0] for finding in findings}
        lacking = {name: f"{name} is a placeholder; give it a value of your own" for name in sorted(self.blanks)}
        yield from (sentence for name, sentence in (lacking | self.lacking).items() if name not in said)
        offers = itertools.chain.from_iterable(self.refused.values())
        for sentence in dict.fromkeys(itertools.chain(offers, refusals, *self.computed(later, task_vars))):
            # What quotes a placeholder goes with it
            if not any(text in sentence for text in self.blanks.values()):
                yield sentence

    def specifications(self, roles: Iterable[str]) -> dict[str, dict[str, Any]]:
        found = {role: self.files.options(role) for role in roles}
        if None in found.values():
            where = ", ".join(self.files.paths)
            raise AnsibleActionFail(f"one of {', '.join(found)} has no {SPECIFICATION} in {where}")
        return {role: options for role, options in found.items() if options is not None}

    def known(self, variables: Iterable[str]) -> dict[str, str]:
        """Return whose variable each known name is."""
        of_roles = {name: f"role {role}" for name, role in self.files.owners().items()}
        return {**of_roles, **dict.fromkeys(variables, "the playbooks")}

    def option_findings(self, options: dict[str, Any], task_vars: dict[str, Any], role: str = "") -> list[str]:
        found: list[str] = []
        forms, form_findings = self.files.forms(role), self.filter_named("form_findings")
        for name, option in options.items():
            if name not in task_vars:
                if option.get("required"):
                    vault = " in a vault file of" if option.get("no_log") else " in"
                    generated = name in self.generated()
                    how = "`make secrets INVENTORY=…` generates it" if generated else f"set it{vault} the inventory"
                    found.append(Lacking(f"{name} is not set; {how}"))
                continue
            try:
                value = self._templar.template(task_vars[name])
            except AnsibleError as problem:
                self.note(name, task_vars, problem)
            else:
                of_value = [*value_findings(name, value, option)] or form_findings(value, name, option, forms, role)
                found += of_value
                if all(isinstance(each, Lacking) for each in of_value):
                    self.given.setdefault(role, {})[name] = completed(value, option)
                    task_vars[name] = value  # what refers to it needs no template any more
        return found

    def note(self, name: str, task_vars: dict[str, Any], problem: AnsibleError) -> None:
        """Note why a variable cannot be computed: mostly a name that its operator has not defined yet."""
        names = set(undefined_names(self._templar.template, task_vars[name]))
        for missing in sorted(names - set(task_vars) - self.parts):
            self.lacking.setdefault(
                missing, f"{missing} is not defined, {name} refers to it; {cure_of(missing, self.generated())}"
            )
        if not names:
            text, refused = innermost(problem)
            if text in self.elsewhere:
                return
            sentence = f"{name} cannot be computed: {text.split(chr(10), 1)[0]}"
            if task_vars.get("ansible_facts"):
                self.lacking[name] = sentence if refused else f"{sentence}; look at what it refers to"
            else:  # of a host that does not answer little can be computed
                self.not_computable.append(sentence)

    def computed(self, names: Iterable[str], task_vars: dict[str, Any]) -> Iterator[list[str]]:
        """Yield the sentences that variables hold; a filter that refuses says one too."""
        for name in names:
            if name in task_vars:
                # What <role>_findings is computed of
                task_vars["role_options"] = self.given.get(name.removesuffix("_findings"), {})
                try:
                    yield self._templar.template(task_vars[name])
                except AnsibleError as problem:
                    text, refused = innermost(problem)
                    if text in self.elsewhere:
                        continue
                    if refused:
                        yield [text]
                    else:
                        self.not_computable.append(f"{name} cannot be computed: {text.split(chr(10), 1)[0]}")
