"""The api commands, with FreeSWITCH's own reply texts. Those on calls (uuid_...) are in ``api_calls``, ``sim`` in ``api_sim``.

A command is a function of (core, argument) registered by ``@command(name)``; it returns its reply, or, where it takes time,
a function that makes the steps of a routine whose result is the reply.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .apps import schedule_hangup, schedule_transfer
from .core import VERSION
from .headers import channel_row
from .originating import originate_command
from .phones import UNREACHABLE
from .routine import Routine, Steps
from .text import split_arguments

if TYPE_CHECKING:
    from .core import Core
    from .session import Session

log = logging.getLogger(__name__)

Reply = str | Callable[[Routine], Steps]
COMMANDS: dict[str, Callable[[Any, str], Reply]] = {}
SESSION_COMMANDS: dict[str, Callable[[Any, str, Any], Reply]] = {}
MODULES = {
    "mod_commands": "api", "mod_dptools": "application", "mod_dialplan_xml": "dialplan", "mod_event_socket": "generic",
    "mod_sofia": "endpoint", "mod_sndfile": "file", "mod_tone_stream": "file", "mod_local_stream": "file", "mod_hash": "api",
    "mod_native_file": "file", "mod_console": "generic", "mod_logfile": "generic", "mod_spandsp": "application",
}
HASH_LIMIT = 100_000
HASH_USAGE = "[insert|insert_ifempty|delete|delete_ifmatch|select]/<realm>/<key>/<value>"
USAGE = {
    "originate": "<call url> <exten>|&<application_name>(<app_args>) [<dialplan>] [<context>] [<cid_name>] [<cid_num>] [<timeout_sec>]",
    "sched_transfer": "[+]<time> <uuid> <extension> [<dialplan>] [<context>]",
    "sched_hangup": "[+]<time> <uuid> [<cause>]",
    "sched_api": "[+@]<time> <group_name> <command_string>[&]",
}


def command(name: str) -> Callable[[Callable[[Any, str], Reply]], Callable[[Any, str], Reply]]:
    """Register the api command ``name``."""

    def register(function: Callable[[Any, str], Reply]) -> Callable[[Any, str], Reply]:
        COMMANDS[name] = function
        return function

    return register


def run_api(core: Core, name: str, argument: str, answered: Callable[[str], None], session: Session | None = None) -> None:
    """Run a command; ``answered`` gets its reply, perhaps later."""
    name = name.lower()
    try:
        if name in SESSION_COMMANDS:
            reply = SESSION_COMMANDS[name](core, argument, session)
        elif name in COMMANDS:
            reply = COMMANDS[name](core, argument)
        else:
            reply = f"-ERR {name} Command not found!\n"
    except Exception:
        log.exception("the api command %s of the embedded switch failed", name)
        reply = "-ERR the simulated switch failed, see its log\n"
    if isinstance(reply, str):
        answered(reply)
    else:
        Routine(core.scheduler, reply, lambda result: answered(result if isinstance(result, str) else "-ERR\n")).wake(0)


@command("status")
def status(core: Core, _argument: str) -> str:
    return (f"UP {core.uptime()}\n"
            f"FreeSWITCH (Version {VERSION}) is ready\n"
            f"{core.sessions_since_start} session(s) since startup\n"
            f"{len(core.channels)} session(s) - peak {core.sessions_peak}, last 5min {core.sessions_peak} \n"
            "0 session(s) per Sec out of max 1000, peak 0, last 5min 0 \n"
            "10000 session(s) max\nmin idle cpu 0.00/99.00\nCurrent Stack Size/Max 240K/8192K\n")


@command("version")
def version(_core: Core, argument: str) -> str:
    return f"{VERSION.partition('-')[0]}\n" if "short" in argument else f"FreeSWITCH Version {VERSION} (simulated)\n"


@command("hostname")
def hostname(core: Core, _argument: str) -> str:
    return core.hostname


@command("echo")
def echo(_core: Core, argument: str) -> str:
    return argument


@command("create_uuid")
def create_uuid(_core: Core, _argument: str) -> str:
    return str(uuid.uuid4())


@command("reloadxml")
def reloadxml(_core: Core, _argument: str) -> str:
    return "+OK [Success]\n"


@command("global_getvar")
def global_getvar(core: Core, argument: str) -> str:
    known = {**core.globals, "core_uuid": core.core_uuid}  # the id changes when the switch is restarted
    if argument:
        return known.get(argument, "")
    return "".join(f"{name}={value}\n" for name, value in known.items())


@command("module_exists")
def module_exists(_core: Core, argument: str) -> str:
    return "true" if argument.strip() in MODULES else "false"


@command("user_exists")
def user_exists(core: Core, argument: str) -> str:
    words = split_arguments(argument)
    known = len(words) >= 2 and core.phones.extension(words[1]).behaviour != "absent"
    return "true" if known else "false"


@command("sofia_contact")
def sofia_contact(core: Core, argument: str) -> str:
    number = argument.rpartition("/")[2].partition("@")[0]
    if core.phones.extension(number).behaviour in UNREACHABLE:
        return "error/user_not_registered"
    return f"sofia/phones/sip:{number}@127.0.0.1:5060"


@command("show")
def show(core: Core, argument: str) -> str:
    """``channels``, ``calls`` and ``modules``, as text, ``count`` or ``as json``."""
    words = argument.lower().split()
    what = words[0] if words else ""
    if what in ("channels", "calls"):
        rows = [channel_row(channel, core.hostname) for channel in core.channels.values()]
        if what == "calls":
            rows = [row for row in rows if row["call_uuid"] == row["uuid"]]
    elif what == "modules":
        rows = [{"type": kind, "name": name.removeprefix("mod_"), "ikey": name, "filename": f"/usr/lib/freeswitch/mod/{name}.so"}
                for name, kind in MODULES.items()]
    else:
        return "-USAGE: channels|calls|modules [count] [as json]\n"
    if "json" in words:
        if "count" in words:
            return json.dumps({"row_count": len(rows)}, separators=(",", ":"))
        if not rows:
            return '{"row_count": 0}\n'
        return json.dumps({"row_count": len(rows), "rows": rows}, separators=(",", ":"), ensure_ascii=False)
    if "count" in words or not rows:
        return f"\n{len(rows)} total.\n"
    lines = [",".join(rows[0])] + [",".join(row.values()) for row in rows]
    return "\n".join(lines) + f"\n\n{len(rows)} total.\n"


@command("originate")
def originate(core: Core, argument: str) -> Reply:
    words: list[str | None] = list(split_arguments(argument, limit=10))
    if not 2 <= len(words) <= 7:
        return f"-USAGE: {USAGE['originate']}\n"
    words = [None if word is not None and word.lower() == "undef" else word for word in words]
    return lambda routine: originate_command(core, words, routine)


@command("hash")
def hash_command(core: Core, argument: str) -> str:
    """``insert_ifempty`` and ``delete_ifmatch`` are atomic: a claim that two engines may race for."""
    words = argument.split("/", 3)
    if len(words) < 3 or not words[0]:
        return f"-ERR Usage: hash {HASH_USAGE}\n"
    action, key = words[0].lower(), f"{words[1]}_{words[2]}"
    value = words[3] if len(words) > 3 else None
    if action in ("insert", "insert_ifempty") and value is not None:
        if action == "insert_ifempty" and key in core.hash:
            return "-ERR key already exists\n"
        if key not in core.hash and len(core.hash) >= HASH_LIMIT:
            return "-ERR the hash is full\n"
        core.hash[key] = value
        return "+OK\n"
    if action == "delete" or (action == "delete_ifmatch" and value is not None):
        if key not in core.hash:
            return "-ERR Not found\n"
        if action == "delete_ifmatch" and core.hash[key] != value:
            return "-ERR Doesn't match\n"
        del core.hash[key]
        return "+OK\n"
    if action == "select":
        return core.hash.get(key, "")
    return f"-ERR Usage: hash {HASH_USAGE}\n"


@command("sched_del")
def sched_del(core: Core, argument: str) -> str:
    if not argument:
        return "-ERR Invalid syntax\n"
    count = core.delete_task(int(argument)) if argument.isdigit() else core.delete_group(argument)
    return f"+OK Deleted: {count}\n"


@command("unsched_api")
def unsched_api(core: Core, argument: str) -> str:
    found = argument.strip().isdigit() and core.delete_task(int(argument))
    return "+OK\n" if found else "-ERR No such id\n"


@command("sched_transfer")
def sched_transfer(core: Core, argument: str) -> str:
    words = split_arguments(argument, limit=6)
    if not 3 <= len(words) <= 5:
        return f"-USAGE: {USAGE['sched_transfer']}\n"
    channel = core.channels.get(words[1])
    if channel is None:
        return "-ERR No such channel!\n"
    schedule_transfer(channel, words[0], *words[2:5])
    return "+OK\n"


@command("sched_hangup")
def sched_hangup(core: Core, argument: str) -> str:
    words = split_arguments(argument, limit=4)
    if len(words) < 2:
        return f"-USAGE: {USAGE['sched_hangup']}\n"
    channel = core.channels.get(words[1])
    if channel is None:
        return "-ERR No such channel!\n"
    schedule_hangup(channel, words[0], words[2] if len(words) > 2 else "ALLOTTED_TIMEOUT")
    return "+OK\n"


@command("sched_api")
def sched_api(core: Core, argument: str) -> str:
    """``+seconds group command``; ``@seconds`` repeats."""
    when, _, rest = argument.partition(" ")
    group, _, text = rest.partition(" ")
    seconds = when.lstrip("+@")
    if not text or not seconds.isdigit() or when[:1] not in "+@":
        return f"-ERR Invalid syntax. USAGE: {USAGE['sched_api']}\n"
    name, _, api_argument = text.removesuffix("&").partition(" ")
    delay = max(1.0, float(seconds)) if when.startswith("@") else float(seconds)

    def due() -> None:
        if when.startswith("@"):
            core.schedule(delay, group, due)
        run_api(core, name, api_argument, lambda _reply: None)

    return f"+OK Added: {core.schedule(delay, group, due)}\n"
