"""One strategy per file: who of several free agents is asked first."""
