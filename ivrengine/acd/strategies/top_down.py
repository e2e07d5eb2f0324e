"""Always from the top of the list: by the agents' ``position``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Strategy

if TYPE_CHECKING:
    from ..lanes import Lane
    from ..model import Agent


def rank(agent: Agent, lane: Lane) -> float:
    return agent.rules.position


STRATEGY = Strategy(rank)
