"""Sentences know their templates: English to all who print them, and to be told in any other language."""

from __future__ import annotations

import copy
import json
import pickle

from ivrengine.domain.sentence import Sentence, joined, packed, renamed, unpacked
from ivrengine.errors import IvrEngineError

CHINESE = {
    "there is no queue %(name)r": "没有队列 %(name)r",
    "known are %(names)s": "可用的有 %(names)s",
    "%(one)s; %(other)s": "%(one)s；%(other)s",
    "100 % of it": "全部",
}


def told(sentence: str) -> str:
    assert isinstance(sentence, Sentence)
    return sentence.in_words(lambda text: CHINESE.get(text, text), "、")


def test_it_is_its_english_text() -> None:
    sentence = Sentence("there is no queue %(name)r", name="sales")
    assert sentence == "there is no queue 'sales'" and json.dumps(sentence) == '"there is no queue \'sales\'"'
    assert Sentence("waits %(seconds).1f s of %(most)g", seconds=2.25, most=30.0) == "waits 2.2 s of 30"
    assert Sentence("100 % of it") == "100 % of it"


def test_it_is_told_by_its_template_with_the_values_in_their_places() -> None:
    missing = Sentence("there is no queue %(name)r", name="sales")
    known = Sentence("known are %(names)s", names=("a", "b"))
    assert known == "known are a, b"
    assert told(joined([missing, known])) == "没有队列 'sales'；可用的有 a、b"
    assert told(Sentence("100 % of it")) == "全部"
    assert told(Sentence("nobody has translated %(this)s", this="it")) == "nobody has translated it"


def test_what_strangers_wrote_is_no_template_and_makes_no_line_of_its_own() -> None:
    hostile = "%(name)s %s %d {0}\nERROR forged"
    sentence = Sentence("there is no queue %(name)r", name=hostile)
    assert hostile.splitlines()[0] in told(sentence) and "\n" not in told(sentence)
    assert "\n" not in Sentence("known are %(names)s", names=(hostile,))


def test_errors_are_told_too() -> None:
    try:
        raise IvrEngineError(Sentence("there is no queue %(name)r", name="sales"))
    except IvrEngineError as error:
        assert told(str(error)) == "没有队列 'sales'"
        assert told(Sentence("%(one)s; %(other)s", one=error, other="x")) == "没有队列 'sales'；x"


def test_it_survives_rows_other_processes_and_copies() -> None:
    sentence = Sentence("known are %(names)s", names=("a", Sentence("there is no queue %(name)r", name="中\"")))
    rows = [{"detail": sentence, "plain": "x", "warnings": (sentence,), "count": 2}]
    back = unpacked(json.loads(json.dumps(packed(rows))))[0]
    assert (back["plain"], back["count"]) == ("x", 2)
    for other in (back["detail"], back["warnings"][0], pickle.loads(pickle.dumps(sentence)), copy.deepcopy(sentence)):
        assert other == sentence and told(other) == told(sentence) == "可用的有 a、没有队列 '中\"'"
    assert unpacked({"sentence": "of a stranger's", "more": 1}) == {"sentence": "of a stranger's", "more": 1}


def test_a_value_may_be_renamed() -> None:
    sentence = renamed(Sentence("there is no queue %(name)r", name="/tmp/x7/a.wav"), "/tmp/x7/", "")
    assert told(sentence) == "没有队列 'a.wav'" and renamed("/tmp/x7/a", "/tmp/x7/", "") == "a"


def test_sentences_in_sentences_have_an_end() -> None:
    deep: str = "x"
    for _ in range(200):
        deep = Sentence("%(one)s; %(other)s", one=deep, other="y")
    assert told(deep).count("y") == 200
