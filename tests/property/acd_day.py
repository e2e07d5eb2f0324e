"""What may happen in a call centre, drawn by luck: sites, callers, agents, phones, and an engine that is late or dies.

Each action takes the day and a source of luck. The state machine gives it Hypothesis's, which can shrink what it finds; the soak gives
it ``random.Random``, which is fast.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from acd_world import World

from ivrengine.acd import happenings as ha
from ivrengine.acd.rules import AgentRules, BreakReason, Membership, QueueRules, Team
from ivrengine.domain.needs import Ring

QUEUES = ("complaints", "news", "sales")
AGENTS = ("1", "2", "3", "4", "5")
SKILLS = ("billing", "english")
STRATEGIES = ("longest_idle", "round_robin", "fewest_calls", "least_talk", "random", "top_down", "ring_all", "best_skill")
TERMINALS = ("abandoned", "exit_key", "voicemail", "callback_requested", "flow_out", "failed")
FAILURES = ("no_answer", "rejected", "busy", "unregistered", "caller_gone", "withdrawn", "failed")
REASONS = (BreakReason("lunch", longest_seconds=60.0), BreakReason("training", approval=True), BreakReason("tea"))
SECONDS = (0.0, 0.5, 0.5, 1.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0)
ABOUT_OFFERS = (ha.OfferRinging, ha.OfferAnswered, ha.OfferBridging, ha.OfferBridged)


class Day:
    """One site from its opening on."""

    def __init__(self, luck: Random) -> None:
        self.site = a_site(luck)
        self.world = World(self.site, luck.randint(0, 3))
        for agent_id in AGENTS[: luck.choice((0, 3, 5, 5))]:
            self.world.tell(ha.LoggedIn(agent_id, f"10{agent_id}"))
            self.world.tell(ha.BecameReady(agent_id))
            self.world.advance(luck.choice((0.0, 1.0, 30.0)))
        if luck.randint(0, 3):
            self.world.tell(ha.Opened())


# -- the site ----------------------------------------------------------------------------------------------------------


def a_queue(name: str, luck: Random) -> QueueRules:
    return QueueRules(
        name,
        strategy=luck.choice((*STRATEGIES, "ring_all", "ring_all", "random")),
        order=luck.choice(("cost", "age")),
        weight_seconds=luck.choice((0.0, 0.0, 30.0)),
        capacity=luck.choice((0, 0, 0, 1, 3)),
        max_wait_seconds=luck.choice((0.0, 0.0, 60.0)),
        when_empty=luck.choice(("wait", "wait", "refuse")),
        no_agent_seconds=luck.choice((0.0, 60.0)),
        ring_seconds=luck.choice((5.0, 20.0)),
        ring_all_limit=luck.randint(1, 3),
        wrap_up_least_seconds=luck.choice((0.0, 5.0)),
        wrap_up_most_seconds=luck.choice((5.0, 30.0)),
        disposition_required=luck.choice((False, True)),
        notes_required=luck.choice((False, False, True)),
        exclusion_seconds=luck.choice((0.0, 10.0, 30.0)),
        short_abandon_seconds=luck.choice((0.0, 5.0)),
    )


def an_agent(agent_id: str, luck: Random) -> AgentRules:
    serves = [name for name in QUEUES if luck.randint(0, 2)] or [QUEUES[0]]
    return AgentRules(
        agent_id,
        team=luck.choice(("", "desk")),
        skills={skill: luck.randint(1, 10) for skill in SKILLS if luck.randint(0, 2)},
        queues={name: Membership(luck.choice((1, 1, 1, 2)), luck.choice((0, 0, 0, 1))) for name in serves},
        position=luck.randint(0, 5),
        no_answer_limit=luck.randint(0, 3),
        no_answer_seconds=luck.choice((0.0, 10.0)),
        rejected_seconds=luck.choice((0.0, 30.0)),
        busy_seconds=luck.choice((0.0, 10.0)),
        unregistered_seconds=luck.choice((0.0, 30.0)),
    )


def a_site(luck: Random) -> ha.SiteSet:
    return ha.SiteSet(
        tuple(a_queue(name, luck) for name in QUEUES[: luck.randint(1, len(QUEUES))]),
        tuple(an_agent(agent_id, luck) for agent_id in AGENTS[: luck.choice((1, 3, 5, 5))]),
        (Team("desk", most_away=luck.randint(0, 2)),),
        REASONS,
    )


def some_rings(luck: Random) -> tuple[Ring, ...]:
    """Needs that ask for less and less."""
    rings, at = [Ring(0.0, tuple((skill, luck.randint(1, 10)) for skill in SKILLS if luck.randint(0, 1)))], 0.0
    for _ in range(luck.randint(0, 3)):
        at, less = at + luck.choice((5.0, 10.0, 20.0)), luck.randint(1, 9)
        rings.append(Ring(at, tuple((skill, level - less) for skill, level in rings[-1].needs if level > less)))
    return tuple(rings)


# -- callers -----------------------------------------------------------------------------------------------------------


def a_call_comes(day: Day, luck: Random) -> None:
    day.world.queue(luck.choice(QUEUES), boost_seconds=luck.choice((0.0, 0.0, 15.0)))


def a_call_with_wishes_comes(day: Day, luck: Random) -> None:
    day.world.queue(
        luck.choice(QUEUES),
        waited=luck.choice((0.0, 0.0, 7.0, 40.0)),
        rings=some_rings(luck),
        boost_seconds=luck.choice((0.0, 0.0, 15.0, 600.0)),
        sticky_agent=luck.choice(("", "", "", "nobody", *AGENTS)),
        sticky_seconds=luck.choice(SECONDS),
        max_wait_seconds=luck.choice((0.0, 0.0, 30.0)),
        virtual=luck.randint(0, 3) == 3,
        excluded=luck.choice(((), (), ("1",), ("2", "3"))),
    )


def a_caller_leaves(day: Day, luck: Random) -> None:
    if waiting := day.world.waiting():
        day.world.tell_twice(ha.Left(luck.choice(waiting), luck.choice(TERMINALS)))


def a_supervisor_acts(day: Day, luck: Random) -> None:
    if waiting := day.world.waiting():
        item_id = luck.choice(waiting)
        match luck.randint(0, 2):
            case 0:
                day.world.tell(ha.Raised(item_id, 30.0))
            case 1:
                day.world.tell_twice(ha.Moved(item_id, luck.choice(QUEUES)))
            case 2:
                day.world.tell_twice(ha.Assigned(item_id, luck.choice(AGENTS)))


# -- agents ------------------------------------------------------------------------------------------------------------


def an_agent_logs_in(day: Day, luck: Random) -> None:
    agent_id = luck.choice(AGENTS)
    day.world.tell_twice(ha.LoggedIn(agent_id, luck.choice((f"10{agent_id}", f"10{agent_id}", "199"))))
    if luck.randint(0, 3):
        day.world.tell_twice(ha.BecameReady(agent_id))


def an_agent_is_ready(day: Day, luck: Random) -> None:
    day.world.tell_twice(ha.BecameReady(luck.choice(AGENTS)))


def an_agent_goes_away(day: Day, luck: Random) -> None:
    reason = luck.choice(("lunch", "training", "tea", "invented", ""))
    day.world.tell_twice(ha.BecameNotReady(luck.choice(AGENTS), reason))


def an_agent_logs_out(day: Day, luck: Random) -> None:
    day.world.tell_twice(ha.LoggedOut(luck.choice(AGENTS)))


def an_agent_asks_for_a_break(day: Day, luck: Random) -> None:
    agent_id = luck.choice(AGENTS)
    day.world.tell_twice(ha.BreakAsked(agent_id, luck.choice(REASONS).reason))
    if luck.randint(0, 1):
        day.world.tell_twice(ha.BreakDecided(agent_id, luck.randint(0, 1) == 1))


def an_agent_wraps_up(day: Day, luck: Random) -> None:
    agent_id = luck.choice(day.world.wrapping_up() or AGENTS)
    more = luck.randint(0, 3) == 0
    done = ha.WrapUpDone(agent_id, luck.choice(("", "sold")), by_phone=luck.randint(0, 2) == 0)
    day.world.tell(ha.WrapUpExtended(agent_id, 20.0) if more else done)


def an_agent_writes_notes(day: Day, luck: Random) -> None:
    day.world.tell_twice(ha.NotesKept(luck.choice(day.world.wrapping_up() or AGENTS), luck.randint(0, 2) > 0))


def an_agent_telephones(day: Day, luck: Random) -> None:
    kind = luck.choice((ha.PhoneBusy, ha.PhoneFree, ha.PhoneFree))
    day.world.tell_twice(kind(luck.choice(AGENTS), luck.choice(("x", "y"))))


def a_phone_registers(day: Day, luck: Random) -> None:
    day.world.tell_twice(ha.PhoneReachable(luck.choice(AGENTS), luck.randint(0, 4) > 0))


# -- offers ------------------------------------------------------------------------------------------------------------


def a_leg_goes_on(day: Day, luck: Random) -> None:
    if live := day.world.attempts():
        attempt = luck.choice(live)
        for _ in range(luck.choice((1, 2, 3, 5, 5, 5))):
            if not attempt.over:
                day.world.next_stage(attempt)


def a_leg_fails(day: Day, luck: Random) -> None:
    if live := day.world.attempts():
        day.world.fail(luck.choice(live), luck.choice(FAILURES))


def a_talk_changes(day: Day, luck: Random) -> None:
    if live := day.world.attempts():
        day.world.tell_twice(ha.TalkChanged(luck.choice(live).attempt_id, luck.choice(("TALKING", "HOLD", "CONSULT", "CONFERENCE"))))


def something_is_told_out_of_order(day: Day, luck: Random) -> None:
    """Of an offer at another stage, of one that is over, or of one that never was."""
    known = day.world.attempts(live=luck.randint(0, 1) == 1)
    attempt_id = luck.choice(known).attempt_id if known else "never/1"
    told = luck.choice((*ABOUT_OFFERS, ha.TalkEnded, ha.OfferFailed))
    happening = told(attempt_id, luck.choice(FAILURES)) if told is ha.OfferFailed else told(attempt_id)
    if told in ABOUT_OFFERS or day.world.judge.is_stale(happening):  # that a leg is gone is never told before it is
        day.world.tell(happening)


# -- time and the engine -----------------------------------------------------------------------------------------------


def time_goes_on(day: Day, luck: Random) -> None:
    day.world.advance(luck.choice(SECONDS))


def the_engine_is_late(day: Day, luck: Random) -> None:
    day.world.jump(luck.choice(SECONDS))
    if luck.randint(0, 1):
        day.world.catch_up()


def the_engine_catches_up(day: Day, luck: Random) -> None:
    day.world.catch_up()


def the_site_is_edited(day: Day, luck: Random) -> None:
    day.site = a_site(luck)
    day.world.tell_twice(day.site)


def the_engine_opens(day: Day, luck: Random) -> None:
    day.world.tell(ha.Opened())


def the_engine_replays_its_log(day: Day, luck: Random) -> None:
    day.world.replay()


def the_engine_dies_and_comes_back(day: Day, luck: Random) -> None:
    day.world.catch_up()
    day.world.restart(day.site, luck, luck.choice(SECONDS))


Action = Callable[[Day, Random], None]
# how often each happens, relatively
ACTIONS: dict[Action, int] = {
    a_call_comes: 14, a_call_with_wishes_comes: 8, a_caller_leaves: 4, a_supervisor_acts: 3,
    an_agent_logs_in: 5, an_agent_is_ready: 8, an_agent_goes_away: 2, an_agent_logs_out: 1, an_agent_asks_for_a_break: 2,
    an_agent_wraps_up: 12, an_agent_writes_notes: 4, an_agent_telephones: 2, a_phone_registers: 2,
    a_leg_goes_on: 40, a_leg_fails: 6, a_talk_changes: 3, something_is_told_out_of_order: 5,
    time_goes_on: 20, the_engine_is_late: 2, the_engine_catches_up: 2, the_site_is_edited: 1, the_engine_opens: 1,
    the_engine_replays_its_log: 1, the_engine_dies_and_comes_back: 1,
}  # fmt: skip
