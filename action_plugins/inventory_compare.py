# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Name every difference between the inventory of the run and another one. The documentation is in library/."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.inventory.manager import InventoryManager
from ansible.parsing.vault import EncryptedString, is_encrypted
from ansible.plugins.loader import action_loader
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.holdfast.platform.plugins.plugin_utils.inventory_differences import (
    Side,
    differences,
    expected,
)
from ansible_collections.holdfast.platform.plugins.plugin_utils.inventory_shown import counted, entry, table
from ansible_collections.holdfast.platform.plugins.plugin_utils.inventory_values import (
    SECRET,
    Known,
    Leaf,
    Marks,
    Said,
    known_secrets,
    leaves,
    texts,
)
from ansible_collections.holdfast.platform.plugins.plugin_utils.option_values import completed
from ansible_collections.holdfast.platform.plugins.plugin_utils.role_files import RoleFiles, generated

RemoteCall: Any = action_loader.get("remote_call", class_only=True)
# How the controller reaches hosts, and what these comparisons are told, is nothing that the system consists of
OWN = ("ansible_", "compare_")
CORES = constants.INTERNAL_STATIC_VARS
ADDRESSES = ("ansible_host", "host_address", "host_address6")
Leaves = dict[tuple[str, ...], Leaf]


def label(sources: list[str]) -> str:
    """Return what people call an inventory: the name of its folder. The last of several is the one that differs."""
    path = Path(sources[-1].rstrip("/,"))
    return path.name if path.is_dir() or not path.parent.name else path.parent.name


def encrypted(raw: Any) -> bool:
    return isinstance(raw, EncryptedString)


class Inventory(NamedTuple):
    """An inventory as core reads it: what each host is given, as it is written, and how that is computed."""

    groups: dict[str, list[str]]
    group_roles: dict[str, list[str]]
    raw: dict[str, dict[str, Any]]
    template: dict[str, Callable[[Any], Any]]
    vaulted: frozenset[str]  # names of variables in encrypted files
    addresses: frozenset[str]  # by which values of others know its hosts
    folders: frozenset[str]

    def names(self) -> set[str]:
        return {name for values in self.raw.values() for name in values}


