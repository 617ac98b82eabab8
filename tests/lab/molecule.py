"""Running Molecule scenarios with the right environment."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import networks
from .checkout import KIND, OWNER
from .console import Console
from .paths import CACHE, ROOT, LabError, lane
from .shell import attached, environment, follow, read

FOLDER = ROOT / "molecule"
CONFIG = ROOT / ".config/molecule/config.yml"
FIRST, LAST = ("lab",), ("platform",)
SLOW = "_slow"
HARDENS_ITSELF = ("base", "lab", "platform", "platform_slow")  # or is about the bare bed


def scenarios(folder: Path = FOLDER) -> list[str]:
    """Return all scenarios: the lab itself first, the whole platform last, the rest by name."""
    names = sorted(path.parent.name for path in folder.glob("*/molecule.yml"))
    return sorted(names, key=lambda name: (name not in FIRST, name in LAST))


def chosen(names: list[str], only: str = "") -> list[str]:
    """Return the scenarios to run; ONLY names them."""
    if not only:
        return names
    wanted = only.replace(",", " ").split()
    unknown = sorted(set(wanted) - set(names))
    if unknown:
        raise LabError(f"ONLY names no scenario: {', '.join(unknown)}", f"choose from: {', '.join(names)}")
    return [name for name in names if name in wanted]


def argv(scenario: str, arguments: list[str]) -> list[str]:
    action, *rest = arguments or ["test"]
    return ["molecule", "-c", str(CONFIG), action, "--scenario-name", scenario, *rest]


def swapped(scenario: str) -> dict[str, str]:
    """Return the environment that gives a scenario the other Debian releases, and hosts that base has hardened."""
    hardened = "" if scenario in HARDENS_ITSELF else "1"
    return environment(HOLDFAST_SWAP_RELEASES="1", HOLDFAST_HARDENED=hardened)


def forget_lost_hosts(scenario: str) -> None:
    """Drop Molecule's memory of hosts that another scenario or a killed run has taken away."""
    owner = f"{OWNER}={FOLDER / scenario / 'inventory'}"
    if not read(["docker", "ps", "--quiet", "--filter", f"label={KIND}=test", "--filter", f"label={owner}"]):
        for state in (CACHE / "ansible/tmp").glob(f"molecule.*.{scenario}"):
            shutil.rmtree(state, ignore_errors=True)


def run_attached(scenario: str, arguments: list[str]) -> int:
    """Run one scenario for somebody who develops it: output goes to the terminal."""
    if scenario not in scenarios():
        raise LabError(f"there is no scenario {scenario}", f"choose from: {', '.join(scenarios())}")
    with lane(scenario):
        forget_lost_hosts(scenario)
        return attached(argv(scenario, arguments), environment())


def run_tested(console: Console, scenario: str, swap: bool = False) -> int:
    """Run one whole scenario for the suite."""
    with lane(scenario) as waited:
        console.waited = waited
        networks.ensure(console, "test")  # somebody may have taken it away since the run began
        forget_lost_hosts(scenario)
        return follow(console, argv(scenario, ["test"]), swapped(scenario) if swap else environment())
