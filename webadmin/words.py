"""The engine's own words as people read them: how calls and waits ended, what agents do. The filter ``word`` of all templates.

A code that is not here is shown as it is, without its underscores; names of steps and verbs of flows are words of the flow language.
"""

from __future__ import annotations

from flask_babel import lazy_gettext as _

WORDS = {
    # how a call ended
    "completed": _("completed"),
    "caller_hung_up": _("caller hung up"),
    "fallback": _("went to the switch's fallback"),
    "refused": _("refused"),
    "lost": _("lost"),
    "transferred": _("transferred"),
    # how a wait in a queue ended; some of them calls too
    "answered": _("answered"),
    "abandoned": _("gave up"),
    "short_abandon": _("gave up at once"),
    "timeout": _("waited too long"),
    "no_agent": _("nobody there"),
    "exit_key": _("left by key"),
    "voicemail": _("left a message"),
    "callback_requested": _("wants a callback"),
    "refused_full": _("queue was full"),
    "refused_empty": _("queue without agents"),
    "flow_out": _("went elsewhere"),
    "failed": _("failed"),
    # what an agent does
    "ready": _("ready"),
    "ringing": _("ringing"),
    "talking": _("talking"),
    "holding": _("holding"),
    "wrap-up": _("wrap-up"),
    "away": _("away"),
    "on the phone": _("on the phone"),
    "logged out": _("logged out"),
}


def word(code: str | None) -> str:
    if not code:
        return ""
    known = WORDS.get(code)
    return code.replace("_", " ") if known is None else str(known)
