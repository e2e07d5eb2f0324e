"""The headers that describe a channel in an event, a ``uuid_dump`` or a row of ``show channels``."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .events import EXTENDED, Headers

if TYPE_CHECKING:
    from .channel import Channel

CODEC, RATE, BIT_RATE = "PCMA", "8000", "64000"


@dataclass
class Times:
    """Instants of a call in microseconds since 1970, 0 where not reached."""

    created: int = 0
    answered: int = 0
    progress: int = 0
    progress_media: int = 0
    hungup: int = 0
    transferred: int = 0
    bridged: int = 0


@dataclass
class Profile:
    """Who calls whom, as FreeSWITCH's caller profile. Text comes from strangers: anything may stand in it."""

    caller_id_name: str = ""
    caller_id_number: str = ""
    destination: str = ""
    dialplan: str = "XML"
    context: str = "public"
    direction: str = "inbound"
    logical_direction: str = "inbound"
    callee_id_name: str = ""
    callee_id_number: str = ""
    rdnis: str = ""
    transfer_source: str = ""
    index: int = 1
    times: Times = field(default_factory=Times)


def profile_headers(profile: Profile, prefix: str, uuid: str, channel_name: str) -> Headers:
    pairs = [
        ("Direction", profile.direction),
        ("Logical-Direction", profile.logical_direction),
    ]
    for name, value in (
        ("Username", profile.caller_id_number),
        ("Dialplan", profile.dialplan),
        ("Caller-ID-Name", profile.caller_id_name),
        ("Caller-ID-Number", profile.caller_id_number),
        ("Orig-Caller-ID-Name", profile.caller_id_name),
        ("Orig-Caller-ID-Number", profile.caller_id_number),
        ("Callee-ID-Name", profile.callee_id_name),
        ("Callee-ID-Number", profile.callee_id_number),
        ("Network-Addr", "127.0.0.1"),
        ("ANI", profile.caller_id_number),
        ("Destination-Number", profile.destination),
        ("Unique-ID", uuid),
        ("Source", "mod_sofia"),
        ("Transfer-Source", profile.transfer_source),
        ("Context", profile.context),
        ("RDNIS", profile.rdnis),
        ("Channel-Name", channel_name),
        ("Profile-Index", str(profile.index) if prefix == "Caller" else ""),
    ):
        if value:
            pairs.append((name, value))
    times = profile.times
    pairs += [
        ("Profile-Created-Time", str(times.created)),
        ("Channel-Created-Time", str(times.created)),
        ("Channel-Answered-Time", str(times.answered)),
        ("Channel-Progress-Time", str(times.progress)),
        ("Channel-Progress-Media-Time", str(times.progress_media)),
        ("Channel-Hangup-Time", str(times.hungup)),
        ("Channel-Transfer-Time", str(times.transferred)),
        ("Channel-Resurrect-Time", "0"),
        ("Channel-Bridged-Time", str(times.bridged)),
        ("Channel-Last-Hold", "0"),
        ("Channel-Hold-Accum", "0"),
        ("Screen-Bit", "true"),
        ("Privacy-Hide-Name", "false"),
        ("Privacy-Hide-Number", "false"),
    ]
    return [(f"{prefix}-{name}", value) for name, value in pairs]


def answer_state(channel: Channel) -> str:
    if channel.hangup_cause:
        return "hangup"
    if channel.answered:
        return "answered"
    return "early" if channel.early_media else "ringing"


