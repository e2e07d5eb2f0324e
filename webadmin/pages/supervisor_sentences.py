"""What the engine answers supervisors, in the language of the page.

The engine's own sentences are English; one that is not known here is shown as it is: a wrong translation is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from flask_babel import gettext as _

Translate = Callable[..., str]

# The engine's sentence -> how to say it. Each group is passed on by its name.
SENTENCES: tuple[tuple[str, Translate], ...] = (
    (r"(?P<agent>\S+) is on no call", lambda **m: _("%(agent)s is on no call.", **m)),
    (r"the supervisor's phone is missing.*", lambda: _("Your phone is missing: it is digits only.")),
    (r"this is the agent's own phone", lambda: _("This is the agent's own phone.")),
    (r"(?P<count>\d+) listen to this talk already", lambda **m: _("%(count)s listen to this talk already.", **m)),
    (
        r"Phone (?P<phone>\d+) rings; it hears the talk of (?P<agent>\S+) when it is answered\.",
        lambda **m: _("Phone %(phone)s rings; it hears the talk of %(agent)s when it is answered.", **m),
    ),
    (r"(?P<agent>\S+) has the caller already", lambda **m: _("%(agent)s has the caller already.", **m)),
    (r"'?(?P<agent>[^'\s]*)'? is not logged in", lambda **m: _("%(agent)s is not logged in.", **m)),
    (r"(?P<agent>\S+) is busy", lambda **m: _("%(agent)s is busy.", **m)),
    (r"the caller is on the way to somebody else already", lambda: _("The caller is on the way to somebody else already.")),
    (
        r"The caller of (?P<agent>\S+) comes to (?P<by>\S+)\.",
        lambda **m: _("The caller of %(agent)s comes to %(by)s.", **m),
    ),
    (r"The call of (?P<agent>\S+) is ended\.", lambda **m: _("The call of %(agent)s is ended.", **m)),
    (r"'(?P<agent>\S*)' has asked for no break", lambda **m: _("%(agent)s has asked for no break.", **m)),
    (
        r"The break '(?P<reason>\S+)' of (?P<agent>\S+) is allowed\.",
        lambda **m: _("The break %(reason)s of %(agent)s is allowed.", **m),
    ),
    (
        r"The break '(?P<reason>\S+)' of (?P<agent>\S+) is refused\.",
        lambda **m: _("The break %(reason)s of %(agent)s is refused.", **m),
    ),
    (r"there is no queue '(?P<queue>.*)'", lambda **m: _("There is no queue %(queue)s.", **m)),
    (r"the caller waits in (?P<queue>\S+) already", lambda **m: _("The caller waits in %(queue)s already.", **m)),
    (
        r"The caller waits in (?P<queue>\S+) now, as long as before\.",
        lambda **m: _("The caller waits in %(queue)s now, as long as before.", **m),
    ),
    (
        r"The caller counts as (?P<seconds>\S+) s longer in line; place (?P<place>\S+) now\.",
        lambda **m: _("The caller counts as %(seconds)s s longer in line; place %(place)s now.", **m),
    ),
    (r"a head start is .*", lambda: _("A head start is 1 to 86400 seconds.")),
    (r"The caller comes to (?P<agent>\S+)\.", lambda **m: _("The caller comes to %(agent)s.", **m)),
    (r"nobody who waits is named .*", lambda: _("This caller does not wait any more.")),
    (r"there is no agent '(?P<agent>.*)'", lambda **m: _("There is no agent %(agent)s.", **m)),
    (r"there is no break reason '(?P<reason>[^']*)'.*", lambda **m: _("There is no break reason %(reason)s.", **m)),
    (r"There is no such agent\.", lambda: _("There is no such agent.")),
    (r"The agent or the phone is in the middle of a call\.", lambda: _("The agent or the phone is in the middle of a call.")),
    (
        r"As many of the team as may be away at once \((?P<most>\d+)\) are away\.",
        lambda **m: _("As many of the team as may be away at once (%(most)s) are away.", **m),
    ),
    (r"Nobody is logged in under this number\.", lambda: _("Nobody is logged in under this number.")),
    (r"An agent has answered this caller already\.", lambda: _("An agent has answered this caller already.")),
    (r"This queue wants to know what the call was about\.", lambda: _("This queue wants to know what the call was about.")),
)
# Of what an agent's state is put together: "1001: Ready in Sales; nobody waiting."
STATES: tuple[tuple[str, Translate], ...] = (
    (r"logged out", lambda: _("logged out")),
    (r"ready in (?P<queues>.*)", lambda **m: _("ready in %(queues)s", **m)),
    (r"not ready, as a call was not answered", lambda: _("not ready, as a call was not answered")),
    (r"not ready", lambda: _("not ready")),
    (r"on a break: (?P<reason>.*)", lambda **m: _("on a break: %(reason)s", **m)),
    (r"now on a call", lambda: _("now on a call")),
    (r"now wrapping up the last call", lambda: _("now wrapping up the last call")),
    (r"now using the phone", lambda: _("now using the phone")),
    (r"the break '(?P<reason>\S+)' waits for a supervisor", lambda **m: _("the break %(reason)s waits for a supervisor", **m)),
    (r"logged out after this call", lambda: _("logged out after this call")),
    (r"ready after this call", lambda: _("ready after this call")),
    (r"not ready after this call", lambda: _("not ready after this call")),
    (r"the phone is not registered", lambda: _("the phone is not registered")),
    (r"nobody waiting", lambda: _("nobody waiting")),
    (r"(?P<count>\d+) waiting", lambda **m: _("%(count)s waiting", **m)),
)


def in_language(sentence: str) -> str:
    """The sentence as the page's reader has it."""
    found = _match(SENTENCES, sentence)
    if found is not None:
        return found
    state = re.fullmatch(r"(\S+): (.+)\.", sentence)
    if state is None:
        return sentence
    agent, parts = state.group(1), state.group(2).split("; ")
    parts[0] = parts[0][:1].lower() + parts[0][1:]
    told = [_match(STATES, part) for part in parts]
    if None in told:
        return sentence
    return _("%(agent)s: %(state)s.", agent=agent, state=_("; ").join(told))  # type: ignore[arg-type]


def _match(known: tuple[tuple[str, Translate], ...], sentence: str) -> str | None:
    for pattern, say in known:
        found = re.fullmatch(pattern, sentence, re.DOTALL)
        if found is not None:
            return say(**found.groupdict())
    return None
