"""Lines of pg_hba.conf: order kept, unsafe rows refused."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
REMOTE = {"type": "hostssl", "database": "app", "user": "app", "address": "10.0.0.0/24", "method": "scram-sha-256"}


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ({}, "hostssl app app 10.0.0.0/24 scram-sha-256"),
        ({"address": "10.0.3.4"}, "hostssl app app 10.0.3.4/32 scram-sha-256"),
        ({"address": "fd00::1"}, "hostssl app app fd00::1/128 scram-sha-256"),
        ({"database": "replication"}, "hostssl replication app 10.0.0.0/24 scram-sha-256"),
        ({"type": "host", "address": "127.0.0.1"}, "host app app 127.0.0.1/32 scram-sha-256"),
        ({"type": "host", "address": "::1/128"}, "host app app ::1/128 scram-sha-256"),
        ({"type": "host", "address": "all", "method": "reject"}, "host app app all reject"),
        ({"type": "hostnossl", "address": "0.0.0.0/0", "method": "reject"}, "hostnossl app app 0.0.0.0/0 reject"),
        (
            {"method": "cert", "options": {"map": "m", "clientname": "DN"}},
            "hostssl app app 10.0.0.0/24 cert clientname=DN map=m",
        ),
        ({"options": {"clientcert": "verify-ca"}}, "hostssl app app 10.0.0.0/24 scram-sha-256 clientcert=verify-ca"),
        ({"database": ["a", "b-c"], "user": "+team x"}, 'hostssl a,"b-c" +"team x" 10.0.0.0/24 scram-sha-256'),
        ({"database": "+odd"}, 'hostssl "+odd" app 10.0.0.0/24 scram-sha-256'),
    ],
)
def test_lines(filters: Filters, row: dict[str, Any], line: str) -> None:
    """Five columns and the options."""
    assert filters["postgresql_hba"]([REMOTE | row]) == [line]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"method": "trust"}, "it lets everybody in"),
        ({"method": "md5"}, "use scram-sha-256"),
        ({"method": "password"}, "in clear text"),
        ({"method": "ident"}, "believes the client"),
        ({"method": "ldap"}, "use one of scram-sha-256, cert, peer, reject"),
        ({"method": ["scram-sha-256"]}, "is refused"),
        ({"type": "host"}, "type host would accept 10.0.0.0/24 without TLS; use hostssl"),
        ({"type": "host", "address": "all"}, "type host would accept all without TLS"),
        ({"address": "samenet"}, "'samenet' is not a network"),
        ({"type": "hostnossl"}, "hostnossl would accept clear text"),
        ({"type": "hostgssenc"}, "type must be one of local, host, hostssl, hostnossl"),
        ({"method": "peer"}, "method peer works on type local only, got hostssl"),
        ({"type": "host", "address": "::1", "method": "cert"}, "method cert works on type hostssl only, got host"),
        ({"type": "local"}, "a local row has no address"),
        ({"address": None}, "address must be a network as text, got None"),
        ({"address": "10.0.0.1/24"}, "'10.0.0.1/24' is not a network"),
        ({"address": "db.example"}, "'db.example' is not a network"),
        ({"database": []}, "database is an empty list"),
        ({"user": 'a"b'}, "user must be a name"),
        ({"user": None}, "user must be a name without quotes or control characters, got None"),
        ({"user": "/^app"}, "names a pattern, a keyword or a file"),
        ({"database": "@file"}, "names a pattern, a keyword or a file"),
        ({"database": "sameuser"}, "names a pattern, a keyword or a file"),
        ({"options": "map=m"}, "options must be a dict, got str"),
        ({"options": {"map": "a b"}}, "option map must be a name with plain text, got 'a b'"),
        ({"options": {"map": 3}}, "got 3"),
        ({"options": {"a-b": "c"}}, "option a-b"),
        (
            {"type": "host", "address": "::1", "options": {"clientcert": "verify-ca"}},
            "clientcert works on type hostssl",
        ),
        ({"adress": "::1"}, "adress is not a key; use type, database"),
    ],
)
def test_unsafe_rows_are_refused(refusal: Refusal, row: dict[str, Any], words: str) -> None:
    """The message names the row and the fix."""
    message = refusal("postgresql_hba", [REMOTE | {"user": "first"}, REMOTE | row])
    assert message.startswith("row 2: ")
    assert words in message


def test_other_input_is_refused(refusal: Refusal) -> None:
    """Rows are a list of dicts."""
    assert "rows must be a list, got dict" in refusal("postgresql_hba", {})
    assert "row 1 must be a dict, got str" in refusal("postgresql_hba", ["local all all peer"])


@given(users=st.permutations(["app", "report", "backup", "all"]))
def test_the_order_is_kept_and_no_row_lets_clear_text_in(filters: Filters, users: list[str]) -> None:
    """The first row that matches decides, so nothing may be sorted."""
    lines = filters["postgresql_hba"]([REMOTE | {"user": user} for user in users])
    assert [line.split()[2] for line in lines] == users
    assert all(line.startswith("hostssl ") and line.endswith(" scram-sha-256") for line in lines)


def test_entries_become_rows_in_order(filters: Filters) -> None:
    """A group may be empty; what lies in another network of its entry is left out, of another entry it is not."""
    groups = {"app": ["10.0.3.4", "172.20.1.1", "fd00::1"], "nobody": []}
    access = [
        {"databases": ["api"], "users": ["api"], "sources": ["app", "nobody", "172.16.0.0/12", "10.0.3.4/32"]},
        {"databases": ["replication"], "users": ["copy"], "sources": ["10.0.3.4"], "method": "cert"},
    ]
    rows = filters["postgresql_access_rows"](access, groups)
    assert [row["address"] for row in rows] == ["10.0.3.4/32", "fd00::1/128", "172.16.0.0/12", "10.0.3.4/32"]
    assert filters["postgresql_hba"](rows)[-2:] == [
        "hostssl api api 172.16.0.0/12 scram-sha-256",
        "hostssl replication copy 10.0.3.4/32 cert",
    ]


def test_entries_that_cannot_be_rows_are_refused(refusal: Refusal) -> None:
    """The message names the entry."""
    entry = {"databases": ["api"], "users": ["api"], "sources": ["ap"]}
    assert "postgresql_access[0]: address 'ap' is not a network" in refusal("postgresql_access_rows", [entry], {})
    assert "postgresql_access[0] must be a dict, got str" in refusal("postgresql_access_rows", ["api"], {})


@pytest.mark.parametrize(
    ("sources", "method", "said"),
    [
        (["app", "10.1.0.0/24"], "scram-sha-256", ""),
        (["ap"], "scram-sha-256", "postgresql_access[0]: address 'ap' is not a network"),
        (["app"], "md5", "row 1: method 'md5' is refused"),
    ],
)
def test_a_refusal_is_a_finding_of_the_role(filters: Filters, sources: list[str], method: str, said: str) -> None:
    """PGS-05."""
    access = [{"databases": ["shop"], "users": ["shop"], "sources": sources, "method": method}]
    found = filters["postgresql_access_findings"](access, {"app": ["10.0.0.21"]})
    assert [sentence[: len(said)] for sentence in found] == [said] * bool(said)
