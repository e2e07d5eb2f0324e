"""Prompts: the files a caller hears, their texts, where they come from, and how a value becomes a row of words."""
