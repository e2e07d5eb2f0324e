"""``sim``: the api command that moves simulated people and makes faults. Described in the package docstring.

The argument is an action and JSON on one line. Bad input is answered ``-ERR`` and a sentence; nothing is half done.
"""

from __future__ import annotations

import json
import uuid as uuids
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .api import SESSION_COMMANDS
from .audio import BadAudio, load_samples
from .callers import KEYS, KEYS_LIMIT, TEXT_LIMIT, BadScript, Person, check_script, place_call, place_phone_call
from .core import CHANNEL_LIMIT
from .faults import BRIDGE_STAGES, LOST_LIMIT, QUEUED_LIMIT, REFUSALS_LIMIT, BridgeFault, Refusal
from .phones import BEHAVIOURS, DEFAULT_ANSWER_SECONDS, PHONES_LIMIT, UNREACHABLE, Phone, PhoneUser
from .referring import CannotRefer, refer_attended, refer_blind

if TYPE_CHECKING:
    from .core import Core
    from .session import Session

SECONDS_LIMIT = 24 * 3600.0
DROPS = ("notice", "silent", "reset", "truncated")
NUMBERS_LIMIT = 10_000
ACTIONS = (
    "call, serve, phone, by_hand, line, answer, reject, dial, press,"
    " speak, hold, unhold, refer, hangup, heard, overheard, fault, speed"
)


class BadRequest(Exception):
    """The argument can't be used; the message is a sentence."""


def sim(core: Core, argument: str, session: Session) -> str:
    """Dispatch ``sim <action> ...``."""
    action, _, rest = argument.partition(" ")
    try:
        if action == "call":
            return _call(core, _json(rest, {"number", "from", "name", "script", "uuid"}))
        if action == "phone":
            return _phone(core, _json(rest, {"extension", "behaviour", "after", "talk", "script", "release", "remote"}))
        if action == "dial":
            return _dial(core, _json(rest, {"extension", "number", "script", "uuid"}))
        if action == "fault":
            return _fault(core, rest, session)
        if action == "serve":
            return _serve(core, rest)
        if action == "by_hand":
            return _list(core.phones.by_hand())
        if action == "line":
            return _list(_line(core, rest))
        if action == "speed":
            return f"+OK {core.clock.speed:g}\n"
        wanted, _, rest = rest.partition(" ")
        if action == "heard":
            return _heard(_person(core, wanted))
        if action == "overheard":
            return _list(_person(core, wanted).heard_people)
        if action == "refer":
            return _refer(core, wanted, rest)
        if action in ("answer", "reject", "press", "speak", "hangup", "hold", "unhold"):
            return _do(_on_line(core, wanted), action, rest)
    except (BadRequest, BadScript, BadAudio, CannotRefer) as error:
        return f"-ERR {error}\n"
    return f"-ERR unknown action {action!r}; known are {ACTIONS}\n"


SESSION_COMMANDS["sim"] = sim


