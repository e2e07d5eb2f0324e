from __future__ import annotations

from collections.abc import Callable, Iterator
from socket import SO_SNDBUF, SOL_SOCKET

import gevent
import pytest
from esl_peer import PASSWORD, Peer, Session, api, event, reply
from gevent.event import Event
from gevent.server import StreamServer

from ivrengine.esl import connection as module
from ivrengine.esl.connection import Connection
from ivrengine.esl.errors import (
    EslError,
    SwitchRefused,
    SwitchRejectedUs,
    SwitchTimeout,
    SwitchUnavailable,
    UnsafeCommand,
)


@pytest.fixture
def peers() -> Iterator[Callable[..., Peer]]:
    made: list[Peer] = []

    def make(*args, **options) -> Peer:
        made.append(Peer(*args, **options))
        return made[-1]

    yield make
    for peer in made:
        peer.close()


def connected(peer: Peer, **options) -> Connection:
    connection = Connection("127.0.0.1", peer.port, PASSWORD, **options)
    connection.connect()
    return connection


def silent_about(*starts: str) -> Callable[[Session, str], bytes | None]:
    """A script that never answers commands which start so."""
    return lambda session, command: b"" if command.startswith(starts) else None


# -- connecting


def test_connects_and_speaks(peers):
    connection = connected(peers())
    assert connection.connected
    assert connection.api("status") == "+OK\n"
    assert connection.command("noevents").text == "+OK"
    connection.stop()
    assert not connection.connected


def test_a_wrong_password_is_legible_and_never_shown(peers):
    with pytest.raises(SwitchRejectedUs, match="refused our password .-ERR invalid.") as caught:
        Connection("127.0.0.1", peers().port, "not-the-secret").connect()
    assert "not-the-secret" not in str(caught.value)


def test_an_access_list_that_refuses_us_is_legible(peers):
    text = b"Access Denied, go away.\n"
    peer = peers(greeting=b"Content-Type: text/rude-rejection\nContent-Length: %d\n\n" % len(text) + text)
    with pytest.raises(SwitchRejectedUs, match=r"access list refuses us \(Access Denied, go away.\)"):
        connected(peer)


def test_nobody_there_is_legible():
    server = StreamServer(("127.0.0.1", 0), lambda sock, address: None)
    server.init_socket()
    port = server.server_port
    server.close()
    with pytest.raises(SwitchUnavailable, match="can't connect"):
        Connection("127.0.0.1", port, PASSWORD).connect()


def test_a_peer_that_says_nothing_meets_a_deadline(peers):
    peer = peers(greeting=b"")
    with pytest.raises(SwitchTimeout, match="said nothing"):
        connected(peer, auth_seconds=0.05)


def test_a_peer_that_never_answers_the_password_meets_a_deadline(peers):
    with pytest.raises(SwitchTimeout):
        connected(peers(silent_about("auth")), auth_seconds=0.05)


def test_a_peer_that_hangs_up_before_the_greeting_is_noticed_at_once():
    server = StreamServer(("127.0.0.1", 0), lambda sock, address: sock.close())
    server.start()
    with pytest.raises(SwitchUnavailable, match="closed the connection"):
        Connection("127.0.0.1", server.server_port, PASSWORD).connect()
    server.stop()


# -- replies


def test_replies_find_their_commands_first_in_first_out(peers):
    peer = peers(lambda session, command: api(command.split()[-1]) if command.startswith("api echo") else None)
    connection = connected(peer)
    asked = [gevent.spawn(connection.api, f"echo {number}") for number in range(200)]
    assert [greenlet.get(timeout=5) for greenlet in asked] == [str(number) for number in range(200)]


def test_a_late_reply_is_dropped_and_shifts_no_other(peers):
    def script(session: Session, command: str) -> bytes | None:
        return {"api slow": b"", "api quick": api("slow one") + api("quick one")}.get(command)

    connection = connected(peers(script))
    with pytest.raises(SwitchTimeout):
        connection.api("slow", timeout=0.05)
    assert connection.api("quick") == "quick one"


def test_time_outs_are_exceptions_of_ours_not_base_exceptions(peers):
    connection = connected(peers(silent_about("api")))
    with pytest.raises(EslError) as caught:
        connection.api("x", timeout=0.01)
    assert isinstance(caught.value, Exception)
    assert not isinstance(caught.value, gevent.Timeout)


def test_a_refusal_is_an_exception_of_its_own(peers):
    connection = connected(peers(lambda session, command: api("-ERR No such channel!\n") if command.startswith("api") else None))
    with pytest.raises(SwitchRefused, match="No such channel"):
        connection.api("uuid_kill x")


