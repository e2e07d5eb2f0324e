"""The prompts: what callers hear, who plays it, what is missing; uploading, saying, editing, and taking it back.

A stranger's file is only decoded in a process of its own, under a name that we have made. What is replaced or removed is kept. A prompt
that a flow or the engine itself plays can't be removed.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from ivrengine.prompts import versions
from ivrengine.prompts.catalogue_file import TEXT_LIMIT, Entry
from ivrengine.prompts.errors import PromptError
from ivrengine.prompts.job import say_apart
from ivrengine.prompts.load import Loaded, prompt_name
from ivrengine.prompts.names import NAME_LIMIT, is_language, name_problem
from ivrengine.prompts.speech import SPEECH_PREFIX, speech_for
from ivrengine.prompts.tts import EspeakSpeaker, text_digest
from ivrengine.runtime.prompt_work import NoTurn
from ivrengine.runtime.publishing import apart

from ..context import auditor, own_phone, web
from ..telling import in_words
from . import prompts_record
from .prompts_uses import Uses, all_uses
from .recordings_sound import NoSound, serve

UPLOAD_LIMIT_BYTES = 60_000_000  # of one request; ten minutes of a CD's sound have more than any prompt needs
FILES_LIMIT = 50  # in one request
ARCHIVES = (".zip", ".tar", ".tgz", ".tbz2", ".txz", ".gz", ".bz2", ".xz", ".7z", ".rar")
SHOWS = ("all", "missing", "unused", "words")
_SUFFIX = re.compile(r"\.[a-z0-9]{1,8}", re.ASCII)
_UPLOADS = ("prompts.upload",)

blueprint = Blueprint("prompts", __name__, url_prefix="/prompts")


@dataclass(frozen=True, slots=True)
class Row:
    """``duration_ms`` None and a ``problem`` for what can't be played. ``uses``: how many steps of flows play it."""

    name: str
    text: str
    source: str
    duration_ms: int | None
    problem: str | None
    missing: bool
    uses: int
    is_own: bool


