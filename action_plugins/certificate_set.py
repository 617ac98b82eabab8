# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controller half of certificate_set: decides what to issue and signs it. The documentation is in library/."""

from __future__ import annotations

import datetime
import ipaddress
import itertools
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

RemoteCall: Any = action_loader.get("remote_call", class_only=True)
CLOCK_SKEW = datetime.timedelta(minutes=10)
EXPIRY = "/usr/local/lib/holdfast/certificate-expiry"


def general_name(text: str) -> x509.GeneralName:
    """Return an address as an address, all else, and what begins with DNS:, as a DNS name."""
    if text.startswith("DNS:"):
        return x509.DNSName(text.removeprefix("DNS:"))
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def short_name(name: str) -> str:
    """Return a name as others compare the common name of a certificate with it."""
    short: str = RemoteCall.filter_named("short_name")(name.removeprefix("DNS:"))
    return short


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
        present = set(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return STRANGE
    if certificate.public_key().public_bytes(*PUBLIC_FORMAT).decode() != public_key:
        return "does not fit its key"
    if present != {general_name(name) for name in names} or common_name(certificate) not in map(short_name, names):
        return "other names"
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    if now > certificate.not_valid_after_utc - lifetime / 3:
        return "expires soon"
    return ""


PUBLIC_FORMAT = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
STRANGE = "not issued by this CA"


def reason_for(entry: dict[str, Any], pem: str, public_key: str, ca: x509.Certificate, now: datetime.datetime) -> str:
    """Say why we issue a certificate; one of an ACME server is renewed on the host, and never replaced by ours."""
    reason = reason_to_issue(pem, public_key, entry["names"], ca, now)
    return "" if reason == STRANGE and entry["provider"] == "acme" and fits(pem, public_key) else reason


def unfit(chain: str, key: str, names: list[str], now: datetime.datetime) -> str:
    """Say why a certificate and a key that somebody else made cannot serve, or nothing."""
    try:
        certificates = x509.load_pem_x509_certificates(chain.encode())
        private = serialization.load_pem_private_key(key.encode(), password=None)
        present = certificates[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return "the first certificate has no names; put that of the server before those of its authorities"
    except (ValueError, TypeError):
        # Without the cause: a parser's words may hold parts of the key
        return "certificate or key is not PEM, or the key has a passphrase; give both as PEM texts without one"
    leaf, missing = certificates[0], [name for name in names if not covered(name, set(present))]
    if leaf.public_key().public_bytes(*PUBLIC_FORMAT) != private.public_key().public_bytes(*PUBLIC_FORMAT):
        return "the key does not fit the certificate; take both from the same place"
    if missing:
        return f"it is not valid for {', '.join(missing)}; order one with all names"
    if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
        return f"it is valid from {leaf.not_valid_before_utc} to {leaf.not_valid_after_utc}, not today; renew it"
    return broken_link(certificates, now)


def covered(name: str, present: set[x509.GeneralName]) -> bool:
    wanted = general_name(name)
    above = {x509.DNSName("*." + name.partition(".")[2])} if isinstance(wanted, x509.DNSName) else set()
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


def issue(public_key: str, names: list[str], authority: tuple[x509.Certificate, Any], days: int) -> str:
    """Sign a server certificate that may be a client's too: our services authenticate to each other.

    It ends with its CA at the latest, as nobody accepts it afterwards.
    """
    ca, ca_key = authority
    issuer_key: Any = ca.public_key()
    now = datetime.datetime.now(datetime.UTC)
    subject: Any = serialization.load_pem_public_key(public_key.encode())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, short_name(names[0]))]))
        .issuer_name(ca.subject)
        .public_key(subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(min(now + datetime.timedelta(days=days), ca.not_valid_after_utc))
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=False,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(subject), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


class ActionModule(RemoteCall):  # type: ignore[misc]
    """One remote call while all certificates are good; a second one to swap what had to be issued."""

    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "ca_certificate": {"type": "str", "required": True},
        "ca_key": {"type": "str", "required": True, "no_log": True},
        "provided": {"type": "dict", "default": {}, "no_log": True},
        "expiry_program": {"type": "str", "required": True},
        "directory": {"type": "path", "default": "/etc/holdfast/tls"},
        "lifetime_days": {"type": "int", "default": 90},
        "certificates": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "names": {"type": "list", "elements": "str", "required": True},
                "provider": {"type": "str", "choices": ["private_ca", "acme", "provided"], "default": "private_ca"},
                "group": {"type": "str", "default": "root"},
                "on_change": {"type": "list", "elements": "str", "default": []},
            },
        },
    }

    def act(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        now = datetime.datetime.now(datetime.UTC)
        authority = self.authority(arguments, now)
        for entry in arguments["certificates"]:
            if entry["provider"] == "provided":
                self.refuse_unfit(entry, arguments["provided"], now)
        asked = {"directory": arguments["directory"], "certificates": arguments["certificates"]}
        look = self.call("certificate_set", asked, task_vars)
        if look.get("failed") or look.get("unreachable"):
            return look  # type: ignore[no-any-return]
        found = look["found"]
        issued, pems, others = [], {}, set[str]()
        for entry in arguments["certificates"]:
            name, old, key = entry["name"], found[entry["name"]]["certificate"], found[entry["name"]]["public_key"]
            if entry["provider"] == "provided":
                pems[name] = arguments["provided"][name]["certificate"]
                reason = reason_to_replace(name, pems[name], old, key, now)
            else:
                reason = reason_for(entry, old, key, authority[0], now)
                pems[name] = old
                if reason:  # without a key there is nothing to sign: it is check mode, the key would be made
                    pems[name] = issue(key, entry["names"], authority, arguments["lifetime_days"]) if key else ""
            if entry["provider"] == "acme" and not reason and not found[name]["drift"]:
                others.add(name)  # the host may be renewing it at this moment
            issued += [{"name": name, "reason": reason}] if reason else []
        drift = any(state["key_changed"] or state["drift"] for state in found.values())
        drift |= any(look[name] != arguments[name] for name in ("ca_certificate", "expiry_program"))
        changed = bool(issued) or drift
        expires = {name: expiry(pem) for name, pem in pems.items() if pem}
        result: dict[str, Any] = {"changed": changed, "issued": issued, "expires": expires, "renewal": look["renewal"]}
        if self._task.diff and issued:
            result["diff"] = {"prepared": "".join(f"certificate {new['name']}: {new['reason']}\n" for new in issued)}
        if changed and not self._task.check_mode:
            mine = [entry for entry in arguments["certificates"] if entry["name"] not in others]
            result.update(self.swap({**arguments, "certificates": mine}, pems, task_vars), changed=True)
        return result

    def refuse_unfit(self, entry: dict[str, Any], provided: dict[str, Any], now: datetime.datetime) -> None:
        given = provided.get(entry["name"])
        if not isinstance(given, dict) or not all(isinstance(given.get(part), str) for part in ("certificate", "key")):
            problem = "it has no certificate and key; put both into the vault"
        else:
            problem = unfit(given["certificate"], given["key"], entry["names"], now)
        if problem:
            raise AnsibleActionFail(f"certificates_provided.{entry['name']} is not used: {problem}")

    def authority(self, arguments: dict[str, Any], now: datetime.datetime) -> tuple[x509.Certificate, Any]:
        try:
            ca = x509.load_pem_x509_certificate(arguments["ca_certificate"].encode())
            ca_key = serialization.load_pem_private_key(arguments["ca_key"].encode(), password=None)
        except (ValueError, TypeError):
            # Without the cause: a parser's words may hold parts of the key.
            raise AnsibleActionFail(
                "ca_certificate or ca_key is not PEM; `make secrets INVENTORY=…` generates both"
            ) from None
        if ca.public_key().public_bytes(*PUBLIC_FORMAT) != ca_key.public_key().public_bytes(*PUBLIC_FORMAT):
            raise AnsibleActionFail("ca_key does not fit ca_certificate; take both from the same place")
        if not ca.not_valid_before_utc <= now <= ca.not_valid_after_utc:
            raise AnsibleActionFail(
                f"certificates_ca_certificate is valid from {ca.not_valid_before_utc} to {ca.not_valid_after_utc}, not "
                "today; remove it and certificates_ca_key, and `make secrets INVENTORY=…` generates both anew"
            )
        return ca, ca_key

    def swap(self, arguments: dict[str, Any], pems: dict[str, str], task_vars: dict[str, Any]) -> dict[str, Any]:
        """Write the CA and all certificates as one config transaction."""
        tell = f"run {EXPIRY}"
        attributes = {"owner": "root", "group": "root", "mode": "0644", "state": "file", "on_change": [tell]}
        directory = arguments["directory"]
        files = [
            {**attributes, "dest": str(Path(directory).parent), "state": "directory", "mode": "0755"},
            {**attributes, "dest": directory, "state": "directory", "mode": "0755"},
            {**attributes, "dest": f"{directory}/ca.crt", "content": arguments["ca_certificate"]},
            {**attributes, "dest": str(Path(EXPIRY).parent), "state": "directory", "mode": "0755"},
            {**attributes, "dest": EXPIRY, "content": arguments["expiry_program"], "mode": "0755"},
        ]
        for entry in arguments["certificates"]:
            path = f"{directory}/{entry['name']}.crt"
            each = {**attributes, "on_change": [tell, *entry["on_change"]]}
            if entry["provider"] == "provided":
                key = arguments["provided"][entry["name"]]["key"]
                closed = {"mode": "0640", "group": entry["group"], "secret": True}
                files.append({**each, **closed, "dest": f"{directory}/{entry['name']}.key", "content": key})
            files.append({**each, "dest": path, "content": pems[entry["name"]]})
        transaction = {
            "name": "certificates",
            "files": files,
            "exclusive": [],
            "on_change": [],
            "test": [],
            "units": [],
        }
        swapped = self.call("config_transaction", transaction, task_vars)
        swapped.pop("diff", None)
        return swapped  # type: ignore[no-any-return]


def expiry(pem: str) -> str:
    return x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc.date().isoformat()
