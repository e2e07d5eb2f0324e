"""English and Chinese: texts are written in English in code and templates, their translations stand in translations/zh_CN/<page>.po.

One file for each page, read once when the pages start: there is nothing to compile. ``scripts/translations`` tells what is missing.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import gevent
from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, request
from flask_babel import Babel, Domain, get_locale

DIRECTORY = Path(__file__).parent / "translations"
LANGUAGES = {"en": "English", "zh-CN": "中文"}  # as the page's lang tells it, and as its readers call it
COOKIE = "ivrengine_language"


class PageDomain(Domain):
    """flask_babel's way of finding translations, from .po files."""

    def get_translations(self) -> NullTranslations:
        locale = get_locale()  # str(locale) would tell the script too, zh_Hans_CN
        return _translations("zh_CN" if locale and locale.language == "zh" else "en")


@cache
def _translations(locale: str) -> NullTranslations:
    merged = Catalog(locale=Locale.parse(locale))
    for path in sorted((DIRECTORY / locale).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=locale):
                if message.id and message.string and not message.fuzzy:
                    merged.add(message.id, message.string, context=message.context)
    binary = io.BytesIO()
    write_mo(binary, merged)
    binary.seek(0)
    return Translations(binary)


def init(app: Flask) -> None:
    # To read them takes a while: not on the hub, and not when the first Chinese page is asked for.
    gevent.get_hub().threadpool.apply(_translations, ("zh_CN",))
    babel = Babel(app, locale_selector=lambda: g.get("language", "en").replace("-", "_"))
    babel.domain_instance = PageDomain()


def choose(preferred: str) -> str:
    """The language of this request's page: the user's own, the one chosen in this browser, or what the browser asks for."""
    for wish in (preferred, request.cookies.get(COOKIE, "")):
        if wish in LANGUAGES:
            return wish
    best = request.accept_languages.best_match(["en", "zh", *LANGUAGES])
    return "zh-CN" if best and best.startswith("zh") else "en"
