#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of config_transaction: compare, swap, test, activate, or put everything back."""

from __future__ import annotations

from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.refusal import answered
from ansible_collections.holdfast.platform.plugins.module_utils.transaction import Transaction, without_secrets


def main(arguments: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    result = answered(Transaction(arguments, check, diff).run)
    if result.get("failed"):
        secrets = [entry.get("content") or "" for entry in arguments.get("files", []) if entry.get("secret")]
        result["msg"] = without_secrets(result["msg"], secrets)
    return result
