"""What a waiting call needs of an agent: levels of skills, and how the needs relax while nobody is found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ring:
    """From ``after_seconds`` of waiting on, exactly ``needs`` hold: pairs of skill and least level 1-10, sorted by skill.

    A caller's rings are ordered by ``after_seconds``; the first has 0. A later ring never asks for more than an earlier one.
    """

    after_seconds: float
    needs: tuple[tuple[str, int], ...] = ()


ANYBODY = (Ring(0.0),)
