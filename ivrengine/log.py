"""Logging: a plain sentence plus fields, one line each, with telephone numbers masked in this one place.

``note(log, "a call has come in", call_id=..., number=...)``; fields named in MASKED never show more than their last three
characters. Digits of secret steps are never given to a log at all.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from ivrengine.domain.caller import mask_number

MASKED = frozenset({"number", "callback_number", "extension", "destination"})
LONGEST_VALUE = 300  # characters of one field


def note(logger: logging.Logger, sentence: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """Log ``sentence`` with its fields. ``action`` and ``call_id`` are the usual ones."""
    if logger.isEnabledFor(level):
        logger.log(level, "%s%s", sentence, "".join(f" {key}={_shown(key, value)}" for key, value in fields.items()))


def _shown(key: str, value: Any) -> str:
    text = mask_number(str(value)) if key in MASKED else str(value)
    text = text.encode("utf-8", "replace").decode("utf-8")[:LONGEST_VALUE]
    return repr(text) if not text or any(c.isspace() or not c.isprintable() or c in "'\"=" for c in text) else text


def set_up(level: int = logging.INFO) -> None:
    """Send the log from ``level`` on to standard error, one line an entry."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Not shown, so not to be found out for each entry; a greenlet's thread is a stand-in that is made for it.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    root.setLevel(level)
    logging.getLogger("greenswitch").setLevel(logging.WARNING)
