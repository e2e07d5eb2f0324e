"""Which breaks an agent may choose from, and how many of the team may still go: what ``acd.agents`` refuses is told before it is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ivrengine.acd.agents import NO_BREAKS
from ivrengine.acd.rules import Team
from ivrengine.acd.views import AgentView
from ivrengine.site.records import Site


@dataclass(frozen=True, slots=True)
class Seats:
    """``most`` of the team may be away at once, ``left`` of them still; None where there is no cap."""

    most: int | None
    left: int | None


def is_away(view: AgentView) -> bool:
    """On a break, or going on one that was granted as soon as the present call is over."""
    here = view.intent == "NOT_READY" and view.reason not in NO_BREAKS
    return here or (view.pending_intent == "NOT_READY" and view.pending_reason not in NO_BREAKS)


def away_by_team(site: Site, views: Iterable[AgentView]) -> dict[str, set[str]]:
    """The agents who are away, by team."""
    away = {view.agent_id for view in views if is_away(view)}
    teams: dict[str, set[str]] = {}
    for agent in site.agents if away else ():
        if agent.agent_id in away:
            teams.setdefault(agent.rules.team, set()).add(agent.agent_id)
    return teams


def seats(teams: Iterable[Team], away: Mapping[str, Collection[str]], team_name: str, agent_id: str) -> Seats:
    """How many of this agent's team may still go on a break, the agent among them."""
    team = next((each for each in teams if each.name == team_name), None)
    if team is None or not team.most_away:
        return Seats(None, None)
    others = sum(each != agent_id for each in away.get(team.name, ()))
    return Seats(team.most_away, max(0, team.most_away - others))
