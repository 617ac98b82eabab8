"""Filters: one file per topic, one sidecar per filter, examples that are true."""

from __future__ import annotations

import ast
import builtins
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from tests.contract.contracts.repo import mapping, parse

EVALUATOR = Path(__file__).with_name("evaluate.py")
# cryptography is what core opens vault files with: these parts calculate and touch nothing
PURE = {
    "ansible.errors",
    "cryptography",
    "cryptography.exceptions",
    "cryptography.hazmat.primitives",
    "cryptography.hazmat.primitives.ciphers",
    "cryptography.x509.oid",
}
SHARED = "ansible_collections/holdfast/platform/plugins/plugin_utils"
TASK_ACTIONS = ("set_fact", "debug", "assert")


def files(root: Path) -> list[Path]:
    return sorted((root / "filter_plugins").glob("*.py"))


def shared(root: Path) -> list[Path]:
    """Return the files with what filters and plugins share."""
    return sorted((root / SHARED).glob("*.py"))


def names(path: Path) -> list[str]:
    """Return the names of the filters a file offers: the functions it hands to filter_module."""
    return [
        argument.id
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if ast.unparse(node.targets[0]) == "FilterModule" and ast.unparse(node.value.func) == "filter_module"
        for argument in node.value.args
        if isinstance(argument, ast.Name)
    ]


def sidecars(root: Path) -> list[str]:
    """Every filter has its sidecar, every sidecar its filter."""
    offered = {name for path in files(root) for name in names(path)}
    written = {path.stem for path in (root / "filter_plugins").glob("*.yml")}
    found = [f"filter_plugins/{name}.yml is missing" for name in sorted(offered - written)]
    found += [f"filter_plugins/{name}.yml describes a filter that no file offers" for name in sorted(written - offered)]
    return found + [f"{path.name} offers no filter" for path in files(root) if not names(path)]


def sidecar(path: Path) -> list[str]:
    """A sidecar names the filter, types and describes its options, lists examples and the result."""
    document = mapping(path)
    text = document.get("DOCUMENTATION") or {}
    found = [] if text.get("name") == path.stem else [f"{path.name}: DOCUMENTATION.name is {text.get('name')!r}"]
    found += [
        f"{path.name}: DOCUMENTATION has no {key}"
        for key in ("short_description", "description", "options")
        if not text.get(key)
    ]
    options = text.get("options") or {}
    found += [
        f"{path.name}: the option {name} has no {key}"
        for name, option in options.items()
        for key in ("type", "description")
        if not option.get(key)
    ]
    if "_input" not in options:
        found.append(f"{path.name}: the option _input is missing")
    positional = [name.strip() for name in str(text.get("positional", "")).split(",") if name.strip()]
    found += [f"{path.name}: positional names {name}, which is no option" for name in positional if name not in options]
    if len(options) > 1 and not positional:
        found.append(f"{path.name}: has further options and no positional")
    if not (document.get("RETURN") or {}).get("_value"):
        found.append(f"{path.name}: RETURN._value is missing")
    return found if examples(path) else [*found, f'{path.name}: EXAMPLES has no example followed by "# => result"']


def code(path: Path) -> list[str]:
    """A file is short and imports the standard library, what is shared, and of core and what it needs what is pure."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    found = [] if ast.get_docstring(tree) else [f"{path.name} has no docstring"]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 30:
            found.append(f"{path.name}: {node.name} has {(node.end_lineno or 0) - node.lineno + 1} lines; at most 30")
        found += [f"{path.name} imports {module}" for module in _imported(node) if not _is_pure(module)]
    return found


def offers(path: Path) -> list[str]:
    """A file of filters leaves what makes them filters to filter_module, and their names are of two words."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == "FilterModule"]
    return [f"{path.name} defines {name}; write FilterModule = filter_module(…)" for name in own] + [
        f"{path.name}: the filter {name} needs a name of two words" for name in names(path) if not _is_two_words(name)
    ]


