"""Telephones that the switch can ring: extensions of the directory, and outside numbers behind a trunk.

Each has a behaviour, set by ``sim phone``: answer, no_answer, reject, busy, unregistered, absent, or by_hand: it rings until a person
says ``sim answer`` or ``sim reject``. The extensions 8001 to 8009 are there from the start and answer after two seconds; so does every
outside number that was not told otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .callers import Person
from .routine import Steps
from .text import is_true

if TYPE_CHECKING:
    from .channel import Channel

BEHAVIOURS = ("answer", "no_answer", "reject", "busy", "unregistered", "absent", "by_hand")
DEFAULT_ANSWER_SECONDS = 2.0
DEFAULT_EXTENSIONS = tuple(str(number) for number in range(8001, 8010))
PHONES_LIMIT = 20_000
RING_DELAY_MS = 100.0  # until a phone says that it rings
USER_AGENT = "simulated phone"

REFUSALS = {"reject": "CALL_REJECTED", "busy": "USER_BUSY"}
# Where no leg is made at all.
UNREACHABLE = {"unregistered": "USER_NOT_REGISTERED", "absent": "SUBSCRIBER_ABSENT"}


@dataclass
class Phone:
    """``after_seconds`` until it answers or refuses; ``talk_seconds`` from when it is
    connected to someone until it hangs up, None for never.
    ``remote``: it can be told to answer (``uuid_phone_event <uuid> talk``, and the variable sip_auto_answer)."""

    number: str
    behaviour: str = "answer"
    after_seconds: float = DEFAULT_ANSWER_SECONDS
    talk_seconds: float | None = None
    remote: bool = False
    script: list[tuple[str, Any]] = field(default_factory=list)


class Phones:
    def __init__(self) -> None:
        self._phones = {number: Phone(number) for number in DEFAULT_EXTENSIONS}

    def put(self, phone: Phone) -> bool:
        """Set a phone's behaviour for calls to come. False when there are PHONES_LIMIT already."""
        if phone.number not in self._phones and len(self._phones) >= PHONES_LIMIT:
            return False
        self._phones[phone.number] = phone
        return True

    def by_hand(self) -> list[str]:
        """The phones that a person answers."""
        return [phone.number for phone in self._phones.values() if phone.behaviour == "by_hand"]

    def extension(self, number: str) -> Phone:
        return self._phones.get(number) or Phone(number, "absent")

    def outside(self, number: str) -> Phone:
        return self._phones.get(number) or Phone(number)


class PhoneUser(Person):
    """Picks up, or doesn't, as the phone's behaviour says, and then follows its script."""

    def __init__(self, channel: Channel, phone: Phone) -> None:
        self.phone = phone
        super().__init__(channel.core, channel, phone.script)

    def _follow(self, script: list[tuple[str, Any]]) -> Steps:
        yield from self._pause(RING_DELAY_MS)
        if self.phone.behaviour not in REFUSALS or self.phone.after_seconds * 1000 > RING_DELAY_MS:
            self.channel.set("sip_user_agent", USER_AGENT)
            self.channel.mark_ring_ready()
            if is_true(self.channel.variables.get("sip_auto_answer")):
                take_event_talk(self)
        if self.phone.behaviour in ("no_answer", "by_hand"):
            return
        yield from self._pause(max(0.0, self.phone.after_seconds * 1000 - RING_DELAY_MS))
        if self.ended or self.channel.answered:
            return
        if self.phone.behaviour in REFUSALS:
            self.channel.hangup(REFUSALS[self.phone.behaviour])
            return
        self.channel.answer()
        yield from super()._follow(script)
        if self.phone.talk_seconds is not None:
            yield from self._until(lambda: self.channel.partner is not None)
            yield from self._pause(self.phone.talk_seconds * 1000)
            if not self.ended:
                self.hang_up()


def take_event_talk(person: Person | None) -> None:
    """A phone that can be told to answer, and rings, does so."""
    if isinstance(person, PhoneUser) and person.phone.remote and not person.ended and not person.channel.answered:
        person.channel.answer()
