"""Checks of an entry beyond its length, each with what the caller hears when it fails."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from ivrengine.domain.sentence import Sentence

from .context import StepContext
from .expressions import Expression, ExpressionError
from .keyfields import DigitCount, KeyPatterns, NumberSpan, refusal
from .keymatch import pattern_matches
from .types import Prompts, StepSpec


class EntryCheck(StepSpec):
    """One check: a length, a range of numbers, a pattern of keys, an expression of the variable, or Luhn's check digit."""

    length: DigitCount | None = None
    range: NumberSpan | None = None
    pattern: KeyPatterns = ()
    expression: Expression | None = None
    luhn: bool = False
    say: Prompts

    @model_validator(mode="after")
    def _one_test(self) -> EntryCheck:
        tests = (self.length is not None, self.range is not None, bool(self.pattern), self.expression is not None, self.luhn)
        if sum(tests) != 1:
            raise refusal(Sentence("a check has exactly one of length, range, pattern, expression and luhn: true"))
        return self

    def passes(self, context: StepContext, variable: str, entry: str) -> bool:
        if self.length is not None:
            return self.length.least <= len(entry) <= self.length.most
        if self.range is not None:
            return entry.isdigit() and self.range.least <= int(entry) <= self.range.most
        if self.pattern:
            return any(pattern_matches(pattern, entry) for pattern in self.pattern)
        if self.expression is not None:
            return self._true(context, {variable: entry}, self.expression)
        return luhn_holds(entry)

    def _true(self, context: StepContext, entry: dict[str, Any], expression: Expression) -> bool:
        try:
            return bool(expression.evaluate({**context.variables(), **entry}))
        except ExpressionError:  # its message may quote the entry, which may be secret
            context.alarm("expression_failed", Sentence("the check %(text)r can't be worked out for an entry", text=expression.text))
            return False


def luhn_holds(digits: str) -> bool:
    """Luhn's check, as on bank cards. False for anything but digits."""
    if not digits.isdigit():
        return False
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
