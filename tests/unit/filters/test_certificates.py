"""Which certificates are refused before anything is asked (TLS-05, TLS-06, TLS-07)."""

import functools
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
PAIR = {
    "certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "key": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
}
WANTED: dict[str, Any] = {"name": "nginx", "names": ["api.example.org", "example.org"]}


def judged(filters: Filters, *given_parts: Any) -> Any:
    """Judge certificates, providers and the ACME server; perhaps with what is provided, and what others want."""
    defaults: list[Any] = [[], {}]
    wanted, providers, acme, provided, others = [*given_parts, *defaults[len(given_parts) - 3 :]]
    options = {
        "certificates_wanted": wanted,
        "certificates_providers": providers,
        "certificates_provided": dict.fromkeys(provided, PAIR),
        "certificates_known": others.get("certificates", []),
        "certificates_shared_names": others.get("names", []),
        "certificates_lifetime_days": 30,
        **{f"certificates_acme_{name}": value for name, value in acme.items()},
    }
    return filters["certificates_findings"](options)


def find(filters: Filters, change: dict[str, Any], acme: dict[str, str]) -> Any:
    return judged(filters, [{**WANTED, **change}], {"nginx": "acme"}, {**ACME, **acme})


@pytest.mark.parametrize("days", [2, 399, 3650, -1])
def test_a_lifetime_is_neither_shorter_than_its_renewal_nor_longer_than_browsers_take(
    filters: Filters, days: int
) -> None:
    assert filters["certificates_findings"]({"certificates_lifetime_days": days}) == [
        f"certificates_lifetime_days is {days}; keep it within 3 to 398 days"
    ]
    for fine in (3, 398):
        assert filters["certificates_findings"]({"certificates_lifetime_days": fine}) == []


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
            "certificates_acme_roots is not a certificate in PEM; it begins with -----BEGIN CERTIFICATE-----",
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


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a" * 100, "names": ["a.example"]},
        {"names": ["db_1", "DB1.example", "*.shop.example", "192.0.2.1", "2001:db8::1", "DNS:192.0.2.1", "a" * 253]},
        {"group": "ssl-cert", "on_change": ["reload nginx.service", "restart a@b.service", "run /usr/bin/true x"]},
    ],
)
def test_what_the_private_ca_can_issue(filters: Filters, change: dict[str, Any]) -> None:
    """Names of inventories and addresses too, which no ACME server would prove."""
    assert judged(filters, [{**WANTED, **change}], {}, {**ACME, "email": ""}) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"names": []}, "has no names; give at least one"),
        ({"names": ["a b"]}, "has the name 'a b'; write a host name or an address"),
        ({"names": ["ä.example"]}, "has the name 'ä.example'; write a host name or an address"),
        ({"names": ["https://a"]}, "has the name 'https://a'; write a host name or an address"),
        ({"names": ["a" * 254]}, f"has the name {'a' * 254!r}; write a host name or an address"),
        ({"group": "no group"}, "has the group 'no group'; write the name of a group of the host"),
        (
            {"on_change": ["reload nginx"]},
            "has 'reload nginx' in on_change; write `reload UNIT.service`, `restart …` or `run COMMAND`",
        ),
    ],
)
def test_what_nobody_can_issue(filters: Filters, change: dict[str, Any], finding: str) -> None:
    """Before a host is touched, and not in the middle of the run."""
    assert judged(filters, [{**WANTED, **change}], {}, ACME) == [f"certificates_wanted: nginx {finding}"]


def test_what_is_said_of_the_server_is_looked_at_before_it_counts(filters: Filters) -> None:
    """A misspelt directory waits for the day on which a certificate comes from there."""
    assert judged(filters, [WANTED], {}, {**ACME, "directory": "acme", "email": "ops"}) == [
        "certificates_acme_directory is 'acme'; write the URL of a directory, it begins with https://",
        "certificates_acme_email is 'ops'; give the address that the account is made for",
    ]


