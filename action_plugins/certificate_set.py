# Copyright: Holdfast contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Controller half of certificate_set: decides what to issue and signs it. The documentation is in library/."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ansible_collections.holdfast.platform.plugins.plugin_utils.certificate_checks import (
    authority_of,
    common_name_of,
    expiry,
    general_name,
    reason_for,
    reason_to_replace,
    unfit_pair,
)

RemoteCall: Any = action_loader.get("remote_call", class_only=True)
CLOCK_SKEW = datetime.timedelta(minutes=10)
EXPIRY = "/usr/local/lib/holdfast/certificate-expiry"


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
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name_of(names[0]))]))
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
        if problem := unfit_pair(provided.get(entry["name"]), entry["names"], now):
            raise AnsibleActionFail(f"certificates_provided.{entry['name']} is not used: {problem}")

    def authority(self, arguments: dict[str, Any], now: datetime.datetime) -> tuple[x509.Certificate, Any]:
        return authority_of(arguments["ca_certificate"], arguments["ca_key"], now)

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
