"""Matching callers and agents: pure decisions, no clock, no switch, no database."""
