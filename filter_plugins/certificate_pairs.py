"""Certificates and keys from the vault: those that are no PEM. Whether they fit is examined by certificate_set."""

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

BODY = r"-----\s[A-Za-z0-9+/=\s]+-----END "
CHAIN = re.compile(rf"\s*(.*?-----BEGIN CERTIFICATE{BODY}CERTIFICATE-----\s*)+", re.DOTALL)
KEY = re.compile(rf".*-----BEGIN ((EC|RSA) )?PRIVATE KEY{BODY}((EC|RSA) )?PRIVATE KEY-----\s*", re.DOTALL)


def _unfit(pair: Mapping[str, Any]) -> list[str]:
    """Return the halves of a pair that are no PEM texts, or are missing."""
    return [
        half for half, form in (("certificate", CHAIN), ("key", KEY)) if not form.fullmatch(str(pair.get(half) or ""))
    ]


def certificate_pair_findings(provided: Mapping[str, Any], authority: Mapping[str, str]) -> list[str]:
    """Return one sentence, with its cure, for every pair that is none; it never shows what is there instead."""
    findings = [
        f"certificates_ca_{half} is not PEM; `make secrets INVENTORY=…` generates both halves once both lines are gone"
        for half in (_unfit(authority) if authority.get("certificate") and authority.get("key") else [])
    ]
    for name, pair in provided.items():
        unfit = _unfit(pair if isinstance(pair, Mapping) else {})
        findings += [
            f"certificates_provided.{name}.{half} is not PEM, or is not there; put the text into the vault, "
            "from -----BEGIN to END-----, a key without a passphrase"
            for half in unfit
        ]
    return findings


FilterModule = filter_module(certificate_pair_findings)
