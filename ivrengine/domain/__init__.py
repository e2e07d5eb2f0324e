"""Shared vocabulary: events (past tense), commands (imperative), what a caller may hear. Imports nothing of ours."""
