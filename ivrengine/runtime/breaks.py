"""Which breaks an agent may choose from, and how many of the team may still go: what ``acd.agents`` refuses is told before it is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ivrengine.acd.agents import NO_BREAKS
from ivrengine.acd.views import AgentView
from ivrengine.site.records import Site


@dataclass(frozen=True, slots=True)
class Seats:
    """``most`` of ``team`` may be away at once, ``left`` of them still; None where the team has no cap."""

    team: str
    most: int | None
    left: int | None


def is_away(view: AgentView) -> bool:
    """On a break, or going on one that was granted as soon as the present call is over."""
    here = view.intent == "NOT_READY" and view.reason not in NO_BREAKS
    return here or (view.pending_intent == "NOT_READY" and view.pending_reason not in NO_BREAKS)


def seats(site: Site, views: Iterable[AgentView], agent_id: str) -> Seats:
    """How many of the agent's team may still go on a break, the agent among them."""
    agent = site.agent(agent_id)
    team = next((each for each in site.teams if agent is not None and each.name == agent.rules.team), None)
    if team is None or not team.most_away:
        return Seats(team.name if team else "", None, None)
    mates = {each.agent_id for each in site.agents if each.rules.team == team.name and each.agent_id != agent_id}
    away = sum(is_away(view) for view in views if view.agent_id in mates)
    return Seats(team.name, team.most_away, max(0, team.most_away - away))
