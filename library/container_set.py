#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of container_set: one `docker inspect`, and a gated replacement of whatever differs.

The action plugin of the same name validates the arguments and brings image archives along when this half asks for them.

A container has its final name only after it proved itself. Until then it is called NAME-candidate, so a killed run can
be told from a finished one: a candidate alone is unproven and goes; NAME-previous exists only after the proof.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.containers import ContainerSet
from ansible_collections.holdfast.platform.plugins.module_utils.docker import Silent
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import Refused, answered


def main(arguments: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    containers = ContainerSet(arguments, check, diff)

    def act() -> dict[str, Any]:
        try:
            return containers.act()
        except Silent as problem:
            raise Refused(str(problem)) from problem

    result = answered(act)
    secrets = containers.secrets
    return {name: secrets.hide(value) if name in ("msg", "output") else value for name, value in result.items()}
