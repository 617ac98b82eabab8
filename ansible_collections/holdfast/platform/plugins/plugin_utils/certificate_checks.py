"""What certificates and keys say: whether they fit each other, their names, the day and who has issued them."""

import datetime
import ipaddress
import itertools
from typing import Any

from ansible.errors import AnsibleActionFail
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from ansible_collections.holdfast.platform.plugins.plugin_utils.names import short_name

PUBLIC_FORMAT = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
STRANGE = "not issued by this CA"


def general_name(text: str) -> x509.GeneralName:
    """Return an address as an address, all else, and what begins with DNS:, as a DNS name, whose case says nothing."""
    if text.startswith("DNS:"):
        return x509.DNSName(text.removeprefix("DNS:").lower())
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text.lower())


def names_of(certificate: x509.Certificate) -> set[x509.GeneralName]:
    """Return the names of a certificate, in lower case: issuers keep that of the request."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {x509.DNSName(name.value.lower()) if isinstance(name, x509.DNSName) else name for name in names}


def common_name_of(name: str) -> str:
    """Return a name as others compare the common name of a certificate with it."""
    return short_name(name.removeprefix("DNS:"))


def common_name(certificate: x509.Certificate) -> str:
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""


def reason_to_issue(pem: str, public_key: str, names: list[str], ca: x509.Certificate, now: datetime.datetime) -> str:
    """Say why a certificate cannot stay, or nothing."""
    if not pem:
        return "missing"
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        certificate.verify_directly_issued_by(ca)
        present = names_of(certificate)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return STRANGE
    if certificate.public_key().public_bytes(*PUBLIC_FORMAT).decode() != public_key:
        return "does not fit its key"
    if present != {general_name(name) for name in names} or common_name(certificate) not in map(common_name_of, names):
        return "other names"
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    if now > certificate.not_valid_after_utc - lifetime / 3:
        return "expires soon"
    return ""


def reason_for(entry: dict[str, Any], pem: str, public_key: str, ca: x509.Certificate, now: datetime.datetime) -> str:
    """Say why we issue a certificate; one of an ACME server is renewed on the host, and never replaced by ours."""
    reason = reason_to_issue(pem, public_key, entry["names"], ca, now)
    return "" if reason == STRANGE and entry["provider"] == "acme" and fits(pem, public_key) else reason


def unfit(chain: str, key: str, names: list[str], now: datetime.datetime) -> str:
    """Say why a certificate and a key that somebody else made cannot serve, or nothing."""
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
        private = serialization.load_pem_private_key(key.encode(), password=None)
        present = names_of(certificates[0])
    except x509.ExtensionNotFound:
        return "the first certificate has no names; put that of the server before those of its authorities"
    except (ValueError, TypeError):
        # Without the cause: a parser's words may hold parts of the key
        return "certificate or key is not PEM, or the key has a passphrase; give both as PEM texts without one"
    leaf, missing = certificates[0], [name for name in names if not covered(name, present)]
    if leaf.public_key().public_bytes(*PUBLIC_FORMAT) != private.public_key().public_bytes(*PUBLIC_FORMAT):
        return "the key does not fit the certificate; take both from the same place"
    if missing:
        return f"it is not valid for {', '.join(missing)}; order one with all names"
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        return f"it is valid from {leaf.not_valid_before_utc} to {leaf.not_valid_after_utc}, not today; renew it"
    return broken_link(certificates, now)


def unfit_pair(given: Any, names: list[str], now: datetime.datetime) -> str:
    """Say why a mapping of certificate and key cannot serve, or nothing."""
    if not isinstance(given, dict) or not all(isinstance(given.get(part), str) for part in ("certificate", "key")):
        return "it has no certificate and key; put both into the vault"
    return unfit(given["certificate"], given["key"], names, now)


def authority_of(certificate: str, key: str, now: datetime.datetime) -> tuple[x509.Certificate, Any]:
    """Return the private CA with its key, and refuse one that cannot sign."""
    try:
        ca = x509.load_pem_x509_certificate(certificate.encode())
        ca_key = serialization.load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError):
        # Without the cause: a parser's words may hold parts of the key.
        raise AnsibleActionFail(
            "certificates_ca_certificate or certificates_ca_key is not PEM; `make secrets INVENTORY=…` generates both"
        ) from None
    if ca.public_key().public_bytes(*PUBLIC_FORMAT) != ca_key.public_key().public_bytes(*PUBLIC_FORMAT):
        raise AnsibleActionFail(
            "certificates_ca_key does not fit certificates_ca_certificate; take both from the same place"
        )
    if not ca.not_valid_before_utc <= now <= ca.not_valid_after_utc:
        raise AnsibleActionFail(
            f"certificates_ca_certificate is valid from {ca.not_valid_before_utc} to {ca.not_valid_after_utc}, not "
            "today; remove it and certificates_ca_key, and `make secrets INVENTORY=…` generates both anew"
        )
    return ca, ca_key


def covered(name: str, present: set[x509.GeneralName]) -> bool:
    wanted = general_name(name)
    above = {x509.DNSName("*." + wanted.value.partition(".")[2])} if isinstance(wanted, x509.DNSName) else set()
    return bool({wanted, *above} & present)


def is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, x509.ExtensionNotFound):
        return False


def broken_link(certificates: list[x509.Certificate], now: datetime.datetime) -> str:
    """Say where a chain breaks off: clients know roots, and nothing between them and us."""
    for lower, upper in itertools.pairwise(certificates):
        name, cure = upper.subject.rfc4514_string(), "take the chain that your authority offers"
        if not is_authority(upper):
            return f"{name} is no authority; {cure}"
        if not upper.not_valid_before_utc <= now <= upper.not_valid_after_utc:
            return (
                f"{name} is valid from {upper.not_valid_before_utc} to {upper.not_valid_after_utc}, not today; {cure}"
            )
        try:
            lower.verify_directly_issued_by(upper)
        except (ValueError, TypeError, InvalidSignature):
            return f"{lower.subject.rfc4514_string()} is not issued by the next one; order the chain, the server first"
    last = certificates[-1]
    if len(certificates) == 1 and last.issuer != last.subject:
        return f"the chain ends at the server; append the certificate of {last.issuer.rfc4514_string()}"
    return ""


def reason_to_replace(name: str, chain: str, old: str, public_key: str, now: datetime.datetime) -> str:
    """Say why a certificate that somebody else made is put in place; an older or a self-signed one is refused."""
    if not old or not fits(old, public_key):
        return "does not fit its key" if old else "missing"
    if old == chain:
        return ""
    present, new = (x509.load_pem_x509_certificate(pem.encode()) for pem in (old, chain))
    if present.issuer == new.issuer and new.not_valid_before_utc < present.not_valid_before_utc:
        raise AnsibleActionFail(
            f"certificates_provided.{name} is older than the one in place; give the newer one, or remove {name}.crt "
            "from the host if the older one is meant"
        )
    ends, authority = present.not_valid_after_utc, present.issuer.rfc4514_string()
    if new.issuer == new.subject and present.issuer != present.subject and now <= ends:
        raise AnsibleActionFail(
            f"certificates_provided.{name} is self-signed, and the one in place, which {authority} has issued, is "
            f"valid until {ends}; give one that an authority has issued, or remove {name}.crt from the host if the "
            "self-signed one is meant"
        )
    return "another one is provided"


def fits(pem: str, public_key: str) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        return False
    return certificate.public_key().public_bytes(*PUBLIC_FORMAT).decode() == public_key


def expiry(pem: str) -> str:
    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc.date().isoformat()
