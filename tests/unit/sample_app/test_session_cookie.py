"""The signature of the session cookie."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.sample_app.app.session_cookie import new_session_id, sign, verify


def test_signature_is_hmac_sha256() -> None:
    # RFC 4231, test case 2.
    mac = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign("Jefe", "what do ya want for nothing?") == f"what do ya want for nothing?.{mac}"


def test_own_cookie_is_recognized() -> None:
    session_id = new_session_id()
    assert verify("secret", sign("secret", session_id)) == session_id


def test_cookie_of_another_secret_is_refused() -> None:
    assert verify("secret", sign("other", new_session_id())) is None


def test_every_session_has_its_own_name() -> None:
    assert len({new_session_id() for _ in range(100)}) == 100


def test_empty_name_is_refused_even_when_signed() -> None:
    assert verify("secret", sign("secret", "")) is None


@given(st.text())
def test_made_up_cookie_is_refused_and_never_an_error(cookie: str) -> None:
    assert verify("secret", cookie) is None
