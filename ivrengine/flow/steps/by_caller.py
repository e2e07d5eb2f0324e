"""Go by the caller's number: the first rule that matches.

```yaml
who:
  by_caller:
    rules:
      - {prefix: ["029", "+8629"], label: Xi'an, go: local}
      - {list: customers, label: Customer, go: vip}     # lists/customers.txt: numbers, and prefixes ending in *
      - {withheld: true, go: ask_number}                # callers that show no number
    otherwise: main
```

A number that begins with `+` is compared with it and without it. A list that isn't there matches nobody and raises an alarm.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ivrengine.domain.sentence import Sentence

from ..context import StepContext
from ..keyfields import refusal
from ..step import Go, Result, Step, step
from ..types import ListRef, StepRef, StepSpec

_PREFIX = re.compile(r"\+?[0-9]{1,20}\Z")
_PUNCTUATION = re.compile(r"[\s().-]+")


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _checked(prefixes: tuple[str, ...]) -> tuple[str, ...]:
    for prefix in prefixes:
        if not _PREFIX.match(prefix):
            raise refusal(
                Sentence('"%(prefix)s" is not how a number begins', prefix=prefix[:60]),
                Sentence("write digits only, with + in front where needed"),
            )
    return prefixes


class CallerRule(StepSpec):
    prefix: Annotated[tuple[str, ...], BeforeValidator(_as_list), AfterValidator(_checked)] = ()
    list: ListRef | None = None
    withheld: bool = False
    label: str = Field(default="", max_length=80)
    go: StepRef

    @model_validator(mode="after")
    def _one_test(self) -> CallerRule:
        if bool(self.prefix) + (self.list is not None) + self.withheld != 1:
            raise refusal(Sentence("a rule has exactly one of prefix, list and withheld: true"))
        return self


class ByCallerSpec(StepSpec):
    rules: tuple[CallerRule, ...] = Field(min_length=1, max_length=100)
    otherwise: StepRef


def spellings(number: str) -> tuple[str, ...]:
    """The ways in which a caller's number is compared; empty for none."""
    plain = _PUNCTUATION.sub("", number)
    if not plain:
        return ()
    return (plain, plain[1:]) if plain.startswith("+") and len(plain) > 1 else (plain,)


def on_list(numbers: frozenset[str], spelling: str) -> bool:
    """True when the list has the number, or a prefix of it (``029*``)."""
    return spelling in numbers or any(f"{spelling[:length]}*" in numbers for length in range(1, len(spelling) + 1))


@step("by_caller", ByCallerSpec)
class ByCaller(Step):
    runs_after_hangup = True

    def enter(self, context: StepContext) -> Result:
        numbers = spellings(context.run.call.number)
        for position, rule in enumerate(context.spec.rules, start=1):
            if self._matches(context, rule, numbers):
                return Go(rule.go, f"rule_{position}", rule.label)
        return Go(context.spec.otherwise, "otherwise")

    def _matches(self, context: StepContext, rule: CallerRule, numbers: tuple[str, ...]) -> bool:
        if rule.withheld:
            return not any(character.isdigit() for number in numbers for character in number)
        if rule.list is None:
            return any(number.startswith(rule.prefix) for number in numbers)
        members = context.world.lists.get(rule.list)
        if members is None:
            context.alarm("list_missing", Sentence("the list of numbers %(list)s is not there", list=rule.list))
            return False
        return any(on_list(members, number) for number in numbers)
