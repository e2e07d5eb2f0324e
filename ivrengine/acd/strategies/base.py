"""What a strategy is: a rank among idle agents of the same cost, fixed from the moment they become idle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..lanes import Lane
    from ..model import Agent


@dataclass(frozen=True, slots=True)
class Strategy:
    """``rank``: the least is asked first; equal ranks by agent_id. ``by_chance``: drawn among the cheapest instead.
    ``all_at_once``: as many as the queue's limit ring together."""

    rank: Callable[[Agent, Lane], float]
    by_chance: bool = False
    all_at_once: bool = False