def test_names_of_sites_have_no_case(filters: Filters) -> None:
    """Two spellings are one name; what is no site is left to role nginx."""
    sites = [{"name": "api", "server_names": ["API.Example.org", "api.example.org"], "certificate": None}]
    for given_sites in (sites, [*sites, "shop", {"name": "odd", "server_names": None}]):
        found = filters["site_certificates"](given_sites, "nginx", "192.0.2.1", {"nginx": "provided"})
        assert [(each["name"], each["names"]) for each in found] == [("nginx", ["api.example.org"])]
    assert filters["site_certificates"]({"api": 1}, "nginx", "192.0.2.1", {})[0]["names"] == ["192.0.2.1"]


def pairs(filters: Filters, provided: dict[str, Any], authority: dict[str, str]) -> Any:
    ca = {f"certificates_ca_{half}": text for half, text in authority.items()}
    return filters["certificates_findings"]({"certificates_provided": provided, **ca})


def pem(*kinds: str) -> str:
    return "".join(f"-----BEGIN {kind}-----\nMIIB+/a=\nAAAA\n-----END {kind}-----\n" for kind in kinds)


@pytest.mark.parametrize("kind", ["PRIVATE KEY", "EC PRIVATE KEY", "RSA PRIVATE KEY"])
def test_pairs_of_the_vault(filters: Filters, kind: str) -> None:
    """A chain and its key; what stands before the first line of a PEM text does not matter."""
    good = {"certificate": "subject=x\n" + pem("CERTIFICATE", "CERTIFICATE"), "key": pem(kind)}
    for authority in (good, {"certificate": "", "key": ""}, {"certificate": "x", "key": ""}):
        assert pairs(filters, {"nginx": good, "shop": good}, authority) == []
    parameters = {**good, "key": pem("EC PARAMETERS", kind)}
    assert pairs(filters, {"nginx": parameters}, {}) == []


@pytest.mark.parametrize(
    "text", ["", None, 5, "MIIB", "/etc/ssl/nginx.pem", "-----BEGIN CERTIFICATE-----", pem("ENCRYPTED PRIVATE KEY")]
)
def test_what_is_no_pair(filters: Filters, text: Any) -> None:
    """Each half by its name, and never what is there instead: it may be a secret."""
    cure = "put the text into the vault, from -----BEGIN to END-----, a key without a passphrase"
    halves = [
        f"certificates_provided.nginx.{half} is not PEM, or is not there; {cure}" for half in ("certificate", "key")
    ]
    certificate, key = pem("CERTIFICATE"), pem("PRIVATE KEY")
    find = functools.partial(pairs, filters)
    assert find({"nginx": {"certificate": text, "key": text}}, {}) == halves
    assert find({"nginx": {"certificate": certificate, "key": text}}, {}) == halves[1:]
    assert find({"nginx": {"certificate": text, "key": key}}, {}) == find({"nginx": {"key": key}}, {}) == halves[:1]
    assert find({"nginx": text}, {}) == halves


def test_an_authority_that_is_none(filters: Filters) -> None:
    """Before it is asked to sign."""
    cure = "`make secrets INVENTORY=…` generates both halves once both lines are gone"
    assert pairs(filters, {}, {"certificate": "x", "key": pem("PRIVATE KEY")}) == [
        f"certificates_ca_certificate is not PEM; {cure}"
    ]
    assert pairs(filters, {}, {"certificate": pem("CERTIFICATE"), "key": "y"}) == [
        f"certificates_ca_key is not PEM; {cure}"
    ]


def test_the_account_matters_only_when_there_is_one(filters: Filters) -> None:
    """A provider for a certificate this host does not have is no reason to ask for an address."""
    nothing = {**ACME, "email": "", "directory": ""}
    assert judged(filters, [{"name": "redis", "names": ["192.0.2.1"]}], {"nginx": "acme"}, nothing) == []


def test_names_and_providers_are_what_they_can_be(filters: Filters) -> None:
    """Two certificates of one name would be one file; a misspelt provider would be the private CA."""
    found = judged(filters, [WANTED, WANTED], {"nginx": "letsencrypt"}, ACME)
    assert found == [
        "certificates_providers has nginx: letsencrypt; write private_ca, acme or provided",
        "certificates_wanted has the name nginx twice; name each certificate once",
    ]


