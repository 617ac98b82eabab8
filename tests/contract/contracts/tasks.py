"""How tasks are written, in roles and in playbooks."""

from __future__ import annotations

import re
from pathlib import Path

from tests.contract.contracts.repo import Task, load, mentions, strings, tasks, yaml_files

WRITERS = {"template", "copy", "lineinfile", "blockinfile", "replace", "assemble", "ini_file"}
SHARED = {"set_fact", "add_host", "group_by"}
COMMANDS = {"command", "shell", "raw", "script"}
FROM = {"tasks_from", "vars_from", "defaults_from", "handlers_from"}
CONDITIONS = ("when", "changed_when", "failed_when", "until")
# Names with this prefix that are no facts: they tell of the connection, the play or the run.
NOT_FACTS = re.compile(
    r"""ansible_(?:facts|host|port|user|password|connection|version|limit|forks|verbosity|loop\w*|index_var|managed_file|
    check_mode|diff_mode|config_file|search_path|failed_\w+|play\w*|role_\w+|\w*role_names|run_tags|skip_tags|job_id|
    inventory_sources|become\w*|ssh\w*|shell\w*|pipelining|python_interpreter|remote_tmp|async\w*|runner|lint|core)""",
    re.VERBOSE,
)


def modules_are_qualified(task: Task, own: frozenset[str]) -> list[str]:
    """Modules have their full name, or are ours."""
    if {"action", "local_action"} & task.body.keys():
        return [task.finding("names its module through action; write it as a key")]
    if task.is_block or task.action in own:
        return []
    if not task.action:
        return [task.finding("has no module")]
    return (
        []
        if task.action.count(".") >= 2
        else [task.finding(f"{task.action} is not a full module name, nor one of ours")]
    )


def errors_count(task: Task) -> list[str]:
    """Nothing hides an error."""
    return (
        [task.finding("ignore_errors: say with failed_when what is an error")] if "ignore_errors" in task.body else []
    )


def files_without_extension(task: Task) -> list[str]:
    """tasks_from with an extension skips the role's specification without a word."""
    given = task.arguments if isinstance(task.arguments, dict) else {}
    return [
        task.finding(f"{key}: {given[key]} has an extension, so the specification would not be checked")
        for key in sorted(FROM & given.keys())
        if re.search(r"\.ya?ml$", str(given[key]))
    ]


def writes_are_transactions(task: Task) -> list[str]:
    """Files of a host's configuration are written by config_transaction."""
    if task.module not in WRITERS or task.action in {"", task.module}:
        return []
    dest = str(task.argument("dest", "path", "destfile") or "")
    if dest.startswith("/") and not dest.startswith("/etc"):
        return []
    return [
        task.finding(f"{task.module} to {dest or 'nowhere'}; use config_transaction, or a literal path outside /etc")
    ]


def commands_report_truly(task: Task) -> list[str]:
    """A command says when it changes something, and gets its arguments as a list."""
    if task.module not in COMMANDS:
        return []
    found = []
    if "changed_when" not in task.body and task.argument("creates", "removes") is None:
        found.append(task.finding("has neither changed_when nor creates"))
    if task.module == "command" and not task.argument("argv"):
        found.append(task.finding("give the command as argv"))
    return found


def conditions_are_bare(task: Task) -> list[str]:
    """Conditions are expressions already; braces make them text."""
    given = [(key, task.body[key]) for key in CONDITIONS if key in task.body]
    if task.module == "assert":
        given.append(("that", task.argument("that")))
    return [
        task.finding(f"{key} has braces: {text}")
        for key, value in given
        for text in strings(value)
        if re.search(r"\{[{%]", text)
    ]


def loops_name_their_item(task: Task) -> list[str]:
    """A loop is `loop`, with an item name that begins with two underscores."""
    old = sorted(key for key in task.body if key.startswith("with_"))
    if old:
        return [task.finding(f"{old[0]}: use loop")]
    if "loop" not in task.body:
        return []
    name = (task.body.get("loop_control") or {}).get("loop_var", "item")
    return (
        []
        if name.startswith("__")
        else [task.finding(f"the loop's item is called {name}; set loop_control.loop_var to __...")]
    )


def registers_internally(task: Task, prefix: str, published: str = "") -> list[str]:
    """A registered name is internal, __<role>_ in a role, __ in a playbook; or published, <role>_..._result."""
    name = str(task.body.get("register") or prefix)
    return (
        []
        if name.startswith(prefix) or (published and name.startswith(published) and name.endswith("_result"))
        else [task.finding(f"registers {name}; the name must begin with {prefix}")]
    )


def hosts_keep_their_own(task: Task) -> list[str]:
    """What one host computes or registers does not become everybody's: cores share it in different ways."""
    if not task.body.get("run_once"):
        return []
    found = [task.finding(f"{task.module} with run_once; let every host say it")] * (task.module in SHARED)
    name = str(task.body.get("register", ""))
    readers = [other for other in tasks(task.path) if name and mentions(str(other.body), {name})]
    if not all(reader.body.get("run_once") for reader in readers):
        found.append(task.finding(f"{name} is registered with run_once and read by every host; let every host ask"))
    return found


def transactions_have_one_owner(entries: list[Task]) -> list[str]:
    """Of two requests of one name in a file each has a condition: otherwise their claims replace each other."""
    asked: dict[tuple[Path, str], list[Task]] = {}
    for task in entries:
        if task.module == "config_transaction" and isinstance(task.arguments, dict):
            asked.setdefault((task.path, str(task.arguments.get("name"))), []).append(task)
    return [
        task.finding(
            f"another task of the file asks for transaction {name}; merge them, or give each a `when` or a name"
        )
        for (_, name), same in asked.items()
        for task in same[1:]
        if not all("when" in each.body for each in same)
    ]


def roles_stand_alone(task: Task) -> list[str]:
    """Roles never include each other; the playbook does the wiring."""
    return [task.finding(f"{task.module} inside a role")] if task.module in {"include_role", "import_role"} else []


def top_level_facts(path: Path) -> list[str]:
    """Facts are read as ansible_facts.x: the short names are switched off."""
    text = path.read_text(encoding="utf-8")
    used = sorted(set(re.findall(r"(?<![\w./-])ansible_[a-z]\w*", text)))
    return [f"{path.name}: {name}; write ansible_facts.{name[8:]}" for name in used if not NOT_FACTS.fullmatch(name)]


def role_fact_files(role: Path) -> list[Path]:
    plain = [path for part in ("tasks", "handlers", "defaults", "vars") for path in yaml_files(role / part)]
    return plain + sorted((role / "templates").rglob("*.j2"))


def findings(task: Task, own: frozenset[str], prefix: str, published: str = "") -> list[str]:
    """Return what every task must keep; without a prefix, as in scenarios, its names and commands are its own."""
    found = modules_are_qualified(task, own) + errors_count(task) + files_without_extension(task)
    found += conditions_are_bare(task)
    if prefix:
        found += hosts_keep_their_own(task)
        found += (
            commands_report_truly(task) + loops_name_their_item(task) + registers_internally(task, prefix, published)
        )
    return found


def plays_count_errors(path: Path) -> list[str]:
    """Plays hide no errors either."""
    document = load(path)
    plays = document if isinstance(document, list) else []
    return [f"{path.name}: {play.get('name')}: ignore_errors" for play in plays if "ignore_errors" in play]
