"""Fills the templates in ``freeswitch-conf/`` and brings the result to a directory, touching only what it wrote itself.

``render`` is pure: settings, numbers, passwords and templates in, files out. ``plan`` compares them with what lies in the
directory and with the manifest of the last rendering; ``write`` carries a plan out.

Refuses, before the first byte is written: a value that FreeSWITCH would misread (a number that is none, a path with a space), a
file that somebody else wrote or changed, a password that everybody knows.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any
from xml.sax.saxutils import escape

from ..config import STOCK_PASSWORD, Settings
from ..errors import IvrEngineError

TEMPLATES = Path(__file__).resolve().parents[2] / "freeswitch-conf"
MANIFEST = ".ivrengine-manifest.json"
PASSWORDS = "passwords"
ESL_PASSWORD_FILE = f"{PASSWORDS}/event-socket"
PHONE_TEMPLATE = PurePosixPath("directory/phones/phone.xml")
GATEWAY_TEMPLATE = PurePosixPath("sip_profiles/gateways/trunk.xml")
SECRET_FILES = ("autoload_configs/event_socket.conf.xml", "directory/phones/*", f"{PASSWORDS}/*")
CLAIM_SECONDS = 5  # the engine claims a call within some 20 ms; a caller waits this long where there is none
# Any code in this range reaches the engine, so that a new one needs no new rendering. Digits behind a code are its argument.
FEATURE_CODES = r"\*9[0-9]{1,19}"
SESSIONS_PER_SECOND = 200
PASSWORD_CHARACTERS = string.ascii_letters + string.digits
PASSWORD_LENGTH = 24
PHONES_LIMIT = 1000
RESERVED_CONTEXTS = ("public", "phones", "transfer", "leg_transfer")
NUMBERS_LIMIT = 1000

_PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}")
_NUMBER = re.compile(r"\+?[0-9]{0,20}\*?")
_PHONES_ONLY = re.compile(r"\*[0-9]{1,20}\*?")
_PHONE = re.compile(r"[0-9]{2,10}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
_PROXY = re.compile(r"[A-Za-z0-9.-]{1,200}(:[0-9]{1,5})?")
_PASSWORD = re.compile(r"[A-Za-z0-9._~-]{8,80}")
# `record` splits its argument on spaces and FreeSWITCH expands or splits on the rest.
_BAD_IN_PATH = re.compile(r"[\s$(){}\[\]'\"`,;&<>|!^\\]")


class RenderError(IvrEngineError):
    """FreeSWITCH's configuration can't be rendered."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a rendering would do to a directory: ``files`` all of it by relative path; ``removed`` ours that are of no use now."""

    out: Path
    files: Mapping[str, bytes]
    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passwords:
    """The secrets of a rendering; kept from one rendering to the next in ``passwords/``."""

    event_socket: str = field(repr=False)
    phones: Mapping[str, str] = field(repr=False)


def numbers_expression(numbers: Sequence[str]) -> str:
    """A dialplan expression for the numbers that callers from outside may dial; ``*`` at the end of a number stands for any further
    digits. Numbers that begin with ``*`` are left out: see ``feature_codes_expression``.

    Raises RenderError for anything that is not a number, so nothing of a number reaches FreeSWITCH as a pattern.
    """
    if len(numbers) > NUMBERS_LIMIT:
        raise RenderError(f"{len(numbers)} numbers are more than {NUMBERS_LIMIT}: use patterns such as 4008*")
    parts = []
    for number in numbers:
        if _PHONES_ONLY.fullmatch(number):
            continue
        if not number or number == "+" or not _NUMBER.fullmatch(number):
            raise RenderError(f"{number!r} is not a number: digits, + at the start, * at the end for any further digits")
        parts.append(_pattern(number))
    if not parts:
        raise RenderError("no flow says which numbers it serves: write `numbers:` in a flow, or give --numbers")
    return f"^({'|'.join(dict.fromkeys(parts))})$"


def feature_codes_expression(numbers: Sequence[str]) -> str:
    """A dialplan expression for what only phones of the house may dial: *90 and up, and every listed number that begins with ``*``."""
    listed = [_pattern(number) for number in numbers if _PHONES_ONLY.fullmatch(number)]
    return f"^({'|'.join(dict.fromkeys([FEATURE_CODES, *listed]))})$"


def _pattern(number: str) -> str:
    further = number.endswith("*")
    return re.escape(number[:-1] if further else number) + ("[0-9]*" if further else "")


def phones_expression(phones: Sequence[str]) -> str:
    """A dialplan expression for the phones; one that matches nothing where there are none."""
    for phone in phones:
        if not _PHONE.fullmatch(phone):
            raise RenderError(f"phone {phone!r}: 2 to 10 digits are needed")
    if len(phones) > PHONES_LIMIT:
        raise RenderError(f"{len(phones)} phones are more than {PHONES_LIMIT}")
    if len(set(phones)) != len(phones):
        raise RenderError("a phone is listed twice")
    return f"^({'|'.join(phones)})$" if phones else "(?!)"


