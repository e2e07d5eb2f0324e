"""Several phones ring at once, up to the queue's limit; the first to answer wins. The longest idle are among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Strategy

if TYPE_CHECKING:
    from ..lanes import Lane
    from ..model import Agent


def rank(agent: Agent, lane: Lane) -> float:
    return agent.idle_since


STRATEGY = Strategy(rank, all_at_once=True)