def _json(text: str, known: set[str]) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"this is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadRequest("a JSON object is wanted, in {...}")
    unknown = sorted(set(value) - known)
    if unknown:
        raise BadRequest(f"unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
    return value


def _text(request: dict[str, Any], key: str, default: str | None = None) -> str:
    value = request.get(key, default)
    if not isinstance(value, str) or (not value and default is None):
        raise BadRequest(f"{key} must be a text")
    if len(value) > TEXT_LIMIT:
        raise BadRequest(f"{key} is longer than {TEXT_LIMIT} characters")
    return value


def _seconds(request: dict[str, Any], key: str, default: float | None) -> float | None:
    value = request.get(key, default)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= SECONDS_LIMIT:
        raise BadRequest(f"{key} must be seconds, from 0 to {SECONDS_LIMIT:g}")
    return float(value)


def _script(request: dict[str, Any]) -> list[tuple[str, Any]]:
    script = check_script(request.get("script", []))
    for step, argument in script:
        if step == "speak":
            load_samples(Path(argument))
    return script


def _call(core: Core, request: dict[str, Any]) -> str:
    number = _text(request, "number")
    caller_number = _text(request, "from", "anonymous") or "anonymous"
    name = _text(request, "name", "")
    script = _script(request)
    return f"+OK {place_call(core, number, caller_number, name, script, _fresh_uuid(core, request)).uuid}\n"


def _dial(core: Core, request: dict[str, Any]) -> str:
    """A call from a phone. One that is not registered can place none."""
    extension, number = _text(request, "extension"), _text(request, "number")
    if core.phones.extension(extension).behaviour in UNREACHABLE:
        raise BadRequest(f"the phone {extension} is not registered")
    return f"+OK {place_phone_call(core, extension, number, _script(request), _fresh_uuid(core, request)).uuid}\n"


def _fresh_uuid(core: Core, request: dict[str, Any]) -> str:
    uuid = _text(request, "uuid", str(uuids.uuid4()))
    if not uuid.isascii() or not uuid.replace("-", "").isalnum() or len(uuid) > 64:
        raise BadRequest("uuid must be made of letters, digits and -")
    if uuid in core.channels:
        raise BadRequest(f"there is a call {uuid} already")
    if len(core.channels) >= CHANNEL_LIMIT:
        raise BadRequest(f"{CHANNEL_LIMIT} channels are up already")
    return uuid


def _phone(core: Core, request: dict[str, Any]) -> str:
    behaviour = _text(request, "behaviour", "answer")
    if behaviour not in BEHAVIOURS:
        raise BadRequest(f"behaviour must be one of {', '.join(BEHAVIOURS)}")
    held = _text(request, "extension") in core.phones.by_hand()
    if held and behaviour != "by_hand" and request.get("release") is not True:
        raise BadRequest(f"the phone {request['extension']} is in somebody's hand, until it is given back with \"release\": true")
    phone = Phone(_text(request, "extension"), behaviour, _seconds(request, "after", DEFAULT_ANSWER_SECONDS) or 0.0,
                  _seconds(request, "talk", None), request.get("remote", behaviour == "by_hand") is True, _script(request))
    if not core.phones.put(phone):
        raise BadRequest(f"there are {PHONES_LIMIT} phones already")
    return "+OK\n"


def _person(core: Core, wanted: str) -> Person:
    person = core.person(wanted)
    if person is None:
        raise BadRequest(f"no call {wanted!r} is known")
    return person


def _on_line(core: Core, wanted: str) -> Person:
    person = _person(core, wanted)
    if person.ended:
        raise BadRequest(f"the call {wanted} has ended")
    return person


def _do(person: Person, action: str, rest: str) -> str:
    if action == "press":
        if not rest or len(rest) > KEYS_LIMIT or not set(rest) <= KEYS:
            raise BadRequest(f"press takes 1 to {KEYS_LIMIT} of the keys 0-9 * # A-D")
        person.press(rest)
    elif action == "speak":
        if not person.channel.media_ready:
            raise BadRequest("there is no audio yet: the call is not answered")
        person.speak(rest)
    elif action in ("answer", "reject"):
        if not isinstance(person, PhoneUser) or person.channel.answered:
            raise BadRequest("only a phone that rings can be answered or rejected")
        if action == "answer":
            person.channel.answer()
        else:
            person.channel.hangup("CALL_REJECTED")
    elif action == "hold":
        person.hold(True)
    elif action == "unhold":
        person.hold(False)
    else:
        person.hang_up()
    return "+OK\n"


def _refer(core: Core, wanted: str, target: str) -> str:
    channel = _on_line(core, wanted).channel
    kind, _, second = target.partition(" ")
    if kind == "with":
        refer_attended(channel, _on_line(core, second).channel)
    elif target and len(target) <= TEXT_LIMIT and not second:
        refer_blind(channel, target)
    else:
        raise BadRequest("refer takes a number, or `with` and the uuid of the phone's other call")
    return "+OK\n"


def _heard(person: Person) -> str:
    return _list(person.report())


def _list(rows: list[Any]) -> str:
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":")) + "\n"


def _serve(core: Core, number: str) -> str:
    """From now on the engine serves ``number`` too: the list was read from the flows when the switch started."""
    if not number or len(number) > TEXT_LIMIT or not number.removesuffix("*").isalnum() or not number.isascii():
        raise BadRequest("serve takes a number, or the beginning of numbers and *")
    if number not in core.dialplan.numbers:
        if len(core.dialplan.numbers) >= NUMBERS_LIMIT:
            raise BadRequest(f"there are {NUMBERS_LIMIT} numbers already")
        core.dialplan.numbers.append(number)
    return "+OK\n"