def test_a_provider_is_for_a_certificate_that_somebody_wants(filters: Filters) -> None:
    """A misspelt name would leave the certificate to the private CA; some hosts have only some of those of all."""
    find, known = functools.partial(judged, filters), ["nginx", "redis", "shop"]
    assert (
        find([WANTED], {"nginx": "acme", "redis": "private_ca", "shop": "acme"}, ACME, [], {"certificates": known})
        == []
    )
    assert find([WANTED], {"ngnix": "acme"}, ACME, [], {"certificates": known}) == [
        "certificates_providers has ngnix: acme, and no host wants a certificate of that name; write one of "
        "nginx, redis, shop"
    ]
    assert find([WANTED], {"nginx": "acme"}, ACME, [], {"certificates": ["redis"]}) == []
    assert find([WANTED], {"ngnix": "acme"}, ACME) == []  # nobody has said what others want


def test_port_80_proves_no_name_that_other_hosts_have(filters: Filters) -> None:
    """Whoever gets the challenge gets the certificate; that of a standby would expire."""
    find, others = functools.partial(judged, filters), {"names": ["API.example.org", "else.example"]}
    finding = (
        "certificates_wanted: nginx has names of other edge hosts (api.example.org), and port 80 proves them "
        "to one host only; set certificates_acme_dns_command, or certificates_providers.nginx to provided"
    )
    assert find([WANTED], {"nginx": "acme"}, ACME, [], others) == [finding]
    assert find([WANTED], {"nginx": "acme"}, {**ACME, "dns_command": "/usr/local/bin/dns"}, [], others) == []
    assert find([WANTED], {"nginx": "acme"}, ACME, [], {"names": ["else.example"]}) == []
    for provider in "private_ca", "provided":
        assert find([WANTED], {"nginx": provider}, ACME, ["nginx"], others) == []


@pytest.mark.parametrize("name", ["ca", "../nginx", "", "a/b", ".hidden", "a" * 101])
def test_a_name_is_that_of_a_file_beside_the_authority(filters: Filters, name: str) -> None:
    """It comes from sites too."""
    assert judged(filters, [{**WANTED, "name": name}], {}, ACME) == [
        f"certificates_wanted has the name {name!r}; use up to 100 letters, digits and . _ -, "
        "and not ca, which is the CA"
    ]


def test_what_is_provided_has_to_be_there(filters: Filters) -> None:
    """What it is like is examined by the module, which can read certificates."""
    find = functools.partial(judged, filters)
    assert find([WANTED], {"nginx": "provided"}, {}, ["nginx"]) == []
    assert find([WANTED], {"nginx": "provided", "redis": "provided"}, {}) == [
        "certificates_providers has nginx: provided; put its certificate and key into certificates_provided.nginx"
    ]


SITES = [
    {"name": "shop", "server_names": ["shop.example", "www.shop.example"], "certificate": "shop"},
    {"name": "api", "server_names": ["api.example"]},
    {"name": "docs", "server_names": ["docs.example", "api.example"], "certificate": "edge"},
    {"name": "pay", "server_names": ["pay.example"], "certificate": "shop"},
]


def test_sites_have_the_certificates_they_name(filters: Filters) -> None:
    """One per name, with all names of its sites; the address of the host is in that of sites that say nothing."""

    def say(providers: dict[str, str], sites: list[dict[str, Any]] = SITES) -> Any:
        found = filters["site_certificates"](sites, "edge", "192.0.2.1", providers)
        assert all(entry.pop("on_change") == ["reload nginx.service"] for entry in found)
        return {entry.pop("name"): entry.pop("names") for entry in found if set(entry) == {"name", "names"}}

    shop = ["shop.example", "www.shop.example", "pay.example"]
    assert say({}) == {"edge": ["api.example", "docs.example", "192.0.2.1"], "shop": shop}
    assert say({"edge": "acme", "shop": "acme"}) == {"edge": ["api.example", "docs.example"], "shop": shop}
    assert say({"edge": "private_ca"}, []) == {"edge": ["192.0.2.1"]}
    assert say({"edge": "provided"}, SITES[:1]) == {"shop": shop[:2]}


