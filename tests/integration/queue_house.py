"""A house with one queue and agents at phones of the embedded switch, for tests of the whole way from a caller to an agent."""

from __future__ import annotations

from typing import Any

from ivrengine.acd.happenings import BecameReady, LoggedIn
from ivrengine.acd.rules import AgentRules, Membership, QueueRules
from ivrengine.app import Engine
from ivrengine.site.records import Agent, Site
from ivrengine.storage.attempts import Attempt
from ivrengine.storage.store import Store

from .conftest import House, eventually

QUEUE_FLOW = """
flow: line
languages: [zh-CN]
numbers: ["100"]
start: person
fallback: sorry
on_hangup: count_end
steps:
  person:
    queue:
      queue: news
      music: [long]
      choices:
        1: {label: Leave, go: bye}
      answered: thanks
      refused_empty: nobody
      failed: sorry
  thanks: {play: {prompt: [thanks], next: bye}}
  nobody: {play: {prompt: [leave], next: bye}}
  sorry: {hangup: {prompt: [sorry]}}
  bye: {hangup: {prompt: [bye]}}
  count_end: {counter: {counter: ended, next: gone}}
  gone: {hangup: }
"""
RULES: dict[str, Any] = {
    "when_empty": "wait", "ring_seconds": 5.0, "wrap_up_most_seconds": 0.5, "exclusion_seconds": 1.0, "whisper": False,
    "short_abandon_seconds": 0.0, "no_agent_seconds": 0.0,
}  # fmt: skip
AGENT_RULES: dict[str, Any] = {"rejected_seconds": 0.5, "busy_seconds": 0.5, "unregistered_seconds": 0.5, "no_answer_limit": 0}


def site(agents: int = 1, **rules: Any) -> Site:
    """The queue ``news`` with the agents 101, 102..."""
    queue = QueueRules("news", **{**RULES, **rules})
    numbers = [str(101 + number) for number in range(agents)]
    return Site(
        queues=(queue,),
        agents=tuple(Agent(AgentRules(number, queues={"news": Membership()}, **AGENT_RULES)) for number in numbers),
    )


def keep_site(house: House, kept: Site) -> None:
    """Into the database, before an engine runs on it."""
    with Store(house.site / "data" / "ivrengine.db") as store:
        store.site.replace(kept, "test", 0.0).wait()


def phone_of(agent_id: str) -> str:
    return str(8000 + int(agent_id) - 100)


def seat(engine: Engine, *agent_ids: str) -> None:
    """Log agents in at the phones 8001, 8002... and make them ready."""
    for agent_id in agent_ids:
        engine.call_centre.director.feed(LoggedIn(agent_id, phone_of(agent_id)))
        engine.call_centre.director.feed(BecameReady(agent_id))


def works(engine: Engine, agent_id: str) -> str:
    view = engine.call_centre.director.dispatcher.agent(agent_id)
    assert view is not None
    return view.work


def until_works(engine: Engine, agent_id: str, work: str) -> None:
    eventually(lambda: works(engine, agent_id) == work, f"agent {agent_id} to be {work}")


def attempts_of(engine: Engine, call_id: str) -> list[Attempt]:
    """Every offer of a call, in order."""
    segments = engine.store.segments.of_contact(call_id)
    return [attempt for each in segments for attempt in engine.store.attempts.of_item(each.item_id)]


def segment(engine: Engine, call_id: str) -> Any:
    """The last segment of a call, once its talk or waiting is over."""

    def over() -> Any:
        segments = engine.store.segments.of_contact(call_id)
        done = segments and segments[-1].ended_at and (segments[-1].terminal != "answered" or segments[-1].talk_ended_at)
        return segments[-1] if done else None

    return eventually(over, "the end of the segment")
