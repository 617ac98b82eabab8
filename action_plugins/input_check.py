# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Find what is wrong with the variables of a host, and refuse to go on. The documentation is in library/."""

from __future__ import annotations

import contextlib
import difflib
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from ansible import constants
from ansible.errors import AnsibleAction, AnsibleActionFail, AnsibleError, AnsibleFilterError
from ansible.inventory.manager import split_host_pattern
from ansible.plugins.loader import action_loader
from ansible.utils.vars import load_extra_vars

RemoteCall: Any = action_loader.get("remote_call", class_only=True)

PUBLISHED = ("offer", "findings")  # what roles tell the play, not input
TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "path": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "list": (list, tuple),
    "dict": (dict,),
}
SPOKEN = {
    "str": "text",
    "path": "a path",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
}
QUOTED = {  # what is of the type but for its quotes
    "int": re.compile(r"[+-]?\d+"),
    "float": re.compile(r"[+-]?\d+([.]\d*)?"),
    "bool": re.compile(r"(?i)true|false|yes|no|on|off"),
    "list": re.compile(r"\[.*\]"),
    "dict": re.compile(r"\{.*\}"),
}
CURES = {
    "str": "put it in quotes",
    "list": "write it as [one, two]",
    "dict": "write it as {name: value}",
}
PLACEHOLDER = re.compile(
    r"(?i)\W*(change.?(me|it|this)\b.*|pass(word)?|secret|example|placeholder|dummy|test|todo|x+|<.*>|\{.*\}|your.*)?\W*\d*\W*"
)
# What nobody means, also where it is no secret
BLANK = re.compile(r"(?i)\W*(change.?(me|it|this)|todo|fixme)\W*|<[^<>{}]+>")
UNDEFINED = re.compile(r"'([a-z]\w*)' is undefined")
SHORTEST_SECRET = 12
# What others call our groups, by the product or the purpose
CALLED = {
    **dict.fromkeys(("nginx", "web", "webserver", "proxy", "loadbalancer", "lb"), "edge"),
    **dict.fromkeys(("docker", "application", "apps"), "app"),
    **dict.fromkeys(("postgresql", "postgres", "db"), "database"),
    **dict.fromkeys(("pgbouncer",), "pooler"),
    **dict.fromkeys(("redis",), "cache"),
    **dict.fromkeys(("pgbackrest",), "backup"),
}
WIRING = "host_wiring"  # what keeps it from being computed is wrong with hosts that are told so themselves
SPECIFICATION = "meta/argument_specs.yml"
LEFT = re.compile(r"(~|\.(bak|old|orig|rej|save|swp))$")  # what editors and people leave beside a file
FORMS = "forms.yml"  # beside it: which text an option takes, by its path


def completed(value: Any, option: Mapping[str, Any]) -> Any:
    """Return a value of the right type with the defaults of its nested options, which Ansible leaves out."""
    if value is None or not option.get("options"):
        return value
    if option.get("type") == "list":
        return [completed(item, {**option, "type": "dict"}) for item in value]
    found = {key: inner["default"] for key, inner in option["options"].items() if "default" in inner}
    found |= {key: completed(item, option["options"].get(key, {})) for key, item in value.items()}
    return found


def role_folders() -> list[Path]:
    """Return the folders that have roles: first the collection's own, where we are installed as one."""
    of_collection = [Path(__file__).parents[2] / "roles"] if __name__.startswith("ansible_collections.") else []
    return [*of_collection, *map(Path, constants.config.get_config_value("DEFAULT_ROLES_PATH"))]


class Lacking(str):
    """A finding about a value that nobody has given yet: everything else can be looked at all the same."""

    __slots__ = ()


def type_finding(name: str, value: Any, wanted: str, secret: bool) -> str:
    """Say what is wrong with the type of a value, or nothing."""
    fits = isinstance(value, TYPES.get(wanted, (object,)))
    if isinstance(value, bool) and wanted in ("int", "float"):
        fits = False
    if fits or wanted == "raw":
        return ""
    # JSON's quotes: Ansible would print a single one twice
    shown = "given" if secret else json.dumps(value) if isinstance(value, str) else repr(value)
    cure = CURES.get(wanted, "give one")
    if isinstance(value, str) and wanted in QUOTED and QUOTED[wanted].fullmatch(value):
        there = f', on the command line as -e "{{{name}: {value}}}"' if name.isidentifier() and not secret else ""
        cure = f"write it without quotes{there}"
    return f"{name} is {shown}, it must be {SPOKEN[wanted]}; {cure}"


