"""Many equal callers at once: sipp calls a number so many times a second, presses 1 by SIP INFO and waits for the switch to hang up."""

from __future__ import annotations

import csv
import subprocess
from dataclasses import dataclass
from pathlib import Path

IP = "127.0.0.1"
KEY_AFTER_MS = 300  # from the answer: the prompt of 100 ms has ended
PATIENCE_MS = 4500  # for any message of the switch; the switch's own fallback takes a call that nobody claims after 5 s
CALLS_AT_ONCE = 2000
LONGEST_SECONDS = 120

_SCENARIO = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="answer, key, end">
<send retrans="500"><![CDATA[
INVITE sip:{number}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:13800138000@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:{number}@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:13800138000@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=caller 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [rtpstream_audio_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
]]></send>
<recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="183" optional="true"/>
<recv response="200" rrs="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:13800138000@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:{number}@[remote_ip]:[remote_port]>[peer_tag_param]
[routes]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<nop><action><exec rtp_stream="{speech},-1,8"/></action></nop>
<pause milliseconds="{key_after_ms}"/>
<send retrans="500"><![CDATA[
INFO [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:13800138000@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:{number}@[remote_ip]:[remote_port]>[peer_tag_param]
[routes]
Call-ID: [call_id]
CSeq: 2 INFO
Max-Forwards: 70
Content-Type: application/dtmf-relay
Content-Length: [len]

Signal=1
Duration=160
]]></send>
<recv response="200"/>
<recv request="BYE"/>
<nop><action><exec rtp_stream="pause"/></action></nop>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
</scenario>
"""


@dataclass(frozen=True)
class Load:
    """What became of the callers."""

    good: int
    failed: int


class SippLoad:
    """Callers of the switch on ``port``. What they would hear goes into a socket that nobody reads."""

    def __init__(self, work: Path, port: int) -> None:
        self._work = work
        self._port = port
        self._runs = 0
        self._speech = work / "speech.alaw"
        self._speech.write_bytes(b"\xd5" * 8000)

    def call(self, number: str, calls: int, calls_per_second: float) -> Load:
        """Place ``calls`` and wait until all are over. Raises RuntimeError where sipp itself fails."""
        self._runs += 1
        work = self._work / f"sipp-{self._runs:03d}"
        work.mkdir(parents=True)
        (work / "scenario.xml").write_text(
            _SCENARIO.format(number=number, speech=self._speech, key_after_ms=KEY_AFTER_MS)
        )
        command = ["sipp", f"{IP}:{self._port}", "-sf", "scenario.xml", "-i", IP, "-nostdin", "-m", str(calls)]
        command += ["-r", f"{calls_per_second:g}", "-l", str(CALLS_AT_ONCE), "-recv_timeout", str(PATIENCE_MS)]
        command += ["-trace_stat", "-stf", "stat.csv", "-fd", "1", "-trace_err", "-timeout", f"{LONGEST_SECONDS}s"]
        with open(work / "output.txt", "wb") as output:
            done = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False)
        if done.returncode not in (0, 1):  # 1: some calls failed
            raise RuntimeError(f"sipp ended with {done.returncode}: {(work / 'output.txt').read_text('utf-8', 'replace')[-1000:]}")
        with open(work / "stat.csv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter=";"))
        good = int(rows[-1]["SuccessfulCall(C)"])
        return Load(good, calls - good)

