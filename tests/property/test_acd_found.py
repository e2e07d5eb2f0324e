"""What the machine has found in the dispatcher, each in its shortest form, told through the same judge."""

from __future__ import annotations

from dataclasses import replace

from acd_world import World

from ivrengine.acd import happenings as ha
from ivrengine.acd.decisions import Offer
from ivrengine.acd.rules import AgentRules, Membership, QueueRules

QUEUE = QueueRules("q", wrap_up_most_seconds=5.0)
ONE, TWO = (AgentRules(number, queues={"q": Membership()}) for number in ("1", "2"))
SITE = ha.SiteSet((QUEUE,), (ONE, TWO))


def office(site: ha.SiteSet = SITE, *, ready: tuple[str, ...] = ("1", "2")) -> World:
    world = World(site)
    world.tell(ha.Opened())
    for number in ready:
        world.tell(ha.LoggedIn(number, f"10{number}"))
        world.tell(ha.BecameReady(number))
    return world


def offered(world: World) -> list[str]:
    return [decision.agent_id for _, _, decisions in world.log for decision in decisions if isinstance(decision, Offer)]


def test_picking_up_a_call_twice_rings_once():
    world = office(ready=("1",))
    item = world.queue("q")
    world.tell_twice(ha.Assigned(item, "1"))
    assert [each.cancelled for each in world.attempts()] == [False]


def test_two_deadlines_missed_together_fall_due_in_the_order_of_their_times():
    world = office()
    world.queue("q")
    world.queue("q")
    for attempt in world.attempts():
        for _ in range(5):
            world.next_stage(attempt)  # both wrap up, until 5 s from now
    world.advance(1.0)
    world.queue("q", max_wait_seconds=2.0)
    world.tell(ha.WrapUpExtended("1", 1.0))
    world.dispatcher.next_deadline()
    world.jump(60.0)
    world.catch_up()
    world.replay()


def test_an_exclusion_holds_for_an_agent_whom_the_site_gets_later():
    world = office(replace(SITE, agents=(TWO,)), ready=())
    world.queue("q", virtual=True, excluded=("1",))
    world.tell(SITE)
    world.tell(ha.LoggedIn("1", "101"))
    world.tell(ha.BecameReady("1"))
    assert offered(world) == []


def test_who_is_gone_from_the_site_while_being_rung_is_offered_nothing_more():
    world = office(ready=("1",))
    world.queue("q")
    world.queue("q")
    world.tell(replace(SITE, agents=(TWO,)))
    world.tell(ha.BecameReady("1"))
    world.fail(world.attempts()[0], "withdrawn")
    assert offered(world) == ["1"]


def test_nobody_waits_for_a_favourite_who_is_gone_from_the_site():
    world = office()
    first = world.queue("q", sticky_agent="1", sticky_seconds=60.0)
    world.next_stage(world.attempts()[0])
    world.tell(replace(SITE, agents=(TWO,)))
    world.queue("q", sticky_agent="1", sticky_seconds=60.0)
    assert offered(world) == ["1", "2"]
    assert first == "i1"


def test_a_talk_of_a_queue_that_is_gone_still_keeps_its_agent_busy_after_a_restart():
    world = World(replace(SITE, queues=(replace(QUEUE, name="other"),)))
    world.tell(ha.AgentFound("1", "101", "READY", "", world.now, world.now))
    world.tell(ha.TalkFound("t/1", "t", "1", "q", world.now))
    world.tell(ha.Opened())
    assert world.dispatcher.agent("1").work == "TALKING"


def test_a_call_picked_up_for_an_agent_who_is_gone_from_the_site_waits_for_the_others():
    world = office(ready=("1",))
    world.queue("q")  # agent 1 rings
    item = world.queue("q")
    world.tell(ha.LoggedIn("2", "102"))
    world.tell(ha.PhoneReachable("2", False))
    world.tell(ha.Assigned(item, "2"))
    world.tell(replace(SITE, agents=(ONE,)))
    world.tell(ha.Left(item, "abandoned"))
    assert world.dispatcher.items("q")[0].item_id == "i1"


def test_a_callback_that_waits_for_somebody_to_log_in_sets_no_alarm_that_has_passed():
    world = office(ready=())
    world.queue("q", virtual=True)
    world.advance(QUEUE.no_agent_seconds + 30.0)
    deadline = world.dispatcher.next_deadline()
    world.dispatcher.feed(SITE, world.now)
    assert world.dispatcher.next_deadline() == deadline
