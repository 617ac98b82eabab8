#!/usr/bin/python3
# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Remote half of config_transaction: compare, swap, test, activate, or put everything back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ansible_collections.holdfast.platform.plugins.module_utils.refusal import answered
from ansible_collections.holdfast.platform.plugins.module_utils.transaction import Transaction


def without_secrets(text: str, secrets: list[str]) -> str:
    """Hide every long word of a secret file, but no path: a service may quote the line it refuses."""
    words = {word.strip("\"'<>#") for secret in secrets for word in [*secret.split(), *re.split(r"[\s=:,@]+", secret)]}
    for word in sorted(words, key=len, reverse=True):
        if len(word) >= 12 and not Path(word).exists():
            text = text.replace(word, "********")
    return text


def main(arguments: dict[str, Any], check: bool, diff: bool) -> dict[str, Any]:
    result = answered(Transaction(arguments, check, diff).run)
    if result.get("failed"):
        secrets = [entry.get("content") or "" for entry in arguments.get("files", []) if entry.get("secret")]
        result["msg"] = without_secrets(result["msg"], secrets)
    return result
