"""All mutants of one file. Only the mutated part of the text is replaced: comments, first line and the rest stay."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from .operators import Change, changes

# Parts of nodes in which nothing is mutated
LEFT_OUT = {"annotation", "returns", "decorator_list", "exc", "cause"}


@dataclass(frozen=True)
class Mutant:
    """One fault in one file."""

    line: int
    lines: tuple[int, ...]  # of the statement; none at module level, which is executed before any test
    code: str  # of the line, as it is
    change: str
    start: int = 0  # bytes of the text that are replaced
    end: int = 0
    text: str = ""

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.text.encode() + source[self.end :]


@dataclass(frozen=True)
class _Place:
    """Where a node stands."""

    tested: bool = False
    function: bool = False
    statement: ast.stmt | None = None
    words: ast.expr | None = None  # the outermost f-string: positions inside of one are not reliable


class _Swap(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self.old:
            return self.new
        return self.generic_visit(node)


def mutants(source: bytes) -> list[Mutant]:
    """Return all mutants of a file in the order of its lines, of two with the same text one."""
    found: dict[tuple[int, int, str], Mutant] = {}
    lines = source.decode().splitlines()
    starts = [0, *accumulate(len(line) for line in source.splitlines(keepends=True))]
    for statement in _measured(ast.parse(source)):
        for change, place in _walk(statement, _Place()):
            mutant = _mutant(change, place, lines, starts)
            if mutant is not None:
                found.setdefault((mutant.start, mutant.end, mutant.text), mutant)
    return sorted(found.values(), key=lambda mutant: (mutant.line, mutant.start, mutant.change))


def _measured(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements of a module without what only hands its functions on."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "FilterModule":
            return
        if not (isinstance(statement, ast.If) and ast.unparse(statement.test).startswith(("__name__", "TYPE_CHECK"))):
            yield statement


def _walk(node: ast.AST, place: _Place) -> Iterator[tuple[Change, _Place]]:
    if isinstance(node, ast.stmt):
        place = replace(place, statement=node, tested=False)
    elif isinstance(node, ast.JoinedStr) and place.words is None:
        place = replace(place, words=node)
    yield from ((change, place) for change in changes(node, place.tested))
    for name, value in ast.iter_fields(node):
        if name in LEFT_OUT:
            continue
        inner = place
        if name in ("test", "ifs", "defaults", "kw_defaults") or isinstance(node, ast.Compare):
            inner = replace(place, tested=True)
        elif name == "body" and isinstance(node, (ast.FunctionDef, ast.Lambda)):
            inner = replace(place, function=True)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child, inner)


def _mutant(change: Change, place: _Place, lines: list[str], starts: list[int]) -> Mutant | None:
    old, new = change
    at = place.words or old
    if not isinstance(at, (ast.expr, ast.stmt)) or at.end_lineno is None or at.end_col_offset is None:
        return None
    try:
        words = f"{_short(old)} -> {_short(new)}"
        text = _unparsed(place.words, old, new) if place.words is not None else ast.unparse(new)
    except ValueError:  # quotes that this version cannot nest
        return None
    return Mutant(
        line=at.lineno,
        lines=_extent(place),
        code=lines[at.lineno - 1].strip(),
        change=words,
        start=starts[at.lineno - 1] + at.col_offset,
        end=starts[at.end_lineno - 1] + at.end_col_offset,
        text=text if isinstance(at, (ast.stmt, ast.JoinedStr)) else f"({text})",
    )


def _unparsed(words: ast.expr, old: ast.AST, new: ast.AST) -> str:
    _Swap(old, new).visit(words)
    try:
        return ast.unparse(words)
    finally:
        _Swap(new, old).visit(words)


def _extent(place: _Place) -> tuple[int, ...]:
    """Return the lines of a statement, of one with a body those before it."""
    statement = place.statement
    if not place.function or statement is None:
        return ()
    body = getattr(statement, "body", None)
    last = body[0].lineno - 1 if body else statement.end_lineno or statement.lineno
    return tuple(range(statement.lineno, max(last, statement.lineno) + 1))


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 70 else f"{text[:50]}...{text[-17:]}"