def range_finding(name: str, value: Any) -> str:
    """Say what is wrong with a number, by the unit in the name of its variable."""
    if isinstance(value, bool) or not isinstance(value, int):
        return ""
    if re.search(r"(^|_|\.)port$", name) and not 1 <= value <= 65535:
        return f"{name} is {value}, a port is 1 to 65535; choose one of those"
    if name.endswith("_percent") and not 0 <= value <= 100:
        return f"{name} is {value}, a percentage is 0 to 100; choose one of those"
    if name.endswith("_confirm_seconds") and value != 0 and not 15 <= value <= 300:  # as config_transaction takes them
        return f"{name} is {value}; choose 15 to 300 seconds, or 0 to keep any change"
    if re.search(r"_(mb|seconds|minutes|hours|days)$", name) and value < 0:
        return f"{name} is {value}, it cannot be negative; give 0 or more"
    return ""


def secret_finding(name: str, value: Any) -> str:
    if not isinstance(value, str) or value.startswith("-----BEGIN "):
        return ""
    generates = "`make secrets INVENTORY=…` generates"
    if PLACEHOLDER.fullmatch(value):
        return Lacking(f"{name} is a placeholder, not a secret; {generates} one once this line is gone")
    if len(value) < SHORTEST_SECRET:
        return Lacking(f"{name} is shorter than {SHORTEST_SECRET} characters; {generates} a good one")
    return ""


