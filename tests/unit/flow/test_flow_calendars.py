"""Which part of the week is it? China's moved workdays, both daylight-saving days, nights, exceptions, overrides."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivrengine.flow.calendar_file import load_calendars
from ivrengine.flow.calendars import HoursBook, Override, year_findings

OFFICE = """\
office:
  zone: Asia/Shanghai
  holidays: CN
  weekly:
    mon-fri: {open: [08:30-12:00, 13:30-17:30], lunch: 12:00-13:30}
    sat-sun: weekend
  exceptions:
    2026-12-31: {open: 08:30-12:00}
    2026-10-02: {open: 10:00-12:00}
    2027-10-09: workday
    2027-10-06..2027-10-07: holiday
"""
NIGHTS = """\
nights:
  zone: Europe/Berlin
  weekly:
    mon-thu: {open: 22:00-06:00}
    fri: {open: 02:30-05:00, late: 22:00-24:00}
    sat: {open: 01:30-04:00}
    sun: {open: 02:30-05:00}
  exceptions:
    2026-06-03: closed
"""


def at(text: str, zone: str = "Asia/Shanghai", fold: int = 0) -> float:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


@pytest.fixture(scope="module")
def office() -> HoursBook:
    assert load_calendars(OFFICE).findings == []
    return HoursBook.from_text(OFFICE)


@pytest.mark.parametrize(
    ("moment", "label"),
    [
        ("2026-11-23T08:29:59", "closed"),
        ("2026-11-23T08:30:00", "open"),
        ("2026-11-23T11:59:59", "open"),
        ("2026-11-23T12:00:00", "lunch"),
        ("2026-11-23T13:30:00", "open"),
        ("2026-11-23T17:30:00", "closed"),
        ("2026-11-28T10:00:00", "weekend"),
        # Spring Festival 2026: Saturdays 14 and 28 February are worked
        ("2026-02-14T10:00:00", "open"),
        ("2026-02-14T12:30:00", "lunch"),
        ("2026-02-14T20:00:00", "closed"),
        ("2026-02-15T10:00:00", "weekend"),
        ("2026-02-16T10:00:00", "holiday"),
        ("2026-02-17T00:00:00", "holiday"),
        ("2026-02-20T10:00:00", "holiday"),
        ("2026-02-21T10:00:00", "holiday"),  # the weekend between two days off
        ("2026-02-22T23:59:59", "holiday"),
        ("2026-02-23T10:00:00", "holiday"),
        ("2026-02-24T10:00:00", "open"),
        ("2026-02-28T10:00:00", "open"),
        # National Day 2026: Sunday 20 September and Saturday 10 October are worked
        ("2026-09-20T10:00:00", "open"),
        ("2026-09-30T17:29:59", "open"),
        ("2026-10-01T10:00:00", "holiday"),
        ("2026-10-02T10:30:00", "open"),  # our own exception beats the holiday
        ("2026-10-02T12:00:00", "closed"),
        ("2026-10-04T10:00:00", "holiday"),
        ("2026-10-07T10:00:00", "holiday"),
        ("2026-10-08T10:00:00", "open"),
        ("2026-10-10T10:00:00", "open"),
        ("2026-10-11T10:00:00", "weekend"),
        ("2026-12-31T13:00:00", "closed"),
        # 2027: the holidays by law are known, the moved days stand in our own exceptions
        ("2027-02-06T10:00:00", "holiday"),
        ("2027-02-10T10:00:00", "holiday"),
        ("2027-10-01T10:00:00", "holiday"),
        ("2027-10-06T10:00:00", "holiday"),
        ("2027-10-09T10:00:00", "open"),
        ("2027-10-09T12:15:00", "lunch"),
        ("2027-10-10T10:00:00", "weekend"),
    ],
)
def test_labels_of_a_chinese_office(office, moment, label):
    assert office.label("office", at(moment)) == label


@pytest.mark.parametrize(
    ("moment", "label"),
    [
        ("2026-06-01T21:59:59", "closed"),
        ("2026-06-01T22:00:00", "open"),
        ("2026-06-02T05:59:59", "open"),  # Monday's night on Tuesday morning
        ("2026-06-02T06:00:00", "closed"),
        ("2026-06-02T23:00:00", "open"),
        ("2026-06-03T03:00:00", "closed"),  # the exception closes the whole day, Tuesday's night too
        ("2026-06-03T23:00:00", "closed"),
        ("2026-06-05T02:00:00", "open"),
        ("2026-06-05T23:59:59", "late"),
        ("2026-06-06T00:00:00", "closed"),
        # clocks put forward on Sunday 29 March 2026: 02:30 does not exist
        ("2026-03-29T01:59:59", "closed"),
        ("2026-03-29T03:00:00", "open"),
        ("2026-03-29T04:59:59", "open"),
        ("2026-03-29T05:00:00", "closed"),
    ],
)
def test_labels_through_nights_and_a_missing_hour(moment, label):
    text = NIGHTS.replace("fri: {open: 02:30-05:00, late", "fri: {late")
    assert HoursBook.from_text(text).label("nights", at(moment, "Europe/Berlin")) == label


def test_a_range_that_begins_in_the_missing_hour_begins_when_the_clocks_change():
    text = NIGHTS.replace("fri: {open: 02:30-05:00, late", "fri: {late")
    book = HoursBook.from_text(text)
    before = at("2026-03-29T01:00:00", "Europe/Berlin")
    boundary = book.next_boundary("nights", before)
    assert boundary == at("2026-03-29T03:00:00", "Europe/Berlin")
    assert book.label("nights", boundary - 1) == "closed" and book.label("nights", boundary) == "open"


def test_the_hour_that_comes_twice_has_its_label_twice():
    text = "shop:\n  zone: Europe/Berlin\n  weekly:\n    sun: {open: 02:30-05:00}\n"
    book = HoursBook.from_text(text)
    moments = [at("2026-10-25T02:15:00", "Europe/Berlin"), at("2026-10-25T02:45:00", "Europe/Berlin")]
    moments += [at("2026-10-25T02:15:00", "Europe/Berlin", 1), at("2026-10-25T02:45:00", "Europe/Berlin", 1)]
    assert moments == sorted(moments)
    assert [book.label("shop", moment) for moment in moments] == ["closed", "open", "closed", "open"]
    boundaries = [moments[0] - 3600]
    for _ in range(4):
        boundaries.append(book.next_boundary("shop", boundaries[-1]))
    assert boundaries[1:] == [
        at("2026-10-25T02:30:00", "Europe/Berlin"), at("2026-10-25T02:00:00", "Europe/Berlin", 1),
        at("2026-10-25T02:30:00", "Europe/Berlin", 1), at("2026-10-25T05:00:00", "Europe/Berlin"),
    ]  # fmt: skip


def test_the_next_boundary_skips_ends_that_change_nothing(office):
    assert office.next_boundary("office", at("2026-11-27T18:00:00")) == at("2026-11-28T00:00:00")  # closed -> weekend
    assert office.next_boundary("office", at("2026-11-28T10:00:00")) == at("2026-11-30T00:00:00")  # past Saturday's midnight
    assert office.next_boundary("office", at("2026-10-02T12:00:00")) == at("2026-10-03T00:00:00")
    always = HoursBook.from_text("a:\n  zone: UTC\n  weekly:\n    mon-sun: open\n")
    assert always.next_boundary("a", 0.0) is None


def test_an_override_beats_everything_while_it_lasts(office):
    holiday = at("2026-10-02T10:30:00")
    book = HoursBook(office.calendars)
    book.overrides = {"office": Override("office", "closed", until=holiday + 60)}
    assert book.label("office", holiday) == "closed"
    assert book.label("office", holiday + 59.9) == "closed"
    assert book.label("office", holiday + 60) == "open"
    assert book.next_boundary("office", holiday) == at("2026-10-02T12:00:00")  # the calendar's own
    book.overrides = {"office": Override("office", "typhoon", until=None), "other": Override("other", "open", None)}
    assert book.label("office", holiday + 1e8) == "typhoon"
    with pytest.raises(KeyError):
        book.label("other", holiday)


def test_a_year_without_holidays_is_told_and_harmless(office):
    now = at("2026-11-22T12:00:00")
    assert office.problems(now) == []  # a Saturday in October 2027 is listed as worked: somebody has seen to it
    unseen = OFFICE.replace("    2027-10-09: workday\n", "")
    assert HoursBook.from_text(unseen).problems(now) == [
        ("office", "the working days that CN moves in 2027 are not known yet; only the holidays by law are")
    ]
    assert office.problems(at("2025-06-01T12:00:00")) == []
    far = at("2150-10-01T10:00:00")
    assert office.label("office", far) == "open"
    assert [sentence for _, sentence in office.problems(far)] == [
        "the official holidays of CN for 2150 are not known", "the official holidays of CN for 2151 are not known",
    ]  # fmt: skip
    found = year_findings(load_calendars(unseen, "flows/calendars.yml"), now)
    assert [(f.code, f.severity, str(f.place)) for f in found] == [("calendar_year", "warning", "flows/calendars.yml:1:1")]


def test_labels_of_a_calendar(office):
    assert office.calendars["office"].labels == {"open", "closed", "lunch", "weekend", "holiday"}


def test_other_countries_have_no_moved_workdays():
    text = "shop:\n  zone: America/New_York\n  holidays: US-CA\n  weekly:\n    mon-sun: {open: 09:00-17:00}\n"
    book = HoursBook.from_text(text)
    assert book.label("shop", at("2026-12-25T10:00", "America/New_York")) == "holiday"
    assert book.label("shop", at("2026-12-26T10:00", "America/New_York")) == "open"
    assert book.problems(at("2026-12-26T10:00", "America/New_York")) == []


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("Asia/Shanghai", "Asia/Shangai", "unknown_zone"),
        ("Asia/Shanghai", "../../etc/passwd", "unknown_zone"),
        ("holidays: CN", "holidays: XX", "unknown_country"),
        ("holidays: CN", "holiday: CN", "unknown_field"),
        ("  zone: Asia/Shanghai\n", "", "missing_field"),
        ("12:00-13:30", "11:30-13:30", "calendar_overlap"),
        ("12:00-13:30", "12:00-13:00", "calendar_gap"),
        ("12:00-13:30", "12:00-12:00", "calendar_empty"),
        ("12:00-13:30", "12-13:30", "calendar_hours"),
        ("12:00-13:30", "12:00-25:00", "calendar_hours"),
        ("mon-fri", "mon-fry", "calendar_day"),
        ("sat-sun", "fri-sun", "calendar_repeated_day"),
        ("sat-sun: weekend", "sat-sun: Week end", "calendar_label"),
        ("lunch:", "workday:", "calendar_label"),
        ("sat-sun: weekend", "sat-sun: [weekend]", "wrong_type"),
        ("2026-12-31", "2026-13-31", "calendar_date"),
        ("2027-10-06..2027-10-07", "2027-10-07..2027-10-06", "calendar_date"),
        ("2027-10-06..2027-10-07", "2027-10-06..2029-10-06", "calendar_date"),
        ("2027-10-06..2027-10-07", "2027-10-09..2027-10-10", "calendar_repeated_day"),
        ("office:", "Office:", "bad_name"),
        ("office:\n", "office:\n  workday: monkey\n", "calendar_day"),
        ("office:\n", "office:\n  workday: mon-tue\n", "calendar_day"),
        ("office:\n", "- ", "wrong_type"),
    ],
)
def test_what_is_wrong_in_a_calendar_is_told_with_its_place(old, new, code):
    assert old in OFFICE
    text = OFFICE.replace(old, new, 1) if code != "wrong_type" or old != "office:\n" else "- a\n"
    loaded = load_calendars(text, "flows/calendars.yml")
    assert [finding.code for finding in loaded.findings] == [code]
    assert loaded.findings[0].sentence and str(loaded.findings[0].place).startswith("flows/calendars.yml:")
    assert ("office" in loaded.calendars) == (code == "calendar_gap")


def test_a_night_that_runs_into_the_next_day_is_an_overlap():
    found = load_calendars(NIGHTS).findings
    assert [f.code for f in found] == ["calendar_overlap"]
    assert "thu's open 22:00-06:00 runs into fri's open 02:30-05:00" in found[0].sentence


def test_no_calendars_at_all_is_no_error():
    assert load_calendars(None).findings == [] and HoursBook.from_text(None).calendars == {}


def test_one_bad_calendar_leaves_the_others():
    loaded = load_calendars(OFFICE + "shop:\n  zone: Nowhere\n  weekly: {mon: open}\n")
    assert set(loaded.calendars) == {"office"} and loaded.names == {"office", "shop"}


@settings(max_examples=60, deadline=None)
@given(st.integers(1_760_000_000, 1_860_000_000), st.sampled_from(["office", "nights", "shop"]))
def test_a_boundary_is_the_first_moment_with_another_label(now, name):
    book = _MIXED
    label, boundary = book.label(name, now), book.next_boundary(name, now)
    assert boundary > now
    assert book.label(name, boundary) != label and book.label(name, boundary - 1) == label
    step = max(1.0, (boundary - now) / 50)
    moment = now + step
    while moment < boundary - 0.001:  # nearer than a float can tell apart
        assert book.label(name, moment) == label
        moment += step


_MIXED = HoursBook.from_text(
    OFFICE
    + NIGHTS.replace("fri: {open: 02:30-05:00, late", "fri: {late")
    + "shop:\n  zone: America/Santiago\n  weekly:\n    mon-sun: {open: 23:30-00:30}\n"
)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="office:\n -zone{}[]weklymonfri0123:,-.\"' "))
def test_any_text_gives_findings_and_never_raises(text):
    load_calendars("office:\n  zone: UTC\n  weekly:\n    mon: " + text)
    load_calendars(text)
