"""Mutants that nobody could tell from the code: file, line and change as they are printed, each with its reason."""

from __future__ import annotations

from pathlib import Path

import yaml

from .source import Mutant

Known = set[tuple[str, str, str]]
FILE = Path(__file__).with_name("equivalents.yml")


def known(path: Path = FILE) -> Known:
    entries = yaml.safe_load(path.read_text()) or []
    unexplained = [entry for entry in entries if not str(entry.get("reason") or "").strip()]
    if unexplained:
        raise SystemExit(f"{path.name}: no reason for {unexplained[0]}")
    return {(entry["file"], entry["code"], entry["change"]) for entry in entries}


def key(name: str, mutant: Mutant) -> tuple[str, str, str]:
    return name, mutant.code, mutant.change


def outdated(entries: Known, found: dict[str, list[Mutant]]) -> list[str]:
    """Return the entries of these files that fit no mutant any more."""
    there = {key(name, mutant) for name, mutants in found.items() for mutant in mutants}
    return [f"{name}: {change}: {code}" for name, code, change in sorted(entries - there) if name in found]
