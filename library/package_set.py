#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of package_set: one look at the dpkg state, and one apt transaction for whatever is missing."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.apt import (
    APT,
    install,
    installed_packages,
    must,
    write_seed_files,
)
from ansible_collections.holdfast.platform.plugins.module_utils.apt_process import Patience
from ansible_collections.holdfast.platform.plugins.module_utils.held_services import release, services_held_back
from ansible_collections.holdfast.platform.plugins.module_utils.held_units import held_units
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import answered


def change(arguments: dict[str, Any], missing: list[str], unwanted: list[str], patience: Patience) -> None:
    patience.wait_for_boot()
    patience.wait_for_locks()
    if missing:
        write_seed_files(arguments["seed_files"])
        with ExitStack() as stack:
            more = stack.enter_context(services_held_back()) if arguments["hold"] else {}
            install(missing, arguments["cache_minutes"], patience, more)
    if unwanted:
        must(patience, [*APT, "remove", *unwanted])


def act(arguments: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    have = installed_packages()
    missing = sorted(set(arguments["packages"]) - set(have))
    unwanted = sorted(set(arguments["absent"]) & set(have))
    patience = Patience(arguments["lock_seconds"])
    if check:
        # What later tasks would find, so that they report no more than they would do.
        have = sorted((set(have) | set(missing)) - set(unwanted))
    elif missing or unwanted:
        change(arguments, missing, unwanted, patience)
        have = installed_packages()
    started, warnings = release(check) if arguments["release"] else ([], [])
    result: dict[str, Any] = {
        "changed": bool(missing or unwanted or started),
        "installed": missing,
        "removed": unwanted,
        "started": started,
        "ansible_facts": {"installed_packages": have, "held_units": held_units()},
    }
    if patience.waited:
        warnings += patience.words()
    if warnings:
        result["warnings"] = warnings
    if diff and result["changed"]:
        lines = [f"+ {name}\n" for name in missing] + [f"- {name}\n" for name in unwanted]
        result["diff"] = {"prepared": "".join(lines + [f"start {name}\n" for name in started])}
    return result


def main(arguments: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    return answered(lambda: act(arguments, check, diff))
