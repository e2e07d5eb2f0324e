"""The embedded switch: a simulated FreeSWITCH behind an event socket, for the demo, for trying flows, and for tests.

An engine connects to it as to a real FreeSWITCH and can't tell the two apart by what it reads: framing, replies, event
names, headers and orders follow FreeSWITCH 1.10.12. There are no SIP and no sound on a wire: callers and phones are
simulated, files have their real lengths, and a recording holds what the caller was told to say. It refuses to listen on
anything but loopback, and knows only the commands and applications in ``api*.py`` and ``apps.py``, ``playing.py``,
``recording.py``, ``bridging.py``, ``eavesdropping.py``; XML events, conferences, fax and speech are not simulated.

Reading order: server (listens) -> session (one connection) -> commands -> api -> channel (one leg of a call) ->
applications -> playing, recording -> originating, bridging, uuid_bridging, soft_execute, eavesdropping, referring; callers and
phones are the people at the other ends; clock and routine are time.

``SimSwitch(host, port, password, sounds_dir=, recordings_dir=, numbers=, speed=)`` from ``server`` is all that a program
needs. With ``speed`` above 1 simulated time runs that much faster than the clock on the wall, timers of the dialplan
included, while every duration and time stamp that is told stays true in simulated time.

Control: the api command ``sim``
--------------------------------
Over the event socket, the JSON on the same line. Replies are ``+OK ...`` or ``-ERR`` and a sentence.

``sim call {"number": "2000", "from": "13800138000", "name": "Li", "script": [...], "uuid": "..."}`` -> ``+OK <uuid>``
    A call from outside. Only ``number`` is needed. Script steps, one key each:
    ``{"wait": seconds}``; ``{"press": "12#"}``; ``{"after_prompt": true}`` waits until a prompt that plays, or the next
    one, has ended and 0.3 s were quiet; ``{"press_after_prompt": "1"}`` does both; ``{"until_recording": true}`` waits
    until a recording begins; ``{"speak": "/path.wav"}`` says what the file holds and waits until it is said;
    ``{"until_talking": true}`` waits until it is connected; ``{"hold": true}`` and ``{"hold": false}``, ``{"refer": "8002"}`` are
    a phone's hold and transfer keys; ``{"hangup": true}``. A caller whose script has ended stays on the line. Keys and speech
    wait for the answer.
``sim phone {"extension": "8001", "behaviour": "answer", "after": 1.0, "talk": 5, "script": [...]}`` -> ``+OK``
    How an extension, or an outside number, behaves from now on: ``answer``, ``no_answer``, ``reject``, ``busy``,
    ``unregistered``, ``absent``, ``by_hand``. ``after``: seconds until it answers or refuses (2). ``talk``: seconds from when it is
    connected until it hangs up (never). ``script``: what its user does once it has answered.
    8001 to 8009 and every outside number answer from the start; other extensions are absent.
    A phone ``by_hand`` rings until ``sim answer <uuid>`` or ``sim reject <uuid>``; it is left alone by others' ``sim phone`` until one
    has ``"release": true``. ``"remote": true`` (so is every phone by hand): it answers when ``uuid_phone_event <uuid> talk`` or the
    variable sip_auto_answer says so. ``sim by_hand`` -> the list of those phones.
``sim line <extension>`` -> ``[{"uuid", "rung", "answered", "talking", "number", "name"}, ...]``
    The calls that are up at a phone, rung or placed by it, with the other side's number.
``sim serve <number>`` -> ``+OK``
    Calls to that number are handed to the engine too.
``sim dial {"extension": "8001", "number": "*90", "script": [...], "uuid": "..."}`` -> ``+OK <uuid>``
    A phone places a call, in the context ``phones``; there the dialplan sets ``ivr_phone``. Refused where it is unregistered.
``sim press <uuid> <keys>``, ``sim speak <uuid> <path>``, ``sim hold <uuid>``, ``sim unhold <uuid>``, ``sim hangup <uuid>`` -> ``+OK``
    Make the person at the other end of a channel do something now. What is spoken while something is being said is said after it.
``sim refer <uuid> <number>``, ``sim refer <uuid> with <uuid of the phone's other call>`` -> ``+OK``
    A phone transfers its call: blind, or attended.
``sim heard <uuid>`` -> ``[{"at_ms", "path", "played_ms", "outcome"}, ...]``
    What that person has heard, a row for each file; ``outcome`` is played, stopped, missing or playing; ``at_ms`` counts
    from the start of the call. Kept after the hang-up for the last thousand calls.
``sim overheard <uuid>`` -> ``[{"at_ms", "path", "length_ms"}, ...]``
    What that person has heard other people say: the files they spoke.
``sim fault {...}`` -> ``+OK``
    ``{"drop": "notice"}`` cuts every connection but this one after a disconnect notice; ``"silent"`` without one,
    ``"reset"`` with a TCP reset, ``"truncated"`` in the middle of an event. ``{"refuse": "api uuid_kill", "reply":
    "-ERR No", "times": 2}`` answers commands that start so and does nothing else with them. ``{"lose_file": "a.wav"}``
    makes a file missing, ``{"find_file": "a.wav"}`` brings it back. ``{"delay_events": 0.5}`` holds events back for so
    many seconds. ``{"reject": 1}`` answers the next connection with a rude rejection. ``{"restart": "silent", "down": 2}``
    (or ``"notice"``) loses every call without an event, accepts nobody for so long, and comes back with another Core-UUID.
    ``{"uuid_bridge": "second", "at": "waiting", "times": 1}``: at the next uuid_bridge its "first" or "second" channel hangs up:
    when it is "scheduled" (nobody has moved yet), while the first is "waiting" for the second, when it is "bridged", or so many
    milliseconds after the command. ``{"delay_channel": 2}``: the next originate takes so many seconds until there is a channel.
    ``{"other_uuid": true}``: the next leg does not get its origination_uuid. ``{"clear": true}`` ends all of them.
``sim speed`` -> ``+OK 20``
"""