def _line(core: Core, extension: str) -> list[dict[str, Any]]:
    """The calls that are up at a phone: those that ring it, and those it has placed."""
    rows = []
    for channel in core.channels.values():
        if channel.down:
            continue
        rung = isinstance(channel.person, PhoneUser) and channel.person.phone.number == extension
        if rung or channel.variables.get("sip_auth_username") == extension:
            profile = channel.profile
            rows.append({"uuid": channel.uuid, "rung": rung, "answered": channel.answered, "talking": channel.partner is not None,
                         "number": profile.caller_id_number if rung else profile.destination, "name": profile.caller_id_name})
    return rows


def _fault(core: Core, text: str, session: Session) -> str:
    request = _json(text, {"drop", "refuse", "reply", "times", "lose_file", "find_file", "restart", "down", "delay_events",
                           "reject", "clear", "uuid_bridge", "at", "delay_channel", "other_uuid"})
    faults = core.faults
    if request.get("clear") is True:
        faults.clear()
        return "+OK\n"
    if "drop" in request:
        kind = _text(request, "drop")
        if kind not in DROPS:
            raise BadRequest(f"drop must be one of {', '.join(DROPS)}")
        dropped = core.drop_hook(kind, session) if core.drop_hook is not None else 0
        return f"+OK {dropped} dropped\n"
    times = request.get("times", 1)
    if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= QUEUED_LIMIT:
        raise BadRequest(f"times must be a whole number from 1 to {QUEUED_LIMIT}")
    if "uuid_bridge" in request:
        faults.bridges.extend([_bridge_fault(request)] * times)
        return "+OK\n"
    if "delay_channel" in request:
        faults.channel_delays_ms.extend([(_seconds(request, "delay_channel", 0.0) or 0.0) * 1000] * times)
        return "+OK\n"
    if "other_uuid" in request:
        faults.other_uuids = times
        return "+OK\n"
    if "refuse" in request:
        if len(faults.refusals) >= REFUSALS_LIMIT:
            raise BadRequest(f"{REFUSALS_LIMIT} refusals wait already")
        faults.refusals.append(Refusal(_text(request, "refuse"), _text(request, "reply", "-ERR refused by a simulated fault"), times))
        return "+OK\n"
    if "lose_file" in request:
        if len(faults.lost_files) >= LOST_LIMIT:
            raise BadRequest(f"{LOST_LIMIT} files are lost already")
        faults.lost_files.add(_text(request, "lose_file"))
        return "+OK\n"
    if "find_file" in request:
        faults.lost_files.discard(_text(request, "find_file"))
        return "+OK\n"
    if "delay_events" in request:
        faults.delay_events_ms = (_seconds(request, "delay_events", 0.0) or 0.0) * 1000
        return "+OK\n"
    if "reject" in request:
        count = request["reject"]
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise BadRequest("reject must be a whole number of connections")
        faults.reject_connections = count
        return "+OK\n"
    if "restart" in request:
        kind = _text(request, "restart")
        if kind not in ("notice", "silent"):
            raise BadRequest("restart must be notice or silent")
        down = _seconds(request, "down", 0.0) or 0.0
        if core.restart_hook is not None:
            core.restart_hook(kind == "notice", down)
        return "+OK\n"
    raise BadRequest("name a fault: drop, refuse, lose_file, find_file, delay_events, reject, restart, uuid_bridge, delay_channel,"
                     " other_uuid or clear")


def _bridge_fault(request: dict[str, Any]) -> BridgeFault:
    who, at = request["uuid_bridge"], request.get("at", "scheduled")
    if who not in ("first", "second"):
        raise BadRequest("uuid_bridge names who hangs up: first or second")
    if isinstance(at, str):
        if at not in BRIDGE_STAGES:
            raise BadRequest(f"at must be milliseconds, or one of {', '.join(BRIDGE_STAGES)}")
        return BridgeFault(who, at)
    if isinstance(at, bool) or not isinstance(at, (int, float)) or not 0 <= at <= SECONDS_LIMIT * 1000:
        raise BadRequest(f"at must be milliseconds from 0, or one of {', '.join(BRIDGE_STAGES)}")
    return BridgeFault(who, "", float(at))
