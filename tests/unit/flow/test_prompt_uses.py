"""Which steps play which prompts, in which languages."""

from __future__ import annotations

from ivrengine.flow.prompt_uses import PromptUse, prompt_uses

FLOW = """\
flow: line
languages: [zh-CN, en-US]
start: hello

steps:
  hello:
    play: {prompt: [welcome, welcome], next: bye}
  bye:
    hangup:
"""


def test_each_step_is_told_once_in_each_language_of_its_flow() -> None:
    uses = list(prompt_uses({"flows/line.yml": FLOW}))
    assert uses == [PromptUse("welcome", language, "flows/line.yml", "hello") for language in ("zh-CN", "en-US")]


def test_what_can_not_be_read_is_left_out() -> None:
    assert list(prompt_uses({"flows/a.yml": "{[", "flows/b.yml": FLOW.replace("next: bye", "next: nowhere")}))
