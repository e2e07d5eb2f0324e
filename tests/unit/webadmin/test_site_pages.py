"""An admin edits queues and people, the hours are overridden, callers refused, voicemail heard; what is wrong stands at its field."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import pytest
from flask import Flask
from flask.testing import FlaskClient

from ivrengine.domain.blacklist import BlacklistEntry
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import KeepMessage
from ivrengine.flow.calendars import HoursBook
from ivrengine.site.reading import read_site_file

sys.path.insert(0, str(Path(__file__).parents[1] / "prompts"))
from prompt_sounds import tone, write_wav

HOSTILE = "<script>alert(1)</script>"
SITE = """\
skills: {english: English}
teams: {day: 白班}
break_reasons: {meal: 用餐, rest: 休息}
dispositions: {"11": {title: 停送, queues: [delivery]}}
queues: {delivery: {title: 投递, number: "6001"}, sales: {title: 销售, number: "6002"}}
agents: {"1001": {name: 王芳, team: day, skills: {english: 5}, queues: {delivery: {tier: 2}}, extension: "8001"}}
"""
CALENDARS = """\
office:
  zone: Asia/Shanghai
  weekly: {mon-fri: {open: 08:30-17:30}, sat-sun: weekend}
  exceptions: {2026-09-22: holiday}
"""


@pytest.fixture
def admin(client: Callable[[str], FlaskClient], engine: Any) -> FlaskClient:
    engine.store.site.replace(read_site_file(SITE).site, "tests", 1.0).wait()
    engine.world.hours = HoursBook.from_text(CALENDARS)
    return client("admin")


def form_of(page: str) -> dict[str, str]:
    """What the page's form would send as it is."""
    form = page[page.index('name="version"') : page.index("</form>", page.index('name="version"'))]
    found = dict(re.findall(r'<input id="[^"]*" name="([^"]+)" type="text" value="([^"]*)"', form))
    found |= dict(re.findall(r'name="([^"]+)" value="([^"]*)" (?:inputmode|placeholder)', form))
    found |= dict.fromkeys(re.findall(r'type="checkbox" name="([^"]+)" checked', form), "on")
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]+)">(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    version = re.search(r'name="version" value="([^"]*)"', page)
    return {**found, "version": version[1] if version else ""}


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("queues", "delivery"), ("agents", "1001"), ("teams", "day"), ("skills", "english"), ("break_reasons", "meal"),
        ("dispositions", "11"),
    ],
)  # fmt: skip
def test_a_form_that_is_saved_as_it_is_changes_nothing(admin: FlaskClient, engine: Any, part: str, name: str) -> None:
    before = engine.store.site.load()
    assert name in admin.get(f"/site/{part}/").text
    answer = admin.post(f"/site/{part}/one/{name}", data=form_of(admin.get(f"/site/{part}/one/{name}").text))
    assert answer.status_code == 302, answer.text
    assert engine.store.site.load() == before


def test_a_queue_is_added_changed_and_told_in_the_audit_trail(admin: FlaskClient, engine: Any) -> None:
    fields = {"own_name": "repairs", "title": HOSTILE, "strategy": "ring_all", "ring": "25s", "record": "on", "number": "6003"}
    assert admin.post("/site/queues/add", data=fields).status_code == 302
    queue = engine.store.site.load().queue("repairs")
    assert (queue.title, queue.strategy, queue.ring_seconds, queue.record, queue.whisper) == (HOSTILE, "ring_all", 25.0, True, False)
    page = admin.get("/site/queues/one/repairs").text
    assert HOSTILE not in page and HOSTILE not in admin.get("/site/queues/").text
    assert admin.post("/site/queues/one/repairs", data={**form_of(page), "title": "Repairs", "ring": "30s"}).status_code == 302
    page = admin.get("/site/queues/one/repairs").text
    assert "user admin" in page and "25.0" in page and "30.0" in page


