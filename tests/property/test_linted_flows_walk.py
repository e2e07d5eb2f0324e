"""What the linter lets pass can be walked: branches of the shipped flows are led elsewhere at random, and callers sent through.

A flow without an error may be a strange one, but no step of it may fail and no caller go round without being asked.
"""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import RaiseAlarm
from ivrengine.flow.calendar_file import load_calendars
from ivrengine.flow.calendars import HoursBook
from ivrengine.flow.check import check_flows, sound_flows
from ivrengine.flow.compile import load_flows
from ivrengine.flow.interpreter import Interpreter
from ivrengine.flow.rehearsal import Rehearsal
from ivrengine.flow.rehearsed_queue import RehearsedQueues, Scene
from ivrengine.flow.world import World
from ivrengine.runtime.site_files import read_site

SITE = read_site(Path(__file__).parents[2] / "flows")
CALENDARS = load_calendars(SITE.calendars_text)
QUEUES = RehearsedQueues({"delivery": Scene(wait_seconds=3.0, outcome="no_agent"), "property": Scene(wait_seconds=0.0)})
WORLD = World(hours=HoursBook(CALENDARS.calendars), queues=QUEUES, lists=SITE.lists, outside_numbers=("1*",))
NOW = 1_790_000_000.0
BRANCH = re.compile(
    r"\b(?:go|next|closed|open|holiday|otherwise|answered|failed|done|no_input|no_match|accepted|timeout|refused_empty): (\w+)"
)
CALLERS = ("", "02988880001", "13800138000")


class Everything:
    def names(self, language: str) -> list[str]:
        return []

    def problem(self, name: str, language: str) -> None:
        return None

    def duration_ms(self, name: str, language: str) -> int:
        return 1000

    def speech_problem(self, kind: str, language: str) -> None:
        return None


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_no_step_fails_in_flows_without_errors(data):
    texts = dict(SITE.texts)
    for _ in range(data.draw(st.integers(0, 3), "changes")):
        file = data.draw(st.sampled_from(sorted(texts)), "file")
        branches = list(BRANCH.finditer(texts[file]))
        branch, other = data.draw(st.sampled_from(branches)), data.draw(st.sampled_from(branches))
        texts[file] = texts[file][: branch.start(1)] + other[1] + texts[file][branch.end(1) :]
    loaded = load_flows(texts)
    everything = Everything()
    found = check_flows(
        loaded, catalogue=everything, voice=everything, calendars=CALENDARS, lists=SITE.lists, outside_numbers=["*"], now=NOW
    )
    flows = sound_flows(loaded, found)
    for flow in flows.flows.values():
        if flow.numbers:
            call = CallInfo("call", flow.numbers[0], data.draw(st.sampled_from(CALLERS), "caller"), "", NOW)
            interpreter = Interpreter(flows, WORLD)
            start_at = NOW + data.draw(st.integers(0, 10**6), "at")
            rehearsal = Rehearsal(interpreter, interpreter.new_run(flow, call), start_at=start_at)
            rehearsal.begin()
            for action in data.draw(st.lists(st.sampled_from([*"0123456789*#", 1.0, 8.0]), max_size=20), "does"):
                if not rehearsal.run.finished:
                    rehearsal.press(action) if isinstance(action, str) else rehearsal.wait(action)
            codes = [command.code for command in rehearsal.commands if isinstance(command, RaiseAlarm)]
            assert not {"step_failed", "flow_loops", "hangup_failed", "on_hangup_failed"} & set(codes)
