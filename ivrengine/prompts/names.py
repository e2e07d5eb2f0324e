"""Names of prompts and languages: the only ones that may become part of a path.

Refuses everything that could leave the prompts directory or that FreeSWITCH would read as code: a name is made of lower
case letters, digits, ``_``, ``-`` and ``/`` between parts. Whole paths may hold more, but none of the characters in
``MISREAD``, because a path is spliced into ``file_string://a!b`` and into the blank-separated arguments of
play_and_get_digits, and is searched for ``${...}`` and ``@@`` before it is opened.
"""

from __future__ import annotations

import re

from ivrengine.domain.sentence import Sentence

from .errors import BadName

NAME_LIMIT = 120  # characters; the longest file name of common file systems is 255 bytes
MISREAD = frozenset("!{}[],&^|'\"\\$")
_MISREAD = re.compile(rf"[\s{re.escape(''.join(sorted(MISREAD)))}]")
_NAME = re.compile(r"[a-z0-9_-]+(?:/[a-z0-9_-]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")


def name_problem(name: str) -> str | None:
    """A sentence that says why ``name`` can't name a prompt, or None."""
    if len(name) > NAME_LIMIT:
        return Sentence("the prompt name %(name)r... is longer than %(name_limit)s characters", name=name[:40], name_limit=NAME_LIMIT)
    if not _NAME.fullmatch(name):
        return Sentence("%(name)r can't name a prompt: use lower case letters, digits, _ and -, with / between directories", name=name)
    return None


def check_name(name: str) -> str:
    """The name itself. Raises BadName."""
    problem = name_problem(name)
    if problem:
        raise BadName(problem)
    return name


def is_language(language: str) -> bool:
    return bool(_LANGUAGE.fullmatch(language)) and len(language) <= 20


def check_language(language: str) -> str:
    """The language itself. Raises BadName."""
    if not is_language(language):
        raise BadName(Sentence("%(language)r can't name a language: write it like zh-CN or en-US", language=language[:40]))
    return language


def path_problem(path: str) -> str | None:
    """A sentence that says why FreeSWITCH would misread ``path``, or None."""
    if not path.isprintable() or _MISREAD.search(path):
        character = next(one for one in path if one in MISREAD or one.isspace() or not one.isprintable())
        return Sentence(
            "FreeSWITCH would misread the character %(character)r in the path %(path)r", character=character, path=path[:200]
        )
    if "@@" in path:
        return Sentence("FreeSWITCH would misread '@@' in the path %(path)r", path=path[:200])
    return None
