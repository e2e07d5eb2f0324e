"""What ``ivrengine doctor`` looks at: each check returns findings, and a finding that is no good says exactly what mends it.

Changes nothing: no file is made, no database is upgraded, the switch is only asked.
"""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import shlex
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import quote
from zoneinfo import ZoneInfo

import sqlite_utils

from ..config import STOCK_PASSWORD, Settings
from ..errors import IvrEngineError
from ..esl.errors import EslError
from ..flow.finding import errors
from ..prompts.catalogue import Catalogue
from ..prompts.voice import Voice
from ..runtime import site_files
from ..runtime.site_files import read_site
from ..storage.errors import UnknownDatabase
from ..storage.migrations import refuse_newer
from .freeswitch_conf import RenderError, numbers_expression

REQUIRED_MODULES = (
    "mod_commands", "mod_dptools", "mod_dialplan_xml", "mod_sndfile", "mod_tone_stream", "mod_local_stream",
    "mod_event_socket", "mod_sofia",
)  # fmt: skip
DISK_LEAST_BYTES = 500 * 1000**2  # a message takes 1 MB a minute
DISK_SCARCE_BYTES = 2 * 1000**3
CLOCKS_APART_SECONDS = 5
OLDEST_DATE = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)  # a clock before this was never set
BUSY_SECONDS = 5.0
MISSING_SHOWN = 5

