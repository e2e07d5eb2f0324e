"""What the console says, in the page's language: after verbs, at fields, and the words that its script puts to the state's codes."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from ivrengine.domain.sentence import Sentence
from ivrengine.runtime.outcome import Outcome

from ..telling import in_words


def done(verb: str, outcome: Outcome) -> str:
    """What is told beside the new state; "" where the state says it all."""
    if verb == "break" and outcome.code == "pending":
        return _("Asked for; it begins when a supervisor agrees, and your call is over.")
    if verb in ("ready", "log_out") and outcome.code == "pending":
        return _("Noted; it comes true when your call is over.")
    return {
        "transfer": _("The caller is passed on."),
        "complete": _("The caller speaks with your colleague."),
        "disposition": _("The disposition is kept."),
        "more_wrap_up": _("You have half a minute more."),
        "pick_up": _("The call comes to your phone."),
        "call_back": _("They are called back when their turn comes."),
        "call": _("Your phone rings; answer it, and the number is called."),
    }.get(verb, "")


def refusal(outcome: Outcome) -> str:
    """The engine's sentences are English; what agents meet is told in their language."""
    by_prompt = {
        "desk/no_such_reason": _("There is no such reason for a break."),
        "desk/break_full": _("As many of your team as may be away at once are away."),
        "desk/talking": _("You are on a call."),
        "desk/wrap_up": _("Say what the call was about first."),
        "desk/not_logged_in": _("You are not logged in at a phone."),
        "desk/no_last_call": _("There is no call to note it for."),
        "desk/no_such_disposition": _("This queue does not have that disposition."),
        "desk/no_wrap_up": _("You are not wrapping up a call."),
        "desk/nothing_to_pick_up": _("Nobody waits whom you could take."),
    }
    by_sentence = {
        "This queue wants notes of the call.": _("Write notes of the call first."),
        "that is not possible now": _("That is not possible now."),
        "this is your own number": _("This is your own number."),
        "nobody is being consulted": _("You are asking nobody."),
        "calls can't be transferred to this number": _("Calls can't be passed on to this number."),
        "a number is made of digits": _("A number is made of digits."),
        "a queue can't be consulted, only passed on to": _("A queue can't be asked; pass the caller on to it."),
        "this talk is not recorded": _("This talk is not recorded."),
        "you have no call": _("You have no call."),
        "this is not a call of yours": _("This is not your call any more."),
        "the phone's number is missing: it is digits only": _("Give the number of the phone: digits only."),
        "this number waits to be called back from that queue already": _("They wait to be called back already."),
    }
    by_code = {
        "taken": _("A colleague is logged in at this phone."),
        "held_by_phone": _("The phone itself holds this call; take it back there."),
    }
    prompt = next((name for item in outcome.say if (name := getattr(item, "name", "")) in by_prompt), "")
    found = by_prompt.get(prompt) or by_sentence.get(outcome.sentence) or by_code.get(outcome.code)
    if not found and isinstance(outcome.sentence, Sentence):
        found = in_words(outcome.sentence)
        found = found[:1].upper() + found[1:] + ("" if found.endswith((".", "。")) else _("."))
    return found or _("Not possible: %(sentence)s", sentence=outcome.sentence)


def customer_problem(field: str) -> str:
    return {
        "name": _("A customer needs a name."),
        "level": _("The level is too long."),
        "notes": _("The notes are too long."),
        "numbers": _("These are no telephone numbers; separate several by commas."),
    }[field]


