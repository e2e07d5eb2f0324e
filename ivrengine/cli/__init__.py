"""The command line: one file per command group. Parses, asks the app, prints; decides nothing."""
