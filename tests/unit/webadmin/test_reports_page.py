"""The pages of reports: the same figures as the board, links to what is behind them, files, and what is taken away in files."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from pages_house import AT

from ivrengine.acd.figures import FORMULAS, shown
from ivrengine.acd.rules import AgentRules, Membership, QueueRules
from ivrengine.domain.caller import CallInfo
from ivrengine.domain.commands import KeepMark, LogStep
from ivrengine.reports.board import board
from ivrengine.reports.catalogue import REPORTS
from ivrengine.reports.periods import period
from ivrengine.site.records import Agent, Site
from webadmin.context import Web
from webadmin.pages.reports_words import COLUMN_TITLES, COUNTER_WORDS, REPORT_TITLES, TABLE_TITLES

HOSTILE = "=HYPERLINK(\"http://x\")<script>alert(1)</script>"
NUMBER = "13800138000"
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture
def house(engine: Any) -> Any:
    """One answered call with all that belongs to it, and one who gave up, both of today."""
    store = engine.store
    agent = Agent(AgentRules("1001", HOSTILE, "desk", queues={"sales": Membership()}))
    store.site.replace(Site(queues=(QueueRules("sales", "Sales"), QueueRules("idle", "Idle")), agents=(agent,)), "test", AT).wait()
    for call_id, start in (("c1", AT - 300), ("c2", AT - 200)):
        store.calls.begin(CallInfo(call_id, "100", NUMBER, HOSTILE, start), "line", "v1")
        store.steps.log(call_id, LogStep(0, "line", "v1", "main", "menu", start, start + 2, "choice", "sales", "1"))
        store.segments.begin(call_id, call_id, call_id, "t", "sales", NUMBER, start + 2)
    store.attempts.begin("a1", "c1", "1001", "801", "l1", AT - 290)
    store.attempts.ended("a1", "no_answer", AT - 280)
    store.attempts.begin("a2", "c1", "1001", "801", "l2", AT - 279)
    store.attempts.bridged("a2", AT - 270)
    store.attempts.ended("a2", "talked", AT - 200)
    store.segments.ended("c1", "answered", AT - 270, 28.0, "1001", "a2")
    store.segments.talked("c1", 70.0, 0.0, AT - 200)
    store.segments.wrapped_up("c1", 20.0, HOSTILE)
    store.segments.recording("c1", "/nowhere/c1.wav", 70_000)
    store.segments.ended("c2", "abandoned", AT - 150, 48.0)
    store.agent_states.log("1001", "READY", "IDLE", "", AT - 600, "", "801", 1)
    store.agent_states.log("1001", "NOT_READY", "IDLE", HOSTILE, AT - 100, "", "801", 2)
    store.marks.keep(KeepMark("service", "friendly", "4", "good", ""), "c1", AT - 195)
    store.callbacks.request("k1", "sales", NUMBER, AT - 100)
    store.calls.end("c1", AT - 190, "caller", "NORMAL_CLEARING", "completed").wait()
    return engine


def cells(page: str, table: int = 0) -> list[list[str]]:
    """The texts of one table, a list a row, the header first."""
    found = re.findall(r"<table.*?</table>", page, re.DOTALL)[table]
    rows = re.findall(r"<tr.*?</tr>", found, re.DOTALL)
    return [[re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows]


def read_xlsx(content: bytes) -> list[list[list[Any]]]:
    """The sheets of a file: texts and numbers, None for nothing. Fails where there is a formula."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        texts = ["".join(each.itertext()) for each in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))]
        sheets = []
        for name in sorted(name for name in book.namelist() if name.startswith("xl/worksheets/sheet")):
            root = ElementTree.fromstring(book.read(name))
            assert root.find(f".//{SHEET}f") is None
            rows = []
            for row in root.iter(f"{SHEET}row"):
                values: dict[int, Any] = {}
                for cell in row:
                    value = cell.find(f"{SHEET}v")
                    letters = re.match("[A-Z]+", cell.get("r", ""))
                    assert letters
                    place = ord(letters[0][-1]) - 65 + 26 * (len(letters[0]) - 1)
                    if value is not None:
                        values[place] = texts[int(value.text or 0)] if cell.get("t") == "s" else float(value.text or 0)
                rows.append([values.get(place) for place in range(max(values, default=-1) + 1)])
            sheets.append(rows)
        return sheets


