"""The live side of the agents' consoles: each agent's state, told to their pages the moment it changes, and the card of their call.

The whole state is told each time, never a difference: a page that was away, a second tab, or one that comes back to an engine that was
restarted, draws what it gets. What nobody looks at is not computed. Nothing here waits in the greenlet that changes an agent.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

from ivrengine.acd.agents import NO_BREAKS
from ivrengine.acd.views import AgentView
from ivrengine.runtime.breaks import away_by_team, is_away, seats
from ivrengine.runtime.own_calls import OwnCall
from ivrengine.runtime.talks import Talk
from ivrengine.storage.errors import StorageError

from ..context import Web, breathe
from .console_card import card_of, name_of, title_of

LOOKED_AT_ONCE = 20  # desks, before others get their turn
LOOK_SECONDS = 0.5  # what no hook tells (who waits, a colleague who answers, a paused recording) is seen so soon
TALKING = frozenset({"TALKING", "HOLD", "CONSULT", "CONFERENCE"})

log = logging.getLogger(__name__)


class Desks:
    """All agents' desks of one engine. ``desk.<agent>`` and ``card.<agent>`` are the topics."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._engine = web.engine
        self._director = web.engine.call_centre.director
        self._soft_phone = web.engine.workplace.soft_phone
        self._watching: Counter[str] = Counter()
        self._dirty: set[str] = set()
        self._told: dict[str, dict[str, Any]] = {}
        self._cards: dict[str, tuple[tuple[str, ...], dict[str, Any] | None]] = {}  # by agent: of which call at which stage, and it
        self._away = away_by_team(self._director.site.site, self._director.dispatcher.agents())  # by team, who is on a break
        self._director.on_agent_changed.append(self._changed)
        self._engine.crew.repeat(self.look, LOOK_SECONDS)

    # -- pages come and go ---------------------------------------------------------------------------------------------

    def watch(self, agent_id: str) -> None:
        self._watching[agent_id] += 1

    def unwatch(self, agent_id: str) -> None:
        self._watching[agent_id] -= 1
        if self._watching[agent_id] <= 0:
            for known in (self._watching, self._told, self._cards):
                known.pop(agent_id, None)

    def snapshot(self, agent_id: str) -> dict[str, Any]:
        """Everything, for a page that begins; waits for the database."""
        state = self.state(agent_id)
        return {"desk": state, "card": self._card(agent_id, _key(state)), "now": self._web.now()}

    def renew(self, agent_id: str) -> None:
        """The records behind the card have changed: tell it anew, also to whoever else has this caller."""
        item = _key(self.state(agent_id))[:1]
        for each in list(self._watching):
            known = self._cards.get(each)
            if each == agent_id or (known is not None and known[0][:1] == item):
                self._cards.pop(each, None)
                self._soon(each)

    # -- telling -------------------------------------------------------------------------------------------------------

    def _changed(self, agent_id: str) -> None:
        """Something about the agent is different; must not wait."""
        self._note_away(agent_id)
        if agent_id in self._watching:
            self._soon(agent_id)

    def _note_away(self, agent_id: str) -> None:
        """Of this one alone: to look at all agents whenever one changes would cost the square of them."""
        agent, view = self._director.site.agent(agent_id), self._director.dispatcher.agent(agent_id)
        if agent is not None and view is not None:
            away = self._away.setdefault(agent.rules.team, set())
            (away.add if is_away(view) else away.discard)(agent_id)

    def _soon(self, agent_id: str) -> None:
        if agent_id not in self._dirty:
            self._dirty.add(agent_id)
            self._engine.crew.spawn(self._tell, agent_id)

    def look(self) -> None:
        """Sees what no hook has told; others get their turn in between."""
        self._away = away_by_team(self._director.site.site, self._director.dispatcher.agents())
        for place, agent_id in enumerate(list(self._watching), start=1):
            if agent_id not in self._dirty and self.state(agent_id) != self._told.get(agent_id):
                self._soon(agent_id)
            if place % LOOKED_AT_ONCE == 0:
                breathe()

    def _tell(self, agent_id: str) -> None:
        self._dirty.discard(agent_id)
        state = self.state(agent_id)
        if state != self._told.get(agent_id):
            self._told[agent_id] = state
            self._web.hub.publish(f"desk.{agent_id}", {"desk": state, "now": self._web.now()})
        key, known = _key(state), self._cards.get(agent_id)
        if known is not None and known[0] == key:
            return
        try:
            card = self._card(agent_id, key)
        except StorageError as error:
            log.warning("an agent's card could not be read: %s", error)
            return
        if agent_id in self._watching and _key(self.state(agent_id)) == key:
            self._cards[agent_id] = key, card
            self._web.hub.publish(f"card.{agent_id}", card)

    def _card(self, agent_id: str, key: tuple[str, ...]) -> dict[str, Any] | None:
        if not key:
            return None
        item_id = key[0]
        if not item_id:  # the wrap-up of a talk that an earlier process had
            last = self._engine.store.segments.last_of_agent(agent_id)
            item_id = last.item_id if last else ""
        return card_of(self._engine.store, self._director.site.site, item_id, agent_id)

    # -- the state -----------------------------------------------------------------------------------------------------

    def state(self, agent_id: str) -> dict[str, Any]:
        """Codes, names and instants of one agent, JSON-ready; asks nobody and does not wait."""
        site, dispatcher = self._director.site, self._director.dispatcher
        agent, view = site.agent(agent_id), dispatcher.agent(agent_id)
        up = bool(self._engine.switch.connected)
        if agent is None or view is None:
            return {"known": False, "switch": up}
        talk = self._director.talk_of(agent_id)
        item_id, stage = self._call_of(view, talk)
        rules = site.queue(view.queue) if view.queue else None
        left = seats(site.site.teams, self._away, agent.rules.team, agent_id)
        return {
            "known": True,
            "switch": up,
            "agent": agent_id,
            "name": agent.rules.name,
            "extension": agent.extension,
            "logged_in": view.intent != "LOGGED_OUT",
            "phone": view.phone if view.intent != "LOGGED_OUT" else "",
            "reachable": view.reachable,
            "intent": view.intent,
            "reason": view.reason,
            "work": view.work,
            "since": self._wall(view.since if view.work != "IDLE" else max(view.since, view.intent_since)),
            "pending": view.pending_intent,
            "pending_reason": view.pending_reason,
            "break_asked": view.break_asked,
            "calls": view.calls,
            "queue": title_of(site.site, view.queue) if view.queue else "",
            "wrap_up": self._wrap_up(view, rules),
            "item": item_id,
            "stage": stage,
            "consulting": self._consulting(talk),
            "recording": bool(talk and talk.recording_path),
            "paused": bool(talk and talk.masked),
            "muted": bool(talk and talk.muted),
            "rings": bool(self._director.ringing_leg(agent_id)),
            "deaf": self._soft_phone.is_deaf(view.phone),
            "own": self._own(self._soft_phone.own_calls.of_agent(agent_id)),
            "not_reached": self._own(self._soft_phone.own_calls.not_reached(agent_id)),
            "dialled": bool(talk and not talk.token),
            "held_by_phone": bool(talk and talk.work == "HOLD" and talk.caller_there),
            "queues": [
                {"name": name, "title": title_of(site.site, name), "waiting": dispatcher.waiting(name)} for name in agent.rules.queues
            ],
            "reasons": [
                {"reason": each.reason, "title": each.title or each.reason, "approval": each.approval} for each in site.site.reasons
            ],
            "seats": {"most": left.most, "left": left.left},
            "on_break": view.intent == "NOT_READY" and view.reason not in NO_BREAKS,
        }

    def _call_of(self, view: AgentView, talk: Talk | None) -> tuple[str, str]:
        """The item that the agent's phone is about, and how far it is: coming, ringing, calling, talking, after, brought, or ""."""
        if talk is not None:
            return talk.item_id, "talking"
        own = self._soft_phone.own_calls.of_agent(view.agent_id)
        if own is not None:
            return own.offer.item_id, "calling"
        if view.work == "WRAP_UP":
            after = self._director.after.get(view.agent_id)
            return (after.item_id if after else ""), "after"
        if view.item_id:
            return view.item_id, "coming" if view.work == "RESERVED" else "ringing"
        brought = self._engine.workplace.transfers.brought_to(view.phone) if view.intent != "LOGGED_OUT" else None
        return (brought.item_id, "brought") if brought is not None else ("", "")

    def _wrap_up(self, view: AgentView, rules: Any) -> dict[str, Any] | None:
        if view.work != "WRAP_UP":
            return None
        return {
            "until": self._wall(view.wrap_up_until) if view.wrap_up_until else 0,
            "required": bool(rules and rules.disposition_required),
        }

    def _own(self, own: OwnCall | None) -> dict[str, str] | None:
        """A call that the agent makes, or one that came to nothing."""
        if own is None:
            return None
        title = own.dialled if own.direction == "out" else own.destination.title
        return {"item": own.offer.item_id, "state": own.state, "number": own.dialled, "title": title, "why": own.why}

    def _consulting(self, talk: Talk | None) -> dict[str, str] | None:
        consultation = self._engine.workplace.transfers.consultation_of(talk) if talk is not None else None
        if consultation is None:
            return None
        found = consultation.destination
        title = name_of(self._director.site.site, found.value) if found.kind == "agent" else found.value
        return {"state": consultation.state, "kind": found.kind, "title": title}

    def _wall(self, at: float) -> float:
        return round(self._engine.call_centre.clock.wall(at), 1)


def _key(state: dict[str, Any]) -> tuple[str, ...]:
    """Which card belongs to the state; () for none. The same card serves while the phone is chosen and while it rings."""
    stage = state.get("stage", "")
    if not stage:
        return ()
    return state["item"], "ringing" if stage == "coming" else stage