@pytest.mark.parametrize(
    ("part", "fields", "field", "sentence"),
    [
        ("queues", {"own_name": "../x"}, "own_name", "name a queue"), ("queues", {"own_name": ""}, "own_name", "name a queue"),
        ("queues", {"own_name": "delivery"}, "own_name", "There is one of this name"),
        ("queues", {"own_name": "new", "ring": "soon"}, "ring", "is not a duration"),
        ("queues", {"own_name": "new", "number": "6001"}, "number", "has the number"),
        ("queues", {"own_name": "new", "number": "8001"}, "number", "is reached by"),
        ("queues", {"own_name": "new", "title": "a\nb\x85"}, "title", ""),
        ("queues", {"own_name": "new", "strategy": HOSTILE}, "strategy", ""),
        ("agents", {"own_name": "abc"}, "own_name", "name an agent"),
        ("agents", {"own_name": "1002", "team": "night"}, "team", "there is no team"),
        ("agents", {"own_name": "1002", "skills.english": "11"}, "skills", ""),
        ("agents", {"own_name": "1002", "queues.delivery": "on", "tier.delivery": "x"}, "queues", ""),
        ("agents", {"own_name": "1002", "extension": "8001"}, "extension", "has the extension"),
        ("dispositions", {"own_name": "x"}, "own_name", "digits"), ("teams", {"own_name": "t", "most_away": "-1"}, "most_away", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_field_and_nothing_is_kept(
    admin: FlaskClient, engine: Any, part: str, fields: dict[str, str], field: str, sentence: str
) -> None:
    before = engine.store.site.load()
    answer = admin.post(f"/site/{part}/add", data=fields)
    assert answer.status_code == 422 and f'id="{field}-note"' in answer.text, answer.text[-3000:]
    assert sentence in answer.text and HOSTILE not in answer.text
    assert engine.store.site.load() == before


def test_a_stale_form_is_refused_with_both_values(admin: FlaskClient, engine: Any) -> None:
    stale = form_of(admin.get("/site/queues/one/sales").text)
    admin.post("/site/queues/one/sales", data={**stale, "title": "theirs"})
    answer = admin.post("/site/queues/one/sales", data={**stale, "title": "mine"})
    assert answer.status_code == 409 and "theirs" in answer.text and "mine" in answer.text
    assert engine.store.site.load().queue("sales").title == "theirs"
    assert admin.post("/site/queues/one/sales", data=form_of(answer.text) | {"title": "mine"}).status_code == 302
    assert engine.store.site.load().queue("sales").title == "mine"


@pytest.mark.parametrize("round_", range(5))
def test_of_two_who_save_at_once_one_is_refused_with_both_values(
    client: Callable[[str], FlaskClient], admin: FlaskClient, engine: Any, round_: int
) -> None:
    """Both have read the same record, and both write before either is kept: the database's one writer decides."""
    both = [admin, client("admin")]
    form = form_of(admin.get("/site/queues/one/sales").text)
    work = [gevent.spawn(each.post, "/site/queues/one/sales", data={**form, "title": f"of {n}"}) for n, each in enumerate(both)]
    gevent.joinall(work, timeout=20, raise_error=True)
    answers = [each.value for each in work]
    assert sorted(answer.status_code for answer in answers) == [302, 409]
    won = next(n for n, answer in enumerate(answers) if answer.status_code == 302)
    assert engine.store.site.load().queue("sales").title == f"of {won}"
    refused = answers[1 - won].text
    assert f"of {won}" in refused and f"of {1 - won}" in refused
    assert [row.verb for row in engine.store.audit.recent(target="queue sales")] == ["change", "add"]


def test_what_was_added_changed_or_removed_meanwhile_is_not_written_over(admin: FlaskClient, engine: Any) -> None:
    page = admin.get("/site/queues/one/sales").text
    stale = form_of(page)
    admin.post("/site/queues/one/sales", data={**stale, "title": "theirs"})
    assert "changed this meanwhile" in admin.post("/site/queues/one/sales/remove", data=stale, follow_redirects=True).text
    assert engine.store.site.load().queue("sales").title == "theirs"
    remove(admin, "queues", "sales")
    assert admin.post("/site/queues/one/sales", data=stale).status_code == 404


def remove(admin: FlaskClient, part: str, name: str) -> Any:
    """As the button on its page does."""
    data = {"version": form_of(admin.get(f"/site/{part}/one/{name}").text)["version"]}
    return admin.post(f"/site/{part}/one/{name}/remove", data=data, follow_redirects=True)


def test_what_others_name_stays_and_the_rest_goes(admin: FlaskClient, engine: Any) -> None:
    page = remove(admin, "queues", "delivery").text
    assert "still named by" in page and "agent 1001" in page and engine.store.site.load().queue("delivery")
    remove(admin, "queues", "sales")
    assert engine.store.site.load().queue("sales") is None
    assert admin.post("/site/queues/one/sales/remove").status_code == 404


def test_the_order_of_break_reasons_is_changed(admin: FlaskClient, engine: Any) -> None:
    admin.post("/site/break_reasons/one/rest/up")
    assert [each.reason for each in engine.store.site.load().reasons] == ["rest", "meal"]


def test_a_pin_is_set_kept_from_every_page_taken_away_and_unlocked(admin: FlaskClient, engine: Any) -> None:
    store = engine.store.site
    answer = admin.post("/site/agents/one/1001/pin", data={"pin": "12"})
    assert answer.status_code == 422 and "digits and nothing else" in answer.text and store.check_pin("1001", "12", 2.0) == "unknown"
    admin.post("/site/agents/one/1001/pin", data={"pin": "947316"})
    assert store.check_pin("1001", "947316", 2.0) == "ok"
    assert admin.post("/site/agents/one/1001", data=form_of(admin.get("/site/agents/one/1001").text)).status_code == 302
    assert store.check_pin("1001", "947316", 2.0) == "ok"
    assert "947316" not in admin.get("/site/agents/one/1001").text + admin.get("/audit/").text
    for _ in range(5):
        store.check_pin("1001", "0000", 3.0)
    assert store.check_pin("1001", "947316", 3.0) == "locked"
    admin.post("/site/agents/one/1001/unlock")
    assert store.check_pin("1001", "947316", 3.0) == "ok"
    admin.post("/site/agents/one/1001/pin", data={"none": "1"})
    assert store.check_pin("1001", "947316", 3.0) == "unknown"


@pytest.mark.parametrize("path", ["/site/nothing/", "/site/queues/one/..%2fx", "/site/queues/one/%00", "/site/agents/one/" + HOSTILE])
def test_an_unknown_record_is_not_found(admin: FlaskClient, path: str) -> None:
    answer = admin.get(path)
    assert answer.status_code == 404 and HOSTILE not in answer.text


def test_every_form_needs_its_token(admin: FlaskClient, app: Flask, engine: Any) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    before = engine.store.site.load()
    for path in (
        "/site/queues/add", "/site/queues/one/sales", "/site/queues/one/sales/remove", "/site/break_reasons/one/rest/up",
        "/site/agents/one/1001/pin", "/site/agents/one/1001/unlock", "/site/hours/office/override", "/site/hours/office/clear",
        "/site/blacklist/", "/site/blacklist/remove", "/site/blacklist/preview", "/site/blacklist/import", "/site/voicemail/x/heard",
        "/site/voicemail/x/call-back", "/site/voicemail/x/delete",
    ):  # fmt: skip
        assert admin.post(path, data={"number": "123", "own_name": "x"}).status_code == 400, path
    assert engine.store.site.load() == before and engine.store.blacklist.entries() == []


# -- hours -------------------------------------------------------------------------------------------------------------


def test_a_month_tells_what_each_day_is(admin: FlaskClient) -> None:
    page = admin.get("/site/hours/?month=2026-09").text
    assert "September 2026" in page and "08:30-17:30" in page and "Weekend" in page
    assert re.search(r'class="day">22<.*?Holiday.*?exception', page, re.DOTALL)
    for odd in ("month=2026-13", "month=9999-99", "month=0001-01", "calendar=x", "month=" + HOSTILE):
        answer = admin.get(f"/site/hours/?{odd}")
        assert answer.status_code == 200 and HOSTILE not in answer.text


def test_a_supervisor_overrides_the_hours_and_takes_it_back(
    admin: FlaskClient, client: Callable[[str], FlaskClient], engine: Any, clock: Any
) -> None:
    browser = client("supervisor")
    answer = browser.post("/site/hours/office/override", data={"state": "closed", "lasts": "boundary"})
    assert answer.status_code == 302
    found = engine.store.overrides.in_force(clock())["office"]
    assert found.state == "closed" and found.set_by == "user supervisor"
    assert found.until == engine.world.hours.next_boundary("office", clock())
    assert "Said by user supervisor" in browser.get("/site/hours/").text and "overridden" in browser.get("/site/").text
    browser.post("/site/hours/office/override", data={"state": "open", "lasts": "permanent"})
    assert engine.store.overrides.in_force(clock())["office"].until is None
    browser.post("/site/hours/office/clear")
    assert engine.store.overrides.in_force(clock()) == {}
    assert [row.verb for row in engine.store.audit.recent(target="calendar office")] == ["clear_override", *["override_hours"] * 2]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"state": HOSTILE, "lasts": "permanent"}, "state"), ({"state": "open", "lasts": "until", "until": "soon"}, "until"),
        ({"state": "open", "lasts": "until", "until": "2020-01-01T10:00"}, "until"),
        ({"state": "open", "lasts": "until", "until": "9999-12-31T23:59"}, ""), ({}, "state"),
    ],
)  # fmt: skip
def test_an_override_that_makes_no_sense_is_refused(admin: FlaskClient, engine: Any, fields: dict[str, str], field: str) -> None:
    answer = admin.post("/site/hours/office/override", data=fields)
    assert HOSTILE not in answer.text and answer.status_code == (422 if field else 302)
    assert not field or f'id="{field}-note"' in answer.text and engine.store.overrides.in_force(2.0) == {}