def _is_pure(module: str) -> bool:
    ours = module.startswith(f"{SHARED.replace('/', '.')}.")
    return ours or module in PURE or module.partition(".")[0] in sys.stdlib_module_names


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or "."] if isinstance(node, ast.ImportFrom) else []


def _is_two_words(name: str) -> bool:
    return bool(re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)+", name)) and not hasattr(builtins, name)


def examples(path: Path) -> list[tuple[int, str, str]]:
    """Return the examples of a sidecar: line number in EXAMPLES, the example, its result.

    An example is everything since the last result, comments aside. Comment lines that directly follow the result
    and are indented further than "# " continue it.
    """
    found: list[tuple[int, str, str]] = []
    current: list[str] = []
    continues = False
    for number, line in enumerate(str(mapping(path).get("EXAMPLES") or "").splitlines(), 1):
        code_part, is_result, result = line.partition("# =>")
        more = re.match(r"\s*#  (.*)", line)
        if is_result:
            current += [code_part.rstrip()] if code_part.strip() else []
            found.append((number, "\n".join(current), result.removeprefix(" ")))
            current, continues = [], True
        elif continues and more:
            found[-1] = (*found[-1][:2], f"{found[-1][2]}\n{more.group(1)}")
        else:
            continues = False
            current += [] if not line.strip() or line.lstrip().startswith("#") else [line]
    return found


def expression(example: str) -> tuple[Any, dict[str, Any]]:
    """Return what to evaluate and the variables it needs.

    Understood: a bare expression, one in braces, `name: "{{ ... }}"` (earlier keys are its variables), a task
    (set_fact or debug) with its vars.
    """
    try:
        value = parse(example)
    except yaml.YAMLError:
        value = example
    if isinstance(value, list) and value and isinstance(value[-1], dict):
        task = value[-1]
        action = next((task[key] for key in task if key.rpartition(".")[2] in TASK_ACTIONS), task)
        variables = dict(task.get("vars") or {})
        if isinstance(action, dict) and set(action) == {"var"}:
            return "{{ " + str(action["var"]) + " }}", variables
        return (list(action.values())[-1] if isinstance(action, dict) else action), variables
    if isinstance(value, dict) and value and not example.lstrip().startswith("{"):
        *_, last = value
        return value[last], {key: item for key, item in value.items() if key != last}
    text = example.strip()
    return (text if "{{" in text or "{%" in text else "{{ " + text + " }}"), {}


def evaluate(root: Path, pairs: list[tuple[Any, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Have Ansible's templar evaluate expressions, all in one process of their own."""
    request = json.dumps({"filters": str(root / "filter_plugins"), "examples": pairs})
    done = subprocess.run(
        [sys.executable, "-P", str(EVALUATOR)],  # -P: its neighbors are no modules of the standard library
        input=request,
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
    )
    if done.returncode:
        raise ValueError(done.stderr)
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def examples_are_true(root: Path) -> list[str]:
    """Every example gives the result that is written under it."""
    cases = [(path, *example) for path in sorted((root / "filter_plugins").glob("*.yml")) for example in examples(path)]
    answers = evaluate(root, [expression(example) for _, _, example, _ in cases]) if cases else []
    return [
        f"{path.name}: EXAMPLES line {number}: says {result!r}, gives {answer.get('error') or answer.get('value')!r}"
        for (path, number, _, result), answer in zip(cases, answers, strict=True)
        if not agrees(result, answer)
    ]


def agrees(result: str, answer: dict[str, Any]) -> bool:
    """Compare by value, or by letter where the value is a text; "error: words" wants a failure with these words."""
    if re.match(r"error\b", result):
        wanted = " ".join(result.partition(":")[2].split())
        return "error" in answer and wanted in " ".join(answer["error"].split())
    if "value" not in answer:
        return False
    if isinstance(answer["value"], str) and result.strip() == answer["value"].strip():
        return True
    try:
        return _canonical(parse(result)) == _canonical(answer["value"])
    except yaml.YAMLError:
        return False


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
