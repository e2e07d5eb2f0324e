"""Settings: where the site lies and how to reach the switch.

Read from ``ivrengine.toml`` in the site directory; an environment variable ``IVRENGINE_<SECTION>_<KEY>`` wins over the
file. Unknown keys and wrong types are refused with their place. The switch's password is never shown: it may be given by
``password_file`` instead, which ``fs render`` writes. Every key says what it means, for the page that ``cli/reference.py`` makes.
"""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .errors import SettingsError
from .prompts.names import is_language

FILE_NAME = "ivrengine.toml"
STOCK_PASSWORD = "ClueCon"
KINDS = {str: "text", int: "whole number", float: "number", list: "list of texts"}  # as a person would say it
_WORD = r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}"
_SHOWN_NUMBER = r"\+?[0-9]{0,20}"
_DOMAIN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}"


def setting(
    default: Any, meaning: str, *, secret: bool = False, least: float = -math.inf, most: float = math.inf, form: str = ""
) -> Any:
    """A key of the file: its default, what it means to the person who sets it (for the settings reference), and its bounds.

    ``form`` is a regular expression for a text.
    """
    metadata = {"meaning": meaning, "secret": secret, "least": least, "most": most, "form": form}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(slots=True)
class SwitchSettings:
    """How to reach FreeSWITCH or the embedded switch; the only thing that differs between them."""

    host: str = setting("127.0.0.1", "address of the switch's event socket")
    port: int = setting(8021, "port of the switch's event socket", least=1, most=65535)
    password: str = setting("", "password of the event socket; better kept in a file of its own", secret=True)
    password_file: str = setting("", "file with that password, as `fs render` writes it; relative paths begin at the site")
    shard: str = setting("ivr", "presence data of the calls that are handed to this engine", form=_WORD)
    context: str = setting("ivr", "dialplan context that has the fallback", form=_WORD)
    domain: str = setting("ivr.local", "domain of the phones", form=_DOMAIN)


@dataclass(slots=True)
class EngineSettings:
    """Limits and deadlines of the running engine."""

    languages: list[str] = setting(["zh-CN", "en-US"], "languages of the prompts; the first is spoken where nothing else is said")
    max_calls: int = setting(3000, "more calls than this at once go to the switch's fallback", least=1, most=100_000)
    drain_seconds: float = setting(60.0, "calls may go on so long after SIGTERM, then they go to the fallback", least=0, most=86400)
    deadman_seconds: float = setting(60.0, "a call whose engine has died goes to the fallback after this", least=10, most=3600)
    max_call_seconds: float = setting(4 * 3600.0, "a call is ended after this", least=60, most=7 * 86400)
    outside_numbers: list[str] = setting([], "numbers that calls may be transferred to; with `*` at the end, all that begin so")
    outbound_number: str = setting("", "shown to whom agents call outside, where the queue has none of its own", form=_SHOWN_NUMBER)
    timezone: str = setting("Asia/Shanghai", "zone in which times are shown and written; calendars have their own")


@dataclass(slots=True)
class WebSettings:
    """The pages in a browser. They are plain HTTP: for other machines put a reverse proxy with TLS in front, and say so in `proxies`."""

    host: str = setting("127.0.0.1", "address on which `serve` serves the pages; 0.0.0.0 for all, which only a trusted network should see")
    port: int = setting(8080, "port of the pages; 0 for none", least=0, most=65535)
    proxies: int = setting(0, "reverse proxies in front, whose word for address and TLS of a browser is taken", least=0, most=5)
    idle_seconds: float = setting(3600.0, "who does nothing and has no live page open for so long is logged out", least=60, most=86400)


@dataclass(slots=True)
class FreeswitchSettings:
    """What `fs render` fills FreeSWITCH's configuration with; the running engine reads nothing of it."""

    sip_ip: str = setting("127.0.0.1", "address on which FreeSWITCH serves SIP and speech")
    trunk_port: int = setting(5080, "SIP port for the trunk", least=1, most=65535)
    phones_port: int = setting(5060, "SIP port for the phones", least=1, most=65535)
    rtp_first_port: int = setting(16384, "first of the ports for speech", least=1, most=65535)
    rtp_last_port: int = setting(32766, "last of the ports for speech", least=1, most=65535)
    trunk_addresses: list[str] = setting(["127.0.0.1/32"], "who may send calls without a password, as CIDR")
    trunk_proxy: str = setting("", "host or host:port that takes calls to outside numbers; there are none without it")
    phones: list[str] = setting(["8001", "8002", "8003"], "extensions of the phones")
    message_directory: str = setting("", "where the fallback's messages go; `voicemail/unclaimed` in `data` without it")


