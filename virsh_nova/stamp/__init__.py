"""Writing blocks and taking them back: plan, apply, journal, undo."""
