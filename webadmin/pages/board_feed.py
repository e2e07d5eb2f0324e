"""What the live pages of queues, agents and alarms show: read once a second for all who look, told when it has changed.

Nothing is computed here: figures come from ``reports/board.py``, with the numbers that their formula was made of. Instants are told
instead of ages, so that a page counts on by itself and nothing needs to be told while nothing happens; a tick every TICK_SECONDS says
that it is still true. A page that begins gets what was read last, if that is no older than a look: many begin at once when the engine
was started.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import asdict
from time import monotonic
from typing import Any

import gevent
from flask import current_app
from gevent.lock import RLock

from ivrengine.acd.figures import FORMULAS, NOTHING_COUNTED, Counters, Figures, shown
from ivrengine.errors import IvrEngineError
from ivrengine.reports.board import AgentRow, Board, Everybody, QueueRow, board
from ivrengine.runtime.talks import Talk

from ..context import Web, web
from ..live import Told

LOOK_SECONDS = 1.0
TICK_SECONDS = 2.0  # a page counts as stale after 5 s without a word
ALARMS_SECONDS = 2.0
NOBODY_SECONDS = 10.0  # so long after the last page was closed the reading ends
COUNTED = ("offered", "answered", "abandoned", "service_level_ignored", "average_handling_time")
TOPICS = ("board", "supervisor", "alarms")
EXTENSION = "ivrengine_board_feed"

log = logging.getLogger(__name__)


class Feed:
    """One of each application; runs as long as somebody looks."""

    def __init__(self, pages: Web) -> None:
        self._pages = pages
        self._states: dict[str, Callable[[Board], Any]] = {"board": self._board, "supervisor": self._supervisor}
        self._told: dict[str, Any] = {}
        self._kept: dict[str, tuple[float, Any, Told]] = {}  # by topic: when it was read, and it
        self._turn = RLock()  # who begins while others do waits for what they read
        self._running: gevent.Greenlet | None = None

    def begin(self) -> None:
        """Somebody will look."""
        if self._running is None or self._running.dead:
            self._running = gevent.spawn(self._run)

    def state(self, topic: str) -> Any:
        """All of it, now."""
        return self._alarms() if topic == "alarms" else self._states[topic](self._read())

    def told(self, topic: str, **more: Any) -> Told:
        """All of it for a page that begins, and ``more``; at most LOOK_SECONDS old, with the instant at which it is told."""
        return self._recent(topic)[1].having(at=self._pages.now(), **more)

    def open_alarms(self) -> int:
        return self._recent("alarms")[0]["open"]

    def _recent(self, topic: str) -> tuple[Any, Told]:
        with self._turn:
            at, state, told = self._kept.get(topic, (-LOOK_SECONDS, None, Told()))
            if monotonic() - at >= LOOK_SECONDS:
                state = self.state(topic)
                told = self._keep(topic, state)
        return state, told

    def _keep(self, topic: str, state: Any) -> Told:
        told = Told.of(state)
        self._kept[topic] = monotonic(), state, told
        return told

    # -- reading once for everybody

    def _run(self) -> None:
        quiet = ticked = alarms = 0.0
        while quiet < NOBODY_SECONDS:
            watched = [topic for topic in TOPICS if self._pages.hub.watched(topic)]
            try:
                self._look(watched, tick=ticked >= TICK_SECONDS, alarms=alarms >= ALARMS_SECONDS)
            except IvrEngineError as error:
                log.error("the live board could not be read: %s", error)  # no tick goes out: the pages turn stale
            ticked = LOOK_SECONDS if ticked >= TICK_SECONDS else ticked + LOOK_SECONDS
            alarms = LOOK_SECONDS if alarms >= ALARMS_SECONDS else alarms + LOOK_SECONDS
            quiet = 0.0 if watched else quiet + LOOK_SECONDS
            gevent.sleep(LOOK_SECONDS)
        self._told.clear()
        self._kept.clear()

    def _look(self, watched: list[str], *, tick: bool, alarms: bool) -> None:
        live = [topic for topic in watched if topic in self._states]
        if live:
            now = self._read()
            for topic in live:
                self._tell(topic, self._states[topic](now))
                if tick:
                    self._pages.hub.publish(f"{topic}_tick", {"at": self._pages.now()})
        if alarms and "alarms" in watched:
            self._tell("alarms", self._alarms())

    def _tell(self, topic: str, state: Any) -> None:
        if self._told.get(topic) != state:
            self._told[topic] = state
            self._pages.hub.publish(topic, self._keep(topic, state).having(at=self._pages.now()))
        else:
            self._kept[topic] = (monotonic(), *self._kept[topic][1:])

    def _read(self) -> Board:
        return board(self._pages.engine.store, self._pages.now(), self._pages.zone)

    # -- as the pages get it

    def _board(self, now: Board) -> dict[str, Any]:
        limits: dict[str, dict[str, Any]] = {}
        for each in self._pages.engine.store.board_limits.all():
            limits.setdefault(each.queue, {})[each.figure] = {"warn": each.warn, "alarm": each.alarm, "sound": each.sound}
        titles = _reasons(self._pages)
        return {
            "up": self._pages.engine.switch.connected,
            "total": _row(now, now.everybody, now.total, limits.get("", {})),
            "queues": [
                {
                    "queue": row.queue,
                    "title": row.title or row.queue,
                    "service_level_seconds": row.service_level_seconds,
                    **_row(now, row, row.figures, limits.get(row.queue, {})),
                }
                for row in now.queues
            ],
            "agents": [_agent(now, row, titles) for row in now.agents if row.doing != "logged out"],
            "logged_out": sum(row.doing == "logged out" for row in now.agents),
        }

    def _supervisor(self, now: Board) -> dict[str, Any]:
        engine = self._pages.engine
        director, workplace = engine.call_centre.director, engine.workplace
        views = {view.agent_id: view for view in director.dispatcher.agents()}
        titles, shift = _reasons(self._pages), now.at - director.now()
        agents = []
        for row in now.agents:
            view = views.get(row.agent_id)
            if row.doing == "logged out" or view is None:
                continue
            talk = director.talk_of(row.agent_id)
            agents.append(
                {
                    **_agent(now, row, titles),
                    "phone": row.phone,
                    "reachable": view.reachable,
                    "asks": view.break_asked,
                    "asks_title": titles.get(view.break_asked, view.break_asked),
                    "next": view.pending_reason or view.pending_intent,
                    "talks": talk is not None,
                    "number": _number(director, workplace, talk) if talk is not None else "",
                }
            )
        waiting = [
            {**row, "queued_at": round(row["queued_at"] + shift, 1), "number": row["number"] or ""} for row in workplace.waiting({})
        ]
        away = [row.team for row in now.agents if row.doing == "away"]
        site = director.site.site
        teams = [{"team": team.name, "title": team.title or team.name, "most_away": team.most_away, "away": away.count(team.name)}
                 for team in site.teams]  # fmt: skip
        return {"up": engine.switch.connected, "agents": agents, "waiting": waiting, "teams": teams}

    def _alarms(self) -> dict[str, Any]:
        alarms = self._pages.engine.store.alarms
        acknowledged = alarms.acknowledged()
        rows = []
        for each in alarms.recent():
            seen = acknowledged.get((each.code, each.place))
            is_open = seen is None or seen.count < each.count
            rows.append({**asdict(each), "said": each.said, "open": is_open, "seen": asdict(seen) if seen else None})
        return {"alarms": rows, "open": sum(row["open"] for row in rows)}


def feed() -> Feed:
    """The application's feed, running."""
    found = current_app.extensions.setdefault(EXTENSION, Feed(web()))
    found.begin()
    return found


