"""The eight invariants of the dispatcher, kept through whatever happens in whatever order. ``scripts/acd_soak`` runs it longer."""

from __future__ import annotations

from random import Random

from acd_day import ACTIONS, Action, Day
from acd_soak import soak
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

STEPS = 25_000

luck = st.randoms(use_true_random=False)


class DispatcherMachine(RuleBasedStateMachine):
    """One rule for each action of ``acd_day``; the world of the day judges after each thing it tells the dispatcher."""

    day: Day

    @initialize(luck=luck)
    def begin(self, luck: Random) -> None:
        self.day = Day(luck)

    def teardown(self) -> None:
        if hasattr(self, "day"):
            self.day.world.replay()


def _rule_of(action: Action):
    def perform(self: DispatcherMachine, luck: Random) -> None:
        action(self.day, luck)

    perform.__name__ = action.__name__
    return rule(luck=luck)(perform)


for _action in ACTIONS:
    setattr(DispatcherMachine, _action.__name__, _rule_of(_action))

TestDispatcher = DispatcherMachine.TestCase
# without the phase that explains: it traces every line
TestDispatcher.settings = settings(
    max_examples=100, stateful_step_count=60, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
)


def test_long_days_without_a_violation():
    """More steps than Hypothesis makes in the same time, weighted so that calls get far."""
    assert soak(STEPS, seed=20260101) >= STEPS
