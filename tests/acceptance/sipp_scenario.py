"""sipp's scenario for one caller who does what a test tells him while the call is up.

sipp itself knows fixed scenarios only. Here, once the call is answered, it waits for commands on its third-party-control connection
(``-3pcc``): ``press`` sends a SIP INFO, ``leave`` sends BYE. What became of the call it appends to a file: ``refused CODE``, ``left``
(the caller hung up or gave up), ``released`` (the switch hung up).
"""

from __future__ import annotations

import shlex
from pathlib import Path

REFUSALS = (400, 401, 403, 404, 407, 408, 480, 486, 487, 488, 500, 503, 603)

_HEAD = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: {shown}<sip:{caller}@[local_ip]:[local_port]>;tag=[call_number]
"""

_INVITE = (
    "INVITE sip:{number}@[remote_ip]:[remote_port] SIP/2.0\n"
    + _HEAD
    + """To: <sip:{number}@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:{caller}@[local_ip]:[local_port]>
Max-Forwards: 70
Allow: INVITE, ACK, BYE, CANCEL, INFO, OPTIONS
Content-Type: application/sdp
Content-Length: [len]

v=0
o=caller 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio {rtp_port} RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
a=sendrecv"""
)

# Within the INVITE's own transaction: the Via that the switch sends back.
_TRANSACTION = """{method} sip:{number}@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
CSeq: 1 {method}
Max-Forwards: 70
Content-Length: 0"""

_IN_CALL = (
    "{method} [next_url] SIP/2.0\n"
    + _HEAD
    + """To: <sip:{number}@[remote_ip]:[remote_port]>[peer_tag_param]
[routes]
Call-ID: [call_id]
CSeq: {sequence} {method}
Contact: <sip:{caller}@[local_ip]:[local_port]>
Max-Forwards: 70
"""
)

_INFO = _IN_CALL + "Content-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal=[$key]\nDuration=160\n"
_ANSWERED = "Call-ID: [call_id]\nAnswered: [$port]"
_EMPTY = "Content-Length: 0"
_OK = "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0"


def scenario(number: str, caller: str, name: str, *, rtp_port: int, note: Path, give_up_seconds: float | None) -> str:
    """The scenario's XML; ``note`` is the file for what became of the call. With ``give_up_seconds`` the caller hangs up so soon
    and must not be answered before. Raises ValueError for text that sipp can't send."""
    for text in (number, caller, name):
        if "]]>" in text or "[" in text or "\n" in text:
            raise ValueError(f"sipp can't send {text!r}")
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    known = {"number": number, "caller": caller, "shown": f'"{quoted}" ' if name else "", "rtp_port": rtp_port}

    def message(text: str, **more: object) -> str:
        return f"<![CDATA[\n{text.format(**known, **more)}\n\n]]>"

    def tell(text: str) -> str:
        # tee, because sipp hands `>>` to the shell as the entities that it was written with
        return f'<action><exec command="echo {text} | tee -a {shlex.quote(str(note))}"/></action>'

    if give_up_seconds is not None:
        return f"""<?xml version="1.0" encoding="UTF-8"?>
<scenario name="a caller who gives up">
<send retrans="500">{message(_INVITE)}</send>
<recv response="100"/>
<pause milliseconds="{round(give_up_seconds * 1000)}"/>
<send retrans="500">{message(_TRANSACTION, method="CANCEL")}</send>
<recv response="200"/>
<recv response="487">{tell("left")}</recv>
<send>{message(_TRANSACTION, method="ACK")}</send>
</scenario>
"""
    refusals = "".join(f'<recv response="{code}" optional="true" next="refused">{tell(f"refused {code}")}</recv>' for code in REFUSALS)
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<scenario name="caller">
<send retrans="500">{message(_INVITE)}</send>
<recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="183" optional="true"/>
{refusals}
<recv request="BYE" optional="global" next="released">{tell("released")}</recv>
<recv response="200" rrs="true">
<action><ereg regexp="m=audio ([0-9]+)" search_in="body" check_it="true" assign_to="whole,port"/></action></recv>
<send>{message(_IN_CALL + _EMPTY, method="ACK", sequence=1)}</send>
<sendCmd>{message(_ANSWERED)}</sendCmd>
<label id="next_command"/>
<recvCmd><action><ereg regexp="Do: (leave)" search_in="msg" assign_to="whole,leave"/>
<ereg regexp="Key: (.)" search_in="msg" assign_to="whole,key"/></action></recvCmd>
<Reference variables="whole"/>
<nop next="leave" test="leave"/>
<send retrans="500">{message(_INFO, method="INFO", sequence="[cseq]")}</send>
<recv response="200" next="next_command"/>
<label id="leave"/><send retrans="500">{message(_IN_CALL + _EMPTY, method="BYE", sequence=900)}</send>
<recv response="200" next="end">{tell("left")}</recv>
<label id="refused"/><send next="end">{message(_TRANSACTION, method="ACK")}</send>
<label id="released"/><send>{message(_OK)}</send>
<nop next="end"/>
<label id="end"/>
</scenario>
"""
    for label, identifier in {"refused": 1, "released": 2, "end": 3, "next_command": 4, "leave": 5}.items():
        text = text.replace(f'id="{label}"', f'id="{identifier}"').replace(f'next="{label}"', f'next="{identifier}"')
    return text
