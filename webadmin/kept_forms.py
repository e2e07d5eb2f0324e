"""What somebody had typed when their session ended: it travels in the log-in page, signed, and is offered again after the log-in.

Nothing is kept on this side, and nothing is sent without a click. Refuses forms that did not come from a page of ours (they lack its
token), what is too long for a page, and keeps no password, PIN or file.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, request
from flask_wtf.csrf import validate_csrf
from itsdangerous import BadData, URLSafeTimedSerializer
from wtforms.validators import ValidationError

LIMIT = 200_000  # bytes of a form
AGE_SECONDS = 86_400  # between the form and the log-in
TOKEN = "csrf_token"
SECRETS = ("password", "pin")  # fields whose names have this in them


@dataclass(frozen=True, slots=True)
class KeptForm:
    """``to``: where it was sent, on these pages."""

    to: str
    fields: tuple[tuple[str, str], ...]


def keep() -> str:
    """The form of this request, for ``kept`` to read; "" where there is nothing to keep."""
    if not request.form or (request.content_length or 0) > LIMIT:
        return ""
    try:
        validate_csrf(request.form.get(TOKEN))
    except ValidationError:
        return ""
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != TOKEN and not _is_secret(name)]
    text = _serializer().dumps([request.full_path.rstrip("?"), fields])
    return text if isinstance(text, str) and len(text) <= LIMIT else ""


def kept(text: str) -> KeptForm | None:
    try:
        to, fields = _serializer().loads(text, max_age=AGE_SECONDS) if text else ("", [])
    except BadData:
        return None
    return KeptForm(to, tuple((name, value) for name, value in fields)) if fields else None


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in SECRETS)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="a form that was sent without a session")