def template_values(settings: Settings, numbers: Sequence[str], passwords: Passwords) -> dict[str, str]:
    """Every placeholder's value, checked but not yet escaped."""
    ours = settings.freeswitch
    _need_ports(settings)
    for what, name in (
        ("domain", settings.switch.domain),
        ("shard", settings.switch.shard),
        ("context", settings.switch.context),
    ):
        if not _NAME.fullmatch(name):
            raise RenderError(f"switch.{what} {name!r}: letters, digits, dots and dashes are needed")
    if settings.switch.context in RESERVED_CONTEXTS:
        raise RenderError(f"switch.context can't be {settings.switch.context!r}: that context is another's")
    if ours.trunk_proxy and not _PROXY.fullmatch(ours.trunk_proxy):
        raise RenderError(f"freeswitch.trunk_proxy {ours.trunk_proxy!r} is not a host or host:port")
    try:
        sip_ip = str(ipaddress.ip_address(ours.sip_ip))
        trunks = ",".join(str(ipaddress.ip_network(address)) for address in ours.trunk_addresses)
    except ValueError as error:
        raise RenderError(f"[freeswitch]: {error}") from error
    messages = str(settings.unclaimed_messages)
    if _BAD_IN_PATH.search(messages):
        raise RenderError(
            f"FreeSWITCH can't record to {messages!r}: choose freeswitch.message_directory without spaces and punctuation"
        )
    return {
        "max_sessions": str(2 * settings.engine.max_calls),
        "sessions_per_second": str(SESSIONS_PER_SECOND),
        "rtp_first_port": str(ours.rtp_first_port),
        "rtp_last_port": str(ours.rtp_last_port),
        "esl_port": str(settings.switch.port),
        "esl_password": passwords.event_socket,
        "sip_ip": sip_ip,
        "trunk_port": str(ours.trunk_port),
        "phones_port": str(ours.phones_port),
        "trunk_addresses": trunks or "0.0.0.0/32",
        "trunk_proxy": ours.trunk_proxy,
        "domain": settings.switch.domain,
        "shard": settings.switch.shard,
        "context": settings.switch.context,
        "numbers": numbers_expression(numbers),
        "phones": phones_expression(ours.phones),
        "feature_codes": feature_codes_expression(numbers),
        "claim_seconds": str(CLAIM_SECONDS),
        "message_directory": messages,
    }


def _need_ports(settings: Settings) -> None:
    ours = settings.freeswitch
    named = {
        "switch.port": settings.switch.port,
        "freeswitch.trunk_port": ours.trunk_port,
        "freeswitch.phones_port": ours.phones_port,
        "freeswitch.rtp_first_port": ours.rtp_first_port,
        "freeswitch.rtp_last_port": ours.rtp_last_port,
    }
    for name, port in named.items():
        if not 1 <= port <= 65535:
            raise RenderError(f"{name}: {port} is not a port")
    if ours.trunk_port == ours.phones_port:
        raise RenderError(f"trunk and phones can't share port {ours.trunk_port}")
    if ours.rtp_last_port - ours.rtp_first_port < 3:
        raise RenderError("freeswitch.rtp_first_port to rtp_last_port: a call needs two ports, a connected call four")
    for name in ("freeswitch.trunk_port", "freeswitch.phones_port"):
        if ours.rtp_first_port <= named[name] <= ours.rtp_last_port:
            raise RenderError(f"{name} {named[name]} lies among the ports for speech")


