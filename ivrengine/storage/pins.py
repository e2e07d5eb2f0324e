"""PINs: hashed slowly, compared in constant time, never kept, logged or shown. What hashes belongs into a native thread.

A hash reads ``scrypt$16384$8$1$<salt>$<key>``; its cost stands in it, so that it can be raised without asking for new PINs.
Refuses PINs that are no digits or too short, and hashes whose cost would stop the engine.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re

from ivrengine.errors import IvrEngineError

PIN_LEAST_DIGITS = 4
PIN_MOST_DIGITS = 12
PIN_LIMIT = 64  # characters that are looked at: a longer one is wrong anyway
COST, BLOCK, LANES = 2**14, 8, 1  # 16 MB and about 50 ms of one core
MOST_COST, MOST_BLOCK, MOST_LANES = 2**17, 16, 4
SALT_BYTES = 16
KEY_BYTES = 32
_HASH = re.compile(r"scrypt\$(\d{4,6})\$(\d{1,2})\$(\d)\$([A-Za-z0-9+/]{16,64}={0,2})\$([A-Za-z0-9+/]{40,90}={0,2})", re.ASCII)
_PIN = re.compile(rf"[0-9]{{{PIN_LEAST_DIGITS},{PIN_MOST_DIGITS}}}", re.ASCII)
# What an unknown agent's PIN is compared with, for as long as a known one's takes. No PIN has this key.
NOBODYS_HASH = f"scrypt${COST}${BLOCK}${LANES}${base64.b64encode(bytes(SALT_BYTES)).decode()}${base64.b64encode(bytes(KEY_BYTES)).decode()}"


class BadPin(IvrEngineError):
    """A PIN has four to twelve digits."""


def check_form(pin: str) -> None:
    """Raises BadPin for what can't be keyed or is too easy; its sentence does not tell the PIN."""
    if not _PIN.fullmatch(pin):
        raise BadPin(f"a PIN has {PIN_LEAST_DIGITS} to {PIN_MOST_DIGITS} digits and nothing else")


def is_hash(text: str) -> bool:
    """True for what ``make_hash`` gives, at a cost that is bearable."""
    match = _HASH.fullmatch(text)
    if match is None:
        return False
    cost, block, lanes = int(match[1]), int(match[2]), int(match[3])
    try:
        key = base64.b64decode(match[5], validate=True)
        base64.b64decode(match[4], validate=True)
    except binascii.Error:
        return False
    power_of_two = cost & (cost - 1) == 0
    return power_of_two and cost <= MOST_COST and 1 <= block <= MOST_BLOCK and 1 <= lanes <= MOST_LANES and len(key) == KEY_BYTES


def make_hash(pin: str) -> str:
    """A hash with a salt of its own. For a native thread: it takes a twentieth of a second."""
    salt = os.urandom(SALT_BYTES)
    key = _key(pin, salt, COST, BLOCK, LANES)
    return f"scrypt${COST}${BLOCK}${LANES}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def matches(pin: str, pin_hash: str) -> bool:
    """True for the PIN that ``pin_hash`` was made of. For a native thread. A hash that is none costs the same and fits nothing."""
    match = _HASH.fullmatch(pin_hash if is_hash(pin_hash) else NOBODYS_HASH)
    assert match is not None
    key = _key(pin, base64.b64decode(match[4]), int(match[1]), int(match[2]), int(match[3]))
    return hmac.compare_digest(key, base64.b64decode(match[5]))


def _key(pin: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    memory = 128 * cost * block + 128 * block * lanes + (1 << 20)
    return hashlib.scrypt(pin[:PIN_LIMIT].encode("utf-8", "replace"), salt=salt, n=cost, r=block, p=lanes, maxmem=memory, dklen=KEY_BYTES)
