"""The api commands on one call: uuid_kill, uuid_break, uuid_bridge, uuid_broadcast and their like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .api import Reply, command
from .causes import cause_from
from .events import to_json, to_plain
from .phones import take_event_talk
from .recording import mask_session_recording, start_session_recording, stop_session_recording
from .text import leading_int, split_arguments
from .uuid_bridging import uuid_bridge

if TYPE_CHECKING:
    from .channel import Channel
    from .core import Core

NO_CHANNEL = "-ERR No such channel!\n"
USAGE = {
    "uuid_kill": "<uuid> [cause]",
    "uuid_transfer": "<uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]",
    "uuid_bridge": "<uuid> <other_uuid>",
    "uuid_record": "<uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]",
    "uuid_break": "<uuid> [all]",
    "uuid_broadcast": "<uuid> <path> [aleg|bleg|holdb|both]",
    "uuid_audio": "<uuid> [start [read|write] [mute|level <level>]|stop]",
    "uuid_phone_event": "<uuid>",
    "uuid_hold": "[off|toggle] <uuid> [<display>]",
    "uuid_setvar": "<uuid> <var> [value]",
    "uuid_getvar": "<uuid> <var>",
    "uuid_dump": "<uuid> [format]",
    "uuid_send_dtmf": "<uuid> <dtmf_data>",
    "uuid_recv_dtmf": "<uuid> <dtmf_data>",
}


def _usage(name: str) -> str:
    return f"-USAGE: {USAGE[name]}\n"


@command("uuid_exists")
def uuid_exists(core: Core, argument: str) -> str:
    return "true" if argument in core.channels else "false"


@command("uuid_getvar")
def uuid_getvar(core: Core, argument: str) -> str:
    words = split_arguments(argument, limit=4)
    if len(words) < 2:
        return _usage("uuid_getvar")
    channel = core.channels.get(words[0])
    if channel is None:
        return NO_CHANNEL
    value = channel.get(words[1])
    return "_undef_" if value is None else value


@command("uuid_setvar")
def uuid_setvar(core: Core, argument: str) -> str:
    words = split_arguments(argument, limit=3)
    if len(words) < 2:
        return _usage("uuid_setvar")
    channel = core.channels.get(words[0])
    if channel is None:
        return NO_CHANNEL
    channel.set(words[1], words[2] if len(words) > 2 else None)
    return "+OK\n"


@command("uuid_setvar_multi")
def uuid_setvar_multi(core: Core, argument: str) -> str:
    wanted, _, pairs = argument.partition(" ")
    channel = core.channels.get(wanted)
    if channel is None:
        return NO_CHANNEL
    for pair in pairs.split(";"):
        name, _, value = pair.partition("=")
        channel.set(name.strip(), value)
    return "+OK\n"


@command("uuid_dump")
def uuid_dump(core: Core, argument: str) -> str:
    """Text formats: txt and plain percent-encode or bracket as FreeSWITCH does, json is one object."""
    words = split_arguments(argument)
    if not words:
        return _usage("uuid_dump")
    channel = core.channels.get(words[0])
    if channel is None:
        return NO_CHANNEL
    form = words[1].lower() if len(words) > 1 else "txt"
    headers = core.base("CHANNEL_DATA") + channel.event_headers("CHANNEL_DATA")
    raw = to_json(headers) if form == "json" else to_plain(headers, encode=form != "plain")
    return raw.decode("utf-8", "surrogateescape")


@command("uuid_break")
def uuid_break(core: Core, argument: str) -> str:
    if not argument:
        return _usage("uuid_break")
    wanted, _, flags = argument.partition(" ")
    channel = core.channels.get(wanted)
    if channel is None:
        return NO_CHANNEL
    everything = "all" in flags
    channel.break_application(everything)
    if "both" in flags and channel.partner is not None:
        channel.partner.break_application(everything)
    return "+OK\n"


@command("uuid_kill")
def uuid_kill(core: Core, argument: str) -> str:
    if not argument:
        return _usage("uuid_kill")
    wanted, _, cause = argument.partition(" ")
    channel = core.channels.get(wanted)
    if channel is None:
        return NO_CHANNEL
    channel.hangup(cause_from(cause) if cause else "NORMAL_CLEARING")
    return "+OK\n"


@command("uuid_answer")
def uuid_answer(core: Core, argument: str) -> str:
    channel = core.channels.get(argument.strip())
    return "+OK\n" if channel is not None and channel.answer() else "-ERROR\n"


@command("uuid_park")
def uuid_park(core: Core, argument: str) -> str:
    channel = core.channels.get(argument.strip())
    if channel is None:
        return NO_CHANNEL
    if not channel.down:
        channel.park_session()
    return "+OK\n"


@command("uuid_transfer")
def uuid_transfer(core: Core, argument: str) -> str:
    words = split_arguments(argument, limit=6)
    if not 2 <= len(words) <= 5:
        return _usage("uuid_transfer")
    channel = core.channels.get(words[0])
    if channel is None:
        return NO_CHANNEL
    if words[1].startswith("-"):
        leg, words = words[1].lower(), [words[0], *words[2:]]
        if len(words) < 2:
            return _usage("uuid_transfer")
        if leg == "-bleg" and channel.partner is not None:
            channel = channel.partner
        elif leg == "-both" and channel.partner is not None:
            partner = channel.partner
            partner.redirect_flag = channel.redirect_flag = True
            partner.transfer(*words[1:])
    if channel.down:
        return "-ERR\n"
    channel.transfer(*words[1:])
    return "+OK\n"


@command("uuid_bridge")
def bridge(core: Core, argument: str) -> str:
    words = split_arguments(argument, limit=4)
    if len(words) < 2:
        return _usage("uuid_bridge")
    for other in words[1:3]:
        if uuid_bridge(core, words[0], other):
            return f"+OK {other}\n"
    return "-ERR Invalid uuid\n"


@command("uuid_broadcast")
def uuid_broadcast(core: Core, argument: str) -> str:
    words = split_arguments(argument, limit=4)
    if len(words) < 2:
        return _usage("uuid_broadcast")
    channel = core.channels.get(words[0])
    if channel is None:
        return "-ERR invalid uuid\n"
    application, sign, path = words[1].partition("::")
    if not sign:
        application, path = "playback", words[1]
    application, ends, cause = application.partition("!")
    legs = words[2].lower() if len(words) > 2 else "aleg"
    if legs in ("both", "bleg") and channel.partner is not None:
        _broadcast(channel.partner, application, path)
    if legs in ("both", "aleg", "holdb"):
        _broadcast(channel, application, path)
        if ends:
            _broadcast(channel, "hangup", cause or "normal_clearing")
    return "+OK Message sent\n"


def _broadcast(channel: Channel, application: str, data: str) -> None:
    channel.queue_private({"call-command": "execute", "execute-app-name": application, "execute-app-arg": data,
                           "event-lock": "true", "lead-frames": "5"})


@command("uuid_record")
def uuid_record(core: Core, argument: str) -> str:
    words = split_arguments(argument, limit=5)
    if len(words) < 3:
        return _usage("uuid_record")
    channel = core.channels.get(words[0])
    if channel is None:
        return "-ERR Cannot locate session!\n"
    action = words[1].lower()
    if action == "start":
        started = start_session_recording(channel, words[2], leading_int(words[3]) if len(words) > 3 else 0)
        return "+OK Success\n" if started else "-ERR Cannot record session!\n"
    if action == "stop":
        return "+OK Success\n" if stop_session_recording(channel, words[2]) else "-ERR Cannot stop record session!\n"
    if action in ("mask", "unmask"):
        done = mask_session_recording(channel, words[2], action == "mask")
        return "+OK Success\n" if done else f"-ERR Cannot {action} recording session!\n"
    return _usage("uuid_record")


@command("uuid_hold")
def uuid_hold(core: Core, argument: str) -> str:
    words = split_arguments(argument)
    if not words:
        return _usage("uuid_hold") + "-ERR Operation failed\n"
    action = words[0].lower() if words[0].lower() in ("off", "toggle") else ""
    wanted = words[1] if action and len(words) > 1 else words[0]
    channel = core.channels.get(wanted)
    if channel is None or channel.down:
        return "-ERR Operation failed\n"
    hold = not channel.held if action == "toggle" else action != "off"
    return "+OK Success\n" if _set_hold(channel, hold) else "-ERR Operation failed\n"


def _set_hold(channel: Channel, hold: bool) -> bool:
    """As switch_ivr_hold and _unhold. False when it is on hold already."""
    if channel.held == hold:
        return not hold
    channel.held = hold
    channel.set_callstate("HELD" if hold else "UNHELD")
    channel.emit("CHANNEL_HOLD" if hold else "CHANNEL_UNHOLD")
    if not hold:
        channel.set_callstate("ACTIVE")
    return True


@command("uuid_audio")
def uuid_audio(core: Core, argument: str) -> str:
    """Of its many uses ``start read mute 1``, ``start read mute 0`` and ``stop`` are simulated: what the far end says is silence."""
    words = split_arguments(argument, limit=6)
    if len(words) < 2:
        return _usage("uuid_audio")
    channel = core.channels.get(words[0])
    if channel is None:
        return NO_CHANNEL
    person, action = channel.person, words[1].lower()
    if action != "stop" and (len(words) < 5 or action != "start" or words[2].lower() not in ("read", "write")):
        return _usage("uuid_audio")
    if action != "stop" and words[3].lower() not in ("mute", "level"):
        return _usage("uuid_audio")
    if person is not None and action == "stop":
        person.mute(False)
    elif person is not None and (words[2].lower(), words[3].lower()) == ("read", "mute"):
        person.mute(leading_int(words[4]) > 0)
    return "+OK\n"


@command("uuid_phone_event")
def uuid_phone_event(core: Core, argument: str) -> str:
    """The phone is sent the event; the reply does not tell whether it does anything about it."""
    words = split_arguments(argument, limit=3)
    if not words:
        return _usage("uuid_phone_event") + "-ERR Operation failed\n"
    channel = core.channels.get(words[0])
    if channel is None or channel.down:
        return "-ERR Operation failed\n"
    if len(words) < 2 or words[1].lower() != "hold":
        take_event_talk(channel.person)
    return "+OK Success\n"


@command("uuid_flush_dtmf")
def uuid_flush_dtmf(core: Core, argument: str) -> str:
    channel = core.channels.get(argument.strip())
    if channel is None:
        return "-ERR No such session\n"
    channel.digits.clear()
    return "+OK\n"


@command("uuid_recv_dtmf")
def uuid_recv_dtmf(core: Core, argument: str) -> str:
    return _dtmf(core, argument, "uuid_recv_dtmf")


@command("uuid_send_dtmf")
def uuid_send_dtmf(core: Core, argument: str) -> str:
    return _dtmf(core, argument, "uuid_send_dtmf")


def _dtmf(core: Core, argument: str, name: str) -> Reply:
    """Received digits are queued as if the person had pressed them; sent ones are heard by the person only."""
    words = split_arguments(argument)
    if len(words) < 2:
        return _usage(name)
    channel = core.channels.get(words[0])
    if channel is None:
        return "-ERR Cannot locate session!\n"
    if name == "uuid_send_dtmf":
        return f"+OK {words[0]} sent DTMF {words[1]}.\n"
    for digit in words[1].partition("@")[0].upper():
        if digit in "0123456789*#ABCD":
            channel.press(digit)
    return f"+OK {words[0]} received DTMF {words[1]}.\n"
