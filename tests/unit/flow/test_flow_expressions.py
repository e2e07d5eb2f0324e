"""What expressions may say, and that nothing in them can reach out, hang or fill the memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.flow.expressions import LONGEST_TEXT, Expression, ExpressionError

VARIABLES = {"balance": "120", "count": 3, "language": "zh-CN", "name": "Ann\n${x}'\"", "big": "x" * 1999}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('number(balance) > 100 and language == "zh-CN"', True),
        ('language in ["en-US", "zh-CN"]', True),
        ("count not in (1, 2)", True),
        ("number(balance) % 7", 1),
        ("count * 2.5", 7.5),
        ('"none" if balance == "" else left(balance, 2)', "12"),
        ("right(balance, 1)", "0"),
        ('number("0012")', 12),
        ("length(name)", 10),
        ('starts_with(language, "zh")', True),
        ("round(2.567, 1)", 2.6),
        ("not true", False),
        ("none", None),
        ("name", "Ann\n${x}'\""),
    ],
)
def test_values(text, value):
    assert Expression(text).evaluate(VARIABLES) == value


def test_names_are_the_variables_that_it_reads():
    assert Expression('number(balance) > count and language == "x"').names == {"balance", "count", "language"}


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "a b", "a =", "x" * 501, "(" * 200, "().__class__", "name.upper()", "[x for x in name]", "lambda: 1",
        "open('x')", "number(name=1)", "2 ** 9999", "f'{name}'", "name[0]", "{1: 2}", "__import__('os')", "a := 1", "\x00",
        "1 << 99",
    ],
)  # fmt: skip
def test_refused_when_read(text):
    with pytest.raises(ExpressionError):
        Expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "missing", "count / 0", 'balance < 1', '"%999999999d" % 1', '"a" * 99999999', "big + big", "[1]", "[1] * 99999999",
        "99999999999 * 99999999999", "1e308 * 10", 'number("twelve")', 'number("nan")', 'number("1" * 31)', "-name",
        "round(name)", "round(1e400)", "left(name, language)",
    ],
)  # fmt: skip
def test_refused_when_worked_out(text):
    with pytest.raises(ExpressionError) as told:
        Expression(text).evaluate(VARIABLES)
    assert len(str(told.value)) < LONGEST_TEXT + 1000


@given(st.text(max_size=60), st.dictionaries(st.sampled_from("abc"), st.one_of(st.text(), st.integers(), st.none()), max_size=3))
def test_any_text_is_a_value_or_an_expression_error(text, variables):
    try:
        value = Expression(text).evaluate(variables)
    except ExpressionError:
        return
    assert value is None or isinstance(value, (bool, int, float, str))
