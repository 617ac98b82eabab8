"""The packets that scenario firewall sends say something: on every way some should arrive and some should not."""

from collections import defaultdict
from typing import Any

import pytest

from tests.packets import bed, cases, model


@pytest.fixture(name="made", scope="module")
def _made() -> dict[str, Any]:
    return cases.cases(1, 25)


def side(address: str) -> str:
    """On which side of the network an address is."""
    return next(name for name, addresses in bed.SIDES.items() if address in addresses)


def test_every_way_has_both_outcomes(made: dict[str, Any]) -> None:
    """But nothing takes the way from the world straight to a container, and nothing holds the host's way to its own."""
    found = defaultdict(set)
    for case in made["random"]:
        for source, destination, protocol, _port, arrives in case["probes"]:
            found[side(source), side(destination), protocol].add(arrives)
    sides = [(one, other) for one in bed.SIDES for other in bed.SIDES if one != other]
    assert found == {
        (*pair, protocol): {False}
        if pair in {("world", "box"), ("world", "other")}
        else {True}
        if pair == ("host", "box")
        else {True, False}
        for pair in sides
        for protocol in ("tcp", "udp")
    }


def test_published_ports_have_both_outcomes(made: dict[str, Any]) -> None:
    """They are tried like any other."""
    probes = [probe for case in made["random"] for probe in case["probes"] if probe[3] in model.PUBLISHED]
    assert {probe[4] for probe in probes} == {True, False}


def test_both_speak_of_the_same_network() -> None:
    """The program that sends has a copy of the addresses, because it runs alone on a test host."""
    assert bed.PORTS == cases.PORTS
    assert bed.SIDES["host"][:2] == model.HOST
    assert [bed.SIDES[name] for name in ("world", "box", "other")] == [model.WORLD, model.BOX, model.OTHER_BOX]


def test_the_same_seed_makes_the_same_cases(made: dict[str, Any]) -> None:
    """So that what went wrong once can be repeated."""
    assert cases.cases(1, 2)["random"] == made["random"][:2]
    assert cases.cases(2, 1)["random"] != made["random"][:1]
