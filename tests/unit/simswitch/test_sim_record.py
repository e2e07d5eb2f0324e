"""Recordings hold what the caller said, where it was said, and end when FreeSWITCH would end them."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
import soundfile
from conftest import tone
from simclient import Client

from ivrengine.simswitch.audio import BadAudio, file_duration_ms, load_samples, mix, silence_at_ms

RATE = 8000


def loud_seconds(path: Path) -> list[tuple[float, float]]:
    """Stretches of sound in a file, in seconds, gaps under 0.1 s ignored."""
    samples, rate = soundfile.read(path, dtype="int16")
    frames = numpy.abs(samples[: len(samples) // 80 * 80].reshape(-1, 80).astype(int)).mean(axis=1) > 200
    stretches: list[list[float]] = []
    for index in numpy.flatnonzero(frames):
        moment = index * 80 / rate
        if stretches and moment - stretches[-1][1] < 0.1:
            stretches[-1][1] = moment + 80 / rate
        else:
            stretches.append([moment, moment + 80 / rate])
    return [(round(start, 1), round(end, 1)) for start, end in stretches]


def test_record_holds_the_spoken_audio_and_ends_by_silence(client: Client, call: str, site: Path) -> None:
    path = site / "recordings" / "message.wav"
    client.execute(call, "record", f"{path} 60 200 3", "T")
    client.wait("RECORD_START", call)
    assert client.api(f"sim speak {call} {site / 'speech.wav'}") == "+OK\n"
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", call, timeout=20, Application_UUID="T")
    stop = client.wait("RECORD_STOP", call)
    assert stop["Record-File-Path"] == str(path)
    assert done["variable_silence_hits_exhausted"] == "true"
    assert client.names(call)[-4:] == ["EXECUTE(record)", "RECORD_START", "RECORD_STOP", "EXECUTE_COMPLETE(record)"]
    info = soundfile.info(path)
    assert (info.samplerate, info.channels, info.subtype) == (8000, 1, "PCM_16")
    (start, end), = loud_seconds(path)
    assert end - start == pytest.approx(2.0, abs=0.11)
    assert info.duration - end == pytest.approx(3.0, abs=0.11)
    assert int(done["variable_record_ms"]) == round(info.duration * 1000)
    recorded, _ = soundfile.read(path, dtype="int16")
    spoken, _ = soundfile.read(site / "speech.wav", dtype="int16")
    assert numpy.abs(numpy.correlate(recorded.astype(float), spoken[:4000].astype(float))).max() > 0.99 * float(
        (spoken[:4000].astype(float) ** 2).sum())


def test_silence_alone_ends_after_the_silence_time(client: Client, call: str, site: Path) -> None:
    client.execute(call, "record", f"{site}/recordings/a.wav 60 200 2", "T")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert int(done["variable_record_ms"]) == 2000


def test_the_limit_counts_whole_seconds_as_freeswitch_does(client: Client, call: str, site: Path) -> None:
    client.execute(call, "record", f"{site}/recordings/a.wav 4", "T")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert 4000 < int(done["variable_record_ms"]) <= 5000
    assert done["variable_silence_hits_exhausted"] == "false"


def test_a_key_ends_the_recording(client: Client, call: str, site: Path) -> None:
    client.execute(call, "set", "playback_terminators=#")
    client.execute(call, "record", f"{site}/recordings/a.wav 60 200 5", "T")
    client.wait("RECORD_START", call)
    client.api(f"sim press {call} 1#")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="T")
    assert done["variable_playback_terminator_used"] == "#"
    assert int(done["variable_record_ms"]) < 5000


def test_a_hang_up_keeps_what_was_said(client: Client, site: Path) -> None:
    uuid = client.call(script=[{"until_recording": True}, {"wait": 1}, {"speak": str(site / "speech.wav")}, {"hangup": True}])
    client.wait("CHANNEL_PARK", uuid)
    client.api(f"sched_del {uuid}")
    client.execute(uuid, "answer")
    path = site / "recordings" / "kept.wav"
    client.execute(uuid, "record", f"{path} 60 200 5")
    client.wait("CHANNEL_DESTROY", uuid)
    assert client.names(uuid)[-8:] == ["HANGUP", "RECORD_STOP", "EXECUTE_COMPLETE(record)", "UNPARK", "EXECUTE_COMPLETE(park)",
                                       "CALLSTATE", "HANGUP_COMPLETE", "DESTROY"]
    (start, end), = loud_seconds(path)
    assert start >= 0.9
    assert end - start == pytest.approx(2.0, abs=0.11)
    assert end <= soundfile.info(path).duration + 0.1 < 10


def test_a_path_that_cannot_be_opened_hangs_up(client: Client, call: str) -> None:
    client.execute(call, "record", "/nonexistent/dir/a.wav 10")
    assert client.wait("CHANNEL_HANGUP_COMPLETE", call)["Hangup-Cause"] == "DESTINATION_OUT_OF_ORDER"
    assert "RECORD_START" not in client.names(call)


def test_uuid_record_holds_both_sides_and_the_prompts(client: Client, call: str, site: Path) -> None:
    path = site / "recordings" / "both.wav"
    client.api('sim phone {"extension": "8001", "after": 0.1, "script": [{"wait": 0.5}, {"speak": "%s"}, {"hangup": true}]}'
               % (site / "speech.wav"))
    assert client.api(f"uuid_record {call} start {path}") == "+OK Success\n"
    assert client.api(f"uuid_record {call} start {path}") == "+OK Success\n"  # it is being recorded already
    client.execute(call, "playback", "other.wav", "P")
    client.execute(call, "playback", "silence_stream://1000", "S")
    client.execute(call, "bridge", "user/8001@ivr.local")
    client.wait("CHANNEL_UNBRIDGE", call)
    assert client.api(f"uuid_record {call} stop {path}") == "+OK Success\n"
    stop = client.wait("RECORD_STOP", call)
    assert stop["Record-File-Path"] == str(path)
    stretches = loud_seconds(path)
    assert [round(end - start) for start, end in stretches] == [1, 2]


def test_uuid_record_ends_with_the_call(client: Client, call: str, site: Path) -> None:
    path = site / "recordings" / "whole.wav"
    client.api(f"uuid_record {call} start {path}")
    client.api(f"uuid_kill {call}")
    client.wait("CHANNEL_DESTROY", call)
    names = client.names(call)
    assert names.index("RECORD_STOP") < names.index("HANGUP_COMPLETE")
    assert path.exists()


def test_uuid_record_has_a_limit(client: Client, call: str, site: Path) -> None:
    client.api(f"uuid_record {call} start {site}/recordings/limit.wav 2")
    stop = client.wait("RECORD_STOP", call)
    assert stop["Record-Completion-Cause"] == "success-maxtime"
    assert int(stop["variable_record_seconds"]) == 2


def test_durations_of_files(tmp_path: Path) -> None:
    assert file_duration_ms(tone(tmp_path / "a.wav", 1.25)) == 1250
    assert file_duration_ms(tone(tmp_path / "b.wav", 0.5, rate=16000, channels=2)) == 500
    assert file_duration_ms(tmp_path / "missing.wav") is None
    (tmp_path / "text.wav").write_text("no sound at all")
    assert file_duration_ms(tmp_path / "text.wav") is None
    tone(tmp_path / "a.wav", 2.0)
    assert file_duration_ms(tmp_path / "a.wav") == 2000  # a changed file is measured again


def test_speech_is_brought_to_the_telephones_format(tmp_path: Path) -> None:
    assert len(load_samples(tone(tmp_path / "b.wav", 1.0, rate=16000, channels=2))) == 8000
    with pytest.raises(BadAudio, match="can't be read"):
        load_samples(tmp_path / "missing.wav")


def loud(seconds: float) -> numpy.ndarray:
    return numpy.full(int(seconds * RATE), 1000, numpy.int16)


@pytest.mark.parametrize(("speech", "expected_ms"), [
    ([], 2000),
    ([(0.0, loud(1.0))], 3000),
    ([(1000.0, loud(1.0))], 4000),
    ([(2500.0, loud(1.0))], 2000),
    ([(-500.0, loud(1.0))], 2500),
    ([(-5000.0, loud(1.0))], 2000),
    ([(1000.0, loud(0.5)), (2000.0, loud(0.5))], 4500),
    ([(1000.0, numpy.full(8000, 100, numpy.int16))], 2000),
    ([(500.0, loud(2.0)), (1000.0, loud(0.1))], 4500),
])
def test_silence_detection(speech: list, expected_ms: float) -> None:
    start = 100_000.0
    moved = [(start + at, samples) for at, samples in speech]
    assert silence_at_ms(start, moved, 200, 100) - start == expected_ms


def test_mix_clips_instead_of_wrapping() -> None:
    both = [(0.0, numpy.full(800, 30000, numpy.int16)), (50.0, numpy.full(800, 30000, numpy.int16))]
    mixed = mix(0.0, 200.0, both)
    assert len(mixed) == 1600
    assert mixed[100] == 30000
    assert mixed[500] == 32767
    assert mixed[1300] == 0


def test_a_stereo_recording_has_the_caller_left_and_what_they_hear_right_and_nothing_while_masked(
        client: Client, call: str, site: Path) -> None:
    path = site / "recordings" / "new" / "directory" / "stereo.wav"
    tone(site / "caller.wav", 1.0, 500.0)
    tone(site / "agent.wav", 1.0, 900.0)
    client.api('sim phone {"extension": "8001", "after": 0.1}')
    agent = client.api("originate user/8001@ivr.local &park()")[4:].strip()
    client.wait("CHANNEL_PARK", agent)
    client.api(f"uuid_bridge {call} {agent}")
    client.wait("CHANNEL_BRIDGE", call)
    client.api(f"uuid_setvar {call} RECORD_STEREO true")
    assert client.api(f"uuid_record {call} start {path}") == "+OK Success\n"
    for uuid, name in ((call, "caller"), (agent, "agent")):
        client.api(f"sim speak {uuid} {site}/{name}.wav")
        client.execute(call, "sleep", "1500", name)
        client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID=name)
    assert client.api(f"uuid_record {call} mask {path}") == "+OK Success\n"
    for uuid, name in ((call, "caller"), (agent, "agent")):
        client.api(f"sim speak {uuid} {site}/{name}.wav")
    client.execute(call, "sleep", "1500", "masked")
    client.wait("CHANNEL_EXECUTE_COMPLETE", call, Application_UUID="masked")
    assert client.api(f"uuid_record {call} unmask {path}") == "+OK Success\n"
    assert client.api(f"uuid_record {call} stop {path}") == "+OK Success\n"
    assert client.wait("RECORD_STOP", call)["Record-Completion-Cause"] == "success-maxtime"
    samples, rate = soundfile.read(path)
    assert rate == RATE and samples.shape[1] == 2
    left, right = samples[:, 0], samples[:, 1]
    for side, hertz in ((left, 500.0), (right, 900.0)):
        # One second of the two that were said; a tone passes through zero now and then.
        assert 0.8 * RATE < numpy.count_nonzero(side) <= RATE
        heard = side[side.nonzero()[0][0]:][: RATE // 2]
        assert numpy.argmax(numpy.abs(numpy.fft.rfft(heard))) * 2 == pytest.approx(hertz, abs=4)


@pytest.mark.parametrize("action", ["mask", "unmask", "stop"])
def test_a_recording_that_is_not_there_can_not_be_changed(client: Client, call: str, action: str) -> None:
    word = f"{action} record" if action == "stop" else f"{action} recording"
    assert client.api(f"uuid_record {call} {action} /tmp/none.wav") == f"-ERR Cannot {word} session!\n"
