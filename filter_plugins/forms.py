"""What text and numbers may look like, by names that a role's meta/forms.yml gives to its options."""

import ipaddress
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.holdfast.platform.plugins.plugin_utils.addresses import is_address
from ansible_collections.holdfast.platform.plugins.plugin_utils.filters import filter_module

LARGEST = 2**31 - 1  # services keep numbers in 32 bits
LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
HOST = rf"(?=.{{1,253}}$){LABEL}(?:\.{LABEL})*(?<!\.)"
# Which control characters: a line break in whatever disguise ends a directive, and NUL a text
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029]")
NUL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
RANGE = re.compile(r"(?:at least )?(-?\d+(?:\.\d+)?)(?: to (\d+))?")


def _is_network(text: str) -> bool:
    try:
        return bool(ipaddress.ip_network(text, strict=False))
    except ValueError:
        return False


def _is_host(text: str) -> bool:
    # The last part of a name is never a number: 10.0.0.300 is a mistyped address
    return bool(re.fullmatch(HOST, text)) and not text.rpartition(".")[2].isdecimal()


def _is_url(text: str) -> bool:
    found = re.fullmatch(r"https?://(\[[0-9A-Fa-f:.]+\]|[^/:?#@\s]+)(?::(\d{1,5}))?([/?][!-~]*)?", text)
    if not found or (found[2] and not 1 <= int(found[2]) <= 65535):
        return False
    host = found[1]
    return is_address(host[1:-1]) if host.startswith("[") else is_address(host) or _is_host(host)


def _is_certified(text: str) -> bool:
    return _is_host(text.removeprefix("*.")) or is_address(text)


def _is_expression(text: str) -> bool:
    try:
        return bool(text and re.compile(text)) and '"' not in text
    except re.error:
        return False


