"""Fields of step schemas that speak of keys: one key, patterns of keys, how many digits, prompts by attempt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from ivrengine.domain.sentence import Sentence

from .keymatch import LONGEST_ENTRY, is_pattern
from .types import KEYS, Prompts, refusal

_SPAN = re.compile(r"(\d{1,15})(?:\s*-\s*(\d{1,15}))?\Z")


def _key(value: Any) -> str:
    text = str(value)
    if len(text) != 1 or text not in KEYS:
        raise refusal(Sentence('"%(text)s" is not one key', text=text[:60]), Sentence('write one of 0-9, "*" or "#"'))
    return text


def _terminator(value: Any) -> str:
    return "" if value in ("none", "") else _key(value)


Terminator = Annotated[str, BeforeValidator(_terminator)]
"""The key that ends an entry; ``none`` becomes an empty text."""

Key = Annotated[str, BeforeValidator(_key)]
"""One key of the telephone."""


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _checked_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        if not is_pattern(pattern):
            raise refusal(
                Sentence(
                    '"%(pattern)s" is not a pattern of keys: digits, * and #, and x for any digit, at most %(most)s',
                    pattern=pattern[:60],
                    most=LONGEST_ENTRY,
                )
            )
    return patterns


KeyPatterns = Annotated[tuple[str, ...], BeforeValidator(_as_list), AfterValidator(_checked_patterns)]
"""One pattern of keys or a list of them: ``8xxx`` has an x for any digit."""


def _by_attempt(value: Any) -> Any:
    return value if isinstance(value, dict) and all(str(key).isdigit() for key in value) else {"2": value}


PromptsByAttempt = Annotated[dict[int, Prompts], BeforeValidator(_by_attempt)]
"""Prompts from the second attempt on, or ``{2: [short], 3: [last_chance]}``."""


def prompt_for(attempt: int, prompt: Prompts, retry: Mapping[int, Prompts]) -> Prompts:
    """The highest prompt listed that is not above the attempt (1 is the first); the last one repeats."""
    listed = [number for number in retry if number <= attempt]
    return retry[max(listed)] if listed else prompt


@dataclass(frozen=True, slots=True)
class Span:
    """Whole numbers from ``least`` to ``most``, both included."""

    least: int
    most: int


def _span(value: Any) -> Any:
    if isinstance(value, Span):
        return value
    match = _SPAN.match(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise refusal(Sentence('"%(value)s" is neither a whole number nor a span such as 4-6', value=str(value)[:60]))
    least = int(match[1])
    most = int(match[2]) if match[2] else least
    if most < least:
        raise refusal(Sentence('"%(value)s" ends before it begins', value=value))
    return Span(least, most)


def _digit_count(span: Span) -> Span:
    if not 1 <= span.most < LONGEST_ENTRY:
        raise refusal(Sentence("an entry has between 1 and %(most)s digits", most=LONGEST_ENTRY - 1))
    return span


NumberSpan = Annotated[Span, BeforeValidator(_span)]
"""``1-100``, or one number."""

DigitCount = Annotated[Span, BeforeValidator(_span), AfterValidator(_digit_count)]
"""How many digits: ``4``, or ``4-6``."""


def all_different(keys: Mapping[str, str | None]) -> None:
    """Refuse one key with two meanings; ``keys`` maps a field's name to its key, None where it has none."""
    owner: dict[str, str] = {}
    for field, key in keys.items():
        if key is not None and key in owner:
            raise refusal(Sentence('"%(field)s" and "%(other)s" both use the key %(key)s', field=field, other=owner[key], key=key))
        if key is not None:
            owner[key] = field
