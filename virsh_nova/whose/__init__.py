"""From whatever names a part of a guest, a PID or a MAC, to the guest it belongs to."""