# -- blacklist ---------------------------------------------------------------------------------------------------------


def test_callers_are_refused_until_a_day_and_accepted_again(admin: FlaskClient, engine: Any, clock: Any) -> None:
    admin.post("/site/blacklist/", data={"number": "0085*", "reason": "=cmd|x " + HOSTILE, "expires": "2099-12-31"})
    (entry,) = engine.store.blacklist.entries()
    assert entry.pattern == "0085*" and entry.created_by == "user admin" and entry.expires_at > clock()
    engine.store.blacklist.hit("0085*", clock()).wait()
    page = admin.get("/site/blacklist/").text
    assert "0085*" in page and HOSTILE not in page and ">1<" in page
    for fields, field in (({"number": "12ab"}, "number"), ({"number": "1", "expires": "2020-01-01"}, "expires")):
        answer = admin.post("/site/blacklist/", data=fields)
        assert answer.status_code == 422 and f'id="{field}-note"' in answer.text
    admin.post("/site/blacklist/remove", data={"number": "0085*"})
    assert engine.store.blacklist.entries() == []
    assert [row.verb for row in engine.store.audit.recent(target="blacklist 0085*")] == ["remove", "add"]


def test_a_number_that_is_on_the_list_is_replaced_only_knowingly(admin: FlaskClient, engine: Any) -> None:
    admin.post("/site/blacklist/", data={"number": "0085*", "reason": "theirs"})
    answer = admin.post("/site/blacklist/", data={"number": "0085*", "reason": "mine"})
    assert answer.status_code == 409 and "theirs" in answer.text and 'value="mine"' in answer.text
    assert engine.store.blacklist.entries()[0].reason == "theirs"
    base = re.search(r'name="base" value="([^"]+)"', answer.text)
    assert base
    engine.store.blacklist.add(BlacklistEntry("0085*", "a third one's"), "tests", 2.0).wait()
    again = admin.post("/site/blacklist/", data={"number": "0085*", "reason": "mine", "base": base[1]})
    assert again.status_code == 409 and "a third one" in again.text
    base = re.search(r'name="base" value="([^"]+)"', again.text)
    assert base and admin.post("/site/blacklist/", data={"number": "0085*", "reason": "mine", "base": base[1]}).status_code == 302
    assert engine.store.blacklist.entries()[0].reason == "mine"
    newest = engine.store.audit.recent(target="blacklist 0085*")[0]
    assert newest.verb == "change" and "a third one" in newest.before and "mine" in newest.after


