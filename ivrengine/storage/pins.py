"""PINs: hashed slowly, compared in constant time, never kept, logged or shown. What hashes belongs into a native thread."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError
from ivrengine.site.pin_form import HASH, KEY_BYTES, PIN_FORM, is_pin, is_pin_hash

COST, BLOCK, LANES = 2**14, 8, 1  # 16 MB and about 50 ms of one core
SALT_BYTES = 16
PIN_LIMIT = 64  # characters that are looked at: a longer one is wrong anyway


def _written(salt: bytes, key: bytes) -> str:
    return f"scrypt${COST}${BLOCK}${LANES}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


# What an unknown agent's PIN is compared with, for as long as a known one's takes. No PIN has this key.
NOBODYS_HASH = _written(bytes(SALT_BYTES), bytes(KEY_BYTES))


class BadPin(IvrEngineError):
    """This can't be a PIN."""


def check_form(pin: str) -> None:
    """Raises BadPin for what can't be keyed or is too short; its sentence does not tell the PIN."""
    if not is_pin(pin):
        raise BadPin(Sentence("a PIN has %(form)s", form=PIN_FORM))


def make_hash(pin: str) -> str:
    """A hash with a salt of its own. For a native thread: it takes a twentieth of a second."""
    salt = os.urandom(SALT_BYTES)
    return _written(salt, _key(pin, salt, COST, BLOCK, LANES))


def matches(pin: str, pin_hash: str) -> bool:
    """True for the PIN that ``pin_hash`` was made of. For a native thread. A hash that is none costs the same and fits nothing."""
    match = HASH.fullmatch(pin_hash if is_pin_hash(pin_hash) else NOBODYS_HASH)
    assert match is not None
    key = _key(pin, base64.b64decode(match[4]), int(match[1]), int(match[2]), int(match[3]))
    return hmac.compare_digest(key, base64.b64decode(match[5]))


def _key(pin: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    memory = 128 * cost * block + 128 * block * lanes + (1 << 20)
    text = pin[:PIN_LIMIT].encode("utf-8", "replace")
    return hashlib.scrypt(text, salt=salt, n=cost, r=block, p=lanes, maxmem=memory, dklen=KEY_BYTES)
