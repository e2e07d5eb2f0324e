"""The words the engine says to the switch, put together from checked parts. Pure: nothing is sent from here.

Numbers, names, paths and digits are strangers' or the administrator's text. FreeSWITCH expands ``${...}`` in arguments, splits them
at spaces, ``!`` and ``,``, and reads quotes and backslashes; so every part is checked against what it may hold and refused with
UnsafeCommand otherwise. A caller's name is stripped instead: a call must not fail because of its name.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from ivrengine.domain.sentence import Sentence

from .errors import UnsafeCommand

FILES_LIMIT = 128  # FreeSWITCH's file_string plays no more
VARIABLE_LIMIT = 32 * 1024  # characters of one channel variable
SILENCE_THRESHOLD = 200  # mean energy of a frame below which FreeSWITCH's record counts it as silent
SECRET_VARIABLE = "ivr_secret"
CLAIMED_VARIABLE = "ivr_claimed"
NO_KEYS = "none"
TAG_PREFIX = "acd_"  # of the channel variables that hold a leg's tags
LEG_TRANSFER_CONTEXT = "leg_transfer"  # of the dialplan: where a leg goes that the phone on the other side transfers
LEFT_PARKED = "NO_USER_RESPONSE"  # the cause with which the switch hangs up a leg that nobody connected
BODY_FROM = 40  # characters; a shorter argument has fewer bytes in a header
NAME_LOOKED_AT = 400  # characters of a display name

_CALL_ID = re.compile(r"[0-9A-Za-z._@:+~-]{1,128}")  # a UUID, or a SIP Call-ID where a profile says so
_TOKEN = re.compile(r"[!-~]{1,128}")
_NUMBER = re.compile(r"[0-9A-Za-z+*#._-]{1,40}")
_CAUSE = re.compile(r"[A-Z0-9_]{1,64}")
_VARIABLE = re.compile(r"[A-Za-z_][0-9A-Za-z_]{0,63}")
_KEYS = re.compile(r"[0-9A-D*#]{0,16}")
# Not @@ either: playback reads a position behind it.
_PATH = re.compile(r"(?![{\[%\s]|.*@@)[^\x00-\x1f'\"\\!$\x7f]{1,1024}(?<!\s)")
_NOT_IN_NAME = re.compile(r"[^\w .+()-]")
# A value that reads like an answer of its own (-ERR, _undef_) would be taken for one.
_PLAIN_VALUE = re.compile(r"(?!b64:|-|_undef_)[0-9A-Za-z_.:@/+-]*")
_ENCODED = "b64:"


def _checked(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise UnsafeCommand(Sentence("%(text)r is no %(what)s", text=text[:60], what=what))
    return text


def call_id_part(text: str) -> str:
    return _checked(_CALL_ID, text, "channel's id")


def number_part(text: str) -> str:
    return _checked(_NUMBER, text, "number or extension that may be dialled")


def cause_part(text: str) -> str:
    return _checked(_CAUSE, text, "hang-up cause")


def variable_part(text: str) -> str:
    return _checked(_VARIABLE, text, "name of a channel variable")


def execute_message(call_id: str, app_name: str, app_args: str = "", token: str = "") -> list[str]:
    """The lines of a ``sendmsg`` that runs an application. ``event-lock`` always: without it applications nest.

    FreeSWITCH reads a command byte by byte, which takes it 2 us each, but a body at once: a long argument goes there.
    """
    lines = [f"sendmsg {call_id_part(call_id)}", "call-command: execute", f"execute-app-name: {app_name}"]
    in_body = len(app_args) > BODY_FROM
    if app_args and not in_body:
        lines.append(f"execute-app-arg: {app_args}")
    lines.append("event-lock: true")
    if token:
        lines.append(f"Event-UUID: {short_token(call_id, _checked(_TOKEN, token, 'token'))}")
    if in_body:
        length = len(app_args.encode("utf-8", "surrogateescape"))
        lines += ["content-type: text/plain", f"content-length: {length}", "", app_args]
    return lines


def short_token(call_id: str, token: str) -> str:
    """A token as it travels: of one that begins with the call's id, which stands in the message already, the rest."""
    return token.removeprefix(call_id) if token.startswith(f"{call_id}:") else token


def whole_token(call_id: str, sent: str) -> str:
    """The inverse of ``short_token``."""
    return call_id + sent if sent.startswith(":") else sent


def file_argument(paths: Sequence[str]) -> str:
    """What ``playback`` plays: the one path, or all of them without gaps."""
    if not 1 <= len(paths) <= FILES_LIMIT:
        raise UnsafeCommand(Sentence("one playback takes 1 to %(most)s files, not %(count)s", most=FILES_LIMIT, count=len(paths)))
    for path in paths:
        _checked(_PATH, path, "path that can be played")
    return paths[0] if len(paths) == 1 else "file_string://" + "!".join(paths)


def _without_spaces(argument: str) -> str:
    if re.search(r"\s", argument):
        raise UnsafeCommand(Sentence("FreeSWITCH would split %(argument)r at its spaces", argument=argument[:60]))
    return argument


