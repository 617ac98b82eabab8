"""What a role offers has the parts and keys that its readers know; a run finds it out with the first host only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.contract.contracts.repo import loaded, mapping

READER = Path(__file__).resolve().parents[3] / "filter_plugins/offers.py"


def reader() -> Any:
    """Return the filters that read offers at run time."""
    return loaded(READER)


def is_computed(value: Any) -> bool:
    return isinstance(value, str) and "{{" in value


def static(part: str, value: Any) -> Any:
    """Return what can be judged of a part without a host: nothing of what is computed there."""
    if is_computed(value):
        return reader().PARTS.get(part, list)()
    return [entry for entry in value if not is_computed(entry)] if isinstance(value, list) else value


def findings(role: Path) -> list[str]:
    """The offer is a mapping, and what is written in it is what its readers take."""
    name, values = f"{role.name}_offer", mapping(role / "vars/main.yml")
    where = f"{role.name}/vars/main.yml"
    if not isinstance(values.get(name), dict):
        return [
            f"{where} has {values.get(name)!r} for {name}; give a mapping of the parts in docs/offers.md, {{}} for none"
        ]
    offer = {part: static(part, value) for part, value in values[name].items()}
    return [f"{where}: {text}" for text in reader().offer_findings({role.name: offer})]
