"""Handles: everything that a guest can be asked for by, and the spellings that mean the same."""