def test_every_word_of_the_reports_has_its_title(house: Any) -> None:
    assert set(REPORT_TITLES) == set(REPORTS)
    web = Web(house, None, False)  # type: ignore[arg-type]
    in_formula = re.compile("|".join(sorted(map(re.escape, COUNTER_WORDS), key=len, reverse=True)))
    for by in ("hour", "day", "month"):
        for name, report in REPORTS.items():
            for table in report(house.store, period("", "", by, web.zone, AT), AT, ""):
                assert table.name in TABLE_TITLES
                for column in table.columns:
                    assert column.name in COLUMN_TITLES, f"{name}: {column.name}"
                    assert not re.search("[a-z]", in_formula.sub("", column.formula)), f"{column.name}: {column.formula}"


def test_the_page_shows_what_the_board_shows(house: Any, client: Callable[[str], FlaskClient]) -> None:
    zone = Web(house, None, False).zone  # type: ignore[arg-type]
    rows = {row.title: row.figures for row in board(house.store, AT, zone).queues}
    page = cells(client("supervisor").get("/reports/queues").text)
    told = {row[0]: row[1:] for row in page[1:]}
    for title, figures in rows.items():
        assert told[title] == [shown(getattr(figures, name), FORMULAS[name].unit) for name in FORMULAS]
    total = board(house.store, AT, zone).total
    assert told["Total"][:4] == [shown(getattr(total, name), "calls") for name in list(FORMULAS)[:4]]
    assert told["Idle"][4:] == ["-"] * 7, "nothing was counted, so nothing is claimed"


@pytest.mark.parametrize("name", REPORTS)
def test_the_spreadsheet_reads_back_as_the_page(house: Any, client: Callable[[str], FlaskClient], name: str) -> None:
    browser = client("supervisor")
    page, file = browser.get(f"/reports/{name}").text, browser.get(f"/reports/{name}/xlsx")
    assert file.mimetype.endswith("sheet") and ".xlsx" in file.headers["Content-Disposition"]
    zone = Web(house, None, False).zone  # type: ignore[arg-type]
    tables = REPORTS[name](house.store, period("", "", "hour", zone, AT), AT, "")
    sheets = read_xlsx(file.data)
    assert len(sheets) == len(tables)
    for place, (table, sheet) in enumerate(zip(tables, sheets, strict=True)):
        assert len(sheet) == len(table.rows) + 1 + (table.total is not None)
        if not table.rows:
            continue
        rows = cells(page, place)[1:]
        for line, values in zip(rows, sheet[1:], strict=True):
            for text, value, column in zip(line, [*values, *[None] * len(line)], table.columns, strict=False):
                if column.kind == "seconds" and value is not None:
                    value *= 86400
                if isinstance(value, float):
                    assert text == shown(value, column.kind), column.name  # type: ignore[arg-type]
                else:
                    assert text.replace("&#34;", '"').replace("&lt;", "<").replace("&gt;", ">") == (value or "-") or not value


def test_no_cell_of_a_file_becomes_a_formula(house: Any, client: Callable[[str], FlaskClient]) -> None:
    browser = client("admin")
    for path in ("/reports/agents", "/reports/dispositions", f"/reports/behind/waits/?since={AT - 9999:.0f}&until={AT:.0f}"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        if "?" in path:
            assert HOSTILE.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;") in page
        csv_path = path.replace("/?", "/csv?") if "?" in path else f"{path}/csv"
        data = browser.get(csv_path).data
        assert data.startswith(b"\xef\xbb\xbf")
        rows = [cell for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))) for cell in row]
        assert f"'{HOSTILE}" in rows and not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in rows)
        assert any(HOSTILE in row for sheet in read_xlsx(browser.get(csv_path.replace("csv", "xlsx")).data) for row in sheet)


