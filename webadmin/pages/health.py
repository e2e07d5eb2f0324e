"""For machines: whether the process lives, whether it takes calls, and its figures for Prometheus.

No label is a telephone number, an agent or an id of a call: queues, states and outcomes alone, whose number the site bounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ivrengine.acd.figures import Counters
from ivrengine.reports.board import Board, QueueRow, board
from ivrengine.storage.errors import StorageError

from ..context import Web, web

OUTCOMES = (
    "answered", "abandoned", "short_abandon", "timeout", "no_agent", "exit_key", "voicemail", "callback_requested", "flow_out", "failed",
    "refused_full", "refused_empty",
)  # fmt: skip
SECONDS = tuple(each.name for each in fields(Counters) if each.name.endswith("_seconds"))
LABEL = ("queue",)

blueprint = Blueprint("health", __name__)


@blueprint.get("/health")
def health() -> dict[str, object]:
    """200 as long as the process answers: what is restarted when it does not."""
    engine = web().engine
    return {"switch": "up" if engine.switch.connected else "down", "calls": len(engine.reception.sessions)}


@blueprint.get("/ready")
def ready() -> tuple[dict[str, object], int]:
    """200 while calls are taken; otherwise 503 with what is missing."""
    missing = list(_missing(web()))
    return {"ready": not missing, "missing": missing}, 503 if missing else 200


@blueprint.get("/metrics")
def metrics() -> Response:
    """Figures of queues count since midnight: they begin at 0 then, as counters may."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Figures(web()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _missing(pages: Web) -> Iterator[str]:
    engine = pages.engine
    if not engine.switch.connected:
        yield "the link to the switch is down"
    if not engine.call_centre.recovery.done:
        yield "the queues are not rebuilt yet"
    if engine.reception.draining:
        yield "the engine is stopping"
    try:
        engine.store.database.read(lambda db: None, timeout_seconds=2.0)
    except StorageError as error:
        yield str(error)


class _Figures:
    """Read when Prometheus asks, from the same function as the board."""

    def __init__(self, pages: Web) -> None:
        self._pages = pages

    def collect(self) -> Iterator[Metric]:
        pages, engine = self._pages, self._pages.engine
        missing = list(_missing(pages))
        yield GaugeMetricFamily("ivrengine_ready", "1 while calls are taken.", value=not missing)
        yield GaugeMetricFamily("ivrengine_switch_up", "1 while the link to the switch is up.", value=engine.switch.connected)
        yield GaugeMetricFamily("ivrengine_calls", "Calls in flows now.", value=len(engine.reception.sessions))
        yield CounterMetricFamily("ivrengine_crashes", "Greenlets that have crashed.", value=engine.crew.crashes)
        yield GaugeMetricFamily("ivrengine_writes_waiting", "Writes that wait for the disk.", value=engine.store.database.waiting)
        yield GaugeMetricFamily("ivrengine_live_pages", "Browsers with a live page.", value=pages.hub.clients)
        now = board(engine.store, pages.now(), pages.zone)
        yield from _agents(now)
        yield from _queues(now)


def _agents(now: Board) -> Iterator[Metric]:
    family = GaugeMetricFamily("ivrengine_agents", "Agents who are logged in, by what they do.", labels=("state",))
    doing = Counter(agent.doing for agent in now.agents if agent.doing != "logged out")
    for state in ("ready", "ringing", "talking", "holding", "wrap-up", "away", "on the phone"):
        family.add_metric((state.replace("-", "_").replace(" ", "_"),), doing[state])
    yield family


def _queues(now: Board) -> Iterator[Metric]:
    def family(name: str, text: str, labels: tuple[str, ...] = LABEL) -> GaugeMetricFamily:
        return GaugeMetricFamily(f"ivrengine_queue_{name}", text, labels=labels)

    waiting = family("waiting", "Callers who wait now.")
    longest = family("longest_wait_seconds", "Wait of the caller who waits longest; 0 when nobody does.")
    callbacks = family("callbacks_waiting", "Callbacks in line now.")
    due = family("callbacks_due", "Callbacks to be made before midnight.")
    talks = family("talks", "Talks that came from the queue, now.")
    agents = family("agents", "Members who are logged in, by what they do.", ("queue", "state"))
    level = family("service_level", "Answered in time / (offered - hung up in time), since midnight.")
    outcomes = CounterMetricFamily("ivrengine_queue_calls", "How calls to the queue have ended.", labels=("queue", "outcome"))
    seconds = CounterMetricFamily("ivrengine_queue_seconds", "Seconds of waits, talks and wrap-ups.", labels=("queue", "of"))
    handled = CounterMetricFamily("ivrengine_queue_handled", "Talks that are over.", labels=LABEL)
    for row in now.queues:
        name = (row.queue,)
        waiting.add_metric(name, row.waiting)
        longest.add_metric(name, row.longest_wait_seconds or 0.0)
        callbacks.add_metric(name, row.callbacks_waiting)
        due.add_metric(name, row.callbacks_due)
        talks.add_metric(name, row.talks)
        handled.add_metric(name, row.counters.handled)
        if row.figures.service_level_ignored is not None:
            level.add_metric(name, row.figures.service_level_ignored)
        for state, count in _members(row).items():
            agents.add_metric((row.queue, state), count)
        for outcome in OUTCOMES:
            outcomes.add_metric((row.queue, outcome), getattr(row.counters, outcome))
        for each in SECONDS:
            seconds.add_metric((row.queue, each.removesuffix("_seconds")), getattr(row.counters, each))
    yield from (waiting, longest, callbacks, due, talks, agents, level, outcomes, seconds, handled)


def _members(row: QueueRow) -> dict[str, int]:
    return {
        "ready": row.ready, "ringing": row.ringing, "wrap_up": row.wrap_up, "away": row.away, "on_the_phone": row.on_the_phone,
        "talking": row.agents - row.ready - row.ringing - row.wrap_up - row.away - row.on_the_phone,
    }  # fmt: skip
