"""In turn: who was least lately asked for this queue, answered or not. Who was never asked comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Strategy

if TYPE_CHECKING:
    from ..lanes import Lane
    from ..model import Agent


def rank(agent: Agent, lane: Lane) -> float:
    return agent.turns.get(lane.queue.rules.name, 0)


STRATEGY = Strategy(rank)
