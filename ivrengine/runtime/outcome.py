"""What the verbs of agents and supervisors are asked by and answer with: one shape for phones, command line and pages."""

from __future__ import annotations

from dataclasses import dataclass

from ivrengine.domain.audio import Audio


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks. ``name`` is for the audit: a user of the computer, or ``agent 101``.

    ``agent_id``: the agent who has proved it by their log-in; "" for the command line, which may do everything because whoever can
    write the site's database can. ``language``: in which the answer is spoken. ``at_phone``: asked by keys, where nothing can be written.
    """

    name: str
    agent_id: str = ""
    language: str = ""
    at_phone: bool = False

    @property
    def is_console(self) -> bool:
        return not self.agent_id


@dataclass(frozen=True, slots=True)
class Outcome:
    """``code`` is stable (a branch of the desk step is made of it), ``sentence`` for a person who reads, ``say`` for one who hears."""

    ok: bool
    code: str
    sentence: str
    say: tuple[Audio, ...] = ()


def done(sentence: str, *say: Audio, code: str = "done") -> Outcome:
    return Outcome(True, code, sentence, say)


def refused(sentence: str, *say: Audio, code: str = "refused") -> Outcome:
    return Outcome(False, code, sentence, say)
