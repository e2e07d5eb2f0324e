"""The words of the reports in the language of the page: titles of tables and columns, and formulas read aloud."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from flask_babel import lazy_gettext as _
from flask_babel.speaklater import LazyString

from ivrengine.reports.periods import PeriodError
from ivrengine.reports.table import Cell, Column, Table
from ivrengine.site.records import Site

from ..words import word

# report -> what its tab is called
REPORT_TITLES: Mapping[str, LazyString] = {
    "traffic": _("Traffic"),
    "queues": _("Queues"),
    "agents": _("Agents"),
    "dispositions": _("Dispositions"),
    "survey": _("Survey"),
    "callbacks": _("Callbacks asked for"),
}
# name of a table -> its title
TABLE_TITLES: Mapping[str, LazyString] = {
    "traffic": _("Traffic"),
    "queues": _("Queues"),
    "agents": _("Agents"),
    "breaks": _("Breaks"),
    "dispositions": _("Dispositions"),
    "questions": _("Questions"),
    "answers": _("Answers"),
    "marks_by_agent": _("Marks by agent"),
    "callbacks": _("Callbacks asked for"),
    "waits": _("Waits in queues"),
    "calls": _("Calls"),
    "offers": _("Offers"),
    "marks": _("Marks"),
}
# name of a column -> its title
COLUMN_TITLES: Mapping[str, LazyString] = {
    "hour": _("Hour"),
    "day": _("Day"),
    "month": _("Month"),
    "calls": _("Calls"),
    "queue": _("Queue"),
    "offered": _("Offered"),
    "refused": _("Turned away"),
    "answered": _("Answered"),
    "abandoned": _("Abandoned"),
    "average_speed_of_answer": _("Speed of answer"),
    "average_patience": _("Wait of who hung up"),
    "average_handling_time": _("Handling time"),
    "abandon_rate": _("Abandon rate"),
    "service_level_ignored": _("Service level (hang-ups in time left out)"),
    "service_level_negative": _("Service level (hang-ups count against)"),
    "service_level_positive": _("Service level (hang-ups in time count for)"),
    "agent": _("Agent"),
    "name": _("Full name"),
    "team": _("Team"),
    "offers": _("Offers"),
    "not_taken": _("Not taken"),
    "talk_seconds": _("Talk"),
    "hold_seconds": _("Hold"),
    "wrap_up_seconds": _("Wrap-up"),
    "ring_seconds": _("Rang"),
    "ready_idle_seconds": _("Ready"),
    "break_seconds": _("Breaks"),
    "external_seconds": _("Other calls"),
    "logged_in_seconds": _("Logged in"),
    "occupancy": _("Occupancy"),
    "reason": _("Reason"),
    "disposition": _("Disposition"),
    "share": _("Share"),
    "automatic": _("Not given by the agent"),
    "survey": _("Survey"),
    "question": _("Question"),
    "mark": _("Key"),
    "label": _("Reply"),
    "marks": _("Answers"),
    "average_mark": _("Average mark"),
    "requested": _("Requested"),
    "talked": _("Talked"),
    "expired": _("Expired"),
    "cancelled": _("Cancelled"),
    "given_up": _("Given up on"),
    "still_open": _("Open"),
    "tries": _("Failed tries"),
    "reached": _("Share reached"),
    "average_until_reached": _("Wait until reached"),
    "at": _("At"),
    "number": _("Caller"),
    "dialled": _("Dialled"),
    "flow": _("Flow"),
    "lasted": _("Lasted"),
    "outcome": _("Outcome"),
    "end": _("End"),
    "wait": _("Wait"),
    "talk": _("Talk"),
    "source": _("Source"),
    "phone": _("Desk phone"),
}
# name of a counter, or a figure that stands in another's formula -> how it is read
COUNTER_WORDS: Mapping[str, LazyString] = {
    "calls that began": _("calls that began"),
    "offers of a caller to the agent": _("offers of a caller to the agent"),
    "talks whose disposition was set when the wrap-up ran out": _("talks whose disposition was set when the wrap-up ran out"),
    "answered of all rows": _("answered of all rows"),
    "marks of the question": _("answers to the question"),
    "answered": _("answered"),
    "abandoned": _("hung up"),
    "short_abandon": _("hung up at once"),
    "timeout": _("waited too long"),
    "no_agent": _("no agent there"),
    "exit_key": _("left by key"),
    "voicemail": _("left a message"),
    "callback_requested": _("wanted a callback"),
    "flow_out": _("sent elsewhere"),
    "failed": _("failed"),
    "offered": _("offered"),
    "refused_full": _("queue was full"),
    "refused_empty": _("queue without agents"),
    "answered_wait_seconds": _("seconds that the answered waited"),
    "abandoned_wait_seconds": _("seconds until they hung up"),
    "answered_within": _("answered in time"),
    "abandoned_within": _("hung up in time"),
    "handled": _("talks that are over"),
    "talk_seconds": _("seconds of talk"),
    "hold_seconds": _("seconds on hold"),
    "wrap_up_seconds": _("seconds of wrap-up"),
    "ring_seconds": _("seconds of ringing"),
    "ready_idle_seconds": _("seconds ready"),
    "break_seconds": _("seconds of breaks"),
    "external_seconds": _("seconds of other calls"),
    "occupied_seconds": _("ringing, talk, hold and wrap-up"),
    "no_answer": _("not answered"),
    "rejected": _("rejected"),
    "busy": _("busy"),
    "unregistered": _("phone not registered"),
    "points": _("sum of the keys"),
    "marks": _("answers"),
    "talked": _("talked"),
    "expired": _("expired"),
    "cancelled": _("cancelled"),
    "given_up": _("given up"),
    "still_open": _("open"),
    "requested": _("requested"),
    "waited_seconds": _("seconds from the request until the talk"),
    "tries": _("calls to the customer that failed"),
}
_IN_FORMULA = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, COUNTER_WORDS), key=len, reverse=True))})\b")
# what callbacks and offers say of themselves, beside the engine's common words
_MORE_WORDS: Mapping[str, LazyString] = {
    **{name: COUNTER_WORDS[name] for name in ("no_answer", "rejected", "busy", "unregistered", "talked", "expired", "cancelled")},
    "open": COUNTER_WORDS["still_open"],
    "flow": _("asked for in the call"),
    "message": _("a message"),
    "agent": _("an agent"),
    "supervisor": _("a supervisor"),
}


def in_words(formula: str) -> str:
    """A formula with what counters and figures are called in the language of the page."""
    return _IN_FORMULA.sub(lambda found: str(COUNTER_WORDS[found.group()]), formula)


def said(code: str) -> str:
    """A word of the engine as people read it."""
    known = _MORE_WORDS.get(code)
    return word(code) if known is None else str(known)


def localised(table: Table) -> Table:
    """With titles and formulas in the language of the page, as plain texts: files are made in threads that know no language."""
    columns = tuple(
        replace(each, title=str(COLUMN_TITLES.get(each.name, each.title)), formula=in_words(each.formula)) for each in table.columns
    )
    return replace(table, title=str(TABLE_TITLES.get(table.name, table.title)), columns=columns)


def with_titles(table: Table, site: Site) -> Table:
    """Queues, teams, reasons and dispositions by the titles that people gave them; agents by number and name."""
    titles = {
        "queue": {each.name: each.title for each in site.queues},
        "team": {each.name: each.title for each in site.teams},
        "reason": {each.reason: each.title for each in site.reasons},
        "disposition": {each.code: f"{each.code} {each.title}" for each in site.dispositions if each.title},
    }
    if all(column.name != "name" for column in table.columns):
        titles["agent"] = {each.agent_id: f"{each.agent_id} {each.rules.name}" for each in site.agents if each.rules.name}

    def cell(value: Cell, column: Column) -> Cell:
        return titles.get(column.name, {}).get(str(value)) or value

    rows = (replace(row, cells=tuple(map(cell, row.cells, table.columns))) for row in table.rows)
    return replace(table, rows=tuple(rows))


def sentence(error: PeriodError) -> str:
    """What is wrong with a period, and what to choose instead."""
    values = error.values
    if error.code == "long":
        units = {"hour": _("by hour"), "day": _("by day"), "month": _("by month")}
        return str(
            _("A report %(unit)s covers at most %(longest)s days, and these are %(days)s. Choose fewer days, or a coarser report.",
              unit=units[str(values["by"])], longest=values["longest"], days=values["days"])
        )  # fmt: skip
    sentences = {"order": _("The last day is before the first."), "by": _("A report is by hour, day or month.")}
    return str(sentences.get(error.code, _("This is no day.")))
