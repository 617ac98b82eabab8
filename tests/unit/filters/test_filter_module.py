"""How functions become filters of Ansible."""

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module


def half_of(number: Any, times: int = 1) -> int:
    """Return the half."""
    if not isinstance(number, int):
        raise TypeError(f"no number: {number!r}")
    if number % 2:
        raise ValueError(f"{number} is odd")
    return int(number // 2**times)


def missing_key(given: dict[str, int]) -> int:
    return given["x"]


FILTERS = filter_module(half_of, missing_key)().filters()


def test_a_function_is_a_filter_of_its_name() -> None:
    assert sorted(FILTERS) == ["half_of", "missing_key"]
    assert FILTERS["half_of"](8, times=2) == 2
    assert FILTERS["half_of"].__doc__ == "Return the half."


@pytest.mark.parametrize(("value", "said"), [(3, "3 is odd"), ("a", "no number: 'a'")])
def test_a_refusal_is_one_sentence(value: Any, said: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        FILTERS["half_of"](value)
    assert str(caught.value) == said
    assert caught.value.__suppress_context__


def test_a_mistake_of_ours_is_none() -> None:
    with pytest.raises(KeyError):
        FILTERS["missing_key"]({})
