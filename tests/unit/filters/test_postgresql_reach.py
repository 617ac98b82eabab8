"""What the lines of pg_hba.conf mean, by a table written by hand and by counting in a small world (PGS-05)."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
LINES = [
    "local all all peer",
    "hostssl shop shop,+readers 10.0.3.0/24 scram-sha-256",
    "hostssl all all 10.0.3.99/32 reject",
    'hostssl "odd name","a,b" +"team x" fd00::/64 cert clientname=DN',
    "hostssl replication copy 10.0.4.0/30 scram-sha-256",
    "host second all 127.0.0.1/32 scram-sha-256",
    "hostssl all audit all scram-sha-256",
]
MEMBERSHIPS = {"report": ["readers"], "boss": ["report", "team x", "readers"]}


@pytest.mark.parametrize(
    ("attempt", "number"),
    [
        (("postgres", "shop", "", True), 1),
        (("copy", "replication", "", True), 0),  # all does not mean replication
        (("shop", "shop", "10.0.3.4", True), 2),
        (("shop", "shop", "10.0.3.4", False), 0),
        (("shop", "shop", "10.0.3.99", True), 2),  # the line that rejects comes later
        (("shop", "second", "10.0.3.99", True), 3),
        (("shop", "second", "10.0.3.98", True), 0),
        (("report", "shop", "10.0.3.4", True), 2),
        (("boss", "shop", "10.0.3.4", True), 2),  # a member of a member
        (("readers", "shop", "10.0.3.4", True), 2),  # PostgreSQL counts a role as a member of itself
        (("stranger", "shop", "10.0.3.4", True), 0),
        (("boss", "odd name", "fd00::7", True), 4),
        (("boss", "a,b", "fd00::7", True), 4),
        (("boss", "a", "fd00::7", True), 0),
        (("boss", "odd name", "fd01::7", True), 0),
        (("copy", "replication", "10.0.4.3", True), 5),
        (("copy", "replication", "10.0.4.4", True), 0),
        (("copy", "shop", "10.0.4.3", True), 0),
        (("anybody", "second", "127.0.0.1", False), 6),
        (("audit", "second", "127.0.0.1", True), 6),
        (("audit", "shop", "2001:db8::1", True), 7),
        (("audit", "replication", "2001:db8::1", True), 0),
    ],
)
def test_the_first_line_that_matches_decides(filters: Filters, attempt: tuple[object, ...], number: int) -> None:
    """Numbers found by reading PostgreSQL's manual, not by running the filter; line 3 rejects."""
    assert filters["postgresql_live_lines"](LINES, MEMBERSHIPS) == LINES
    who = dict(zip(("user", "database", "address", "tls"), attempt, strict=True))
    answer = filters["postgresql_reach"](LINES, who, MEMBERSHIPS)
    assert (answer["number"], answer["reaches"]) == (number, number not in (0, 3))
    assert answer["line"] == (LINES[number - 1] if number else "")


@pytest.mark.parametrize(
    ("before", "line"),
    [
        (["hostssl all all all scram-sha-256"], "hostssl shop shop 10.0.0.0/24 scram-sha-256"),
        (["hostssl shop shop 10.0.0.0/24 reject"], "hostssl shop shop 10.0.0.0/24 scram-sha-256"),
        (
            ["hostssl shop all 10.0.0.0/25 reject", "host all shop 10.0.0.128/25 reject"],
            "hostssl shop shop 10.0.0.0/24 cert",
        ),
        (["hostssl all a all reject", "hostssl all b all reject"], "hostssl shop a,b all cert"),
        (["hostssl all +readers all reject"], "hostssl shop boss 10.0.0.1/32 cert"),
        (["hostssl all +readers all reject"], "hostssl shop +report 10.0.0.1/32 cert"),
        (["hostssl all all all reject", "hostnossl all all all reject"], "host all all ::1/128 scram-sha-256"),
        (["hostssl all all 0.0.0.0/0 reject", "hostssl all all ::/0 reject"], "hostssl all x all cert"),
        (["local all all peer"], "local shop shop scram-sha-256"),
    ],
)
def test_a_hidden_line_is_refused_with_all_that_hide_it(refusal: Refusal, before: list[str], line: str) -> None:
    """One sentence names them."""
    message = refusal("postgresql_live_lines", [*before, line], MEMBERSHIPS)
    names = " and ".join(f"'{text}'" for text in before)
    assert message == f"'{line}' never decides: {names} before it takes all it would match; remove or move it"


