"""What core sends to a host: it loads the files that travel with it, calls the last, and shows where one has failed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.holdfast.platform.plugins.plugin_utils.pack import packed, wire

SHARED = "def doubled(number):\n    return 2 * number\n"
HALF = """from holdfast_shared import doubled

def main(arguments, check, diff):
    return {"twice": doubled(arguments["number"]), "check": check, "diff": diff}
"""
CODE = [["holdfast_shared", "<holdfast>/shared.py", SHARED], ["holdfast_half", "<holdfast>/half.py", HALF]]


@pytest.fixture
def sent(
    load_module: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Any]]:
    module: Any = load_module("remote_call")
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # put back afterwards

    def call(code: Any, check: bool = False, diff: bool = False, **arguments: Any) -> Any:
        given = {"code": code, "payload": wire(arguments), "_ansible_check_mode": check, "_ansible_diff": diff}
        module.GIVEN = json.dumps(given)
        module.main()
        return json.loads(capsys.readouterr().out)

    yield call
    for name in ("holdfast_shared", "holdfast_half"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(("check", "diff"), [(False, False), (True, False), (False, True)])
def test_the_last_file_is_called_with_what_was_given(sent: Callable[..., Any], check: bool, diff: bool) -> None:
    assert sent(wire(CODE), check, diff, number=21) == {"twice": 42, "check": check, "diff": diff}


def test_what_it_unpacks_is_what_the_controller_packs(sent: Callable[..., Any], tmp_path: Path) -> None:
    half = tmp_path / "half.py"
    half.write_text("def main(arguments, check, diff):\n    return arguments\n")
    assert sent(packed(half), word="ä\n") == {"word": "ä\n"}


def test_a_fault_shows_the_line_of_a_file_that_is_nowhere(
    sent: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TypeError) as caught:
        sent(wire(CODE), number=None)
    sys.excepthook(caught.type, caught.value, caught.tb)
    shown = capsys.readouterr().err
    assert '"<holdfast>/shared.py", line 2, in doubled' in shown
    assert "return 2 * number" in shown
    assert shown.rstrip().endswith("unsupported operand type(s) for *: 'int' and 'NoneType'")


def test_core_finds_the_place_of_its_arguments() -> None:
    """Core replaces this word in the file as it is."""
    text = (Path(__file__).parents[3] / "library/remote_call.py").read_text()
    assert text.count('GIVEN = r"""<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"""') == 1
    assert text.rstrip().endswith('if __name__ == "__main__":\n    main()')
