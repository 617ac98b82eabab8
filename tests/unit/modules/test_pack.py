"""What travels to a host: all that an entry imports, in an order in which it can be loaded, and nothing else."""

from __future__ import annotations

import ast
import base64
import json
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from ansible_collections.holdfast.platform.plugins.plugin_utils import pack

ROOT = Path(__file__).parents[3]
PROGRAMS = [
    path for path in sorted(ROOT.glob("roles/*/files/**/*")) if path.is_file() and b"python3" in path.read_bytes()[:30]
]
SHARED = [path for path in sorted(pack.ROOMS.glob("*.py")) if "__main__" in path.read_text()]
COMMON = '''# Copyright
"""Common."""

from __future__ import annotations

import json
import os


class Refused(Exception):
    """It cannot go on."""


# Whose name is above
def told(
    # these are its words
    *words: str,
) -> str:
    """Return words.

    As JSON.
    """
    text = """
# not a comment
"""
    return os.linesep.join([json.dumps(words), text.strip()])
'''
TOPIC = """
import json
from typing import Any, ClassVar

from PACKAGE.common import told


def topic() -> str:
    return told("a")
"""
ENTRY = '''#!/usr/bin/python3
# Managed by Holdfast
"""Say it."""

import json
from typing import Any

from PACKAGE.topic import topic
from PACKAGE.common import Refused, told

if __name__ == "__main__":
    print(topic(), Refused, told())
'''


@pytest.fixture
def rooms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pack, "ROOMS", tmp_path / "module_utils")
    (tmp_path / "module_utils").mkdir()
    for name, text in (("common", COMMON), ("topic", TOPIC)):
        write(tmp_path / f"module_utils/{name}.py", text)
    return tmp_path


def write(path: Path, text: str) -> Path:
    path.write_text(text.replace("PACKAGE", pack.PACKAGE))
    return path


def test_what_is_imported_comes_first_and_once(rooms: Path) -> None:
    entry = write(rooms / "say-it", ENTRY)
    code = json.loads(zlib.decompress(base64.b64decode(pack.packed(entry))))
    names = [f"{pack.PACKAGE}.common", f"{pack.PACKAGE}.topic", "holdfast_say_it"]
    assert [name for name, _file, _text in code] == names
    assert code[0][1] == "<holdfast>/module_utils/common.py"
    assert pack.packed(entry) == pack.wire(code)  # the same in every process


def test_words_for_readers_stay_at_home_and_every_line_where_it_was(rooms: Path) -> None:
    part = pack.read("x", rooms / "module_utils/common.py")
    slim = pack.slim(part)
    for words in ("Copyright", "Common.", "It cannot go on", "Whose name", "Return words", "As JSON", "these are"):
        assert words not in slim
    assert "# not a comment" in slim
    wanted = ['"""' if line == '"""' else line for line in COMMON.splitlines()]
    assert slim.splitlines().index('    text = """') == wanted.index('    text = """')
    assert len(slim.splitlines()) == len(COMMON.splitlines())
    names: dict[str, object] = {}
    exec(compile(slim, "x", "exec"), names)  # noqa: S102 - of this test
    assert names["told"]("b") == '["b"]\n# not a comment'  # type: ignore[operator]


def test_a_program_needs_no_other_file(rooms: Path, tmp_path: Path) -> None:
    text = pack.program(write(rooms / "say-it", ENTRY))
    (tmp_path / "program").write_text(text)
    done = subprocess.run([sys.executable, "-I", tmp_path / "program"], capture_output=True, text=True, check=True)
    assert done.stdout == "[\"a\"]\n# not a comment <class '__main__.Refused'> []\n# not a comment\n"
    assert text.startswith('#!/usr/bin/python3\n# Managed by Holdfast\n"""Say it."""\n\nfrom __future__ import')
    assert text.count("import json\n") == 1
    assert "from typing import Any, ClassVar\n" in text
    assert "# Whose name is above\ndef told" in text
    assert text == pack.program(rooms / "say-it")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("from PACKAGE.circle import x", "holdfast_entry imports .*circle imports .*circle"),
        ("import PACKAGE.common", "import names from a room"),
        ("from PACKAGE.common import told as said", "a name is the same everywhere"),
        ("from PACKAGE.common import *", "a name is the same everywhere"),
        ("from PACKAGE import common", "a host has the standard library"),
        ("from ansible.module_utils.basic import AnsibleModule", "a host has the standard library"),
        ("from . import common", "a host has the standard library"),
    ],
)
def test_what_could_not_be_loaded_there_is_refused_here(rooms: Path, line: str, why: str) -> None:
    write(rooms / "module_utils/circle.py", "from PACKAGE.circle import y\n")
    with pytest.raises(ValueError, match=why):
        pack.parts(write(rooms / "entry.py", f"{line}\n"))


def test_a_program_whose_files_share_a_name_is_refused(rooms: Path) -> None:
    entry = write(rooms / "entry", "from PACKAGE.topic import topic\n\ntold = 1\n")
    with pytest.raises(ValueError, match=r"told is defined in common\.py and in entry"):
        pack.program(entry)


@pytest.mark.parametrize("path", [*SHARED, *PROGRAMS], ids=lambda path: path.name)
def test_every_program_can_be_written(path: Path) -> None:
    compile(pack.program(path), path.name, "exec")


class Wordless(ast.NodeTransformer):
    """Empties docstrings."""

    def visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, pack.DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Expr(ast.Constant(""))
        return self.generic_visit(node)


@pytest.mark.parametrize("path", [*sorted((ROOT / "library").glob("*.py"))], ids=lambda path: path.name)
def test_what_travels_does_what_its_source_does(path: Path) -> None:
    for part in pack.parts(path):
        assert ast.dump(ast.parse(pack.slim(part))) == ast.dump(Wordless().visit(ast.parse(part.text))), part.shown
