"""Who plays which prompt: steps of flows, drafted and published, and the engine itself at desks, in talks and queues."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from ivrengine.flow.prompt_uses import PromptUse, prompt_uses
from ivrengine.prompts.speech import SPEECH_PREFIX, speech_for
from ivrengine.runtime.publishing import apart
from ivrengine.runtime.site_files import SiteFiles

OWN_PREFIXES = ("break/", "callback/", "desk/", "queue/", "record/", "talk/")  # said by runtime/, by no flow
SETS_KEPT = 4  # versions of the flows whose uses are remembered


class Uses:
    """By prompt and language."""

    def __init__(self, found: Sequence[PromptUse]) -> None:
        self._found: defaultdict[tuple[str, str], list[PromptUse]] = defaultdict(list)
        for use in found:
            self._found[use.prompt, use.language].append(use)

    def of(self, name: str, language: str) -> list[PromptUse]:
        return self._found.get((name, language), [])

    def names(self, language: str) -> set[str]:
        return {name for name, known in self._found if known == language}

    def is_own(self, name: str, language: str) -> bool:
        """Whether the engine says it by itself."""
        if name.startswith(SPEECH_PREFIX):
            speech = speech_for(language)
            return speech is not None and name in speech.WORDS
        return name.startswith(OWN_PREFIXES)


def all_uses(sets: Sequence[SiteFiles]) -> Uses:
    """In any of the sets of flows. Read in a native thread; a set that was read before is remembered."""
    return apart(_read, tuple(tuple(sorted(each.texts.items())) for each in sets))


@lru_cache(maxsize=SETS_KEPT)
def _read(sets: tuple[tuple[tuple[str, str], ...], ...]) -> Uses:
    found: dict[PromptUse, None] = {}
    for texts in dict.fromkeys(sets):
        found.update(dict.fromkeys(prompt_uses(dict(texts))))
    return Uses(list(found))
