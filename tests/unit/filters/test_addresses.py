"""What is an address, and of which version."""

from typing import Any

import pytest

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import is_address, network_of, version_of


@pytest.mark.parametrize(
    ("text", "version"),
    [("192.0.2.1", 4), ("2001:db8::1", 6), ("::", 6), ("192.0.2.0/24", 0), ("db1.example.org", 0), ("", 0), (4, 0)],
)
def test_the_version_of_an_address(text: Any, version: int) -> None:
    assert version_of(text) == version
    assert is_address(text) is (version > 0)


def test_a_network_has_no_host_bits() -> None:
    assert str(network_of("192.0.2.0/24")) == "192.0.2.0/24"
    with pytest.raises(ValueError, match="host bits"):
        network_of("192.0.2.1/24")