def fill(template: str, values: Mapping[str, str], name: str) -> str:
    """``template`` with each ``{{placeholder}}`` replaced by its value, escaped for XML and for FreeSWITCH's preprocessor."""

    def value_of(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise RenderError(f"template {name}: unknown placeholder {match[1]!r}")
        # `$${...}` would be expanded before the XML is parsed; as a character reference it is only text.
        return escape(values[match[1]], {'"': "&quot;", "$$": "&#36;&#36;"})

    text = _PLACEHOLDER.sub(value_of, template)
    for number, line in enumerate(text.splitlines(), 1):
        # The preprocessor drops the whole line, with whatever else stands on it.
        if re.search(r"</?include>", line) and line.strip() not in ("<include>", "</include>"):
            raise RenderError(f"template {name}:{number}: <include> must stand on a line of its own")
    return text


def render(settings: Settings, numbers: Sequence[str], passwords: Passwords, templates: Path = TEMPLATES) -> dict[str, bytes]:
    """All files of a configuration by relative path. Raises RenderError for values that FreeSWITCH would misread."""
    if not (templates / "freeswitch.xml").is_file():
        raise RenderError(f"the templates are not at {templates}: run from a checkout, or reinstall")
    values = template_values(settings, numbers, passwords)
    files: dict[str, bytes] = {}
    for path in sorted(templates.rglob("*")):
        name = PurePosixPath(path.relative_to(templates).as_posix())
        if not path.is_file() or name.suffix == ".md":
            continue
        if name.suffix not in (".xml", ".inc"):
            files[str(name)] = path.read_bytes()
        elif name == PHONE_TEMPLATE:
            for phone in settings.freeswitch.phones:
                own = {"phone": phone, "phone_password": passwords.phones[phone]}
                files[str(name.with_name(f"{phone}.xml"))] = fill(path.read_text("utf-8"), own, str(name)).encode()
        elif name != GATEWAY_TEMPLATE or settings.freeswitch.trunk_proxy:
            files[str(name)] = fill(path.read_text("utf-8"), values, str(name)).encode()
    files[ESL_PASSWORD_FILE] = passwords.event_socket.encode() + b"\n"
    for phone in settings.freeswitch.phones:
        files[f"{PASSWORDS}/phone-{phone}"] = passwords.phones[phone].encode() + b"\n"
    return files


def passwords_in(out: Path, settings: Settings) -> Passwords:
    """The passwords of an earlier rendering in ``out``; fresh ones where there are none. A password set in the settings wins."""
    phones_expression(settings.freeswitch.phones)
    given = settings.switch.password
    event_socket = _checked(given, "switch.password") if given else _kept_or_new(out / ESL_PASSWORD_FILE)
    return Passwords(
        event_socket, {phone: _kept_or_new(out / PASSWORDS / f"phone-{phone}") for phone in settings.freeswitch.phones}
    )


def _kept_or_new(path: Path) -> str:
    try:
        return _checked(path.read_text("utf-8").strip(), str(path))
    except FileNotFoundError:
        return "".join(secrets.choice(PASSWORD_CHARACTERS) for _ in range(PASSWORD_LENGTH))
    except (OSError, UnicodeDecodeError) as error:
        raise RenderError(f"{path} can't be read: {error}") from error


def _checked(password: str, place: str) -> str:
    if password == STOCK_PASSWORD:
        raise RenderError(f"{place}: {STOCK_PASSWORD} is FreeSWITCH's stock password, which everybody knows")
    if not _PASSWORD.fullmatch(password):
        raise RenderError(f"{place}: a password of 8 to 80 letters, digits and . _ ~ - is needed")
    return password


def plan(out: Path, files: Mapping[str, bytes]) -> Plan:
    """What writing ``files`` to ``out`` would do. ``refused`` names each file that is in the way, with the reason."""
    ours = _manifest(out)
    written, removed, unchanged, refused = [], [], [], []
    for name, content in files.items():
        path = out / name
        if any(parent.is_symlink() or (parent.exists() and not parent.is_dir()) for parent in _parents_inside(out, path)):
            refused.append(f"{path}: lies in something that is not a plain directory")
        elif path.is_symlink() or (path.exists() and not path.is_file()):
            refused.append(f"{path}: is not a plain file")
        elif not path.exists():
            written.append(name)
        elif path.read_bytes() == content:
            unchanged.append(name)
        elif name.startswith(f"{PASSWORDS}/"):
            written.append(name)  # the same password (or a new one given in the settings), another line ending
        elif name not in ours:
            refused.append(f"{path}: was not written by this command")
        elif _hash(path.read_bytes()) != ours[name]:
            refused.append(f"{path}: was changed since it was written")
        else:
            written.append(name)
    for name in sorted(ours.keys() - files.keys()):
        path = out / name
        if not path.exists():
            continue
        if _hash(path.read_bytes()) == ours[name]:
            removed.append(name)
        else:
            refused.append(f"{path}: is needed no more, but was changed since it was written")
    return Plan(out, files, tuple(written), tuple(removed), tuple(unchanged), tuple(refused))


def write(plan: Plan) -> None:
    """Carry ``plan`` out. Raises RenderError, with nothing written, when it holds refusals."""
    if plan.refused:
        raise RenderError(
            "\n".join((*plan.refused, "Nothing was written. Move these files away, or render to another directory."))
        )
    try:
        for name in plan.written:
            _write_file(plan.out / name, plan.files[name], secret=is_secret(name))
        for name in plan.unchanged:
            if is_secret(name):
                (plan.out / name).chmod(0o600)
        for name in plan.removed:
            (plan.out / name).unlink()
        manifest = {"files": {name: _hash(content) for name, content in sorted(plan.files.items())}}
        _write_file(plan.out / MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode(), secret=False)
    except OSError as error:
        raise RenderError(f"{error.filename or plan.out}: {error.strerror}") from error


def is_secret(name: str) -> bool:
    return any(PurePosixPath(name).match(pattern) for pattern in SECRET_FILES)


def _write_file(path: Path, content: bytes, *, secret: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    # Created with its final mode: a secret is never readable by others, not even for an instant.
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644)
    with open(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)


def _parents_inside(out: Path, path: Path) -> list[Path]:
    return [parent for parent in path.parents if parent != out and out in parent.parents]


def _manifest(out: Path) -> dict[str, str]:
    path = out / MANIFEST
    try:
        document: Any = json.loads(path.read_text("utf-8"))
        files = document["files"]
        if not all(isinstance(name, str) and isinstance(value, str) and _is_inside(name) for name, value in files.items()):
            raise ValueError("not a list of files")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RenderError(f"{path} can't be understood ({error}): render to another directory") from error
    return files


def _is_inside(name: str) -> bool:
    pure = PurePosixPath(name)
    return not pure.is_absolute() and ".." not in pure.parts


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
