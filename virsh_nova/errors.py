"""Every error that a user can cause, with what to do about it and the exit code it ends with."""

from __future__ import annotations

EXIT_FAILED = 1
EXIT_USAGE = 2  # click's own
EXIT_UNREACHABLE = 3
EXIT_FINDINGS = 4  # check found something
EXIT_INTERRUPTED = 130


class NovaDomainsError(Exception):
    """An error told in one line: what went wrong and where, and a hint on what to do."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class HandleError(NovaDomainsError):
    """A handle names no guest, or more than one."""


class GuestError(NovaDomainsError):
    """One guest could not be written to; the others can."""


class HostError(NovaDomainsError):
    """The host could not be reached, or was lost halfway."""

    exit_code = EXIT_UNREACHABLE


class DaemonNotRunning(HostError):
    """Nothing listens where libvirt's daemon should."""


class PermissionRefused(HostError):
    """The daemon is there and does not let this user in."""


class UnknownUri(HostError):
    """libvirt knows no driver for the URI, or cannot read it."""


class HostSilent(HostError):
    """The daemon accepts the connection, or did, and does not answer within the time limit."""


class HostLost(HostError):
    """The connection broke after it had been made."""
