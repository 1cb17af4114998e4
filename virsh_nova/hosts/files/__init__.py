"""Hosts read from files: this one's own, another's file system, a sos report, saved XML or JSON."""
