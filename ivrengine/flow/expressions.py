"""Expressions in flows: ``balance > 100 and language == "zh-CN"``. Parsed once at load, bounded in length and power.

Built on simpleeval, narrowed: no attribute access, no comprehension, no function but the few named here. Digits that a
caller keyed in stay text; ``number("0012")`` makes a number of them.
"""

from __future__ import annotations

import ast
import math
from typing import Any

import simpleeval
from pydantic import GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

from ivrengine.domain.sentence import Sentence

LONGEST_EXPRESSION = 500  # characters
LONGEST_TEXT = 2000  # characters of any text that an expression makes
LARGEST_NUMBER = 1e18


class ExpressionError(ValueError):
    """An expression can't be read or worked out."""


def _number(value: Any) -> int | float:
    text = str(value).strip()
    if len(text) > 30:
        raise ExpressionError(Sentence("a number of more than 30 characters"))
    try:
        return int(text)
    except ValueError:
        pass
    try:
        result = float(text)
    except ValueError:
        raise ExpressionError(Sentence("%(text)r is not a number", text=text)) from None
    if not math.isfinite(result):
        raise ExpressionError(Sentence("%(text)r is not a number", text=text))
    return result


def _left(text: Any, count: int) -> str:
    return str(text)[: max(0, int(count))]


def _right(text: Any, count: int) -> str:
    return str(text)[-int(count) :] if int(count) > 0 else ""


FUNCTIONS: dict[str, Any] = {
    "number": _number,
    "text": lambda value: str(value)[:LONGEST_TEXT],
    "length": lambda value: len(str(value)),
    "left": _left,
    "right": _right,
    "starts_with": lambda text, start: str(text).startswith(str(start)),
    "round": lambda value, digits=0: round(value, int(digits)),
}
CONSTANTS = {"true": True, "false": False, "none": None, "True": True, "False": False, "None": None}


def _mod(left: Any, right: Any) -> Any:
    if isinstance(left, str):  # Python would format text, of any length
        raise ExpressionError(Sentence("% works on numbers only"))
    return left % right


_OPERATORS = {**simpleeval.DEFAULT_OPERATORS, ast.Mod: _mod}
_ALLOWED_NODES = (
    ast.Expression, ast.Constant, ast.Name, ast.Load, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt,
    ast.GtE, ast.In, ast.NotIn, ast.IfExp, ast.Call, ast.List, ast.Tuple,
)  # fmt: skip


class _Evaluator(simpleeval.SimpleEval):
    """simpleeval with lists, for ``language in ["zh-CN", "en-US"]``."""

    def __init__(self, names: dict[str, Any]) -> None:
        super().__init__(operators=_OPERATORS, functions=FUNCTIONS, names=names)
        self.nodes[ast.List] = self.nodes[ast.Tuple] = lambda node: [self._eval(item) for item in node.elts]


class Expression:
    """One parsed expression. ``names`` are the variables it reads."""

    __slots__ = ("text", "names", "_tree")

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        if not self.text:
            raise ExpressionError(Sentence("the expression is empty"))
        if len(self.text) > LONGEST_EXPRESSION:
            raise ExpressionError(Sentence("the expression is longer than %(most)s characters", most=LONGEST_EXPRESSION))
        try:
            tree = ast.parse(self.text, mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ExpressionError(
                Sentence("%(text)r can't be read: %(error)s", text=self.text, error=getattr(error, "msg", error))
            ) from None
        names = set()
        for node in ast.walk(tree):
            if not isinstance(node, _ALLOWED_NODES):
                raise ExpressionError(Sentence("%(text)r uses %(name)s, which flows may not use", text=self.text, name=type(node).__name__))
            if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS and not node.keywords):
                raise ExpressionError(
                    Sentence("%(text)r calls something other than %(functions)s", text=self.text, functions=tuple(FUNCTIONS))
                )
            if isinstance(node, ast.Name):
                names.add(node.id)
        self.names = frozenset(names - set(FUNCTIONS) - set(CONSTANTS))
        self._tree = tree.body

    def evaluate(self, variables: dict[str, Any]) -> Any:
        """The value: a bool, int, float, str or None. Raises ExpressionError naming what was wrong."""
        evaluator = _Evaluator({**CONSTANTS, **variables})
        try:
            value = evaluator.eval(self.text, previously_parsed=self._tree)
        except ExpressionError:
            raise
        except Exception as error:  # simpleeval raises many kinds; to the flow they are one
            raise ExpressionError(Sentence("%(text)r: %(error)s", text=self.text, error=error)) from None
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            raise ExpressionError(Sentence("%(text)r made a text of more than %(most)s characters", text=self.text, most=LONGEST_TEXT))
        if isinstance(value, (int, float)) and not abs(value) <= LARGEST_NUMBER:
            raise ExpressionError(Sentence("%(text)r made a number beyond %(most).0e", text=self.text, most=LARGEST_NUMBER))
        if isinstance(value, (list, tuple)):
            raise ExpressionError(Sentence("%(text)r makes a list; only one value can be used", text=self.text))
        return value

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def convert(value: Any) -> Expression:
            if isinstance(value, Expression):
                return value
            try:
                return cls(value)
            except ExpressionError as error:
                raise PydanticCustomError("ivr", "{message}", {"message": str(error)}) from None

        return core_schema.no_info_plain_validator_function(convert)
