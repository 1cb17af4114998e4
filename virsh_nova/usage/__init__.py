"""``usage``: who uses the host, and how much of it."""