Level = Literal["ok", "warning", "failure", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One result: what was looked at, how it is, and (unless it is well) what to do."""

    check: str
    level: Level
    sentence: str
    fix: str = ""


class AskedSwitch(Protocol):
    """The part of ``esl.switch.Switch`` that the checks use."""

    def api(self, command: str, timeout: float = 5.0) -> str: ...
    def modules(self) -> set[str]: ...
    def version(self) -> str: ...


def check_password(settings: Settings) -> Iterator[Finding]:
    try:
        password = settings.switch_password()
    except IvrEngineError as error:
        yield Finding("password", "failure", str(error), "let the engine's user read the file, or correct [switch] password_file")
        return
    if password == STOCK_PASSWORD:
        yield Finding(
            "password", "failure", f"the event socket's password is {STOCK_PASSWORD}, FreeSWITCH's stock password",
            "run `ivrengine fs render --out DIR` without `password` in [switch]: it makes one and says where it is",
        )  # fmt: skip
    elif not password:
        yield Finding(
            "password", "failure", "no password for the event socket is set",
            "set [switch] password_file in ivrengine.toml to the file passwords/event-socket of `ivrengine fs render`",
        )  # fmt: skip
    else:
        yield Finding("password", "ok", "the event socket's password is not the stock one")
    path = settings.site / settings.switch.password_file
    if not settings.switch.password and path.is_file() and path.stat().st_mode & 0o077:
        yield Finding("password", "warning", f"{path} can be read by other users of this machine", f"chmod 600 {path}")
    if not _is_loopback(settings.switch.host):
        yield Finding(
            "password", "warning", f"the event socket at {settings.switch.host} is reached over a network, unencrypted",
            "run the engine beside FreeSWITCH, or carry the connection in a tunnel",
        )  # fmt: skip


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_modules(switch: AskedSwitch) -> Iterator[Finding]:
    missing = [module for module in REQUIRED_MODULES if module not in switch.modules()]
    if not missing:
        yield Finding("modules", "ok", f"all {len(REQUIRED_MODULES)} modules are loaded")
    for module in missing:
        yield Finding(
            "modules", "failure", f"{module} is not loaded",
            f'add <load module="{module}"/> to autoload_configs/modules.conf.xml, then: fs_cli -x "load {module}"',
        )  # fmt: skip


def check_dialplan(settings: Settings, switch: AskedSwitch, numbers: list[str]) -> Iterator[Finding]:
    """The fallback must be there, and the numbers that the flows serve must be handed over."""
    render = f"ivrengine --site {settings.site} fs render --out DIR, then: fs_cli -x reloadxml"
    context = settings.switch.context
    if 'name="fallback"' not in switch.api(f"xml_locate dialplan context name {context}"):
        yield Finding("dialplan", "failure", f"the context {context} has no fallback: an unclaimed call is dropped", render)
    else:
        yield Finding("dialplan", "ok", f"unclaimed calls reach the fallback in the context {context}")
    try:
        wanted = numbers_expression(numbers)
    except RenderError as error:
        yield Finding("numbers", "failure", str(error), "write `numbers: [02988880001]` at the top of a flow")
        return
    if f'expression="{wanted}"' in switch.api("xml_locate dialplan context name public"):
        yield Finding("numbers", "ok", f"the switch hands over what the flows serve: {', '.join(numbers)}")
    else:
        yield Finding(
            "numbers", "failure", f"the switch does not hand over exactly what the flows serve: {', '.join(numbers)}", render
        )


def check_directories(settings: Settings, switch: AskedSwitch) -> Iterator[Finding]:
    """Asks the switch itself, as the user that it runs as."""
    wanted = [("prompts", settings.prompts, "-r")]
    wanted += [("recordings", path, "-w") for path in (settings.recordings, settings.voicemail, settings.unclaimed_messages)]
    for check, path, flag in wanted:
        what, deed = ("read", "rX") if flag == "-r" else ("write to", "rwX")
        if not path.is_dir():
            fix = f"mkdir -p {path}" if flag == "-w" else "ivrengine prompts load, or ivrengine prompts say"
            yield Finding(check, "failure", f"there is no directory {path}", fix)
        elif _switch_can(switch, path, flag):
            yield Finding(check, "ok", f"the switch can {what} {path}")
        else:
            user = switch.api("system id -un").strip() or "freeswitch"
            yield Finding(
                check, "failure", f"the switch's user {user} can't {what} {path}", f"setfacl -R -m u:{user}:{deed} {path}"
            )


def _switch_can(switch: AskedSwitch, path: Path, flag: str) -> bool:
    if any(character in str(path) for character in "\r\n"):
        return False
    quoted = shlex.quote(str(path))
    # Of a directory of prompts every file must be readable, not only the directory.
    inside = f" && test -z \"$(find {quoted} -name '*.wav' ! -readable | head -n 1)\"" if flag == "-r" else ""
    return switch.api(f"system test {flag} {quoted} && test -x {quoted}{inside} && echo yes").strip() == "yes"


def check_switch_secrets(switch: AskedSwitch) -> Iterator[Finding]:
    """FreeSWITCH writes its whole configuration, passwords and all, to its log directory, for everybody to read."""
    logs = Path(switch.api("global_getvar log_dir").strip())
    copy = logs / "freeswitch.xml.fsxml"
    try:
        readable = logs.stat().st_mode & 0o005 and copy.stat().st_mode & 0o004
    except OSError:
        readable = 0  # not there, or not for us to see either
    if readable:
        yield Finding("secrets", "warning", f"{copy} holds FreeSWITCH's passwords and everybody can read it", f"chmod 750 {logs}")


def check_disk(settings: Settings, usage: Callable[[Path], tuple[int, int, int]] = shutil.disk_usage) -> Iterator[Finding]:
    path = _existing(settings.data)
    free = usage(path)[2]
    level: Level = "failure" if free < DISK_LEAST_BYTES else "warning" if free < DISK_SCARCE_BYTES else "ok"
    fix = (
        ""
        if level == "ok"
        else "delete old recordings (ivrengine voicemail delete), or move `data` in ivrengine.toml to a larger disk"
    )
    yield Finding("disk", level, f"{free / 1000**3:.1f} GB are free for recordings in {path}", fix)


def check_clock(settings: Settings, now: datetime.datetime) -> Iterator[Finding]:
    """``now`` is aware."""
    if now < OLDEST_DATE:
        yield Finding("clock", "failure", f"this machine believes it is {now:%Y-%m-%d}", "timedatectl set-ntp true")
        return
    zone = ZoneInfo(settings.engine.timezone)
    yield Finding(
        "clock", "ok", f"it is {now.astimezone(zone):%Y-%m-%d %H:%M} in {zone.key}; opening hours go by their calendar's own zone"
    )


def check_switch_clock(switch: AskedSwitch, now: datetime.datetime) -> Iterator[Finding]:
    text = switch.api("strepoch").strip()
    if not text.isdecimal():
        yield Finding("clock", "skipped", "the switch does not tell its time")
        return
    apart = abs(int(text) - now.timestamp())
    if apart > CLOCKS_APART_SECONDS:
        yield Finding(
            "clock", "failure", f"the switch's clock is {apart:.0f} s from this machine's", "timedatectl set-ntp true, on both"
        )
    else:
        yield Finding("clock", "ok", "the switch's clock agrees")


def check_database(settings: Settings) -> Iterator[Finding]:
    path = settings.database
    if settings.data.exists() and not settings.data.is_dir():
        yield Finding("database", "failure", f"{settings.data} is not a directory", f"mv {settings.data} {settings.data}.old")
        return
    if not path.exists():
        place = _existing(path.parent)
        if os.access(place, os.W_OK | os.X_OK):
            yield Finding("database", "ok", f"there is no database yet; it can be made in {place}")
        else:
            yield Finding("database", "failure", f"no database can be made in {place}", f"chown $(id -un) {place}")
        return
    try:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            # A write that is rolled back: a read-only file or disk takes the lock but not the write.
            connection.execute("CREATE TABLE doctor_was_here (x INTEGER)")
            connection.execute("ROLLBACK")
            broken = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            refuse_newer(sqlite_utils.Database(connection, execute_plugins=False))
        finally:
            connection.close()
    except UnknownDatabase as error:
        yield Finding("database", "failure", f"{path}: {error}", "run the newer version of the engine, or restore a backup")
        return
    except sqlite3.OperationalError as error:
        fix = "see who holds it: fuser -v " + str(path) if "locked" in str(error) else f"chown $(id -un) {path}* {path.parent}"
        yield Finding("database", "failure", f"{path} can't be written: {error}", fix)
        return
    except sqlite3.DatabaseError as error:
        broken = str(error)
    if broken != "ok":
        yield Finding("database", "failure", f"{path} is damaged: {broken}", f"restore a backup, or: sqlite3 {path} .recover")
    else:
        yield Finding("database", "ok", f"{path} can be written")


def check_flows(settings: Settings, now: datetime.datetime) -> Iterator[Finding]:
    """What `ivrengine flow check` would say, in one line."""
    catalogue = Catalogue(settings.prompts)
    voice = Voice(catalogue, settings.languages[0], settings.languages[1:])
    files = read_site(settings.flows)
    checked = site_files.check_site(files, catalogue, voice, settings.engine.outside_numbers, now.timestamp())
    found = errors(checked.findings)
    if found:
        more = f" (and {len(found) - 1} more errors)" if len(found) > 1 else ""
        yield Finding("flows", "failure", f"{found[0]}{more}", f"ivrengine --site {settings.site} flow check")
    elif not files.texts:
        yield Finding("flows", "failure", f"there is no flow in {settings.flows}", f"write one: see {settings.flows}/README.md")
    else:
        yield Finding("flows", "ok", f"{len(files.texts)} flows without errors")


def check_prompts(settings: Settings) -> Iterator[Finding]:
    catalogue = Catalogue(settings.prompts)
    for fault in catalogue.faults:
        yield Finding("prompts", "failure", fault, f"correct or remove it in {settings.prompts}")
    for language in settings.languages:
        names = catalogue.names(language)
        bad = [problem for name in names if (problem := catalogue.problem(name, language))]
        if not names:
            yield Finding(
                "prompts", "failure", f"there are no prompts in {language}",
                f"ivrengine prompts load DIR --language {language}, or take {language} out of [engine] languages",
            )  # fmt: skip
        elif bad:
            more = f" (and {len(bad) - MISSING_SHOWN} more)" if len(bad) > MISSING_SHOWN else ""
            yield Finding(
                "prompts", "failure", "; ".join(bad[:MISSING_SHOWN]) + more, f"ivrengine prompts say --language {language}"
            )
        else:
            yield Finding("prompts", "ok", f"{len(names)} prompts in {language}")


def check_espeak(which: Callable[[str], str | None] = shutil.which) -> Iterator[Finding]:
    if which("espeak-ng"):
        yield Finding("espeak-ng", "ok", "espeak-ng is installed")
    else:
        yield Finding(
            "espeak-ng", "warning", "espeak-ng is not installed: missing prompts can't be said", "apt-get install espeak-ng"
        )


def check_switch(settings: Settings, switch: AskedSwitch, numbers: list[str], now: datetime.datetime) -> list[Finding]:
    """What a connected switch can be asked. A question that it refuses or leaves open is a finding, never an exception."""
    version = switch.version()
    findings = [Finding("switch", "ok", f"connected to {version}")]
    if "(simulated)" in version:
        return [*findings, Finding("switch", "skipped", "the embedded switch takes no real calls: nothing more to check on it")]
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "modules": lambda: check_modules(switch),
        "dialplan": lambda: check_dialplan(settings, switch, numbers),
        "directories": lambda: check_directories(settings, switch),
        "clock": lambda: check_switch_clock(switch, now),
        "secrets": lambda: check_switch_secrets(switch),
    }
    for name, check in checks.items():
        try:
            findings.extend(check())
        except EslError as error:
            findings.append(
                Finding(name, "failure", f"the switch did not answer: {error}", "fs_cli -x status; then run doctor again")
            )
    return findings


def check_site(settings: Settings, now: datetime.datetime) -> list[Finding]:
    """Everything that is on this machine."""
    checks = (
        check_password(settings), check_disk(settings), check_clock(settings, now), check_database(settings),
        check_prompts(settings), check_flows(settings, now), check_espeak(),
    )  # fmt: skip
    return [finding for check in checks for finding in check]


def as_json(findings: list[Finding]) -> str:
    rows = [{"check": f.check, "level": f.level, "sentence": f.sentence, "fix": f.fix} for f in findings]
    return json.dumps({"ok": all(f.level != "failure" for f in findings), "findings": rows}, ensure_ascii=False, indent=1)


def _existing(path: Path) -> Path:
    """``path``, or the nearest directory above it that exists."""
    return next((place for place in (path, *path.parents) if place.is_dir()), Path("/"))
