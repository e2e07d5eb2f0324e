"""What the steps that ring someone share: a destination that is fixed or worked out, ringing, and the end of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import PlainValidator

from ivrengine.domain.commands import Dial
from ivrengine.domain.events import CallEvent, DialEnded
from ivrengine.domain.sentence import Sentence

from .context import StepContext
from .expressions import Expression, ExpressionError
from .keyfields import refusal
from .types import ExtensionNumber, OutsideNumber

DIALLING = "dialling"  # key of a step's state: the token of the Dial that is under way


def _fixed_or_expression(kind: type[ExtensionNumber] | type[OutsideNumber]) -> PlainValidator:
    def convert(value: Any) -> Any:
        if isinstance(value, (ExtensionNumber, OutsideNumber, Expression)):
            return value
        text = str(value).strip()
        if text.lstrip("+").isdigit():
            if not kind.pattern.match(text):
                raise refusal(Sentence('"%(text)s" is not %(expected)s', text=text[:60], expected=kind.expected))
            return kind(text)
        try:
            return Expression(text)
        except ExpressionError as error:
            raise refusal(
                Sentence("neither %(expected)s nor an expression that makes one: %(error)s", expected=kind.expected, error=error)
            ) from None

    return PlainValidator(convert)


AnyExtension = Annotated[ExtensionNumber | Expression, _fixed_or_expression(ExtensionNumber)]
"""An extension, or an expression that makes one (a variable's name, say)."""

AnyOutsideNumber = Annotated[OutsideNumber | Expression, _fixed_or_expression(OutsideNumber)]
"""A telephone number, or an expression that makes one."""


def destination(context: StepContext, wanted: Expression | str, kind: type[ExtensionNumber] | type[OutsideNumber]) -> str | None:
    """The digits to dial; None when an expression makes something that can't be dialled. Digits are data: only digits pass."""
    if not isinstance(wanted, Expression):
        return str(wanted)
    try:
        value = context.evaluate(wanted)
    except ExpressionError as error:
        context.alarm("expression_failed", str(error))
        return None
    text = str(value)
    return text if kind.pattern.match(text) else None


def ring(context: StepContext, kind: Literal["extension", "outside"], number: str, ring_seconds: float) -> None:
    """Ring and connect. What the caller keys from here on is meant for the other side, not for us."""
    context.flush_digits()
    token = context.new_token()
    context.state[DIALLING] = token
    context.emit(Dial(token, kind, number, ring_seconds))


def dial_over(context: StepContext, event: CallEvent) -> DialEnded | None:
    """The end of the Dial under way, or None for any other event."""
    if not isinstance(event, DialEnded) or event.token != context.state.get(DIALLING):
        return None
    del context.state[DIALLING]
    context.flush_digits()
    if event.outcome == "answered":
        context.run.answered = True
    return event
