"""Sites are asked through the edge, as visitors ask them: TLS, their own name, a real answer."""

from __future__ import annotations

import importlib.util
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = Path(__file__).parents[3] / "roles/nginx/files/usr/local/lib/holdfast/site-answers"
SITE = """# Managed by Holdfast; changes made here are overwritten.
server {{
    listen 80;
    server_name {names};
}}
server {{
    listen 443 ssl;
    server_name {names};
}}
"""


class Edge(BaseHTTPRequestHandler):
    """Answers by the name it is asked for."""

    answers: dict[str, list[int]]
    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        name = self.headers["Host"]
        self.asked.append((name, self.path))
        codes = self.answers[name]
        self.send_response(codes.pop(0) if len(codes) > 1 else codes[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program, on a host whose nginx has no site yet."""
    loader = SourceFileLoader("site_answers", str(PROGRAM))
    spec = importlib.util.spec_from_loader("site_answers", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    for name in ("SITES", "CLOSED"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(module, name, tmp_path / name)
    monkeypatch.setattr(module, "PAUSE", 0.01)
    return module


@pytest.fixture
def edge(tmp_path: Path, program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Edge]]:
    """A server with a certificate of nobody, in place of nginx."""
    pair = [str(tmp_path / "edge.key"), str(tmp_path / "edge.crt")]
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=else.example"]
    subprocess.run([*request, "-keyout", pair[0], "-out", pair[1]], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair[1], pair[0])

    def greet(_connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
        return None if name in handler.answers else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    handler: type[Edge] = type("Handler", (Edge,), {"answers": {}, "asked": []})
    context.sni_callback = greet
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    monkeypatch.setattr(server, "handle_error", lambda *_: None)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setattr(program, "EDGE", server.server_address)
    yield handler
    server.shutdown()
    server.server_close()


def serve(program: ModuleType, **sites: str) -> None:
    for name, names in sites.items():
        (program.SITES / f"holdfast-site-{name}.conf").write_text(SITE.format(names=names))


def told(program: ModuleType, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["site-answers", *arguments])
        program.main()
    return dict(json.loads(capsys.readouterr().out))


def test_what_a_visitor_gets(program: ModuleType, edge: type[Edge], capsys: pytest.CaptureFixture[str]) -> None:
    """An error of the edge or of the application is told; a refusal and a redirect are answers."""
    names = {
        "ok": 200,
        "gone": 404,
        "login": 302,
        "closed": 403,
        "old": 499,
        "bad": 502,
        "busy": 503,
        "late": 504,
        "own": 500,
    }
    edge.answers = {f"{name}.example": [code] for name, code in names.items()}
    serve(program, **{name: f"{name}.example www.{name}.example" for name in names})
    assert told(program, capsys) == {
        "silent": {
            "bad": "answers 502 Bad Gateway",
            "busy": "answers 503 Service Unavailable",
            "late": "answers 504 Gateway Timeout",
            "own": "answers 500 Internal Server Error",
        },
        "urls": [
            f"https://{name}.example"
            for name in ("bad", "www.bad", "busy", "www.busy", "late", "www.late", "own", "www.own")
        ],
    }
    assert set(edge.asked) == {(f"{name}.example", "/") for name in names}


def test_a_site_that_is_closed_is_not_asked(
    program: ModuleType, edge: type[Edge], capsys: pytest.CaptureFixture[str]
) -> None:
    """Its 503 is meant; and a file of somebody else is none of our sites."""
    edge.answers = {"shop.example": [503]}
    serve(program, shop="shop.example")
    (program.CLOSED / "shop.conf").touch()
    (program.SITES / "other.conf").write_text(SITE.format(names="shop.example"))
    assert told(program, capsys) == {"silent": {}, "urls": []}
    assert edge.asked == []


def test_a_wildcard_is_asked_by_a_name_below_it(
    program: ModuleType, edge: type[Edge], capsys: pytest.CaptureFixture[str]
) -> None:
    """Or by another name of the site."""
    edge.answers = {"www.shop.example": [200], "shop.example": [200]}
    serve(program, a="*.shop.example", b="*.shop.example shop.example")
    assert told(program, capsys) == {"silent": {}, "urls": []}
    assert sorted(edge.asked) == [("shop.example", "/"), ("www.shop.example", "/")]


def test_who_was_just_restarted_gets_some_seconds(
    program: ModuleType, edge: type[Edge], capsys: pytest.CaptureFixture[str]
) -> None:
    """Only when asked for; status tells what is."""
    serve(program, shop="shop.example")
    edge.answers = {"shop.example": [502, 502, 200]}
    assert told(program, capsys, "30") == {"silent": {}, "urls": []}
    edge.answers = {"shop.example": [502, 200]}
    assert told(program, capsys)["silent"] == {"shop": "answers 502 Bad Gateway"}


@pytest.mark.usefixtures("edge")
def test_an_edge_that_does_not_answer(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that it does not know, silence, nobody there, and a name that is none."""
    serve(program, shop="shop.example")
    unknown = told(program, capsys)["silent"]
    assert isinstance(unknown, dict)
    assert "UNRECOGNIZED_NAME" in unknown["shop"]
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setattr(program, "EDGE", mute.getsockname())
        monkeypatch.setattr(program, "SECONDS", 0.5)
        assert told(program, capsys)["silent"] == {"shop": "does not answer within 0.5 s"}
    refused = told(program, capsys)["silent"]
    assert isinstance(refused, dict)
    assert "Connection refused" in refused["shop"]


def test_a_host_without_sites(program: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to ask, nothing to tell."""
    assert told(program, capsys) == {"silent": {}, "urls": []}
