"""The flow language: YAML text to checked steps, and the interpreter that walks a caller through them. Pure."""