@pytest.mark.parametrize(
    ("before", "line"),
    [
        ("hostssl all all all scram-sha-256", "hostssl replication copy all scram-sha-256"),
        ("hostssl all +readers all reject", "hostssl shop stranger all scram-sha-256"),
        ("hostssl all report all reject", "hostssl shop +readers all scram-sha-256"),
        ("hostssl all all 10.0.0.0/25 reject", "hostssl all all 10.0.0.0/24 scram-sha-256"),
        ("hostssl all all all reject", "host all all 127.0.0.1/32 scram-sha-256"),
        ("hostssl all all 0.0.0.0/0 reject", "hostssl all all all scram-sha-256"),
        ("local all all peer", "hostssl all all all scram-sha-256"),
        ("hostssl a all all cert", "hostssl all all all scram-sha-256"),
    ],
)
def test_a_line_that_still_decides_about_somebody_stays(filters: Filters, before: str, line: str) -> None:
    """It looks hidden and is not."""
    assert filters["postgresql_live_lines"]([before, line], MEMBERSHIPS) == [before, line]


def test_other_input_is_refused(refusal: Refusal) -> None:
    """Only what the other filter writes is understood."""
    assert "lines must be a list, got str" in refusal("postgresql_live_lines", "local all all peer")
    assert "'# comment' is not a line" in refusal("postgresql_live_lines", ["# comment"])
    assert "3 is not a line" in refusal("postgresql_live_lines", [3])
    assert "who needs user and database" in refusal("postgresql_reach", [], {"user": "a"})
    assert "who needs user and database" in refusal("postgresql_reach", [], {"user": "a", "database": "b", "host": "c"})
    assert "'x'" in refusal("postgresql_reach", [], {"user": "a", "database": "b", "address": "x"})


# A small world in which everything can be counted: `stranger` and `other` are mentioned by no line.
WORLD_MEMBERSHIPS = {"u": ["g"], "w": ["h"], "g": ["k"]}
GROUPS = {
    "u": "ugk",
    "v": "v",
    "w": "wh",
    "g": "gk",
    "h": "h",
    "k": "k",
    "stranger": [],
    "in g": "gk",
    "in h": "h",
    "in k": "k",
}
DATABASES = ("a", "b", "replication", "other")
ADDRESSES = tuple(range(8))  # the last number of 10.0.0.x
ROWS = st.tuples(
    st.sampled_from(["hostssl", "host", "hostnossl"]),
    st.sampled_from(["all", "a", "b", "a,b", "replication"]),
    st.sampled_from(["all", "u", "v", "u,v", "+g", "+h", "+k", "w"]),
    st.sampled_from([(start, size) for size in (1, 2, 4, 8) for start in range(0, 8, size)]),
    st.sampled_from(["scram-sha-256", "reject"]),
)
Row = tuple[str, str, str, tuple[int, int], str]


def counted(row: Row) -> set[tuple[str, str, int, bool]]:
    """Return everybody in the small world whom a row matches."""
    kind, databases, users, (start, size), _ = row
    return {
        (database, user, address, tls)
        for database, user, address, tls in itertools.product(DATABASES, GROUPS, ADDRESSES, (True, False))
        if kind == "host" or tls == (kind == "hostssl")
        if start <= address < start + size
        if database in databases.split(",") or (databases == "all" and database != "replication")
        if any(name in ("all", user) or (name.startswith("+") and name[1] in GROUPS[user]) for name in users.split(","))
    }


