"""The commands: one function each, named as it is typed."""

from __future__ import annotations

import argparse
import sys

from . import bed, engine, molecule, python_env
from .console import Console
from .paths import BED, LabError, read_json


def env(console: Console, _: argparse.Namespace) -> int:
    """Make the Python environment."""
    python_env.ensure(console)
    return 0


def start_engine(console: Console, _: argparse.Namespace) -> int:
    """Have a container engine that answers."""
    engine.ensure(console)
    return 0


def make_images(console: Console, _: argparse.Namespace) -> int:
    """Make everything that hosts are created from."""
    bed.ready(console)
    for name, value in sorted(read_json(BED).items()):
        console.say(f"{name}: {value}")
    return 0


def run_molecule(console: Console, arguments: argparse.Namespace) -> int:
    """Run one scenario, or one step of it."""
    bed.ready(console)
    return molecule.run_attached(arguments.scenario, arguments.arguments)


COMMANDS = {"env": env, "engine": start_engine, "images": make_images, "molecule": run_molecule}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python3 -m tests.lab", description="The test bed of Holdfast.")
    commands = made.add_subparsers(dest="command", required=True)
    for name, function in COMMANDS.items():
        command = commands.add_parser(name, help=function.__doc__)
        if name == "molecule":
            command.add_argument("scenario")
            command.add_argument("arguments", nargs=argparse.REMAINDER, help="default: test")
    return made


def main(argv: list[str]) -> int:
    arguments = parser().parse_args(argv)
    console = Console(arguments.command)
    try:
        return COMMANDS[arguments.command](console, arguments)
    except LabError as error:
        console.failure(error)
        return error.code
    except KeyboardInterrupt:
        console.say("\nInterrupted; the same command continues where it was.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
