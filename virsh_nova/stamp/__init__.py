"""Writing blocks and undoing that: plan, apply, journal, undo."""
