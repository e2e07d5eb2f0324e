"""Rows of digits and telephone numbers, which every language here speaks one by one; only what a digit is called differs."""

from __future__ import annotations

from collections.abc import Mapping

from .values import GROUP_PAUSE, Word, read_digits, read_phone


def digit_words(value: str, called: Mapping[str, str]) -> list[Word]:
    """``called``: the words of the characters that are not their own."""
    return [called.get(sign, sign) for sign in read_digits(value)]


def phone_words(value: str, called: Mapping[str, str]) -> list[Word]:
    """With a pause between the groups of the number."""
    words: list[Word] = []
    for group in read_phone(value):
        words += [GROUP_PAUSE] * bool(words) + [called.get(sign, sign) for sign in group]
    return words
