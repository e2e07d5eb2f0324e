"""Reports say what the board and the records say; parts add up to the whole, on days of any length; files hold no formula."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.acd.figures import FORMULAS, AgentCounters, Counters, agent_figures, figures, of_agent_state
from ivrengine.acd.happenings import Terminal
from ivrengine.acd.rules import AgentRules, QueueRules
from ivrengine.cli import reports as command
from ivrengine.config import Settings
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import KeepMark
from ivrengine.reports.agent_times import agent_times
from ivrengine.reports.behind import asked, behind
from ivrengine.reports.board import board
from ivrengine.reports.catalogue import REPORTS
from ivrengine.reports.export import csv_bytes, neutral, xlsx_bytes
from ivrengine.reports.one_call import one_call
from ivrengine.reports.periods import LONGEST_DAYS, Period, PeriodError, midnight, period
from ivrengine.reports.table import Column, Row, Table, as_records
from ivrengine.site.records import Agent, Site
from ivrengine.storage.store import Store

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "UTC"]
AUTUMN, SPRING = date(2026, 10, 25), date(2026, 3, 29)  # the days in Berlin with 25 and with 23 hours
NOW = datetime(2026, 10, 26, 15, 0, tzinfo=BERLIN).timestamp()
HEAD = ("offered", "refused", "answered", "abandoned")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(site=tmp_path, data=tmp_path / "data")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with Store(settings.database) as store:
        agents = tuple(Agent(AgentRules(number, f"Agent {number}")) for number in ("1", "2"))
        store.site.replace(Site(queues=(QueueRules("sales", "Sales"), QueueRules("news")), agents=agents), "test", NOW).wait()
        yield store


def fill(store: Store, a: float, b: float, count: int = 400) -> None:
    """Waits of all kinds that end in [a, b), and their calls."""
    luck = Random(11)
    for number in range(count):
        item, at, wait = f"i{number}", luck.uniform(a, b), round(luck.uniform(0, 60), 2)
        terminal: Terminal = luck.choice([*get_args(Terminal), "answered", "answered"])
        queue = luck.choice(["sales", "news", "closed"])
        store.calls.begin(CallInfo(item, "100", f"138{number:08}", "", at - wait), "line", "v1")
        store.segments.begin(item, item, item, "t", queue, f"138{number:08}", at - wait)
        store.segments.ended(item, terminal, at, wait, luck.choice("12") if terminal == "answered" else "", item)
        if terminal == "answered":
            store.segments.talked(item, luck.uniform(1, 300), luck.uniform(0, 20), at + 300)
            store.segments.wrapped_up(item, luck.uniform(0, 60), luck.choice(["", "order", "=1+1"]))
            store.marks.keep(KeepMark("service", "friendly", luck.choice("12345"), "x", ""), item, at + 300)
    store.calls.end("i0", b, "caller", "", "").wait()


def made(store: Store, name: str, first: date, last: date, by: str = "day", zone: ZoneInfo = BERLIN, queue: str = "") -> tuple[Table, ...]:
    return REPORTS[name](store, period(first.isoformat(), last.isoformat(), by, zone, NOW), NOW, queue)


def column(table: Table, name: str) -> list[object]:
    place = [each.name for each in table.columns].index(name)
    return [row.cells[place] for row in table.rows]


def total(table: Table, name: str) -> object:
    assert table.total is not None
    return table.total.cells[[each.name for each in table.columns].index(name)]


# -- periods -----------------------------------------------------------------------------------------------------------


def test_a_day_has_the_hours_that_the_clocks_give_it() -> None:
    autumn = Period(AUTUMN, AUTUMN, "hour", BERLIN).buckets(NOW)
    assert [each.label[11:] for each in autumn][1:5] == ["01:00", "02:00 +0200", "02:00 +0100", "03:00"]
    assert len(autumn) == 25 and autumn[-1].b - autumn[0].a == 25 * 3600
    spring = Period(SPRING, SPRING, "hour", BERLIN).buckets(NOW)
    assert [each.label[11:] for each in spring][:4] == ["00:00", "01:00", "03:00", "04:00"] and len(spring) == 23


@given(
    st.sampled_from(ZONES), st.dates(date(2000, 1, 1), date(2030, 12, 1)), st.integers(0, 30), st.sampled_from(["hour", "day", "month"])
)
def test_the_parts_of_a_period_follow_each_other_without_a_gap(zone: str, first: date, days: int, by: str) -> None:
    last = date.fromordinal(first.toordinal() + days)
    whole = Period(first, last, by, ZoneInfo(zone))  # type: ignore[arg-type]
    parts = whole.buckets(1e11)
    assert (parts[0].a, parts[-1].b) == (whole.a, whole.b)
    assert all(one.b == other.a for one, other in pairwise(parts))
    assert len({each.label for each in parts}) == len(parts)
    assert all(each.a % 900 == 0 and each.a < each.b for each in parts), "the grain of what is stored"


def test_what_is_too_much_is_refused_and_says_what_to_choose() -> None:
    for by, longest in LONGEST_DAYS.items():
        last = date.fromordinal(AUTUMN.toordinal() + longest - 1)
        assert period(AUTUMN.isoformat(), last.isoformat(), by, UTC, NOW).by == by
        with pytest.raises(PeriodError, match=f"at most {longest} days, and these are {longest + 1}: choose fewer"):
            period(AUTUMN.isoformat(), date.fromordinal(last.toordinal() + 1).isoformat(), by, UTC, NOW)
    for first, last, code in (("x", "", "date"), ("1-1-1", "", "date"), ("2026-01-02", "2026-01-01", "order"), ("9999-12-31", "", "date")):
        with pytest.raises(PeriodError) as refused:
            period(first, last, "day", UTC, NOW)
        assert refused.value.code == code


def test_hours_that_have_not_come_are_not_shown() -> None:
    today = period("", "", "hour", BERLIN, NOW).buckets(NOW)
    assert today[0].label == "2026-10-26 00:00" and today[-1].label == "2026-10-26 15:00"


# -- the same figures everywhere ---------------------------------------------------------------------------------------


def test_todays_reports_are_the_boards_figures(store: Store) -> None:
    fill(store, midnight(date(2026, 10, 26), BERLIN) - 7200, NOW)
    now = board(store, NOW, BERLIN)
    [queues] = made(store, "queues", date(2026, 10, 26), date(2026, 10, 26))
    [traffic] = made(store, "traffic", date(2026, 10, 26), date(2026, 10, 26), "hour")
    assert column(queues, "queue") == [row.title or row.queue for row in now.queues] == ["Sales", "news", "closed"]
    for name in FORMULAS:
        assert column(queues, name) == pytest.approx([getattr(row.figures, name) for row in now.queues])
        assert total(queues, name) == pytest.approx(getattr(now.total, name)) == total(traffic, name)
    for row in now.queues:
        [one] = made(store, "traffic", date(2026, 10, 26), date(2026, 10, 26), "hour", queue=row.queue)
        assert [total(one, name) for name in FORMULAS] == pytest.approx([getattr(row.figures, name) for name in FORMULAS])


@pytest.mark.parametrize(("first", "last"), [(AUTUMN, AUTUMN), (date(2026, 10, 20), date(2026, 10, 26)), (SPRING, SPRING)])
def test_hours_add_up_to_days_days_to_months_and_neither_is_an_average(store: Store, first: date, last: date) -> None:
    a, b = Period(first, last, "day", BERLIN).a, Period(first, last, "day", BERLIN).b
    fill(store, a - 7200, min(b + 7200, NOW))
    tables = {by: made(store, "traffic", first, last, by)[0] for by in ("hour", "day", "month")}
    for name in ("calls", *HEAD):
        sums = {by: sum(column(table, name)) for by, table in tables.items()}  # type: ignore[arg-type]
        assert len(set(sums.values())) == 1 and sums["hour"] == total(tables["hour"], name), name
    whole = sum((each.counters for each in store.intervals.between(a, b)), Counters())
    for name in FORMULAS:
        assert [total(table, name) for table in tables.values()] == pytest.approx([getattr(figures(whole), name)] * 3)
    handling = [value for value in column(tables["hour"], "average_handling_time") if value is not None]
    mean = sum(handling) / len(handling)  # type: ignore[arg-type]
    assert total(tables["hour"], "average_handling_time") != pytest.approx(mean), "an average of averages would be another"
    by_day = {bucket.label: bucket for bucket in Period(first, last, "day", BERLIN).buckets(NOW)}
    for label, answered in zip(column(tables["day"], "day"), column(tables["day"], "answered"), strict=True):
        day = by_day[str(label)]
        hours = zip(tables["hour"].rows, column(tables["hour"], "answered"), strict=True)
        assert answered == sum(count for row, count in hours if day.a <= float(row.leads["since"]) < day.b)  # type: ignore[misc]


def test_the_time_of_agents_is_the_sum_of_their_states(store: Store) -> None:
    """Against a plain walk over the log, with states before, within and after the period."""
    luck, a, b = Random(5), NOW - 7200, NOW - 600
    expected = {}
    for agent_id in ("1", "2"):
        at, log = a - 4000.0, []
        while at < NOW + 1000:
            intent, work = luck.choice([("READY", "IDLE"), ("NOT_READY", "IDLE"), ("READY", "TALKING"), ("LOGGED_OUT", "IDLE")])
            reason = luck.choice(["tea", "lunch"]) if intent == "NOT_READY" else ""
            store.agent_states.log(agent_id, intent, work, reason, at, "", "", len(log)).wait()
            log.append((intent, work, reason, at))
            at += luck.choice([0.0, 1.0, 400.0, 2500.0])
        counted, lunch = AgentCounters(), 0.0
        for (intent, work, reason, since), until in zip(log, [*(each[3] for each in log[1:]), b], strict=True):
            seconds = max(0.0, min(until, b) - max(since, a))
            counted += of_agent_state(intent, work, seconds)
            lunch += seconds * (reason == "lunch")
        expected[agent_id] = counted, lunch
    found = agent_times(store, a, b, NOW)
    for each in found:
        assert asdict(each.counters) == pytest.approx(asdict(expected[each.agent_id][0]))
        assert each.figures == agent_figures(each.counters)
    assert agent_times(store, a, b, NOW, "2") == [each for each in found if each.agent_id == "2"]
    spent = [each for each in store.agent_states.spent(a, b) if each.reason == "lunch"]
    assert {each.agent_id: each.seconds for each in spent} == pytest.approx({key: lunch for key, (_, lunch) in expected.items() if lunch})


def test_agents_dispositions_and_marks_add_up_to_the_talks(store: Store) -> None:
    day = date(2026, 10, 24)
    whole = Period(day, day, "day", BERLIN)
    fill(store, whole.a, whole.b - 400)
    [queues] = made(store, "queues", day, day)
    agents, _ = made(store, "agents", day, day)
    [dispositions] = made(store, "dispositions", day, day)
    questions, answers, by_agent = made(store, "survey", day, day)
    answered = total(queues, "answered")
    assert answered == sum(column(agents, "answered")) == total(agents, "answered")  # type: ignore[arg-type]
    assert answered == sum(column(dispositions, "answered")) == total(dispositions, "answered")  # type: ignore[arg-type]
    assert total(agents, "average_handling_time") == pytest.approx(total(queues, "average_handling_time"))
    assert total(dispositions, "average_handling_time") == pytest.approx(total(queues, "average_handling_time"))
    assert sum(column(dispositions, "share")) == pytest.approx(1.0)  # type: ignore[arg-type]
    assert total(questions, "marks") == sum(column(answers, "marks")) == sum(column(by_agent, "marks")) == answered  # type: ignore[arg-type]
    keys = zip(column(answers, "mark"), column(answers, "marks"), strict=True)
    assert total(questions, "average_mark") == pytest.approx(sum(int(key) * n for key, n in keys) / answered)  # type: ignore[call-overload, operator]


def test_callbacks_by_what_became_of_them(store: Store) -> None:
    for number, (outcome, at) in enumerate([("talked", 100.0), ("talked", 300.0), ("expired", 50.0), ("no_answer", 9.0), ("", 0.0)]):
        store.callbacks.request(f"k{number}", "sales", f"1380000{number}", NOW - 500)
        if outcome == "no_answer":
            store.callbacks.tried(f"k{number}", outcome, NOW)
        if outcome:
            store.callbacks.done(f"k{number}", outcome, NOW - 500 + at).wait()
    store.callbacks.request("old", "sales", "139", NOW - 90_000).wait()
    [table] = made(store, "callbacks", date(2026, 10, 26), date(2026, 10, 26))
    told = as_records(table)[-1]
    assert told == {
        "queue": "", "requested": 5, "talked": 2, "expired": 1, "cancelled": 0, "given_up": 1, "still_open": 1, "tries": 1,
        "reached": 0.5, "average_until_reached": 200.0, "total": True,
    }  # fmt: skip
    for name, count in told.items():
        column_ = next((each for each in table.columns if each.name == name and each.leads), None)
        if column_ is not None:
            found = behind(store, "callbacks", asked({**table.total.leads, **column_.leads}), 0, 10)  # type: ignore[union-attr, dict-item]
            assert len(found.rows) == count, name


def test_each_count_is_as_long_as_the_list_behind_it(store: Store) -> None:
    day = date(2026, 10, 24)
    whole = Period(day, day, "day", BERLIN)
    fill(store, whole.a - 3600, whole.b + 3600)
    seen = 0
    for name in REPORTS:
        for table in made(store, name, day, day, "hour"):
            for row in (*table.rows, *([table.total] if table.total else [])):
                for cell, each in zip(row.cells, table.columns, strict=True):
                    if each.leads and each.kind == "calls":
                        found = behind(store, each.leads["what"], asked({**row.leads, **each.leads}), 0, 1000)
                        assert len(found.rows) == cell, (name, each.name, row.leads)
                        seen += 1
    assert seen > 100
    first, second = (behind(store, "calls", asked({"since": f"{whole.a}", "until": f"{whole.b}"}), skip, 5).rows for skip in (0, 5))
    assert len(first) == 5 and not {row.call_id for row in first} & {row.call_id for row in second}


def test_one_call_by_its_whole_id_or_a_callback_by_its_own(store: Store) -> None:
    fill(store, NOW - 100, NOW, 3)
    assert one_call(store, "i") is None and one_call(store, "") is None
    store.segments.begin("back", "", "", "t", "sales", "139", NOW - 50, virtual=True)
    store.segments.ended("back", "answered", NOW - 20, 30.0, "1", "b/1").wait()
    listed = behind(store, "waits", asked({"since": f"{NOW - 21}", "until": f"{NOW - 19}", "agent": "1"}), 0, 9).rows
    assert "back" in {row.call_id for row in listed}
    alone = one_call(store, "back")
    assert alone is not None and alone.call is None and [each.kind for each in alone.moments] == ["wait", "talk"]
    found = one_call(store, "i0")
    assert found is not None and [each.at for each in found.moments] == sorted(each.at for each in found.moments)


# -- files and the command line ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=1"])
def test_what_would_begin_a_formula_is_only_text(text: str) -> None:
    table = Table("t", text, (Column("a", text), Column("b", "b", "seconds")), (Row((text, None)), Row(("plain", 90.0))))
    assert neutral(text) == f"'{text}" and neutral("plain = 1") == "plain = 1"
    content = csv_bytes([table], UTC)
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert rows == [[f"'{text}", "b"], [f"'{text}", ""], ["plain", "90.0"]] and content.startswith(b"\xef\xbb\xbf")
    with zipfile.ZipFile(io.BytesIO(xlsx_bytes([table], UTC))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "<v>0.00104166" in sheet


def test_the_command_gives_the_same_as_table_csv_xlsx_and_json(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, NOW - 3600, NOW, 50)
    monkeypatch.setattr(command.time, "time", lambda: NOW)

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(command.report, list(arguments), obj=settings)
        assert result.exit_code == code, result.output
        return result.output

    day = ("--from", "2026-10-20", "--to", "2026-10-27")
    told = json.loads(run("queues", *day, "--json"))["queues"]
    assert told[-1]["total"] and told[-1]["offered"] == sum(row["offered"] for row in told[:-1]) > 0
    assert f"│ {told[-1]['offered']} " in run("queues", *day, "--explain") and "AHT = (talk_seconds" in run("queues", *day, "--explain")
    rows = list(csv.reader(io.StringIO(run("queues", *day, "--csv").removeprefix("\ufeff"))))
    assert rows[-1][:2] == ["Total", str(told[-1]["offered"])]
    assert "agents, breaks" in run("agents", *day, "--xlsx", str(tmp_path / "a.xlsx"))
    assert zipfile.is_zipfile(tmp_path / "a.xlsx")
    for name in REPORTS:
        run(name)
    assert "choose fewer days" in run("traffic", "--by", "hour", "--from", "2026-01-01", code=1)
    assert "exclude each other" in run("traffic", "--csv", "--json", code=2)
