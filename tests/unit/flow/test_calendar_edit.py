"""A calendar is changed line by line: what is not touched, comments and order stay; what can't be changed so is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivrengine.flow.calendar_edit import (
    CantEdit,
    Exception_,
    Parts,
    added,
    calendar_names,
    edited,
    lost_comments,
    parts_of,
    range_of,
    removed,
    renamed,
)
from ivrengine.flow.calendar_fields import findings_by_field
from ivrengine.flow.calendar_file import load_calendars
from ivrengine.flow.calendar_uses import calendar_uses
from ivrengine.flow.hours import DayPlan

TEXT = """\
# When we work.

office:                            # the big one
  name: "Office: main"
  zone: Asia/Shanghai              # all branches
  holidays: CN
  weekly:
    # short on Fridays
    mon-thu: {open: [08:30-12:00, 14:00-18:00], lunch: 12:00-14:00}
    fri: {open: 08:30-12:00}       # by contract
    sat-sun: weekend
  workday: mon                     # the plan of a weekend that is worked
  exceptions:
    2026-11-06: {open: 08:30-12:00}        # anniversary
    # the great feast
    2027-02-05..2027-02-11: holiday        # Spring Festival

shop: {zone: Europe/Berlin, weekly: {mon-sat: {open: 22:00-06:00}}}   # by night
# the end
"""
OPEN_LATE = DayPlan((range_of(600, 1320, "open"),))


def lines_changed(after: str) -> list[str]:
    before = TEXT.split("\n")
    return [line for line in after.split("\n") if line not in before]


def test_what_is_read_and_written_unchanged_is_the_very_same_text() -> None:
    for name in calendar_names(TEXT):
        assert edited(TEXT, name, parts_of(TEXT, name)) == TEXT


def test_a_new_day_is_one_new_line_at_its_place() -> None:
    parts = parts_of(TEXT, "office")
    day = date(2026, 12, 1)
    new = {day: Exception_(DayPlan((), "holiday"), "stock # taking")}
    after = edited(TEXT, "office", replace(parts, exceptions={**parts.exceptions, **new}))
    assert lines_changed(after) == ["    2026-12-01: holiday  # stock # taking"] and lost_comments(TEXT, after) == []
    assert after.index("2026-11-06") < after.index("2026-12-01") < after.index("2027-")
    assert parts_of(after, "office").exceptions[day].note == "stock # taking"


def test_a_day_within_a_range_cuts_it_up() -> None:
    parts = parts_of(TEXT, "office")
    after = edited(TEXT, "office", replace(parts, exceptions={**parts.exceptions, date(2027, 2, 7): Exception_(None)}))
    assert [line.strip().split("#")[0].strip() for line in lines_changed(after)] == [
        "2027-02-05..2027-02-06: holiday", "2027-02-07: workday", "2027-02-08..2027-02-11: holiday",
    ]  # fmt: skip
    assert "# the great feast" in after and load_calendars(after).findings == []


def test_the_days_of_a_week_that_stay_keep_their_lines() -> None:
    parts = parts_of(TEXT, "office")
    weekly = (*parts.weekly[:5], OPEN_LATE, parts.weekly[6])
    after = edited(TEXT, "office", replace(parts, weekly=weekly))
    assert lines_changed(after) == ["    sat: {open: 10:00-22:00}", "    sun: weekend"] and lost_comments(TEXT, after) == []


def test_single_values_change_beside_their_comments_and_come_and_go() -> None:
    parts = parts_of(TEXT, "office")
    after = edited(TEXT, "office", replace(parts, zone="Asia/Urumqi", title="", holidays="", workday=2))
    assert "  zone: Asia/Urumqi              # all branches" in after.split("\n")
    assert "name:" not in after and "holidays" not in after and "workday: wed" in after
    back = edited(after, "office", replace(parts_of(after, "office"), title="no", holidays="CN"))
    assert parts_of(back, "office").title == "no" and '  name: "no"' in back.split("\n")


def test_what_is_written_on_one_line_is_written_anew_and_says_what_is_lost() -> None:
    after = edited(TEXT, "shop", replace(parts_of(TEXT, "shop"), title="Shop"))
    assert lost_comments(TEXT, after) == ["by night"] and parts_of(after, "shop").title == "Shop"
    assert after.startswith(TEXT[: TEXT.index("shop:")]) and after.endswith("# the end\n")


def test_calendars_come_get_other_names_and_go() -> None:
    more = added(TEXT, "night", Parts("Night", "Asia/Shanghai"))
    assert calendar_names(more) == ["office", "shop", "night"] and more.startswith(TEXT)
    other = renamed(more, "office", "hq")
    assert calendar_names(other) == ["hq", "shop", "night"] and "hq:                            # the big one" in other
    assert renamed(renamed(TEXT, "shop", "x"), "x", "shop") == TEXT
    less = removed(TEXT, "office")
    assert calendar_names(less) == ["shop"] and less.startswith("# When we work.") and less.endswith("# by night\n# the end\n")
    assert calendar_names(added("", "first", Parts("", "Asia/Shanghai"))) == ["first"]
    with pytest.raises(CantEdit):
        added(TEXT, "shop", Parts())


@pytest.mark.parametrize(
    "text", ["{office: {zone: Asia/Shanghai, weekly: {mon: open}}}", "office: [1", "office: x", "- office", "office: {weekly: {mun: open}}"]
)
def test_what_has_no_lines_of_its_own_is_refused(text: str) -> None:
    with pytest.raises(CantEdit):
        edited(text, "office", Parts("new", "Asia/Shanghai"))


def test_findings_stand_at_the_fields_they_are_about() -> None:
    parts = parts_of(TEXT, "office")
    bad = replace(
        parts, zone="Mars/Base", weekly=(DayPlan((range_of(480, 720, "open"), range_of(600, 900, "lunch"))), *parts.weekly[1:]),
        exceptions={**parts.exceptions, date(2026, 12, 1): Exception_(DayPlan((), "No Word"))},
    )  # fmt: skip
    after = edited(TEXT, "office", bad)
    found = findings_by_field(after, "office", load_calendars(after).findings)
    assert {"zone", "weekly.0", "days", "2026-12-01"} <= set(found) and "weekly.4" not in found
    assert findings_by_field(after, "shop", load_calendars(after).findings) == {}


def test_who_uses_a_calendar() -> None:
    flow = "flow: line\nlanguages: [en-US]\nstart: hours\nsteps:\n  hours: {by_hours: {calendar: office, closed: bye}}\n  bye: {hangup: }\n"
    assert [(use.calendar, use.flow, use.step) for use in calendar_uses({"flows/line.yml": flow})] == [("office", "line", "hours")]


labels = st.sampled_from(["open", "lunch", "closed", "yes", "a b", "x: y", "#", "", "holiday"])
odd = st.sampled_from(["", "Office", "off", "a: b", "# no", "'", '"', "{x}", "工作 时间"])
words = st.one_of(odd, st.text(max_size=12).map(lambda text: " ".join(text.split())))


@st.composite
def plans(draw: st.DrawFn) -> DayPlan:
    kinds = st.sampled_from(["open", "lunch"])
    count = draw(st.integers(0, 3))
    ranges = [range_of(draw(st.integers(0, 1439)), draw(st.integers(1, 1440)), draw(kinds)) for _ in range(count)]
    return DayPlan(tuple(sorted(set(ranges), key=lambda each: (each.start, each.end)))) if ranges else DayPlan((), draw(labels))


@st.composite
def changes(draw: st.DrawFn) -> Parts:
    parts = parts_of(TEXT, "office")
    weekly = [draw(plans()) if draw(st.integers(0, 3)) == 0 else plan for plan in parts.weekly]
    days = dict(parts.exceptions)
    for _ in range(draw(st.integers(0, 5))):
        day = date(2026, 11, 1) + timedelta(days=draw(st.integers(0, 120)))
        if draw(st.booleans()):
            days.pop(day, None)
        else:
            days[day] = Exception_(draw(st.one_of(st.none(), plans())), draw(words))
    return Parts(draw(words), draw(words), draw(words), tuple(weekly), draw(st.integers(0, 6)), days)


@settings(max_examples=150, deadline=None)
@given(changes())
def test_any_change_is_read_as_it_was_meant_or_refused_and_touches_nothing_else(parts: Parts) -> None:
    try:
        after = edited(TEXT, "office", parts)
    except CantEdit:
        return
    read = parts_of(after, "office")
    assert read == replace(parts, exceptions=read.exceptions) and dict(read.exceptions) == dict(parts.exceptions)
    assert parts_of(after, "shop") == parts_of(TEXT, "shop") and after.endswith("# the end\n") and after.startswith("# When we work.\n")
    assert edited(after, "office", parts) == after
