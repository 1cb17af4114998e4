"""The code of those who share the metadata with us, each in a virtual environment of its own."""
