"""An office manager edits the hours by clicking: the draft keeps its comments, errors stand at their fields, nobody is written over."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from flask.testing import FlaskClient

HOSTILE = "<script>alert(1)</script>"
CALENDARS = """\
# Ours.
office:
  name: Office               # as callers know it
  zone: Asia/Shanghai
  holidays: CN
  weekly:
    mon-fri: {open: [08:30-12:00, 14:00-18:00]}
    sat-sun: weekend
  exceptions:
    2026-12-31: {open: 08:30-12:00}   # Stock-taking
shop: {zone: Europe/Berlin, weekly: {mon-sat: {open: 09:00-18:00}}}   # the small one
"""
FLOW = """\
flow: line
languages: [en-US]
numbers: [100]
start: hours
steps:
  hours: {by_hours: {calendar: office, open: bye, closed: bye}}
  bye: {hangup: }
"""
PAGE = "/site/hours/draft/office"


@pytest.fixture
def file(engine: Any) -> Any:
    engine.settings.flows.mkdir(exist_ok=True)
    (engine.settings.flows / "line.yml").write_text(FLOW)
    path = engine.settings.flows / "calendars.yml"
    path.write_text(CALENDARS)
    return path


@pytest.fixture
def admin(client: Callable[[str], FlaskClient], file: Any) -> FlaskClient:
    return client("admin")


def form_of(admin: FlaskClient, section: str, page: str = PAGE, **query: str) -> dict[str, Any]:
    """What one of the page's forms would send as it is."""
    text = admin.get(page, query_string=query).text
    begin = text.index(f'action="{page}/{section}"')
    form = re.sub(r"<template.*?</template>", "", text[begin : text.index("</form>", begin)], flags=re.DOTALL)
    found: dict[str, Any] = {}
    for tag in re.findall(r"<input [^>]*>|<select .*?</select>", form, re.DOTALL):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)" selected' if tag.startswith("<select") else r'value="([^"]*)"', tag)
        if name and ('type="radio"' not in tag or " checked" in tag):
            found.setdefault(name[1], []).append(value[1] if value else "")
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def lines(file: Any) -> list[str]:
    return [line for line in file.read_text().split("\n") if line not in CALENDARS.split("\n")]


@pytest.mark.parametrize("section", ["basics", "weekly"])
def test_a_form_that_is_kept_as_it_is_changes_nothing(admin: FlaskClient, file: Any, engine: Any, section: str) -> None:
    assert admin.post(f"{PAGE}/{section}", data=form_of(admin, section)).status_code == 302
    assert file.read_text() == CALENDARS and engine.store.audit.recent(target="calendar office") == []


def test_the_week_is_changed_with_several_spans_and_over_midnight(admin: FlaskClient, file: Any, engine: Any) -> None:
    form = form_of(admin, "weekly")
    form |= {"from.5": ["09:00", "22:00"], "to.5": ["12:00", "06:00"], "what.5": ["open", "open"], "rest.6": "closed"}
    answer = admin.post(f"{PAGE}/weekly", data=form, follow_redirects=True)
    assert answer.status_code == 200 and "when you publish" in answer.text
    assert lines(file) == ["    sat: {open: [09:00-12:00, 22:00-06:00]}", "    sun: closed"]
    (row,) = engine.store.audit.recent(target="calendar office")
    assert (row.who, row.verb) == ("user admin", "change_calendar")
    assert json.loads(row.before) == {"sat": "weekend", "sun": "weekend"}
    assert json.loads(row.after) == {"sat": "09:00-12:00 open, 22:00-06:00 open", "sun": "closed"}


def test_a_day_is_chosen_in_the_month_named_and_taken_back(admin: FlaskClient, file: Any, engine: Any) -> None:
    page = admin.get(f"{PAGE}?month=2026-12").text
    assert "Stock-taking" in page and "day=2026-12-24" in page
    form = form_of(admin, "days", day="2026-12-24", month="2026-12")
    assert form["kind"] == "week" and form["day"] == "2026-12-24"
    answer = admin.post(f"{PAGE}/days", data={**form, "kind": "label", "label": "holiday", "until": "2026-12-26", "note": "Feast # & more"})
    assert answer.status_code == 302 and "month=2026-12" in answer.headers["Location"]
    assert lines(file) == ["    2026-12-24..2026-12-26: holiday  # Feast # & more"]
    form = form_of(admin, "days", day="2026-12-25", month="2026-12")
    assert form["kind"] == "label" and form["note"] == "Feast # &amp; more"
    admin.post(f"{PAGE}/days", data={**form, "note": "", "kind": "workday"})
    assert "    2026-12-25: workday" in lines(file) and len(lines(file)) == 3
    for day in ("2026-12-24", "2026-12-25", "2026-12-26"):
        admin.post(f"{PAGE}/days", data={**form_of(admin, "days", day=day), "kind": "week", "until": ""})
    assert file.read_text() == CALENDARS
    hours = {**form_of(admin, "days", day="2026-12-30"), "kind": "hours", "from": "10:00", "to": "00:00", "what": "open", "note": ""}
    assert admin.post(f"{PAGE}/days", data=hours).status_code == 302
    assert lines(file) == ["    2026-12-30: {open: 10:00-24:00}"]
    assert len(engine.store.audit.recent(target="calendar office")) == 6


@pytest.mark.parametrize(
    ("section", "fields", "field", "sentence"),
    [
        ("basics", {"zone": "Mars/Base"}, "zone", "There is no time zone"), ("basics", {"holidays": "XX"}, "holidays", "are not known"),
        ("weekly", {"from.5": ["09:00", "10:00"], "to.5": ["12:00", "13:00"], "what.5": ["open", "lunch"]}, "weekly.5", "overlaps"),
        ("weekly", {"from.5": "09:00", "to.5": "", "what.5": "open"}, "weekly.5", "Give both times"),
        ("weekly", {"from.5": "09:00", "to.5": "25:00", "what.5": HOSTILE}, "weekly.5", "Give both times"),
        ("days", {"kind": "hours", "from": "", "to": ""}, "days", "at least one time"), ("days", {"day": "soon"}, "days", "Choose a day"),
        ("days", {"day": "2026-12-24", "until": "2026-12-01"}, "days", "before the first"),
        ("days", {"day": "2026-12-24", "kind": "label", "label": HOSTILE}, "days", "can&#39;t be a label"),
        ("days", {"day": "2026-12-24", "kind": "delete"}, "days", "Choose what"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_at_its_field_and_nothing_is_kept(
    admin: FlaskClient, file: Any, section: str, fields: dict[str, Any], field: str, sentence: str
) -> None:
    query = {"day": "2026-12-24"} if section == "days" else {}
    answer = admin.post(f"{PAGE}/{section}", data={**form_of(admin, section, **query), **fields})
    assert answer.status_code == 422 and f'id="{field}-note"' in answer.text and sentence in answer.text, answer.text[-6000:]
    assert file.read_text() == CALENDARS and HOSTILE not in answer.text


def test_a_stale_form_is_refused_with_both_texts_and_can_be_made_on_top(admin: FlaskClient, file: Any) -> None:
    form = {**form_of(admin, "basics"), "title": "Mine"}
    theirs = CALENDARS.replace("sat-sun: weekend", "sat-sun: closed")
    file.write_text(theirs)
    answer = admin.post(f"{PAGE}/basics", data=form)
    assert answer.status_code == 409 and "sat-sun: closed" in answer.text and "name: Mine" in answer.text
    assert file.read_text() == theirs
    base = re.search(r'name="base" value="([^"]+)"', answer.text)
    assert base and 'name="title" value="Mine"' in answer.text
    assert admin.post(f"{PAGE}/basics", data={**form, "base": base[1]}).status_code == 302
    assert file.read_text() == theirs.replace("name: Office ", "name: Mine ")


def test_of_two_who_keep_at_once_one_is_refused(admin: FlaskClient, client: Callable[[str], FlaskClient], file: Any) -> None:
    form, both = form_of(admin, "basics"), [admin, client("admin")]
    work = [gevent.spawn(each.post, f"{PAGE}/basics", data={**form, "title": f"of {n}"}) for n, each in enumerate(both)]
    gevent.joinall(work, timeout=20, raise_error=True)
    codes = [each.value.status_code for each in work]
    assert sorted(codes) == [302, 409]
    assert f"name: of {codes.index(302)} " in file.read_text()


def test_comments_that_would_be_lost_are_told_with_the_difference_before(admin: FlaskClient, file: Any) -> None:
    page = "/site/hours/draft/shop"
    form = {**form_of(admin, "basics", page), "title": "Shop"}
    answer = admin.post(f"{page}/basics", data=form)
    assert answer.status_code == 200 and "the small one" in answer.text and 'class="more"' in answer.text
    assert file.read_text() == CALENDARS
    assert admin.post(f"{page}/basics", data={**form, "confirmed": "1"}).status_code == 302
    assert "  name: Shop" in lines(file) and "the small one" not in file.read_text()


def test_a_calendar_comes_gets_another_name_and_goes(admin: FlaskClient, file: Any, engine: Any) -> None:
    base = re.search(r'name="base" value="([^"]+)"', admin.get("/site/hours/draft/").text)
    assert base
    given = {"base": base[1], "name": "night", "title": HOSTILE, "zone": "Asia/Shanghai"}
    assert admin.post("/site/hours/draft/", data=given).status_code == 302
    page = "/site/hours/draft/night"
    assert HOSTILE not in admin.get(page).text and file.read_text().startswith(CALENDARS)
    form = form_of(admin, "rename", page)
    assert admin.post(f"{page}/rename", data={**form, "new_name": "Night!"}).status_code == 422
    assert admin.post(f"{page}/rename", data={**form, "new_name": "shop"}).status_code == 422
    assert admin.post(f"{page}/rename", data={**form, "new_name": "late"}).status_code == 302
    page = "/site/hours/draft/late"
    assert admin.post(f"{page}/remove", data=form_of(admin, "remove", page)).status_code == 302
    assert file.read_text() == CALENDARS
    verbs = [row.verb for row in engine.store.audit.recent() if row.target.startswith("calendar ")]
    assert verbs == ["remove_calendar", "rename_calendar", "add_calendar"]


@pytest.mark.parametrize("fields", [{"name": "office"}, {"name": "../x"}, {"name": ""}, {"zone": "Mars"}])
def test_no_calendar_of_a_bad_or_taken_name(admin: FlaskClient, file: Any, fields: dict[str, str]) -> None:
    base = re.search(r'name="base" value="([^"]+)"', admin.get("/site/hours/draft/").text)
    assert base
    answer = admin.post("/site/hours/draft/", data={"base": base[1], "name": "night", "zone": "Asia/Shanghai", **fields})
    assert answer.status_code == 422 and 'class="problem"' in answer.text and file.read_text() == CALENDARS


@pytest.mark.parametrize("verb", ["rename", "remove"])
def test_a_calendar_that_flows_use_is_neither_renamed_nor_removed(admin: FlaskClient, file: Any, verb: str) -> None:
    page = admin.get(PAGE).text
    assert "Used by flows: line." in page and f"{PAGE}/{verb}" not in page
    answer = admin.post(f"{PAGE}/{verb}", data={**form_of(admin, "basics"), "new_name": "hq"})
    assert answer.status_code == 422 and "Used by flows: line." in answer.text and file.read_text() == CALENDARS


def test_what_is_no_form_leads_to_the_text(admin: FlaskClient, file: Any) -> None:
    file.write_text("{office: {zone: Asia/Shanghai, weekly: {mon: open}}}")
    form = {**form_of(admin, "basics"), "title": "x"}
    assert admin.post(f"{PAGE}/basics", data=form).headers["Location"] == "/flows/file/calendars"
    file.write_text("office: [1")
    assert admin.get(PAGE).status_code in (302, 404)
    assert admin.get("/site/hours/draft/nothing").status_code == 404


def test_the_first_calendar_begins_the_file(admin: FlaskClient, file: Any) -> None:
    file.unlink()
    assert admin.post("/site/hours/draft/", data={"base": "", "name": "office", "zone": "Asia/Shanghai"}).status_code == 302
    assert file.read_text().startswith("office:\n  zone: Asia/Shanghai\n  weekly:\n    mon-fri: {open: 09:00-17:00}\n")


def test_what_is_kept_is_published_on_the_page_for_it(admin: FlaskClient, file: Any, engine: Any) -> None:
    engine.publisher.publish("tests")
    assert "differ" not in admin.get("/site/hours/draft/").text
    admin.post(f"{PAGE}/basics", data={**form_of(admin, "basics"), "title": "Main office"})
    assert "differ" in admin.get("/site/hours/draft/").text
    page = admin.get("/flows/publish").text
    assert "name: Main office" in page
    draft, after = (re.search(rf'name="{name}" value="([^"]*)"', page) for name in ("draft", "after"))
    assert draft and after
    assert admin.post("/flows/publish", data={"draft": draft[1], "after": after[1]}).status_code == 302
    assert "Main office" in (engine.publisher.published().calendars_text or "")