def written(row: Row) -> str:
    kind, databases, users, (start, size), method = row
    return f"{kind} {databases} {users} 10.0.0.{start}/{33 - size.bit_length()} {method}"


@given(rows=st.lists(ROWS, min_size=1, max_size=6))
def test_counting_finds_the_same_dead_lines(filters: Filters, refusal: Refusal, rows: list[Row]) -> None:
    """A line is dead when everybody it matches is taken by earlier lines, and only then."""
    taken: set[tuple[str, str, int, bool]] = set()
    dead = []
    for row in rows:
        if counted(row) <= taken:
            dead.append(written(row))
        taken |= counted(row)
    lines = list(map(written, rows))
    if dead:
        assert refusal("postgresql_live_lines", lines, WORLD_MEMBERSHIPS).startswith(f"'{dead[0]}' never decides")
    else:
        assert filters["postgresql_live_lines"](lines, WORLD_MEMBERSHIPS) == lines


@given(
    rows=st.lists(ROWS, max_size=6),
    attempt=st.tuples(
        st.sampled_from(DATABASES),
        st.sampled_from(["u", "v", "w", "g", "stranger"]),
        st.sampled_from(ADDRESSES),
        st.booleans(),
    ),
)
def test_counting_finds_the_same_line(filters: Filters, rows: list[Row], attempt: tuple[str, str, int, bool]) -> None:
    """The first row that has somebody among its own decides about them."""
    database, user, address, tls = attempt
    number = next((at for at, row in enumerate(rows, 1) if attempt in counted(row)), 0)
    who = {"user": user, "database": database, "address": f"10.0.0.{address}", "tls": tls}
    answer = filters["postgresql_reach"](list(map(written, rows)), who, WORLD_MEMBERSHIPS)
    assert (answer["number"], answer["reaches"]) == (number, bool(number) and rows[number - 1][4] != "reject")


@given(
    access=st.lists(
        st.fixed_dictionaries(
            {
                "databases": st.lists(st.sampled_from(["a", "b", "all"]), min_size=1, max_size=2),
                "users": st.lists(st.sampled_from(["u", "+g", "all"]), min_size=1, max_size=2),
                "sources": st.lists(st.sampled_from(["10.0.0.0/30", "app", "127.0.0.1"]), min_size=1, max_size=2),
            }
        ),
        max_size=4,
    ),
    address=st.sampled_from(["10.0.0.1", "10.9.9.9", "127.0.0.1"]),
)
def test_nobody_gets_in_over_the_network_without_tls(
    filters: Filters, access: list[dict[str, Any]], address: str
) -> None:
    """Whatever the entries say (TLS-10)."""
    lines = filters["postgresql_hba"](filters["postgresql_access_rows"](access, {"app": ["10.9.9.9"]}))
    for user, database in itertools.product(["u", "g", "x"], ["a", "b", "x", "replication"]):
        who = {"user": user, "database": database, "address": address, "tls": False}
        assert not filters["postgresql_reach"](lines, who, {"u": ["g"]})["reaches"]


def test_a_hidden_line_is_a_finding_of_the_role(filters: Filters) -> None:
    reject, shop = "hostssl all all 10.0.0.0/8 reject", "hostssl shop shop 10.1.0.0/24 scram-sha-256"
    (sentence,) = filters["postgresql_live_findings"]([reject, shop], {})
    assert sentence.startswith(f"'{shop}' never decides: '{reject}' before it")
    assert filters["postgresql_live_findings"]([shop, reject], {}) == []
    # A member of a group that is let in before
    group = "hostssl shop +staff 10.1.0.0/24 scram-sha-256"
    assert filters["postgresql_live_findings"]([group, shop], {"shop": []}) == []
    assert len(filters["postgresql_live_findings"]([group, shop], {"shop": ["staff"]})) == 1
