# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Units that package_set keeps from starting until a run has ended."""

from __future__ import annotations

from pathlib import Path

HELD = Path("/var/lib/holdfast/held-services")


def held_units() -> list[str]:
    """Return them in the order of their packages."""
    try:
        return list(dict.fromkeys(HELD.read_text().split()))
    except OSError:
        return []
