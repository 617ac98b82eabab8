"""Loads the filters by path, as Ansible does, and holds the property tests to a fixed, short run."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from ansible.errors import AnsibleFilterError
from hypothesis.configuration import set_hypothesis_home_dir

ROOT = Path(__file__).parents[3]
PLUGINS = ROOT / "filter_plugins"

set_hypothesis_home_dir(ROOT / ".cache" / "hypothesis")
hypothesis.settings.register_profile("filters", max_examples=50, derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("filters")


@pytest.fixture(scope="session")
def filters() -> dict[str, Callable[..., Any]]:
    """All filters of the project by name."""
    found: dict[str, Callable[..., Any]] = {}
    for path in sorted(PLUGINS.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"filters_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found |= module.FilterModule().filters()
    return found


@pytest.fixture(scope="session")
def refusal(filters: dict[str, Callable[..., Any]]) -> Callable[..., str]:
    """Call a filter that must refuse and return its message."""

    def call(name: str, *arguments: object, **options: object) -> str:
        with pytest.raises(AnsibleFilterError) as caught:
            filters[name](*arguments, **options)
        return str(caught.value)

    return call