@given(st.lists(st.sampled_from(SITES)))
def test_every_name_of_a_site_is_in_the_certificate_of_the_site(filters: Filters, sites: list[dict[str, Any]]) -> None:
    """And no certificate has a name twice."""
    found = filters["site_certificates"](sites, "edge", "192.0.2.1", {})
    names = {entry["name"]: entry["names"] for entry in found}
    assert len(names) == len(found)
    assert all(set(site["server_names"]) <= set(names[site.get("certificate", "edge")]) for site in sites)
    assert all(len(set(each)) == len(each) for each in names.values())


def test_a_certificate_says_little_itself(filters: Filters) -> None:
    """What it does say stays; whose it is comes from the providers."""
    given_one = {**WANTED, "group": "www-data", "on_change": ["reload nginx.service"]}
    assert filters["certificates_complete"]([given_one], {"nginx": "acme"}) == [{**given_one, "provider": "acme"}]
    assert filters["certificates_complete"]([WANTED], {"redis": "acme"}) == [
        {**WANTED, "group": "root", "on_change": [], "provider": "private_ca"}
    ]


@pytest.mark.parametrize(("wanted", "kind"), [({"nginx": WANTED}, "dict"), (["nginx"], "list"), ([WANTED, 1], "list")])
def test_only_a_list_is_taken(refusal: Refusal, wanted: Any, kind: str) -> None:
    """A mapping of certificates is a mistake that a type in the specification cannot always catch."""
    message = refusal("certificates_complete", wanted, {})
    assert message == f"certificates_wanted must be a list of mappings, got {kind}"


@given(
    st.lists(st.from_regex(r"[a-z]{1,10}(\.[a-z]{1,10}){1,3}", fullmatch=True), min_size=1, max_size=20, unique=True)
)
def test_ordinary_names_are_never_refused(filters: Filters, names: list[str]) -> None:
    """Nor does their order matter."""
    assert find(filters, {"names": names}, {}) == find(filters, {"names": names[::-1]}, {}) == []


ABC = "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n"
ABC_FINGERPRINT = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # sha256 of "abc"


@pytest.mark.parametrize(
    ("pem", "before", "left_out"),
    [
        (ABC, ABC_FINGERPRINT, []),
        (ABC, ABC_FINGERPRINT, ["app1"]),
        (ABC, "", ["app1"]),  # a new host
        (ABC.replace("YWJj", "Y WJ"), "00", []),  # broken: something else says so
        (f"\n{ABC}{ABC}", ABC_FINGERPRINT, []),
    ],
)
def test_the_same_ca_says_nothing(filters: Any, pem: str, before: str, left_out: list[str]) -> None:
    assert filters["authority_changes"](pem, before, "data1", left_out) == {"findings": [], "events": []}


def test_another_ca_is_told_and_refused_where_only_some_hosts_would_get_it(filters: Any) -> None:
    changes = filters["authority_changes"](ABC, "00", "data1", [])
    assert changes["findings"] == []
    assert changes["events"][0].startswith("data1 gets another private CA, and new certificates; give /etc/holdfast/")
    changes = filters["authority_changes"](ABC, "00", "data1", ["app1", "app2"])
    assert changes["events"] == []
    assert changes["findings"] == [
        "certificates_ca_certificate is another CA than that of data1, and --limit leaves out app1, app2: hosts of two "
        "CAs refuse each other; bring the old one back, or run without --limit"
    ]


@pytest.mark.parametrize(("pem", "before"), [(None, ""), ("", None), (b"", "")])
def test_an_authority_and_its_fingerprint_are_texts(refusal: Refusal, pem: Any, before: Any) -> None:
    assert "takes a certificate and a fingerprint, two texts" in refusal("authority_changes", pem, before, "a", [])
