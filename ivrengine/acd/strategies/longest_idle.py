"""Who has been idle longest. Missed calls and short breaks do not cost the place; a fresh log-in stands last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Strategy

if TYPE_CHECKING:
    from ..lanes import Lane
    from ..model import Agent


def rank(agent: Agent, lane: Lane) -> float:
    return agent.idle_since


STRATEGY = Strategy(rank)
