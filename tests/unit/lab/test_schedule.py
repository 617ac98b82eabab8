"""The order in which a test run works its steps off."""

from __future__ import annotations

import threading

import pytest

from tests.lab.schedule import Schedule, Step, work_off


def step(title: str, hosts: str = "") -> Step:
    return Step(title, lambda _: 0, hosts)


def test_steps_are_handed_out_in_order_and_once() -> None:
    schedule = Schedule([step("a"), step("b")])
    handed = []
    for _ in range(3):
        with schedule.next() as taken:
            handed.append(taken and taken.title)
    assert handed == ["a", "b", None]


def test_a_step_waits_while_another_one_uses_its_hosts() -> None:
    schedule = Schedule([step("a", "platform"), step("b", "platform"), step("c", "redis")])
    with schedule.next() as first, schedule.next() as second:
        assert [first and first.title, second and second.title] == ["a", "c"]
    with schedule.next() as third:
        assert third is not None
        assert third.title == "b"


def test_a_worker_that_finds_nothing_free_goes_on_when_hosts_are() -> None:
    met = threading.Barrier(2, timeout=10)  # `a` ends only when `other` has begun, beside it
    done: list[str] = []

    def do(taken: Step) -> None:
        if taken.title in ("a", "other"):
            met.wait()
        done.append(taken.title)

    work_off([step("a", "platform"), step("b", "platform"), step("other")], 2, do)
    assert sorted(done) == ["a", "b", "other"]
    assert done.index("a") < done.index("b")


def test_an_interruption_begins_no_further_step() -> None:
    begun: list[str] = []

    def do(taken: Step) -> None:
        begun.append(taken.title)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work_off([step("a"), step("b")], 1, do)
    assert begun == ["a"]
