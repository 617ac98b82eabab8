"""Evaluate expressions with Ansible's templar: JSON on standard input, JSON on standard output."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader, init_plugin_loader
from ansible.template import Templar, trust_as_template


def trusted(value: Any) -> Any:
    """Return the value with every text in it marked as a template we wrote."""
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    return [trusted(item) for item in value] if isinstance(value, list) else value


def evaluated(expression: Any, variables: dict[str, Any]) -> dict[str, Any]:
    try:
        value = Templar(loader=DataLoader(), variables=trusted(variables)).template(trusted(expression))
    except Exception as error:  # noqa: BLE001 - whatever a filter raises is the answer
        return {"error": str(error)}
    return {"value": value}


def main() -> None:
    request = json.load(sys.stdin)
    init_plugin_loader([str(Path(request["filters"]).parent)])  # which has what filters share
    filter_loader.add_directory(request["filters"])
    json.dump([evaluated(*example) for example in request["examples"]], sys.stdout)


if __name__ == "__main__":
    main()
