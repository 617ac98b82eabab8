"""Jinja as a tree: which variables a text really shows, told apart from those it only asks about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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


def shown(text: str, wanted: frozenset[str], inner: frozenset[str] = frozenset()) -> set[str]:
    """Return the wanted variables whose value can come out of the text.

    What is only compared, tested or counted does not come out, nor do other attributes than the inner ones of a list.
    """
    if "{" not in text:
        return set()
    try:
        tree = ENVIRONMENT.parse(text)
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
    found: set[str] = set()
    for child in children:
        found |= _shown(child, wanted, inner)
    return found


def _is_projection(node: nodes.Filter, inner: frozenset[str]) -> bool:
    """Tell whether this is map(attribute='x') with an x that is no secret."""
    given = {str(pair.key): pair.value for pair in node.kwargs}
    attribute = given.get("attribute")
    return node.name == "map" and isinstance(attribute, nodes.Const) and attribute.value not in inner