def look_at(admin: FlaskClient, data: bytes, name: str = "list.csv") -> Any:
    return admin.post("/site/blacklist/preview", data={"list": (io.BytesIO(data), name)}, content_type="multipart/form-data")


def test_a_list_is_looked_at_before_it_counts(admin: FlaskClient, engine: Any, client: Callable[[str], FlaskClient]) -> None:
    engine.store.blacklist.add(BlacklistEntry("13800138000"), "tests", 1.0).wait()
    page = look_at(admin, f"13800138000,{HOSTILE}\n0086*\n=HYPERLINK(1)\n".encode(), HOSTILE + ".csv").text
    assert "2 numbers, of which 1 are on the list already; 1 lines" in page and "Line 3" in page and HOSTILE not in page
    assert len(engine.store.blacklist.entries()) == 1
    token = re.search(r'name="list" value="([^"]+)"', page)
    assert token
    page = admin.post("/site/blacklist/import", data={"list": token[1]}, follow_redirects=True).text
    assert "2 numbers are on the list now" in page and len(engine.store.blacklist.entries()) == 2
    assert admin.post("/site/blacklist/import", data={"list": token[1]}).status_code == 409


@pytest.mark.parametrize("data", [b"", b"\x00\xff\x00" * 99, b"\n\n# nothing\n"])
def test_what_is_no_list_is_refused(admin: FlaskClient, engine: Any, data: bytes) -> None:
    assert look_at(admin, data).status_code == 422 and engine.store.blacklist.entries() == []