def record_argument(path: str, max_seconds: float, silence_seconds: float) -> str:
    """``record`` counts whole seconds: both limits are rounded up. ``silence_seconds`` 0 means: silence never ends it."""
    argument = f"{_without_spaces(_checked(_PATH, path, 'path that can be recorded to'))} {max(1, math.ceil(max_seconds))}"
    if silence_seconds > 0:
        argument += f" {SILENCE_THRESHOLD} {math.ceil(silence_seconds)}"
    return argument


def keys_part(keys: str) -> str:
    """Keys that end something, as FreeSWITCH wants them; an empty text would mean its default, so ``none`` says "no key"."""
    return _checked(_KEYS, keys, "set of keys") or NO_KEYS


def collect_argument(
    paths: Sequence[str], least: int, most: int, first_digit_seconds: float, between_digits_seconds: float, terminator: str
) -> str:
    """``play_and_get_digits`` with one try, a bad-input file that can't be heard, and an expression that everything matches."""
    prompt = _without_spaces(file_argument(paths)) if paths else "silence"
    return (
        f"{max(0, int(least))} {max(1, int(most))} 1 {math.ceil(first_digit_seconds * 1000)} {keys_part(terminator)} {prompt} "
        f"silence_stream://10 {SECRET_VARIABLE} .+ {math.ceil(between_digits_seconds * 1000)}"
    )


def dial_argument(template: str, number: str, ring_seconds: float, caller_number: str, caller_name: str) -> str:
    """The dial string for ``bridge``; ``template`` holds ``{number}``, e.g. ``user/{number}@ivr.local``."""
    options = [f"originate_timeout={max(1, math.ceil(ring_seconds))}"]
    if caller_number:
        number_part(caller_number)
    options += display_options(caller_number, caller_name)
    return "{" + ",".join(options) + "}" + template.replace("{number}", number_part(number))


def display_options(number: str, name: str) -> list[str]:
    """What a phone's display shows of who calls. Both are strangers' text: what can't be shown is left out, never refused."""
    options = []
    if _NUMBER.fullmatch(number):
        options.append(f"origination_caller_id_number={number}")
    shown = " ".join(_NOT_IN_NAME.sub(" ", name[:NAME_LOOKED_AT]).split())[:80]
    if shown:
        options.append(f"origination_caller_id_name='{shown}'")
    return options


def leg_argument(
    template: str,
    number: str,
    leg_id: str,
    presence: str,
    ring_seconds: float,
    park_seconds: float,
    display_number: str,
    display_name: str,
    tags: Mapping[str, str],
    auto_answer: bool = False,
) -> str:
    """The argument of ``originate`` for a leg that is parked when it answers, and hung up when it is left parked.

    ``auto_answer``: the phone is told to answer by itself (Call-Info with answer-after, and an event "talk" when it rings)."""
    options = [
        f"origination_uuid={call_id_part(leg_id)}",
        f"presence_data={presence}",
        f"originate_timeout={max(1, math.ceil(ring_seconds))}",
        "ignore_early_media=true",
        f"park_timeout={max(1, math.ceil(park_seconds))}:{LEFT_PARKED}",
        "hangup_after_bridge=true",
        f"force_transfer_context={LEG_TRANSFER_CONTEXT}",
        # Where the other side goes when a phone hangs up that has put them on hold: without it, they are hung up too.
        "hold_hangup_xfer_exten=park:inline",
        f"playback_terminators={NO_KEYS}",
        *display_options(display_number, display_name),
    ]
    if auto_answer:
        options.append("sip_auto_answer=true")
    for tag, value in tags.items():
        options.append(f"{TAG_PREFIX}{variable_part(tag)}={encode_value(value)}")
    return "{" + ",".join(options) + "}" + template.replace("{number}", number_part(number)) + " &park()"


def recording_path(path: str) -> str:
    """A file that ``uuid_record`` may write."""
    return _without_spaces(_checked(_PATH, path, "path that can be recorded to"))


def encode_value(value: str) -> str:
    """A channel variable's value that survives FreeSWITCH's quotes, spaces, percent signs and ``${...}``: as it is where it is plain."""
    if _PLAIN_VALUE.fullmatch(value):
        encoded = value
    else:
        encoded = _ENCODED + base64.urlsafe_b64encode(value.encode("utf-8", "surrogateescape")).decode("ascii").rstrip("=")
    if len(encoded) > VARIABLE_LIMIT:
        raise UnsafeCommand(
            Sentence("a channel variable of %(count)s characters is longer than %(most)s", count=len(encoded), most=VARIABLE_LIMIT)
        )
    return encoded


def decode_value(stored: str) -> str:
    """The inverse of encode_value; text that only looks encoded comes back unchanged."""
    if not stored.startswith(_ENCODED):
        return stored
    packed = stored[len(_ENCODED) :]
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True).decode("utf-8", "surrogateescape")
    except ValueError:
        return stored


DialKind = Literal["extension", "outside"]
