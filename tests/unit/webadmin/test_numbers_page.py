"""The page of numbers: what leads where, what nobody answers, and another flow for a number, in the drafts only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pages_house import AT

from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import RaiseAlarm
from ivrengine.runtime.library import Library

FLOW = """\
flow: {name}
name: {title}
languages: [en-US]
{numbers}start: bye
steps:
  bye: {{hangup: }}
"""
FRONT = FLOW.format(name="front", title="Front <b>", numbers='numbers:\n  - "100"  # the desk\n  - "4008*"\n')
BACK = FLOW.format(name="back", title="Back", numbers='numbers: ["200"]\n')


class Calendars:
    def use_calendars(self, book: Any) -> None:
        pass


@pytest.fixture
def flows(engine: Any) -> Path:
    directory = engine.settings.flows
    directory.mkdir()
    (directory / "front.yml").write_text(FRONT)
    (directory / "back.yml").write_text(BACK)
    engine.library = Library(engine.publisher, engine.store, engine.world, Calendars())  # type: ignore[arg-type]
    engine.library.start()
    return directory


@pytest.fixture
def admin(flows: Path, client: Callable[[str], FlaskClient]) -> FlaskClient:
    return client("admin")


def called(engine: Any, dialled: str, at: float = AT) -> None:
    engine.store.calls.begin(CallInfo(f"{dialled}-{at}", dialled, "13800138000", "", at), "front", "v").wait()


def give(admin: FlaskClient, number: str, flow: str) -> Any:
    return admin.post("/site/numbers/change", data={"number": number, "flow": flow}, follow_redirects=True)


def test_every_number_with_its_flow_its_line_and_todays_calls(admin: FlaskClient, engine: Any) -> None:
    for number in ("100", "40081", "40082"):
        called(engine, number)
    called(engine, "100", AT - 86_400)
    called(engine, "999")
    engine.store.alarms.raise_(RaiseAlarm("unknown_number", "nobody", "555"), AT).wait()
    page = admin.get("/site/numbers/").text
    assert "Front &lt;b&gt;" in page and "Front <b>" not in page
    assert 'href="/flows/file/front#line-5"' in page and 'href="/try/?number=40081"' in page and "all that begin so" in page
    counts = [row.split(">")[1] for row in page.split('class="count"')[2:] if row.startswith(">") and row[1].isdigit()]
    assert [text.partition("<")[0] for text in counts] == ["1", "0", "2", "1", "1"]  # 100, 200, 4008*, then 555 and 999
    assert "answered by no flow" in page and ">555<" in page and ">999<" in page


def test_another_flow_is_given_in_the_drafts_and_callers_notice_nothing(admin: FlaskClient, engine: Any, flows: Path) -> None:
    page = give(admin, "100", "back").text
    assert "leads to Back now" in page and "before you publish" in page and "1 number leads elsewhere" in page
    assert (flows / "front.yml").read_text() == FRONT.replace('  - "100"  # the desk\n', "")
    assert (flows / "back.yml").read_text() == BACK.replace('["200"]', '["200", "100"]')
    assert engine.library.flows.for_number("100").name == "front"
    verbs = [(row.verb, row.target) for row in engine.store.audit.recent(who="user admin")]
    assert verbs == [("give_number", "number 100"), ("save_draft", "draft back"), ("save_draft", "draft front")]
    row = engine.store.audit.recent(target="number 100")[0]
    assert '"front"' in row.before and '"back"' in row.after
    engine.publisher.publish("user admin")
    engine.library.follow()
    assert engine.library.flows.for_number("100").name == "back"


def test_a_number_is_added_and_taken_away(admin: FlaskClient, flows: Path) -> None:
    assert "leads to Back now" in give(admin, "300", "back").text
    assert "leads nowhere now" in give(admin, "200", "").text
    assert (flows / "back.yml").read_text() == BACK.replace('["200"]', '["300"]')


@pytest.mark.parametrize(
    ("number", "flow", "sentence"),
    [
        ("100", "front", "leads there already"), ("100", "gone", "no flow"), ("nobody", "back", "no dialled number"),
        ('1", "2', "back", "no dialled number"), ("", "back", "no dialled number"), ("9" * 60, "back", "no dialled number"),
        ("777", "", "leads there already"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_told_and_changes_nothing(admin: FlaskClient, flows: Path, number: str, flow: str, sentence: str) -> None:
    answer = give(admin, number, flow)
    assert answer.status_code == 409 and sentence in answer.text
    assert (flows / "front.yml").read_text() == FRONT and (flows / "back.yml").read_text() == BACK


def test_what_the_linter_refuses_is_not_saved(admin: FlaskClient, flows: Path, engine: Any) -> None:
    (flows / "part.yml").write_text(
        "flow: part\nlanguages: [en-US]\nstart: back\nsteps:\n  back: {return: }\n"
    )  # only for flows that others enter
    answer = give(admin, "300", "part")
    assert answer.status_code == 409 and "The linter refuses this" in answer.text or "the linter refuses this" in answer.text
    assert "numbers" not in (flows / "part.yml").read_text()


def test_a_conflict_is_shown_and_left_to_the_editor(admin: FlaskClient, flows: Path) -> None:
    (flows / "back.yml").write_text(BACK.replace('["200"]', '["200", "100"]'))
    page = admin.get("/site/numbers/").text
    assert "conflict" in page and "/flows/file/back#line-4" in page and "/flows/file/front#line-5" in page
    answer = give(admin, "100", "back")
    assert answer.status_code == 409 and "several flows" in answer.text


def test_somebody_elses_draft_is_not_written_over(admin: FlaskClient, flows: Path, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = BACK + "# theirs\n"
    save = engine.drafts.save

    def save_late(name: str, text: str, base: str) -> Any:
        if name == "front":
            (flows / "back.yml").write_text(theirs)
        return save(name, text, base)

    monkeypatch.setattr(engine.drafts, "save", save_late)
    answer = give(admin, "100", "back")
    assert answer.status_code == 409 and "changed by somebody else" in answer.text
    assert (flows / "front.yml").read_text() == FRONT and (flows / "back.yml").read_text() == theirs


def test_supervisors_look_and_do_not_change(flows: Path, client: Callable[[str], FlaskClient]) -> None:
    browser = client("supervisor")
    page = browser.get("/site/numbers/").text
    assert "4008*" in page and "Change the draft" not in page
    assert browser.post("/site/numbers/change", data={"number": "100", "flow": "back"}).status_code == 403
