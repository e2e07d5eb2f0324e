"""The engine's own words as people read them: how calls and waits ended, what agents do (the filter ``word`` of all templates), what
alarms are called (``alarm_title``), what the audit trail says was done (``deed``).

A code that is not here is shown as it is, without its underscores; names of steps and verbs of flows are words of the flow language.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import LazyString
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
    # who ended a call
    "caller": _("caller"),
    "engine": _("engine"),
    "switch": _("switch"),
    # the switch's hang-up causes that callers, phones and lines bring about
    "NORMAL_CLEARING": _("ended as usual"),
    "ALLOTTED_TIMEOUT": _("longest time reached"),
    "ATTENDED_TRANSFER": _("passed on after asking"),
    "BLIND_TRANSFER": _("passed on"),
    "CALL_REJECTED": _("call rejected"),
    "DESTINATION_OUT_OF_ORDER": _("line out of order"),
    "INCOMPATIBLE_DESTINATION": _("no common codec"),
    "INVALID_NUMBER_FORMAT": _("number can't be dialled"),
    "MANAGER_REQUEST": _("ended by command"),
    "MEDIA_TIMEOUT": _("sound stopped coming"),
    "NETWORK_OUT_OF_ORDER": _("network out of order"),
    "NORMAL_TEMPORARY_FAILURE": _("line failed for a moment"),
    "NO_ANSWER": _("nobody answered"),
    "NO_ROUTE_DESTINATION": _("no way to this number"),
    "NO_USER_RESPONSE": _("phone does not respond"),
    "ORIGINATOR_CANCEL": _("gave up before the answer"),
    "RECOVERY_ON_TIMER_EXPIRE": _("other side silent"),
    "SYSTEM_SHUTDOWN": _("switch was stopped"),
    "UNALLOCATED_NUMBER": _("number does not exist"),
    "USER_BUSY": _("busy"),
    "USER_NOT_REGISTERED": _("phone not registered"),
}

ALARMS = {
    "break_too_long": _("break too long"),
    "calendar_failed": _("opening hours not found"),
    "calendar_year": _("holidays not known"),
    "call_too_long": _("call too long"),
    "callback_undecided": _("callback not noted"),
    "clock_was_set": _("clock was set"),
    "desk_silent": _("agents' desk silent"),
    "director_failed": _("matching failed"),
    "engine_full": _("engine full"),
    "expression_failed": _("expression failed"),
    "flow_loops": _("flow goes round in circles"),
    "hangup_failed": _("failure after a hang-up"),
    "hold_too_long": _("hold too long"),
    "leg_never_ended": _("agent's line never ended"),
    "link_lost": _("link to the switch lost"),
    "list_missing": _("list of numbers missing"),
    "missed_calls": _("calls missed"),
    "no_queue": _("no queue"),
    "offer_lost": _("offer lost"),
    "on_hangup_failed": _("clean-up after a hang-up failed"),
    "prompt_failed": _("prompt failed"),
    "reconciled": _("difference mended"),
    "recording_failed": _("recording failed"),
    "recovery_failed": _("recovery failed"),
    "run_unreadable": _("saved place unreadable"),
    "session_crashed": _("call's session crashed"),
    "site_unreadable": _("queues and agents unreadable"),
    "step_failed": _("step failed"),
    "switch_refused": _("switch refused"),
    "switch_silent": _("switch silent"),
    "talk_not_recorded": _("talk not recorded"),
    "transfer_refused": _("transfer refused"),
    "unknown_number": _("unknown dialled number"),
    "world_unreadable": _("blacklist and hours unreadable"),
}
# what somebody did, as the audit trail names it
DEEDS = {
    "acknowledge_alarm": _("acknowledged an alarm"),
    "add": _("added"),
    "add_announcement": _("announced something"),
    "add_callback": _("asked for a callback"),
    "add_customer": _("added a customer"),
    "add_user": _("added a user"),
    "allow_break": _("allowed a break"),
    "barge": _("barged in"),
    "break": _("took a break"),
    "call": _("called out"),
    "call_back": _("called back"),
    "cancel_callback": _("cancelled a callback"),
    "change": _("changed"),
    "change_announcement": _("changed an announcement"),
    "change_customer": _("changed a customer"),
    "change_user": _("changed a user"),
    "change_prompt": _("changed a prompt"),
    "clear_override": _("ended an override of the hours"),
    "complete": _("passed the caller on after asking"),
    "consult": _("asked a colleague"),
    "delete_message": _("deleted a message"),
    "disconnect": _("ended a call"),
    "disposition": _("noted what a call was about"),
    "download_recording": _("downloaded a recording"),
    "download_records": _("downloaded records"),
    "end_announcement": _("ended an announcement"),
    "force_break": _("sent on a break"),
    "force_log_out": _("logged an agent out"),
    "force_ready": _("made an agent ready"),
    "give_number": _("led a number elsewhere"),
    "hang_up": _("hung up the phone"),
    "hear_message": _("heard a message"),
    "hear_recording": _("heard a recording"),
    "hold": _("held the caller"),
    "import": _("imported"),
    "import_customers": _("imported customers"),
    "listen": _("listened"),
    "log_in": _("logged in at a phone"),
    "log_in_refused": _("was refused at a phone"),
    "log_out": _("logged out of a phone"),
    "more_wrap_up": _("asked for more wrap-up"),
    "move": _("moved a caller"),
    "new_draft": _("began a draft"),
    "order": _("changed the order"),
    "override_hours": _("overrode the hours"),
    "add_calendar": _("added a calendar"),
    "change_calendar": _("changed a calendar"),
    "rename_calendar": _("renamed a calendar"),
    "remove_calendar": _("removed a calendar"),
    "pause_recording": _("paused the recording"),
    "pick_up": _("picked up a caller"),
    "publish_flows": _("published flows"),
    "raise": _("raised a caller"),
    "ready": _("became ready"),
    "record_by_phone": _("recorded by phone"),
    "record_prompt": _("recorded a prompt"),
    "refuse_break": _("refused a break"),
    "remove": _("removed"),
    "remove_draft": _("removed a draft"),
    "remove_pin": _("removed a PIN"),
    "remove_prompt": _("removed a prompt"),
    "remove_user": _("removed a user"),
    "renew_key": _("renewed a key"),
    "restore_prompt": _("restored a prompt"),
    "resume_recording": _("went on recording"),
    "save_draft": _("saved a draft"),
    "say_prompt": _("had a prompt spoken"),
    "set_limits": _("set limits of the wallboard"),
    "set_password": _("set a password"),
    "set_pin": _("set a PIN"),
    "take_back": _("took the caller back"),
    "take_over": _("took a caller over"),
    "three_way": _("joined all three"),
    "transfer": _("transferred a caller"),
    "unhold": _("took the caller off hold"),
    "unlock_pin": _("unlocked a PIN"),
    "unlock_user": _("unlocked a user"),
    "upload_prompt": _("uploaded a prompt"),
    "whisper": _("whispered"),
}


def word(code: str | None) -> str:
    return _word(WORDS, code)


def alarm_title(code: str) -> str:
    return _word(ALARMS, code)


def deed(verb: str) -> str:
    """A supervisor's are those of agents, done to them."""
    return _word(DEEDS, verb.removeprefix("supervise "))


def _word(known: Mapping[str, LazyString], code: str | None) -> str:
    if not code:
        return ""
    found = known.get(code)
    return code.replace("_", " ") if found is None else str(found)
