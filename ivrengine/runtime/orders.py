"""Does what the command line orders: looks for orders a few times a second, performs each once, writes the sentence back.

An order's verb names the part and the verb of it (``agents.ready``, ``supervise.listen``). Orders come from whoever can write the
site's database, so they may do everything; what they do is audited under the name of the user who placed them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from ivrengine.domain.sentence import Sentence
from ivrengine.errors import IvrEngineError
from ivrengine.storage.errors import StorageError
from ivrengine.storage.orders import Order
from ivrengine.storage.store import Store

from .outcome import Outcome, Who, refused

LOOK_SECONDS = 0.25
AT_ONCE_LIMIT = 50  # orders done in one look; the next look goes on
VALUE_LIMIT = 200  # characters of one argument

Perform = Callable[[str, Mapping[str, str], Who], Outcome]
Answer = Callable[[Mapping[str, str]], Any]

log = logging.getLogger(__name__)


class OrderTaker:
    """``parts``: what performs a verb, by the part's name. ``questions``: what only tells something, by the whole verb. ``is_open``:
    whether the queues are known; before it every order is refused."""

    def __init__(
        self,
        store: Store,
        parts: Mapping[str, Perform],
        questions: Mapping[str, Answer],
        is_open: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._parts = parts
        self._questions = questions
        self._is_open = is_open
        self._clock = clock
        self._failing = False

    def start(self) -> None:
        """Before the first look: what an engine that died has left half done is ended as such."""
        self._store.orders.cut_off(self._clock())

    def look(self) -> None:
        """Perform the orders that wait; called LOOK_SECONDS apart."""
        try:
            for _ in range(AT_ONCE_LIMIT):
                order = self._store.orders.next_open(self._clock())
                if order is None:
                    break
                self._perform(order)
            self._failing = False
        except StorageError as error:
            if not self._failing:
                log.error("orders of the command line can't be read: %s", error)
            self._failing = True

    def _perform(self, order: Order) -> None:
        ok, sentence, answer = False, Sentence("the engine failed at this; its log says how"), None
        try:
            ok, sentence, answer = self._outcome(order)
        except IvrEngineError as error:
            sentence = str(error)
        except Exception:
            log.exception("an order failed: %s", order.verb)
        self._store.orders.done(order.order_id, ok, sentence, self._clock(), answer).hurry()

    def _outcome(self, order: Order) -> tuple[bool, str, Any]:
        if not self._is_open():
            return False, "the engine has not reached the switch yet, so it does not know who waits and who talks", None
        arguments = {name: str(value)[:VALUE_LIMIT] for name, value in order.arguments.items()}
        question = self._questions.get(order.verb)
        if question is not None:
            return True, "", question(arguments)
        part, _, verb = order.verb.partition(".")
        perform = self._parts.get(part)
        outcome = refused(Sentence("the engine does not know the order %(verb)r", verb=order.verb[:60]))
        if perform is not None:
            outcome = perform(verb, arguments, Who(order.asked_by))
        return outcome.ok, outcome.sentence, None
