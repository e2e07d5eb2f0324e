"""Messages of callers heard at an agent's phone: one new message at a time, marked as heard when it is handed out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from ivrengine.domain.audio import Audio, RecordedFile
from ivrengine.domain.sentence import Sentence
from ivrengine.storage.store import Store

from .desk_words import DeskWords
from .outcome import Outcome, Who, done, refused

COUNTED_LIMIT = 100  # new messages are counted up to this


class DeskMessages:
    """``zone``: in which the time of a message is spoken."""

    def __init__(self, store: Store, words: DeskWords, clock: Callable[[], float], zone: tzinfo = UTC) -> None:
        self._store = store
        self._words = words
        self._clock = clock
        self._zone = zone

    def next(self, box: str, who: Who) -> Outcome:
        """The oldest new message of ``box`` ("" for all), and how many there are."""
        words, language = self._words, who.language
        new = self._store.messages.in_box(box, unheard_only=True, limit=COUNTED_LIMIT)
        message = next((message for message in reversed(new) if Path(message.path).is_file()), None)
        if message is None:
            return refused(Sentence("there are no new messages"), words.prompt("desk/no_messages", language), code="nothing")
        left = datetime.fromtimestamp(message.created_at, self._zone).strftime("%Y-%m-%d %H:%M")
        number = message.callback_number or message.number
        caller: list[Audio] = [words.prompt("desk/message_unknown", language)]
        if number.isascii() and number.isdigit():
            caller = [words.prompt("desk/message_from", language), words.phone(number, language)]
        say = [
            words.number(len(new), language),
            words.prompt("desk/new_messages", language),
            *caller,
            words.moment(left, language),
            RecordedFile(message.path),
        ]
        if len(new) > 1:
            say.append(words.prompt("desk/next_message", language))
        self._store.messages.mark_heard(message.message_id, self._clock()).wait()
        self._store.audit.add(who.name, "hear_message", f"message {message.message_id}", "", "", self._clock())
        return done(Sentence("%(count)s new; the oldest was left at %(left)s", count=len(new), left=left), *say)
