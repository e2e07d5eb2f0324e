"""Anybody: drawn afresh for each call, so that nobody's luck lasts. The draws come from the dispatcher's seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import Strategy

if TYPE_CHECKING:
    from ..lanes import Lane
    from ..model import Agent


def rank(agent: Agent, lane: Lane) -> float:
    return 0.0


STRATEGY = Strategy(rank, by_chance=True)
