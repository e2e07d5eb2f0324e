"""Queries -> rows, one file per report. Reads the database only, so that it says the same beside a running engine and without one."""
