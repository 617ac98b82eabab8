# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Statements of SQL with their identifiers and literals quoted."""

from __future__ import annotations

import string
from typing import Any


class Sql(string.Formatter):
    """Fills in statements: !i is an identifier, !l a literal."""

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        if conversion in ("i", "l"):
            mark = '"' if conversion == "i" else "'"
            return mark + str(value).replace(mark, 2 * mark) + mark
        return super().convert_field(value, conversion)


SQL = Sql()


def identifier(name: str) -> str:
    return SQL.format("{0!i}", name)