# By name: what a text has to match, or to pass, and what to give instead
PATTERNS = {
    "email": (r"[!-?A-~]+@" + HOST, "an address such as operations@example.org"),
    "path": (r"(?!.*/\.\.?(/|$))/[A-Za-z0-9._+@%=/-]+", "an absolute path without blanks, colons or .."),
    "file": (r"/.+", "an absolute path"),
    "file name": (r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", "a name of letters, digits, dots, dashes and underscores"),
    "simple name": (r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", "up to 63 letters, digits, dashes and underscores"),
    "unix name": (r"[a-z_][a-z0-9_-]{0,31}", "up to 32 lower-case letters, digits, dashes and underscores"),
    "package": (r"[a-z0-9][a-z0-9+.-]+", "the name of a Debian package"),
    "interface": (r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}", "the name of an interface, up to 15 characters"),
    "unit": (r"[A-Za-z0-9:_.@\\-]+\.(service|socket|target)", "a systemd unit such as postgresql@17-main.service"),
    "activation": (r"(reload|restart|start|run) \S.*", "an activation such as `reload nginx.service`"),
    "schedule": (r"([0-9A-Za-z*,/-]+ +){4}[0-9A-Za-z*,/-]+", "five fields, such as 0 2 * * 0"),
    "setting": (r"[A-Za-z][A-Za-z0-9_.-]*", "the name of a setting, without blanks"),
    "kernel setting": (r"[a-z0-9_*./:@-]+", "the name of a kernel setting such as net.core.somaxconn"),
    "audit rule": (r"-[aAw] \S.*", "a rule of auditctl(8), such as -w /srv -p wa -k srv"),
    "header": (r"[A-Za-z0-9_-]+", "the name of a header"),
    "comment": (r"[^:]*", "text without a colon"),
    "sql": (r"(?s)\s*\S.*", "a query"),
    "line": (r".*\S.*", "a text that is not empty"),
    "pem": (r"(?s)\s*-----BEGIN [A-Z0-9 ]+-----\r?\n.*-----END [A-Z0-9 ]+-----\s*", "PEM, from BEGIN to END"),
}
PREDICATES: dict[str, tuple[Callable[[str], bool], str]] = {
    "address": (is_address, "an IPv4 or IPv6 address"),
    "network": (_is_network, "an address, or a network such as 10.0.0.0/8"),
    "host name": (_is_host, "a host name such as db1.example.org"),
    "host": (lambda text: _is_host(text) or is_address(text), "a host name or an address"),
    "host entry": (lambda text: text == "host-gateway" or is_address(text), "an address, or host-gateway"),
    "certificate name": (
        lambda text: _is_certified(text.removeprefix("DNS:")),
        "a host name, a wildcard or an address",
    ),
    "url": (_is_url, "a URL such as https://acme.example.org/directory"),
    "regular expression": (_is_expression, "a regular expression without double quotes"),
}
SEVERAL_LINES = {"text", "pem", "sql"}  # of the rest, each value is one line
KNOWN = {*PATTERNS, *PREDICATES, "text", "any"}
UNCHECKED = {"any"}  # the role itself has a sentence for it


def _number(value: float, form: str) -> str:
    """Return what a number must be instead, or nothing."""
    found = RANGE.fullmatch(form or "at least 0")
    if not found:
        raise ValueError(f"{form!r} is no range; write `1 to 255` or `at least 1`")
    low, high = float(found[1]), int(found[2] or LARGEST)
    if math.isfinite(value) and low <= value <= high:
        return ""
    return f"give {found[1]} or more" if value < low and not found[2] else f"give {found[1]} to {high}"


def _text(value: str, form: str, empty: bool) -> str:
    """Return what a text must be instead, or nothing."""
    if form in UNCHECKED or (not value and empty):
        return ""
    if (NUL if form in SEVERAL_LINES else CONTROL).search(value):
        several = "text without control characters"
        return f"give {several}" if form in SEVERAL_LINES else "give one line without control characters"
    if form in {"", "text"}:
        return ""
    pattern, instead = PATTERNS.get(form, ("", ""))
    fits = bool(re.fullmatch(pattern, value)) if pattern else PREDICATES[form][0](value)
    return "" if fits else f"give {instead or PREDICATES[form][1]}"


def _inside(value: Any, name: str, option: Mapping[str, Any], forms: Mapping[str, str], path: str) -> Iterator[str]:
    secret = {"no_log": True} if option.get("no_log") else {}
    if isinstance(value, Mapping):
        options = option.get("options") or {}
        for key, item in value.items():
            inner, place = options.get(key, {}), f"{path}.{key}"
            if not options:
                yield from _findings(str(key), f"a name in {name}", secret, forms, f"{path}{{names}}")
                inner, place = {"default": ""}, f"{path}{{values}}"
            yield from _findings(item, f"{name}.{key}", {**secret, **inner}, forms, place)
    else:
        given = {"type": option.get("elements"), "options": option.get("options"), **secret}
        for at, item in enumerate(value):
            yield from _findings(item, f"{name}[{at}]", given, forms, f"{path}[]")


def _findings(value: Any, name: str, option: Mapping[str, Any], forms: Mapping[str, str], path: str) -> Iterator[str]:
    form, instead = forms.get(path, ""), ""
    if isinstance(value, Mapping | list | tuple):
        yield from _inside(value, name, option, forms, path)
    elif isinstance(value, str) and not option.get("choices"):
        instead = _text(value, form if form in KNOWN else "", option.get("default") == "")
    elif isinstance(value, int | float) and not isinstance(value, bool) and form not in UNCHECKED:
        if form in KNOWN:
            instead = _text(str(value), form, False)
        elif form or option.get("type") in {"int", "float"}:
            instead = _number(value, form)
    if instead:
        shown = "given" if option.get("no_log") else repr(str(value)) if isinstance(value, str) else value
        yield f"{name} is {shown}; {instead}"


def unknown(forms: Mapping[str, Any], role: str, name: str) -> list[str]:
    """Return a sentence for every form of a variable, or of what is in it, that is none."""
    where = f"meta/forms.yml of role {role}" if role else "meta/forms.yml"
    instead = f"write a range such as `1 to 255` or `at least 1`, or one of {', '.join(sorted(KNOWN))}"
    return [
        f"{path} has the form {form!r} in {where}, which is none; {instead}"
        for path, form in forms.items()
        if re.fullmatch(rf"{re.escape(name)}([\[.{{].*)?", path)
        if not isinstance(form, str) or not (form in KNOWN or RANGE.fullmatch(form))
    ]


def form_findings(value: Any, name: str, option: dict[str, Any], forms: dict[str, str], role: str = "") -> list[str]:
    """Return one sentence for every text or number in a value that has not the form its option asks for."""
    if not isinstance(option, Mapping) or not isinstance(forms, Mapping):
        raise TypeError("form_findings takes a value, its name, its option and forms by path")
    return unknown(forms, role, name) or list(_findings(value, name, option, forms, name))


FilterModule = filter_module(form_findings)
