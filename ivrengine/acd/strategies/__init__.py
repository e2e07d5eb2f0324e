"""One strategy per file: who of several idle agents of the same cost is asked first."""

from __future__ import annotations

from . import best_skill, fewest_calls, least_talk, longest_idle, random, ring_all, round_robin, top_down
from .base import Strategy

STRATEGIES: dict[str, Strategy] = {
    "longest_idle": longest_idle.STRATEGY,
    "round_robin": round_robin.STRATEGY,
    "fewest_calls": fewest_calls.STRATEGY,
    "least_talk": least_talk.STRATEGY,
    "random": random.STRATEGY,
    "top_down": top_down.STRATEGY,
    "ring_all": ring_all.STRATEGY,
    "best_skill": best_skill.STRATEGY,
}
