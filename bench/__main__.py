"""`python -m bench [step ...]`; `make bench` runs all of them. What is compared is told in README.md."""

from __future__ import annotations

import argparse
import sys

from tests.lab.paths import LabError

from . import databases, edge, firewall, pgbench, steps

STEPS = {
    "up": (steps.up, 1),
    "cold": (steps.cold, 3),
    "unchanged": (steps.unchanged, 7),
    "calls": (steps.calls, 1),
    "profile": (steps.profile, 3),
    "grow": (steps.grow, 1),
    "hosts": (steps.hosts, 5),
    "databases": (databases.databases, 7),
    "pgbench": (pgbench.pgbench, 4),
    "parts": (pgbench.parts, 4),
    "edge": (edge.edge, 5),
    "firewall": (firewall.firewall, 6),
    "down": (steps.down, 1),
    "tables": (steps.tables, 1),
}


def main() -> int:
    text = "\n".join(f"  {name:<10} {function.__doc__}" for name, (function, _) in STEPS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench", epilog=f"steps:\n{text}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("steps", nargs="*", metavar="step", help="default: all of them but parts, in this order")
    parser.add_argument("--rounds", type=int, default=0, help="of each measured step; default: its own number")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.steps) - set(STEPS))
    if unknown:
        parser.error(f"there is no step {', '.join(unknown)}")
    try:
        for step in arguments.steps or [step for step in STEPS if step != "parts"]:
            function, rounds = STEPS[step]
            function(arguments.rounds or rounds)
    except LabError as error:
        print(f"{error}\nFix: {error.cure}", file=sys.stderr)
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
