"""Forms: what text and numbers of an option may look like; each form with both sides of its bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Findings = Callable[..., list[str]]
PEM = "-----BEGIN X-----\nAAAA\n-----END X-----\n"

RIGHT_AND_WRONG: dict[str, tuple[list[str], list[str]]] = {
    "email": (["a@b.example", "o.p+x@example.org"], ["a", "a@", "@b.example", "a b@c.example", "a@b@c.example"]),
    "path": (["/a", "/srv/a-b_c.d/e"], ["/", "a", "/a b", "/a:b", "/a/../b", "/a/.", "/.."]),
    "file": (["/a b", "/a/../b"], ["a", "~/a", "/"]),
    "file name": (["a", "a.b-c_d", "a" * 100], ["", ".a", "a/b", "a b", "a" * 101]),
    "simple name": (["main", "a" * 63, "1-a_b"], ["", "-a", "a.b", "a b", "a" * 64]),
    "unix name": (["_a", "a-1", "a" * 32], ["", "A", "1a", "a" * 33, "a,b"]),
    "package": (["g++", "libc6", "a1"], ["", "a", "A1", "-y", "a b"]),
    "interface": (["eth0", "br-1.2@x", "a" * 15], ["", "a" * 16, "eth 0", "a/b", "-a"]),
    "unit": (["a.service", "postgresql@17-main.service", "x.socket"], ["a", "a b.service", ".service"]),
    "activation": (["reload a", "restart a.service", "start a", "run sh -c x"], ["reload", "reload ", "stop a", "a"]),
    "schedule": (["0 2 * * 0", "H 8,14 1-5 jan */2"], ["", "0 2 * *", "0 2 * * 0 0", "@daily"]),
    "setting": (["work_mem", "net-x.y"], ["", "a b", "a=b", "a'b", "1a"]),
    "kernel setting": (["net.core.somaxconn", "net/ipv4/conf/eth0.1/x"], ["", "a b", "a=b"]),
    "audit rule": (["-w /srv -p wa", "-a always,exit"], ["-D", "-w", "-w ", "audit all", ""]),
    "header": (["X-A", "X_B"], ["", "X A", "X:"]),
    "comment": (["Jane Roe, office"], ["a:b"]),
    "sql": (["SELECT\n1"], ["", " \n "]),
    "line": (["a b"], ["", "  "]),
    "pem": ([PEM, PEM.strip()], ["", "hello", "-----BEGIN X-----\nAAAA\n"]),
    "address": (["10.0.0.1", "fd00::1"], ["", "10.0.0.300", "10.0.0.1/8", "a"]),
    "network": (["10.0.0.1", "10.0.0.0/8", "10.0.0.1/8", "fd00::/64"], ["", "10.0.0.0/33", "a"]),
    "host name": (["a", "db1.example.org", "a_b", "x" * 63], ["", "-a", "a-", "a..b", "a.", "10.0.0.1", "x" * 64]),
    "host": (["a.example.org", "10.0.0.1", "fd00::1"], ["", "10.0.0.300", "a:80"]),
    "host entry": (["10.0.0.1", "host-gateway"], ["", "a.example.org"]),
    "certificate name": (["a.example.org", "*.example.org", "10.0.0.1", "DNS:10.0.0.1"], ["", "*", "a *.b", "https://x"]),
    "url": (
        ["https://a.example.org", "http://10.0.0.1:8080/x?y", "https://[fd00::1]/"],
        ["", "a.example.org", "https://", "https://a b", "https://a:65536", "https://a:0", "https://10.0.0.300/", "ftp://a"],
    ),
    "regular expression": (["a.*", "linux-image-"], ["", "a(", 'a"b']),
    "text": (["a\nb\tc", ""], ["a\x00b", "a\x1b[0m"]),
    "any": (["a\x00b", ""], []),
    "": (["a b", "a\tb", "Grüße"], ["a\nb", "a\rb", "a\x00b", "a\x7f", "a\u2028b", "a\x85b"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def findings(filters: dict[str, Findings]) -> Findings:
    return filters["form_findings"]


@pytest.mark.parametrize("form", RIGHT_AND_WRONG)
def test_a_text_has_its_form(findings: Findings, form: str) -> None:
    right, wrong = RIGHT_AND_WRONG[form]
    forms = {"x": form} if form else {}
    assert [text for text in right if findings(text, "x", {"type": "str"}, forms)] == []
    assert [text for text in wrong if not findings(text, "x", {"type": "str"}, forms)] == []


@pytest.mark.parametrize(
    ("value", "form", "said"),
    [
        (0, "", ""),
        (2**31 - 1, "", ""),
        (2**31, "", "x is 2147483648; give 0 to 2147483647"),
        (-1, "", "x is -1; give 0 or more"),
        (-1, "at least -1", ""),
        (-2, "at least -1", "x is -2; give -1 or more"),
        (0, "at least 1", "x is 0; give 1 or more"),
        (255, "1 to 255", ""),
        (256, "1 to 255", "x is 256; give 1 to 255"),
        (0, "1 to 255", "x is 0; give 1 to 255"),
        (4294967293, "1 to 4294967293", ""),
        (0.5, "", ""),
        (float("nan"), "", "x is nan; give 0 to 2147483647"),
        (float("inf"), "", "x is inf; give 0 to 2147483647"),
        (True, "", ""),
        (7, "address", "x is 7; give an IPv4 or IPv6 address"),
        (-7, "any", ""),
    ],
)
def test_a_number_has_its_range(findings: Findings, value: float, form: str, said: str) -> None:
    forms = {"x": form} if form else {}
    assert findings(value, "x", {"type": "float"}, forms) == ([said] if said else [])


def test_an_empty_text_is_right_where_it_is_the_default(findings: Findings) -> None:
    assert findings("", "x", {"type": "str", "default": ""}, {"x": "path"}) == []
    assert findings("", "x", {"type": "str", "default": "/a"}, {"x": "path"}) != []


def test_forms_reach_into_a_value(findings: Findings) -> None:
    option: dict[str, Any] = {
        "type": "list",
        "options": {
            "id": {"type": "int"},
            "mode": {"choices": ["a"]},
            "more": {"type": "dict"},
            "names": {"type": "list"},
        },
    }
    forms = {"x[].id": "1 to 9", "x[].more{names}": "setting", "x[].more{values}": "address", "x[].names[]": "host"}
    good = {"id": 1, "mode": "b\n", "more": {"a": "10.0.0.1", "b": ""}, "names": ["h"]}
    assert findings([good], "x", option, {**forms, "x[].more{values}": "text"}) == []
    assert findings([good, {"id": 10, "more": {"a b": "c"}, "names": ["h", "-"]}], "x", option, forms) == [
        "x[1].id is 10; give 1 to 9",
        "a name in x[1].more is 'a b'; give the name of a setting, without blanks",
        "x[1].more.a b is 'c'; give an IPv4 or IPv6 address",
        "x[1].names[1] is '-'; give a host name or an address",
    ]


def test_numbers_of_other_programs_are_their_own(findings: Findings) -> None:
    assert findings({"x": -5, "y": 2**40}, "x_settings", {"type": "dict"}, {}) == []
    assert findings({"x": "a\nb"}, "x_settings", {"type": "dict"}, {}) != []


def test_a_secret_is_not_shown(findings: Findings) -> None:
    option = {"type": "dict", "no_log": True}
    assert findings({"a": "b\nc"}, "x", option, {}) == ["x.a is given; give one line without control characters"]
    assert findings("b\nc", "x", {"no_log": True}, {}) == ["x is given; give one line without control characters"]


@pytest.mark.parametrize("form", ["at lest 1", "shape", "1 to", "", 5, None])
@pytest.mark.parametrize("path", ["x", "x[]", "x[].y", "x{names}"])
def test_a_form_that_is_none_is_one_sentence(findings: Findings, path: str, form: Any) -> None:
    """It was a traceback, and named neither option nor role."""
    (said,) = findings(["a"], "x", {}, {path: form, "xy": "another", "y": "another"}, "mail")
    assert said.startswith(
        f"{path} has the form {form!r} in meta/forms.yml of role mail, which is none; write a range such as `1 to 255` "
        "or `at least 1`, or one of activation, address, any, audit rule, "
    )
    assert findings(["a"], "x", {}, {path: form})[0].startswith(
        f"{path} has the form {form!r} in meta/forms.yml, which"
    )


def test_a_form_of_another_variable_is_its_own_finding(findings: Findings) -> None:
    assert findings("a", "x", {}, {"x": "host", "xy": "shape", "x_y": "shape"}) == []


def test_arguments_are_checked(refusal: Callable[..., str]) -> None:
    assert "takes a value" in refusal("form_findings", "x", "x", [], {})
