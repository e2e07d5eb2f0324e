"""The agents' feature codes, dialled at a phone of the house."""

from __future__ import annotations

import pytest
from hotline_calls import HotlineCall

from ivrengine.domain.audio import Prompt
from ivrengine.domain.commands import AskDesk
from ivrengine.domain.events import DeskAnswered


class Code(HotlineCall):
    """A code dialled at phone 8001; the desk answers ``outcome`` and says one thing."""

    def __init__(self, code: str, *outcomes: str) -> None:
        self.outcomes = list(outcomes)
        super().__init__(code, phone="8001", desk=self.answer)

    def answer(self, command: AskDesk) -> DeskAnswered:
        outcome = self.outcomes.pop(0) if self.outcomes else "done"
        return DeskAnswered(command.token, outcome, (Prompt("desk/said", command.language),))

    def asked(self) -> list[tuple[str, dict[str, str]]]:
        return [(command.verb, dict(command.arguments)) for command in self.of(AskDesk)]


@pytest.mark.parametrize(
    ("code", "verb", "arguments"),
    [
        ("*91", "log_out", {}),
        ("*92", "ready", {}),
        ("*931", "break", {"reason": "1"}),
        ("*9312", "break", {"reason": "12"}),
        ("*94", "status", {}),
        ("*9514", "disposition", {"code": "14"}),
        ("*96", "more_wrap_up", {}),
        ("*97", "pick_up", {}),
        ("*971002", "pick_up", {"agent": "1002"}),
        ("*98", "voicemail", {}),
    ],
)
def test_a_code_asks_the_desk_at_once_and_says_its_answer(code: str, verb: str, arguments: dict[str, str]) -> None:
    call = Code(code)
    call.listen_out()
    assert call.asked()[0] == (verb, arguments)
    call.run_to_end()
    assert "desk/said" in call.prompts() or verb == "pick_up"


@pytest.mark.parametrize(
    ("code", "prompt", "keyed", "arguments"),
    [("*93", "desk/enter_reason", "2#", {"reason": "2"}), ("*95", "desk/enter_code", "31#", {"code": "31"})],
)
def test_what_is_not_dialled_is_asked_for(code: str, prompt: str, keyed: str, arguments: dict[str, str]) -> None:
    call = Code(code)
    call.listen_out()
    assert call.prompts() == [prompt]
    call.press(keyed)
    assert call.asked()[0][1] == arguments


def test_logging_in_with_a_wrong_pin_first_and_the_pin_shows_nowhere() -> None:
    call = Code("*90", "refused", "done")
    for pin in ("918273#", "918274#"):
        call.listen_out()
        call.press("1003#")
        call.listen_out()
        call.press(pin)
        call.wait(1)
    call.run_to_end()
    assert call.asked() == [("log_in", {"agent": "1003", "pin": "918273"}), ("log_in", {"agent": "1003", "pin": "918274"})]
    assert "91827" not in repr(call.commands) + repr(call.transcript) + repr(call.run.to_record())
    assert call.prompts()[-2:] == ["desk/said", "desk/bye"]


def test_a_locked_agent_is_not_asked_again() -> None:
    call = Code("*90", "locked")
    call.listen_out()
    call.press("1003#")
    call.listen_out()
    call.press("918273#")
    call.run_to_end()
    assert len(call.asked()) == 1 and call.prompts()[-1] == "desk/bye"


def test_messages_one_after_the_other_until_there_are_none() -> None:
    call = Code("*98", "done", "done", "nothing")
    for _ in range(2):
        call.listen_out()
        assert call.prompts()[-1] == "desk/next"
        call.press("1")
    call.run_to_end()
    assert len(call.asked()) == 3 and call.prompts()[-1] == "desk/bye"


def test_a_call_that_is_picked_up_is_not_kept_waiting() -> None:
    call = Code("*97", "done")
    call.run_to_end()
    assert call.prompts() == ["desk/said"]
