"""The session cookie: a random name and its signature, so that nobody can make up the name of a session."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_session_id() -> str:
    """Return a name that cannot be guessed."""
    return secrets.token_hex(16)


def sign(secret: str, session_id: str) -> str:
    """Return the cookie for a session."""
    return f"{session_id}.{_signature(secret, session_id)}"


def verify(secret: str, cookie: str) -> str | None:
    """Return the session a cookie was made for, or None when we did not make it."""
    session_id, _, signature = cookie.partition(".")
    expected = _signature(secret, session_id)
    # As bytes: compare_digest refuses text beyond ASCII, and a cookie may hold anything.
    return session_id if session_id and hmac.compare_digest(signature.encode(), expected.encode()) else None


def _signature(secret: str, session_id: str) -> str:
    return hmac.new(secret.encode(), session_id.encode(), hashlib.sha256).hexdigest()