def _reasons(pages: Web) -> dict[str, str]:
    return {each.reason: each.title or each.reason for each in pages.engine.store.site.load().reasons}


def _row(now: Board, row: QueueRow | Everybody, figures: Figures, limits: dict[str, Any]) -> dict[str, Any]:
    longest = row.longest_wait_seconds
    return {
        "now": {
            "waiting": row.waiting,
            "longest_since": None if longest is None else round(now.at - longest, 1),
            "ready": row.ready,
            "talks": row.talks,
            "wrap_up": row.wrap_up,
            "away": row.away,
            "callbacks_due": row.callbacks_due,
        },
        "counted": {
            name: {
                "value": getattr(figures, name),
                "shown": shown(getattr(figures, name), FORMULAS[name].unit),
                "sum": with_numbers(FORMULAS[name].text, row.counters, figures),
            }
            for name in COUNTED
        },
        "limits": limits,
    }


def with_numbers(text: str, counters: Counters, figures: Figures) -> str:
    """A formula with the numbers instead of their names."""

    def number(found: re.Match[str]) -> str:
        name = found.group()
        value = getattr(counters if hasattr(counters, name) else figures, name)
        return NOTHING_COUNTED if value is None else f"{value:.0f}"

    return re.sub(r"[a-z_]+", number, text)


def _agent(now: Board, row: AgentRow, titles: dict[str, str]) -> dict[str, Any]:
    return {
        "agent": row.agent_id,
        "name": row.name or row.agent_id,
        "team": row.team,
        "doing": row.doing,
        "reason": titles.get(row.reason, row.reason),
        "since": round(now.at - row.seconds, 1),
        "too_long": row.too_long,
        "queue": row.queue,
    }


def _number(director: Any, workplace: Any, talk: Talk) -> str:
    """Of who has called, is called back, or was called by the agent."""
    waiting = director.room.item(talk.item_id)
    if waiting is not None:
        return waiting.number
    dialled = workplace.customers.info(talk.call_id)
    return dialled.number if dialled is not None else workplace.callbacks.number_of(talk.item_id)