def test_from_a_figure_to_the_calls_and_to_one_call(house: Any, client: Callable[[str], FlaskClient]) -> None:
    browser = client("admin")
    links = re.findall(r'<tfoot>.*?</tfoot>', browser.get("/reports/traffic").text, re.DOTALL)[0]
    for kind, count in (("ended=answered$", 1), ("ended=abandoned$", 1), ("/behind/calls/", 2)):
        [link, *_] = [each for each in re.findall(r'href="([^"]*)"', links) if kind in each.rstrip("&") + "$"]
        rows = cells(browser.get(link.replace("&amp;", "&")).text)[1:]
        assert len(rows) == count, kind
    page = browser.get(link.replace("&amp;", "&")).text
    assert NUMBER in page and 'href="/reports/call/c1/"' in page
    call = browser.get("/reports/call/c1/").text
    events = [row[1] for row in cells(call)[1:]]
    assert events == [
        "Call begins", "Step", "Waits in", "Offered to", "Offered to", "Talk", "Wrap-up", "Mark", "Call ends"
    ]  # fmt: skip
    assert "not answered" in call and '<audio controls preload="none" src="/recordings/c1/sound"' in call


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("marks/?survey=service&question=friendly&mark=4", 1), ("marks/?mark=3", 0), ("callbacks/?outcome=open&queue=sales", 1),
        ("callbacks/?outcome=talked", 0), ("offers/?agent=1001", 2), ("offers/?agent=1001&outcome=no_answer,busy", 1),
        ("waits/?disposition=", 1), ("waits/?agent=1001", 1), ("waits/?queue=idle", 0),
    ],
)  # fmt: skip
def test_records_are_found_by_what_the_figure_says(house: Any, client: Callable[[str], FlaskClient], path: str, rows: int) -> None:
    answer = client("admin").get(f"/reports/behind/{path}&since={AT - 9999:.0f}&until={AT + 1:.0f}")
    assert answer.status_code == 200
    assert (len(cells(answer.text)) - 1 if "<table" in answer.text else 0) == rows


def test_supervisors_see_whole_numbers_and_a_file_of_records_is_audited(house: Any, client: Callable[[str], FlaskClient]) -> None:
    query = f"since={AT - 9999:.0f}&until={AT:.0f}"
    for role in ("supervisor", "admin"):
        browser = client(role)
        for path in (f"behind/calls/?{query}", f"behind/calls/csv?{query}", "call/c1/"):
            text = browser.get(f"/reports/{path}").text
            assert NUMBER in text and "********000" not in text, (role, path)
    downloads = [row for row in house.store.audit.recent() if row.verb == "download_records"]
    assert [row.who for row in downloads] == ["user admin", "user supervisor"]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("from=2026-01-01&to=2026-09-01&by=hour", "at most 31 days, and these are 244"), ("from=2020-01-01&by=month", "at most 1098 days"),
        ("from=2026-09-02&to=2026-09-01", "The last day is before the first."), ("from=yesterday", "This is no day."),
        ("from=9999-12-31&to=9999-12-31", "This is no day."), ("by=second", "by hour, day or month"),
    ],
)  # fmt: skip
def test_a_period_that_cannot_be_is_told_at_its_field(
    house: Any, client: Callable[[str], FlaskClient], query: str, sentence: str
) -> None:
    browser = client("supervisor")
    answer = browser.get(f"/reports/traffic?{query}")
    assert answer.status_code == 422 and sentence in answer.text and 'id="from-note"' in answer.text
    assert browser.get(f"/reports/traffic/csv?{query}").status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "nothing", "traffic/pdf", "behind/users/?since=1&until=2", "behind/waits/", "behind/waits/?since=nan&until=2",
        "behind/waits/?since=0&until=inf", "behind/waits/?since=9&until=2", "call/nothing/", "behind/waits/exe?since=1&until=2",
    ],
)  # fmt: skip
def test_what_is_not_there_is_told(house: Any, client: Callable[[str], FlaskClient], path: str) -> None:
    assert client("admin").get(f"/reports/{path}").status_code == 404


def test_the_reports_are_chinese_too(house: Any, client: Callable[[str], FlaskClient]) -> None:
    browser = client("supervisor")
    browser.set_cookie("ivrengine_language", "zh-CN")
    page = browser.get("/reports/agents").text
    assert "占用率" in page and "通话秒数" in page and "talk_seconds" not in page
    day = datetime.fromtimestamp(AT, Web(house, None, False).zone).date()  # type: ignore[arg-type]
    file = browser.get(f"/reports/agents/csv?from={day}&to={day}").data.decode("utf-8-sig")
    assert "占用率" in file.splitlines()[0] and "合计" in file
