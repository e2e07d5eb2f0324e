"""Passwords of the pages' users: hashed with argon2id, never kept, logged or shown. What hashes belongs into a native thread."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError

LEAST, MOST = 10, 200  # characters
ONE_TIME_BYTES = 12

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)  # 19 MB and about 40 ms of one core
# What an unknown user's password is compared with, for as long as a known one's takes. It was made of random bytes.
NOBODYS_HASH = "$argon2id$v=19$m=19456,t=2,p=1$DA90eAWYKwuGC2HCpivapg$mg3LcJ9A6thAsNJWvpKPi/fw0wPz/SEg3+X4jIjxxL8"


class BadPassword(IvrEngineError):
    """This can't be a password."""


def check_form(password: str, name: str) -> None:
    """Raises BadPassword for what is too short or guessed at once; its sentence does not tell the password."""
    if not LEAST <= len(password) <= MOST:
        raise BadPassword(Sentence("a password has %(least)s to %(most)s characters", least=LEAST, most=MOST))
    if name and name.casefold() in password.casefold():
        raise BadPassword(Sentence("a password must not contain the user's name"))
    if len(set(password)) < 4:
        raise BadPassword(Sentence("a password has at least 4 different characters"))


def one_time_password() -> str:
    return secrets.token_urlsafe(ONE_TIME_BYTES)


def make_hash(password: str) -> str:
    """For a native thread."""
    return _HASHER.hash(_bounded(password))


def matches(password: str, password_hash: str) -> bool:
    """For a native thread. A hash that is none fits nothing."""
    try:
        return _HASHER.verify(password_hash, _bounded(password))
    except (VerificationError, InvalidHashError):
        return False


def _bounded(password: str) -> bytes:
    """A longer one is wrong anyway, and must not cost more. Lone surrogates can come from no keyboard."""
    return password[: MOST + 1].encode("utf-8", "replace")
