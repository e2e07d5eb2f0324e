"""Survey: the marks that callers gave, by question and by agent, and how often each answer was chosen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ivrengine.acd.figures import MARK_FORMULAS, SHARE, MarkCounters, mark_figures, share
from ivrengine.storage.store import Store
from ivrengine.storage.totals import MarkTotals

from .periods import Period
from .table import Column, Row, Table, figure_columns

_MARKS = Column("marks", "Answers", "calls", "marks", {"what": "marks"})
_AVERAGE = figure_columns(MARK_FORMULAS, ("average_mark",))
_QUESTION = (Column("survey", "Survey"), Column("question", "Question"))
_BY_ANSWER = (*_QUESTION, Column("mark", "Key"), Column("label", "Answer"), _MARKS,
              Column("share", "Share", SHARE.unit, "marks / marks of the question"))  # fmt: skip


def survey(store: Store, period: Period, now: float, queue: str = "") -> tuple[Table, ...]:
    """With ``queue``: of the talks of this queue. The average is of the keys that were pressed, whatever they mean."""
    found = store.totals.marks(period.a, period.b, queue)
    leads = {"since": f"{period.a:.0f}", "until": f"{period.b:.0f}", "queue": queue}
    counted: defaultdict[tuple[str, str, str], MarkCounters] = defaultdict(MarkCounters)
    answers: defaultdict[tuple[str, str, str, str], int] = defaultdict(int)
    asked: defaultdict[tuple[str, str], int] = defaultdict(int)
    for each in found:
        counted[each.survey, each.question, each.agent_id] += _counters(each)
        answers[each.survey, each.question, each.mark, each.label] += each.count
        asked[each.survey, each.question] += each.count
    names = {agent.agent_id: agent.rules.name for agent in store.site.load().agents}
    questions: defaultdict[tuple[str, str], MarkCounters] = defaultdict(MarkCounters)
    for (name, question, _), counters in counted.items():
        questions[name, question] += counters
    return (
        Table(
            "questions", "Questions", (*_QUESTION, _MARKS, *_AVERAGE),
            tuple(Row((*key, *_figures(each)), {**leads, "survey": key[0], "question": key[1]}) for key, each in sorted(questions.items())),
            Row(("", "", *_figures(sum(questions.values(), MarkCounters()))), leads),
        ),
        Table(
            "answers", "Answers", _BY_ANSWER,
            tuple(
                Row((*key, count, share(count, asked[key[:2]])), {**leads, "survey": key[0], "question": key[1], "mark": key[2]})
                for key, count in sorted(answers.items())
            ),
        ),
        Table(
            "marks_by_agent", "Marks by agent", (Column("agent", "Agent"), Column("name", "Name"), *_QUESTION, _MARKS, *_AVERAGE),
            tuple(
                Row(
                    (agent_id, names.get(agent_id, ""), name, question, *_figures(each)),
                    {**leads, "survey": name, "question": question, "agent": agent_id},
                )
                for (name, question, agent_id), each in sorted(counted.items(), key=lambda item: (item[0][2], item[0]))
                if agent_id
            ),
        ),
    )  # fmt: skip


def _counters(each: MarkTotals) -> MarkCounters:
    return MarkCounters(each.count, float(each.mark) * each.count if each.mark.isdecimal() else 0.0)


def _figures(counters: MarkCounters) -> Iterable[float | None]:
    return counters.marks, mark_figures(counters).average_mark
