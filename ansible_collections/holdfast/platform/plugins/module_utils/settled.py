# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which transactions of earlier runs are in force as they were left, found out for all of them together."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.claims import claims
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused
from ansible_collections.holdfast.platform.plugins.module_utils.transaction import Transaction
from ansible_collections.holdfast.platform.plugins.module_utils.units import Units


class Claimed(Transaction):
    """A transaction of which only the hashes are known. It looks and never touches."""

    def __init__(self, claim: dict[str, Any]) -> None:
        super().__init__({**claim, "on_change": [], "test": []}, check=True, diff=False)
        self.declared: list[str] = [unit["name"] for unit in claim["units"]]

    def holds(self, units: Units) -> bool:
        """Whether a run that asks for the same would find nothing to do."""
        if self.open_journal():
            return False
        self.compare()
        self.units = units
        self.refuse_masked()
        self.live = [name for name in self.declared if self.is_live(name, pending=False)]
        return not (self.changes or self.unit_moves() or self.lost())


def settled() -> dict[str, str]:
    """Return the digests of what earlier runs have asked for and what is so, by the name of the transaction."""
    found = []
    for path in sorted(claims().glob("*.json")):
        try:
            found.append(Claimed(json.loads(path.read_text())))
        except (OSError, ValueError, LookupError, TypeError):  # of another version, or cut short
            continue
    try:
        units = Units(list(dict.fromkeys(name for claim in found for name in claim.declared)))
    except (Refused, OSError, ValueError):  # then each is asked for, and says what is wrong
        return {}
    return {claim.arguments["name"]: claim.arguments["digest"] for claim in found if _holds(claim, units)}


def _holds(claim: Claimed, units: Units) -> bool:
    try:
        return claim.holds(units)
    except (Refused, OSError, LookupError, TypeError, ValueError):
        return False