def channel_headers(channel: Channel, event_name: str) -> Headers:
    """As switch_channel_event_set_basic_data, and ..._extended_data for the events that carry variables."""
    variables = channel.variables
    outbound = channel.profile.direction == "outbound"
    headers: Headers = [
        ("Channel-State", channel.running_state.name),
        ("Channel-Call-State", channel.callstate),
        ("Channel-State-Number", str(channel.state.value)),
        ("Channel-Name", channel.name),
        ("Unique-ID", channel.uuid),
        ("Call-Direction", "outbound" if outbound else "inbound"),
        ("Presence-Call-Direction", "outbound" if outbound else "inbound"),
        ("Channel-HIT-Dialplan", "false" if outbound and not channel.hit_dialplan else "true"),
    ]
    if "presence_id" in variables:
        headers.append(("Channel-Presence-ID", variables["presence_id"]))
    if "presence_data" in variables:
        headers.append(("Channel-Presence-Data", variables["presence_data"]))
    headers.append(("Channel-Call-UUID", variables.get("call_uuid", channel.uuid)))
    headers.append(("Answer-State", answer_state(channel)))
    if channel.hangup_cause:
        headers.append(("Hangup-Cause", channel.hangup_cause))
    if channel.media_ready or not outbound:
        for way in ("Read", "Write"):
            headers += [(f"Channel-{way}-Codec-Name", CODEC), (f"Channel-{way}-Codec-Rate", RATE),
                        (f"Channel-{way}-Codec-Bit-Rate", BIT_RATE)]
    headers += profile_headers(channel.profile, "Caller", channel.uuid, channel.name)
    if channel.other_profile is not None:
        kind, profile, uuid, name = channel.other_profile
        headers.append(("Other-Type", kind))
        headers += profile_headers(profile, "Other-Leg", uuid, name)
    if event_name in EXTENDED:
        headers += [(f"variable_{name}", value) for name, value in variables.items()]
    return headers


def channel_row(channel: Channel, hostname: str) -> dict[str, str]:
    """A row of ``show channels``: every column of FreeSWITCH's table, as text."""
    profile = channel.profile
    created = profile.times.created / 1_000_000
    media = channel.media_ready
    return {
        "uuid": channel.uuid,
        "direction": profile.direction,
        "created": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(created)),
        "created_epoch": str(int(created)),
        "name": channel.name,
        "state": channel.running_state.name,
        "cid_name": profile.caller_id_name,
        "cid_num": profile.caller_id_number,
        "ip_addr": "127.0.0.1",
        "dest": profile.destination,
        "application": channel.shown_application,
        "application_data": channel.shown_data,
        "dialplan": profile.dialplan,
        "context": profile.context,
        "read_codec": CODEC if media else "",
        "read_rate": RATE if media else "",
        "read_bit_rate": BIT_RATE if media else "",
        "write_codec": CODEC if media else "",
        "write_rate": RATE if media else "",
        "write_bit_rate": BIT_RATE if media else "",
        "secure": "",
        "hostname": hostname,
        "presence_id": channel.variables.get("presence_id", ""),
        "presence_data": channel.variables.get("presence_data", ""),
        "accountcode": channel.variables.get("accountcode", ""),
        "callstate": channel.callstate,
        "callee_name": profile.callee_id_name,
        "callee_num": profile.callee_id_number,
        "callee_direction": "",
        "call_uuid": channel.variables.get("call_uuid", channel.uuid),
        "sent_callee_name": "",
        "sent_callee_num": "",
        "initial_cid_name": profile.caller_id_name,
        "initial_cid_num": profile.caller_id_number,
        "initial_ip_addr": "127.0.0.1",
        "initial_dest": channel.initial_destination,
        "initial_dialplan": profile.dialplan,
        "initial_context": profile.context,
    }


def set_timestamps(channel: Channel, ended_us: int) -> None:
    """The variables that say when a channel that has ended did what, and for how long."""
    times = channel.profile.times
    billed = ended_us - times.answered if times.answered else 0
    for name, moment in (("start", times.created), ("answer", times.answered), ("bridge", times.bridged), ("end", ended_us)):
        channel.set(f"{name}_epoch", str(moment // 1_000_000))
        channel.set(f"{name}_uepoch", str(moment))
    channel.set("duration", str((ended_us - times.created) // 1_000_000))
    channel.set("mduration", str((ended_us - times.created) // 1000))
    channel.set("billsec", str(billed // 1_000_000))
    channel.set("billmsec", str(billed // 1000))
