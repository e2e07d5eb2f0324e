"""How FreeSWITCH reads and writes text: splitting arguments, percent-encoding header values, expanding variables.

Values are ``str`` with surrogateescape, so that bytes which are no UTF-8 go through unharmed.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_UNSAFE = re.compile(rb'[^ -~]|[ #&+:;<=>?@\[\\\]^`{|}"]|%(?![0-9A-F][0-9A-F])')
_NEEDS = re.compile(r'[^ -~]|[ #%&+:;<=>?@\[\\\]^`{|}"]')
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
ARGUMENT_LIMIT = 64
TRUE_WORDS = frozenset({"yes", "on", "true", "t", "enabled", "active", "allow"})


def url_encode(value: str) -> str:
    """As switch_url_encode: a ``%`` that two upper-case hex digits follow stays as it is, which can't be undone."""
    if not _NEEDS.search(value):
        return value
    raw = value.encode("utf-8", "surrogateescape")
    return _UNSAFE.sub(lambda match: b"%%%02X" % match.group()[0], raw).decode("ascii")


def is_true(value: str | None) -> bool:
    """As switch_true: a few words, or any number but 0."""
    if not value:
        return False
    if value.lower() in TRUE_WORDS:
        return True
    return value.lstrip("-").isdigit() and int(value) != 0


def leading_int(value: str | None, default: int = 0) -> int:
    """As atoi: the number that the text starts with, else ``default`` (0)."""
    match = re.match(r"\s*([+-]?\d+)", value or "")
    return int(match.group(1)) if match else default


def split_arguments(text: str, separator: str = " ", limit: int = ARGUMENT_LIMIT) -> list[str]:
    """As switch_separate_string: quotes ('...') keep separators, a run of spaces counts once, the last one takes the rest."""
    arguments: list[str] = []
    position, length = 0, len(text)
    while position < length and len(arguments) < limit - 1:
        while separator == " " and position < length and text[position] == " ":
            position += 1
        if position >= length:
            return arguments
        part: list[str] = []
        quoted = False
        while position < length and (quoted or text[position] != separator):
            if text[position] == "'":
                quoted = not quoted
            elif text[position] == "\\" and position + 1 < length and text[position + 1] in "\\'" + separator:
                position += 1
                part.append(text[position])
            else:
                part.append(text[position])
            position += 1
        arguments.append("".join(part))
        position += 1
    if position < length:
        arguments.append(text[position:].strip(separator) if separator == " " else text[position:])
    return arguments


def expand_variables(text: str, lookup: Callable[[str], str | None]) -> str:
    """Replace each ``${name}`` by its value, once: what a value holds is never expanded again."""
    if "${" not in text:
        return text
    return _VARIABLE.sub(lambda match: lookup(match.group(1)) or "", text)


def split_braces(text: str) -> tuple[dict[str, str], str]:
    """``{a=1,b='x,y'}[c=2]rest`` -> ({"a": "1", ...}, "rest")."""
    variables: dict[str, str] = {}
    while text and text[0] in "{[<":
        end = text.find({"{": "}", "[": "]", "<": ">"}[text[0]])
        if end < 0:
            break
        for pair in split_arguments(text[1:end], ","):
            name, sign, value = pair.partition("=")
            if sign:
                variables[name.strip()] = value
        text = text[end + 1:]
    return variables, text
