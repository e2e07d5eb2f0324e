"""Every text of the pages has its Chinese; the language is the user's, the browser's or the one asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from webadmin import translating
from webadmin.i18n import COOKIE


def test_every_text_is_translated() -> None:
    assert translating.problems() == [], "run ./scripts/translations --write and fill in what is missing"


def test_a_missing_and_a_wrong_translation_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translating, "DIRECTORY", tmp_path)
    assert "log_in.po: not translated: 'Password'" in translating.problems()
    translating.write([])
    path = tmp_path / "zh_CN" / "calls.po"
    text = 'msgid "Call at %(time)s"\nmsgstr "{}"'
    path.write_text(path.read_text("utf-8").replace(text.format(""), text.format("%(when)s")), "utf-8")
    (tmp_path / "zh_CN" / "gone.po").write_text("", "utf-8")
    found = "\n".join(translating.problems())
    assert "calls.po: translated wrongly" in found and "gone.po: the page is gone" in found


def test_the_same_word_with_two_translations_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translating, "DIRECTORY", tmp_path)
    translating.write(["users", "log_in"])
    for page, chinese in (("users", "甲"), ("log_in", "乙")):
        path = tmp_path / "zh_CN" / f"{page}.po"
        path.write_text(path.read_text("utf-8").replace('msgid "User name"\nmsgstr ""', f'msgid "User name"\nmsgstr "{chinese}"'), "utf-8")
    assert "'User name' is translated differently: log_in.po 乙, users.po 甲" in translating.problems()


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), ("zh", "zh-CN"), ("zh-TW", "zh-CN"), ("de,en;q=0.5", "en"), ("fr", "en"), ("", "en"),
        ("en,zh;q=0.1", "en"),
    ],
)
def test_the_browser_is_asked_first(app: Flask, header: str, language: str) -> None:
    page = app.test_client().get("/log-in", headers={"Accept-Language": header})
    assert f'lang="{language}"' in page.text and ("密码" in page.text) == (language == "zh-CN")


def test_a_choice_wins_over_the_browser_and_nonsense_does_not(app: Flask) -> None:
    browser = app.test_client()
    browser.set_cookie(COOKIE, "zh-CN")
    assert '<html lang="zh-CN"' in browser.get("/log-in", headers={"Accept-Language": "en"}).text
    browser.set_cookie(COOKIE, "../../etc")
    assert '<html lang="en"' in browser.get("/log-in", headers={"Accept-Language": "en"}).text
