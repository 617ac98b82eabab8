"""The faults: what a node of the syntax tree may be replaced by."""

from __future__ import annotations

import ast
from collections.abc import Iterator

Change = tuple[ast.AST, ast.AST]  # what is replaced, and by what

NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
LOGS = {"v", "vv", "vvv", "vvvv", "debug"}


def changes(node: ast.AST, tested: bool) -> Iterator[Change]:
    """Yield every fault of one node; `tested` says that it is part of a condition."""
    if isinstance(node, ast.stmt):
        yield from _statement(node)
    elif isinstance(node, ast.Constant):
        yield from _constant(node, tested)
    elif isinstance(node, ast.Compare):
        yield from _comparison(node)
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield node, ast.BoolOp(other, node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not _of_text(node):
        yield node, ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.Slice):
        yield from _slice(node)
    for condition in _conditions(node):
        if not isinstance(condition, (ast.Compare, ast.UnaryOp)):  # which are negated already
            yield condition, ast.UnaryOp(ast.Not(), condition)


def _conditions(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        return [node.test]
    return node.ifs if isinstance(node, ast.comprehension) else []


def _statement(node: ast.stmt) -> Iterator[Change]:
    if isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and _acts(node.value)):
        yield node, ast.Pass()
    elif isinstance(node, ast.Return) and node.value is not None and not _is_false(node.value):
        yield node, ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Break):
        yield node, ast.Continue()
    elif isinstance(node, ast.Continue):
        yield node, ast.Break()
    elif isinstance(node, ast.AugAssign) and type(node.op) in ARITHMETIC:
        yield node, ast.AugAssign(node.target, ARITHMETIC[type(node.op)](), node.value)


def _acts(value: ast.expr) -> bool:
    """Whether an expression that stands alone does something besides being logged."""
    if isinstance(value, ast.Call):
        return not (isinstance(value.func, ast.Attribute) and value.func.attr in LOGS)
    return isinstance(value, (ast.Yield, ast.YieldFrom))


def _is_false(value: ast.expr) -> bool:
    """Whether nobody could tell a returned value from None."""
    return isinstance(value, ast.Constant) and (value.value is None or value.value is False)


def _of_text(node: ast.BinOp) -> bool:
    """Whether text is put together: the opposite would only be a type error."""
    sides = [side.value if isinstance(side, ast.Constant) else side for side in (node.left, node.right)]
    return any(isinstance(side, (str, ast.JoinedStr)) for side in sides)


def _constant(node: ast.Constant, tested: bool) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        yield node, ast.Constant(not value)
    elif isinstance(value, (int, float)):
        yield node, ast.Constant(value + 1)
    elif isinstance(value, str) and tested:
        yield node, ast.Constant(f"{value}~")


def _comparison(node: ast.Compare) -> Iterator[Change]:
    for place, operator in enumerate(node.ops):
        for table in (NEGATED, BOUNDARY):
            if type(operator) in table:
                operators = [*node.ops[:place], table[type(operator)](), *node.ops[place + 1 :]]
                yield node, ast.Compare(node.left, operators, node.comparators)


def _slice(node: ast.Slice) -> Iterator[Change]:
    """Move the ends; numbers are moved as such."""
    for end in (node.lower, node.upper):
        if end is not None and not isinstance(end, ast.Constant):
            yield end, ast.BinOp(end, ast.Add(), ast.Constant(1))
