"""Every contract by name, in two tables: those about one role and those about the whole project."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.contract.contracts import (
    arguments,
    bad_values,
    doors,
    duplication,
    filters,
    layout,
    offers,
    playbooks,
    python,
    remote,
    repo,
    role_vars,
    secrets,
    specs,
    sums,
    targets,
    tasks,
    templates,
    text,
    versions,
    wiring,
)

Contract = Callable[[Path], list[str]]


def role_tasks_are_clean(role: Path) -> list[str]:
    """Every task of a role keeps the rules of tasks, and writes and includes as a role should."""
    own, found = repo.own_modules(role.parent.parent), tasks.transactions_have_one_owner(repo.role_tasks(role))
    for task in repo.role_tasks(role):
        found += (
            tasks.findings(task, own, f"__{role.name}_", f"{role.name}_")
            + tasks.writes_are_transactions(task)
            + tasks.roles_stand_alone(task)
        )
    return found


def role_facts_are_qualified(role: Path) -> list[str]:
    return [finding for path in tasks.role_fact_files(role) for finding in tasks.top_level_facts(path)]


def playbook_tasks_are_clean(root: Path) -> list[str]:
    """Every playbook, the files it includes and the Molecule playbooks keep the rules of tasks."""
    own, found = repo.own_modules(root), []
    prefixes = dict.fromkeys(repo.yaml_files(root / "playbooks"), "__") | dict.fromkeys(
        repo.yaml_files(root / "molecule"), ""
    )
    for path, prefix in prefixes.items():
        found += tasks.plays_count_errors(path)
        if isinstance(repo.load(path), list):
            found += tasks.top_level_facts(path)
            found += [finding for task in repo.tasks(path) for finding in tasks.findings(task, own, prefix)]
    return found


def playbooks_are_documented(root: Path) -> list[str]:
    return [finding for path in repo.playbooks(root) for finding in playbooks.documented(path)]


def playbooks_run_as_a_whole(root: Path) -> list[str]:
    return [finding for path in repo.playbooks(root) for finding in playbooks.whole(path)]


def extra_vars_are_validated(root: Path) -> list[str]:
    return [finding for path in repo.playbooks(root) for finding in playbooks.validated(path)]


def sidecars_are_complete(root: Path) -> list[str]:
    return [finding for path in sorted((root / "filter_plugins").glob("*.yml")) for finding in filters.sidecar(path)]


def filter_code_is_small(root: Path) -> list[str]:
    return [finding for path in filters.files(root) for finding in filters.code(path) + filters.offers(path)] + [
        finding for path in filters.shared(root) for finding in filters.code(path)
    ]


def scenarios_are_small(root: Path) -> list[str]:
    return [finding for folder in repo.scenarios(root) for finding in layout.scenario(folder)]


def docs_are_fresh(root: Path) -> list[str]:
    """The generated pages are what the generator would write now."""
    generator = Path(__file__).resolve().parents[3] / "docs/generate.py"
    done = subprocess.run(
        [sys.executable, str(generator), "--check", "--root", str(root)], capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).splitlines() if done.returncode else []


ROLE: dict[str, Contract] = {
    "files": layout.role_files,
    "sizes": layout.role_sizes,
    "meta": layout.role_meta,
    "known": layout.role_is_known,
    "surface": specs.surface,
    "described": specs.described,
    "defaults": specs.defaults_match,
    "names": specs.names,
    "used": specs.used,
    "tasks": role_tasks_are_clean,
    "facts": role_facts_are_qualified,
    "secrets declared": secrets.declared,
    "tasks silent": secrets.tasks_are_silent,
    "files secret": secrets.files_are_secret,
    "templates": templates.findings,
    "vars": role_vars.findings,
    "forms": bad_values.unknown_forms,
    "offer": offers.findings,
    "entry points": doors.doors_lead_somewhere,
}
PROJECT: dict[str, Contract] = {
    "example groups": layout.groups_are_in_example,
    "scenarios": scenarios_are_small,
    "budgets": layout.budgets,
    "duplication": duplication.findings,
    "text": text.findings,
    "targets": targets.findings,
    "playbook tasks": playbook_tasks_are_clean,
    "playbook heads": playbooks_are_documented,
    "whole runs": playbooks_run_as_a_whole,
    "extra variables": extra_vars_are_validated,
    "sidecars": filters.sidecars,
    "sidecar contents": sidecars_are_complete,
    "filter code": filter_code_is_small,
    "module arguments": arguments.actions,
    "nested defaults": arguments.copies,
    "template defaults": arguments.templates,
    "python sizes": python.sizes,
    "python twins": python.twins,
    "filter examples": filters.examples_are_true,
    "tested versions": versions.findings,
    "docs": docs_are_fresh,
    "wiring": wiring.findings,
    "short expressions": doors.expressions,
    "accumulators": doors.accumulators,
    "lost refusals": sums.lost_refusals,
    "internal names": doors.internal_names,
    "doors": doors.entry_points,
    "remote sizes": remote.sizes,
    "remote bodies": remote.bodies_are_written_once,
    "remote imports": remote.imports,
    "remote programs": remote.programs_are_packed,
}
