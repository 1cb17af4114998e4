"""``whose``: from a PID, a MAC, a volume or any other part of a guest to the guest."""