def test_an_unsolicited_reply_kills_nothing(peers):
    peer = peers()
    connection = connected(peer)
    peer.sessions[0].send(reply("+OK nobody asked"))
    while not connection.unsolicited_replies:
        gevent.sleep(0)
    assert connection.connected
    assert connection.api("status") == "+OK\n"


@pytest.mark.parametrize(
    "noise",
    [
        b"Content-Type: text/event-json\nContent-Length: 2\n\n{}",
        b"Content-Type: log/data\nContent-Length: 3\nLog-Level: 7\n\n\xff\xfe\n",
        b"Content-Type: text/who-knows\n\n",
        b"\n\n\n",
        b"Content-Type: text/disconnect-notice\nContent-Disposition: linger\nContent-Length: 2\n\nhi",
    ],
)
def test_frames_we_did_not_ask_for_do_no_harm(peers, noise: bytes):
    peer = peers()
    connection = connected(peer)
    peer.sessions[0].send(noise)
    assert connection.api("status") == "+OK\n"


def test_a_reply_that_is_no_utf8_arrives(peers):
    connection = connected(peers(lambda session, command: api(b"Jos\xe9 \xff") if command.startswith("api") else None))
    assert connection.api("x") == "Jos\udce9 \udcff"
    assert connection.connected


# -- sending


@pytest.mark.parametrize("text", ["api status\n\napi shutdown", "api a\rb", "api a\0b", "sendmsg x\ncall-command: hangup"])
def test_a_line_break_injects_no_command(peers, text: str):
    peer = peers()
    connection = connected(peer)
    with pytest.raises(UnsafeCommand):
        connection.command(text)
    with pytest.raises(UnsafeCommand):
        connection.pipeline(["api status", text])
    with pytest.raises(UnsafeCommand):
        connection.post_message(["sendmsg x", text])
    connection.api("status")
    assert peer.said() == [f"auth {PASSWORD}", "api status"]


def test_call_command_locks_and_carries_its_token(peers):
    peer = peers()
    connected(peer).call_command("c-1", "playback", "/tmp/a.wav", "token-7")
    assert peer.said()[-1].split("\n") == [
        "sendmsg c-1",
        "call-command: execute",
        "execute-app-name: playback",
        "execute-app-arg: /tmp/a.wav",
        "event-lock: true",
        "Event-UUID: token-7",
    ]


class Writes:
    """A socket that remembers what each write held."""

    def __init__(self, sock) -> None:
        self._sock = sock
        self.seen: list[bytes] = []

    def send(self, raw: bytes, flags: int, timeout: float) -> int:
        self.seen.append(raw)
        return self._sock.send(raw, flags, timeout)

    def __getattr__(self, name: str):
        return getattr(self._sock, name)


def test_what_nobody_waits_for_shares_a_write_with_what_follows(peers):
    connection = connected(peers())
    connection.sock = writes = Writes(connection.sock)
    first = connection.post_soon("api first")
    second = connection.post_message_soon(["sendmsg x", "call-command: hangup"])
    assert connection.api("third") == "+OK\n"
    assert writes.seen == [b"api first\n\nsendmsg x\ncall-command: hangup\n\napi third\n\n"]
    assert first.get_nowait().ok and second.get_nowait().ok


def test_what_nobody_waits_for_goes_by_itself(peers):
    peer = peers()
    assert connected(peer).post_soon("api alone").get(timeout=5).ok
    assert peer.said()[-1] == "api alone"


def test_what_was_held_back_ends_with_the_connection(peers):
    connection = connected(peers())
    held_back = connection.post_soon("api x")
    connection.lose("a fault")
    with pytest.raises(SwitchUnavailable, match="a fault"):
        held_back.get(timeout=5)
    with pytest.raises(SwitchUnavailable):
        connection.post_soon("api x")
    with pytest.raises(UnsafeCommand):
        connection.post_soon("api x\n\napi y")


def test_large_commands_of_many_greenlets_are_never_mixed(peers):
    # Far more than a socket's buffer at once: with send instead of sendall, or without the lock, commands would be torn.
    peer = peers(lambda session, command: api(command[-1] * 3) if command.startswith("api x") else None)
    connection = connected(peer)
    connection.sock.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
    asked = [gevent.spawn(connection.api, "x" + letter * 300_000) for letter in "abcdefgh"]
    assert [greenlet.get(timeout=10) for greenlet in asked] == [letter * 3 for letter in "abcdefgh"]