@dataclass(slots=True)
class Settings:
    """Everything the engine was told. ``site`` holds flows/, prompts/ and data/."""

    site: Path
    switch: SwitchSettings = field(default_factory=SwitchSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    web: WebSettings = field(default_factory=WebSettings)
    freeswitch: FreeswitchSettings = field(default_factory=FreeswitchSettings)
    data: Path = Path("data")

    @property
    def flows(self) -> Path:
        return self.site / "flows"

    @property
    def prompts(self) -> Path:
        return self.site / "prompts"

    @property
    def database(self) -> Path:
        return self.data / "ivrengine.db"

    @property
    def recordings(self) -> Path:
        return self.data / "recordings"

    @property
    def voicemail(self) -> Path:
        return self.data / "voicemail"

    @property
    def unclaimed_messages(self) -> Path:
        """Where FreeSWITCH records callers that no engine answered."""
        directory = self.freeswitch.message_directory
        return self.site / directory if directory else self.voicemail / "unclaimed"

    @property
    def languages(self) -> list[str]:
        return self.engine.languages

    def switch_password(self) -> str:
        """The password for the event socket. Raises SettingsError when its file can't be read or it has more than one line."""
        password = self.switch.password if self.switch.password or not self.switch.password_file else self._password_of_file()
        if not password.isprintable():
            raise SettingsError("the event socket's password has line breaks or other signs that can't be printed")
        return password

    def _password_of_file(self) -> str:
        path = self.site / self.switch.password_file
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"the password file {path} can't be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"the password file {path} is not UTF-8 text") from error


def load_settings(site: Path | str, environ: dict[str, str] | None = None) -> Settings:
    """Settings of ``site``. Raises SettingsError naming file and key for anything that isn't understood."""
    site = Path(site).resolve()
    environ = dict(os.environ) if environ is None else environ
    path = site / FILE_NAME
    document: dict[str, Any] = {}
    if path.exists():
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"{path} can't be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"{path} is not UTF-8 text (byte {error.start})") from error
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"{path}: {error}") from error
    settings = Settings(site=site)
    sections = {"switch": settings.switch, "engine": settings.engine, "web": settings.web, "freeswitch": settings.freeswitch}
    data = document.pop("data", None)
    for name, section in sections.items():
        _fill(section, document.pop(name, {}), environ, name, path)
    if document:
        known = ", ".join(f"[{name}]" for name in sections)
        raise SettingsError(f"{path}: unknown section or key {next(iter(document))!r}; known are {known} and data")
    if not isinstance(data, str | None):
        raise SettingsError(f"{path}: data must be a text, not {data!r}")
    settings.data = site / (environ.get("IVRENGINE_DATA") or data or "data")
    _check_engine(settings.engine, path)
    return settings


def _check_engine(engine: EngineSettings, path: Path) -> None:
    """What only the whole value can tell."""
    for language in engine.languages:
        if not is_language(language):
            raise SettingsError(f"{path}: engine.languages: {language!r} can't name a language: write it like zh-CN or en-US")
    if not engine.languages:
        raise SettingsError(f"{path}: engine.languages: at least one language is needed")
    try:
        ZoneInfo(engine.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(f"{path}: engine.timezone: there is no time zone {engine.timezone!r}; write it like Asia/Shanghai") from error


def _fill(section: Any, values: Any, environ: dict[str, str], name: str, path: Path) -> None:
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: [{name}] must be a section")
    known = {f.name: f for f in fields(section)}
    for key in values:
        if key not in known:
            raise SettingsError(f"{path}: unknown key {key!r} in [{name}]; known are {', '.join(known)}")
    for key, described in known.items():
        default, variable = getattr(section, key), f"IVRENGINE_{name}_{key}".upper()
        if variable in environ:
            place, value = variable, _convert(environ[variable], default, variable)
        elif key in values:
            place = f"{path}: {name}.{key}"
            value = _check(values[key], default, place, secret=described.metadata["secret"])
        else:
            continue
        _check_bounds(value, described.metadata, place)
        setattr(section, key, value)


def _check_bounds(value: Any, bounds: Mapping[str, Any], place: str) -> None:
    if isinstance(value, int | float) and not bounds["least"] <= value <= bounds["most"]:
        raise SettingsError(f"{place} must be {bounds['least']:g} to {bounds['most']:g}, not {value:g}")
    if bounds["form"] and not re.fullmatch(bounds["form"], value):
        raise SettingsError(f"{place}: {value[:60]!r} can't be used: letters, digits and dashes are needed")


def _convert(text: str, default: Any, place: str) -> Any:
    if isinstance(default, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return type(default)(text)
    except ValueError as error:
        raise SettingsError(f"{place}: {text!r} is not a {KINDS[type(default)]}") from error


def _check(value: Any, default: Any, place: str, *, secret: bool) -> Any:
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise SettingsError(f"{place} must be a {KINDS[type(default)]}" + ("" if secret else f", not {value!r}"))
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        raise SettingsError(f"{place} must be a list of texts")
    return value
