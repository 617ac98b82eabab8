"""Jinja as a tree: which variables a text really shows, told apart from those it only asks about."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateSyntaxError, nodes

from tests.contract.contracts.repo import mentions


class AnyName(dict[str, Callable[..., Any]]):
    """Filters and tests by any name: Ansible's are not known to Jinja itself, and nothing is rendered here."""

    def get(self, _name: Any, _default: Any = None) -> Callable[..., Any]:
        return lambda *_: None


# StrictUndefined is how Ansible renders; escaping is for HTML.
EXTENSIONS = ["jinja2.ext.do", "jinja2.ext.loopcontrols"]
ENVIRONMENT = Environment(undefined=StrictUndefined, extensions=EXTENSIONS)  # noqa: S701
ENVIRONMENT.filters = AnyName()
ENVIRONMENT.tests = AnyName()  # type: ignore[assignment]

COUNTING = {"length", "count"}
LONGEST = 160  # characters of an expression in YAML: what is longer is a function, which has tests of its own
ENDS = {"variable_begin": "variable_end", "block_begin": "block_end"}


def written(text: str) -> Iterator[str]:
    """Yield what stands between braces in a text, on one line."""
    end, words = "", ""
    for _line, kind, value in ENVIRONMENT.lex(text):
        if kind in ENDS:
            end, words = ENDS[kind], ""
        elif kind == end:
            yield " ".join(words.split())
        else:
            words += value


def assigns(text: str) -> bool:
    """Whether Jinja gathers a value: that is a loop of a function."""
    return re.search(r"\{%[-+]?\s*set\b", text) is not None


def parse(text: str) -> nodes.Template:
    """Return a template as a tree; regular expressions in it may hold escapes Python warns of, as in Ansible."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ENVIRONMENT.parse(text)


def shown(text: str, wanted: frozenset[str], inner: frozenset[str] = frozenset()) -> set[str]:
    """Return the wanted variables whose value can come out of the text.

    What is only compared, tested or counted does not come out; of the items of a list only the inner attributes do.
    """
    if "{" not in text:
        return set()
    try:
        tree = parse(text)
    except TemplateSyntaxError:
        return set(mentions(text, wanted))
    return _shown(tree, wanted, inner)


def _shown(node: nodes.Node, wanted: frozenset[str], inner: frozenset[str]) -> set[str]:
    if isinstance(node, nodes.Name):
        return {node.name} & wanted
    if isinstance(node, nodes.Compare | nodes.Test | nodes.Not):
        return set()
    children: Iterable[nodes.Node] = node.iter_child_nodes(exclude=("test",))
    if isinstance(node, nodes.Filter) and (node.name in COUNTING or _is_projection(node, inner)):
        children = node.args
    if isinstance(node, nodes.For) and not _gives_away(node, inner):
        children = node.body + node.else_
    found: set[str] = set()
    for child in children:
        found |= _shown(child, wanted, inner)
    return found


def _gives_away(loop: nodes.For, inner: frozenset[str]) -> bool:
    """Tell whether a loop uses its items as a whole, or an inner attribute of theirs."""
    if not isinstance(loop.target, nodes.Name):
        return True
    name = loop.target.name
    parts = [part for statement in loop.body for part in [statement, *statement.find_all(nodes.Node)]]
    uses = sum(isinstance(part, nodes.Name) and part.name == name for part in parts)
    harmless = sum(_attribute(part, name) not in {None, "get", *inner} for part in parts)
    return uses != harmless


def _attribute(node: nodes.Node, name: str) -> str | None:
    """Return x for `name.x`, `name['x']` and `name.get('x', ...)`."""
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and _attribute(node.node, name) == "get":
        return node.args[0].value if node.args and isinstance(node.args[0], nodes.Const) else None
    if (
        not isinstance(node, nodes.Getattr | nodes.Getitem)
        or not isinstance(node.node, nodes.Name)
        or node.node.name != name
    ):
        return None
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.arg.value if isinstance(node.arg, nodes.Const) else None


def _is_projection(node: nodes.Filter, inner: frozenset[str]) -> bool:
    """Tell whether this is map(attribute='x') with an x that is no secret."""
    given = {str(pair.key): pair.value for pair in node.kwargs}
    attribute = given.get("attribute")
    return node.name == "map" and isinstance(attribute, nodes.Const) and attribute.value not in inner
