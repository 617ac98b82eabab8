"""Every example of a sidecar, templated by Ansible itself, gives the result written below it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import filter_loader
from ansible.template import Templar, trust_as_template

PLUGINS = Path(__file__).parents[3] / "filter_plugins"
filter_loader.add_directory(str(PLUGINS))


def examples(text: str) -> Iterator[tuple[str, str]]:
    """Yield each expression with its result; lines that begin with '#    ' continue the result."""
    source: list[str] = []
    result: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("# => "):
            result = [line.removeprefix("# => ")]
        elif result and line.startswith("#    "):
            result.append(line.removeprefix("#").strip())
        elif result:
            yield "\n".join(source), " ".join(result)
            source, result = [], []
        else:
            source.append(line)
    assert not "".join(source).strip(), f"an example without a result: {source}"


def cases() -> Iterator[Any]:
    """Yield all examples of all sidecars."""
    for path in sorted(PLUGINS.glob("*.yml")):
        for number, case in enumerate(examples(yaml.safe_load(path.read_text())["EXAMPLES"])):
            yield pytest.param(*case, id=f"{path.stem}-{number}")


@pytest.mark.parametrize(("source", "expected"), list(cases()))
def test_the_example_gives_its_result(source: str, expected: str) -> None:
    """Plain text is compared as text, everything else as JSON, and a refusal by its message."""
    expression = source if source.lstrip().startswith("{{") else next(iter(yaml.safe_load(source).values()))
    templar = Templar(loader=DataLoader())
    if expected.startswith("error: "):
        with pytest.raises(AnsibleError) as caught:
            templar.template(trust_as_template(expression))
        assert expected.removeprefix("error: ") in str(caught.value)
        return
    try:
        wanted = json.loads(expected)
    except json.JSONDecodeError:
        wanted = expected
    assert templar.template(trust_as_template(expression)) == wanted


def test_every_filter_has_its_sidecar(filters: dict[str, Any]) -> None:
    """A filter without documentation, or documentation without its filter, is a mistake."""
    assert {path.stem for path in PLUGINS.glob("*.yml")} == set(filters)
