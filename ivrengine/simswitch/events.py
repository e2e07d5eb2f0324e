"""Events as FreeSWITCH builds and writes them: header order, names, percent-encoding, plain and JSON, filters.

Headers are built once, when the first listener wants the event, because they show the channel as it is at that instant.
Only the events in EXTENDED carry ``variable_*`` headers: DTMF, CHANNEL_STATE and CHANNEL_CALLSTATE don't.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

from .text import url_encode

Headers = list[tuple[str, str]]



def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


EVENT_NAMES = _words(
    "CUSTOM CLONE CHANNEL_CREATE CHANNEL_DESTROY CHANNEL_STATE CHANNEL_CALLSTATE CHANNEL_ANSWER CHANNEL_HANGUP"
    " CHANNEL_HANGUP_COMPLETE CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_HOLD CHANNEL_UNHOLD CHANNEL_BRIDGE"
    " CHANNEL_UNBRIDGE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_OUTGOING CHANNEL_PARK CHANNEL_UNPARK"
    " CHANNEL_APPLICATION CHANNEL_ORIGINATE CHANNEL_UUID API LOG INBOUND_CHAN OUTBOUND_CHAN STARTUP SHUTDOWN PUBLISH"
    " UNPUBLISH TALK NOTALK SESSION_CRASH MODULE_LOAD MODULE_UNLOAD DTMF MESSAGE PRESENCE_IN NOTIFY_IN PRESENCE_OUT"
    " PRESENCE_PROBE MESSAGE_WAITING MESSAGE_QUERY ROSTER CODEC BACKGROUND_JOB DETECTED_SPEECH DETECTED_TONE"
    " PRIVATE_COMMAND HEARTBEAT TRAP ADD_SCHEDULE DEL_SCHEDULE EXE_SCHEDULE RE_SCHEDULE RELOADXML NOTIFY PHONE_FEATURE"
    " PHONE_FEATURE_SUBSCRIBE SEND_MESSAGE RECV_MESSAGE REQUEST_PARAMS CHANNEL_DATA GENERAL COMMAND SESSION_HEARTBEAT"
    " CLIENT_DISCONNECTED SERVER_DISCONNECTED SEND_INFO RECV_INFO RECV_RTCP_MESSAGE SEND_RTCP_MESSAGE CALL_SECURE NAT"
    " RECORD_START RECORD_STOP PLAYBACK_START PLAYBACK_STOP CALL_UPDATE FAILURE SOCKET_DATA MEDIA_BUG_START"
    " MEDIA_BUG_STOP CONFERENCE_DATA_QUERY CONFERENCE_DATA CALL_SETUP_REQ CALL_SETUP_RESULT CALL_DETAIL DEVICE_STATE"
    " TEXT SHUTDOWN_REQUESTED ALL"
)
EXTENDED = _words(
    "CHANNEL_CREATE CHANNEL_ORIGINATE CHANNEL_UUID CHANNEL_ANSWER CHANNEL_PARK CHANNEL_UNPARK CHANNEL_BRIDGE"
    " CHANNEL_UNBRIDGE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE REQUEST_PARAMS"
    " CHANNEL_DATA CHANNEL_EXECUTE CHANNEL_EXECUTE_COMPLETE CHANNEL_DESTROY SESSION_HEARTBEAT API RECORD_START"
    " RECORD_STOP PLAYBACK_START PLAYBACK_STOP CALL_UPDATE MEDIA_BUG_START MEDIA_BUG_STOP CHANNEL_HOLD CHANNEL_UNHOLD"
    " TEXT CUSTOM"
)
MYEVENTS = _words(
    "CHANNEL_ANSWER CHANNEL_APPLICATION CHANNEL_BRIDGE CHANNEL_CREATE CHANNEL_DATA CHANNEL_DESTROY CHANNEL_EXECUTE"
    " CHANNEL_EXECUTE_COMPLETE CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE CHANNEL_ORIGINATE CHANNEL_UUID CHANNEL_OUTGOING"
    " CHANNEL_PARK CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_STATE CHANNEL_UNBRIDGE CHANNEL_UNPARK"
    " DETECTED_SPEECH DTMF NOTALK TALK"
)
# Where FreeSWITCH fires them: file and function, as Event-Calling-* shows.
_CALLING = {
    "CHANNEL_EXECUTE": ("switch_core_session.c", "switch_core_session_exec"),
    "CHANNEL_EXECUTE_COMPLETE": ("switch_core_session.c", "switch_core_session_exec"),
    "CHANNEL_OUTGOING": ("switch_core_session.c", "switch_core_session_outgoing_channel"),
    "CHANNEL_DESTROY": ("switch_core_session.c", "switch_core_session_perform_destroy"),
    "CHANNEL_CREATE": ("switch_core_state_machine.c", "switch_core_session_run"),
    "CHANNEL_ORIGINATE": ("switch_core_state_machine.c", "switch_core_session_run"),
    "CHANNEL_HANGUP_COMPLETE": ("switch_core_state_machine.c", "switch_core_session_reporting_state"),
    "CHANNEL_PARK": ("switch_ivr.c", "switch_ivr_park"),
    "CHANNEL_UNPARK": ("switch_ivr.c", "switch_ivr_park"),
    "CHANNEL_HOLD": ("switch_ivr.c", "switch_ivr_hold"),
    "CHANNEL_UNHOLD": ("switch_ivr.c", "switch_ivr_unhold"),
    "CHANNEL_BRIDGE": ("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge"),
    "CHANNEL_UNBRIDGE": ("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge"),
    "PLAYBACK_START": ("switch_ivr_play_say.c", "switch_ivr_play_file"),
    "PLAYBACK_STOP": ("switch_ivr_play_say.c", "switch_ivr_play_file"),
    "RECORD_START": ("switch_ivr_play_say.c", "switch_ivr_record_file_event"),
    "RECORD_STOP": ("switch_ivr_play_say.c", "switch_ivr_record_file_event"),
    "BACKGROUND_JOB": ("mod_event_socket.c", "api_exec"),
    "HEARTBEAT": ("switch_core.c", "send_heartbeat"),
}
_CHANNEL_C = ("switch_channel.c", "switch_channel_fire_event")


class Event:
    """One event. ``build`` gives its headers; it is called at most once, at the instant the event is fired."""

    __slots__ = ("_build", "_by_name", "_headers", "_json", "_plain", "body", "name", "subclass")

    def __init__(self, name: str, build: Callable[[], Headers], body: str | None = None, subclass: str = "") -> None:
        self.name = name
        self.subclass = subclass
        self.body = body
        self._build = build
        self._headers: Headers | None = None
        self._by_name: dict[str, str] | None = None
        self._plain: bytes | None = None
        self._json: bytes | None = None

    @property
    def headers(self) -> Headers:
        if self._headers is None:
            self._headers = self._build()
        return self._headers

    def get(self, name: str) -> str | None:
        """Value of the first header called ``name`` in any case."""
        if self._by_name is None:
            by_name: dict[str, str] = {}
            for header, value in self.headers:
                by_name.setdefault(header.lower(), value)
            self._by_name = by_name
        return self._by_name.get(name.lower())

    def packet(self, form: str) -> bytes:
        """The bytes a listener gets; ``form`` is plain or json."""
        if form == "json":
            if self._json is None:
                self._json = _wrap(to_json(self.headers, self.body), form)
            return self._json
        if self._plain is None:
            self._plain = _wrap(to_plain(self.headers, self.body), form)
        return self._plain


def _wrap(payload: bytes, form: str) -> bytes:
    return b"Content-Length: %d\nContent-Type: text/event-%s\n\n%s" % (len(payload), form.encode(), payload)


def to_plain(headers: Headers, body: str | None = None, *, encode: bool = True) -> bytes:
    """As switch_event_serialize: ``Name: value`` lines, values percent-encoded or, unencoded, in square brackets."""
    write = url_encode if encode else (lambda value: f"[{value}]")
    text = "".join([f"{name}: {write(value) or '_undef_'}\n" for name, value in headers])
    head = text.encode("utf-8", "surrogateescape")
    if not body:
        return head + b"\n"
    raw = body.encode("utf-8", "surrogateescape")
    return head + b"Content-Length: %d\n\n" % len(raw) + raw


def to_json(headers: Headers, body: str | None = None) -> bytes:
    """As switch_event_serialize_json: one object, values as they are, the body as ``_body``."""
    document: dict[str, str] = {}
    for name, value in headers:
        document.setdefault(name, value)
    if body:
        document["Content-Length"] = str(len(body.encode("utf-8", "surrogateescape")))
        document["_body"] = body
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogateescape")


def base_headers(name: str, core_uuid: str, hostname: str, wall_us: int, sequence: int, subclass: str = "") -> Headers:
    """The thirteen headers that every event starts with."""
    seconds = wall_us / 1_000_000
    file, function = _CALLING.get(name, _CHANNEL_C)
    headers = [
        ("Event-Name", name),
        ("Core-UUID", core_uuid),
        ("FreeSWITCH-Hostname", hostname),
        ("FreeSWITCH-Switchname", hostname),
        ("FreeSWITCH-IPv4", "127.0.0.1"),
        ("FreeSWITCH-IPv6", "::1"),
        ("Event-Date-Local", time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))),
        ("Event-Date-GMT", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(seconds))),
        ("Event-Date-Timestamp", str(wall_us)),
        ("Event-Calling-File", file),
        ("Event-Calling-Function", function),
        ("Event-Calling-Line-Number", "0"),
        ("Event-Sequence", str(sequence)),
    ]
    if subclass:
        headers.append(("Event-Subclass", subclass))
    return headers


def passes(event: Event, filters: Headers) -> bool:
    """As event_handler in mod_event_socket: positives are OR'd, ``-value`` excludes, ``/expression/`` is searched for.

    With filters that are all negative nothing passes, as in FreeSWITCH.
    """
    if not filters:
        return True
    send = False
    for name, wanted in filters:
        value = event.get(name)
        if value is None:
            continue
        positive, position = True, 0
        while position < len(wanted) and wanted[position] in "+- ":
            if wanted[position] != " ":
                positive = wanted[position] == "+"
            position += 1
        if send and positive:
            continue
        if wanted.startswith("/"):
            matches = _regex_matches(wanted, value)
        else:
            matches = value.lower() == wanted[position:].lower()
        if matches:
            if not positive:
                return False
            send = True
    return send


def _regex_matches(wanted: str, value: str) -> bool:
    expression, _, flags = wanted[1:].rpartition("/")
    if not expression:
        return False
    try:
        return re.search(expression, value, re.IGNORECASE if "i" in flags else 0) is not None
    except re.error:
        return False
