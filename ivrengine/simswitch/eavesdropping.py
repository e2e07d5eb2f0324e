"""eavesdrop and three_way: a supervisor's leg hears a call and, if it likes, speaks into it; who hears whom.

The supervisor's leg executes the application with the uuid of one leg of the call, the target. It ends with the target, with
``*`` (eavesdrop), or when the supervisor's leg is sent elsewhere; uuid_break does not end it, and commands queued on the leg wait.
Keys, or an event with ``eavesdrop-command`` that a client sends to the supervisor's channel, change whom it speaks to: 2 the
target, 1 the other side, 3 both, 0 nobody. The variables eavesdrop_whisper_bleg (the target) and eavesdrop_whisper_aleg (the
other side) say with what it begins; eavesdrop_enable_dtmf=false leaves keys alone. Groups, ``all`` and files played to the
listener are not simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .applications import application
from .routine import Steps
from .text import is_true

if TYPE_CHECKING:
    from .callers import Person
    from .channel import Channel

KEYS = {"0": (False, False), "1": (False, True), "2": (True, False), "3": (True, True)}


@dataclass
class Spy:
    """``channel`` eavesdrops on ``target`` and speaks to the target, to its other side, to both or to none."""

    channel: Channel
    target: Channel
    to_target: bool
    to_other_side: bool
    done: bool = False

    def command(self, key: str) -> None:
        if key == "*":
            self.done = True
        self.to_target, self.to_other_side = KEYS.get(key, (self.to_target, self.to_other_side))


def tell_spy(channel: Channel, commands: str) -> None:
    """``eavesdrop-command`` of an event that a client sends to the supervisor's channel: keys, whether keys count or not."""
    spy = channel.spying
    if spy is not None:
        for key in commands:
            spy.command(key)
        channel.wake()


@application("eavesdrop")
def eavesdrop(channel: Channel, data: str) -> Steps:
    def wished(name: str) -> bool:
        return is_true(channel.variables.get(f"eavesdrop_{name}"))

    keys = is_true(channel.variables.get("eavesdrop_enable_dtmf", "true"))
    yield from _spy(channel, data.strip(), wished("whisper_bleg"), wished("whisper_aleg"), keys)


@application("three_way")
def three_way(channel: Channel, data: str) -> Steps:
    yield from _spy(channel, data.strip(), True, True, False)


def _spy(channel: Channel, wanted: str, to_target: bool, to_other_side: bool, keys: bool) -> Steps:
    target = channel.core.channels.get(wanted)
    if target is None or target is channel or not channel.media_ready or not target.media_ready:
        return
    spy = Spy(channel, target, to_target, to_other_side)
    target.spies.append(spy)
    channel.spying = spy
    target.watchers.append(channel.routine)
    try:
        while not target.down and channel.ready() and not spy.done:
            if keys and channel.digits:
                spy.command(channel.dequeue_digit())
                continue
            yield channel.frame_end() if keys and channel.digits else None
    finally:
        target.watchers.remove(channel.routine)
        target.spies.remove(spy)
        channel.spying = None


def hearers(channel: Channel) -> list[Person]:
    """Who hears what is said at the far end of ``channel``, each once."""
    if channel.holding:
        return []  # a phone that holds sends nothing
    other, spy = channel.partner, channel.spying
    channels = [other, *(listening.channel for listening in channel.spies)]
    if other is not None:
        channels += [listening.channel for listening in other.spies]
    if spy is not None and spy.to_target:
        channels.append(spy.target)
    if spy is not None and spy.to_other_side:
        channels.append(spy.target.partner)
    people = [one.person for one in channels if one is not None and one is not channel and not one.holding]
    return [person for index, person in enumerate(people) if person is not None and person not in people[:index]]
