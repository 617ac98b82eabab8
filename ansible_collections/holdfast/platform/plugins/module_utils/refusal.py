# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How a remote half says that it cannot go on. Apart from process, whose imports take 10 ms that some can save."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Refused(Exception):
    """It cannot go on; the text is for the operator."""

    more: dict[str, Any] = {}  # noqa: RUF012  further values of the result, of the class or of one refusal


def answered(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the result of a call, or why there is none."""
    try:
        return work()
    except (Refused, OSError) as problem:
        return {"failed": True, "changed": False, "msg": str(problem), **getattr(problem, "more", {})}
