"""The commands of the event socket: auth, event, filter, sendmsg, api, bgapi, linger and the rest.

``answer_command`` gives each its reply text; what an ``api`` says comes from ``api``. Prefix matching is as loose as
FreeSWITCH's (``events`` counts as ``event``); a command it does not know is answered ``-ERR command not found``.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from .api import run_api
from .eavesdropping import tell_spy
from .events import EVENT_NAMES, MYEVENTS
from .framing import Command
from .text import leading_int

if TYPE_CHECKING:
    from .channel import Channel
    from .session import Session

FILTERS_LIMIT = 1000
NOT_CONTROLLING = "-ERR not controlling a session"


def answer_command(session: Session, command: Command, finish: Callable[[], None]) -> None:
    """Perform one command. ``finish`` is called once, after the reply is queued."""
    line = command.line
    word = line.lower()
    if word.startswith(("exit", "...")):
        session.reply("+OK bye")
        session.running = False
    elif not session.authed:
        session.reply(_auth(session, line) if word.startswith("auth ") else "-ERR command not found")
    elif not word.startswith("api sim ") and (refusal := session.core.faults.refusal(line)) is not None:
        if word.startswith("api "):
            session.api_reply(refusal)
        else:
            session.reply(refusal)
    elif word.startswith("api "):
        _api(session, line[4:], finish)
        return
    elif word.startswith("bgapi "):
        _bgapi(session, command)
    else:
        session.reply(_other(session, command, word) or "-ERR command not found")
    finish()


def _auth(session: Session, line: str) -> str:
    given = line[5:].encode("utf-8", "surrogateescape")
    if hmac.compare_digest(given, session.password.encode()):
        session.authed = True
        return "+OK accepted"
    session.running = False
    return "-ERR invalid"


def _api(session: Session, text: str, finish: Callable[[], None]) -> None:
    name, _, argument = text.partition(" ")

    def answered(reply: str) -> None:
        session.api_reply(reply)
        finish()

    run_api(session.core, name, argument, answered, session)


def _bgapi(session: Session, command: Command) -> None:
    name, _, argument = command.line[6:].partition(" ")
    job = command.headers.get("job-uuid") or str(uuid.uuid4())
    owner = session.controlled.uuid if session.controlled is not None else ""
    session.reply(f"~Reply-Text: +OK Job-UUID: {job}\nJob-UUID: {job}\n\n")
    core = session.core

    def answered(reply: str) -> None:
        headers = [("Job-UUID", job), ("Job-Owner-UUID", owner), ("Job-Command", name)]
        if argument:
            headers.append(("Job-Command-Arg", argument))
        core.fire("BACKGROUND_JOB", last=headers, body=reply or "Command returned no output!")

    core.scheduler.call_later(0, lambda: run_api(core, name, argument, answered, session))


def _other(session: Session, command: Command, word: str) -> str | None:
    line = command.line
    if word.startswith("filter "):
        return _filter(session, line[7:].lstrip(" "))
    if word.startswith("myevents "):
        return _myevents(session, line[9:])
    if session.controlled is not None and word.startswith("getvar"):
        return session.controlled.get(line[6:].strip()) or ""
    if word.startswith("divert_events"):
        return _divert(session, line[13:].strip())
    if word.startswith("sendmsg"):
        return _sendmsg(session, command)
    if word.startswith("sendevent"):
        return _sendevent(session, command)
    if word.startswith("linger"):
        return _linger(session, line)
    if word.startswith("nolinger"):
        if session.controlled is None:
            return NOT_CONTROLLING
        session.lingers = False
        return "+OK will not linger"
    if word.startswith("nolog"):
        return "-ERR not loging"
    if word.startswith("log"):
        return f"+OK log level {line[3:].strip()} [7]"
    if word.startswith("event"):
        return _event(session, line[5:])
    if word.startswith("nixevent"):
        return _nixevent(session, line[8:])
    if word.startswith("noevents"):
        return _noevents(session)
    return None


def _names(text: str) -> list[str]:
    """The words after the command's first space."""
    return text.partition(" ")[2].split(" ") if " " in text else []


def _known_event(word: str) -> str | None:
    name = word.upper().removeprefix("SWITCH_EVENT_")
    return name if name in EVENT_NAMES else None


