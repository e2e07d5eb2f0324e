"""What every language does alike when it speaks a value: reads it, hands it to the language's own rules, names its words.

A language has a file of its own with its words and the rules in which it differs, all of them pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from ivrengine.domain.audio import Silence

from .values import (
    GROUP_PAUSE,
    PART_PAUSE,
    SPEECH_PREFIX,
    Money,
    Word,
    check_kind,
    read_count,
    read_date,
    read_datetime,
    read_digits,
    read_money,
    read_number,
    read_phone,
    read_time,
)


class Language:
    """``WORDS``: the name of a word, with its prefix, -> its text."""

    def __init__(
        self,
        words: Mapping[str, Mapping[str, str]],
        *,
        join: Callable[[Sequence[str]], str],
        pause: str,
        called: Mapping[str, str],
        whole: Callable[[int], list[str]],
        count: Callable[[int], list[str]],
        money: Callable[[Money], list[str]],
        day: Callable[[date], list[str]],
        time: Callable[[int, int], list[str]],
    ) -> None:
        """``words``: kind -> the names, without prefix, and texts of all words that a value of the kind could use; those of a datetime are
        those of its parts. ``pause``: how a silence is written in a row. ``called``: the words of signs that are read out one by one and
        aren't their own. The rest are the rules: ``whole`` for a number, ``count`` for one of things, ``time`` from hour and minute."""
        kinds = {**words, "datetime": {**words["date"], **words["time"]}}
        self._kinds = {kind: {SPEECH_PREFIX + name: text for name, text in known.items()} for kind, known in kinds.items()}
        self.WORDS: dict[str, str] = {name: text for known in self._kinds.values() for name, text in known.items()}
        self._join = join
        self._pause = pause
        self._called = called
        self._whole = whole
        self._count = count
        self._money = money
        self._day = day
        self._time = time

    def words_needed(self, kind: str) -> frozenset[str]:
        """Every word that a value of the kind could use. Raises SpeechError."""
        check_kind(kind, "")
        return frozenset(self._kinds[kind])

    def join(self, words: Sequence[Word]) -> str:
        """The text of a row."""
        return self._join([self._pause if isinstance(word, Silence) else self.WORDS[word] for word in words])

    def expand(self, kind: str, value: str) -> list[Word]:
        """The value as names of words and silences. Raises SpeechError."""
        check_kind(kind, value)
        return [word if isinstance(word, Silence) else SPEECH_PREFIX + word for word in self._row(kind, value)]

    def _row(self, kind: str, value: str) -> Sequence[Word]:
        match kind:
            case "number":
                number = read_number(value)
                fraction = ["point", *number.fraction] if number.fraction else []
                return [*self._minus(number.negative), *self._whole(number.whole), *fraction]
            case "count":
                return self._count(read_count(value))
            case "digits":
                return self._one_by_one(read_digits(value))
            case "phone":
                row: list[Word] = []
                for group in read_phone(value):
                    row += [GROUP_PAUSE] * bool(row) + self._one_by_one(group)
                return row
            case "money":
                money = read_money(value)
                return [*self._minus(money.negative), *self._money(money)]
            case "date":
                return self._day(read_date(value))
            case "time":
                return self._time(*read_time(value))
            case "datetime":
                day, hour, minute = read_datetime(value)
                return [*self._day(day), PART_PAUSE, *self._time(hour, minute)]
        raise AssertionError(f"a kind of value without a rule: {kind}")

    def _one_by_one(self, signs: str) -> list[Word]:
        return [self._called.get(sign, sign) for sign in signs]

    @staticmethod
    def _minus(negative: bool) -> list[str]:
        return ["minus"] if negative else []
