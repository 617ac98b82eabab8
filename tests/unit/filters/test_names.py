"""Names over a limit: the same short form everywhere, and never one for two (PGS-15, BKP-04, TLS-05)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.holdfast.platform.plugins.plugin_utils.names import CERTIFICATE, kind_of, present, words

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]

LONG = "2a02-8108-1234-5678-9abc-def0-1234-91aa.dynamic.customers.example.net"  # 69; its SHA-256 begins with 0b365856


@pytest.mark.parametrize(
    ("name", "most", "short"),
    [
        ("a" * 63, 64, "a" * 63),
        ("a" * 64, 64, "a" * 64),
        (LONG, 69, LONG),
        (LONG, 64, "2a02-8108-1234-5678-9abc-def0-1234-91aa.dynamic.custome-0b365856"),
        (LONG, 68, "2a02-8108-1234-5678-9abc-def0-1234-91aa.dynamic.customers.e-0b365856"),
        # What is cut off at a dot or a dash does not end in two of them
        (LONG, 49, "2a02-8108-1234-5678-9abc-def0-1234-91aa-0b365856"),
    ],
)
def test_a_name_is_shortened_only_where_it_must(filters: Filters, name: str, most: int, short: str) -> None:
    assert filters["short_name"](name, most) == short


def test_the_default_is_that_of_a_common_name(filters: Filters) -> None:
    assert filters["short_name"]("a" * 64) == "a" * 64
    assert len(filters["short_name"]("a" * 65)) == 64


def test_the_limit_is_one_of_bytes(filters: Filters) -> None:
    """32 letters of two bytes fit into 64; of 33 the last whole one before the digest stays."""
    assert filters["short_name"]("ä" * 32) == "ä" * 32
    assert filters["short_name"]("ä" * 33)[:-9] == "ä" * 27


@given(st.lists(st.text("ab", min_size=60, max_size=80), min_size=2, max_size=2, unique=True))
def test_two_names_stay_two(filters: Filters, names: list[str]) -> None:
    short = [filters["short_name"](name) for name in names]
    assert short[0] != short[1]
    assert all(len(name) <= 64 for name in short)
    assert [filters["short_name"](name) for name in short] == short


@pytest.mark.parametrize(
    ("name", "most", "word"),
    [("", 64, "not empty"), (None, 64, "not empty"), ("a", 16, "above 16"), ("a", True, "above 16")],
)
def test_what_is_no_name_is_refused(refusal: Refusal, name: Any, most: Any, word: str) -> None:
    assert word in refusal("short_name", name, most)


@pytest.mark.parametrize(
    ("host", "name", "slot"),
    [
        ("data1", "data1", "holdfast_data1"),
        ("Data-2.example.org", "Data-2.example.org", "holdfast_data_2_example_org"),
        ("d" * 54, "d" * 54, "holdfast_" + "d" * 54),  # 63 bytes, the longest identifier
        (
            LONG,
            "2a02-8108-1234-5678-9abc-def0-1234-91aa.dynam-0b365856",
            "holdfast_2a02_8108_1234_5678_9abc_def0_1234_91aa_dynam_0b365856",
        ),
    ],
)
def test_a_standby_has_names_that_postgresql_keeps_whole(filters: Filters, host: str, name: str, slot: str) -> None:
    assert (filters["replication_name"](host), filters["replication_slot"](host)) == (name, slot)
    assert len(slot) <= 63


def test_entries_that_shall_be_there() -> None:
    entries = [{"name": "a"}, {"name": "b", "state": "absent"}, {"name": "c", "state": "present"}]
    assert [entry["name"] for entry in present(entries)] == ["a", "c"]


def test_words_and_kinds() -> None:
    assert words(" b a\n b ") == {"a", "b"}
    assert kind_of({"kind": "standby"}) == "standby"
    assert kind_of({}) == "away"


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("web", True),
        ("web.example.org", True),
        ("ca", False),
        ("web.crt", False),
        ("web.pem", False),
        ("a" * 101, False),
    ],
)
def test_names_of_certificates(name: str, fits: bool) -> None:
    assert bool(re.fullmatch(CERTIFICATE, name)) is fits
