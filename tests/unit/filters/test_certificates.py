"""Which certificates are refused before anything is asked (TLS-05, TLS-06, TLS-07)."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]

ACME = {
    "directory": "https://acme.example/directory",
    "directory_ca": "",
    "trial_directory": "",
    "roots": "",
    "email": "ops@example.org",
    "key_type": "ecdsa",
    "dns_command": "",
}
WANTED: dict[str, Any] = {"name": "nginx", "names": ["api.example.org", "example.org"]}


def find(filters: Filters, change: dict[str, Any], acme: dict[str, str]) -> Any:
    return filters["certificate_findings"]([{**WANTED, **change}], {"nginx": "acme"}, {**ACME, **acme})


def test_what_can_be_had_is_fine(filters: Filters) -> None:
    """Plain names, wildcards with a DNS command, and roots in PEM."""
    pem = "\n-----BEGIN CERTIFICATE-----\n"
    assert find(filters, {}, {}) == []
    assert find(filters, {"names": ["*.example.org"]}, {"dns_command": "/usr/local/bin/dns"}) == []
    trial = "https://acme-staging-v02.api.letsencrypt.org/directory"
    assert find(filters, {}, {"directory_ca": pem, "roots": pem, "trial_directory": trial}) == []


@pytest.mark.parametrize(
    ("change", "acme", "finding"),
    [
        (
            {"names": []},
            {},
            "certificates_wanted: nginx has 0 names; give one to 100 to a certificate of an ACME server",
        ),
        (
            {"names": [f"n{number}.example" for number in range(101)]},
            {},
            "certificates_wanted: nginx has 101 names; give one to 100 to a certificate of an ACME server",
        ),
        (
            {"names": ["a.example", "A.example"]},
            {},
            "certificates_wanted: nginx has the name a.example twice; name it once",
        ),
        (
            {"names": ["192.0.2.1"]},
            {},
            "certificates_wanted: nginx has the address 192.0.2.1, which ACME servers do not prove; take it out, or "
            "leave certificates_providers.nginx at private_ca",
        ),
        (
            {"names": ["DNS:2001:db8::1"]},
            {},
            "certificates_wanted: nginx has the address DNS:2001:db8::1, which ACME servers do not prove; take it out, "
            "or leave certificates_providers.nginx at private_ca",
        ),
        (
            {"names": ["https://a.example"]},
            {},
            "certificates_wanted: nginx has the name https://a.example; write it as DNS does, without scheme, port or "
            "underscore",
        ),
        (
            {"names": ["*.example.org"]},
            {},
            "certificates_wanted: nginx has the name *.example.org, which port 80 cannot prove; set "
            "certificates_acme_dns_command",
        ),
        (
            {},
            {"email": ""},
            "certificates_acme_email is ''; give the address that the account is made for",
        ),
        (
            {},
            {"directory": "http://acme.example/dir"},
            "certificates_acme_directory is 'http://acme.example/dir'; write the URL of a directory, it begins with https://",
        ),
        (
            {},
            {"directory": ""},
            "certificates_acme_directory is ''; write the URL of a directory, it begins with https://",
        ),
        (
            {},
            {"trial_directory": "staging"},
            "certificates_acme_trial_directory is 'staging'; write the URL of a directory, it begins with https://",
        ),
        (
            {},
            {"roots": "/etc/ssl/root.pem"},
            "certificates_acme_roots is no certificate in PEM; it begins with -----BEGIN CERTIFICATE-----",
        ),
        (
            {},
            {"dns_command": "dns --zone example.org"},
            "certificates_acme_dns_command is 'dns --zone example.org'; write the absolute path of a program, without "
            "arguments",
        ),
    ],
)
def test_every_finding_has_variable_value_and_cure(
    filters: Filters, change: dict[str, Any], acme: dict[str, str], finding: str
) -> None:
    """One thing is wrong at a time, and one sentence says so."""
    assert find(filters, change, acme) == [finding]


def test_the_account_matters_only_when_there_is_one(filters: Filters) -> None:
    """A provider for a certificate this host does not have is no reason to ask for an address."""
    nothing = {**ACME, "email": "", "directory": ""}
    assert (
        filters["certificate_findings"]([{"name": "redis", "names": ["192.0.2.1"]}], {"nginx": "acme"}, nothing) == []
    )


def test_names_and_providers_are_what_they_can_be(filters: Filters) -> None:
    """Two certificates of one name would be one file; a misspelt provider would be the private CA."""
    found = filters["certificate_findings"]([WANTED, WANTED], {"nginx": "letsencrypt"}, ACME)
    assert found == [
        "certificates_providers has nginx: letsencrypt; write private_ca, acme or provided",
        "certificates_wanted has the name nginx twice; name each certificate once",
    ]


def test_what_is_provided_has_to_be_there(filters: Filters) -> None:
    """What it is like is examined by the module, which can read certificates."""
    find = filters["certificate_findings"]
    assert find([WANTED], {"nginx": "provided"}, {}, ["nginx"]) == []
    assert find([WANTED], {"nginx": "provided", "redis": "provided"}, {}) == [
        "certificates_providers has nginx: provided; put its certificate and key into certificates_provided.nginx"
    ]


def test_a_certificate_says_little_itself(filters: Filters) -> None:
    """What it does say stays; whose it is comes from the providers."""
    given_one = {**WANTED, "group": "www-data", "on_change": ["reload nginx.service"]}
    assert filters["certificates_complete"]([given_one], {"nginx": "acme"}) == [{**given_one, "provider": "acme"}]
    assert filters["certificates_complete"]([WANTED], {"redis": "acme"}) == [
        {**WANTED, "group": "root", "on_change": [], "provider": "private_ca"}
    ]


def test_only_a_list_is_taken(refusal: Refusal) -> None:
    """A mapping of certificates is a mistake that a type in the specification cannot always catch."""
    message = refusal("certificates_complete", {"nginx": WANTED}, {})
    assert message == "certificates_wanted must be a list of mappings, got dict"


@given(
    st.lists(st.from_regex(r"[a-z]{1,10}(\.[a-z]{1,10}){1,3}", fullmatch=True), min_size=1, max_size=20, unique=True)
)
def test_ordinary_names_are_never_refused(filters: Filters, names: list[str]) -> None:
    """Nor does their order matter."""
    assert find(filters, {"names": names}, {}) == find(filters, {"names": names[::-1]}, {}) == []
