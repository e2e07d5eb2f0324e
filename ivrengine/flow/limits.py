"""Bounds that no flow may exceed, and the two ways in which a step fails that are nobody's programming error."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_SENTENCE = 500  # characters of an error's text in an alarm or a trace row


@dataclass(frozen=True, slots=True)
class Limits:
    steps_without_input: int = 100
    sub_flow_depth: int = 10
    type_ahead: int = 64  # keys
    hangup_steps: int = 20  # steps that may run after the caller has gone


class FlowLoops(Exception):
    """The flow made too many steps without waiting for the caller."""


class EdgeFailed(Exception):
    """The world around the core could not do what a step needs."""