class ActionModule(RemoteCall):  # type: ignore[misc]
    """Read both inventories with the loader of the run, which has its vault passwords, and compare them."""

    _requires_connection = False
    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "compare_with": {"type": "list", "elements": "str", "required": True},
        "expected": {"type": "list", "elements": "str", "default": []},
        "group_roles": {"type": "str", "required": True},
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        files = RoleFiles(self._loader.load_from_file, constants.config.get_config_value("DEFAULT_ROLES_PATH"))
        here = [str(source) for source in task_vars["ansible_inventory_sources"]]
        there = list(arguments["compare_with"])
        self.refuse(here, there)
        roles = task_vars[arguments["group_roles"]]
        self.defaults = {
            name: value for role in files.folders for name, value in files.variables(role, "defaults").items()
        }
        both = [self.inventory(sources, roles) for sources in (here, there)]
        labels = (label(here), label(there))
        if labels[0] == labels[1]:
            labels = (" ".join(here), " ".join(there))
        self.options = {name: option for role in files.folders for name, option in (files.options(role) or {}).items()}
        first, second = self.sides(both, labels, self.secrets(both, files))
        found = differences(first, second, files.owners())
        told = [(each, expected(each.name, arguments["expected"])) for each in found]
        entries = [entry(each, labels, allowed) for each, allowed in told]
        return {
            "changed": False,
            "compared": list(labels),
            "differences": entries,
            "unexpected": [each["text"] for each in entries if not each["expected"]],
            "counted": counted(each for each in entries if not each["expected"]),
            "table": table(told, labels),
        }

    def refuse(self, here: list[str], there: list[str]) -> None:
        missing = [source for source in there if not Path(source).exists()]
        if missing or not there:
            named = ", ".join(missing) or "nothing"
            raise AnsibleActionFail(
                f"compare_with is {named}, which is not there; give the path of the other inventory from {Path.cwd()}, "
                "such as inventories/staging"
            )
        if [Path(source).resolve() for source in here] == [Path(source).resolve() for source in there]:
            raise AnsibleActionFail(
                f"compare_with is {', '.join(there)}, the inventory of this run; give the other one"
            )

    def inventory(self, sources: list[str], roles: Any) -> Inventory:
        """Read an inventory. What nobody gives there is computed from the defaults of roles, as a run would."""
        inventory = InventoryManager(self._loader, sources=sources)
        manager = VariableManager(loader=self._loader, inventory=inventory)
        HostVars(inventory=inventory, variable_manager=manager, loader=self._loader)
        if not inventory.hosts:
            raise AnsibleActionFail(f"compare_with is {', '.join(sources)}, which has no hosts; give an inventory")
        raw: dict[str, dict[str, Any]] = {}
        template: dict[str, Callable[[Any], Any]] = {}
        folders: set[str] = set()
        addresses = {*inventory.hosts}
        for name, host in inventory.hosts.items():
            given = manager.get_vars(host=host)
            template[name] = self.template_with({**self.defaults, **given})
            raw[name] = {key: value for key, value in given.items() if not key.startswith(OWN) and key not in CORES}
            addresses |= {str(self.computed(given[key], template[name])) for key in ADDRESSES if given.get(key)}
            folders.add(str(given.get("inventory_dir") or ""))
        groups = {group: list(hosts) for group, hosts in inventory.get_groups_dict().items() if hosts}
        group_roles = self.plain(self.template_with(manager.get_vars())(roles))
        vaulted = frozenset(self.vaulted(inventory, sources))
        return Inventory(groups, group_roles, raw, template, vaulted, frozenset(addresses), frozenset(folders - {""}))

    def template_with(self, variables: dict[str, Any]) -> Callable[[Any], Any]:
        templar: Any = self._templar.copy_with_new_env(available_variables=variables)
        found: Callable[[Any], Any] = templar.template
        return found

    def computed(self, value: Any, template: Callable[[Any], Any]) -> Any:
        """Return a value without templates; what only a host can tell stays as it is written."""
        try:
            return self.plain(template(value))
        except AnsibleError:
            if isinstance(value, Mapping):
                return {str(key): self.computed(item, template) for key, item in value.items()}
            if isinstance(value, list):
                return [self.computed(item, template) for item in value]
            return self.plain(value)

    def vaulted(self, inventory: InventoryManager, sources: Iterable[str]) -> Iterator[str]:
        """Yield the names of variables in encrypted files."""
        for source in sources:
            place = Path(source) if Path(source).is_dir() else Path(source).parent
            for folder, entities in (("group_vars", inventory.groups), ("host_vars", inventory.hosts)):
                for entity in entities if (place / folder).is_dir() else ():
                    for path in map(str, self._loader.find_vars_files(str((place / folder).resolve()), entity)):
                        if is_encrypted(Path(path).read_bytes()):
                            yield from self._loader.load_from_file(path, cache="all", unsafe=True) or {}

    def secrets(self, both: list[Inventory], files: RoleFiles) -> Known:
        offers = [internal[f"{role}_offer"] for role, internal in files.offering.items()]
        raw: dict[str, list[Any]] = {}
        for inventory in both:
            for values in inventory.raw.values():
                for name, value in values.items():
                    raw.setdefault(name, []).append(value)
        own = frozenset(generated(offers)).union(*(inventory.vaulted for inventory in both))
        return known_secrets(own, raw, encrypted)

    def sides(self, both: list[Inventory], labels: tuple[str, str], known: Known) -> Iterator[Side]:
        """Yield both inventories as they are compared; what is secret in one of them is hidden in both."""
        names = set().union(*(inventory.names() for inventory in both))
        seen = [{host: dict(self.of_host(each, host, names, known)) for host in each.raw} for each in both]
        secret = {
            text
            for hosts in seen
            for values in hosts.values()
            for found in values.values()
            for leaf in found.values()
            if leaf.kind == SECRET
            for text in texts(leaf.value)
        }
        for inventory, name, hosts in zip(both, labels, seen, strict=True):
            marks = Marks(inventory.addresses, secret, inventory.folders)
            marked = {
                host: {key: {path: marks.leaf(leaf) for path, leaf in found.items()} for key, found in values.items()}
                for host, values in hosts.items()
            }
            yield Side(name, inventory.groups, inventory.group_roles, marked)

    def of_host(self, inventory: Inventory, host: str, names: set[str], known: Known) -> Iterator[tuple[str, Leaves]]:
        """Yield the leaves of what a host has of variables that an inventory gives, or of their defaults."""
        written = self.defaults | inventory.raw[host]
        for name in sorted(names & written.keys()):
            value, option = self.computed(written[name], inventory.template[host]), self.options.get(name, {})
            with contextlib.suppress(AttributeError, TypeError):  # of another type than preflight.yml wants
                value = completed(value, option)
            yield name, dict(leaves((name,), value, Said(written[name], option), known))
