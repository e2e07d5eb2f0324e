"""Giving a dialled number to another flow, or to none: in the drafts, checked by the linter; callers notice nothing before a publication.

Refuses what would bring new errors, files whose numbers only an editor can change, and drafts that somebody else has changed meanwhile;
then nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from ivrengine.domain.sentence import Sentence, joined
from ivrengine.errors import IvrEngineError
from ivrengine.flow.finding import errors
from ivrengine.flow.number_edit import with_number, without_number
from ivrengine.storage.store import Store

from .dialled_numbers import FlowName, numbers_of
from .drafts import BadDraft, Draft, Drafts
from .publishing import Publisher, apart

NOBODY = ""  # the flow of a number that leads nowhere
FINDINGS_TOLD = 5


class NotGiven(IvrEngineError):
    """The number stays where it is."""


class NumberChanges:
    def __init__(self, publisher: Publisher, drafts: Drafts, store: Store, clock: Callable[[], float]) -> None:
        self._publisher = publisher
        self._drafts = drafts
        self._store = store
        self._clock = clock

    def give(self, number: str, to: str, who: str) -> FlowName | None:
        """``to``: the flow's name, or NOBODY. Gives the flow. Raises NotGiven, CannotEdit, or BadDraft and with it StaleDraft."""
        known = numbers_of(self._publisher.published(), self._publisher.draft())
        row = next((each for each in known.rows if each.number == number), None)
        if row is not None and row.conflict:
            raise NotGiven(Sentence("several flows have the number %(number)s; take it away from one of them in the editor", number=number))
        source = row.drafted if row else None
        target = next((each for each in known.flows if each.name == to), None)
        if to != NOBODY and target is None:
            raise NotGiven(Sentence("there is no flow %(name)r among the drafts that can be read", name=to[:64]))
        if source == target:
            raise NotGiven(Sentence("the number %(number)s leads there already, so nothing is changed", number=number[:64]))
        # Read before anything is made of it; a save names what was read, so that nobody else's change is lost.
        drafts = {each.file: self._drafts.read(PurePosixPath(each.file).stem) for each in (source, target) if each is not None}
        texts = {file: found.text for file, found in drafts.items()}
        if source is not None:
            texts[source.file] = apart(without_number, texts[source.file], number)
        if target is not None:
            texts[target.file] = apart(with_number, texts[target.file], number)
        self._need_no_new_errors(texts)
        self._save(drafts, texts, who)
        self._store.audit.add(who, "give_number", f"number {number}", _told(source), _told(target), self._clock()).wait()
        return target

    def _need_no_new_errors(self, texts: dict[str, str]) -> None:
        site = self._publisher.draft()
        before = {(each.code, each.place.file, str(each.sentence)) for each in errors(self._publisher.check(site).findings)}
        site.texts.update(texts)
        found = errors(self._publisher.check(site).findings)
        new = [each for each in found if (each.code, each.place.file, str(each.sentence)) not in before]
        if new:
            told = joined(Sentence("%(place)s: %(problem)s", place=str(each.place), problem=each.sentence) for each in new[:FINDINGS_TOLD])
            raise NotGiven(Sentence("the linter refuses this, so nothing is changed: %(findings)s", findings=told))

    def _save(self, drafts: dict[str, Draft], texts: dict[str, str], who: str) -> None:
        """All or none: where the second file is another one by now, the first is put back."""
        saved: list[tuple[Draft, Draft]] = []
        for file, before in drafts.items():
            try:
                saved.append((before, self._drafts.save(before.name, texts[file], before.base)))
            except BadDraft:
                for old, new in reversed(saved):
                    self._drafts.save(old.name, old.text, new.base)
                raise
        for old, new in saved:
            states = {"version": old.base}, {"version": new.base}
            self._store.audit.add(who, "save_draft", f"draft {old.name}", *states, self._clock()).wait()


def _told(flow: FlowName | None) -> dict[str, str]:
    return {"flow": flow.name, "file": flow.file} if flow else {"flow": ""}
