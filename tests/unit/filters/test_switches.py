"""What is switched on, and what becomes of files that are switched off."""

from collections.abc import Callable
from typing import Any

import pytest

Filters = dict[str, Callable[..., Any]]


def test_entries_without_a_switch_are_always_wanted(filters: Filters) -> None:
    entries = [{"name": "a"}, {"name": "b", "wanted": True}, {"name": "c", "wanted": False}]
    assert filters["switched_on"](entries) == [{"name": "a"}, {"name": "b"}]


@pytest.mark.parametrize("wanted", ["true", 1, 0, None])
def test_a_switch_is_true_or_false(refusal: Callable[..., str], wanted: Any) -> None:
    assert f"wanted is {wanted!r}; it must be" in refusal("switched_on", [{"wanted": wanted}])
    assert f"wanted is {wanted!r}; it must be" in refusal("switched_files", [{"wanted": wanted, "files": [{}]}])


def test_files_go_with_their_part(filters: Filters) -> None:
    files: list[dict[str, Any]] = [
        {"dest": "/etc/d", "state": "directory"},
        {"dest": "/etc/d/a", "template": "a.j2", "mode": "0640", "on_change": ["restart a.service"]},
        {"dest": "/etc/d/b", "content": "b", "on_change": ["restart b.service"], "on_removal": []},
        {"dest": "/etc/d/c", "state": "link", "target": "b", "on_removal": ["run c"]},
        {"dest": "/etc/d/e", "content": "e"},
    ]
    always = {"files": [{"dest": "/etc/x", "content": "x"}]}
    kept = [{key: value for key, value in file.items() if key != "on_removal"} for file in files]
    assert filters["switched_files"]([{"wanted": True, "files": files}, always]) == kept + always["files"]
    assert filters["switched_files"]([{"wanted": False, "files": files}, always]) == [
        {"dest": "/etc/d/a", "state": "absent", "on_change": ["restart a.service"]},
        {"dest": "/etc/d/b", "state": "absent", "on_change": []},
        {"dest": "/etc/d/c", "state": "absent", "on_change": ["run c"]},
        {"dest": "/etc/d/e", "state": "absent"},
        *always["files"],
    ]
