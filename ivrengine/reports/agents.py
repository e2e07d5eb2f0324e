"""Agents: what each was offered and took, how the time was spent, occupancy, and the breaks by reason."""

from __future__ import annotations

from collections import defaultdict

from ivrengine.acd.figures import AGENT_FORMULAS, FORMULAS, AgentCounters, Counters, agent_figures, figures
from ivrengine.storage.attempts import NOT_TAKEN
from ivrengine.storage.store import Store
from ivrengine.storage.totals import OfferTotals

from .agent_times import times_of
from .periods import Period
from .queue_columns import ended
from .table import Column, Row, Table, figure_columns, values

LEAST_BREAK_SECONDS = 0.5  # between the log-in and the first ready an agent is not ready for a moment, which is no break

_WHO = (Column("agent", "Agent"), Column("name", "Name"), Column("team", "Team"))
_OFFERS = (
    Column("offers", "Offers", "calls", "offers of a caller to the agent", {"what": "offers"}),
    Column("not_taken", "Not taken", "calls", " + ".join(NOT_TAKEN), {"what": "offers", "outcome": ",".join(NOT_TAKEN)}),
)
_TALKS = figure_columns(
    FORMULAS, ("answered", "average_handling_time"), dict.fromkeys(("answered", "average_handling_time"), ended("answered"))
)
_TIMES = (
    Column("talk_seconds", "Talk", "seconds", "talk_seconds"),
    Column("hold_seconds", "Hold", "seconds", "hold_seconds"),
    Column("wrap_up_seconds", "Wrap-up", "seconds", "wrap_up_seconds"),
    Column("ring_seconds", "Ringing", "seconds", "ring_seconds"),
    Column("ready_idle_seconds", "Ready", "seconds", "ready_idle_seconds"),
    Column("break_seconds", "Breaks", "seconds", "break_seconds"),
    Column("external_seconds", "Other calls", "seconds", "external_seconds"),
)
_SHARES = figure_columns(AGENT_FORMULAS, ("logged_in_seconds", "occupancy"))
_COLUMNS = (*_WHO, *_OFFERS, *_TALKS, *_TIMES, *_SHARES)
_BREAKS = (*_WHO, Column("reason", "Reason"), Column("break_seconds", "Breaks", "seconds", "break_seconds"))


def agents(store: Store, period: Period, now: float, queue: str = "") -> tuple[Table, ...]:
    """Who was logged in or talked. With ``queue`` offers and talks are those of this queue; the time is the agents' whole time."""
    spent = store.agent_states.spent(period.a, min(period.b, now))
    times = {each.agent_id: each.counters for each in times_of(spent)}
    talks = {each.key[0]: each.counters for each in store.totals.talks_by_agent(period.a, period.b, queue)}
    offers = {each.agent_id: each for each in store.totals.offers(period.a, period.b, queue)}
    known = {agent.agent_id: agent.rules for agent in store.site.load().agents}
    leads = {"since": f"{period.a:.0f}", "until": f"{period.b:.0f}", "queue": queue}

    def who(agent_id: str) -> tuple[str, str, str]:
        rules = known.get(agent_id)
        return agent_id, rules.name if rules else "", rules.team if rules else ""

    present = {agent_id for agent_id, counters in times.items() if agent_figures(counters).logged_in_seconds > 0}

    def row(agent_id: str) -> Row:
        cells = _cells(offers.get(agent_id), talks.get(agent_id, Counters()), times.get(agent_id, AgentCounters()))
        return Row((*who(agent_id), *cells), {**leads, "agent": agent_id})

    rows = tuple(map(row, sorted({*present, *talks, *offers})))
    all_offers = OfferTotals("", sum(each.offers for each in offers.values()), sum(each.not_taken for each in offers.values()))
    whole = _cells(all_offers, sum(talks.values(), Counters()), sum(times.values(), AgentCounters()))
    breaks: defaultdict[tuple[str, str], float] = defaultdict(float)
    for each in spent:
        if each.intent == "NOT_READY" and each.work == "IDLE":
            breaks[each.agent_id, each.reason] += each.seconds
    taken = {key: seconds for key, seconds in sorted(breaks.items()) if seconds >= LEAST_BREAK_SECONDS}
    break_rows = tuple(Row((*who(agent_id), reason, seconds)) for (agent_id, reason), seconds in taken.items())
    all_breaks = Row(("", "", "", "", sum(taken.values())))
    return (
        Table("agents", "Agents", _COLUMNS, rows, Row(("", "", "", *whole), leads)),
        Table("breaks", "Breaks", _BREAKS, break_rows, all_breaks),
    )


def _cells(offers: OfferTotals | None, talks: Counters, times: AgentCounters) -> tuple[float | str | None, ...]:
    offered = (offers.offers, offers.not_taken) if offers else (0, 0)
    return (*offered, *values(figures(talks), _TALKS), *values(times, _TIMES), *values(agent_figures(times), _SHARES))
