"""Hosts read from files: this machine's own, another file system, a sos report, or dumped XML."""
