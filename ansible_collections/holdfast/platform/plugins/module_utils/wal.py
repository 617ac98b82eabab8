# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Positions in the write-ahead log of PostgreSQL."""

from __future__ import annotations


def position(text: str) -> int:
    """Return a position in the WAL as a number."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)
