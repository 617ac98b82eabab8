"""finding_texts: people read every sentence once."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError, AnsibleFilterError

from ansible_collections.holdfast.platform.plugins.plugin_utils.finding_texts import innermost, of_all_hosts


def test_findings_of_several_hosts_are_said_once() -> None:
    found = {
        "a1": ["x is 1; give 2", "a1 is full"],
        "b1": ["x is 1; give 2", "y is 3; give 4", "y is 3; give 4"],
        "c1": [],
    }
    assert of_all_hosts(found) == ["x is 1; give 2 [a1, b1]", "a1 is full", "y is 3; give 4 [b1]"]
    assert of_all_hosts({"a1": ["x"], "b1": ["x"]}) == ["x [all hosts]"]
    assert of_all_hosts({"a1": ["x"]}) == ["x"]
    three = {"a1": ["a1 is full; clean /a1"], "b1.x": ["b1.x is full; clean /b1.x"], "c1": []}
    assert of_all_hosts(three) == ["a1 is full; clean /a1 [the same of b1.x]"]
    assert of_all_hosts({"a": ["a1 has a"], "b": ["a1 has b"]}) == ["a1 has a [the same of b]"]
    assert of_all_hosts({"a1": ["no\nfree 3"], "b1": []}) == ["no [a1]\nfree 3"]


@pytest.mark.parametrize(
    ("cause", "refused"),
    [
        (AnsibleFilterError("a is 1; give 2"), True),
        (ValueError("a is 1; give 2"), True),
        (KeyError("backup_roles"), False),
    ],
)
def test_a_filter_that_breaks_has_not_refused(cause: Exception, refused: bool) -> None:
    """Preflight said `'backup_roles'`, the option that a filter lacked since it could not be computed."""
    outer, filtered = AnsibleError("template"), AnsibleFilterError("the filter failed")
    outer.__cause__, filtered.__cause__ = filtered, cause
    assert innermost(outer) == (str(getattr(cause, "message", cause)), refused)
