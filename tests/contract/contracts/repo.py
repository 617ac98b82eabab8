"""Reading the repository: YAML with Ansible's tags, tasks in the order they are written, and their parts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import yaml

# Everything a task may say besides its action.
KEYWORD_LIST = """
    action any_errors_fatal args async become become_exe become_flags become_method become_user block always rescue
    changed_when check_mode collections connection debugger delay delegate_facts delegate_to diff environment
    failed_when ignore_errors ignore_unreachable listen local_action loop loop_control module_defaults name no_log
    notify poll port register remote_user retries run_once tags throttle timeout until vars when"""
KEYWORDS = frozenset(KEYWORD_LIST.split())
CONTRACT = "playbooks/roles/contract/vars/main.yml"  # what playbooks may assume, and hand to roles
BLOCKS = ("block", "rescue", "always")


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe loader that takes !vault and !unsafe for the plain values they tag."""


def _plain(loader: Any, _suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return node.value
    return loader.construct_sequence(node) if isinstance(node, yaml.SequenceNode) else loader.construct_mapping(node)


Loader.add_multi_constructor("!", _plain)


def parse(text: str) -> Any:
    """Return what a YAML text says."""
    return yaml.load(text, Loader)  # noqa: S506 - derived from the safe loader


@cache
def _load(path: Path, _changed: int) -> Any:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from None


def load(path: Path) -> Any:
    """Return what the YAML file says, None when there is no such file."""
    return _load(path, path.stat().st_mtime_ns) if path.is_file() else None


def mapping(path: Path) -> dict[str, Any]:
    """Return a YAML file that should hold a mapping; anything else counts as empty."""
    found = load(path)
    return found if isinstance(found, dict) else {}


def yaml_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.y*ml") if path.suffix in {".yml", ".yaml"})


@cache
def loaded(path: Path) -> Any:
    """Return a Python file of the project as a module, as Ansible loads one."""
    spec = spec_from_file_location(f"loaded_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} cannot be loaded")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.glob("*") if path.is_dir() and path.name[0] not in "._")


def roles(root: Path) -> list[Path]:
    return folders(root / "roles")


def playbooks(root: Path) -> list[Path]:
    """Return the entry points: files directly under playbooks/ that hold plays."""
    return [path for path in sorted((root / "playbooks").glob("*.yml")) if is_playbook(load(path))]


def is_playbook(document: Any) -> bool:
    first = document[0] if isinstance(document, list) and document else None
    return isinstance(first, dict) and bool(
        {"hosts", "import_playbook", "ansible.builtin.import_playbook"} & first.keys()
    )


def scenarios(root: Path) -> list[Path]:
    """Return the folders that Molecule runs; others there only hold what scenarios share."""
    marks = ("molecule.yml", "converge.yml", "verify.yml")
    return [folder for folder in folders(root / "molecule") if any((folder / name).is_file() for name in marks)]


def own_modules(root: Path) -> frozenset[str]:
    return frozenset(path.stem for path in (root / "library").glob("*.py"))


def options(role: Path) -> dict[str, Any]:
    """Return the options of the role's entry point main."""
    specs = mapping(role / "meta/argument_specs.yml").get("argument_specs") or {}
    return dict((specs.get("main") or {}).get("options") or {})


def strings(value: Any) -> Iterator[str]:
    """Yield every text inside a value, keys aside."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)


def dicts(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every mapping inside a value."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from dicts(item)


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key with its value, at any depth."""
    for entry in dicts(value):
        yield from ((str(key), item) for key, item in entry.items())


def reached(path: Path, seen: list[Path] | None = None) -> list[Path]:
    """Return a playbook or task file and every file that it includes by a literal name."""
    seen = [] if seen is None else seen
    if path in seen or not path.is_file():
        return seen
    seen.append(path)
    for key, item in pairs(load(path)):
        if key.rpartition(".")[2] in {"import_playbook", "import_tasks", "include_tasks"}:
            name = item if isinstance(item, str) else str(item.get("file", ""))
            reached((path.parent / name).resolve(), seen)
    return seen


def mentions(text: str, names: frozenset[str] | set[str]) -> list[str]:
    """Return the names that occur in the text as whole words."""
    return sorted(names.intersection(re.findall(r"\w+", text)))


@dataclass(frozen=True)
class Task:
    """One task, or one block header, and where it stands."""

    path: Path
    body: dict[str, Any]
    covered: bool  # an enclosing block or play says no_log
    variables: frozenset[str]  # names that enclosing blocks and plays set

    @property
    def is_block(self) -> bool:
        return "block" in self.body

    @property
    def action(self) -> str:
        names = [key for key in self.body if key not in KEYWORDS and not key.startswith("with_")]
        return names[0] if names else ""

    @property
    def module(self) -> str:
        return self.action.rpartition(".")[2]

    @property
    def arguments(self) -> Any:
        return self.body.get(self.action)

    def argument(self, *names: str) -> Any:
        """Return the first of these arguments that the task gives."""
        given = self.arguments if isinstance(self.arguments, dict) else {}
        return next((given[name] for name in names if name in given), None)

    def finding(self, text: str) -> str:
        parent = self.path.parent
        where = f"{parent.parent.name}/{parent.name}/{self.path.name}"
        return f"{where}: {self.body.get('name') or self.action or 'a block'}: {text}"


def _walk(path: Path, entries: Any, covered: bool, names: frozenset[str]) -> Iterator[Task]:
    for body in entries if isinstance(entries, list) else []:
        if not isinstance(body, dict):
            continue
        yield Task(path, body, covered, names)
        hidden = covered or body.get("no_log") is True
        for part in BLOCKS:
            yield from _walk(path, body.get(part), hidden, names | set(body.get("vars") or {}))


def tasks(path: Path) -> list[Task]:
    """Return all tasks of a task file or playbook, blocks before what is in them."""
    document = load(path)
    if not is_playbook(document):
        return list(_walk(path, document, False, frozenset()))
    found: list[Task] = []
    for play in document:
        for part in ("pre_tasks", "tasks", "post_tasks", "handlers"):
            found += _walk(path, play.get(part), play.get("no_log") is True, frozenset(play.get("vars") or {}))
    return found


def role_tasks(role: Path) -> list[Task]:
    files = yaml_files(role / "tasks") + yaml_files(role / "handlers")
    return [task for path in files for task in tasks(path)]


def counted(entries: list[Task]) -> int:
    """Return the number of tasks, block headers aside."""
    return sum(not task.is_block for task in entries)
