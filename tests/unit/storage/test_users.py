"""Users of the pages: passwords, lock-outs, sessions, the last admin, and what reaches the audit trail."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivrengine.storage import log_ins, passwords
from ivrengine.storage.errors import NoSuchRecord, StillNeeded
from ivrengine.storage.store import Store
from ivrengine.storage.users import FIRST_ADMIN, BadUser

AT = 1_790_000_000.0
PASSWORD = "long enough, four signs"
IDLE = 600.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "a.db") as store:
        yield store


@pytest.fixture(scope="module")
def password_hash() -> str:
    return passwords.make_hash(PASSWORD)


def add(store: Store, name: str, password_hash: str, role: str = "agent", agent_id: str = "") -> None:
    store.users.add(name, role, agent_id, password_hash, "tests", AT).wait()


def everything(store: Store) -> str:
    with sqlite3.connect(store.database.path) as connection:
        return "\n".join(connection.iterdump())


# -- passwords


@pytest.mark.parametrize("password", ["", "short", "123456789", "aaaaaaaaaaaa", "x" * 201, "my name is Li Wei", "LI WEI 12345"])
def test_a_password_that_is_guessed_at_once_is_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(passwords.BadPassword) as refused:
        passwords.check_form(password, "li wei")
    assert not password or password not in str(refused.value)


def test_a_hash_fits_its_password_alone(password_hash: str) -> None:
    assert passwords.matches(PASSWORD, password_hash) and not passwords.matches(PASSWORD + " ", password_hash)
    assert password_hash != passwords.make_hash(PASSWORD)
    assert not passwords.matches(PASSWORD, "") and not passwords.matches("", passwords.NOBODYS_HASH)
    assert not passwords.matches("\ud800", password_hash)


# -- the first admin


def test_the_first_admin_has_a_one_time_password_until_it_is_changed(store: Store, password_hash: str) -> None:
    first = store.users.first_admin(AT)
    again = store.users.first_admin(AT + 1)
    assert first and again and first != again
    assert store.log_ins.log_in(FIRST_ADMIN, first, AT).result == "wrong"
    assert store.log_ins.log_in(FIRST_ADMIN, again, AT).result == "ok"
    admin = store.users.get(FIRST_ADMIN)
    assert admin and admin.must_change and admin.role == "admin"
    store.users.set_password(FIRST_ADMIN, password_hash, "user admin", AT, must_change=False).wait()
    assert store.users.first_admin(AT) is None
    assert store.log_ins.log_in(FIRST_ADMIN, again, AT).result == "wrong"


def test_a_site_with_users_gets_no_first_admin(store: Store, password_hash: str) -> None:
    add(store, "boss", password_hash, "admin")
    assert store.users.first_admin(AT) is None and store.users.get(FIRST_ADMIN) is None


# -- users


@pytest.mark.parametrize("name", ["", " ", "a" * 41, "li wei", "a\nb", "<b>", "a/b", "a$(b)", "\x00"])
def test_a_name_that_is_none_is_refused(store: Store, password_hash: str, name: str) -> None:
    with pytest.raises(BadUser):
        add(store, name, password_hash)


def test_names_differ_by_more_than_their_size(store: Store, password_hash: str) -> None:
    add(store, " Li.Wei@site ", password_hash)
    assert store.users.get("LI.WEI@SITE") is not None
    with pytest.raises(BadUser):
        add(store, "li.wei@site", password_hash)


def test_an_unknown_role_is_refused(store: Store, password_hash: str) -> None:
    with pytest.raises(BadUser):
        add(store, "li", password_hash, "owner")


def test_the_last_admin_can_neither_go_nor_sink_nor_be_disabled(store: Store, password_hash: str) -> None:
    add(store, "boss", password_hash, "admin")
    add(store, "li", password_hash)
    tries = (
        store.users.remove("boss", "tests", AT),
        store.users.change("boss", "tests", AT, role="supervisor", agent_id="", disabled=False),
        store.users.change("boss", "tests", AT, role="admin", agent_id="", disabled=True),
    )
    for ticket in tries:
        with pytest.raises(StillNeeded):
            ticket.wait()
    boss = store.users.get("boss")
    assert boss and boss.role == "admin" and not boss.disabled
    store.users.change("li", "tests", AT, role="admin", agent_id="", disabled=False).wait()
    store.users.remove("boss", "tests", AT).wait()
    assert [user.name for user in store.users.all()] == ["li"]


def test_somebody_unknown_can_be_neither_changed_nor_removed(store: Store) -> None:
    for ticket in (store.users.remove("li", "t", AT), store.users.unlock("li", "t", AT)):
        with pytest.raises(NoSuchRecord):
            ticket.wait()


def test_every_change_is_audited_without_password_or_key(store: Store, password_hash: str) -> None:
    add(store, "boss", password_hash, "admin")
    add(store, "li", password_hash)
    store.users.change("li", "user boss", AT, role="supervisor", agent_id="1001", disabled=False).wait()
    store.users.change("li", "user boss", AT, role="supervisor", agent_id="1001", disabled=False).wait()  # no change, no row
    store.users.set_password("li", password_hash, "user boss", AT, must_change=True).wait()
    store.users.unlock("li", "user boss", AT).wait()
    key = store.users.renew_key("wallboard", "user boss", AT).wait()
    store.users.remove("li", "user boss", AT).wait()
    rows = store.audit.recent(who="user boss")
    assert [row.verb for row in reversed(rows)] == ["change_user", "set_password", "unlock_user", "renew_key", "remove_user"]
    changed = rows[-1]
    assert (changed.before, changed.after) == (
        '{"agent": "", "disabled": false, "role": "agent"}', '{"agent": "1001", "disabled": false, "role": "supervisor"}',
    )  # fmt: skip
    written = "".join(row.before + row.after for row in store.audit.recent())
    assert password_hash not in written and key not in written


def test_a_key_stays_the_same_until_it_is_renewed(store: Store) -> None:
    key = store.users.key("wallboard")
    assert store.users.key("wallboard") == key != store.users.key("session")
    assert store.users.renew_key("wallboard", "tests", AT).wait() == store.users.key("wallboard") != key


# -- log-ins


def test_the_right_password_opens_a_session_and_nothing_secret_is_kept(store: Store, password_hash: str) -> None:
    add(store, "li", password_hash)
    log_in = store.log_ins.log_in(" LI ", PASSWORD, AT, "10.0.0.7", "a browser\ud800")
    assert log_in.result == "ok"
    found = store.log_ins.who(log_in.token, AT + 1, IDLE)
    assert found is not None and found[0].name == "li" and found[1].address == "10.0.0.7"
    assert log_in.token not in everything(store) and PASSWORD not in everything(store)
    assert [(row.name, row.result, row.browser) for row in store.log_ins.recent()] == [("li", "ok", "a browser\ufffd")]


def test_wrong_unknown_and_disabled_are_told_alike_and_written_down_apart(store: Store, password_hash: str) -> None:
    add(store, "boss", password_hash, "admin")
    add(store, "li", password_hash)
    add(store, "gone", password_hash)
    store.users.change("gone", "tests", AT, role="agent", agent_id="", disabled=True).wait()
    tries = [("li", "no"), ("nobody", PASSWORD), ("gone", PASSWORD), ("gone", "no"), ("li", ""), ("", PASSWORD), ("x" * 5000, "y" * 5000)]
    assert {store.log_ins.log_in(name, password, AT).result for name, password in tries} == {"wrong"}
    results = [row.result for row in store.log_ins.recent()]
    assert results == ["unknown", "unknown", "wrong", "wrong", "disabled", "unknown", "wrong"]


@pytest.mark.parametrize("name", ["li", "nobody"])
def test_a_guesser_is_locked_out_known_name_or_not(store: Store, password_hash: str, name: str) -> None:
    add(store, "li", password_hash)
    for second in range(log_ins.TRIES_LIMIT):
        assert store.log_ins.log_in(name, "no", AT + second).result == "wrong"
    assert store.log_ins.log_in(name, PASSWORD, AT + 60).result == "locked"
    assert store.log_ins.locked(AT + 60) == {name}
    later = AT + log_ins.TRIES_SECONDS + 1
    assert store.log_ins.log_in(name, PASSWORD, later).result == ("ok" if name == "li" else "wrong")


def test_a_right_password_forgets_the_wrong_ones_and_so_does_an_admin(store: Store, password_hash: str) -> None:
    add(store, "li", password_hash)
    for _ in range(log_ins.TRIES_LIMIT - 1):
        store.log_ins.log_in("li", "no", AT)
    assert store.log_ins.log_in("li", PASSWORD, AT).result == "ok"
    for _ in range(log_ins.TRIES_LIMIT):
        store.log_ins.log_in("li", "no", AT)
    assert store.log_ins.log_in("li", PASSWORD, AT).result == "locked"
    store.users.unlock("li", "tests", AT).wait()
    assert store.log_ins.log_in("li", PASSWORD, AT).result == "ok"


def test_to_confirm_a_password_is_a_try_like_any_other(store: Store, password_hash: str) -> None:
    add(store, "li", password_hash)
    assert store.log_ins.confirm("li", PASSWORD, AT) == "ok"
    for _ in range(log_ins.TRIES_LIMIT):
        assert store.log_ins.confirm("li", "no", AT) == "wrong"
    assert store.log_ins.confirm("li", PASSWORD, AT) == "locked"


# -- sessions


def session(store: Store, at: float = AT) -> str:
    log_in = store.log_ins.log_in("li", PASSWORD, at)
    assert log_in.result == "ok"
    return log_in.token


def test_a_session_ends_when_it_is_not_used_and_after_a_day_anyhow(store: Store, password_hash: str) -> None:
    add(store, "li", password_hash)
    token = session(store)
    at = AT
    while at + IDLE - 1 < AT + log_ins.LASTS_SECONDS:
        at += IDLE - 1
        assert store.log_ins.who(token, at, IDLE) is not None
        store.database.write(lambda db: None)  # the use has reached the disk
    assert store.log_ins.who(token, AT + log_ins.LASTS_SECONDS, IDLE) is None
    assert store.log_ins.who(session(store), AT + IDLE, IDLE) is None


@pytest.mark.parametrize("token", ["", "x", "\ud800", "x" * 10_000])
def test_no_session_has_a_token_of_nobody(store: Store, token: str) -> None:
    assert store.log_ins.who(token, AT, IDLE) is None


def test_who_logs_out_leaves_the_others_in(store: Store, password_hash: str) -> None:
    add(store, "li", password_hash)
    one, other = session(store), session(store)
    found = store.log_ins.who(one, AT, IDLE)
    assert found is not None
    store.log_ins.log_out(found[1], AT + 1).wait()
    assert store.log_ins.who(one, AT + 2, IDLE) is None and store.log_ins.who(other, AT + 2, IDLE) is not None
    assert store.log_ins.recent()[0].result == "ended"


@pytest.mark.parametrize("what", ["removed", "disabled", "another password"])
def test_who_may_no_more_is_out_at_once(store: Store, password_hash: str, what: str) -> None:
    add(store, "boss", password_hash, "admin")
    add(store, "li", password_hash)
    one, other = session(store), session(store)
    kept = ""
    if what == "removed":
        store.users.remove("li", "tests", AT).wait()
    elif what == "disabled":
        store.users.change("li", "tests", AT, role="agent", agent_id="", disabled=True).wait()
    else:
        kept = other
        store.users.set_password("li", password_hash, "tests", AT, must_change=False, keep=log_ins.session_key(other)).wait()
    assert store.log_ins.who(one, AT, IDLE) is None
    assert (store.log_ins.who(other, AT, IDLE) is not None) == bool(kept)
