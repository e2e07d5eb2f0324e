"""What the engine says, in the language of the page: its sentences know their templates, which are translated like the pages' own texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import get_domain, gettext

from ivrengine.domain.sentence import Sentence
from ivrengine.flow.finding import Finding


def in_words(said: object) -> str:
    """A sentence, or the one that an error was raised with. What has no template is told as it is."""
    return later()(said)


def later() -> Callable[[object], str]:
    """``in_words`` for when the request is over: in the language of who asked."""
    translate = get_domain().get_translations().ugettext

    def tell(said: object) -> str:
        text = str(said)
        return text.in_words(translate, translate(", ")) if isinstance(text, Sentence) else text

    return tell


def picture_in_words(picture: dict[str, Any]) -> dict[str, Any]:
    """A flow's, as ``flow.diagram.to_graph`` makes it."""
    return {**picture, "edges": [{**edge, "label": in_words(edge["label"])} for edge in picture["edges"]]}


def finding_in_words(finding: Finding) -> str:
    """Where it is, what is wrong and what helps, on one line."""
    told = f"{finding.place}: {in_words(finding.sentence)}"
    return gettext("%(finding)s; %(fix)s", finding=told, fix=in_words(finding.fix)) if finding.fix else told


def finding_record(finding: Finding) -> dict[str, Any]:
    """For a script."""
    return {**finding.to_record(), "sentence": in_words(finding.sentence), "fix": in_words(finding.fix)}
