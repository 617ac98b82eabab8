"""The memory plan of a host."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

Filters = dict[str, Callable[..., Any]]
Refusal = Callable[..., str]
REDIS = {"name": "redis", "memory_mb": 200}
POSTGRESQL = {"name": "postgresql", "share": 3, "minimum_mb": 500}
APP = {"name": "app", "share": 1}


def sizes(plan: dict[str, Any]) -> dict[str, int]:
    """Memory by name."""
    return {service["name"]: service["memory_mb"] for service in plan["services"]}


def test_shares_divide_what_is_left(filters: Filters) -> None:
    """4000 - 400 - 200 = 3400; three quarters and one quarter."""
    plan = filters["memory_plan"]([REDIS, POSTGRESQL, APP], 4000)
    assert sizes(plan) == {"app": 850, "postgresql": 2550, "redis": 200}
    assert (plan["total_mb"], plan["reserved_mb"], plan["free_mb"]) == (4000, 400, 0)


def test_a_minimum_above_the_share_is_kept(filters: Filters) -> None:
    """2048 - 256 - 200 = 1592; a quarter is 398, less than 1000, so PostgreSQL gets the other 592."""
    plan = filters["memory_plan"]([REDIS, POSTGRESQL, APP | {"minimum_mb": 1000}], 2048)
    assert sizes(plan) == {"app": 1000, "postgresql": 592, "redis": 200}
    assert sizes(filters["memory_plan"]([POSTGRESQL | {"minimum_mb": 1792}, APP], 2048)) == {
        "app": 0,
        "postgresql": 1792,
    }


def test_everybody_at_the_minimum(filters: Filters) -> None:
    """1001 - 256 = 745 is all there is, and nothing is left to divide."""
    plan = filters["memory_plan"]([POSTGRESQL, APP | {"minimum_mb": 245}], 1001)
    assert sizes(plan) == {"app": 245, "postgresql": 500}


def test_what_nobody_claims_is_free(filters: Filters) -> None:
    """A tenth is rounded up; without shares the rest is free, and the table says so."""
    plan = filters["memory_plan"]([REDIS], 2571)
    assert (plan["reserved_mb"], plan["free_mb"]) == (258, 2113)
    assert plan["table"].splitlines() == [
        "operating system       258 MB  reserved, with page cache",
        "redis                  200 MB  fixed",
        "free                  2113 MB",
        "total                 2571 MB  host_memory_mb",
    ]
    assert filters["memory_plan"]([], 512)["services"] == []


def test_an_impossible_plan_is_refused_with_its_table(refusal: Refusal) -> None:
    """200 + 500 = 700 beside 256; 956 MB would do."""
    message = refusal("memory_plan", [REDIS, POSTGRESQL], 900)
    assert message.splitlines() == [
        "host_memory_mb is 900, but the services need 700 MB beside the 256 MB reserved for the operating system; "
        "raise host_memory_mb to 956 or lower what a service claims",
        "operating system       256 MB  reserved, with page cache",
        "postgresql             500 MB  share 3, at least 500",
        "redis                  200 MB  fixed",
        "free                   -56 MB",
        "total                  900 MB  host_memory_mb",
    ]
    # With the variables that decide, the refusal says what to lower, the largest need first
    message = refusal(
        "memory_plan", [REDIS, POSTGRESQL], 900, {"redis": "redis_maxmemory_mb", "postgresql": "connections"}
    )
    assert "to 956 or lower connections or redis_maxmemory_mb\n" in message
    assert message.splitlines()[2:4] == [
        "postgresql             500 MB  share 3, at least 500, set by connections",
        "redis                  200 MB  fixed, set by redis_maxmemory_mb",
    ]
    # Above 2560 MB the tenth counts: 9000 is nine tenths of 10000.
    assert "raise host_memory_mb to 10000 " in refusal("memory_plan", [{"name": "x", "memory_mb": 9000}], 9999)


def test_measured_memory_is_not_cured_by_a_variable(filters: Filters, refusal: Refusal) -> None:
    """The same plan as above, and nothing about host_memory_mb."""
    first, *table = refusal("memory_plan", [REDIS, POSTGRESQL], 900, {"redis": "redis_maxmemory_mb"}, True).splitlines()
    assert first == (
        "the host has 900 MB of memory (measured there), but the services need 700 MB beside the 256 MB reserved for "
        "the operating system; lower redis_maxmemory_mb, or give the host 956 MB"
    )
    assert table[-1] == "total                  900 MB  measured"
    assert filters["memory_plan"]([REDIS], 2571, {}, True)["table"].endswith("total                 2571 MB  measured")


@pytest.mark.parametrize(
    ("claims", "total", "words"),
    [
        ({}, 1024, "claims must be a list, got dict"),
        (["redis"], 1024, "a claim must be a dict with a name, got 'redis'"),
        ([{"name": "", "share": 1}], 1024, "a claim must be a dict with a name"),
        ([{"name": 3, "share": 1}], 1024, "a claim must be a dict with a name"),
        ([REDIS, REDIS], 1024, "redis claims memory twice"),
        ([REDIS | {"share": 1}], 1024, "redis: a claim has either memory_mb, or share"),
        ([{"name": "redis"}], 1024, "redis: a claim has either memory_mb, or share"),
        ([{"name": "redis", "memory_mb": "200"}], 1024, "redis: memory_mb must be a whole number from 0, got '200'"),
        ([{"name": "app", "share": 0}], 1024, "app: share must be a whole number from 1, got 0"),
        ([{"name": "app", "share": 1, "minimum_mb": True}], 1024, "app: minimum_mb must be a whole number"),
        ([], 0, "host_memory_mb must be a whole number from 1, got 0"),
    ],
)
def test_other_claims_are_refused(refusal: Refusal, claims: object, total: int, words: str) -> None:
    """The message names the service."""
    assert words in refusal("memory_plan", claims, total)


CLAIM = st.one_of(
    st.fixed_dictionaries({"memory_mb": st.integers(0, 3000)}),
    st.fixed_dictionaries({"share": st.integers(1, 9)}, optional={"minimum_mb": st.integers(0, 3000)}),
)


@given(claims=st.lists(CLAIM, max_size=6), total=st.integers(1, 20000), data=st.data())
def test_a_plan_adds_up_in_any_order_or_names_the_memory_it_needs(
    filters: Filters, refusal: Refusal, claims: list[dict[str, int]], total: int, data: st.DataObject
) -> None:
    """Either the plan keeps every promise, or exactly the named memory is enough."""
    named: list[dict[str, Any]] = [{"name": f"s{number}", **claim} for number, claim in enumerate(claims)]
    least = sum(claim.get("memory_mb", claim.get("minimum_mb", 0)) for claim in claims)
    if least > total - max(256, (total + 9) // 10):
        cure = int(refusal("memory_plan", named, total).split("raise host_memory_mb to ")[1].split()[0])
        assert filters["memory_plan"](named, cure)
        assert refusal("memory_plan", named, cure - 1)
        return
    plan = filters["memory_plan"](named, total)
    given_mb = sizes(plan)
    assert plan["reserved_mb"] + sum(given_mb.values()) + plan["free_mb"] == total
    assert plan["free_mb"] >= 0
    for claim in named:
        assert given_mb[claim["name"]] >= claim.get("minimum_mb", 0)
        assert given_mb[claim["name"]] == claim.get("memory_mb", given_mb[claim["name"]])
    assert filters["memory_plan"](data.draw(st.permutations(named)), total) == plan


@pytest.mark.parametrize(
    ("total", "others", "machine"),
    [
        (65536, [], 65536),
        (65536, [64], 65536),  # a backup client
        (16384, [819], 16384),  # less than a twentieth: 819.2
        (16384, [820], 15564),
        (16384, [4096, 512], 11776),
    ],
)
def test_a_machine_that_has_one_large_service_is_its_machine(
    filters: Filters, total: int, others: list[int], machine: int
) -> None:
    """The reserve is not taken out of what sizes count from (PGS-07): it comes out of the rest."""
    fixed = [{"name": f"s{number}", "memory_mb": size} for number, size in enumerate(others)]
    plan = filters["memory_plan"]([{"name": "postgresql", "share": 1, "minimum_mb": 500}, *fixed], total)
    assert plan["machine_mb"] == {"postgresql": machine}
    assert f"share 1, at least 500, sized as for {machine} MB" in plan["table"]
    assert sizes(plan)["postgresql"] == total - -(-total // 10) - sum(others)


def test_several_shares_divide_the_machine_as_they_divide_the_rest(filters: Filters) -> None:
    """A quarter and three quarters of 10240, of which 1024 are reserved."""
    plan = filters["memory_plan"]([APP, {"name": "postgresql", "share": 3}], 10240)
    assert plan["machine_mb"] == {"app": 2560, "postgresql": 7680}
    assert sizes(plan) == {"app": 2304, "postgresql": 6912}
    assert filters["memory_plan"]([REDIS], 4000)["machine_mb"] == {}


def test_the_memory_that_is_asked_for_suffices_for_needs_that_grow_with_it(filters: Filters, refusal: Refusal) -> None:
    """Redis takes a quarter of any host: 700 + 256 are three quarters of 1275 (a quarter of it, rounded up, is 319)."""
    claims = [{"name": "redis", "memory_mb": 128}, POSTGRESQL | {"minimum_mb": 700}]
    message = refusal("memory_plan", claims, 512, {}, False, {"redis": 25})
    assert message.startswith("host_memory_mb is 512, but the services need 828 MB beside the 256 MB reserved")
    assert "raise host_memory_mb to 1275 or lower" in message
    assert filters["memory_plan"](
        [{"name": "redis", "memory_mb": 1275 // 4}, claims[1]], 1275, {}, False, {"redis": 25}
    )
    assert ", or give the host 1275 MB\n" in refusal("memory_plan", claims, 512, {}, True, {"redis": 25})


def test_no_memory_is_asked_for_where_none_would_do(refusal: Refusal) -> None:
    first = refusal(
        "memory_plan", [{"name": "redis", "memory_mb": 512}], 512, {"redis": "percent"}, False, {"redis": 95}
    )
    assert first.splitlines()[0].endswith("reserved for the operating system; lower percent")


@given(claims=st.lists(CLAIM, max_size=6), total=st.integers(1, 20000), percent=st.integers(0, 80))
def test_a_cure_is_followed_once(
    filters: Filters, refusal: Refusal, claims: list[dict[str, int]], total: int, percent: int
) -> None:
    """Plan, do what it says, plan again with needs that have grown: it is accepted."""

    def named(size: int) -> list[dict[str, Any]]:
        return [{"name": f"s{number}", **claim} for number, claim in enumerate(claims)] + [
            {"name": "redis", "memory_mb": size * percent // 100}
        ]

    growing = {"redis": percent}
    least = sum(claim.get("memory_mb", claim.get("minimum_mb", 0)) for claim in named(total))
    if least > total - max(256, (total + 9) // 10):
        message = refusal("memory_plan", named(total), total, {}, False, growing)
        cure = int(message.split("raise host_memory_mb to ")[1].split()[0])
        assert filters["memory_plan"](named(cure), cure, {}, False, growing)