def texts() -> dict[str, Any]:
    """What the script shows, in the page's language."""
    return {
        "state": {
            "LOGGED_OUT": _("Logged out"), "READY": _("Ready"), "NOT_READY": _("Not ready"), "no_answer": _("Not ready: a call was missed"),
            "break": _("On a break"), "RESERVED": _("A call is coming"), "RINGING": _("Ringing"), "ANSWERED": _("Answered"),
            "BRIDGING": _("Being connected"), "TALKING": _("Talking"), "HOLD": _("On hold"), "CONSULT": _("Asking a colleague"),
            "CONFERENCE": _("Three together"), "WRAP_UP": _("Wrap-up"), "EXTERNAL": _("Using the phone"),
        },
        "after": {
            "READY": _("then ready"), "NOT_READY": _("then a break"), "LOGGED_OUT": _("then logged out"),
        },
        "terminal": {
            "answered": _("Answered"), "abandoned": _("Hung up while waiting"), "short_abandon": _("Hung up while waiting"),
            "timeout": _("Waited too long"), "no_agent": _("No agent"), "exit_key": _("Left by key"), "voicemail": _("Left a message"),
            "callback_requested": _("Wants a callback"), "refused_full": _("Queue full"), "refused_empty": _("No agent"),
            "flow_out": _("Left the queue"), "failed": _("Failed"), "": _("Waits"),
        },
        "missed": {
            "no_answer": _("Not answered"), "rejected": _("Refused"), "busy": _("Line busy"), "unregistered": _("Phone not registered"),
        },
        "own": {"PHONE": _("Your phone rings"), "OTHER": _("Calling %(who)s", who="{who}"), "TALKING": _("Talking"), "OVER": ""},
        "not_reached": {
            "phone": _("Your phone was not answered, so %(who)s was not called.", who="{who}"),
            "no_answer": _("%(who)s does not answer.", who="{who}"), "busy": _("%(who)s is busy.", who="{who}"),
            "rejected": _("%(who)s has refused the call.", who="{who}"),
            "unregistered": _("The phone of %(who)s is not registered.", who="{who}"),
            "failed": _("%(who)s can't be reached now.", who="{who}"),
        },
        "outgoing": {
            "answered": _("Reached"), "abandoned": _("Given up"), "timeout": _("Not answered"), "failed": _("Not reached"), "": _("Rings"),
        },
        "called": _("You call"),
        "called_before": _("called"),
        "dial": _("Call %(number)s", number="{number}"),
        "can_not_dial": _("You can call when you are logged in and have no call."),
        "number": {"pass": _("Pass on to"), "dial": _("Call somebody")},
        "internal": _("Internal call"),
        "deaf": _("Answer at the phone."),
        "asks_for": _("asks for %(what)s", what="{what}"),
        "no_seat": _("nobody more may go now"),
        "seats": _("%(left)s of %(most)s may still go", left="{left}", most="{most}"),
        "approval": _("a supervisor must agree"),
        "at_phone": _("at phone %(phone)s", phone="{phone}"),
        "unreachable": _("The phone is not registered: it can't ring."),
        "no_switch": _("The link to the switch is down. Calls go on there; the bar works again when it is back."),
        "waiting": _("%(count)s waiting", count="{count}"),
        "unknown_number": _("Number hidden"),
        "waited": _("Waited"),
        "waits": _("Waits"),
        "callback": _("Callback"),
        "no_trail": _("Came straight to the queue."),
        "nobody": _("Nobody is known by this number."),
        "several": _("Several are known by this number. Who is it?"),
        "choose": _("This one"),
        "no_calls": _("No calls before."),
        "nothing": _("Nothing."),
        "kept": _("Kept."),
        "automatic": _("given automatically"),
        "call_back": _("Call back"),
        "listen": _("Play"),
        "heard": _("Heard"),
        "urgent": _("urgent"),
        "consulting": {"RINGING": _("%(who)s is being rung", who="{who}"), "TALKING": _("You speak with %(who)s", who="{who}"),
                       "CONFERENCE": _("%(who)s is with you and your caller", who="{who}")},
        "free": _("free"),
        "busy": _("busy"),
        "tries": _("tries: %(count)s", count="{count}"),
        "asked": _("A colleague asks you about this caller."),
        "required": _("This queue wants to know what the call was about, before the next one."),
        "notes_required": _("This queue wants notes of the call, before the next one."),
        "pop": _("Call from %(who)s", who="{who}"),
        "not_before": _("not before %(time)s", time="{time}"),
    }  # fmt: skip
