"""What site.yml tells of the sites it has asked."""

from collections.abc import Callable
from typing import Any

Filters = dict[str, Callable[..., Any]]


def test_the_sites_that_do_not_answer(filters: Filters) -> None:
    """One line per host; the URLs of both hosts once. Hosts that were not asked, in check mode too, say nothing."""
    said = '{"silent": {"api": "answers 502 Bad Gateway", "shop": "does not answer within 10 s"}, "urls": ["https://b", "https://a"]}'
    hosts = [
        {"inventory_hostname": "edge1", "asked": {"stdout": said}},
        {"inventory_hostname": "edge2", "asked": {"stdout": said}},
        {"inventory_hostname": "edge3", "asked": {"stdout": '{"silent": {}, "urls": []}'}},
        {"inventory_hostname": "edge4", "asked": {"skipped": True}},
        {"inventory_hostname": "edge5", "asked": {"stdout": ""}},
        {"inventory_hostname": "app1"},
    ]
    line = "api answers 502 Bad Gateway, shop does not answer within 10 s"
    assert filters["silent_sites"](hosts, "asked") == {
        "rows": {"edge1": line, "edge2": line},
        "urls": ["https://a", "https://b"],
    }
    assert filters["silent_sites"]([], "asked") == {"rows": {}, "urls": []}
