"""What a PIN and the hash of one look like. Hashing and comparing is the storage's (``storage/pins.py``).

A hash reads ``scrypt$16384$8$1$<salt>$<key>``: its cost stands in it, so that it can be raised without asking for new PINs.
"""

from __future__ import annotations

import base64
import binascii
import re

from ivrengine.domain.sentence import Sentence

PIN_LEAST_DIGITS = 4
PIN_MOST_DIGITS = 12
PIN_FORM = Sentence("%(least)s to %(most)s digits and nothing else", least=PIN_LEAST_DIGITS, most=PIN_MOST_DIGITS)
MOST_COST, MOST_BLOCK, MOST_LANES = 2**17, 16, 4  # a dearer hash, put there by an import, would stop the engine
KEY_BYTES = 32
HASH = re.compile(r"scrypt\$(\d{4,6})\$(\d{1,2})\$(\d)\$([A-Za-z0-9+/]{16,64}={0,2})\$([A-Za-z0-9+/]{40,90}={0,2})", re.ASCII)
_PIN = re.compile(rf"[0-9]{{{PIN_LEAST_DIGITS},{PIN_MOST_DIGITS}}}", re.ASCII)


def is_pin(text: str) -> bool:
    return _PIN.fullmatch(text) is not None


def is_pin_hash(text: str) -> bool:
    """True for what ``storage/pins.py`` makes, at a cost that is bearable."""
    match = HASH.fullmatch(text)
    if match is None:
        return False
    cost, block, lanes = int(match[1]), int(match[2]), int(match[3])
    try:
        base64.b64decode(match[4], validate=True)
        key = base64.b64decode(match[5], validate=True)
    except binascii.Error:
        return False
    power_of_two = cost & (cost - 1) == 0
    return power_of_two and cost <= MOST_COST and 1 <= block <= MOST_BLOCK and 1 <= lanes <= MOST_LANES and len(key) == KEY_BYTES
