"""Running Molecule scenarios with the right environment."""

from __future__ import annotations

import shutil
from pathlib import Path

from . import networks
from .checkout import KIND, OWNER
from .cleanup import close_connections
from .console import Console
from .paths import CACHE, LAB, ROOT, LabError, lane
from .shell import attached, control_path_dir, environment, follow, passes, read

FOLDER = ROOT / "molecule"
CONFIG = ROOT / ".config/molecule/config.yml"
SLOW = "_slow"
HARDENS_ITSELF = ("base", "lab", "platform", "platform_slow")  # or is about the bare bed


def scenarios(folder: Path = FOLDER) -> list[str]:
    """Return all scenarios by name; which one runs first is a matter of their budgets."""
    return sorted(path.parent.name for path in folder.glob("*/molecule.yml"))


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


def environment_of(scenario: str, swap: bool = False) -> dict[str, str]:
    """Return the environment of a scenario, with SSH masters of its own; swapped, it has the other Debian releases.

    Swapped, it also has hosts that base has hardened before the role comes.
    """
    extra = {"ANSIBLE_SSH_CONTROL_PATH_DIR": control_path_dir(LAB / scenario)}
    if swap:
        extra |= {"HOLDFAST_SWAP_RELEASES": "1", "HOLDFAST_HARDENED": "" if scenario in HARDENS_ITSELF else "1"}
    return environment(**extra)


def hosts_of(scenario: str, *more: str) -> list[str]:
    owner = f"{OWNER}={FOLDER / scenario / 'inventory'}"
    return read(["docker", "ps", *more, "--quiet", f"--filter=label={KIND}=test", f"--filter=label={owner}"]).split()


def forget_hosts(scenario: str) -> None:
    """Drop Molecule's memory of hosts that are gone."""
    for state in (CACHE / "ansible/tmp").glob(f"molecule.*.{scenario}"):
        shutil.rmtree(state, ignore_errors=True)


def remove_hosts(scenario: str) -> None:
    """Remove the hosts of a scenario at once, which Molecule would take seconds for, and what knows of them."""
    close_connections(LAB / scenario)
    if hosts := hosts_of(scenario, "--all"):
        passes(["docker", "rm", "--force", "--volumes", *hosts], timeout=120)
    forget_hosts(scenario)


def run_attached(scenario: str, arguments: list[str]) -> int:
    """Run one scenario for somebody who develops it: output goes to the terminal."""
    if scenario not in scenarios():
        raise LabError(f"there is no scenario {scenario}", f"choose from: {', '.join(scenarios())}")
    with lane(scenario):
        whole = arguments[:1] in ([], ["test"])
        if whole:
            remove_hosts(scenario)
        elif not hosts_of(scenario):  # another scenario or a killed run has taken them away
            forget_hosts(scenario)
        code = attached(argv(scenario, arguments), environment_of(scenario))
        if whole:
            remove_hosts(scenario)
        return code


def run_tested(console: Console, scenario: str, swap: bool = False) -> int:
    """Run one whole scenario for the suite."""
    with lane(scenario) as waited:
        console.waited = waited
        networks.ensure(console, "test")  # somebody may have taken it away since the run began
        remove_hosts(scenario)
        try:
            return follow(console, argv(scenario, ["test"]), environment_of(scenario, swap))
        finally:
            remove_hosts(scenario)
