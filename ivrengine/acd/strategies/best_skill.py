"""Who is best at what the call needs: the highest sum of levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Strategy

if TYPE_CHECKING:
    from ..lanes import Lane
    from ..model import Agent


def rank(agent: Agent, lane: Lane) -> float:
    return -sum(agent.rules.skills.get(skill, 0) for skill in lane.skills)


STRATEGY = Strategy(rank)
