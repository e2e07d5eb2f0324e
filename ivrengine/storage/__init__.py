"""What must outlive the process: SQLite behind one module per kind of record. No caller outside knows SQL."""
