"""The SQLite file that ``collect`` writes: its schema, its writer and its reader."""