def _event(session: Session, text: str) -> str:
    keys, custom = 0, False
    for index, word in enumerate(_names(text)):
        if index == 0 and word.lower() in ("plain", "json", "xml"):
            if word.lower() == "xml":
                return "-ERR xml events are not simulated"
            session.form = word.lower()
        elif custom:
            session.subclasses.add(word)
        elif (name := _known_event(word)) is not None:
            keys += 1
            session.events.add(name)
            custom = name == "CUSTOM"
    if not keys:
        return "-ERR no keywords supplied"
    session.listening = True
    return f"+OK event listener enabled {session.form}"


def _nixevent(session: Session, text: str) -> str:
    keys, custom = 0, False
    for word in _names(text):
        if custom:
            session.subclasses.discard(word)
        elif (name := _known_event(word)) is not None:
            keys += 1
            if name == "CUSTOM":
                custom = True
            elif name == "ALL":
                session.events.clear()
            else:
                if "ALL" in session.events:
                    session.events = set(EVENT_NAMES) - {"ALL"}
                session.events.discard(name)
    if not keys:
        return "-ERR no keywords supplied"
    session.listening = True
    return "+OK events nixed"


def _noevents(session: Session) -> str:
    session.forget_events()
    if not session.listening:
        return "-ERR not listening for events"
    session.listening = False
    session.events.clear()
    session.subclasses.clear()
    return "+OK no longer listening for events"


def _filter(session: Session, text: str) -> str:
    name, _, value = text.partition(" ")
    if not value:
        return "-ERR invalid syntax"
    if name.lower() == "delete":
        name, _, value = value.partition(" ")
        if name.lower() == "all":
            session.filters.clear()
        else:
            session.filters[:] = [entry for entry in session.filters
                                  if entry[0].lower() != name.lower() or (value and entry[1] != value)]
        return f"+OK filter deleted. [{name}][{value}]"
    if name.lower() == "add":
        name, _, value = value.partition(" ")
    if len(session.filters) >= FILTERS_LIMIT:
        return f"-ERR more than {FILTERS_LIMIT} filters"
    session.filters.append((name, value))
    return f"+OK filter added. [{name}]=[{value}]"


def _myevents(session: Session, text: str) -> str:
    if session.my_events:
        return "-ERR aready enabled."
    uuid_text, _, form = text.strip().partition(" ")
    session.controlled = session.core.channels.get(uuid_text)
    if session.controlled is None and form:
        return "-ERR invalid uuid"
    if form.lower() in ("plain", "json"):
        session.form = form.lower()
    if session.controlled is not None:
        session.controlled.controllers.append(session)
    session.my_events = session.listening = True
    session.events |= MYEVENTS
    return "+OK Events Enabled"


def _divert(session: Session, text: str) -> str:
    if session.controlled is None:
        return "-ERR not controlling a session."
    if not text:
        return "-ERR missing value."
    return "+OK events diverted" if text.lower() == "on" else "+OK events not diverted"


def _sendmsg(session: Session, command: Command) -> str:
    wanted = command.line[7:].strip() or command.headers.get("session-id", "")
    channel: Channel | None = session.core.channels.get(wanted) if wanted else session.controlled
    if channel is None or channel.gone:
        return f"-ERR invalid session id [{wanted}]"
    message = dict(command.headers)
    if command.body:
        message["_body"] = command.body
    return "+OK" if channel.queue_private(message) else "-ERR memory error"


def _sendevent(session: Session, command: Command) -> str:
    token = str(uuid.uuid4())
    channel = session.core.channels.get(command.headers.get("unique-id", ""))
    if channel is not None:  # such an event is for the channel alone; of what reads them, eavesdrop is simulated
        tell_spy(channel, command.headers.get("eavesdrop-command", ""))
        return f"+OK {token}"
    name = _known_event(command.line[9:].strip()) or "CLONE"
    headers = [(_canonical(name), value) for name, value in command.headers.items() if name != "content-length"]
    session.core.fire(name, last=[*headers, ("Event-UUID", token)], body=command.body or None)
    return f"+OK {token}"


def _canonical(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _linger(session: Session, line: str) -> str:
    if session.controlled is None:
        return NOT_CONTROLLING
    session.lingers = True
    text = line[6:].strip()
    if not text:
        session.linger_seconds = None
        return "+OK will linger"
    session.linger_seconds = float(leading_int(text))
    return f"+OK will linger {int(session.linger_seconds)} seconds"
