"""A new role from tests/lab/skeleton, and the lines by which the playbooks come to know it."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

from .paths import ROOT, LabError

SKELETON = Path(__file__).with_name("skeleton")
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
TAKEN = re.compile(r"lab_net4 \}\}\.(\d+)")
TARGETS = {  # of the skeleton, and where the project has it
    "role": "roles/@name@",
    "scenario": "molecule/@name@",
    "findings.py.in": "filter_plugins/@name@_findings.py",
    "findings.yml.in": "filter_plugins/@name@_findings.yml",
    "test_findings.py.in": "tests/unit/filters/test_@name@_findings.py",
    "bad_values.yml.in": "tests/contract/bad_values/@name@.yml",
}


@dataclass(frozen=True)
class Step:
    """Lines that a person adds to a file, above the line that begins as given."""

    file: str
    above: str
    lines: str

    def applied(self, text: str) -> str:
        at = re.search(rf"(?m)^{re.escape(self.above)}", text)
        if at is None:
            raise LabError(f"{self.file} has no line that begins with {self.above!r}")
        return text[: at.start()] + self.lines + text[at.start() :]


def steps(name: str) -> list[Step]:
    """Return what cannot be guessed: which hosts have the role, and when it is its turn."""
    play = f"""- name: Provide {name}
  hosts: {name}
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - name: Apply {name}
      ansible.builtin.import_role: {{name: {name}, tasks_from: apply}}

"""
    return [
        Step("playbooks/roles/contract/vars/main.yml", "  backup: [", f"  {name}: [{name}]\n"),
        Step("playbooks/site.yml", "- name: Provide backups", play),
        Step("inventories/example/hosts.yml", "    backup:", f"    {name}: # what it is for\n      hosts: {{}}\n"),
    ]


def addresses(root: Path) -> list[int]:
    """Return two addresses of the test network that no scenario has."""
    texts = [path.read_text(encoding="utf-8") for path in (root / "molecule").glob("*/inventory/*.yml")]
    taken = {int(number) for text in texts for number in TAKEN.findall(text)}
    network = ipaddress.ip_network("192.0.2.0/24")  # the last numbers count
    free = [address.packed[-1] for address in network.hosts() if address.packed[-1] not in taken]
    return [number for number in free if number >= 150][:2]


def checked(root: Path, name: str) -> None:
    if not NAME.fullmatch(name) or name.endswith("_slow"):
        raise LabError(
            f"NAME is {name!r}", "lower-case letters, digits and _, and no ending _slow: make role NAME=mail", 2
        )
    if (root / "roles" / name).exists():
        raise LabError(f"there is a role {name} already", "choose another name: make role NAME=mail", 2)


def write(root: Path, name: str) -> list[Path]:
    """Write the role with its scenario, filter and tests; return its files."""
    checked(root, name)
    first, second = addresses(root)
    values = {"name": name, "unit": name.replace("_", "-"), "host": name.replace("_", "-")}
    values |= {"first": str(first), "second": str(second)}

    def filled(text: str) -> str:
        return re.sub(r"@(name|unit|host|first|second)@", lambda found: values[found[1]], text)

    written = []
    for source, target in TARGETS.items():
        for path in sorted([SKELETON / source, *(SKELETON / source).rglob("*.in")]):
            if path.is_file():
                inside = path.relative_to(SKELETON / source).as_posix().removesuffix(".in")
                made = root / filled(target if inside == "." else f"{target}/{inside}")
                made.parent.mkdir(parents=True, exist_ok=True)
                made.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
                written.append(made)
    return written


def instructions(name: str) -> str:
    """Return the steps that remain, with their lines."""
    parts = [f"{step.file}, above `{step.above}…`:\n\n{step.lines.rstrip()}\n" for step in steps(name)]
    numbered = [f"{number}. {text}" for number, text in enumerate(parts, 1)]
    last = f"{len(parts) + 1}. git add --all, make docs, then make test-fast, then make test ONLY={name}"
    return "\n".join([*numbered, last])


def make(name: str, root: Path = ROOT) -> str:
    """Write a role and return what to say about it."""
    written = "\n".join(f"   {path.relative_to(root)}" for path in write(root, name))
    return f"Written:\n{written}\n\nWhat remains is for you to decide:\n\n{instructions(name)}"
