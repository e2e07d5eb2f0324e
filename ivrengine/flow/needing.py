"""What the steps that ask for an agent share: skills with levels that relax while nobody is found, and a head start."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PlainValidator, model_validator

from ivrengine.domain.needs import Ring
from ivrengine.domain.sentence import Sentence

from .context import StepContext
from .expressions import Expression, ExpressionError
from .keyfields import refusal
from .types import Seconds, SkillRef, StepSpec

HIGHEST_LEVEL = 10
MOST_HEAD_START_SECONDS = 3600.0
_MOST_NEEDS = 20


def _level(value: Any) -> Any:
    if isinstance(value, (int, Expression)):
        return value
    text = str(value).strip()
    if text.isdigit():
        if not 1 <= int(text[:4]) <= HIGHEST_LEVEL:
            raise refusal(
                Sentence('"%(text)s" is not a level of a skill', text=text[:60]),
                Sentence("levels go from 1 to %(most)s", most=HIGHEST_LEVEL),
            )
        return int(text)
    try:
        return Expression(text)
    except ExpressionError as error:
        raise refusal(
            Sentence("neither a level from 1 to %(most)s nor an expression that makes one: %(error)s", most=HIGHEST_LEVEL, error=error)
        ) from None


Level = Annotated[int | Expression, PlainValidator(_level)]
"""The least level of a skill, or an expression that makes one; 0 means that the skill isn't needed."""

Needs = dict[SkillRef, Level]


def _head_start(value: Any) -> Any:
    if isinstance(value, (float, Expression)):
        return value
    text = str(value).strip()
    if text[:1].isdigit() and text[-1:] in "smh":
        return _Duration.model_validate({"of": text}).of
    try:
        return Expression(text)
    except ExpressionError as error:
        raise refusal(Sentence("neither a duration such as 60s nor an expression that makes seconds: %(error)s", error=error)) from None


class _Duration(StepSpec):
    of: Seconds


HeadStart = Annotated[float | Expression, PlainValidator(_head_start)]
"""Seconds as if the caller had come so much earlier: a duration, or an expression that makes seconds."""


class Relaxed(StepSpec):
    """From ``after`` of waiting on, exactly these needs hold."""

    after: Seconds = Field(gt=0)
    needs: Needs = {}


class NeedingSpec(StepSpec):
    """Base of the schemas of steps that ask for an agent."""

    needs: Annotated[Needs, Field(max_length=_MOST_NEEDS)] = {}
    relax: Annotated[tuple[Relaxed, ...], Field(max_length=_MOST_NEEDS)] = ()
    priority: HeadStart = 0.0

    @model_validator(mode="after")
    def _only_relaxes(self) -> NeedingSpec:
        before, after = self.needs, 0.0
        for relaxed in self.relax:
            if relaxed.after <= after:
                raise refusal(
                    Sentence("relax goes from the earliest to the latest"), Sentence("each needs a later after: than the one before it")
                )
            for skill, level in relaxed.needs.items():
                least = before.get(skill)
                if least is None or (isinstance(level, int) and isinstance(least, int) and level > least):
                    raise refusal(
                        Sentence(
                            'relax can only ask for less, and after %(after)gs more "%(skill)s" is asked for',
                            after=relaxed.after,
                            skill=skill,
                        )
                    )
            before, after = relaxed.needs, relaxed.after
        return self


def rings(context: StepContext, spec: NeedingSpec) -> tuple[Ring, ...]:
    """The needs as they hold for this caller; a later ring never asks for more than an earlier one."""
    found = [Ring(0.0, _needed(context, spec.needs, None))]
    for relaxed in spec.relax:
        found.append(Ring(relaxed.after, _needed(context, relaxed.needs, dict(found[-1].needs))))
    return tuple(found)


def _needed(context: StepContext, needs: Needs, bounds: dict[str, int] | None) -> tuple[tuple[str, int], ...]:
    levels = {}
    for skill, wanted in needs.items():
        level = wanted if isinstance(wanted, int) else _worked_out(context, wanted, 0, HIGHEST_LEVEL)
        levels[str(skill)] = level if bounds is None else min(level, bounds.get(skill, 0))
    return tuple(sorted((skill, int(level)) for skill, level in levels.items() if level >= 1))


def head_start_seconds(context: StepContext, spec: NeedingSpec) -> float:
    if not isinstance(spec.priority, Expression):
        return min(spec.priority, MOST_HEAD_START_SECONDS)
    return _worked_out(context, spec.priority, 0, MOST_HEAD_START_SECONDS)


def _worked_out(context: StepContext, expression: Expression, least: float, most: float) -> float:
    """A number between the two; the least where there is none. A caller is not sent away over a wrong expression."""
    try:
        value = context.evaluate(expression)
        number = float(value)
    except (ExpressionError, TypeError, ValueError):
        context.alarm("expression_failed", Sentence("%(text)r makes no number", text=expression.text))
        return least
    return max(least, min(most, number))