@blueprint.url_value_preprocessor
def _take_sounds(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Before the token is looked for in the form: that reads all of it."""
    if endpoint in _UPLOADS:
        request.max_content_length = UPLOAD_LIMIT_BYTES


@blueprint.record_once
def _add_filters(state: Any) -> None:
    state.app.add_template_filter(source_name, "prompt_source")


def source_name(source: str) -> str:
    return {"recorded": _("recorded"), "imported": _("uploaded"), "espeak-ng": _("said by a machine")}.get(source, source)


# -- looking -----------------------------------------------------------------------------------------------------------


@blueprint.get("/")
def index() -> str:
    return _list({})


def _list(problems: dict[str, str]) -> str:
    languages = _languages()
    language = request.values.get("language", "")
    language = language if language in languages else languages[0]
    wanted, show = request.args.get("q", "").strip()[:NAME_LIMIT], request.args.get("show", "all")
    show = show if show in SHOWS else "all"
    uses = _uses()
    rows = _rows(language, uses)
    missing = [row for row in rows if row.problem]
    return render_template(
        "prompts/index.html", spoken=language, prompt_languages=languages, rows=[row for row in rows if _shown(row, wanted, show)],
        wanted=wanted, show=show, missing=missing, sayable=[row for row in missing if row.missing and row.text],
        name=request.form.get("name", ""), problems=problems, faults=web().engine.catalogue.faults,
        limit_mb=UPLOAD_LIMIT_BYTES // 1_000_000,
    )  # fmt: skip


def _shown(row: Row, wanted: str, show: str) -> bool:
    if wanted and wanted.lower() not in f"{row.name} {row.text}".lower():
        return False
    is_word = row.name.startswith(SPEECH_PREFIX)
    match show:
        case "missing":
            return row.problem is not None
        case "unused":
            return not row.uses and not row.is_own
        case "words":
            return is_word
    return not is_word or bool(wanted)


def _rows(language: str, uses: Uses) -> list[Row]:
    """What is there in the language, and what ought to be."""
    catalogue = web().engine.catalogue
    speech = speech_for(language)
    words = speech.WORDS if speech else {}
    names = {*catalogue.names(language), *uses.names(language), *words}
    names |= {name for other in catalogue.languages for name in catalogue.names(other) if uses.is_own(name, language)}
    rows = []
    for name in sorted(names):
        problem, entry = catalogue.problem(name, language), catalogue.entry(name, language)
        duration_ms = None if problem else catalogue.duration_ms(name, language)
        missing = problem is not None and not catalogue.path(name, language).exists() if not name_problem(name) else True
        rows.append(
            Row(
                name, entry.text or words.get(name, ""), entry.source, duration_ms, problem, missing, len(uses.of(name, language)),
                uses.is_own(name, language),
            )
        )  # fmt: skip
    return rows


@blueprint.get("/new")
def new() -> Response | tuple[str, int]:
    """The page of a prompt that is not there yet, to write its text, upload it or record it."""
    language, name = request.args.get("language", ""), request.args.get("new_name", "").strip()
    if language not in _languages():
        abort(404, _("There is no such language."))
    if name_problem(name):
        return _list({"new_name": _("Use small letters, digits, _ and -, with / between directories.")}), 422
    return redirect(url_for("prompts.one", language=language, name=name, new=1))


@blueprint.get("/one/<language>/<path:name>")
def one(language: str, name: str) -> str:
    return _form(language, name, {})


def _form(language: str, name: str, problems: dict[str, str]) -> str:
    _known_names(language, name)
    engine, uses = web().engine, _uses()
    catalogue = engine.catalogue
    former = apart(versions.versions, catalogue, name, language)
    is_there = name in catalogue.names(language)
    is_new = not (is_there or former or uses.of(name, language) or uses.is_own(name, language))
    if is_new and request.method == "GET" and "new" not in request.args:
        abort(404, _("There is no such prompt."))
    problem, entry = catalogue.problem(name, language), catalogue.entry(name, language)
    speech = speech_for(language)
    text = entry.text or (speech.WORDS.get(name, "") if speech else "")
    return render_template(
        "prompts/one.html", spoken=language, name=name, entry=entry, is_there=is_there, problem=problem, problems=problems,
        has_sound=not problem, duration_ms=None if problem else catalogue.duration_ms(name, language), former=former,
        text=request.form.get("text", text), uses=uses.of(name, language), is_own=uses.is_own(name, language),
        others=[each for each in _languages() if each != language], has_others=[each for each in _languages() if each != language
        and name in catalogue.names(each)], may_say=_may_say(name, language),
        stale=entry.source == EspeakSpeaker.source and bool(entry.sha256) and entry.sha256 != text_digest(text),
        limit_mb=UPLOAD_LIMIT_BYTES // 1_000_000, text_limit=TEXT_LIMIT, is_new=is_new, phone=own_phone(), take=prompts_record.latest(),
        take_words=prompts_record.words(),
    )  # fmt: skip


@blueprint.get("/sound/<language>/<path:name>")
def sound(language: str, name: str) -> Response:
    """The WAV itself, by ranges where the browser asks for them; a former one with ``?version=``."""
    _known_names(language, name)
    catalogue, stamp = web().engine.catalogue, request.args.get("version", "")
    try:
        path = versions.version_path(catalogue, name, language, stamp) if stamp else catalogue.path(name, language)
    except PromptError as error:
        abort(404, in_words(error))
    try:
        return serve(path, request.range)
    except NoSound:
        abort(404, _("There is no such prompt."))


# -- bringing in -------------------------------------------------------------------------------------------------------


@blueprint.post("/upload")
def upload() -> str | Response | tuple[str, int]:
    language, name = request.form.get("language", ""), request.form.get("name", "").strip()
    files = [file for file in request.files.getlist("files") if file.filename]
    problems = {}
    if language not in _languages():
        problems["language"] = _("Choose a language.")
    if name and name_problem(name):
        problems["name"] = _("Use small letters, digits, _ and -, with / between directories.")
    elif name and len(files) > 1:
        problems["name"] = _("Several files are named by themselves: leave the name empty.")
    if not files:
        problems["files"] = _("Choose a file.")
    elif len(files) > FILES_LIMIT:
        problems["files"] = _("At most %(most)s files at once.", most=FILES_LIMIT)
    if problems:
        return _list(problems), 422
    loaded = [done for file in files if (done := _bring_in(file, language, name)) is not None]
    if len(files) == 1 and loaded:
        return redirect(url_for("prompts.one", language=language, name=loaded[0].name))
    if len(files) == 1 and name and name in web().engine.catalogue.names(language):
        return redirect(url_for("prompts.one", language=language, name=name))
    return redirect(url_for("prompts.index", language=language))


def _bring_in(file: FileStorage, language: str, name: str) -> Loaded | None:
    """Make a prompt of one file and say what became of it; None where it was refused."""
    given = PurePosixPath((file.filename or "").replace("\\", "/")).name[:200]
    suffix = PurePosixPath(given).suffix.lower()
    wanted = name or prompt_name(PurePosixPath(given or "sound"))
    if suffix in ARCHIVES:
        return _refuse(given, _("archives are brought in by `ivrengine prompts load`; here choose the recordings themselves"))
    if name_problem(wanted):
        return _refuse(given, _("its name can't name a prompt: use small letters, digits, _ and -, or write a name into the form"))
    engine = web().engine
    before = _state(wanted, language)
    folder, _slash, stem = wanted.rpartition("/")
    with tempfile.TemporaryDirectory(prefix="ivrengine-") as directory:
        source = Path(directory) / (stem + (suffix if _SUFFIX.fullmatch(suffix) else ".sound"))
        try:
            apart(file.save, source)
            loaded = engine.prompt_work.bring_in(source, language, folder)
        except NoTurn:
            return _refuse(given, _("other prompts are being made; try again in a moment"))
        except (PromptError, OSError) as error:
            return _refuse(given, in_words(error))
    if loaded.outcome in ("refused", "passed_over"):
        return _refuse(given, in_words(loaded.detail).removeprefix(source.name).lstrip(" :："))
    _audit("upload", wanted, language, before)
    if loaded.outcome == "unchanged":
        flash(_("%(name)s is this very file already.", name=wanted))
    elif before:
        flash(_("%(name)s is replaced; the former one is kept below.", name=wanted))
    else:
        flash(_("%(name)s is added.", name=wanted))
    for warning in loaded.warnings:
        flash(_("%(file)s: %(warning)s", file=given, warning=in_words(warning)), "warning")
    return loaded


def _refuse(file: str, sentence: str) -> None:
    flash(_("%(file)s is refused: %(why)s", file=file or "?", why=sentence), "error")


@blueprint.post("/say/<language>/<path:name>")
def say(language: str, name: str) -> Response:
    """Speech from the text that is kept."""
    _known_names(language, name)
    if not _may_say(name, language):
        flash(_("A person has recorded this, so it is not replaced by a machine. Remove the recording first."), "error")
    else:
        _say(language, [name])
    return redirect(url_for("prompts.one", language=language, name=name))


@blueprint.post("/say-missing")
def say_missing() -> Response:
    language = request.form.get("language", "")
    if language not in _languages():
        abort(404, _("There is no such language."))
    names = [row.name for row in _rows(language, _uses()) if row.missing and row.text]
    _say(language, names)
    return redirect(url_for("prompts.index", language=language, show="missing"))


def _say(language: str, names: list[str]) -> None:
    engine = web().engine
    before = {name: _state(name, language) for name in names}
    root, again = engine.catalogue.root, len(names) == 1
    try:
        results = engine.prompt_work.in_turn(lambda: say_apart(root, language, names, again=again)) if names else []
    except NoTurn:
        flash(_("Other prompts are being made; try again in a moment."), "error")
        return
    except PromptError as error:
        flash(in_words(error), "error")
        return
    engine.prompt_work.follow()
    for result in results:
        if result.outcome == "said":
            _audit("say", result.name, language, before[result.name])
        elif result.outcome == "failed":
            flash(in_words(result.detail), "error")
    said = sum(result.outcome == "said" for result in results)
    flash(_("%(said)s said from text.", said=said), "message" if said else "warning")


# -- changing ----------------------------------------------------------------------------------------------------------


@blueprint.post("/text/<language>/<path:name>")
def change(language: str, name: str) -> str | Response | tuple[str, int]:
    _known_names(language, name)
    catalogue, to = web().engine.catalogue, request.form.get("to", language)
    text = " ".join(request.form.get("text", "").split())
    if len(text) > TEXT_LIMIT:
        return _form(language, name, {"text": _("A text has at most %(most)s characters.", most=TEXT_LIMIT)}), 422
    if to != language and to not in _languages():
        return _form(language, name, {"to": _("Choose a language.")}), 422
    if to != language and (used := _refusal(name, language)):
        return _form(language, name, {"to": used}), 422
    before, entry = _state(name, language), catalogue.entry(name, language)
    try:
        apart(catalogue.update, language, {name: Entry(text, entry.source, entry.sha256)})
        if to != language:
            apart(versions.move, catalogue, name, language, to)
    except PromptError as error:
        return _form(language, name, {"to" if to != language else "text": in_words(error)}), 422
    _audit("change", name, to, before)
    flash(_("%(name)s is changed.", name=name))
    return redirect(url_for("prompts.one", language=to, name=name))


@blueprint.post("/undo/<language>/<path:name>")
def undo(language: str, name: str) -> Response:
    """Put a former version back."""
    _known_names(language, name)
    before = _state(name, language)
    try:
        apart(versions.restore, web().engine.catalogue, name, language, request.form.get("version", ""))
    except (PromptError, OSError) as error:
        flash(in_words(error), "error")
    else:
        _audit("restore", name, language, before)
        flash(_("%(name)s is as it was.", name=name))
    return redirect(url_for("prompts.one", language=language, name=name))


@blueprint.post("/remove/<language>/<path:name>")
def remove(language: str, name: str) -> Response:
    _known_names(language, name)
    here = redirect(url_for("prompts.one", language=language, name=name))
    if used := _refusal(name, language):
        flash(used, "error")
        return here
    before = _state(name, language)
    try:
        apart(versions.remove, web().engine.catalogue, name, language)
    except (PromptError, OSError) as error:
        flash(in_words(error), "error")
        return here
    _audit("remove", name, language, before)
    flash(_("%(name)s is removed.", name=name))
    has_former = apart(versions.versions, web().engine.catalogue, name, language)
    return here if has_former else redirect(url_for("prompts.index", language=language))


# -- what all of them need ---------------------------------------------------------------------------------------------


def _languages() -> list[str]:
    """Those of the settings first, then any other that has prompts."""
    return list(dict.fromkeys([*web().engine.settings.languages, *web().engine.catalogue.languages]))


def _known_names(language: str, name: str) -> None:
    if not is_language(language) or name_problem(name) or language not in _languages():
        abort(404, _("There is no such prompt."))


def _uses() -> Uses:
    engine = web().engine
    return all_uses([engine.publisher.draft(), engine.publisher.published()])


def _may_say(name: str, language: str) -> bool:
    """A recording of a person is never replaced by a machine."""
    catalogue = web().engine.catalogue
    missing = not catalogue.path(name, language).exists()
    return missing or catalogue.entry(name, language).source == EspeakSpeaker.source


def _refusal(name: str, language: str) -> str:
    """Why a prompt can't be taken out of its language; "" where it can."""
    uses = _uses()
    if uses.is_own(name, language):
        return _("The engine says this by itself, so it can't be taken away.")
    found = uses.of(name, language)
    if not found:
        return ""
    return _("It is still played by %(uses)s.", uses=", ".join(f"{use.file} ({use.step})" for use in found[:10]))


def _state(name: str, language: str) -> dict[str, Any]:
    return web().engine.prompt_work.state(name, language)


def _audit(verb: str, name: str, language: str, before: dict[str, Any]) -> None:
    after = _state(name, language)
    web().engine.store.audit.add(auditor(), f"{verb}_prompt", f"prompt {name}", before or None, after or None, web().now()).wait()
