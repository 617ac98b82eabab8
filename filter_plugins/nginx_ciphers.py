"""Ciphers and groups in nginx's TLS settings: those that OpenSSL does not know keep nginx from starting."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module
from ansible_collections.holdfast.platform.plugins.plugin_utils.names import words

# As OpenSSL 3 names them, of TLS 1.2 and with the keys that certificates have
SUITE = (
    r"((ECDHE-ECDSA|ECDHE-RSA|DHE-RSA)-)?"
    r"(AES(128|256)-(CCM8?|SHA|SHA256)|AES128-GCM-SHA256|AES256-GCM-SHA384|CHACHA20-POLY1305"
    r"|ARIA(128-GCM-SHA256|256-GCM-SHA384)|CAMELLIA(128|256)-(SHA|SHA256))"
    r"|ECDHE-(ECDSA|RSA)-(AES256-SHA384|CAMELLIA256-SHA384)"
)
TLS13 = r"TLS_(AES_128_GCM_SHA256|AES_256_GCM_SHA384|CHACHA20_POLY1305_SHA256|AES_128_CCM(_8)?_SHA256)"
WORDS = words(
    "3DES AES AES128 AES256 AESCCM AESCCM8 AESGCM ALL ARIA ARIA128 ARIA256 ARIAGCM CAMELLIA CAMELLIA128 CAMELLIA256 "
    "CBC CHACHA20 COMPLEMENTOFALL COMPLEMENTOFDEFAULT DEFAULT DES DHE DSS ECDH ECDHE ECDSA EDH EECDH EXP EXPORT "
    "HIGH IDEA LOW MD5 MEDIUM NULL PSK RC4 RSA SEED SHA SHA1 SHA256 SHA384 SRP SSLv2 SSLv3 TLSv1 TLSv1.0 TLSv1.2 "
    "aDSS aECDSA aNULL aPSK aRSA eNULL kDHE kECDHE kEDH kEECDH kPSK kRSA kSRP"
)
GROUP = (
    r"(?i)\??(X25519|X448|P-(256|384|521)|prime256v1|secp(256k1|384r1|521r1)|ffdhe(2048|3072|4096|6144|8192)"
    r"|brainpoolP(256|384|512)r1(tls13)?|X25519MLKEM768|SecP256r1MLKEM768|SecP384r1MLKEM1024)"
)


def cipher_findings(text: str) -> Iterator[str]:
    rules = [rule for rule in re.split(r"[:, ]+", text.strip("\"'")) if rule and not rule.startswith("@")]
    parts = [part for rule in rules for part in rule.lstrip("!+-").split("+")]
    unknown = [
        part for part in parts if part not in WORDS and not re.fullmatch(SUITE, part) and not re.fullmatch(TLS13, part)
    ]
    if unknown:
        yield f"names {', '.join(unknown)}, which OpenSSL does not know; correct it (`openssl ciphers` lists all)"
    elif not any(rule[0] not in "!+-" and not re.fullmatch(TLS13, rule) for rule in rules):
        yield "names no cipher of TLS 1.2; add one, those of TLS 1.3 are offered anyway"


def group_findings(text: str) -> Iterator[str]:
    unknown = [group for group in text.strip("\"'").split(":") if not re.fullmatch(GROUP, group)]
    if unknown and text != "auto":
        yield f"names {', '.join(unknown)}, which OpenSSL does not know; write groups such as X25519:prime256v1"


def nginx_cipher_findings(options: Mapping[str, Any]) -> list[str]:
    """Return one sentence for ciphers and groups in nginx_settings with which nginx would not start."""
    settings = options.get("nginx_settings", {})
    judges = {"ssl_ciphers": cipher_findings, "ssl_ecdh_curve": group_findings}
    return [
        f"nginx_settings: {name} {finding}"
        for name, judge in judges.items()
        if name in settings
        for finding in judge(str(settings[name]))
    ]


FilterModule = filter_module(nginx_cipher_findings)
