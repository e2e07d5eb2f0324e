"""How many calls a second one core walks through a flow under the virtual clock, and what a call held in a flow costs in memory.

The call is a typical one: by hours, a welcome, a menu of two levels, a page of information, and a message with review.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator

from ivrengine.domain.caller import CallInfo
from ivrengine.flow.compile import compile_flow
from ivrengine.flow.flowset import Flow, FlowSet
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.rehearsal import Rehearsal
from ivrengine.flow.world import World

WANTED_CALLS_PER_SECOND = 2000
WANTED_KB_PER_CALL = 30
SECONDS_OF_CALLS = 3.0
CALLS_HELD = 2000

FLOW = """
flow: typical
name: A typical call
languages: [zh-CN]
numbers: ["02988880001"]
start: hours
fallback: bye
keys:
  "*": {label: Back, do: back}
  0: {label: To a person, go: bye}
steps:
  hours:
    by_hours: {calendar: office, open: welcome, closed: bye}
  welcome:
    play: {prompt: welcome, next: main}
  main:
    menu:
      prompt: main_menu
      choices:
        1: {label: Newspaper, go: newspaper}
        2: {label: Complaint, go: message}
      no_input: bye
      no_match: bye
  newspaper:
    page:
      pages: [prices, delivery]
      offer: again_next_person
      done: main
  message:
    voicemail:
      box: complaints
      prompt: leave_a_message
      review: {prompt: review_menu}
      saved: message_saved
      next: bye
  bye:
    hangup: {prompt: goodbye}
"""


class AlwaysOpen:
    """A calendar that never closes."""

    def label(self, calendar: str, now: float) -> str:
        return "open"


def typical_flow() -> Flow:
    flow = compile_flow(FLOW, "typical.yml").flow
    assert flow is not None
    return flow


def into_review(interpreter: Interpreter, flow: Flow, number: int) -> Rehearsal:
    """Walk welcome -> menu -> page -> menu -> message, up to the review of the message."""
    call = CallInfo(f"call-{number}", "02988880001", f"1380013{number % 10000:04}", "", 0.0)
    rehearsal = Rehearsal(interpreter, interpreter.new_run(flow, call))
    rehearsal.begin()
    rehearsal.wait(3.0)
    rehearsal.press("1")
    rehearsal.wait(5.0)
    rehearsal.press("2")
    rehearsal.wait(5.0)
    rehearsal.press("2")
    rehearsal.wait(3.0)
    rehearsal.press("2")
    rehearsal.wait(3.0)
    rehearsal.speak_for(8.0)
    rehearsal.press("#")
    rehearsal.wait(1.0)
    return rehearsal


def run() -> Iterator[dict]:
    """Figures: ``flow.calls_per_second`` on one core, and ``flow.kb_per_call`` held in the middle of the call."""
    flow = typical_flow()
    interpreter = Interpreter(FlowSet([flow]), World(AlwaysOpen()))
    done = 0
    began = time.process_time()  # of this process only, so that other work on the machine is not counted
    while time.process_time() - began < SECONDS_OF_CALLS:
        for _ in range(50):
            rehearsal = into_review(interpreter, flow, done)
            rehearsal.press("2")
            rehearsal.run_to_end()
            done += 1
    rate = done / (time.process_time() - began)
    yield _figure("flow.calls_per_second", round(rate), "calls/s", WANTED_CALLS_PER_SECOND)
    yield _figure("flow.kb_per_call", round(_kb_per_call(interpreter, flow), 2), "KB", WANTED_KB_PER_CALL)


def _kb_per_call(interpreter: Interpreter, flow: Flow) -> float:
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    held = [into_review(interpreter, flow, number).run for number in range(CALLS_HELD)]
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / 1024 / len(held)


def _figure(name: str, value: float, unit: str, wanted: float) -> dict:
    """The peer of these figures is the target that the engine sets itself."""
    return {
        "figure": name,
        "value": value,
        "unit": unit,
        "peer": "target",
        "peer_value": wanted,
        "ratio": round(value / wanted, 3),
    }
