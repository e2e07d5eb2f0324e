"""Whether what a flow speaks of is there: prompts and words in each language, calendars and their labels, lists, numbers."""

from __future__ import annotations

from collections.abc import Iterator

from ivrengine.domain.sentence import Sentence

from .check_view import FlowView, Path, Site, StepView
from .finding import Finding, did_you_mean, shown
from .flowset import number_matches
from .hours import CLOSED, HOLIDAY, OPEN
from .types import CalendarRef, ListRef, OutsideNumber, PromptRef


def check_references(site: Site) -> Iterator[Finding]:
    sounds = _Sounds(site)
    for view in site.views.values():
        for step in view.steps.values():
            yield from sounds.check(view, step)
            for path, value in step.leaves:
                if isinstance(value, CalendarRef):
                    yield from _calendar(site, view, step, path, value)
                elif isinstance(value, ListRef):
                    if value not in site.lists:
                        sentence = Sentence("there is no list %(value)s", value=shown(value))
                        fix = did_you_mean(value, site.lists) or Sentence("put the numbers into lists/%(name)s.txt", name=value)
                        yield view.step_finding("unknown_list", step, path, sentence, fix)
                elif isinstance(value, OutsideNumber) and not _permitted(site, value):
                    sentence = Sentence("the number %(value)s is not on the list of permitted outside numbers", value=value)
                    fix = Sentence("let the operator add it to outside_numbers in ivrengine.toml")
                    yield view.step_finding("outside_number", step, path, sentence, fix)


def _permitted(site: Site, number: str) -> bool:
    return any(number_matches(pattern, number) for pattern in site.outside_numbers)


def _calendar(site: Site, view: FlowView, step: StepView, path: Path, name: str) -> Iterator[Finding]:
    calendar = site.calendars.calendars.get(name)
    if calendar is None:
        if name not in site.calendars.names:
            fix = did_you_mean(name, site.calendars.names) or Sentence("describe it in calendars.yml")
            yield view.step_finding("unknown_calendar", step, path, Sentence("there is no calendar %(name)s", name=shown(name)), fix)
        return
    known = calendar.labels | {OPEN, CLOSED, HOLIDAY}  # those three a person can set by hand on any calendar
    for label in getattr(step.spec, "model_extra", None) or ():
        if label not in known:
            sentence = Sentence('the calendar "%(name)s" never says %(label)s', name=name, label=shown(label))
            yield view.step_finding("unknown_label", step, (label,), sentence, did_you_mean(label, known))


class _Sounds:
    """Asks the catalogue once for each prompt and language, however often flows use them."""

    def __init__(self, site: Site) -> None:
        self.catalogue = site.catalogue
        self.voice = site.voice
        self.prompts: dict[tuple[str, str], str | None] = {}
        self.kinds: dict[tuple[str, str], str | None] = {}

    def check(self, view: FlowView, step: StepView) -> Iterator[Finding]:
        own = step.field("language")
        languages = (own,) if isinstance(own, str) else view.flow.languages
        for path, value in step.leaves:
            if isinstance(value, PromptRef):
                for language in languages:
                    problem = self._prompt(value, language)
                    if problem:
                        others = [name for name in self.catalogue.names(language) if name != value]  # it may have a text already
                        fix = did_you_mean(value, others) if "missing" in problem else ""
                        fix = fix if fix.startswith("did you mean") else Sentence("record or load it with: ivrengine prompts load")
                        yield view.step_finding("prompt", step, path, problem, fix)
        kinds = [(path, kind) for path, kind, _ in step.spoken()]
        kinds += [(path, str(value)) for path, value in step.leaves if path[-1] == "read_as"]
        if step.field("callback_number") is not None:
            kinds.append((("callback_number",), "phone"))
        if step.step.verb == "callback":
            kinds.append((("prompt",), "phone"))
        for path, kind in kinds:
            for language in languages:
                problem = self._speech(kind, language)
                if problem:
                    yield view.step_finding("speech", step, path, problem, Sentence("record or load the missing words"))

    def _prompt(self, name: str, language: str) -> str | None:
        key = name, language
        if key not in self.prompts:
            self.prompts[key] = self.catalogue.problem(name, language)
        return self.prompts[key]

    def _speech(self, kind: str, language: str) -> str | None:
        key = kind, language
        if key not in self.kinds:
            self.kinds[key] = self.voice.speech_problem(kind, language)
        return self.kinds[key]
