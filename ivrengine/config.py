"""Settings: where the site lies and how to reach the switch.

Read from ``ivrengine.toml`` in the site directory; an environment variable ``IVRENGINE_<SECTION>_<KEY>`` wins over the
file. Unknown keys and wrong types are refused with their place. The switch's password is never shown: it may be given by
``password_file`` instead, which ``fs render`` writes.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from .errors import SettingsError

FILE_NAME = "ivrengine.toml"
STOCK_PASSWORD = "ClueCon"


@dataclass(slots=True)
class SwitchSettings:
    """How to reach FreeSWITCH or the embedded switch; the only thing that differs between them."""

    host: str = "127.0.0.1"
    port: int = 8021
    password: str = field(default="", repr=False)
    password_file: str = ""
    shard: str = "ivr"  # presence_data of calls that are handed to this engine
    context: str = "ivr"  # dialplan context of the fallback extension
    domain: str = "ivr.local"  # domain of the phones


@dataclass(slots=True)
class EngineSettings:
    """Limits and deadlines of the running engine; all in seconds unless named otherwise."""

    languages: list[str] = field(default_factory=lambda: ["zh-CN", "en-US"])
    max_calls: int = 3000
    drain_seconds: float = 60.0  # on SIGTERM, calls may finish for so long
    deadman_seconds: float = 60.0  # a call whose engine has died goes to the fallback after at most this
    max_call_seconds: float = 4 * 3600.0
    outside_numbers: list[str] = field(default_factory=list)  # where calls may be transferred; * at the end for a prefix
    timezone: str = "Asia/Shanghai"


@dataclass(slots=True)
class FreeswitchSettings:
    """What ``fs render`` fills FreeSWITCH's configuration with; the running engine reads nothing of it."""

    sip_ip: str = "127.0.0.1"
    trunk_port: int = 5080
    phones_port: int = 5060
    rtp_first_port: int = 16384
    rtp_last_port: int = 32766
    trunk_addresses: list[str] = field(default_factory=lambda: ["127.0.0.1/32"])  # who may send calls without a password, as CIDR
    trunk_proxy: str = ""  # host or host:port for calls to outside numbers; none without it
    phones: list[str] = field(default_factory=lambda: ["8001", "8002", "8003"])
    message_directory: str = ""  # where the fallback's messages go; data/voicemail/unclaimed without it


@dataclass(slots=True)
class Settings:
    """Everything the engine was told. ``site`` holds flows/, prompts/ and data/."""

    site: Path
    switch: SwitchSettings = field(default_factory=SwitchSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
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
        """The password for the event socket. Raises SettingsError when its file can't be read."""
        if self.switch.password or not self.switch.password_file:
            return self.switch.password
        path = self.site / self.switch.password_file
        try:
            return path.read_text().strip()
        except OSError as error:
            raise SettingsError(f"the password file {path} can't be read: {error.strerror}") from error


def load_settings(site: Path | str, environ: dict[str, str] | None = None) -> Settings:
    """Settings of ``site``. Raises SettingsError naming file and key for anything that isn't understood."""
    site = Path(site).resolve()
    environ = dict(os.environ) if environ is None else environ
    path = site / FILE_NAME
    document: dict[str, Any] = {}
    if path.exists():
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"{path}: {error}") from error
    settings = Settings(site=site)
    sections = {"switch": settings.switch, "engine": settings.engine, "freeswitch": settings.freeswitch}
    data = document.pop("data", None)
    for name, section in sections.items():
        _fill(section, document.pop(name, {}), environ, name, path)
    if document:
        known = ", ".join(f"[{name}]" for name in sections)
        raise SettingsError(f"{path}: unknown section or key {next(iter(document))!r}; known are {known} and data")
    settings.data = site / (environ.get("IVRENGINE_DATA") or data or "data")
    if settings.engine.deadman_seconds < 10:
        raise SettingsError(f"{path}: engine.deadman_seconds must be at least 10")
    return settings


def _fill(section: Any, values: Any, environ: dict[str, str], name: str, path: Path) -> None:
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: [{name}] must be a section")
    known = {f.name: getattr(section, f.name) for f in fields(section)}
    for key in values:
        if key not in known:
            raise SettingsError(f"{path}: unknown key {key!r} in [{name}]; known are {', '.join(known)}")
    for key, default in known.items():
        variable = f"IVRENGINE_{name}_{key}".upper()
        if variable in environ:
            setattr(section, key, _convert(environ[variable], default, variable))
        elif key in values:
            setattr(section, key, _check(values[key], default, f"{path}: {name}.{key}"))


def _convert(text: str, default: Any, place: str) -> Any:
    if isinstance(default, list):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return type(default)(text)
    except ValueError as error:
        raise SettingsError(f"{place}: {text!r} is not a {type(default).__name__}") from error


def _check(value: Any, default: Any, place: str) -> Any:
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise SettingsError(f"{place} must be a {type(default).__name__}, not {value!r}")
    if isinstance(value, list) and not all(isinstance(item, str) for item in value):
        raise SettingsError(f"{place} must be a list of texts")
    return value