def blanks(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Yield where placeholders are written in a value, and what they are; templates are left as they are."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from blanks(f"{name}.{key}", item)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from blanks(f"{name}[{at}]", item)
    elif isinstance(value, str) and BLANK.fullmatch(value):
        yield name, value


def value_findings(name: str, value: Any, option: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with one value and everything inside it."""
    wanted, secret = option.get("type", "str"), bool(option.get("no_log"))
    if value is None:
        if wanted != "raw":
            out = "" if option.get("required") else ", or leave it out"
            yield f"{name} is empty; give it a value{out}"
        return
    problem = (
        type_finding(name, value, wanted, secret)
        or range_finding(name, value)
        or (secret_finding(name, value) if secret else "")
    )
    if problem:
        yield problem
        return
    items = value if wanted == "list" else [value]
    choices = option.get("choices")
    for item in items:
        if choices and item not in choices:
            yield f"{name} is {item!r}, it must be one of {', '.join(map(str, choices))}; choose one"
    if wanted == "list":
        inner = {key: kept for key, kept in option.items() if key in ("options", "no_log")}
        for at, item in enumerate(value):
            yield from value_findings(f"{name}[{at}]", item, {**inner, "type": option.get("elements", "raw")})
    elif wanted == "dict" and option.get("options"):
        yield from key_findings(name, value, option["options"])


def key_findings(name: str, value: dict[str, Any], options: dict[str, Any]) -> Iterator[str]:
    for key in value:
        if key not in options:
            yield f"{name}.{key} is unknown{did_you_mean(key, options)}"
    for key, option in options.items():
        if key in value:
            yield from value_findings(f"{name}.{key}", value[key], option)
        elif option.get("required"):
            yield f"{name}.{key} is missing; add it, {SPOKEN.get(option.get('type', 'str'), 'any value')}"


def did_you_mean(name: str, known: Any, otherwise: str = "; remove it") -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else otherwise


def name_findings(role: str, options: dict[str, Any], names: list[str]) -> Iterator[str]:
    """Yield variables that begin like the role's and are none of them."""
    own = {f"{role}_{noun}" for noun in PUBLISHED} | set(options)
    for name in sorted(names):
        if name.startswith(f"{role}_") and name not in own:
            yield (
                f"{name} is not a variable of role {role}"
                + did_you_mean(
                    name, options, f"; names that begin with {role}_ belong to the role, call yours otherwise"
                )
            )


def misspelt(given: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
    """Return a sentence for every name that can only be meant as a known one; all others are somebody's own."""
    found = {}
    for name in given:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if close and name not in known and not name.startswith("ansible_") and close[0] not in name:
            found[name] = f"{name} is not a variable of {known[close[0]]}; did you mean {close[0]}?"
    return found


def strangers(given: Iterable[str], known: Mapping[str, str], variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield names that belong to no role and to no playbook; what begins like a role's is looked at with that role."""
    roles = {owner.removeprefix("role ") for owner in known.values() if owner.startswith("role ")}
    ours = ("__", "ansible_", "contract_", *(f"{role}_" for role in roles))
    return (name for name in given if not name.startswith(ours) and name not in variables)


def group_findings(host: str, groups: list[str], known: list[str]) -> Iterator[str]:
    for group in groups:
        close = difflib.get_close_matches(group, known, n=1, cutoff=0.75)
        meant = close[0] if close else CALLED.get(group, "")
        if group not in known and meant in known and (close or meant not in groups):
            yield f"group {group} of host {host} is unknown; did you mean {meant}?"
    if known and not set(groups) & set(known):
        yield f"host {host} is in none of the groups {', '.join(known)}; put it into one, or out of the inventory"


def folder_findings(sources: Iterable[str], names: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Yield files and folders of variables that are nobody's, but called almost like somebody's."""
    for source in sources:
        place = Path(source) if Path(source).is_dir() else Path(source).parent
        for folder, known in names.items():
            for path in sorted((place / folder).glob("[!.]*")):
                name = path.stem if path.suffix in {".yml", ".yaml", ".json"} else path.name
                close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.75)
                # A host that is gone, or of another inventory, is called like the others but for its number
                numbered = {re.sub(r"\d+", "", other) for other in known}
                if (
                    close
                    and name not in known
                    and re.sub(r"\d+", "", name) not in numbered
                    and not LEFT.search(path.name)
                ):
                    yield (
                        f"{folder}/{path.name} is of nobody in the inventory; did you mean {close[0]}? "
                        "Rename it, or remove it"
                    )


def limit_findings(limit: str, known: Iterable[str]) -> Iterator[str]:
    """Yield names in --limit that are neither a group nor a host; patterns may match nothing."""
    names = [part.strip().lstrip("!&") for part in split_host_pattern(limit)]
    for name in names:
        if re.fullmatch(r"[\w.-]+", name) and name not in known:
            yield f"--limit names {name}, no group or host of the inventory{did_you_mean(name, known, '; correct it')}"


def owner_findings(host: str, facts: Mapping[str, Any]) -> Iterator[str]:
    """Refuse to plan with the facts of another host: whatever mixed them up, no value that follows can be trusted."""
    owner = facts.get("inventory_name", host)
    if owner != host:
        yield f"the facts of {host} are those of {owner}; run with --limit {host}, and tell which ansible-core this is"


def innermost(problem: BaseException) -> tuple[str, bool]:
    """Return what an error comes down to, and whether a filter said it: then it is a sentence with a cure already."""
    refused = False
    while problem.__cause__:
        refused |= isinstance(problem, AnsibleFilterError)
        problem = problem.__cause__
    return str(getattr(problem, "message", problem)), refused


def undefined_names(template: Callable[[Any], Any], value: Any) -> Iterator[str]:
    """Yield what the parts of a value refer to and nobody has defined; names with two dashes are ours."""
    try:
        template(value)
    except AnsibleError as problem:
        parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        found = [name for part in parts for name in undefined_names(template, part)]
        yield from found or UNDEFINED.findall(innermost(problem)[0])


def of_all(offers: Iterable[Mapping[str, Any]], part: str) -> list[str]:
    """Return what offers list in a part that does not depend on a host."""
    return sorted({name for offer in offers for name in offer.get(part, [])})


def cure_of(missing: str, generated: Iterable[str]) -> str:
    """Return how a name that nobody has defined is defined."""
    if missing in generated:
        return "`make secrets INVENTORY=…` generates it"
    return (
        "define it (a secret: name it in secrets_more of group_vars/all, then `make secrets INVENTORY=…` generates it)"
    )


def unquoting(sentences: Iterable[str], placeholders: Iterable[str]) -> list[str]:
    """Return the sentences that do not quote a placeholder: what else is wrong with one goes with it."""
    marked = [text for text in placeholders if "<" in text]
    return [sentence for sentence in sentences if not any(text in sentence for text in marked)]


def of_all_hosts(findings: Mapping[str, list[str]]) -> list[str]:
    """Return every finding once, with the hosts that have it unless there is one host only or it says so itself."""
    places: dict[str, dict[str, str]] = {}
    for host, sentences in findings.items():
        own = re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w-])")
        for sentence in dict.fromkeys(sentences):
            places.setdefault(own.sub("\0", sentence), {})[host] = sentence
    lines = []
    for key, said in places.items():
        (_host, sentence), *others = said.items()
        where = "all hosts" if len(said) == len(findings) else ", ".join(said)
        if "\0" in key:
            where = f"the same of {', '.join(other for other, _ in others)}" if others else ""
        first, *table = sentence.split("\n")
        lines.append("\n".join([first if len(findings) == 1 or not where else f"{first} [{where}]", *table]))
    return lines


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

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if arguments["collected"]:
            return self.of_the_play(arguments["collected"], task_vars)
        self.not_computable: list[str] = []
        self.elsewhere: set[str] = set()
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
        return {"changed": False, "findings": findings, "follows": not own, "kept": kept, "placeholders": placeholders}

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

    def offering(self) -> dict[str, tuple[Path, dict[str, Any]]]:
        """Return the roles that offer something, with folder and vars; others are somebody's own."""
        paths = [path for folder in role_folders() for path in sorted(folder.glob("*/vars/main.yml"))]
        # Of two roles of one name the first is in force
        roles = {path.parents[1].name: path for path in reversed(paths)}
        found = {role: (path.parents[1], self.loaded(path)) for role, path in roles.items()}
        return {role: (folder, internal) for role, (folder, internal) in found.items() if f"{role}_offer" in internal}

    def loaded(self, path: Path) -> dict[str, Any]:
        """Return the variables of a file, none when there is no file, or nothing but comments in it."""
        found = self._loader.load_from_file(str(path), unsafe=True, trusted_as_template=True) if path.exists() else {}
        return found if isinstance(found, dict) else {}

    def generated(self) -> list[str]:
        """Return what `make secrets` generates without being told so."""
        offers = [internal[f"{role}_offer"] for role, (_folder, internal) in self.offering().items()]
        authorities = [f"{name}_ca_{part}" for name in of_all(offers, "authorities") for part in ("certificate", "key")]
        return of_all(offers, "secrets") + authorities

    def with_roles(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the variables of a host with those of all roles, also of those that the play does not enter."""
        defaults: dict[str, Any] = {}
        internal: dict[str, Any] = {}
        for folder, found in self.offering().values():
            defaults |= self.loaded(folder / "defaults/main.yml")
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
        return {"host_offers": found, "known_offers": self.known_offers(task_vars)}

    def compute(self, part: str, expression: Any, into: dict[str, Any], refusals: list[str], whose: str = "") -> None:
        """Compute one value; when it cannot be computed the others still are."""
        try:
            into[part] = self._templar.template(expression)
        except AnsibleError as problem:
            text, refused = innermost(problem)
            if text in self.elsewhere:
                return
            if refused and part == WIRING:
                self.elsewhere.add(text)
                self.not_computable.append(text)
            elif refused:
                refusals.append(text)
            else:
                self.not_computable.append(f"{whose}{part} cannot be computed: {text.split(chr(10), 1)[0]}")

    def known_offers(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return what is known of all roles, also of those that this host does not have."""
        offers = {role: task_vars[f"{role}_offer"] for role in self.offering()}
        certificates = [offer.get("certificates", []) for offer in offers.values()]
        held_by: dict[str, list[str]] = {}
        for role, offer in offers.items():
            # It may follow from a variable that only hosts with this role have
            with contextlib.suppress(AnsibleError):
                held_by[role] = self._templar.template(offer.get("held_by", []))
        return {
            "held_by": held_by,
            # Without those that follow from the input of a host: the edges name theirs
            "certificates": [each["name"] for listed in certificates if isinstance(listed, list) for each in listed],
            "secrets": of_all(offers.values(), "secrets"),
            "authorities": of_all(offers.values(), "authorities"),
        }

    def host_findings(
        self, arguments: dict[str, Any], task_vars: dict[str, Any], refusals: Iterable[str]
    ) -> Iterator[str]:
        host, roles = task_vars["inventory_hostname"], arguments["roles"]
        specifications = {role: self.options(path) for role, path in self.paths(roles).items()}
        known = set(arguments["variables"]).union(*specifications.values())
        for name, value in task_vars.items():
            own = arguments["groups"] and isinstance(value, str) and not name.startswith(("ansible_", "__"))
            if name in known or own:
                self.blanks.update(blanks(name, value))
        everybody = self.known(arguments["variables"]) if roles else {}
        wrong_extra = misspelt(load_extra_vars(self._loader), everybody)
        if arguments["groups"]:  # the preflight of a whole inventory: here a name that is almost ours is meant to be
            wrong_extra |= misspelt(strangers(task_vars, everybody, arguments["variables"]), everybody)
        names = [name for name in task_vars if name not in wrong_extra]
        findings = [*wrong_extra.values(), *group_findings(host, task_vars.get("group_names", []), arguments["groups"])]
        if arguments["groups"]:
            inventory = task_vars["groups"]
            kept = {"group_vars": {*inventory, *arguments["groups"]}, "host_vars": set(inventory["all"])}
            findings += folder_findings(task_vars.get("ansible_inventory_sources", []), kept)
            findings += limit_findings(task_vars.get("ansible_limit", ""), {*inventory, *inventory["all"], "localhost"})
        findings += owner_findings(host, task_vars.get("ansible_facts", {}))
        findings += self.option_findings(arguments["variables"], task_vars)
        later = dict.fromkeys(arguments["findings"])
        for role, options in specifications.items():
            of_role = [*name_findings(role, options, names), *self.option_findings(options, task_vars, role)]
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

    def paths(self, roles: Iterable[str]) -> dict[str, str]:
        folders = role_folders()
        found = {role: [folder / role / SPECIFICATION for folder in folders] for role in roles}
        try:
            return {role: str(next(filter(Path.exists, paths))) for role, paths in found.items()}
        except StopIteration:
            raise AnsibleActionFail(
                f"one of {', '.join(roles)} has no {SPECIFICATION} in {', '.join(map(str, folders))}"
            ) from None

    def known(self, variables: dict[str, Any]) -> dict[str, str]:
        """Return whose variable each known name is."""
        roles = sorted({path.parts[-3] for folder in role_folders() for path in folder.glob(f"*/{SPECIFICATION}")})
        of_roles = {name: f"role {role}" for role, path in self.paths(roles).items() for name in self.options(path)}
        return {**of_roles, **dict.fromkeys(variables, "the playbooks")}

    def options(self, path: str) -> dict[str, Any]:
        # unsafe means: not a copy of what this process, or its parent, has parsed before
        found: dict[str, Any] = self._loader.load_from_file(path, unsafe=True)["argument_specs"]["main"]["options"]
        return found

    def forms(self, role: str) -> dict[str, str]:
        """Return the forms that a role's options have, by path."""
        path = Path(self.paths([role])[role]).with_name(FORMS) if role else Path(FORMS)
        return dict(self._loader.load_from_file(str(path), unsafe=True)) if role and path.exists() else {}

    def option_findings(self, options: dict[str, Any], task_vars: dict[str, Any], role: str = "") -> list[str]:
        found: list[str] = []
        forms, form_findings = self.forms(role), self.filter_named("form_findings")
        for name, option in options.items():
            if name not in task_vars:
                if option.get("required"):
                    generated = option.get("no_log") or "make secrets" in str(option.get("description"))
                    how = "`make secrets INVENTORY=…` generates it" if generated else "set it in the inventory"
                    found.append(Lacking(f"{name} is not set; {how}"))
                continue
            try:
                value = self._templar.template(task_vars[name])
            except AnsibleError as problem:
                self.note(name, task_vars, problem)
            else:
                of_value = [*value_findings(name, value, option)] or form_findings(value, name, option, forms)
                found += of_value
                if not of_value:
                    self.given.setdefault(role, {})[name] = completed(value, option)
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