def test_a_switch_that_reads_no_more_ends_in_our_exception(peers):
    stuck = Event()

    def script(session: Session, command: str) -> bytes | None:
        if command.startswith("api stop"):
            stuck.wait()
        return None

    connection = connected(peers(script), send_seconds=0.1)
    connection.post("api stop")
    with pytest.raises(SwitchUnavailable, match="reads no more"):
        for _ in range(1000):
            connection.post("api " + "x" * 1_000_000)
    assert not connection.connected
    stuck.set()


def test_there_is_a_limit_to_unanswered_commands(peers, monkeypatch):
    monkeypatch.setattr(module, "WAITING_LIMIT", 3)
    connection = connected(peers(silent_about("api")))
    for _ in range(3):
        connection.post("api x")
    with pytest.raises(SwitchTimeout, match="more than 3 commands"):
        connection.post("api x")


# -- the end


def waiting(connection: Connection, how_many: int) -> list[gevent.Greenlet]:
    greenlets = [gevent.spawn(connection.api, "never", 60) for _ in range(how_many)]
    while len(connection._commands_sent) < how_many:
        gevent.sleep(0)
    return greenlets


@pytest.mark.parametrize(
    ("last_words", "sentence"),
    [
        (b"", "the switch closed the connection"),
        (api("12345")[:-2], "in the middle of"),
        (b"Content-Type: api/resp", "in the middle of"),
        (b"Content-Type: text/disconnect-notice\nContent-Length: 67\n\n" + b"x" * 67, "said goodbye"),
        (b"Content-Length: none\n\n", "no number"),
    ],
)
def test_every_waiter_is_told_at_once_however_it_ends(peers, last_words: bytes, sentence: str):
    told: list[str] = []
    peer = peers(silent_about("api never"))
    connection = connected(peer, on_lost=told.append)
    greenlets = waiting(connection, 20)
    peer.sessions[0].send(last_words)
    if b"notice" not in last_words:
        peer.sessions[0].drop()
    for greenlet in greenlets:
        with pytest.raises(SwitchUnavailable, match=sentence):
            greenlet.get(timeout=2)
    assert not connection.connected
    assert len(told) == 1
    assert sentence in told[0]
    with pytest.raises(SwitchUnavailable, match=sentence):
        connection.api("later")


def test_eof_in_the_middle_of_a_body_does_not_spin(peers):
    # greenswitch read on for ever here without giving way: this test would then never come back.
    peer = peers()
    connection = connected(peer)
    peer.sessions[0].send(b"Content-Type: text/event-plain\nContent-Length: 5000\n\nhalf")
    peer.sessions[0].drop()
    with gevent.Timeout(2):
        connection._receive_events_greenlet.join()
    assert "in the middle of" in connection.lost_because


# -- events


def test_handlers_are_called_by_name_with_star_for_the_rest(peers):
    peer = peers()
    connection = connected(peer)
    got: list[tuple[str, str]] = []
    connection.register_handle("DTMF", lambda one: got.append(("dtmf", one.unique_id)))
    connection.register_handle("sofia::register", lambda one: got.append(("custom", one.unique_id)))
    connection.register_handle("*", lambda one: got.append(("rest", one.event_name)))
    peer.sessions[0].send(event("DTMF", "c1") + event("CUSTOM", "c2", Event_Subclass="sofia%3A%3Aregister") + event("OTHER", "c3"))
    while len(got) < 3:
        gevent.sleep(0)
    assert got == [("dtmf", "c1"), ("custom", "c2"), ("rest", "OTHER")]


def test_a_handler_that_fails_costs_nobody_else_an_event(peers):
    peer = peers()
    connection = connected(peer)
    got: list[str] = []
    connection.register_handle("DTMF", lambda one: 1 / 0)
    connection.register_handle("DTMF", lambda one: got.append(one.unique_id))
    peer.sessions[0].send(event("DTMF", "c1") + event("DTMF", "c2"))
    while len(got) < 2:
        gevent.sleep(0)
    assert connection.connected


def test_the_reader_lets_others_work_while_events_flood_in(peers, monkeypatch):
    # All of it lies in the socket's buffer already: no read ever has to wait, so none gives way by itself.
    monkeypatch.setattr(module, "RECEIVE_BYTES", 4096)
    peer = peers()
    connection = connected(peer)
    seen = 0

    def count(_event) -> None:
        nonlocal seen
        seen += 1

    connection.register_handle("DTMF", count)
    peer.sessions[0].send(event("DTMF", "c1", variable_x="v" * 1000) * 150)
    most_at_once = before = 0
    while seen < 150:
        gevent.sleep(0)
        most_at_once, before = max(most_at_once, seen - before), seen
    assert most_at_once <= 5
