"""The tool that puts faults into code: which ones, how they are put in, which tests are asked and what is enough."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

from tests.mutate import equivalents, files, report
from tests.mutate.__main__ import parser, sample, tell
from tests.mutate.lab import Lab
from tests.mutate.report import Score
from tests.mutate.source import Mutant, mutants

SAMPLE = '''#!/usr/bin/python3
"""A text with 1 number."""

LIMIT = 5  # ü: more bytes than letters


def check(value: int, name: str = "x", loud: bool = True) -> list[str]:
    """Return 2 things."""
    if not value or value < LIMIT and name == "ü":
        raise ValueError(f"{value} is less than {LIMIT + 1}")
    found = [f"{each * 2} of {name}" for each in range(value) if each % 3]
    while loud:
        print(found[1:-1])
        break
    return found


FilterModule = filter_module(check, limit=1)
if __name__ == "__main__":
    check(1)
'''


def changes(source: str) -> list[str]:
    return [mutant.change for mutant in mutants(source.encode())]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a == b", ["a == b -> a != b"]),
        ("x = a <= b", ["a <= b -> a < b", "a <= b -> a > b"]),
        ("x = a in b", ["a in b -> a not in b"]),
        ("x = a and b", ["a and b -> a or b"]),
        ("x = not a", ["not a -> a"]),
        ("x = 1 if a else 2", ["1 -> 2", "a -> not a", "2 -> 3"]),
        ("x = True", ["True -> False"]),
        ("x = 'a' == y", ["'a' == y -> 'a' != y", "'a' -> 'a~'"]),
        ("x = 'a'", []),
        ("x = a << b", ["a << b -> a >> b"]),
        ("x = a + 'text'", []),
        ("x += y", ["x += y -> x -= y"]),
        ("x = y[a:2]", ["a -> a + 1", "2 -> 3"]),
        ("x = -1", ["1 -> 2"]),
        ("f()", ["f() -> pass"]),
        ("display.vv('x')", []),
        ("def f():\n    return x", ["return x -> return None"]),
        ("def f():\n    return False", ["False -> True"]),
        ("def f():\n    yield x", ["yield x -> pass"]),
        ("def f(a: Literal[1] = 'b'): pass", ["'b' -> 'b~'"]),
        ("raise ValueError(1 + 1)", ["raise ValueError(1 + 1) -> pass"]),
        ("for x in y:\n    continue", ["continue -> break"]),
    ],
)
def test_what_is_changed(source: str, expected: list[str]) -> None:
    assert sorted(changes(source)) == sorted(expected)


def test_texts_and_what_only_hands_on_are_left_out() -> None:
    found = mutants(SAMPLE.encode())
    assert {mutant.line for mutant in found} == {4, 7, 9, 10, 11, 12, 13, 14, 15}
    assert [mutant.change for mutant in found if mutant.line == 10] == [
        "raise ValueError(f'{value} is less than {LIMIT + 1}') -> pass"
    ]


def test_every_mutant_is_python_and_differs_in_one_place() -> None:
    source = SAMPLE.encode()
    for mutant in mutants(source):
        mutated = mutant.apply(source)
        assert ast.dump(ast.parse(mutated)) != ast.dump(ast.parse(source))
        assert mutated.startswith(source[: mutant.start])
        assert mutated.endswith(source[mutant.end :])


def test_inside_of_words_the_rest_of_them_stays() -> None:
    (mutant,) = [mutant for mutant in mutants(SAMPLE.encode()) if mutant.change == "each * 2 -> each // 2"]
    lines = mutant.apply(SAMPLE.encode()).decode().splitlines()
    assert lines[mutant.line - 1] == SAMPLE.splitlines()[mutant.line - 1].replace("each * 2", "each // 2").replace(
        'f"{each // 2} of {name}"', "f'{each // 2} of {name}'"
    )


def test_a_sample_is_that_of_its_seed() -> None:
    found = mutants(SAMPLE.encode())
    assert sample("a", found, 7, 5) == sample("a", found, 7, 5)
    assert len(sample("a", found, 7, 5)) == 5
    assert sample("a", found, 7, 5) != sample("a", found, 8, 5)
    assert sample("a", found, 7, 5) != sample("b", found, 7, 5)
    assert sample("a", found, 7, 1000) == found


def lab(tree: Path, executed: dict[int, list[str]]) -> Lab:
    return Lab(tree, {"library/x.py": executed}, cast("subprocess.Popen[str]", None))


def test_the_own_tests_of_a_line_come_first_then_others_and_all_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "tests/unit/modules").mkdir(parents=True)
    own, other = "tests/unit/modules/test_x.py", "tests/unit/modules/test_other.py"
    (tmp_path / own).touch()
    place = lab(tmp_path, {3: [f"{own}::a", f"{other}::b"], 4: [f"{own}::c", ""]})
    order = place.order("library/x.py", Mutant(3, (3,), "", ""))
    assert list(order) == [[f"{own}::a"], [f"{other}::b", own]]
    assert list(place.order("library/x.py", Mutant(9, (9,), "", ""))) == [[own]]  # executed by none that coverage sees
    everywhere = place.order("library/x.py", Mutant(1, (), "", ""))  # before any test
    assert list(everywhere) == [[f"{own}::a", f"{own}::c"], [f"{other}::b", own]]


def test_a_mutant_that_breaks_a_test_is_killed_and_the_file_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "library/x.py"
    path.parent.mkdir()
    path.write_text("x = 1\n")
    (tmp_path / "tests/unit/modules").mkdir(parents=True)
    (tmp_path / "tests/unit/modules/test_x.py").touch()
    (mutant,) = mutants(path.read_bytes())
    seen: list[str] = []

    def passes(*_: object) -> bool:
        seen.append(path.read_text())
        return len(seen) > 1

    monkeypatch.setattr(Lab, "passes", passes)
    place = lab(tmp_path, {})
    assert place.survives("library/x.py", mutant) is False
    assert place.survives("library/x.py", mutant) is True
    assert (seen, path.read_text()) == (["x = (2)\n"] * 2, "x = 1\n")


def test_the_worker_says_how_tests_ended_and_ends_those_that_do_not(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import time\ndef test_good(): pass\ndef test_bad(): assert 0\ndef test_slow(): time.sleep(60)\n"
    )
    asked = [(f"test_it.py::test_{name}", seconds) for name, seconds in (("good", 60), ("bad", 60), ("slow", 1))]
    lines = "".join(f'{{"arguments": ["-q", "{test}"], "seconds": {seconds}}}\n' for test, seconds in asked)
    argv = [sys.executable, "-m", "tests.mutate.worker"]
    environment = {"PYTHONPATH": str(files.ROOT), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        argv, input=lines, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.split() == ["0", "1", '"late"']


def test_what_is_measured_has_a_suffix_or_says_that_it_is_python() -> None:
    found = files.measured()
    rooms = "ansible_collections/holdfast/platform/plugins/module_utils"
    for name in ("action_plugins/input_check.py", "library/host_status.py", f"{rooms}/transaction.py"):
        assert name in found
    assert "roles/backup/files/usr/local/lib/holdfast/restore-test" in found
    assert files.own_tests("roles/certificates/files/usr/local/lib/holdfast/certificate-renewal") == [
        "tests/unit/modules/test_certificate_renewal.py"
    ]


def test_a_low_score_fails_and_a_good_one_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    lost = Mutant(3, (3,), "if a:", "a -> not a")
    good, poor = Score("good.py", killed=85, survivors=[lost] * 15), Score("poor.py", killed=84, survivors=[lost] * 16)
    assert report.too_low([Score("a.py", killed=92, survivors=[lost] * 8)]) == []
    assert report.too_low([good]) == ["all files: 85.0 % is less than 92 %"]
    assert report.too_low([Score("best.py", killed=900), poor]) == ["poor.py: 84 % is less than 85 %"]
    assert tell([Score("a.py", killed=1, equivalent=1)], [], interrupted=False) == 0
    assert tell([poor], [], interrupted=False) == 1
    assert tell([poor], [], interrupted=True) == 130
    said = capsys.readouterr().out
    assert "poor.py:3: a -> not a\n    if a:\n" in said


def test_what_is_known_to_be_equivalent_has_a_reason_and_fits(tmp_path: Path) -> None:
    path = tmp_path / "equivalents.yml"
    path.write_text("- {file: a.py, code: x = 1, change: 1 -> 2, reason: nobody asks}\n")
    entries = equivalents.known(path)
    (mutant,) = mutants(b"x = 1\n")
    assert equivalents.key("a.py", mutant) in entries
    assert equivalents.outdated(entries, {"a.py": [mutant]}) == []
    assert equivalents.outdated(entries, {"a.py": mutants(b"x = 2\n")}) == ["a.py: 1 -> 2: x = 1"]
    assert equivalents.outdated(entries, {"b.py": []}) == []
    path.write_text("- {file: a.py, code: x = 1, change: 1 -> 2, reason: ''}\n")
    with pytest.raises(SystemExit, match="no reason"):
        equivalents.known(path)
    assert equivalents.known()  # the real one can be read


def test_the_command_line() -> None:
    given = parser().parse_args(["--seed", "7", "--per-file", "30", "--file", "a.py", "--file", "b.py"])
    assert (given.seed, given.per_file, given.file, given.own) == (7, 30, ["a.py", "b.py"], False)
