#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of certificate_set: makes private keys, which never leave the host, and tells what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.keys import look_at, read
from ansible_collections.holdfast.platform.plugins.module_utils.refusal import answered

RENEWAL = "certificate-renewal.json"  # there when the host renews certificates itself
EXPIRY = Path("/usr/local/lib/holdfast/certificate-expiry")


def main(arguments: dict[str, Any], check: bool, _diff: bool) -> dict[str, Any]:
    directory = Path(arguments["directory"])

    def found() -> dict[str, Any]:
        entries = {entry["name"]: look_at(directory, entry, check) for entry in arguments["certificates"]}
        renewal = (directory.parent / RENEWAL).exists()
        result = {"changed": False, "found": entries, "ca_certificate": read(directory / "ca.crt"), "renewal": renewal}
        return {**result, "expiry_program": read(EXPIRY)}

    return answered(found)
