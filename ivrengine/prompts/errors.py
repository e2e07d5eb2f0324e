"""What can go wrong with prompts, told in sentences that name the file, so that they can be shown to a person as they are."""

from __future__ import annotations


class PromptError(Exception):
    """A prompt can't be used, made or kept."""


class BadName(PromptError):
    """A prompt or language has a name that can't be used."""


class PromptUnusable(PromptError):
    """A prompt was asked for that is missing, or that can't be played."""


class CatalogueBroken(PromptError):
    """A catalogue.yml can't be read, so it must not be written either."""


class NotAudio(PromptError):
    """A file that was to become a prompt is no audio that can be read."""


class ConverterMissing(PromptError):
    """A file needs ffmpeg to be read, and ffmpeg is not installed."""


class SourceRefused(PromptError):
    """A directory or archive of prompts is refused as a whole."""


class SpeakerFailed(PromptError):
    """The program that turns text into speech is missing or failed."""
