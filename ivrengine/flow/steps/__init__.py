"""All steps of the flow language, one per file. Imported by name: what is listed here exists, nothing else."""

from . import hangup, menu, play

__all__ = ["hangup", "menu", "play"]