# -- voicemail ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def message_id(engine: Any, admin: FlaskClient) -> str:
    path = write_wav(engine.settings.voicemail / "a.wav", tone(1.0))
    call = CallInfo("c1", "100", number="13800138000", name=HOSTILE)
    return engine.store.messages.keep(KeepMessage("sales", str(path), 1000, "13900139000"), call, 5.0).wait()


def test_a_message_is_heard_by_ranges_noted_once_and_deleted(client: Callable[[str], FlaskClient], engine: Any, message_id: str) -> None:
    browser = client("supervisor")
    page = browser.get("/site/voicemail/?box=sales").text
    assert "13900139000" in page and HOSTILE not in page and "not heard" in page
    part = browser.get(f"/site/voicemail/{message_id}/sound", headers={"Range": "bytes=0-3"})
    assert part.status_code == 206 and part.data == b"RIFF"
    for _ in range(2):
        assert browser.post(f"/site/voicemail/{message_id}/heard", headers={"Accept": "application/json"}).json == {"ok": True}
    assert engine.store.messages.get(message_id).heard_at is not None
    assert browser.post(f"/site/voicemail/{message_id}/delete").status_code == 302
    assert not (engine.settings.voicemail / "a.wav").exists()
    verbs = [row.verb for row in engine.store.audit.recent(target=f"message {message_id}")]
    assert verbs == ["delete_message", "hear_message"]
    assert browser.get(f"/site/voicemail/{message_id}/sound").status_code == 404


def test_a_message_outside_the_site_is_not_read(admin: FlaskClient, engine: Any) -> None:
    found = engine.store.messages.keep(KeepMessage("sales", "/etc/passwd", 1000, ""), CallInfo("c2", "100", number="1"), 5.0).wait()
    assert admin.get(f"/site/voicemail/{found}/sound").status_code == 404


def test_who_left_a_message_is_called_back(client: Callable[[str], FlaskClient], engine: Any, message_id: str) -> None:
    browser, asked = client("supervisor"), []
    engine.workplace.callbacks.add = lambda *given: asked.append(given) or type("Outcome", (), {"ok": True})()
    assert "Choose a queue" in browser.post(f"/site/voicemail/{message_id}/call-back", follow_redirects=True).text
    page = browser.post(f"/site/voicemail/{message_id}/call-back", data={"queue": "sales"}, follow_redirects=True).text
    assert "called back when their turn comes" in page
    ((queue, number, _name, who),) = asked
    assert (queue, number, who.name) == ("sales", "13900139000", "user supervisor")
