"""Commands that act on an inventory are told which one."""

from __future__ import annotations

from typing import cast

import pytest

from tests.lab.commands import COMMANDS, parser
from tests.lab.console import Console
from tests.lab.paths import LabError


@pytest.mark.parametrize(
    ("given", "sentence"),
    [([], "INVENTORY is not set"), (["inventories/nowhere"], "there is no inventory inventories/nowhere")],
)
def test_secrets_without_an_inventory_are_refused(given: list[str], sentence: str) -> None:
    with pytest.raises(LabError, match=sentence) as refused:
        COMMANDS["secrets"](cast(Console, None), parser().parse_args(["secrets", *given]))
    assert "make secrets INVENTORY=inventories/production" in refused.value.cure
