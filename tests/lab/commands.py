"""The commands: one function each, named as it is typed."""

from __future__ import annotations

import argparse
import os
import shlex

from . import bed, cleanup, collection, demo, engine, molecule, python_env, role, suite
from .console import Console, relative
from .paths import BED, ROOT, LabError, read_json
from .shell import attached, environment, run


def env(console: Console, _: argparse.Namespace) -> int:
    """make the Python environment in .venv"""
    python_env.ensure(console)
    return 0


def start_engine(console: Console, _: argparse.Namespace) -> int:
    """have a container engine that answers"""
    engine.ensure(console)
    return 0


def make_images(console: Console, _: argparse.Namespace) -> int:
    """make everything that test hosts are created from"""
    bed.ready(console)
    for name, value in sorted(read_json(BED).items()):
        console.say(f"{name}: {value}")
    return 0


def run_molecule(console: Console, arguments: argparse.Namespace) -> int:
    """run one scenario, or one step of it, on this terminal"""
    bed.ready(console)
    return molecule.run_attached(arguments.scenario, arguments.arguments)


def run_in_env(console: Console, arguments: argparse.Namespace) -> int:
    """run any command in the environment of the tools"""
    python_env.ensure(console)
    return attached(arguments.arguments, environment())


def run_runner(console: Console, _: argparse.Namespace) -> int:
    """run the tests through ansible-runner alone"""
    bed.ready(console)
    return suite.run_runner(console)


def demo_up(console: Console, _: argparse.Namespace) -> int:
    """bring up the demo, or find it as it should be"""
    return demo.up(console)


def demo_down(console: Console, _: argparse.Namespace) -> int:
    """remove every container, network, volume and process of this checkout"""
    count = cleanup.down(console)
    console.say(f"Removed: {count}. Nothing of this checkout runs any more.")
    return 0


def clean(console: Console, _: argparse.Namespace) -> int:
    """remove also images, .venv and .cache"""
    cleanup.clean(console)
    return 0


def run_tests(console: Console, arguments: argparse.Namespace) -> int:
    """run the tests: fast | lint | hosts | rest | all"""
    kind = arguments.kind
    if kind == "lint":
        return suite.run_lint(console)
    return suite.run(console, kind, only=os.environ.get("ONLY", ""))


def make_secrets(console: Console, arguments: argparse.Namespace) -> int:
    """generate the missing secrets of an inventory"""
    if not arguments.inventory:
        raise LabError("INVENTORY is not set", "say whose secrets: make secrets INVENTORY=inventories/production", 2)
    if not (ROOT / arguments.inventory).exists():
        raise LabError(
            f"there is no inventory {arguments.inventory}", "make secrets INVENTORY=inventories/production", 2
        )
    python_env.ensure(console)
    extra = {}
    if (ROOT / arguments.inventory).resolve() == demo.INVENTORY:
        demo.vault_password(console)
        extra = {"ANSIBLE_VAULT_PASSWORD_FILE": str(demo.PASSWORD)}
    elif "ANSIBLE_VAULT_PASSWORD_FILE" not in os.environ:
        raise LabError("no vault password", "export ANSIBLE_VAULT_PASSWORD_FILE=FILE; then run it again", 2)
    return attached(["ansible-playbook", "-i", arguments.inventory, "playbooks/secrets.yml"], environment(**extra))


def make_docs(console: Console, _: argparse.Namespace) -> int:
    """write the generated pages"""
    python_env.ensure(console)
    with console.phase("Generated pages"):
        run(console, ["python", "docs/generate.py"])
    return 0


def make_collection(console: Console, _: argparse.Namespace) -> int:
    """build the collection holdfast.platform, an archive for ansible-galaxy"""
    python_env.ensure(console)
    with console.phase("Collection"):
        archive = collection.build(console)
    console.say(f"{relative(archive)}  (ansible-galaxy collection install --offline ARCHIVE)")
    return 0


def make_role(console: Console, arguments: argparse.Namespace) -> int:
    """write a new role that keeps the contracts, and say what remains"""
    console.say(role.make(arguments.name))
    return 0


def run_bench(console: Console, _: argparse.Namespace) -> int:
    """measure (see bench/README.md)"""
    bed.ready(console, kind="bench")
    return attached(["python", "-m", "bench", *shlex.split(os.environ.get("ARGS", ""))], environment())


def run_mutants(console: Console, _: argparse.Namespace) -> int:
    """put faults into the code, which the unit tests must notice"""
    python_env.ensure(console)
    return attached(["python", "-m", "tests.mutate", *shlex.split(os.environ.get("ARGS", ""))], environment())


COMMANDS = {
    "env": env,
    "engine": start_engine,
    "images": make_images,
    "molecule": run_molecule,
    "run": run_in_env,
    "runner": run_runner,
    "demo": demo_up,
    "demo-down": demo_down,
    "test": run_tests,
    "secrets": make_secrets,
    "docs": make_docs,
    "collection": make_collection,
    "role": make_role,
    "bench": run_bench,
    "mutate": run_mutants,
    "clean": clean,
}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python3 -m tests.lab", description="The test bed of Holdfast.")
    commands = made.add_subparsers(dest="command", required=True)
    by_name = {name: commands.add_parser(name, help=function.__doc__) for name, function in COMMANDS.items()}
    by_name["molecule"].add_argument("scenario")
    by_name["molecule"].add_argument("arguments", nargs=argparse.REMAINDER, help="default: test")
    by_name["run"].add_argument("arguments", nargs=argparse.REMAINDER)
    by_name["test"].add_argument("kind", choices=["fast", "lint", "hosts", "rest", "all"])
    by_name["role"].add_argument("name", nargs="?", default="")
    by_name["secrets"].add_argument("inventory", nargs="?", default="")
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
