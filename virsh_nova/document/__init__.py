"""The JSON document of a guest, described once, for writing and for reading."""
